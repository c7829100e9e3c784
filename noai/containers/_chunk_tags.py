"""ID3 tags in chunks, and tags of MPEG audio behind the last chunk: alike in RIFF, AIFF and DSDIFF.

No standard, but what TagLib, mutagen and foobar2000 do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._between import read_stretch
from noai.containers._chunks import Bounded, Chunk, ChunkLayout, content, is_form
from noai.containers._id3 import Id3Tag, locate_leading, read_id3v2
from noai.containers._id3_inventory import describe_tag
from noai.containers._inventory import Foreign, sha256
from noai.containers._opaque import note_marks
from noai.containers._tails import Tail, TailKind, describe_tail, locate_tails, read_tail
from noai.containers.interface import FieldRole
from noai.limits import MIB, OPAQUE_BYTES, TAG_VALUE_BYTES, XMP_BYTES
from noai.sources import ByteSource

#: In any letter case.
ID3: Final = b"ID3 "
#: What tags start with, where they stand out of place.
_MARKS: Final = (b"ID3", b"id3 ", b"LIST", b"INFO", b"_PMX", b"XMP ", b"C2PA", b"APETAGEX")


@dataclass(frozen=True)
class Id3Chunk:
    """The ID3v2 tags in one chunk."""

    chunk: Chunk
    source: Bounded
    tags: tuple[Id3Tag, ...]


def id3_chunks(source: ByteSource, chunks: Iterable[Chunk]) -> list[Id3Chunk]:
    """Those of ``chunks`` that are for ID3.

    Raises:
        LimitExceeded: more tags in one than :data:`noai.limits.ID3_TAGS`.
    """
    return [_id3_chunk(source, chunk) for chunk in chunks if chunk.id.upper() == ID3]


def _id3_chunk(source: ByteSource, chunk: Chunk) -> Id3Chunk:
    bounded = Bounded(source, chunk.end)
    return Id3Chunk(chunk, bounded, tuple(locate_leading(bounded, chunk.data)))


def trailing_tails(source: ByteSource, layout: ChunkLayout) -> list[Tail]:
    """Tags of MPEG audio behind the last chunk."""
    return locate_tails(source, layout.rest, layout.size)


# -- reading ----------------------------------------------------------------------------------


def read_id3_chunks(source: ByteSource, chunks: Iterable[Chunk], area: AreaBuilder) -> None:
    """What the ID3 tags in ``chunks`` say goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    tagged = id3_chunks(source, chunks)
    for each in tagged:
        _read_id3(each, area)
    if sum(len(each.tags) for each in tagged) > 1:
        area.note(Code.TAG_DUPLICATE, "several ID3v2 tags; all were read")


