"""One-bit audio made from a clip, for the formats that hold it."""

from __future__ import annotations

import array
from functools import cache
from pathlib import Path

from tests.audio import run

#: 64 times 44.1 kHz.
RATE = 2_822_400
_PCM_RATE = 44_100
#: Turns bytes with the first sample in the most significant bit into those with it in the least.
LSB_FIRST = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@cache
def dsd_channels(clip: Path, seconds: float) -> list[bytes]:
    """The beginning of ``clip``, one entry a channel, most significant bit first."""
    rate, length = str(_PCM_RATE), str(seconds)
    shown = run(
        *("ffmpeg", "-v", "error", "-i", clip, "-t", length, "-ar", rate, "-ac", "2", "-f", "s16le", "-")
    )
    samples = array.array("h", shown)
    return [_modulated(samples[channel::2]) for channel in range(2)]


def _modulated(samples: array.array[int]) -> bytes:
    """First-order sigma-delta modulation, each sample held for 64 bits."""
    out, error = bytearray(), 0
    for sample in samples:
        for _ in range(RATE // _PCM_RATE // 8):
            byte = 0
            for _ in range(8):
                error += sample // 2
                bit = error >= 0
                error -= 32_767 if bit else -32_767
                byte = byte << 1 | bit
            out.append(byte)
    return bytes(out)
