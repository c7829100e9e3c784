"""Chunks of IFF and its kin (RIFF, RF64, AIFF, DSDIFF, W64) as byte ranges: one walk for all of them.

EA IFF 85 (Electronic Arts) §3; the families with their sources are in the modules that use them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from noai.codes import Code
from noai.containers._id3_frames import Body, Window, all_zero
from noai.containers._mpeg_search import holds_audio
from noai.errors import LimitExceeded
from noai.essence import Violation
from noai.limits import BOXES
from noai.sources import ByteSource, chunks, read_exactly

_NAME: Final = 4
#: What whole files begin with. As a chunk, such a form is another file that was joined to the first.
_FORMS: Final = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"FRM8")


@dataclass(frozen=True)
class Chunk:
    """``data`` to ``end`` is the content, without padding; ``next`` is where the chunk behind starts."""

    id: bytes
    offset: int
    data: int
    end: int
    next: int

    @property
    def size(self) -> int:
        return self.end - self.data

    @property
    def name(self) -> str:
        """The id for people; one that is no text in hexadecimal digits."""
        return self.id.decode("ascii") if is_id(self.id) else self.id.hex()


@dataclass(frozen=True)
class Family:
    """How one kind of file writes its chunks."""

    name: str
    order: Literal["little", "big"]
    #: Bytes of a size field.
    size_bytes: int
    #: Chunks that hold the audio.
    audio: frozenset[bytes]
    #: A chunk of no meaning, to leave where another one went.
    filler: bytes
    #: Sizes of an audio chunk that mean: up to the end of the file, however long it is.
    open_sizes: frozenset[int] = frozenset()
    alignment: int = 2

    @property
    def header(self) -> int:
        return _NAME + self.size_bytes

    def parse(self, header: bytes) -> tuple[bytes, int] | None:
        """Id and length of the content of the chunk with this header; None if it is none."""
        name = header[:_NAME]
        return (name, int.from_bytes(header[_NAME:], self.order)) if is_id(name) else None

    def size(self, value: int) -> bytes:
        """A size field.

        Raises:
            OverflowError: if ``value`` does not fit.
        """
        return value.to_bytes(self.size_bytes, self.order)

    def render(self, name: bytes, data: bytes) -> bytes:
        """A whole chunk, padded to an even length."""
        return name + self.size(len(data)) + data + bytes(len(data) % 2)


@dataclass(frozen=True)
class ChunkLayout:
    """All chunks, those behind the end of the form too.

    ``rest`` is where bytes start that are no chunks. ``streamed``: sizes were left open, and the
    audio reaches to the end of the file.
    """

    family: Family
    chunks: tuple[Chunk, ...]
    form_end: int
    rest: int
    size: int
    streamed: bool = False
    problems: tuple[Violation, ...] = ()

    def all(self, *ids: bytes) -> list[Chunk]:
        return [chunk for chunk in self.chunks if chunk.id in ids]

    @property
    def audio(self) -> list[Chunk]:
        """The chunks that hold audio: one, in a sound file."""
        return self.all(*self.family.audio)

    @property
    def inside(self) -> list[Chunk]:
        """The chunks that begin inside the form."""
        return [chunk for chunk in self.chunks if chunk.offset < self.form_end]


@dataclass(frozen=True)
class Walk:
    """The chunks that follow each other, where they end, and what is wrong with them."""

    chunks: tuple[Chunk, ...]
    rest: int
    streamed: bool
    problems: tuple[Violation, ...]


def walk(source: ByteSource, family: Family, start: int, size: int) -> Walk:
    """The chunks from ``start`` on, up to ``size``, where the file or the chunk around them ends.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.BOXES`.
    """
    window, header = Window(source), family.header
    found: list[Chunk] = []
    problems: list[Violation] = []
    streamed = False
    at = start
    while at + header <= size:
        parsed = family.parse(window.read_at(at, header))
        if parsed is None:
            break
        if len(found) == BOXES:
            raise LimitExceeded(f"more than {BOXES} {family.name} chunks")
        name, length = parsed
        end = at + header + length
        whole = Chunk(name, at, at + header, end, end)
        is_open = name in family.audio and length in family.open_sizes
        if is_open and end <= size:
            # Some decoders play on to the end of the file, others stop.
            message = f"the size of {whole.name!r} at {at} is one that is left open; the file goes on behind"
            problems.append(Violation(Code.CHUNK_SIZE, message))
        if end > size:
            streamed = is_open
            if not streamed:
                message = f"the chunk {whole.name!r} at {at} claims {length} bytes; the file ends before"
                problems.append(Violation(Code.CHUNK_SIZE, message))
            end = size
        after = end + -(end - at) % family.alignment
        if _lacks_padding(window, family, end, after, size):
            message = f"the odd chunk {whole.name!r} at {at} has no padding byte"
            problems.append(Violation(Code.CHUNK_SIZE, message))
            after = end
        found.append(Chunk(name, at, at + header, end, min(after, size)))
        at = found[-1].next
    return Walk(tuple(found), at, streamed, tuple(problems))


def read_form(source: ByteSource, family: Family, start: int) -> ChunkLayout:
    """The chunks of an IFF form that the whole file is, from ``start`` on, and what its size contradicts.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.BOXES`.
    """
    size = source.size
    found = walk(source, family, start, size)
    stated = source.read_at(_NAME, family.size_bytes)
    form_end = family.header + int.from_bytes(stated, family.order)
    layout = ChunkLayout(family, found.chunks, min(form_end, size), found.rest, size, problems=found.problems)
    audio_end = max((chunk.end for chunk in layout.audio), default=0)
    problem = None
    if form_end > size + 1:
        # ffmpeg reads on until the form ends, and refuses the file where it cannot.
        problem = f"the {family.name} size reaches {form_end - size} bytes past the file"
    elif form_end < audio_end:
        problem = f"the {family.name} size ends before the audio does"
    elif found.rest + family.header < min(form_end, size):
        problem = f"the bytes at {found.rest} in the {family.name} form are no chunk"
    if problem is None:
        return layout
    return replace(layout, problems=(*layout.problems, Violation(Code.CHUNK_SIZE, problem)))


def _lacks_padding(source: Window, family: Family, end: int, after: int, size: int) -> bool:
    """Whether a chunk follows at ``end`` and none at ``after``, where it should."""
    if family.alignment != 2 or after == end or after > size - _NAME:
        return False
    return not is_id(source.read_at(after, _NAME)) and is_id(source.read_at(end, _NAME))


def is_id(data: bytes) -> bool:
    """Whether ``data`` can name a chunk: four printable ASCII characters."""
    return len(data) == _NAME and data.isascii() and data.decode("ascii").isprintable()


def several(layout: ChunkLayout, **names: Sequence[bytes]) -> list[Violation]:
    """A violation for each kind of chunk, given by its ids, of which there is more than one."""
    return [
        Violation(Code.CHUNK_DUPLICATE, f"there are {count} {name} chunks")
        for name, ids in names.items()
        if (count := len(layout.all(*ids))) > 1
    ]


def audio_behind(source: ByteSource, layout: ChunkLayout) -> list[Violation]:
    """A violation if another file was joined to this one, or bytes behind the last chunk could hold audio.

    Decoders that go on from chunk to chunk need not stop where these do not look like one, and others
    play MPEG audio wherever it starts.
    """
    for chunk in layout.chunks:
        if is_form(chunk):
            message = f"another file, {chunk.name!r}, stands in this one at {chunk.offset}"
            return [Violation(Code.TRAILING_AUDIO, message)]
    if holds_audio(source, layout.rest, layout.size):
        return [Violation(Code.TRAILING_AUDIO, "MPEG audio stands behind the last chunk")]
    name = find_name(source, layout.rest, layout.size, layout.family.audio)
    if name is None:
        return []
    message = f"bytes behind the last chunk could hold another {name.decode().strip()} chunk"
    return [Violation(Code.TRAILING_AUDIO, message)]


def find_name(source: ByteSource, start: int, end: int, names: Iterable[bytes]) -> bytes | None:
    """The first in the alphabet of ``names`` of chunks that stands from ``start`` to ``end``, if any does."""
    words = sorted(names)
    before = b""
    for block in chunks(source, start, end):
        word = next((word for word in words if word in before + block), None)
        if word is not None:
            return word
        before = block[-_NAME:]
    return None


def is_form(chunk: Chunk) -> bool:
    """Whether ``chunk`` is a whole file of chunks."""
    return chunk.id[:_NAME].upper() in _FORMS


def is_filler(source: ByteSource, chunk: Chunk, names: frozenset[bytes]) -> bool:
    """Whether ``chunk`` says nothing: by name room that is kept free, and nothing but zeros."""
    return chunk.id in names and all_zero(Body(source, chunk.data, chunk.end), chunk.data)


@dataclass(frozen=True)
class Bounded:
    """The bytes of ``source`` up to ``size``, so that nothing inside a chunk is read beyond its end."""

    source: ByteSource
    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        return self.source.read_at(offset, max(0, min(length, self.size - offset)))


def content(source: ByteSource, chunk: Chunk) -> bytes:
    """The content of ``chunk``, whose size the caller has held against a limit."""
    return read_exactly(source, chunk.data, chunk.size)
