"""TrueAudio (TTA), version 1."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._tagged_stream import StreamLayout, TaggedStream, hash_whole
from noai.containers.interface import ContainerName
from noai.essence import StreamHasher, Violation
from noai.sources import ByteSource, chunks

TRUEAUDIO: Final = ContainerName("tta")
_MAGIC: Final = b"TTA1"
#: Magic number, format (1 simple, 2 encrypted), channels, bits, rate, samples, CRC.
_HEADER: Final = struct.Struct("<4sHHHIII")
_CRC: Final = 4
_SIGNATURE: Final = re.compile(rb"TTA1[\x01\x02]\x00")


class TrueAudio(TaggedStream):
    """A header, a table of frame sizes, frames (the TTA1 specification at tausoft.org).

    It allows ID3v1, ID3v2 and APEv2. TagLib and mutagen read and write ID3v2 in front; ffmpeg and
    foobar2000 write APEv2. What noai writes goes into the ID3v2 tag; into the APE tag if only that is there.
    """

    names = (TRUEAUDIO,)
    tagged_in_front = True

    def starts_at(self, source: ByteSource, start: int) -> bool:
        return _SIGNATURE.match(source.read_at(start, 6)) is not None

    def read_inside(self, source: ByteSource, layout: StreamLayout, area: AreaBuilder) -> int:
        frames = _frames(source, layout)
        return layout.start + _HEADER.size if frames is None else frames.end

    def hash_stream(self, source: ByteSource, layout: StreamLayout) -> tuple[StreamHasher, list[Violation]]:
        return hash_whole(source, layout, "tta"), list(_violations(source, layout))


@dataclass(frozen=True)
class _Frames:
    """Where the last frame ends by the table, and whether the checksums of header and table hold."""

    end: int
    header_holds: bool
    table_holds: bool


def _frames(source: ByteSource, layout: StreamLayout) -> _Frames | None:
    """None if the header or the table is cut off, or the sampling rate is none."""
    data = source.read_at(layout.start, min(_HEADER.size, layout.end - layout.start))
    if len(data) < _HEADER.size:
        return None
    _, _, _, _, rate, samples, crc = _HEADER.unpack(data)
    # A frame is 256/245 of a second.
    in_frame = rate * 256 // 245
    table = layout.start + _HEADER.size
    first = table + 4 * -(-samples // in_frame) + _CRC if in_frame else layout.end + 1
    if first > layout.end:
        return None
    total = found = 0
    for block in chunks(source, table, first - _CRC):
        found = zlib.crc32(block, found)
        total += _sum(block)
    stored = int.from_bytes(source.read_at(first - _CRC, _CRC), "little")
    return _Frames(first + total, zlib.crc32(data[:-_CRC]) == crc, found == stored)


def _violations(source: ByteSource, layout: StreamLayout) -> Iterator[Violation]:
    """Where header, table and file contradict each other."""
    frames = _frames(source, layout)
    if frames is None:
        yield Violation(Code.ESSENCE_TRUNCATED, "the header or the table of TrueAudio frames is cut off")
        return
    if not frames.header_holds:
        yield Violation(Code.FRAME_HEADER, "the checksum of the TrueAudio header is wrong")
    if not frames.table_holds:
        # Decoders then go on without the table, or not at all.
        yield Violation(Code.SEEK_TABLE, "the checksum of the table of TrueAudio frames is wrong")
    if frames.end > layout.end:
        yield Violation(Code.ESSENCE_TRUNCATED, "the TrueAudio frames run past the end")
    elif frames.end < layout.end:
        message = f"{layout.end - frames.end} bytes stand behind the last TrueAudio frame"
        yield Violation(Code.TRAILING_AUDIO, message)


def _sum(block: bytes) -> int:
    """The sum of the 32-bit little-endian numbers in ``block``."""
    return sum(value for (value,) in struct.iter_unpack("<I", block))
