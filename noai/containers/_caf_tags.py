"""Chunks of a Core Audio Format file, and what they say (Apple Core Audio Format Specification 1.0)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._chunk_tags import (
    ID3,
    decoded,
    describe_behind,
    read_behind,
    read_id3_chunks,
    trailing_tails,
)
from noai.containers._chunks import Chunk, ChunkLayout, Family, content, walk
from noai.containers._inventory import Foreign, sha256
from noai.containers._opaque import note_marks, note_marks_at_end
from noai.containers.interface import FieldRole
from noai.limits import TAG_VALUE_BYTES, XMP_BYTES
from noai.sources import ByteSource, read_exactly

#: An audio chunk of this size reaches to the end of the file.
CAF: Final = Family("CAF", "big", 8, frozenset({b"data"}), b"free", frozenset({2**64 - 1}), alignment=1)
#: File type, version, flags.
FILE_HEADER: Final = 8
MAGIC: Final = b"caff\x00\x01"
#: The UUID under which XMP stands in MP4. The specification names none for CAF.
_XMP: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_UUID: Final = 16
_ROLES: Final = {
    "COPYRIGHT": FieldRole.COPYRIGHT,
    "COMMENTS": FieldRole.COMMENT,
    "COMMENT": FieldRole.COMMENT,
}
#: Chunks that hold numbers, or are read elsewhere.
_NO_TEXT: Final = frozenset({b"desc", b"data", b"pakt", b"kuki", b"chan", b"peak", b"ovvw", b"umid"})


def read_layout(source: ByteSource) -> ChunkLayout:
    """
    Raises:
        LimitExceeded: more chunks than :data:`noai.limits.BOXES`.
    """
    found = walk(source, CAF, FILE_HEADER, source.size)
    return ChunkLayout(
        CAF, found.chunks, source.size, found.rest, source.size, found.streamed, found.problems
    )


def read_tags(source: ByteSource, layout: ChunkLayout, area: AreaBuilder) -> None:
    """Everything that a statement could stand in goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    for problem in layout.problems:
        area.note(Code.TAG_UNREADABLE, problem.message)
    for chunk in layout.chunks:
        if chunk.id == b"info":
            _read_info(source, chunk, area)
        elif chunk.id == b"strg":
            _read_strings(source, chunk, area)
        elif chunk.id == b"uuid" and source.read_at(chunk.data, min(_UUID, chunk.size)) == _XMP:
            _read_xmp(source, chunk, area)
        elif chunk.id not in _NO_TEXT and chunk.id.upper() != ID3:
            note_marks(source, chunk.data, chunk.end, f"the chunk {chunk.name!r} at {chunk.offset}", area)
    read_id3_chunks(source, layout.chunks, area)
    read_behind(source, layout.rest, layout.size, trailing_tails(source, layout), area)
    if layout.streamed:
        note_marks_at_end(source, layout.audio[-1].data, "the end of the audio", area)


def _read_info(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    """A count, then keys and values by turns, each zero-terminated UTF-8 ("Information Chunk")."""
    strings = _strings(source, chunk, 4, area)
    if strings is None:
        return
    count = int.from_bytes(source.read_at(chunk.data, 4), "big")
    if 2 * count != len(strings):
        area.note(Code.TAG_UNREADABLE, f"the info chunk at {chunk.offset} does not hold what it counts")
    for key, value in zip(strings[::2], [*strings[1::2], b""], strict=False):
        area.count_item()
        name = decoded(key)
        area.field("CAF info", name, decoded(value), _ROLES.get(name.upper(), FieldRole.OTHER))


def _read_strings(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    """A count, as many identifiers with offsets, and the strings ("Strings Chunk")."""
    count = int.from_bytes(source.read_at(chunk.data, 4), "big")
    strings = _strings(source, chunk, 4 + 12 * count, area)
    if strings is None:
        return
    for value in strings:
        area.count_item()
        area.field("CAF strg", "STRG", decoded(value))
    note_marks(source, chunk.data, chunk.end, "a strg chunk", area)


def _strings(source: ByteSource, chunk: Chunk, skipped: int, area: AreaBuilder) -> list[bytes] | None:
    """The zero-terminated strings of ``chunk`` behind ``skipped`` bytes; None, with a note, if damaged."""
    if not skipped <= chunk.size <= TAG_VALUE_BYTES:
        area.note(Code.TAG_UNREADABLE, f"the chunk {chunk.name!r} at {chunk.offset} is damaged or too long")
        note_marks(source, chunk.data, chunk.end, f"a damaged {chunk.name!r} chunk", area)
        return None
    area.count_bytes(chunk.size)
    text = content(source, chunk)[skipped:]
    return text.removesuffix(b"\x00").split(b"\x00") if text else []


def _read_xmp(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    length = chunk.size - _UUID
    if length > XMP_BYTES:
        area.note(Code.LIMIT_EXCEEDED, f"the XMP packet is longer than {XMP_BYTES} bytes")
        return
    area.count_bytes(length)
    area.xmp("CAF uuid", read_exactly(source, chunk.data + _UUID, length))


def describe(source: ByteSource, layout: ChunkLayout, foreign: Foreign) -> Iterator[str]:
    """One description for each chunk but the audio.

    Raises:
        LimitExceeded: when not every tag behind the last chunk could be read.
    """
    for chunk in layout.chunks:
        if chunk.id != b"data":
            yield f"{chunk.name}={sha256(source, chunk.data, chunk.end)}"
    tails = trailing_tails(source, layout)
    yield from describe_behind(source, layout.rest, layout.size, tails, foreign)
