"""A bounded walker over EBML elements (RFC 8794).

Knows how elements nest and nothing of what they say. Every size is checked against the element around
it before it is used, and every element counts against one budget a file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import EBML_DEPTH, EBML_ELEMENTS
from noai.sources import ByteSource, chunks, read_exactly

#: The EBML header, and the two elements that may stand anywhere (RFC 8794 §11.2.1, 11.3).
HEAD: Final = 0x1A45DFA3
VOID: Final = 0xEC
CRC32: Final = 0xBF
#: Longest ids and sizes that are read, also where the header allows longer ones (§11.2.4, 11.2.5).
ID_BYTES: Final = 4
SIZE_BYTES: Final = 8
HEADER_BYTES: Final = ID_BYTES + SIZE_BYTES
#: Bytes of a number or a date (§7.1 to 7.3, 7.6).
NUMBER_BYTES: Final = 8

#: One read serves all small elements that stand close together.
_WINDOW: Final = 4096


class Element(NamedTuple):
    """One element. Offsets are absolute; ``data`` is where its content starts, ``end`` is exclusive."""

    #: With its length marker, as specifications write it.
    id: int
    start: int
    data: int
    end: int
    #: False where the size is unknown (§6.2); then ``end`` is where the element around it ends.
    sized: bool = True

    @property
    def length(self) -> int:
        """Bytes of the content."""
        return self.end - self.data

    @property
    def name(self) -> str:
        return f"{self.id:X}"


class Truncated(ContainerMalformed):
    """An element runs past what is around it."""


def parse_number(data: bytes, at: int, longest: int) -> tuple[int, int]:
    """The variable-size integer at ``at`` (§4) with its marker, and where it ends.

    Raises:
        ContainerMalformed: if there is none of at most ``longest`` bytes.
    """
    if at >= len(data):
        raise Truncated("a number is cut off")
    first = data[at]
    if first >= 0x80:
        return first, at + 1
    length = 9 - first.bit_length()
    if length > longest:
        raise ContainerMalformed(f"a number of more than {longest} bytes")
    if at + length > len(data):
        raise Truncated("a number is cut off")
    return int.from_bytes(data[at : at + length], "big"), at + length


def parse_size(data: bytes, at: int) -> tuple[int | None, int]:
    """The size at ``at``, None if it is unknown, and where it ends (§6)."""
    number, end = parse_number(data, at, SIZE_BYTES)
    mask = (1 << 7 * (end - at)) - 1
    return (None if number & mask == mask else number & mask), end


def parse_header(data: bytes, start: int, end: int, at: int = 0) -> Element:
    """The element whose header stands at ``at`` in ``data``, and in the file at ``start``.

    ``end`` is where the element around it ends.

    Raises:
        ContainerMalformed: if there is no element.
        Truncated: if it runs past ``end``.
    """
    number, position = parse_number(data, at, ID_BYTES)
    first = data[position] if position < len(data) else 0
    if 0x80 <= first < 0xFF:
        # Most sizes have one byte, and there are millions of them.
        size: int | None = first & 0x7F
        position += 1
    else:
        size, position = parse_size(data, position)
    body = start + position - at
    if size is None:
        return Element(number, start, body, end, sized=False)
    if body + size > end:
        raise Truncated(f"the element {number:X} at {start} claims {size} bytes; {end - body} are left")
    return Element(number, start, body, body + size)


class ElementReader:
    """Reads elements and values of one source.

    All methods raise ContainerMalformed where the content contradicts itself and LimitExceeded
    where a limit of :mod:`noai.limits` is reached.
    """

    def __init__(self, source: ByteSource, elements: int = EBML_ELEMENTS) -> None:
        """``elements`` is the most that it walks."""
        self.source = source
        self._elements = self._budget = elements
        self._window = b""
        self._window_start = 0

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``."""
        start = offset - self._window_start
        if start < 0 or start + length > len(self._window):
            if length < 0 or offset + length > self.source.size:
                raise Truncated(f"{length} bytes at {offset} run past the end of the file")
            size = min(max(length, _WINDOW), self.source.size - offset)
            self._window = read_exactly(self.source, offset, size)
            self._window_start, start = offset, 0
        return self._window[start : start + length]

    def element(self, at: int, end: int) -> Element:
        """The element at ``at``; ``end`` is where the one around it ends."""
        self._budget -= 1
        if self._budget < 0:
            raise LimitExceeded(f"more than {self._elements} EBML elements")
        return parse_header(self.read(at, min(HEADER_BYTES, end - at)), at, end)

    def children(self, master: Element, depth: int = 1) -> Iterator[Element]:
        """The elements in ``master``, which lies ``depth`` elements deep.

        Raises:
            ContainerMalformed: behind the last one that can be told, if something else follows.
        """
        if depth > EBML_DEPTH:
            raise LimitExceeded(f"EBML elements nest deeper than {EBML_DEPTH}")
        at = master.data
        while at < master.end:
            child = self.element(at, master.end)
            if not child.sized:
                raise ContainerMalformed(f"the element {child.name} at {at} has no size")
            yield child
            at = child.end

    # -- values (§7) -------------------------------------------------------------------------

    def payload(self, element: Element, limit: int) -> bytes:
        """All of the content, if it is not longer than ``limit``."""
        if element.length > limit:
            raise LimitExceeded(f"the element {element.name} is longer than {limit} bytes")
        return self.read(element.data, element.length)

    def number(self, element: Element) -> bytes:
        if element.length > NUMBER_BYTES:
            raise ContainerMalformed(f"the number {element.name} has {element.length} bytes")
        return self.read(element.data, element.length)

    def uint(self, element: Element) -> int:
        return int.from_bytes(self.number(element), "big")

    def sint(self, element: Element) -> int:
        return int.from_bytes(self.number(element), "big", signed=True)

    def real(self, element: Element) -> float:
        data = self.number(element)
        if len(data) not in (0, 4, 8):
            raise ContainerMalformed(f"the number {element.name} has {len(data)} bytes")
        if not data:
            return 0.0
        (value,) = struct.unpack(">f" if len(data) == 4 else ">d", data)
        assert isinstance(value, float)
        return value

    def text(self, element: Element, limit: int) -> str:
        """A string up to its terminator (§13); what is not UTF-8 as surrogate escapes."""
        return decode(self.payload(element, limit)).partition("\0")[0]

    def checksum_holds(self, master: Element) -> bool:
        """Whether the CRC-32 that ``master`` begins with, if it does, is right (§11.3.1)."""
        if master.length < 6 or self.read(master.data, 2) != b"\xbf\x84":
            return True
        stated = self.read(master.data + 2, 4)
        crc = 0
        for block in chunks(self.source, master.data + 6, master.end):
            crc = zlib.crc32(block, crc)
        return stated == crc.to_bytes(4, "little")


