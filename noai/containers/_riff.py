"""RIFF chunks of a WAVE file as byte ranges.

Multimedia Programming Interface and Data Specifications 1.0 (Microsoft and IBM), chapter 2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._id3_frames import Window
from noai.errors import LimitExceeded
from noai.essence import Violation
from noai.limits import BOXES
from noai.sources import ByteSource

#: ``RIFF``, a size and ``WAVE``.
FORM: Final = 12
HEADER: Final = 8
_CHUNK: Final = struct.Struct("<4sI")
#: What ffmpeg and sox write as the size of ``data`` where they cannot seek back: up to the end.
_UNTIL_THE_END: Final = frozenset({0xFFFFFFFF, 0x7FFFF000})


@dataclass(frozen=True)
class Chunk:
    """``end`` is that of the content, without a padding byte; ``next`` is where the chunk behind starts."""

    id: bytes
    offset: int
    end: int
    next: int

    @property
    def data(self) -> int:
        return self.offset + HEADER

    @property
    def size(self) -> int:
        return self.end - self.data

    @property
    def name(self) -> str:
        return self.id.decode("latin-1")


@dataclass(frozen=True)
class RiffLayout:
    """All chunks, those behind the end of the RIFF form too.

    ``rest`` is where bytes start that are no chunks. ``streamed``: sizes were left open, and the
    audio reaches to the end of the file.
    """

    chunks: tuple[Chunk, ...]
    form_end: int
    rest: int
    size: int
    streamed: bool
    problems: tuple[Violation, ...]

    def all(self, *ids: bytes) -> list[Chunk]:
        return [chunk for chunk in self.chunks if chunk.id in ids]


def is_wave(source: ByteSource) -> bool:
    form = source.read_at(0, FORM)
    return form[:4] == b"RIFF" and form[8:] == b"WAVE"


def read_layout(source: ByteSource) -> RiffLayout:
    """The chunks of a file for which :func:`is_wave` holds.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.BOXES`.
    """
    window, size = Window(source), source.size
    chunks: list[Chunk] = []
    problems: list[Violation] = []
    streamed = False
    at = FORM
    while at + HEADER <= size:
        name, length = _CHUNK.unpack(window.read_at(at, HEADER))
        if not is_id(name):
            break
        if len(chunks) == BOXES:
            raise LimitExceeded(f"more than {BOXES} RIFF chunks")
        end = at + HEADER + length
        if end > size:
            streamed = name == b"data" and length in _UNTIL_THE_END
            if not streamed:
                message = f"the chunk {name.decode()!r} at {at} claims {length} bytes; the file ends before"
                problems.append(Violation(Code.CHUNK_SIZE, message))
            end = size
        after = end + (end - at) % 2
        padded = after == end or after > size - 4 or is_id(window.read_at(after, 4))
        if not padded and is_id(window.read_at(end, 4)):
            message = f"the odd chunk {name.decode()!r} at {at} has no padding byte"
            problems.append(Violation(Code.CHUNK_SIZE, message))
            after = end
        chunks.append(Chunk(name, at, end, min(after, size)))
        at = chunks[-1].next
    form_end = HEADER + int.from_bytes(source.read_at(4, 4), "little")
    if not streamed:
        problems += _form_problems(form_end, at, size, chunks)
    return RiffLayout(
        tuple(chunks), size if streamed else min(form_end, size), at, size, streamed, tuple(problems)
    )


def is_id(data: bytes) -> bool:
    """Whether ``data`` can name a chunk: four printable ASCII characters."""
    return len(data) == 4 and all(0x20 <= byte < 0x7F for byte in data)


def _form_problems(form_end: int, rest: int, size: int, chunks: list[Chunk]) -> list[Violation]:
    """What the size of the RIFF form contradicts.

    Writers that forget the header or a padding byte in it are common, and no decoder minds.
    """
    audio_end = max((chunk.end for chunk in chunks if chunk.id == b"data"), default=0)
    if form_end > size + HEADER + 1:
        return [Violation(Code.CHUNK_SIZE, f"the RIFF size reaches {form_end - size} bytes past the file")]
    if form_end < audio_end:
        return [Violation(Code.CHUNK_SIZE, "the RIFF size ends before the audio does")]
    if rest + HEADER < min(form_end, size):
        return [Violation(Code.CHUNK_SIZE, f"the bytes at {rest} in the RIFF form are no chunk")]
    return []


@dataclass(frozen=True)
class Bounded:
    """The bytes of ``source`` up to ``size``, so that nothing inside a chunk is read beyond its end."""

    source: ByteSource
    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        return self.source.read_at(offset, max(0, min(length, self.size - offset)))


def chunk(name: bytes, data: bytes) -> bytes:
    """A whole chunk, padded to an even length."""
    return _CHUNK.pack(name, len(data)) + data + bytes(len(data) % 2)
