"""MPEG audio in bytes that belong to something else: tags, pictures, the metadata of another format.

Players that know MPEG audio by its frames alone (libmad, minimp3, mpg123, hardware) start at the first few
frames that follow each other, wherever those lie.
"""

from __future__ import annotations

import re
from typing import Final

from noai.containers import _mpeg
from noai.limits import KIB, READ_SIZE
from noai.sources import ByteSource, read_exactly

#: Frames of one stream in a row that no other bytes hold by chance.
RUN: Final = 3


def holds_audio(source: ByteSource, start: int, end: int, of: _mpeg.Header | None = None) -> bool:
    """Whether the bytes from ``start`` up to ``end`` would be played by a decoder that takes them for audio.

    Three frames of one stream in a row are audio. So are frames of the stream ``of`` apart from
    each other, where there are several times as many as chance puts into random bytes (7 in
    1 MiB), and headers of any stream, several times as many as there (180 in 1 MiB).
    """
    size = end - start
    same_stream = None if of is None else stream_pattern(of)
    frames_left, headers_left = 8 + size // (32 * KIB), 64 + size // KIB
    overlap = RUN * _mpeg.LONGEST_FRAME
    for at in range(start, end, READ_SIZE):
        data = read_exactly(source, at, min(READ_SIZE + overlap, end - at))
        for offset in _mpeg.candidates(data):
            if offset >= READ_SIZE:
                break
            headers_left -= 1
            frames_left -= same_stream is not None and same_stream.match(data, offset) is not None
            if headers_left < 0 or frames_left < 0 or _mpeg.follow(data, offset, RUN, complete=False):
                return True
    return False


def stream_pattern(header: _mpeg.Header) -> re.Pattern[bytes]:
    """Matches the headers of all frames of one stream, whatever their bit rate and channel mode."""
    second, rate = header.word >> 16 & 0xFE, header.word >> 10 & 3
    thirds = bytes(bits << 4 | rate << 2 | low for bits in range(1, 15) for low in range(4))
    seconds = bytes((second, second | 1))
    return re.compile(b"\xff[" + re.escape(seconds) + b"][" + re.escape(thirds) + b"]", re.S)
