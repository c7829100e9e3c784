"""A glance at the items of an MP4 file: plain and freeform ones, as iTunes writes them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from noai.containers._glance_atoms import PLAIN_ITEMS
from noai.containers._glance_boxes import HEADER, Known
from noai.containers._mp4_list import FREEFORM, PADDING
from noai.containers._mp4_values import data_text, decode, role_of
from noai.containers.interface import FieldRole, TagField
from noai.silence import is_silent_name

#: Version and flags in ``mean`` and ``name``, type and locale in ``data``, behind the header.
_NAME_HEAD: Final = 12
_DATA_HEAD: Final = 16
#: Of ``data``, as much as the reader cannot do without.
_SHORTEST: Final = 12
#: Bytes of a name that are kept.
_NAME_BYTES: Final = 256


def is_usual_list(known: Known, at: int, end: int) -> bool:
    """Whether the items from ``at`` to ``end`` could be looked at. What they say is in ``known``."""
    data, base, first = known.data, known.base, at
    for left in range(known.items, 0, -1):
        plain = PLAIN_ITEMS.match(data, at - base, end - base)
        if plain is not None:
            known.plain_bytes -= base + plain.end() - at
            at = base + plain.end()
        if known.plain_bytes < 0:
            return False
        if at == end:
            known.items = left
            known.search(first, at)
            return True
        o = at - base
        if o + HEADER.size > len(data):
            known.search(first, at)
            o = known.at(at, HEADER.size)
            if o < 0:
                return False
            data, base, first = known.data, known.base, at
        length, kind = HEADER.unpack_from(data, o)
        stop = at + length
        if length < HEADER.size or stop > end:
            return False
        if kind == b"covr" or kind in PADDING:
            known.search(first, at)
            start = at + HEADER.size
            if not (_holds_pictures(known, start, stop) if kind == b"covr" else known.is_quiet(start, stop)):
                return False
            first = stop
        else:
            if o + length > len(data):
                known.search(first, at)
                o, first = known.at(at, length), at
            if o < 0 or not _is_usual(known, kind, o, o + length):
                return False
        data, base, at = known.data, known.base, stop
    return False


def _is_usual(known: Known, kind: bytes, o: int, end: int) -> bool:
    """Whether one item, from ``o`` to ``end`` in what is known, is nothing unusual."""
    if kind == FREEFORM:
        return _is_usual_freeform(known, o + HEADER.size, end)
    return _is_silent_atom(kind) and _holds_values(known, o + HEADER.size, end)


def _is_usual_freeform(known: Known, o: int, end: int) -> bool:
    """A name that may say something, between what it means, which is not shown, and values."""
    data = known.data
    if o + 2 * _NAME_HEAD > end:
        return False
    length, kind = HEADER.unpack_from(data, o)
    name = o + length
    if kind != b"mean" or length < _NAME_HEAD or name + _NAME_HEAD > end:
        return False
    length, kind = HEADER.unpack_from(data, name)
    values = name + length
    if kind != b"name" or length < _NAME_HEAD or values > end or not _holds_values(known, values, end):
        return False
    key = data[name + _NAME_HEAD : values]
    return _is_silent(key) or _is_marker(known, _shown(key), values, end)


def _holds_values(known: Known, o: int, end: int) -> bool:
    """Whether nothing but ``data`` atoms stands from ``o`` to ``end``."""
    data = known.data
    while end - o >= _SHORTEST:
        length, kind = HEADER.unpack_from(data, o)
        known.values -= 1
        if kind != b"data" or length < _SHORTEST or known.values < 0:
            return False
        o += length
    return o == end


def _is_marker(known: Known, key: str, o: int, end: int) -> bool:
    """A name that says something: the slot of a marker, its values from ``o`` on, or not for a glance."""
    if role_of(key) is not FieldRole.MARKER or o == end:
        return False
    data = known.data
    while o < end:
        length, _ = HEADER.unpack_from(data, o)
        kind = int.from_bytes(data[o + HEADER.size : o + _SHORTEST], "big")
        payload = data[min(o + _DATA_HEAD, o + length) : o + length]
        text = data_text(kind, payload, FieldRole.MARKER) or ""
        known.markers.append(TagField("MP4 freeform", key, text, FieldRole.MARKER))
        o += length
    return True


def _holds_pictures(known: Known, at: int, end: int) -> bool:
    """Pictures say nothing: not even their bytes are read."""
    while at < end:
        box = known.box(at, end)
        known.values -= 1
        if box is None or box[0] != b"data" or box[2] - at < _SHORTEST or known.values < 0:
            return False
        at = box[2]
    return True


@lru_cache(maxsize=1024)
def _is_silent_atom(kind: bytes) -> bool:
    """Whether an item of this kind says nothing by its name. Those with a number have a key elsewhere."""
    return kind[0] != 0 and is_silent_name(kind.decode("latin-1").upper())


@lru_cache(maxsize=1024)
def _is_silent(name: bytes) -> bool:
    """Whether a freeform item of this name says nothing by it."""
    return len(name) <= _NAME_BYTES and is_silent_name(_shown(name))


def _shown(name: bytes) -> str:
    return (decode(name)[0].rstrip("\0") or FREEFORM.decode("ascii")).upper()
