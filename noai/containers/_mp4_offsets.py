"""Absolute offsets in an MP4, which have to follow when media data moves.

Chunk offsets (ISO/IEC 14496-12 section 8.7.5), bases of track fragments (8.8.7), random access tables
(8.8.10), and segment indices that stand in front of what moves (8.16.3). Tables are patched in the
file, block by block.
"""

from __future__ import annotations

import io
import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from noai.containers._bmff import Box, BoxReader, Node, descend
from noai.containers._mp4_index import SegmentIndex, read_random_access, read_segment_index
from noai.containers._mp4_movie import Movie
from noai.containers._mp4_samples import chunk_offsets
from noai.errors import ContainerReadOnly
from noai.limits import READ_SIZE
from noai.sources import FileSource

#: Boxes with absolute offsets that are not corrected here: item locations, and auxiliary information
#: of encrypted samples.
_FOREIGN_OFFSETS: Final = frozenset((b"iloc", b"saio"))
_SAMPLE_TABLE: Final = (b"trak", b"mdia", b"minf", b"stbl")
_BASE: Final = 1


@dataclass(frozen=True, slots=True)
class Shift:
    """What lies from ``start`` on moves by ``by`` bytes; what is in front of ``movie`` stays."""

    movie: int
    start: int
    by: int

    def moved(self, offset: int) -> int:
        return offset + self.by if offset >= self.start else offset

    def fits(self, offset: int, width: int) -> bool:
        """Whether ``offset``, moved, still is a number of ``width`` bytes."""
        return 0 <= self.moved(offset) < 1 << 8 * width


def fragment_base(reader: BoxReader, tfhd: Box) -> tuple[int, int] | None:
    """Where a ``tfhd`` box states a base for data offsets, and which; None if it states none."""
    (flags,) = reader.fields(tfhd, "I")
    if not flags & _BASE:
        return None
    (base,) = reader.fields(tfhd, "Q", 8)
    return tfhd.body + 8, base


def require_movable(reader: BoxReader, movie: Movie, shift: Shift) -> None:
    """
    Raises:
        ContainerReadOnly: if something that points to media data could not follow it.
        ContainerMalformed, LimitExceeded: as reading does.
    """
    for node in (node for root in movie.roots for node in root.walk()):
        if node.box.type in _FOREIGN_OFFSETS:
            name = node.box.name
            raise ContainerReadOnly(f"the file has a box {name!r}, whose offsets noai does not correct")
    for box in _chunk_offsets(movie.moov):
        start, count, typecode = chunk_offsets(reader, box)
        width = array(typecode).itemsize
        if any(not shift.fits(max(block), width) for block in reader.numbers(start, count, 1, typecode)):
            raise ContainerReadOnly("a chunk offset would no longer fit into 32 bits")
    for track in movie.tracks:
        if min(track.fragments.samples.starts, default=shift.start) < shift.start:
            raise ContainerReadOnly("the samples of a fragment lie in front of the movie box")
    for box in movie.top:
        if box.type == b"sidx":
            _require_index(reader, read_segment_index(reader, box), shift)
        elif box.type == b"mfra":
            for table in read_random_access(reader, box):
                if not all(shift.fits(offset, table.width) for offset in table.all_offsets(reader)):
                    raise ContainerReadOnly("an offset in a random access table would no longer fit")


def _require_index(reader: BoxReader, index: SegmentIndex, shift: Shift) -> None:
    if index.box.end > shift.movie:
        return
    if index.first < shift.start:
        if index.end > shift.movie:
            raise ContainerReadOnly("a segment index in front of the movie box counts it as media")
    elif index.offset + shift.by not in range(1 << 8 * index.width):
        raise ContainerReadOnly("the offset of a segment index would no longer fit")


def move_offsets(file: BinaryIO, shift: Shift) -> None:
    """Correct everything that points to what moved, in ``file``, where it has moved already."""
    reader = BoxReader(FileSource(file))
    for box in reader.top():
        if box.type == b"moov":
            for table in _chunk_offsets(descend(reader, box)):
                _move_chunks(file, reader, table, shift)
        elif box.type == b"moof":
            for tfhd in descend(reader, box).all(b"traf", b"tfhd"):
                base = fragment_base(reader, tfhd)
                if base is not None:
                    # Whatever the base is, the data offsets that are added to it lead to what moved.
                    _write(file, base[0], struct.pack(">Q", base[1] + shift.by))
        elif box.type == b"mfra":
            _move_access(file, reader, box, shift)
        elif box.type == b"sidx":
            _move_index(file, reader, box, shift)


def _chunk_offsets(moov: Node) -> Iterator[Box]:
    for stbl in moov.nodes(*_SAMPLE_TABLE):
        yield from stbl.all(b"stco")
        yield from stbl.all(b"co64")


def _move_chunks(file: BinaryIO, reader: BoxReader, box: Box, shift: Shift) -> None:
    position, count, typecode = chunk_offsets(reader, box)
    for block in reader.numbers(position, count, 1, typecode):
        moved = array(typecode, [n + shift.by if n >= shift.start else n for n in block])
        if sys.byteorder == "little":
            moved.byteswap()
        _write(file, position, moved.tobytes())
        position += len(block) * block.itemsize


def _move_access(file: BinaryIO, reader: BoxReader, mfra: Box, shift: Shift) -> None:
    for table in read_random_access(reader, mfra):
        for position, data in table.blocks(reader):
            patched = bytearray(data)
            for number, offset in enumerate(table.offsets(data)):
                at = number * table.row + table.width
                patched[at : at + table.width] = shift.moved(offset).to_bytes(table.width, "big")
            _write(file, position, bytes(patched))


def _move_index(file: BinaryIO, reader: BoxReader, box: Box, shift: Shift) -> None:
    index = read_segment_index(reader, box)
    if box.end <= shift.movie and index.first >= shift.start:
        _write(file, index.at, (index.offset + shift.by).to_bytes(index.width, "big"))


def free_box(file: BinaryIO, box: Box) -> None:
    """Make ``box`` padding where it is, and leave nothing of what it held."""
    _write(file, box.start + 4, b"free")
    clear(file, box.body, box.end)


def clear(file: BinaryIO, start: int, end: int) -> None:
    """Zeros from ``start`` to ``end``."""
    for at in range(start, end, READ_SIZE):
        _write(file, at, bytes(min(READ_SIZE, end - at)))


def _write(file: BinaryIO, position: int, data: bytes) -> None:
    file.seek(position, io.SEEK_SET)
    file.write(data)
