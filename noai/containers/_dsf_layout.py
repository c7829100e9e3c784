"""Where things lie in a DSF file.

Sony, "DSF File Format Specification" version 1.01 (2005): three chunks of fixed order, the last of them the
audio, and behind it an ID3v2 tag, to which the first one points.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._id3 import Id3Tag, locate_leading
from noai.containers._tails import Tail, locate_tails
from noai.errors import ContainerMalformed
from noai.essence import Violation
from noai.sources import ByteSource

#: Id, size, size of the file, place of the metadata.
_DSD: Final = struct.Struct("<4sQQQ")
FILE_SIZE, POINTER = 12, 20
_HEADER: Final = struct.Struct("<4sQ")
#: Content of ``fmt `` but for four reserved bytes.
CONFIG: Final = slice(40, 76)
_FMT_SIZE: Final = 52
_DATA: Final = _DSD.size + _FMT_SIZE
AUDIO: Final = _DATA + _HEADER.size


@dataclass(frozen=True)
class DsfLayout:
    """``pointer`` is 0 where there is no tag. ``tags`` are all ID3v2 tags, the one pointed to first."""

    config: bytes
    pointer: int
    audio_end: int
    size: int
    tags: tuple[Id3Tag, ...]
    tails: tuple[Tail, ...]
    #: What lies behind the audio and in no tag, from and to.
    gaps: tuple[tuple[int, int], ...]
    problems: tuple[Violation, ...]


def is_dsf(source: ByteSource) -> bool:
    head = source.read_at(0, _DSD.size + _HEADER.size)
    return (
        len(head) == _DSD.size + _HEADER.size
        and head[: _HEADER.size] == _HEADER.pack(b"DSD ", _DSD.size)
        and head[_DSD.size :] == _HEADER.pack(b"fmt ", _FMT_SIZE)
    )


def read_layout(source: ByteSource) -> DsfLayout:
    """
    Raises:
        ContainerMalformed: if this is no DSF file, or ``data`` does not follow ``fmt ``.
        LimitExceeded: more tags than :data:`noai.limits.ID3_TAGS`.
    """
    if not is_dsf(source):
        raise ContainerMalformed("this is no DSF file")
    head, size = source.read_at(0, AUDIO), source.size
    if len(head) < AUDIO or head[_DATA : _DATA + 4] != b"data":
        raise ContainerMalformed("there is no data chunk behind the fmt chunk")
    _, _, announced, pointer = _DSD.unpack_from(head)
    problems = []
    audio_end = _DATA + _HEADER.unpack_from(head, _DATA)[1]
    if not AUDIO <= audio_end <= size:
        problems.append(Violation(Code.CHUNK_SIZE, f"the data chunk ends at {audio_end}, the file at {size}"))
        audio_end = min(max(audio_end, AUDIO), size)
    if announced < audio_end:
        problems.append(Violation(Code.CHUNK_SIZE, "the size of the file ends before the audio does"))
    if pointer and not audio_end <= pointer < size:
        message = f"the metadata are said to stand at {pointer}, which is not behind the audio"
        problems.append(Violation(Code.CHUNK_SIZE, message))
    tags = _locate_tags(source, pointer, audio_end)
    tails = locate_tails(source, max([audio_end, *(tag.end for tag in tags)]), size)
    known = [(tag.offset, tag.end) for tag in tags] + [(tail.offset, tail.end) for tail in tails]
    gaps = _gaps(audio_end, size, known)
    return DsfLayout(head[CONFIG], pointer, audio_end, size, tags, tuple(tails), gaps, tuple(problems))


def _locate_tags(source: ByteSource, pointer: int, audio_end: int) -> tuple[Id3Tag, ...]:
    pointed = locate_leading(source, pointer) if 0 < pointer < source.size else []
    if pointed and pointed[0].offset <= audio_end < pointed[-1].end:
        return tuple(pointed)
    # Also what nothing points to: some readers look there anyway.
    behind = [tag for tag in locate_leading(source, audio_end) if tag not in pointed]
    return (*pointed, *behind)


def _gaps(start: int, end: int, known: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    gaps = []
    for first, last in sorted(known):
        if first > start:
            gaps.append((start, min(first, end)))
        start = max(start, last)
    if start < end:
        gaps.append((start, end))
    return tuple(gaps)
