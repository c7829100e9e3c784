"""A small writer of Musepack streams of version 7, because today's encoder writes version 8 only.

A tone in the lowest two of the 32 bands, coded in samples of a fixed width, which is the simplest that
the format has. libmpcdec and ffmpeg play it.
"""

from __future__ import annotations

import math
import struct

_MAX_BAND = 1
#: Quantizer 8: samples of seven bits around 63.
_QUANTIZER, _WIDTH, _MIDDLE = 8, 7, 63
_LENGTH_BITS, _GAPLESS = 20, 1


class _Bits:
    def __init__(self) -> None:
        self.text: list[str] = []

    def put(self, value: int, count: int) -> None:
        self.text.append(f"{value:0{count}b}")

    def code(self, bits: str) -> None:
        self.text.append(bits)

    def __str__(self) -> str:
        return "".join(self.text)


def _frame(number: int) -> str:
    bits = _Bits()
    bits.put(_QUANTIZER, 4)
    bits.put(_QUANTIZER, 4)
    for _ in range(_MAX_BAND):
        bits.code("1" * 2)  # the same quantizer as in the band below, left and right
    for _ in range(_MAX_BAND + 1):
        bits.code("00" * 2)  # one scale factor for the whole frame
    for band in range(_MAX_BAND + 1):
        for _ in range(2):
            bits.code("1100")  # the scale factor as a number
            bits.put(20 + 6 * band, 6)
    for band in range(_MAX_BAND + 1):
        for channel in range(2):
            for index in range(36):
                phase = (36 * number + index) * (0.21 + 0.3 * band + 0.05 * channel)
                bits.put(_MIDDLE + round(60 * math.sin(phase)), _WIDTH)
    return str(bits)


def stream(frames: int) -> bytes:
    """A file of ``frames`` frames of 1,152 stereo samples at 44.1 kHz, without tags."""
    bits = _Bits()
    bits.put(int.from_bytes(b"MP+\x07", "little"), 32)
    bits.put(frames, 32)
    # No intensity or mid/side stereo, the highest band, profile "standard", 44.1 kHz, peak.
    for value, count in ((0, 2), (_MAX_BAND, 6), (10, 4), (0, 4), (20_000, 16)):
        bits.put(value, count)
    bits.put(0, 32)
    bits.put(0, 32)
    # What the decoder's filter holds back, 481 samples, must still fit into the last frame.
    last_samples = 600
    for value, count in ((_GAPLESS, 1), (last_samples, 11), (0, 20), (116, 8)):
        bits.put(value, count)
    for number in range(frames):
        frame = _frame(number)
        bits.put(len(frame), _LENGTH_BITS)
        bits.code(frame)
    bits.put(last_samples, 11)
    text = str(bits)
    text += "0" * (-len(text) % 32)
    words = [int(text[at : at + 32], 2) for at in range(0, len(text), 32)]
    return struct.pack(f"<{len(words)}I", *words)