def read_id3_chunk(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    """What one ID3 chunk says goes to ``area``. Raises as :func:`read_id3_chunks`."""
    _read_id3(_id3_chunk(source, chunk), area)


def _read_id3(each: Id3Chunk, area: AreaBuilder) -> None:
    if not each.tags:
        area.note(Code.TAG_UNREADABLE, f"the id3 chunk at {each.chunk.offset} holds no ID3v2 tag")
        return
    for tag in each.tags:
        read_id3v2(each.source, tag, area)
    if holds_tags(each.source, each.tags[-1].end, each.chunk.end):
        message = f"the id3 chunk at {each.chunk.offset} holds more behind its tag"
        area.note(Code.TAG_UNREADABLE, message)
    note_marks(each.source, each.tags[-1].end, each.chunk.end, "the end of an id3 chunk", area)


def read_opaque(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    """A note if a statement looks to stand in ``chunk``, which is for no text, or if that is another file.

    Of more than :data:`noai.limits.OPAQUE_BYTES` only so many are looked at: no tool shows any of them.
    """
    if is_form(chunk):
        area.note(
            Code.TAG_UNREADABLE, f"the tags of another file, {chunk.name!r} at {chunk.offset}, are not read"
        )
        return
    end = min(chunk.end, chunk.offset + OPAQUE_BYTES)
    # From its header on: its name may be NOAI.
    note_marks(source, chunk.offset, end, f"the chunk {chunk.name!r} at {chunk.offset}", area)


def read_behind(source: ByteSource, start: int, end: int, tails: Iterable[Tail], area: AreaBuilder) -> None:
    """What stands from ``start`` to ``end``, where no chunk is, and ``tails``, with which it ends, say.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    for tail in tails:
        read_tail(source, tail, area)
        end = min(end, tail.offset)
    read_rest(source, start, end, area)


def read_rest(source: ByteSource, start: int, end: int, area: AreaBuilder) -> None:
    """The tags from ``start`` to ``end``, where no chunk is; a note on what looks like one and is none.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    if start == end:
        return
    read = read_stretch(source, start, end, "the bytes behind the last chunk", area)
    for known, known_end in [*read, (end, end)]:
        if holds_tags(source, start, known):
            area.note(Code.TAG_UNREADABLE, f"behind the last chunk, at {start}, tags stand among other bytes")
        start = max(start, known_end)


def holds_tags(source: ByteSource | Bounded, start: int, end: int) -> bool:
    """Whether tags look to stand in bytes that nothing announces: yes if there are too many to look."""
    if end - start > MIB:
        return True
    data = source.read_at(start, end - start) if end > start else b""
    return any(mark in data for mark in _MARKS)


def decoded(data: bytes) -> str:
    """Text in an encoding that nothing declares, without the zeros at its end."""
    data = data.rstrip(b"\x00")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def encoded(value: str, old: bytes) -> bytes:
    """``value`` in the encoding that ``old`` was read in by :func:`decoded`."""
    try:
        old.decode("utf-8")
    except UnicodeDecodeError:
        return value.encode("latin-1")
    return value.encode("utf-8")


def read_text(
    source: ByteSource,
    chunk: Chunk,
    area: AreaBuilder,
    place: str = "RIFF chunk",
    role: FieldRole = FieldRole.OTHER,
) -> None:
    """A chunk of text, with zeros in it perhaps, goes to ``area`` as a whole."""
    if chunk.size > TAG_VALUE_BYTES:
        area.note(Code.TAG_UNREADABLE, f"the chunk {chunk.name} is longer than {TAG_VALUE_BYTES} bytes")
        return
    area.count_item()
    area.count_bytes(chunk.size)
    pieces = content(source, chunk).split(b"\x00")
    text = " ".join(decoded(piece).strip() for piece in pieces if piece.strip())
    area.field(place, chunk.name, text, role)


def read_xmp(source: ByteSource, chunk: Chunk, area: AreaBuilder, place: str) -> None:
    """The XMP packet that is the content of ``chunk`` goes to ``area``."""
    if chunk.size > XMP_BYTES:
        area.note(Code.LIMIT_EXCEEDED, f"the XMP packet in {chunk.name} is longer than {XMP_BYTES} bytes")
        return
    area.count_bytes(chunk.size)
    area.xmp(place, content(source, chunk))


# -- describing -------------------------------------------------------------------------------


def describe_id3(
    source: ByteSource, chunks: Iterable[Chunk], foreign: Foreign, area: AreaBuilder
) -> Iterator[str]:
    """One description for each foreign frame in ``chunks``. Raises LimitExceeded."""
    for each in id3_chunks(source, chunks):
        for tag in each.tags:
            yield from describe_tag(each.source, tag, foreign, area)


def describe_behind(
    source: ByteSource, start: int, end: int, tails: Iterable[Tail], foreign: Foreign
) -> Iterator[str]:
    """What stands from ``start`` to ``end``, and ``tails``, with which it ends."""
    for tail in tails:
        yield from describe_tail(source, tail, foreign)
        if tail.kind in (TailKind.APE, TailKind.ID3V2):
            yield f"{tail.kind.value}={sha256(source, tail.offset, tail.end)}"
        end = min(end, tail.offset)
    if end > start:
        yield f"trailing bytes={sha256(source, start, end)}"