def decode(data: bytes) -> str:
    """Text with every byte kept: what is not UTF-8 becomes surrogate escapes; padding goes (§13)."""
    return data.rstrip(b"\0").decode("utf-8", "surrogateescape")


# -- rendering ------------------------------------------------------------------------------


def render_id(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def render_size(size: int, width: int = 0) -> bytes:
    """``size`` in ``width`` bytes, or in as few as hold it if that is more."""
    least = 1
    while size >= (1 << 7 * least) - 1:
        least += 1
    width = max(width, least)
    return (1 << 7 * width | size).to_bytes(width, "big")


def render(number: int, data: bytes, width: int = 0) -> bytes:
    """A whole element; its size takes ``width`` bytes, or more if it must."""
    return render_id(number) + render_size(len(data), width) + data


def render_uint(number: int, value: int, width: int = 1) -> bytes:
    """An unsigned number in ``width`` bytes, or in as few as hold it if that is more."""
    return render(number, value.to_bytes(max(width, (value.bit_length() + 7) // 8), "big"))


def render_void(length: int) -> bytes:
    """A Void element of ``length`` bytes in all, two at least, filled with zeros."""
    width = 1 if length < 128 else SIZE_BYTES
    return render(VOID, bytes(length - 1 - width), width)


def render_checked(number: int, data: bytes, width: int = 0) -> bytes:
    """As :func:`render`, for content that begins with a CRC-32, which is made right."""
    if data[:2] == b"\xbf\x84":
        data = data[:2] + zlib.crc32(data[6:]).to_bytes(4, "little") + data[6:]
    return render(number, data, width)


def size_width(element: Element) -> int:
    """Bytes of the size in its header."""
    return element.data - element.start - len(render_id(element.id))


def rebuilt(
    reader: ElementReader, master: Element, depth: int, parts: Mapping[int, bytes], tail: bytes = b""
) -> bytes:
    """``master`` with other bytes for the children that start at the keys of ``parts``, and ``tail`` behind.

    All others stay byte for byte; a checksum is made right.
    """
    data = b"".join(
        parts[child.start] if child.start in parts else reader.read(child.start, child.end - child.start)
        for child in reader.children(master, depth)
    )
    return render_checked(master.id, data + tail, size_width(master))
