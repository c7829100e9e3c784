"""A sparse M4A of 5 GB: 87 hours of what could be AAC at 128 kbit/s, with offsets of 64 bits.

Its media data is a hole, so the file takes the room of its movie box (60 MB) on disk.
"""

from __future__ import annotations

import random
import struct
import sys
from array import array
from pathlib import Path

SIZE = 5_000_000_000
RATE = 44_100
FRAMES = 1024
PER_CHUNK = 21
#: Sizes repeat after so many packets.
PERIOD = 21 * 4096


def make(path: Path, *, first: bool = False) -> None:
    """Write the file. ``first`` puts the movie box in front, where marking has to move the media data."""
    chance = random.Random(5)
    sizes = [chance.randrange(300, 443) for _ in range(PERIOD)]
    periods = SIZE // sum(sizes)
    length = periods * sum(sizes)
    ftyp = _box(b"ftyp", b"M4A \x00\x00\x02\x00M4A isomiso2")
    head = struct.pack(">I4sQ", 1, b"mdat", 16 + length)
    media = len(ftyp) + len(head)
    if first:
        media += len(_moov(sizes, periods, 0))
    moov = _moov(sizes, periods, media)
    with path.open("wb") as file:
        file.write(ftyp + moov + head if first else ftyp + head)
        file.truncate(media + length)
        if not first:
            file.seek(media + length)
            file.write(moov)


def _moov(sizes: list[int], periods: int, media: int) -> bytes:
    packets = PERIOD * periods
    ticks = packets * FRAMES
    stbl = _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1) + _sample_entry()),
        _full(b"stts", struct.pack(">III", 1, packets, FRAMES)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, PER_CHUNK, 1)),
        _full(b"stsz", struct.pack(">II", 0, packets) + _big(array("I", sizes)) * periods),
        _full(b"co64", _chunk_offsets(sizes, periods, media)),
    )
    dinf = _box(b"dinf", _full(b"dref", struct.pack(">I", 1) + _box(b"url ", b"\x00\x00\x00\x01")))
    minf = _box(b"minf", _full(b"smhd", bytes(4)), dinf, stbl)
    mdhd = _full(b"mdhd", struct.pack(">QQIQI", 0, 0, RATE, ticks, 0x55C40000), version=1)
    hdlr = _full(b"hdlr", bytes(4) + b"soun" + bytes(13))
    tkhd = _full(b"tkhd", struct.pack(">QQIIQ", 0, 0, 1, 0, ticks * 1000 // RATE) + bytes(60), version=1)
    mvhd = _full(b"mvhd", struct.pack(">QQIQ", 0, 0, 1000, ticks * 1000 // RATE) + bytes(80), version=1)
    title = _box(b"\xa9nam", _box(b"data", struct.pack(">II", 1, 0) + b"A long recording"))
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    udta = _box(b"udta", _box(b"meta", bytes(4), handler, _box(b"ilst", title)))
    return _box(b"moov", mvhd, _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, minf)), udta)


def _chunk_offsets(sizes: list[int], periods: int, media: int) -> bytes:
    offsets = array("Q")
    in_period, at = [], 0
    for start in range(0, PERIOD, PER_CHUNK):
        in_period.append(at)
        at += sum(sizes[start : start + PER_CHUNK])
    for period in range(periods):
        base = media + period * at
        offsets.extend(base + offset for offset in in_period)
    return struct.pack(">I", len(offsets)) + _big(offsets)


def _sample_entry() -> bytes:
    specific = b"\x05\x02\x12\x10"
    config = b"\x04" + bytes([13 + len(specific)]) + b"\x40\x15" + bytes(11) + specific
    esds = _full(b"esds", b"\x03" + bytes([3 + len(config)]) + b"\x00\x01\x00" + config)
    return _box(b"mp4a", bytes(6) + struct.pack(">HHHIHHHHI", 1, 0, 0, 0, 2, 16, 0, 0, RATE << 16), esds)


def _big(numbers: array[int]) -> bytes:
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers.tobytes()


def _box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)


def _full(kind: bytes, payload: bytes, version: int = 0) -> bytes:
    return _box(kind, bytes([version, 0, 0, 0]), payload)
