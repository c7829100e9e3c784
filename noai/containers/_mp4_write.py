"""Putting an edited ``moov`` and an XMP box into an MP4 file, without touching its samples.

Chunk offsets are absolute (ISO/IEC 14496-12 section 8.7.5), so whatever moves media data
corrects them. Nothing but ``moov`` is held in memory.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import replace
from typing import BinaryIO, Final

from noai.containers._bmff import Box, BoxReader, descend
from noai.containers._mp4_edit import rewrite_moov
from noai.containers._mp4_essence import Movie, read_movie
from noai.containers._mp4_items import Metadata
from noai.containers._mp4_samples import read_samples
from noai.containers._mp4_tags import PADDING, read_metadata
from noai.containers._mp4_uuid import XMP_UUID
from noai.containers._mp4_values import atom
from noai.containers._splices import Splice, apply
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import ContainerReadOnly, EssenceUnbindable
from noai.limits import MP4_MOOV_BYTES
from noai.sources import BytesSource, FileSource
from noai.xmp import merge_data_mining

#: Boxes with absolute offsets that this writer does not correct: item locations, auxiliary
#: information of encrypted samples, random access to fragments.
_FOREIGN_OFFSETS: Final = frozenset((b"iloc", b"saio", b"mfra"))
_SAMPLE_TABLE: Final = (b"trak", b"mdia", b"minf", b"stbl")


def write_movie(file: BinaryIO, edit: TagEdit) -> None:
    """Apply ``edit`` to the items in ``moov``.

    Raises:
        EssenceUnbindable: if the file's structure forbids binding (fragments, several movies).
        ContainerReadOnly: if offsets in the file could not be corrected.
        ContainerMalformed, LimitExceeded: as reading does.
    """
    reader = BoxReader(FileSource(file))
    top = reader.top()
    movie = read_movie(reader, top)
    _require_writable(movie, read_metadata(reader, top))
    old = movie.moov.box
    room_end = _room_end(top, old)
    _require_no_samples(reader, movie, old.start, room_end)
    new = rewrite_moov(reader.read(old.start, old.end - old.start), edit)
    spare = room_end - old.start - len(new)
    if spare > 0 and room_end < reader.size:
        # What is left over becomes a free box, which has 8 bytes at least.
        new += atom(b"free", bytes(max(0, spare - 8)))
    splice = Splice(old.start, room_end - old.start, new)
    with_offsets = _with_offsets(new, room_end, splice.growth)
    apply(file, [replace(splice, data=with_offsets)])


def write_xmp(file: BinaryIO, value: str | None, lifted: str | None) -> None:
    """Merge ``plus:DataMining`` into the file's own XMP box, or append one.

    Raises:
        XmpUnwritable: if a packet in the file cannot be extended.
        ContainerReadOnly: if no box can be appended.
    """
    reader = BoxReader(FileSource(file))
    top = reader.top()
    present = [found for found in read_metadata(reader, top).xmp if found.top_level]
    splices: list[Splice] = []
    left_over: list[bytes] = []
    if not present:
        packet = merge_data_mining(None, value, lifted)
        left_over.append(_xmp_box(packet))
    for number, found in enumerate(present):
        old = reader.read(found.offset, found.box.end - found.offset)
        packet = merge_data_mining(old, None if number else value, lifted)
        if packet != old:
            splice, rest = _replaced(found.box, _xmp_box(packet), last=found.box is top[-1])
            splices.append(splice)
            left_over.append(rest)
    if any(left_over):
        splices.extend(_appended(reader, top[-1], b"".join(left_over)))
    apply(file, splices)


# -- moov -------------------------------------------------------------------------------------


def _require_writable(movie: Movie, metadata: Metadata) -> None:
    if movie.violations:
        raise EssenceUnbindable("; ".join(violation.message for violation in movie.violations))
    for root in movie.roots:
        for node in root.walk():
            if node.box.type in _FOREIGN_OFFSETS:
                raise ContainerReadOnly(
                    f"the file has a box {node.box.name!r}, whose offsets noai does not correct"
                )
    for item in metadata.items:
        if item.role is FieldRole.MARKER and item.ancestors[0].type != b"moov":
            raise ContainerReadOnly("a marker stands outside the movie box, where noai does not write")
    if movie.moov.box.length > MP4_MOOV_BYTES:
        raise ContainerReadOnly(f"the movie box is larger than {MP4_MOOV_BYTES} bytes")


def _room_end(top: list[Box], moov: Box) -> int:
    """Where the padding right behind ``moov`` ends."""
    end = moov.end
    for box in top:
        if box.start == end and box.type in PADDING:
            end = box.end
    return end


def _require_no_samples(reader: BoxReader, movie: Movie, start: int, end: int) -> None:
    for track in movie.tracks:
        for first, last in read_samples(reader, track.stbl()).runs():
            if first < end and last > start:
                raise EssenceUnbindable("samples lie where the movie box is")


def _with_offsets(moov: bytes, end: int, delta: int) -> bytes:
    """``moov`` with every chunk offset from ``end`` on raised by ``delta``.

    Raises:
        ContainerReadOnly: if an offset no longer fits.
    """
    if not delta:
        return moov
    data = bytearray(moov)
    reader = BoxReader(BytesSource(moov))
    for stbl in descend(reader, reader.top()[0]).nodes(*_SAMPLE_TABLE):
        for box in (*stbl.all(b"stco"), *stbl.all(b"co64")):
            typecode = "I" if box.type == b"stco" else "Q"
            (count,) = reader.fields(box, "I", 4)
            offsets = reader.table(box, 8, count, typecode)
            if count:
                if max(offsets) + delta >= 1 << 8 * offsets.itemsize:
                    raise ContainerReadOnly("a chunk offset would no longer fit into 32 bits")
                moved = array(typecode, (n + delta if n >= end else n for n in offsets))
                struct.pack_into(f">{count}{typecode}", data, box.body + 8, *moved)
    return bytes(data)


# -- XMP --------------------------------------------------------------------------------------


def _xmp_box(packet: bytes | None) -> bytes:
    return b"" if packet is None else atom(b"uuid", XMP_UUID + packet)


def _replaced(box: Box, data: bytes, *, last: bool) -> tuple[Splice, bytes]:
    """``data`` in place of ``box`` without moving anything; what did not fit comes back second."""
    room = box.end - box.start
    spare = room - len(data)
    if spare == 0 or last:
        return Splice(box.start, room, data), b""
    if spare >= 8:
        return Splice(box.start, room, data + atom(b"free", bytes(spare - 8))), b""
    return Splice(box.start, room, atom(b"free", bytes(room - 8))), data


def _appended(reader: BoxReader, last: Box, data: bytes) -> list[Splice]:
    """``data`` behind the last box, which gets an explicit size if it ran "to the end"."""
    splices = [Splice(last.end, 0, data)]
    if reader.read(last.start, 4) == bytes(4):
        size = last.end - last.start
        if size >= 1 << 32:
            raise ContainerReadOnly("the last box runs to the end of the file; no room to state its size")
        splices.append(Splice(last.start, 4, struct.pack(">I", size)))
    return splices
