"""A small encoder of Monkey's Audio, because no packaged one exists: mono, 16 bits, level 1000 ("fast").

What it writes is real Monkey's Audio of version 3.99, which the official decoder and ffmpeg play bit
for bit: header and trailer of the WAVE file, MD5, seek table, and frames with checksum, prediction and
range coding. Frames know nothing of each other, so that they may be repeated.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence

VERSION = 3990
FAST = 1000
#: How often a value is so many times the expected one, of 65,536, as the decoder's table has it.
_WIDTHS: tuple[int, ...] = (
    19578,
    16582,
    12257,
    7906,
    4576,
    2366,
    1170,
    536,
    261,
    119,
    65,
    31,
    19,
    10,
    6,
    3,
    3,
    2,
)
_WIDTHS += (1,) * (64 - len(_WIDTHS))
_ESCAPE = 63
_TOP, _SHIFT, _BOTTOM = 1 << 31, 23, 1 << 23


class _RangeCoder:
    """A carry is added to bytes that were written before."""

    def __init__(self) -> None:
        self.bytes = bytearray(1)
        self._low, self._range = 0, _TOP

    def put(self, start: int, width: int, total: int) -> None:
        while self._range <= _BOTTOM:
            self._byte(0)
        step = self._range // total
        self._low += step * start
        self._range = step * width

    def _byte(self, extra: int) -> None:
        value = (self._low >> _SHIFT) + extra
        at = len(self.bytes)
        while value > 0xFF and at:
            at -= 1
            self.bytes[at] = self.bytes[at] + 1 & 0xFF
            if self.bytes[at]:
                break
        self.bytes.append(value & 0xFF)
        self._low = self._low << 8 & _TOP - 1
        self._range <<= 8

    def finish(self) -> bytes:
        while self._range <= _BOTTOM:
            self._byte(0)
        self._byte(1)
        return bytes(self.bytes) + bytes(3)


def _residuals(samples: Sequence[int]) -> list[int]:
    """What an order 1 filter and then an adaptive one of four weights leave."""
    weights = [360, 317, -109, 98]
    last = previous = 0
    history = [0, 0, 0, 0]
    found = []
    for sample in samples:
        value = sample - (last * 31 >> 5)
        last = sample
        difference = history[0] - previous
        history[1:] = [difference, *history[1:3]]
        guess = sum(weight * each for weight, each in zip(weights, history, strict=True)) >> 10
        rest = value - guess
        if rest:
            step = 1 if rest > 0 else -1
            weights = [w + step * ((each > 0) - (each < 0)) for w, each in zip(weights, history, strict=True)]
        previous, history[0] = history[0], value
        found.append(rest)
    return found


def frame(pcm: bytes) -> bytes:
    """One frame of mono samples of 16 bits."""
    coder, expected = _RangeCoder(), 16 << 10
    for rest in _residuals(struct.unpack(f"<{len(pcm) // 2}h", pcm)):
        value = 2 * rest - 1 if rest > 0 else -2 * rest
        pivot = max(expected // 32, 1)
        expected += (value + 1) // 2 - (expected + 16 >> 5)
        times, base = divmod(value, pivot)
        symbol = min(times, _ESCAPE)
        coder.put(sum(_WIDTHS[:symbol]), _WIDTHS[symbol], 1 << 16)
        if symbol == _ESCAPE:
            coder.put(times >> 16, 1, 1 << 16)
            coder.put(times & 0xFFFF, 1, 1 << 16)
        coder.put(base, 1, pivot)
    return struct.pack(">I", zlib.crc32(pcm) >> 1) + coder.finish()


def file(rate: int, frames: Sequence[tuple[bytes, int]], header: bytes, trailer: bytes = b"") -> bytes:
    """A file of frames, each with its number of samples; all but the last have as many as the first."""
    first = 52 + 24 + 4 * len(frames) + len(header)
    offsets, at = [], first
    for data, _ in frames:
        offsets.append(at)
        at += len(data)
    table = struct.pack(f"<{len(frames)}I", *offsets)
    numbers = (FAST, 0, frames[0][1], frames[-1][1], len(frames), 16, 1, rate)
    head = struct.pack("<HHIIIHHI", *numbers)
    audio = b"".join(data for data, _ in frames)
    # The decoder reads on from frame to frame, in little-endian words, each from its highest byte on.
    audio += bytes(-len(audio) % 4)
    audio = struct.pack(f"<{len(audio) // 4}I", *struct.unpack(f">{len(audio) // 4}I", audio))
    digest = hashlib.md5(header + audio + trailer + head + table).digest()
    sizes = (52, len(head), len(table), len(header), len(audio), 0, len(trailer))
    descriptor = struct.pack("<4sH2x7I16s", b"MAC ", VERSION, *sizes, digest)
    return descriptor + head + table + header + audio + trailer
