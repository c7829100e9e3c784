"""Pages of an Ogg physical bitstream (RFC 3533 §6), and packets as byte ranges across them."""

from __future__ import annotations

import re
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from noai.limits import KIB, OGG_AHEAD_BYTES, OGG_WALKED_BYTES
from noai.sources import ByteSource, read_exactly

#: The capture pattern and the only version of the page structure there is.
CAPTURE: Final = b"OggS\x00"
#: Capture pattern, version, flags, granule position, serial, sequence, checksum, segments.
HEADER: Final = struct.Struct("<4sBBqIIIB")
#: Where the sequence number and the checksum stand in a header.
SEQUENCE_AT: Final = 18
CHECKSUM_AT: Final = 22
#: The granule position of a page on which no packet ends.
NO_GRANULE: Final = -1

CONTINUED: Final = 1
FIRST: Final = 2
LAST: Final = 4

_MIRRORED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def checksum(page: bytes) -> bytes:
    """The four bytes that belong at :data:`CHECKSUM_AT`, whatever stands there now.

    RFC 3533's CRC-32 (polynomial 0x04c11db7, start 0, nothing reflected) is zlib's over bytes whose
    bits are mirrored, its own bits mirrored, which is faster than any table in Python.
    """
    return _mirrored_checksum(memoryview(page.translate(_MIRRORED))).translate(_MIRRORED)


def _mirrored_checksum(mirrored: memoryview) -> bytes:
    value = zlib.crc32(mirrored[:CHECKSUM_AT], 0xFFFFFFFF)
    value = zlib.crc32(b"\x00\x00\x00\x00", value)
    value = zlib.crc32(mirrored[CHECKSUM_AT + 4 :], value)
    return (value ^ 0xFFFFFFFF).to_bytes(4, "big")


class Page(NamedTuple):
    """One page; ``offset`` is that of its header."""

    offset: int
    flags: int
    granule: int
    serial: int
    sequence: int
    lacing: bytes
    body: int
    end: int


class Gap(NamedTuple):
    """Bytes that belong to no page. ``cut``: they begin as a page that the file ends within."""

    offset: int
    end: int
    cut: bool


class PageReader:
    """Walks the pages of ``source`` from ``start``, reading at least ``window`` bytes at a time."""

    def __init__(self, source: ByteSource, window: int, start: int = 0) -> None:
        self._source = source
        self._window = window
        self._next = start
        self._start = 0
        self._data = b""
        self._mirrored: bytearray | None = None

    def __iter__(self) -> Iterator[Page | Gap]:
        size = self._source.size
        while self._next < size:
            found = self._page(self._next) or self._gap(self._next)
            self._next = found.end
            yield found

    def body(self, page: Page) -> bytes:
        at = self._at(page.body, page.end - page.body)
        return self._data[at : at + page.end - page.body]

    def checksum_holds(self, page: Page) -> bool:
        at = self._at(page.offset, page.end - page.offset)
        mirrored = memoryview(self._mirror())[at : at + page.end - page.offset]
        return _mirrored_checksum(mirrored) == mirrored[CHECKSUM_AT : CHECKSUM_AT + 4]

    def ahead(self) -> tuple[bytes, bytearray, int]:
        """What was read, the same with the bits of each byte reversed, and where the next page is in it."""
        return self._data, self._mirror(), self._next - self._start

    def skip(self, length: int) -> None:
        """Go on so many bytes behind where the next page begins."""
        self._next += length

    def _mirror(self) -> bytearray:
        if self._mirrored is None:
            self._mirrored = bytearray(self._data.translate(_MIRRORED))
        return self._mirrored

    def raw(self, page: Page) -> bytes:
        at = self._at(page.offset, page.end - page.offset)
        return self._data[at : at + page.end - page.offset]

    def _at(self, offset: int, length: int) -> int:
        """Where ``offset`` stands in the window, which is made to hold ``length`` bytes from there."""
        at = offset - self._start
        if at < 0 or at + length > len(self._data):
            end = min(self._source.size, offset + max(length, self._window))
            self._data = read_exactly(self._source, offset, end - offset)
            self._start, at = offset, 0
            self._mirrored = None
        return at

    def _page(self, offset: int) -> Page | None:
        left = self._source.size - offset
        at = self._at(offset, min(_LONGEST_HEADER, left))
        return _page_at(self._data, at, offset, self._source.size)

    def _gap(self, offset: int) -> Gap:
        """From ``offset``, where no whole page begins, to the next capture pattern or the end."""
        size = self._source.size
        at = self._at(offset, min(len(CAPTURE), size - offset))
        cut = self._data.startswith(CAPTURE, at)
        search = offset + 1
        while size - search >= len(CAPTURE):
            at = self._at(search, len(CAPTURE))
            found = self._data.find(CAPTURE, at)
            if found >= 0:
                return Gap(offset, self._start + found, cut=False)
            search = self._start + len(self._data) - len(CAPTURE) + 1
        return Gap(offset, size, cut)


#: No header is longer.
_LONGEST_HEADER: Final = HEADER.size + 255
#: The first read, and each while looking for the next page behind bytes that are none.
_SEARCH: Final = 4 * KIB
#: Shorter pages are read through: one large read costs less than a small one for each of them.
_SHORT: Final = 32 * KIB


