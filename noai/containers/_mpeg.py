"""MPEG audio frame headers: where the frames of layers I, II and III start.

ISO/IEC 11172-3 §2.4.1.3 and 13818-3 §2.4.1.3; MPEG 2.5 as the LAME and ffmpeg sources have it. The
Info frame: the Xing VBR header, the LAME tag specification rev 1, and Fraunhofer's VBRI header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

HEADER: Final = 4
#: The longest frame that a header can announce: layer II of MPEG 2.5, 160 kbit/s at 8 kHz.
LONGEST_FRAME: Final = 2881
_FREE_FORMAT_PLACES: Final = 8

#: By the two version bits; the second is reserved. 25 stands for MPEG 2.5.
_VERSIONS: Final = (25, 0, 2, 1)
_RATES: Final = {1: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 25: (11_025, 12_000, 8_000)}
#: kbit/s by bit rate index, for (MPEG 1?, layer). Index 0 is free format.
_KBITS: Final = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
#: Bits that all frames of one stream share: sync, version, layer, sample rate.
_STREAM_BITS: Final = 0xFFFE0C00
_BIT_RATE_BITS: Final = 0xF000

_SECOND: Final = bytes(byte for byte in range(0xE0, 0x100) if byte >> 3 & 3 != 1 and byte >> 1 & 3)
_THIRD: Final = bytes(byte for byte in range(0x100) if byte >> 4 != 15 and byte >> 2 & 3 != 3)
_PLAUSIBLE: Final = re.compile(b"\xff(?=[" + re.escape(_SECOND) + b"][" + re.escape(_THIRD) + b"])", re.S)


@dataclass(frozen=True)
class Header:
    """One frame header. ``length`` of the frame in bytes is 0 in free format, which does not say it."""

    word: int
    version: int
    layer: int
    rate: int
    length: int
    mono: bool

    @property
    def stream(self) -> int:
        """Equal for all frames of one stream."""
        return self.word & _STREAM_BITS

    @property
    def exact_length(self) -> float:
        """Bytes that a frame has in the mean, with the padding that keeps the bit rate."""
        bits = _KBITS[self.version == 1, self.layer][self.word >> 12 & 15] * 1000
        slots = 48 if self.layer == 1 else 72 if self.layer == 3 and self.version != 1 else 144
        return slots * bits / self.rate

    def is_like(self, other: Header) -> bool:
        """Whether both are frames of one stream and bit rate."""
        return not (self.word ^ other.word) & (_STREAM_BITS | _BIT_RATE_BITS)


def parse(data: bytes, at: int = 0) -> Header | None:
    """The frame header at ``at``, or None if none can be there."""
    if len(data) < at + HEADER:
        return None
    word = int.from_bytes(data[at : at + HEADER], "big")
    version = _VERSIONS[word >> 19 & 3]
    layer, bit_rate, rate = 4 - (word >> 17 & 3), word >> 12 & 15, word >> 10 & 3
    if word >> 21 != 0x7FF or not version or layer == 4 or bit_rate == 15 or rate == 3:
        return None
    hertz, padding = _RATES[version][rate], word >> 9 & 1
    bits = _KBITS[version == 1, layer][bit_rate] * 1000
    if layer == 1:
        length = (12 * bits // hertz + padding) * 4
    else:
        slots = 72 if layer == 3 and version != 1 else 144
        length = slots * bits // hertz + padding
    return Header(word, version, layer, hertz, length if bits else 0, word >> 6 & 3 == 3)


def candidates(data: bytes) -> Iterator[int]:
    """Every offset in ``data`` at which a frame header could stand, free format included."""
    return (match.start() for match in _PLAUSIBLE.finditer(data))


def find_frames(data: bytes, count: int, *, complete: bool) -> int | None:
    """The first offset from which ``count`` frames of one stream follow each other.

    With ``complete``, ``data`` reaches to the end of the audio, so that fewer will do if they
    run up to it, one at least.
    """
    for at in candidates(data):
        if follow(data, at, count, complete=complete):
            return at
    return None


def follow(data: bytes, start: int, count: int, *, complete: bool) -> bool:
    """Whether ``count`` frames of one stream follow each other from ``start``; see :func:`find_frames`."""
    first = parse(data, start)
    if first is None or not first.length:
        return False
    at, header, seen = start, first, 0
    while header.length:
        seen += 1
        at += header.length
        if seen == count:
            return True
        if at + HEADER > len(data):
            # Cut off inside its last frame, or behind it: nothing is left that could contradict.
            return complete and (seen > 1 or at <= len(data))
        following = parse(data, at)
        if following is None or following.stream != first.stream:
            return False
        header = following
    return False


def starts_with_frames(data: bytes, *, complete: bool) -> bool:
    """Whether two frames of one stream begin ``data``, or with ``complete`` one that ends with it."""
    return follow(data, 0, 2, complete=complete)


def find_free_format(data: bytes) -> int | None:
    """The first offset from which three free-format frames of one stream and length follow each other.

    Only the first few places are looked at, because each costs a search.
    """
    for at in islice(candidates(data), _FREE_FORMAT_PLACES):
        first = parse(data, at)
        if first is None or first.length:
            continue
        pattern = data[at : at + 2] + bytes([data[at + 2] & 0xFD])
        longest = min(len(data), at + 2 * LONGEST_FRAME)
        second = data.find(pattern[:2], at + 21, longest)
        while second >= 0:
            distance = second - at
            if _same(data, second, pattern) and any(
                _same(data, second + distance + slot, pattern) for slot in (-4, -1, 0, 1, 4)
            ):
                return at
            second = data.find(pattern[:2], second + 1, longest)
    return None


def _same(data: bytes, at: int, pattern: bytes) -> bool:
    return data[at : at + 2] == pattern[:2] and at + 2 < len(data) and data[at + 2] & 0xFD == pattern[2]


def info_frame(data: bytes, header: Header) -> bool:
    """Whether the frame that ``data`` starts with is an Info, Xing or VBRI frame and holds no audio.

    As ffmpeg has it, because ``ffmpeg -c copy`` replaces exactly these: a Xing frame that counts
    neither frames nor bytes is kept there, and so it is audio here.
    """
    if header.layer != 3 or not header.length:
        return False
    frame = data[: header.length]
    if frame[36:40] == b"VBRI" and frame[40:42] == b"\x00\x01":
        return any(frame[46:54])
    at, flags = _xing(frame, header)
    counts = bool(flags & 1) + bool(flags & 2)
    return any(frame[at : at + 4 * counts])


@dataclass(frozen=True)
class Counts:
    """What an Info frame counts, as far as it does. ``constant``: it says that the bit rate is."""

    frames: int | None
    bytes: int | None
    constant: bool


def counts(data: bytes, header: Header) -> Counts | None:
    """What the Xing, Info or VBRI frame that ``data`` starts with counts; None if it is none."""
    if not info_frame(data, header):
        return None
    frame = data[: header.length]
    at, flags = _xing(frame, header)
    if not flags:
        return Counts(_number(frame, 50), _number(frame, 46), constant=False)
    frames = _number(frame, at) if flags & 1 else None
    size = _number(frame, at + 4 * (flags & 1)) if flags & 2 else None
    return Counts(frames, size, constant=frame[at - 8 : at - 4] == b"Info")


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


_SIDE_INFORMATION: Final = {(True, False): 32, (True, True): 17, (False, False): 17, (False, True): 9}


def xing_offset(header: Header) -> int:
    """Where ``Xing`` or ``Info`` stands in a frame of layer III: behind its side information."""
    return HEADER + _SIDE_INFORMATION[header.version == 1, header.mono]


def _xing(frame: bytes, header: Header) -> tuple[int, int]:
    """Where the counts of a Xing or Info frame stand, and its flags; 0 if it is none."""
    at = xing_offset(header)
    if frame[at : at + 4] not in (b"Xing", b"Info"):
        return at + 8, 0
    return at + 8, _number(frame, at + 4)
