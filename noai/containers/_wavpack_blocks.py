"""WavPack blocks and the metadata sub-blocks in them.

WavPack 5 binary file / block format (David Bryant, 2020), "Block header" and "Metadata sub-blocks".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.containers._id3_frames import Window
from noai.containers._wrapped import Wrapped
from noai.errors import LimitExceeded
from noai.limits import WAVPACK_BLOCKS, WAVPACK_SUB_BLOCKS, WRAPPED_PIECES
from noai.sources import ByteSource

HEADER: Final = 32
_HEADER: Final = struct.Struct("<4sIHBBIIII")
#: What libwavpack takes for a header wherever it meets one: even block sizes up to 1 MiB, stream
#: versions 0x402 to 0x410, and fewer than 196,608 samples.
SIGNATURE: Final = re.compile(
    b"wvpk[" + re.escape(bytes(range(0, 256, 2))) + rb"].[\x00-\x0f]\x00[\x02-\x10]\x04.{12}[\x00-\x02]\x00",
    re.S,
)
_SMALLEST: Final = HEADER - 8
_UNKNOWN: Final = 0xFFFFFFFF
_FIRST, _LAST = 1 << 11, 1 << 12
#: Bytes of a sample, floating point, sampling rate, DSD: one for all blocks.
_STREAM_FLAGS: Final = 0x87800083
#: One read while walking: the header and the small sub-blocks in front of the audio fit.
_WINDOW: Final = 512

_ODD, _LARGE, _ID = 0x40, 0x80, 0x3F
_HEADERS, _TRAILERS = (0x21, 0x23), (0x22, 0x24)
#: What no decoder obeys: nothing, header, trailer and name extension of the original file, MD5, checksum.
_NO_AUDIO: Final = frozenset((0x00, *_HEADERS, *_TRAILERS, 0x26, 0x28, 0x29, 0x2F))


@dataclass(frozen=True, slots=True)
class Block:
    """One block. ``end`` may lie behind the end of the stream."""

    offset: int
    end: int
    #: Of the first sample in it.
    index: int
    samples: int
    #: Of the whole file, as this block says; None if it does not.
    total: int | None
    flags: int

    @property
    def is_first(self) -> bool:
        """Whether it is the first of those that hold the channels of one stretch of time."""
        return bool(self.flags & _FIRST)

    @property
    def is_last(self) -> bool:
        return bool(self.flags & _LAST)

    @property
    def stream(self) -> int:
        return self.flags & _STREAM_FLAGS


def parse(data: bytes, offset: int) -> Block | None:
    """The block whose header starts ``data``, or None if it is none."""
    if not SIGNATURE.match(data) or len(data) < HEADER:
        return None
    _, size, _, index_high, total_high, total, index, samples, flags = _HEADER.unpack_from(data)
    if size < _SMALLEST:
        return None
    whole = None if total == _UNKNOWN else total + (total_high << 32) - total_high
    return Block(offset, offset + 8 + size, index + (index_high << 32), samples, whole, flags)


def walk(source: ByteSource, start: int, end: int) -> Iterator[Block]:
    """The blocks that follow each other from ``start``, up to where none follows.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.WAVPACK_BLOCKS`.
    """
    count = 0
    while (
        start < end and (block := parse(source.read_at(start, min(HEADER, end - start)), start)) is not None
    ):
        count += 1
        if count > WAVPACK_BLOCKS:
            raise LimitExceeded(f"more than {WAVPACK_BLOCKS} WavPack blocks")
        yield block
        start = block.end


def is_beside_audio(source: ByteSource, block: Block, end: int) -> bool:
    """Whether ``block`` is no part of the essence: without samples, and with nothing that decoding needs.

    ``ffmpeg -c copy`` leaves such blocks out.

    Raises:
        LimitExceeded: more sub-blocks than :data:`noai.limits.WAVPACK_SUB_BLOCKS`.
    """
    if block.samples or block.end > end:
        return False
    at = block.offset + HEADER
    for kind, _, last in _sub_blocks(Window(source, _WINDOW), block, end):
        if kind not in _NO_AUDIO:
            return False
        at = last + (last - at) % 2
    return at == block.end


def read_wrapped(source: ByteSource, start: int, end: int) -> tuple[Wrapped, int]:
    """What the blocks keep of the header and trailer of the original file, and where the last one ends.

    Raises:
        LimitExceeded: more blocks than :data:`noai.limits.WAVPACK_BLOCKS`, sub-blocks in one than
            :data:`noai.limits.WAVPACK_SUB_BLOCKS`, or pieces than :data:`noai.limits.WRAPPED_PIECES`.
    """
    window = Window(source, _WINDOW)
    headers: list[tuple[int, int]] = []
    trailers: list[tuple[int, int]] = []
    for block in walk(window, start, end):
        start = block.end
        for kind, first, last in _sub_blocks(window, block, end):
            if kind in _HEADERS:
                headers.append((first, last))
            elif kind in _TRAILERS:
                trailers.append((first, last))
            if max(len(headers), len(trailers)) > WRAPPED_PIECES:
                raise LimitExceeded(f"the original file's header in more than {WRAPPED_PIECES} pieces")
    return Wrapped("WavPack", tuple(headers), tuple(trailers)), start


def _sub_blocks(window: Window, block: Block, end: int) -> Iterator[tuple[int, int, int]]:
    """Id, start and end of the content of each, as far as they lie in the block."""
    at, limit, count = block.offset + HEADER, min(block.end, end), 0
    while at + 2 <= limit:
        count += 1
        if count > WAVPACK_SUB_BLOCKS:
            raise LimitExceeded(f"more than {WAVPACK_SUB_BLOCKS} sub-blocks in a WavPack block")
        head = window.read_at(at, 4)
        kind, words = head[0], head[1]
        at += 2
        if kind & _LARGE:
            words = int.from_bytes(head[1:4], "little")
            at += 2
        following = at + 2 * words
        if following > limit:
            return
        yield kind & _ID, at, following - (1 if kind & _ODD and words else 0)
        at = following
