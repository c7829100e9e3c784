"""The header of a Monkey's Audio file, and where its frames lie.

Monkey's Audio SDK 3.99, ``MACLib.h`` (``APE_DESCRIPTOR``, ``APE_HEADER``) and ``APEHeader.h``
(``APE_HEADER_OLD``, files of versions before 3.98).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.sources import ByteSource, read_exactly

MAGIC: Final = b"MAC "
#: What a decoder that searches takes for a file of version 3.80 to 4.09.
SIGNATURE: Final = re.compile(rb"MAC (?:[\xd8-\xff]\x0e|.\x0f)", re.S)
#: The first version with a descriptor.
_DESCRIPTOR_VERSION: Final = 3980
#: Up to and including this one, frames do not start on whole bytes.
_LAST_WITH_BITS: Final = 3800
_DESCRIPTOR: Final = struct.Struct("<4sH2xIIIIIII16s")
_HEADER: Final = struct.Struct("<HHIIIHHI")
_OLD_HEADER: Final = struct.Struct("<4sHHHHIIIII")
_HAS_PEAK, _HAS_SEEK_ELEMENTS, _CREATES_HEADER = 4, 16, 32
_OFFSET: Final = 4
#: Seek table entries that are read at once.
_BATCH: Final = 1 << 16


@dataclass(frozen=True)
class MacHeader:
    """Where things lie, counted from the start of the file like all offsets here.

    ``frames_end`` is None where the header does not say it (before 3.98).
    """

    start: int
    version: int
    frames: int
    #: The table with the offset of each frame, from ``start``.
    table: int
    table_entries: int
    #: What is kept of the original file.
    wav_header: tuple[int, int]
    first_frame: int
    frames_end: int | None
    trailer_bytes: int

    def last_frame(self, source: ByteSource) -> int:
        """Where the last frame begins by the table, which lies in the file."""
        at = self.table + max(self.frames - 1, 0) * _OFFSET
        return self.start + int.from_bytes(source.read_at(at, _OFFSET), "little")

    def offsets(self, source: ByteSource) -> Iterator[tuple[int, ...]]:
        """Where frames start, from :attr:`start`, in batches. The table lies in the file."""
        for first in range(0, self.frames, _BATCH):
            count = min(_BATCH, self.frames - first)
            data = read_exactly(source, self.table + first * _OFFSET, count * _OFFSET)
            yield struct.unpack(f"<{count}I", data)


def is_mac(data: bytes) -> bool:
    return SIGNATURE.match(data) is not None


def parse(source: ByteSource, start: int) -> MacHeader | None:
    """The header at ``start``, where :func:`is_mac` holds; None if the file ends before it does."""
    data = source.read_at(start, _DESCRIPTOR.size)
    version = int.from_bytes(data[4:6], "little")
    if version < _DESCRIPTOR_VERSION:
        return _parse_old(source, start, data)
    if len(data) < _DESCRIPTOR.size:
        return None
    _, _, descriptor, header, table, wav, audio, audio_high, trailer, _ = _DESCRIPTOR.unpack(data)
    data = source.read_at(start + descriptor, _HEADER.size)
    if descriptor < _DESCRIPTOR.size or header < _HEADER.size or len(data) < _HEADER.size:
        return None
    _, _, _, _, frames, _, _, _ = _HEADER.unpack(data)
    table_at = start + descriptor + header
    wav_at = table_at + table
    first = wav_at + wav
    frames_end = first + audio + (audio_high << 32)
    return MacHeader(
        start, version, frames, table_at, table // _OFFSET, (wav_at, first), first, frames_end, trailer
    )


def _parse_old(source: ByteSource, start: int, data: bytes) -> MacHeader | None:
    if len(data) < _OLD_HEADER.size:
        return None
    _, version, _, flags, _, _, wav, trailer, frames, _ = _OLD_HEADER.unpack_from(data)
    at = start + _OLD_HEADER.size + (_OFFSET if flags & _HAS_PEAK else 0)
    entries = frames
    if flags & _HAS_SEEK_ELEMENTS:
        entries = int.from_bytes(source.read_at(at, _OFFSET), "little")
        at += _OFFSET
    wav_header = (at, at if flags & _CREATES_HEADER else at + wav)
    table = wav_header[1]
    first = table + _OFFSET * entries + (entries if version <= _LAST_WITH_BITS else 0)
    return MacHeader(start, version, frames, table, entries, wav_header, first, None, trailer)
