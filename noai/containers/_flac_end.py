"""Whether a FLAC file is whole: its last frame complete, and the last that STREAMINFO promises.

RFC 9639 §9: frame header with CRC-8, coded number, and the frame's CRC-16.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from noai.containers._flac_blocks import FlacLayout
from noai.containers._tails import locate_tails
from noai.limits import KIB, MIB
from noai.sources import ByteSource, read_exactly

#: Where the last frame is looked for if STREAMINFO does not say how long frames get.
_WINDOW: Final = 256 * KIB
_SYNC: Final = re.compile(rb"\xff[\xf8\xf9]")
#: Header, one subframe of a constant of four bits, CRC-16 (§9.1, 9.2.3, 9.3): digital silence at the end.
_SMALLEST_FRAME: Final = 6 + 2 + 2
#: Block sizes by their four bits (§9.1.1); 6 and 7 are followed by the size itself.
_BLOCK_SIZES: Final = {1: 192, **{n: 144 << n for n in range(2, 6)}, **{n: 1 << n for n in range(8, 16)}}
_RATE_BYTES: Final = {12: 1, 13: 2, 14: 2}


@dataclass(frozen=True)
class _Frame:
    block_size: int
    #: Of the frame where the block size is fixed, else of its first sample.
    number: int
    variable: bool


def truncation(source: ByteSource, layout: FlacLayout, streaminfo: bytes) -> str | None:
    """Why the audio is not whole, or None. A file that does not say how long it is counts as whole.

    ``streaminfo`` is the 34 bytes of that block.
    """
    total = int.from_bytes(streaminfo[13:18], "big") & 0xF_FFFF_FFFF
    if not total or layout.audio >= layout.end:
        return None
    tails = locate_tails(source, layout.audio, layout.end)
    end = tails[0].offset if tails else layout.end
    longest = int.from_bytes(streaminfo[7:10], "big") or _WINDOW
    start = max(layout.audio, end - min(longest, MIB))
    data = read_exactly(source, start, end - start)
    frame = _last_frame(data)
    if frame is None:
        return "the last frame is cut off or damaged"
    fixed = int.from_bytes(streaminfo[:2], "big")
    first = frame.number if frame.variable else frame.number * fixed
    if first + frame.block_size < total:
        return f"{total} samples are promised, the last frame ends at {first + frame.block_size}"
    return None


def promised_end(source: ByteSource, layout: FlacLayout, streaminfo: bytes, end: int) -> bytes | None:
    """The bytes up to ``end`` from where the last frame begins that ``streaminfo`` promises; None without it.

    That frame is known by its header alone, with its CRC-8. So that a second stream of as many samples is
    not taken for the end of the first, there must not be more bytes than that many frames can have.
    """
    total = int.from_bytes(streaminfo[13:18], "big") & 0xF_FFFF_FFFF
    longest, fixed = int.from_bytes(streaminfo[7:10], "big"), int.from_bytes(streaminfo[:2], "big")
    if not total or end <= layout.audio:
        return None
    if longest and fixed and end - layout.audio > longest * -(-total // fixed):
        return None
    start = max(layout.audio, end - min(longest or _WINDOW, MIB))
    data = read_exactly(source, start, end - start)
    for match in reversed(list(_SYNC.finditer(data))):
        if frame_end(data, match.start(), fixed) == total:
            return data[match.start() :]
    return None


def frame_end(data: bytes, at: int, fixed: int) -> int | None:
    """How many samples there are up to the end of the frame that begins at ``at``; None if none does.

    ``fixed`` is the number of samples of all frames but the last, where the frame says that there is one.
    """
    frame = _parse(data, at)
    if frame is None:
        return None
    first = frame.number if frame.variable else frame.number * fixed
    return first + frame.block_size


def _last_frame(data: bytes) -> _Frame | None:
    """The frame that ends where ``data`` ends."""
    for match in reversed(list(_SYNC.finditer(data))):
        frame = _parse(data, match.start())
        if frame is not None and ends_with_crc16(data[match.start() :]):
            return frame
    return None


def _parse(data: bytes, at: int) -> _Frame | None:
    """The frame header at ``at``, if its CRC-8 is right."""
    if at + _SMALLEST_FRAME > len(data):
        return None
    size_bits, rate_bits = data[at + 2] >> 4, data[at + 2] & 15
    number, position = _coded_number(data, at + 4)
    if number is None:
        return None
    if size_bits in (6, 7):
        width = size_bits - 5
        block_size = int.from_bytes(data[position : position + width], "big") + 1
        position += width
    elif size_bits in _BLOCK_SIZES:
        block_size = _BLOCK_SIZES[size_bits]
    else:
        return None
    position += _RATE_BYTES.get(rate_bits, 0)
    if position >= len(data) or _crc8(data[at : position + 1]):
        return None
    return _Frame(block_size, number, bool(data[at + 1] & 1))


def _coded_number(data: bytes, at: int) -> tuple[int | None, int]:
    """A number coded as UTF-8 would, up to 36 bits, and where it ends (§9.1.5)."""
    first = data[at]
    if first < 0x80:
        return first, at + 1
    length = 8 - (first ^ 0xFF).bit_length()
    if length < 2 or length > 7 or at + length > len(data):
        return None, at
    number = first & (0x7F >> length)
    for byte in data[at + 1 : at + length]:
        if byte & 0xC0 != 0x80:
            return None, at
        number = number << 6 | byte & 0x3F
    return number, at + length


def _table(polynomial: int, width: int) -> tuple[int, ...]:
    top, mask = 1 << (width - 1), (1 << width) - 1
    rows = []
    for value in range(256):
        value <<= width - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        rows.append(value)
    return tuple(rows)


_CRC8: Final = _table(0x07, 8)
#: The polynomial of the CRC-16, x^16 + x^15 + x^2 + 1, is (x + 1) (x^15 + x + 1). Over GF(2) the 2^k-th power
#: of the second factor is x^(15 * 2^k) + x^(2^k) + 1.
_DEGREE: Final = 15


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc


def ends_with_crc16(data: bytes) -> bool:
    """Whether the last two bytes are the CRC-16 of all others: whether its polynomial divides ``data``.

    By arithmetic on one large number, which takes a thirtieth of the time of a loop over the bytes.
    """
    number = int.from_bytes(data, "big")
    # x + 1 divides what has an even number of terms.
    if number.bit_count() & 1:
        return False
    # What is above a power of the trinomial is folded down, half of all bits at a time.
    for power in reversed(range(number.bit_length().bit_length())):
        low, high_at = 1 << power, _DEGREE << power
        while high := number >> high_at:
            number ^= high << high_at ^ high << low ^ high
    return not number
