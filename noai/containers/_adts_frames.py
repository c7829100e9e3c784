"""ADTS frame headers, and the frames of a stream (ISO/IEC 13818-7 §6.2; 14496-3 §1.A.2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.containers._mpeg4_audio import RATES
from noai.errors import LimitExceeded
from noai.limits import ADTS_FRAMES, KIB, MIB, READ_SIZE
from noai.sources import ByteSource, read_exactly

HEADER: Final = 7
#: With the CRC that follows where the header announces it.
PROTECTED_HEADER: Final = 9
LONGEST_FRAME: Final = 8191
#: Sync word, layer, protection, profile, sampling rate and channels: alike in all frames of a stream.
#: What else the header holds (MPEG-2 or -4, copyright) no decoder obeys.
STREAM_BITS: Final = 0xFFF << 44 | 3 << 41 | 1 << 40 | 3 << 38 | 15 << 34 | 7 << 30
#: Frames that must follow each other behind the tags, or else reach the end of the file.
_FRAMES: Final = 3
#: As many behind other bytes, which are searched so far: recordings of a broadcast begin anywhere.
_FRAMES_IN_JUNK, _JUNK = 6, 12 * KIB
_SYNC: Final = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]", re.S)


@dataclass(frozen=True, slots=True)
class Header:
    """One frame header, as the number that its seven bytes are."""

    word: int

    @property
    def stream(self) -> int:
        return self.word & STREAM_BITS

    @property
    def size(self) -> int:
        return HEADER if self.word >> 40 & 1 else PROTECTED_HEADER

    @property
    def object_type(self) -> int:
        """The audio object type of MPEG-4 (14496-3 table 1.17) that the profile stands for."""
        return (self.word >> 38 & 3) + 1

    @property
    def rate_index(self) -> int:
        return self.word >> 34 & 15

    @property
    def channels(self) -> int:
        """The channel configuration; 0 where a program config element in the audio says it."""
        return self.word >> 30 & 7

    @property
    def length(self) -> int:
        """Of the frame, header included."""
        return self.word >> 13 & 0x1FFF

    @property
    def blocks(self) -> int:
        """Raw data blocks in the frame."""
        return (self.word & 3) + 1


def parse(data: bytes, at: int = 0) -> Header | None:
    """The header at ``at``, or None if none can be there."""
    header = Header(int.from_bytes(data[at : at + HEADER], "big"))
    if len(data) < at + HEADER or header.word >> 44 != 0xFFF or header.word >> 41 & 3:
        return None
    return header if header.rate_index < len(RATES) and header.length >= header.size else None


def starts_with_frames(source: ByteSource, start: int, ends: Iterator[int]) -> bool:
    """Whether frames of one stream follow each other from ``start``.

    Fewer will do where they reach one of ``ends``, which is asked only then.
    """
    first = parse(source.read_at(start, HEADER))
    if first is None:
        return False
    at, seen, header = start, 0, first
    while seen < _FRAMES:
        at += header.length
        seen += 1
        following = parse(source.read_at(at, HEADER))
        if following is None or following.stream != first.stream:
            return any(at == end or (seen > 1 and at > end - HEADER) for end in ends)
        header = following
    return True


def find_in_junk(source: ByteSource, start: int) -> int | None:
    """Where a longer run of frames begins a little behind ``start``, in front of which stand other bytes."""
    data = source.read_at(start, _JUNK)
    if data[:1] == b"\xff" and data[1:2] >= b"\xe0":
        return None
    for match in _SYNC.finditer(data):
        at, seen = match.start(), 0
        first = header = parse(data, at)
        while first is not None and header is not None and header.stream == first.stream:
            at, seen = at + header.length, seen + 1
            if seen == _FRAMES_IN_JUNK:
                return start + match.start()
            header = parse(data, at)
    return None


def stream_end(source: ByteSource, first: int, end: int) -> int:
    """Where the frames that follow each other from ``first``, where one starts, end: ``end``, or before it.

    Reads seven bytes a frame.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.ADTS_FRAMES`.
    """
    at, wanted, count = first, 0, 0
    while at + HEADER <= end:
        word = int.from_bytes(source.read_at(at, HEADER), "big")
        length = word >> 13 & 0x1FFF
        wanted = wanted or word & STREAM_BITS
        if word & STREAM_BITS != wanted or length < HEADER:
            return at
        at += length
        count += 1
        if count > ADTS_FRAMES:
            raise LimitExceeded(f"more than {ADTS_FRAMES} ADTS frames")
    return min(at, end)


def hold_frames(source: ByteSource, start: int, end: int, of: Header) -> bool:
    """Whether decoders that search for frames would find some of the stream ``of`` in the bytes of a tag.

    Two in a row, or more headers than chance puts there (one in 64 MiB).
    """
    left = 2 + (end - start) // MIB
    for at in range(start, end, READ_SIZE):
        data = read_exactly(source, at, min(READ_SIZE + LONGEST_FRAME + HEADER, end - at))
        for match in _SYNC.finditer(data, 0, READ_SIZE + 1):
            header = parse(data, match.start())
            if header is None or header.stream != of.stream:
                continue
            following = parse(data, match.start() + header.length)
            left -= 1
            if left < 0 or (following is not None and following.stream == of.stream):
                return True
    return False
