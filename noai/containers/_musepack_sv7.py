"""Musepack stream version 7: a header and frames that follow each other bit by bit.

Musepack's own decoder (libmpcdec r495), ``streaminfo.c`` and ``mpc_demux.c``. The stream is a row of
little-endian words of 32 bits, each read from its highest bit on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from noai.codes import Code
from noai.containers._id3_frames import Window
from noai.containers._tagged_stream import StreamLayout, hash_range
from noai.errors import LimitExceeded
from noai.essence import StreamHasher, Violation
from noai.limits import MUSEPACK_FRAMES
from noai.sources import ByteSource

CODEC: Final = "musepack7"
#: Whatever the upper half of the last byte says (noise substitution), the lower is the version.
MAGICS: Final = tuple(b"MP+" + bytes([high << 4 | 7]) for high in range(16))
_WORD: Final = 32
#: Gain and peak of title and album.
_GAIN, _GAIN_END = 12, 20
#: The header ends inside its seventh word.
_FIRST_FRAME: Final = 200
_LENGTH_BITS: Final = 20
#: Behind the last frame: how many samples of it are to be played.
_LAST_SAMPLES_BITS: Final = 11
#: One read while walking: a frame has some 400 bytes.
_WINDOW: Final = 32
#: Words that encoders leave behind the last frame beyond the one in which the stream ends.
_SPARE_WORDS: Final = 2


def hash_stream(source: ByteSource, layout: StreamLayout) -> StreamHasher:
    """Every byte, gain and peak taken for zero: loudness tools write them into the header."""
    hasher = StreamHasher(CODEC, b"", packets=False)
    head = bytearray(source.read_at(layout.start, min(_GAIN_END, layout.end - layout.start)))
    head[_GAIN:] = bytes(max(0, len(head) - _GAIN))
    hasher.update(bytes(head))
    hash_range(hasher, source, layout.start + len(head), layout.end)
    return hasher


def describe(source: ByteSource, start: int) -> Iterator[str]:
    """What of the header is no part of the essence."""
    yield f"Musepack gain={source.read_at(start + _GAIN, _GAIN_END - _GAIN).hex()}"


def violations(source: ByteSource, layout: StreamLayout) -> Iterator[Violation]:
    """Where the frames are not as many as the header says, or do not reach from it to the end.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.MUSEPACK_FRAMES`.
    """
    if not _frames(source, layout):
        yield Violation(Code.ESSENCE_EMPTY, "the Musepack header announces no frames")
    end = stream_end(source, layout)
    if end > layout.end:
        yield Violation(Code.ESSENCE_TRUNCATED, "the Musepack frames run past the end")
    elif end < layout.end:
        yield Violation(Code.TRAILING_AUDIO, f"{layout.end - end} bytes stand behind the last Musepack frame")


def stream_end(source: ByteSource, layout: StreamLayout) -> int:
    """Where the frames end, up to a few words that encoders leave behind; behind the layout if it is cut off.

    Reads a few bytes a frame.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.MUSEPACK_FRAMES`.
    """
    frames, size = _frames(source, layout), 8 * (layout.end - layout.start)
    if frames > MUSEPACK_FRAMES:
        raise LimitExceeded(f"more than {MUSEPACK_FRAMES} Musepack frames")
    window, at, seen = Window(source, _WINDOW), _FIRST_FRAME, 0
    while seen < frames and at + _LENGTH_BITS <= size:
        at += _LENGTH_BITS + _length(window, layout, at)
        seen += 1
    at += _LAST_SAMPLES_BITS
    if seen < frames or at > size:
        return layout.end + 1
    end = layout.start + -(-at // _WORD) * 4
    return layout.end if layout.end - end <= 4 * _SPARE_WORDS else end


def _frames(source: ByteSource, layout: StreamLayout) -> int:
    return int.from_bytes(source.read_at(layout.start + 4, 4), "little")


def _length(source: Window, layout: StreamLayout, at: int) -> int:
    """The 20 bits from bit ``at`` of the stream: the length of a frame in bits."""
    word = layout.start + at // _WORD * 4
    data = source.read_at(word, min(8, layout.end - word)).ljust(8, b"\x00")
    both = int.from_bytes(data[:4], "little") << _WORD | int.from_bytes(data[4:], "little")
    return both >> (2 * _WORD - _LENGTH_BITS - at % _WORD) & (1 << _LENGTH_BITS) - 1