class PageWalk:
    """Walks the pages of ``source`` by their headers alone, reading ahead where they are short."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        #: Where the next page is expected, which may be changed on the way.
        self.next = 0
        self._start = 0
        self._data = b""
        self._ahead = _SEARCH if source.size > OGG_WALKED_BYTES else OGG_WALKED_BYTES

    def __iter__(self) -> Iterator[Page | Gap]:
        before = 0
        while self.next < self._source.size:
            page = self._page(self.next, self.next - before)
            before = self.next
            if page is not None:
                self.next = page.end
                yield page
                continue
            for found in PageReader(self._source, _SEARCH, self.next):
                self.next = found.end
                yield found
                if isinstance(found, Page):
                    break

    def _page(self, offset: int, length: int) -> Page | None:
        """The page at ``offset``, behind one of ``length`` bytes."""
        size = self._source.size
        needed = min(_LONGEST_HEADER, size - offset)
        at = offset - self._start
        if at < 0 or at + needed > len(self._data):
            read = needed if length > _SHORT else min(max(needed, self._ahead), size - offset)
            self._ahead = min(2 * self._ahead, OGG_AHEAD_BYTES)
            self._data, self._start, at = read_exactly(self._source, offset, read), offset, 0
        return _page_at(self._data, at, offset, size)


def _page_at(data: bytes, at: int, offset: int, size: int) -> Page | None:
    """The page at ``offset`` of a file of ``size`` bytes, whose header stands ``at`` in ``data``."""
    if len(data) - at < HEADER.size or not data.startswith(CAPTURE, at):
        return None
    _, _, flags, granule, serial, sequence, _, segments = HEADER.unpack_from(data, at)
    lacing = data[at + HEADER.size : at + HEADER.size + segments]
    body = offset + HEADER.size + segments
    end = body + sum(lacing)
    if len(lacing) != segments or end > size:
        return None
    return Page(offset, flags, granule, serial, sequence, lacing, body, end)


class PacketSource:
    """A packet as a :class:`noai.sources.ByteSource`, however many pages it lies on."""

    def __init__(self, source: ByteSource, ranges: Sequence[tuple[int, int]]) -> None:
        """``ranges`` are offset and length in ``source``, in the order of the packet's bytes."""
        self._source = source
        self._ranges = tuple(ranges)
        self._ends = tuple(accumulate(length for _, length in self._ranges))
        self.size = self._ends[-1] if self._ends else 0

    def ranges(self, skip: int = 0) -> list[tuple[int, int]]:
        """Offset and length of each piece in the file, without the first ``skip`` bytes of the packet."""
        kept: list[tuple[int, int]] = []
        for start, length in self._ranges:
            if length > skip:
                kept.append((start + skip, length - skip))
            skip = max(0, skip - length)
        return kept

    def read_at(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        pieces: list[bytes] = []
        index = bisect_right(self._ends, offset)
        while offset < end:
            start, size = self._ranges[index]
            within = offset - (self._ends[index] - size)
            take = min(end - offset, size - within)
            pieces.append(read_exactly(self._source, start + within, take))
            offset += take
            index += 1
        return b"".join(pieces)


class _Lengths(dict[bytes, int]):
    """Bytes of a packet by its lacing; those of common lengths are kept."""

    def __missing__(self, lacing: bytes) -> int:
        length = 255 * (len(lacing) - 1) + lacing[-1]
        if len(lacing) <= _KEPT:
            self[lacing] = length
        return length


#: Segments of packets whose lengths are kept, which are a few thousand.
_KEPT: Final = 16
_LENGTHS: Final = _Lengths()
_ENDED: Final = re.compile(b"\xff*[^\xff]", re.S)


def split_lacing(lacing: bytes) -> tuple[list[int], int]:
    """What each packet that ends on a page has there, and the bytes of the one that goes on behind it."""
    rest = 255 * (len(lacing) - len(lacing.rstrip(b"\xff")))
    return list(map(_LENGTHS.__getitem__, _ENDED.findall(lacing))), rest


def paginate(packets: Sequence[bytes], pages: int, serial: int, sequence: int, flags: int) -> list[bytes]:
    """Header packets on at least ``pages`` pages, more only where they do not fit.

    ``sequence`` is that of the first page. ``flags`` go onto the last one. All but the last ones are alike,
    so that a reader need not meet each page of a picture.
    """
    segments: list[bytes] = []
    for packet in packets:
        segments += [packet[at : at + 255] for at in range(0, len(packet) + 1, 255)]
    pages = min(max(pages, -(-len(segments) // 255)), len(segments))
    written: list[bytes] = []
    at, each = 0, len(segments) // pages
    for number in range(pages):
        take = max(each, len(segments) - at - 255 * (pages - number - 1))
        page = segments[at : at + take]
        lacing = bytes(map(len, page))
        continued = CONTINUED if at and len(segments[at - 1]) == 255 else 0
        last = flags if number == pages - 1 else 0
        granule = NO_GRANULE if min(lacing) == 255 else 0
        numbered = sequence + number & 0xFFFFFFFF
        header = HEADER.pack(CAPTURE[:4], 0, continued | last, granule, serial, numbered, 0, len(page))
        written.append(with_checksum(header + lacing + b"".join(page)))
        at += take
    return written


def with_checksum(page: bytes) -> bytes:
    return page[:CHECKSUM_AT] + checksum(page) + page[CHECKSUM_AT + 4 :]
