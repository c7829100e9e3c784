"""FLAC files that are several files joined: each later one has metadata of its own among the frames.

A FLAC file does not say how many bytes of audio it has, but how many samples: where the last frame is the
last that STREAMINFO promises, nothing was joined to it. Everything else is searched byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.containers._between import Unreadable, find_tags, marks
from noai.containers._flac_blocks import MAGIC, Block, FlacLayout, read_blocks
from noai.containers._flac_end import promised_end
from noai.containers._opaque import holds_mark
from noai.containers._tails import Tail
from noai.errors import LimitExceeded
from noai.limits import FLAC_STREAMS
from noai.sources import ByteSource, chunks, read_exactly

#: ``fLaC`` and the header of a STREAMINFO block: eight bytes that no audio holds by chance.
STREAM_BEGINS: Final = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22", re.S)
_OVERLAP: Final = 7


@dataclass(frozen=True)
class JoinedStream:
    """A further FLAC stream. ``damage``: why there are no more blocks."""

    offset: int
    blocks: tuple[Block, ...]
    end: int
    damage: str | None


@dataclass(frozen=True)
class Joined:
    """What was found among the frames. Not ``searched``: the audio is as long as STREAMINFO promises."""

    searched: bool
    streams: tuple[JoinedStream, ...] = ()
    tags: tuple[Tail | Unreadable, ...] = ()


def find_joined(source: ByteSource, layout: FlacLayout, end: int) -> Joined:
    """What stands among the frames, of which the last should end at ``end``.

    Raises:
        LimitExceeded: more streams than :data:`noai.limits.FLAC_STREAMS`, more tags than
            :data:`noai.limits.TAGS_BETWEEN`, more blocks than :data:`noai.limits.BOXES`.
    """
    if not layout.blocks:
        return Joined(searched=False)
    info = layout.blocks[0]
    last = promised_end(source, layout, read_exactly(source, info.data, info.length), end)
    if last is not None and not (marks(last) or STREAM_BEGINS.search(last) or holds_mark(last)):
        return Joined(searched=False)
    streams: list[JoinedStream] = []
    for at in _stream_offsets(source, layout.audio, end):
        if len(streams) == FLAC_STREAMS:
            raise LimitExceeded(f"more than {FLAC_STREAMS} FLAC streams in one file")
        if not streams or at >= streams[-1].end:
            streams.append(JoinedStream(at, *read_blocks(source, at + len(MAGIC))))
    return Joined(True, tuple(streams), tuple(find_tags(source, layout.audio, end)))


def _stream_offsets(source: ByteSource, start: int, end: int) -> Iterator[int]:
    seam, at = b"", start
    for block in chunks(source, start, end):
        data = seam + block
        yield from (at - len(seam) + match.start() for match in STREAM_BEGINS.finditer(data))
        seam, at = data[-_OVERLAP:], at + len(block)
