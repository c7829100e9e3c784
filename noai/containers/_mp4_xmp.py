"""Putting an XMP box into an MP4 file (XMP specification part 3, 2020, section 1.1.4)."""

from __future__ import annotations

import struct
from typing import BinaryIO

from noai.containers._bmff import Box, BoxReader
from noai.containers._mp4_tags import read_metadata
from noai.containers._mp4_uuid import XMP_UUID
from noai.containers._mp4_values import atom
from noai.containers._splices import Splice, apply
from noai.errors import ContainerReadOnly
from noai.sources import FileSource
from noai.xmp import merge_data_mining


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
        splices.extend(_appended(reader, top, b"".join(left_over)))
    apply(file, splices)


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


def _appended(reader: BoxReader, top: list[Box], data: bytes) -> list[Splice]:
    """``data`` behind the last box, which gets an explicit size if it ran "to the end".

    An ``mfra`` box stays last, since readers look for it from the end of the file (ISO/IEC 14496-12
    section 8.8.11); nothing points to it.
    """
    last = top[-1]
    if last.type == b"mfra":
        return [Splice(last.start, 0, data)]
    splices = [Splice(last.end, 0, data)]
    if reader.read(last.start, 4) == bytes(4):
        size = last.end - last.start
        if size >= 1 << 32:
            raise ContainerReadOnly("the last box runs to the end of the file; no room to state its size")
        splices.append(Splice(last.start, 4, struct.pack(">I", size)))
    return splices
