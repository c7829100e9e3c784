"""Indices of fragments: segment index (``sidx``) and random access (``mfra``, ``tfra``).

ISO/IEC 14496-12 sections 8.16.3 and 8.8.9 to 8.8.11. Players that obey an index see only what it
points to, so it has to point to fragments, and a segment index to all of them.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._bmff import Box, BoxReader
from noai.essence import Violation
from noai.limits import MP4_FRAGMENT_BOXES, READ_SIZE
from noai.sources import chunks

_MEDIA_BITS: Final = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class SegmentIndex:
    """A ``sidx`` box."""

    box: Box
    #: Where ``first_offset`` stands in the file, its value and its bytes.
    at: int
    offset: int
    width: int
    #: Where each part begins and ends, and whether it is media (and not another index).
    parts: tuple[tuple[int, int, bool], ...]

    @property
    def first(self) -> int:
        return self.box.end + self.offset

    @property
    def end(self) -> int:
        return self.parts[-1][1] if self.parts else self.first


@dataclass(frozen=True, slots=True)
class RandomAccess:
    """A ``tfra`` box."""

    box: Box
    #: Where the first row stands, and how many of how many bytes there are.
    start: int
    count: int
    row: int
    #: Bytes of a time and of an offset, which stand first in a row in this order.
    width: int

    def blocks(self, reader: BoxReader) -> Iterator[tuple[int, bytes]]:
        """The rows, many at once, each block with its place in the file."""
        position = self.start
        for data in chunks(
            reader.source, self.start, self.start + self.count * self.row, READ_SIZE // self.row * self.row
        ):
            yield position, data
            position += len(data)

    def all_offsets(self, reader: BoxReader) -> Iterator[int]:
        """All offsets."""
        for _, data in self.blocks(reader):
            yield from self.offsets(data)

    def offsets(self, data: bytes) -> Iterator[int]:
        """The offsets in a block of rows."""
        for at in range(self.width, len(data), self.row):
            yield int.from_bytes(data[at : at + self.width], "big")


def read_segment_index(reader: BoxReader, box: Box) -> SegmentIndex:
    """Raises ContainerMalformed if the box is shorter than it says."""
    width = 8 if reader.version(box) else 4
    skip = 12 + width
    (offset,) = reader.fields(box, "Q" if width == 8 else "I", skip)
    (count,) = reader.fields(box, "H", skip + width + 2)
    start = reader.table(box, skip + width + 4, count, 12)
    position = box.end + offset
    parts = []
    for block in reader.numbers(start, count, 3):
        for word in block[::3]:
            parts.append((position, position + (word & _MEDIA_BITS), word <= _MEDIA_BITS))
            position = parts[-1][1]
    return SegmentIndex(box, box.body + skip, offset, width, tuple(parts))


def read_random_access(reader: BoxReader, mfra: Box) -> Iterator[RandomAccess]:
    """Raises ContainerMalformed if a box in ``mfra`` is shorter than it says."""
    for box in reader.children(mfra.body, mfra.end, 1):
        if box.type == b"tfra":
            width = 8 if reader.version(box) else 4
            lengths, count = reader.fields(box, "II", 8)
            row = 2 * width + sum((lengths >> shift & 3) + 1 for shift in (4, 2, 0))
            yield RandomAccess(box, reader.table(box, 16, count, row), count, row, width)


def index_violations(reader: BoxReader, top: list[Box]) -> Iterator[Violation]:
    """Where an index would lead players elsewhere than reading from the start does.

    Raises:
        ContainerMalformed, LimitExceeded: as reading does.
    """
    moofs = [box.start for box in top if box.type == b"moof"]
    indices = [read_segment_index(reader.fragments, box) for box in top if box.type == b"sidx"]
    edges = {box.start for box in top} | {reader.size}
    parts = [part for index in indices for part in index.parts]
    if any(start not in edges or end not in edges for start, end, _ in parts):
        yield _violation("a segment index points to something else than boxes")
    if indices and not _covered(moofs, sorted((start, end) for start, end, media in parts if media)):
        yield _violation("segment indices leave out fragments")
    tables = (table for box in top if box.type == b"mfra" for table in read_random_access(reader, box))
    if _astray(reader, (offset for table in tables for offset in table.all_offsets(reader)), edges):
        yield _violation("a random access table points to something else than fragments")


def _astray(reader: BoxReader, offsets: Iterable[int], edges: set[int]) -> bool:
    """Whether a player that jumps to one of ``offsets`` could come to a fragment that is none.

    Taggers that move fragments leave these tables as they are, and then they point at random into
    media data, where no box begins.
    """
    left = MP4_FRAGMENT_BOXES
    for offset in offsets:
        while offset not in edges and offset + 8 <= reader.size:
            size, kind = struct.unpack(">I4s", reader.read(offset, 8))
            left -= 1
            if kind in (b"moof", b"moov") or left < 0:
                return True
            if size == 1 and offset + 16 <= reader.size:
                size = int.from_bytes(reader.read(offset + 8, 8), "big")
            if size < 8:
                break
            offset += size
    return False


def _covered(moofs: list[int], parts: list[tuple[int, int]]) -> bool:
    starts, reached = [], []
    furthest = 0
    for start, end in parts:
        furthest = max(furthest, end)
        starts.append(start)
        reached.append(furthest)
    places = (bisect_right(starts, moof) for moof in moofs)
    return all(place and reached[place - 1] > moof for place, moof in zip(places, moofs, strict=True))


def _violation(message: str) -> Violation:
    return Violation(Code.FRAGMENT_SEQUENCE, message)
