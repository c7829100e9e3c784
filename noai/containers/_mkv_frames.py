"""Frames: what is in a block of audio, unlaced, hashed and timed (RFC 9559 §10)."""

from __future__ import annotations

import struct
from typing import Final

from noai.codes import Code
from noai.containers._ebml import parse_number
from noai.containers._mkv_codecs import Decoder
from noai.containers._mkv_rules import Rules
from noai.containers._mkv_timing import Timing
from noai.containers._mkv_tracks import Track
from noai.errors import ContainerMalformed
from noai.essence import StreamHasher

#: Of the flags in a block header (§10.1, 10.2).
LACING: Final = 0x06
_XIPH, _FIXED = 0x02, 0x04
#: Decoders drop what is left over.
_CUT_SAMPLE: Final = "a frame of PCM that does not end with a sample"


class AudioTrack:
    """Hashes the frames of one track. Those that :meth:`flush` has not hashed yet are kept in memory."""

    def __init__(self, track: Track, decoder: Decoder, rules: Rules) -> None:
        self.hasher = StreamHasher(decoder.codec, decoder.config, packets=decoder.packets)
        self.timing = Timing(decoder.trim)
        self._decoder = decoder
        self._stripped = track.stripped
        self._rules = rules
        self._frames: list[bytes] = []

    def frame(self, time: int, frame: bytes) -> float:
        """A frame that is alone in its block. How long it sounds, 0 if that is not known."""
        if self._stripped:
            frame = self._stripped + frame
        self._frames.append(frame)
        decoder = self._decoder
        sounds = decoder.steady if decoder.pace is None else decoder.pace(frame)
        self.timing.block(time, sounds)
        if decoder.frame_bytes and len(frame) % decoder.frame_bytes:
            self._rules.violate(_CUT_SAMPLE, Code.ESSENCE_UNSUPPORTED)
        return sounds

    def laced(self, time: int, data: bytes, sizes: list[int], at: int) -> float:
        """Frames of ``sizes`` that begin at ``at``. How long the last one sounds, 0 if that is not known."""
        frame_bytes = self._decoder.frame_bytes
        if frame_bytes and any(size % frame_bytes for size in sizes):
            self._rules.violate(_CUT_SAMPLE, Code.ESSENCE_UNSUPPORTED)
        stripped, pace = self._stripped, self._decoder.pace
        first = len(self._frames)
        for size in sizes:
            self._frames.append(stripped + data[at : at + size])
            at += size
        if pace is None:
            self.timing.block(time, self._decoder.steady * len(sizes))
            return self._decoder.steady
        sounds = [pace(frame) for frame in self._frames[first:]]
        self.timing.block(time, sum(sounds))
        return sounds[-1]

    def flush(self) -> None:
        frames, self._frames = self._frames, []
        if self._decoder.packets:
            count = len(frames)
            self.hasher.packet_lengths(struct.pack(f"<{count}I", *map(len, frames)), count)
        self.hasher.update(b"".join(frames))


def unlace(data: bytes, at: int, end: int, lacing: int) -> tuple[list[int], int]:
    """The sizes of the frames in a block whose header ends at ``at``, and where the first one begins (§10.3).

    Raises:
        ContainerMalformed: if they do not fill the block.
    """
    if not lacing:
        return [end - at], at
    if at >= end:
        raise ContainerMalformed("a laced block is cut off")
    count = data[at]
    at += 1
    if lacing == _FIXED:
        size, rest = divmod(end - at, count + 1)
        if rest or not size:
            raise ContainerMalformed("frames of one size do not fill their block")
        return [size] * (count + 1), at
    sizes, at = (_xiph if lacing == _XIPH else _ebml)(data, at, end, count)
    sizes.append(end - at - sum(sizes))
    if min(sizes) <= 0:
        raise ContainerMalformed("laced frames are empty or run past their block")
    return sizes, at


def _xiph(data: bytes, at: int, end: int, count: int) -> tuple[list[int], int]:
    sizes: list[int] = []
    for _ in range(count):
        size = 0
        while at < end and data[at] == 255:
            size, at = size + 255, at + 1
        if at >= end:
            raise ContainerMalformed("a laced block is cut off")
        sizes.append(size + data[at])
        at += 1
    return sizes, at


def _ebml(data: bytes, at: int, end: int, count: int) -> tuple[list[int], int]:
    """The first size as a number, the others as signed differences."""
    sizes: list[int] = []
    for position in range(count):
        number, after = parse_number(data, at, 8)
        if after > end:
            raise ContainerMalformed("a laced block is cut off")
        width = 7 * (after - at)
        value = number ^ 1 << width
        sizes.append(sizes[-1] + value - ((1 << (width - 1)) - 1) if position else value)
        at = after
    return sizes, at
