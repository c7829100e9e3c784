"""A bounded decoder for CBOR (RFC 8949): what claims, assertions and signatures of C2PA are made of.

It never recurses, whatever the nesting, and a map keeps every pair in order: a duplicate key, which
other decoders drop, cannot hide what stands behind it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Union

from noai.errors import ContainerError, ContainerMalformed, LimitExceeded
from noai.limits import CBOR_DEPTH, CBOR_ITEMS

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
#: How many bytes hold the argument, by the low five bits of the initial byte (section 3).
_ARGUMENT_BYTES: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_INDEFINITE: Final = 31
_FLOATS: Final = {25: ">e", 26: ">f", 27: ">d"}
_SIMPLE_VALUES: Final[dict[int, bool | None]] = {20: False, 21: True, 22: None, 23: None}

#: An array is a tuple; ``undefined`` is None.
Value = Union[int, float, str, bytes, bool, None, tuple["Value", ...], "Map", "Tagged"]


@dataclass(frozen=True)
class Map:
    """A map as its pairs, in order, duplicates kept."""

    pairs: tuple[tuple[Value, Value], ...] = ()

    def all(self, key: int | str) -> list[Value]:
        """Every value under ``key``."""
        return [value for held, value in self.pairs if type(held) is type(key) and held == key]

    def first(self, key: int | str) -> Value:
        """The first value under ``key``, or None."""
        return next(iter(self.all(key)), None)

    @property
    def repeats_a_key(self) -> bool:
        keys = [key for key, _ in self.pairs if isinstance(key, (str, int))]
        return len({(type(key), key) for key in keys}) != len(keys)


@dataclass(frozen=True)
class Tagged:
    number: int
    value: Value


@dataclass
class Budget:
    """How many items may still be read; one budget can serve several decodings."""

    items: int = CBOR_ITEMS

    def spend(self) -> None:
        self.items -= 1
        if self.items < 0:
            raise LimitExceeded(f"more than {CBOR_ITEMS} CBOR items")


@dataclass(frozen=True)
class Salvage:
    """What could be read of damaged data, containers closed where the data stopped, and why it did."""

    value: Value
    error: ContainerError | None


def decode(data: bytes, budget: Budget | None = None) -> Value:
    """The one data item that ``data`` is.

    Raises:
        ContainerMalformed: if it is not well-formed, or bytes follow it.
        LimitExceeded: if it has more items or levels than :mod:`noai.limits` allows.
    """
    result = salvage(data, budget)
    if result.error is not None:
        raise result.error
    return result.value


def salvage(data: bytes, budget: Budget | None = None) -> Salvage:
    """As much of the data item in ``data`` as is readable. Never raises."""
    decoder = _Decoder(data, budget or Budget())
    try:
        value = decoder.run()
    except (ContainerMalformed, LimitExceeded) as error:
        return Salvage(decoder.unfinished(), error)
    if decoder.position != len(data):
        return Salvage(value, ContainerMalformed("bytes follow the CBOR item"))
    return Salvage(value, None)


def walk(value: Value) -> Iterator[Value]:
    """``value`` and everything inside it, without recursion."""
    pending = [value]
    while pending:
        current = pending.pop()
        yield current
        if isinstance(current, tuple):
            pending.extend(reversed(current))
        elif isinstance(current, Tagged):
            pending.append(current.value)
        elif isinstance(current, Map):
            pending.extend(part for pair in reversed(current.pairs) for part in reversed(pair))


class _Break:
    """The stop code of indefinite lengths."""


_BREAK: Final = _Break()


@dataclass
class _Open:
    """A container whose items are still being read; ``missing`` is None for indefinite length."""

    major: int
    missing: int | None
    tag: int = 0
    items: list[Value] = field(default_factory=list)

    def close(self) -> Value:
        if self.major == _TAG:
            return Tagged(self.tag, self.items[0] if self.items else None)
        if self.major == _MAP:
            # In unfinished data a last key may have no value.
            return Map(tuple(zip(self.items[::2], self.items[1::2], strict=False)))
        if self.major == _TEXT:
            return "".join(item for item in self.items if isinstance(item, str))
        if self.major == _BYTES:
            return b"".join(item for item in self.items if isinstance(item, bytes))
        return tuple(self.items)


class _Decoder:
    def __init__(self, data: bytes, budget: Budget) -> None:
        self.position = 0
        self._data = data
        self._budget = budget
        self._open: list[_Open] = []

    def run(self) -> Value:
        while True:
            item = self._item()
            if isinstance(item, _Open):
                if item.missing != 0:
                    self._push(item)
                    continue
                item = item.close()
            elif isinstance(item, _Break):
                item = self._closed_by_break()
            while self._open:
                container = self._open[-1]
                self._add(container, item)
                if container.missing != 0:
                    break
                item = self._open.pop().close()
            else:
                return item

    def unfinished(self) -> Value:
        """What was read before an error, with every open container closed."""
        value: Value = None
        while self._open:
            container = self._open.pop()
            if value is not None:
                container.items.append(value)
            value = container.close()
        return value

    def _push(self, container: _Open) -> None:
        if len(self._open) >= CBOR_DEPTH:
            raise LimitExceeded(f"CBOR nests deeper than {CBOR_DEPTH}")
        self._open.append(container)

    def _add(self, container: _Open, item: Value) -> None:
        if container.major in (_TEXT, _BYTES):
            kind = str if container.major == _TEXT else bytes
            if not isinstance(item, kind):
                raise ContainerMalformed("a chunk of a CBOR string is of another kind")
        container.items.append(item)
        if container.missing is not None:
            container.missing -= 1

    def _closed_by_break(self) -> Value:
        if not self._open or self._open[-1].missing is not None:
            raise ContainerMalformed("a CBOR break stands where nothing is open")
        container = self._open.pop()
        if container.major == _MAP and len(container.items) % 2:
            raise ContainerMalformed("a CBOR map ends after a key")
        return container.close()

    def _item(self) -> Value | _Open | _Break:
        self._budget.spend()
        initial = self._take(1)[0]
        major, info = initial >> 5, initial & 31
        if major == _SIMPLE:
            return self._simple(info)
        if info == _INDEFINITE:
            if major not in (_BYTES, _TEXT, _ARRAY, _MAP):
                raise ContainerMalformed("a CBOR item cannot have indefinite length")
            return _Open(major, None)
        argument = self._argument(info)
        if major == _UNSIGNED:
            return argument
        if major == _NEGATIVE:
            return -1 - argument
        if major == _BYTES:
            return self._take(argument)
        if major == _TEXT:
            return _text(self._take(argument))
        if major == _TAG:
            return _Open(_TAG, 1, argument)
        return _Open(major, argument * 2 if major == _MAP else argument)

    def _simple(self, info: int) -> Value | _Break:
        if info == _INDEFINITE:
            return _BREAK
        if info in _FLOATS:
            (number,) = struct.unpack(_FLOATS[info], self._take(_ARGUMENT_BYTES[info]))
            return float(number)
        if info in _SIMPLE_VALUES:
            return _SIMPLE_VALUES[info]
        raise ContainerMalformed("a CBOR simple value has no meaning")

    def _argument(self, info: int) -> int:
        if info < min(_ARGUMENT_BYTES):
            return info
        if info not in _ARGUMENT_BYTES:
            raise ContainerMalformed("a CBOR item has a reserved length")
        return int.from_bytes(self._take(_ARGUMENT_BYTES[info]), "big")

    def _take(self, length: int) -> bytes:
        end = self.position + length
        if end > len(self._data):
            raise ContainerMalformed("CBOR data end inside an item")
        taken = self._data[self.position : end]
        self.position = end
        return taken


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ContainerMalformed("a CBOR text is not UTF-8") from None
