"""PCM in an MP4 or QuickTime movie, as WAVE and AIFF would describe it.

QuickTime File Format, "Sound Sample Descriptions" and "Uncompressed Audio"; ISO/IEC 23003-5 (``ipcm``,
``fpcm``). Where the sample entry says nothing that WAVE or AIFF could not say, the same samples have the
same codec id and configuration there; every other entry is part of the essence as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from noai.containers._bmff import Box, BoxReader
from noai.errors import ContainerMalformed

PCM: Final = frozenset(
    (
        b"raw ", b"NONE", b"twos", b"sowt", b"in24", b"in32", b"fl32", b"fl64", b"lpcm", b"ipcm",
        b"fpcm", b"ulaw", b"alaw",
    )
)  # fmt: skip
#: Format tag as in WAVE, and bits of a sample, where the type fixes them and players ignore the entry.
_FIXED: Final = {
    b"ulaw": (7, 8), b"alaw": (6, 8), b"in24": (1, 24), b"in32": (1, 32), b"fl32": (3, 32), b"fl64": (3, 64),
}  # fmt: skip
_INTEGER, _FLOAT = 1, 3
#: Boxes in a sound description that change nothing: channel layouts, bit rates, the end of a list.
_HARMLESS: Final = frozenset((b"chan", b"chnl", b"btrt", b"frma", bytes(4)))
# Format-specific flags of version 2.
_IS_FLOAT, _BIG, _SIGNED, _PACKED = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Pcm:
    """``codec`` and ``config`` are None where no other container could say the same."""

    frame_bytes: int | None
    codec: str | None = None
    config: bytes = b""


@dataclass(frozen=True, slots=True)
class _Samples:
    tag: int
    #: Bits of the container of one sample, and how many of them count.
    container: int
    bits: int
    big: bool


def read_pcm(reader: BoxReader, entry: Box, body: bytes, version: int, head: int) -> Pcm:
    """What the sample entry ``entry`` says, whose payload is ``body`` and whose boxes begin at ``head``."""
    frame_bytes = _frame_bytes(entry.type, body, version)
    if version == 2:
        if len(body) < 64:
            return Pcm(frame_bytes)
        rate, channels = struct.unpack(">dI", body[32:44])
        samples = _version_2(entry.type, body)
    else:
        channels, bits, _, fixed_rate = struct.unpack(">HH4sI", body[16:28])
        rate = fixed_rate / 65536
        try:
            boxes = list(reader.children(entry.body + head, entry.end, 8))
            samples = _samples(reader, entry.type, bits, boxes)
        except ContainerMalformed:
            # What follows the sound description may be anything, and then is part of the essence.
            return Pcm(frame_bytes)
    if samples is None or not 0 < rate < 1 << 32 or rate != int(rate) or not 0 < channels < 1 << 16:
        return Pcm(frame_bytes)
    if frame_bytes != channels * samples.container // 8:
        return Pcm(frame_bytes)
    config = struct.pack("<HHIHH", samples.tag, channels, int(rate), samples.container, samples.bits)
    return Pcm(frame_bytes, "pcm-be" if samples.big else "pcm", config)


def _samples(reader: BoxReader, kind: bytes, bits: int, boxes: Sequence[Box]) -> _Samples | None:
    if kind in (b"ipcm", b"fpcm"):
        return _iso(reader, kind, boxes)
    little = _is_little(reader, boxes)
    if little is None:
        return None
    if kind in (b"ulaw", b"alaw"):
        return _Samples(*_FIXED[kind][:1], 8, 8, big=False)
    if kind in _FIXED:
        tag, bits = _FIXED[kind]
        return _Samples(tag, bits, bits, big=not little)
    if kind in (b"twos", b"sowt") and bits in (8, 16):
        # One byte has a sign here, as in AIFF, and none in WAVE.
        return _Samples(_INTEGER, bits, bits, big=kind == b"twos" or bits == 8)
    if kind == b"raw " and bits == 8:
        return _Samples(_INTEGER, 8, 8, big=False)
    return None


def _is_little(reader: BoxReader, boxes: Sequence[Box]) -> bool | None:
    """Whether ``enda`` in ``wave`` reverses the bytes; None if the boxes say more than that."""
    inner = [child for box in boxes if box.type == b"wave" for child in reader.children(box.body, box.end, 9)]
    ends = [box for box in inner if box.type == b"enda"]
    others = {box.type for box in boxes} - {b"wave"} | {box.type for box in inner} - {b"enda"}
    if others - _HARMLESS or len(ends) > 1 or any(box.length != 2 for box in ends):
        return None
    return bool(ends) and reader.read(ends[0].body, 2) == b"\x00\x01"


def _iso(reader: BoxReader, kind: bytes, boxes: Sequence[Box]) -> _Samples | None:
    """``pcmC``: version and flags, format flags (bit 0: little-endian), bits of a sample."""
    stated = [box for box in boxes if box.type == b"pcmC"]
    others = {box.type for box in boxes} - {b"pcmC"}
    if others - _HARMLESS or len(stated) != 1 or stated[0].length != 6:
        return None
    flags, bits = reader.read(stated[0].body, 6)[4:]
    if not bits or bits % 8:
        return None
    little = bool(flags & 1) and bits > 8
    return _Samples(_INTEGER if kind == b"ipcm" else _FLOAT, bits, bits, big=not little)


def _version_2(kind: bytes, body: bytes) -> _Samples | None:
    """Constant bits a channel and flags, as Core Audio has them ("Sound Sample Description (Version 2)")."""
    bits, flags = struct.unpack(">II", body[48:56])
    if kind != b"lpcm" or len(body) > 64 or not flags & _PACKED or bits % 8 or not 0 < bits <= 64:
        return None
    if flags & _IS_FLOAT:
        return _Samples(_FLOAT, bits, bits, big=bool(flags & _BIG))
    if not flags & _SIGNED:
        return _Samples(_INTEGER, 8, 8, big=False) if bits == 8 else None
    return _Samples(_INTEGER, bits, bits, big=bool(flags & _BIG) or bits == 8)


def _frame_bytes(kind: bytes, body: bytes, version: int) -> int | None:
    """Bytes of one frame, as sound descriptions of versions 0 to 2 state them."""
    if version == 2:
        return int.from_bytes(body[56:60], "big") or None if len(body) >= 64 else None
    if version == 1 and len(body) >= 44:
        return int.from_bytes(body[36:40], "big") or None
    channels, bits = struct.unpack(">HH", body[16:20])
    bits = 8 if kind == b"raw " else _FIXED.get(kind, (0, bits))[1]
    return channels * (bits // 8) or None
