"""What the chunks of a WAVE file say beside the audio.

LIST INFO: the RIFF specification, chapter 2. ID3 in an ``id3 `` chunk: no standard, but what TagLib,
mutagen and foobar2000 do. ``bext``: EBU Tech 3285. ``_PMX``: XMP specification part 3 §1.1.6; some
programs, the C2PA library among them, write ``XMP `` instead. ``C2PA``: C2PA 2.1 A.3.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._id3 import Id3Tag, locate_leading, read_id3v2
from noai.containers._id3_inventory import describe_tag
from noai.containers._inventory import Foreign, sha256
from noai.containers._riff import HEADER, Bounded, Chunk, RiffLayout, is_id
from noai.containers._tails import Tail, TailKind, describe_tail, locate_tails, read_tail
from noai.containers.interface import FieldRole
from noai.errors import ContainerMalformed
from noai.limits import MIB, TAG_BYTES, TAG_VALUE_BYTES, XMP_BYTES
from noai.sources import ByteSource, BytesSource, read_exactly

#: In any letter case.
ID3: Final = b"ID3 "
XMP: Final = b"_PMX"
#: Where XMP is read; noai writes it to the first.
XMP_PLACES: Final = (XMP, b"XMP ")
MANIFEST: Final = b"C2PA"
COPYRIGHT, COMMENT = b"ICOP", b"ICMT"
_ROLES: Final = {COPYRIGHT: FieldRole.COPYRIGHT, COMMENT: FieldRole.COMMENT}
#: Chunks that hold text of their own kind: it is shown as a whole.
_TEXTS: Final = frozenset({b"BEXT", b"CART", b"IXML", b"AXML", b"DISP"})
_LABELS: Final = frozenset({b"LABL", b"NOTE", b"LTXT"})
#: Where LIST chunks lie in each other it is one in one; nothing defines more.
_LIST_DEPTH: Final = 4
#: What tags start with, where they stand out of place.
_MARKS: Final = (b"ID3", b"id3 ", b"LIST", b"INFO", b"_PMX", b"XMP ", b"C2PA", b"APETAGEX")


@dataclass(frozen=True)
class Entry:
    """One entry of a LIST, header and padding included in ``raw``."""

    id: bytes
    data: bytes
    raw: bytes


@dataclass(frozen=True)
class ListChunk:
    """A LIST chunk of one ``kind``. Not ``whole``: behind its entries stand bytes that are none."""

    chunk: Chunk
    kind: bytes
    entries: tuple[Entry, ...]
    whole: bool


def read_list(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> ListChunk | None:
    """The entries of a LIST chunk; None if it is longer than :data:`noai.limits.TAG_BYTES`.

    Raises:
        LimitExceeded: more entries than :data:`noai.limits.TAG_ITEMS` in the file.
    """
    if chunk.size > TAG_BYTES:
        return None
    content = read_exactly(source, chunk.data, chunk.size)
    kind, at, entries = content[:4], 4, []
    while at + HEADER <= len(content) and is_id(content[at : at + 4]):
        end = at + HEADER + int.from_bytes(content[at + 4 : at + 8], "little")
        if end > len(content):
            break
        after = min(end + (end - at) % 2, len(content))
        if after > end and is_id(content[end : end + 4]) and not is_id(content[after : after + 4]):
            after = end
        area.count_item()
        entries.append(Entry(content[at : at + 4], content[at + HEADER : end], content[at:after]))
        at = after
    return ListChunk(chunk, kind, tuple(entries), not content[at:].strip(b"\x00"))


def info_text(data: bytes) -> str:
    """The text of an INFO entry: zero-terminated, in an encoding that nothing declares."""
    data = data.rstrip(b"\x00")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


@dataclass(frozen=True)
class Id3Chunk:
    """The ID3v2 tags in one chunk."""

    chunk: Chunk
    source: Bounded
    tags: tuple[Id3Tag, ...]


def id3_chunks(source: ByteSource, layout: RiffLayout) -> list[Id3Chunk]:
    """
    Raises:
        LimitExceeded: more tags in one than :data:`noai.limits.ID3_TAGS`.
    """
    return [_id3_chunk(source, chunk) for chunk in layout.chunks if chunk.id.upper() == ID3]


def _id3_chunk(source: ByteSource, chunk: Chunk) -> Id3Chunk:
    bounded = Bounded(source, chunk.end)
    return Id3Chunk(chunk, bounded, tuple(locate_leading(bounded, chunk.data)))


def trailing_tails(source: ByteSource, layout: RiffLayout) -> list[Tail]:
    """Tags of MPEG audio behind the last chunk."""
    return locate_tails(source, layout.rest, layout.size)


def read_tags(source: ByteSource, layout: RiffLayout, area: AreaBuilder) -> None:
    """Everything that a statement could stand in goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    for problem in layout.problems:
        area.note(Code.TAG_UNREADABLE, problem.message)
    for chunk in layout.chunks:
        read_chunk(source, chunk, area)
    tagged = id3_chunks(source, layout)
    for each in tagged:
        _read_id3(each, area)
    if sum(len(each.tags) for each in tagged) > 1:
        area.note(Code.TAG_DUPLICATE, "several ID3v2 tags; all were read")
    tails = trailing_tails(source, layout)
    for tail in tails:
        read_tail(source, tail, area)
    end = tails[0].offset if tails else layout.size
    if _holds_tags(source, layout.rest, end):
        area.note(
            Code.TAG_UNREADABLE, f"behind the last chunk, at {layout.rest}, tags stand among other bytes"
        )


def read_chunk(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    """What any chunk but an ID3 one says goes to ``area``.

    Names count in any letter case, as they do for taggers.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    name = chunk.id.upper()
    if name == b"LIST":
        _read_list(source, chunk, area)
    elif name in XMP_PLACES:
        _read_xmp(source, chunk, area)
    elif name == MANIFEST:
        area.manifest("RIFF C2PA", (chunk.data, chunk.size))
    elif name in _TEXTS:
        _read_text(source, chunk, area)


def read_id3_chunk(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    """What an ID3 chunk says goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    _read_id3(_id3_chunk(source, chunk), area)


def _read_id3(each: Id3Chunk, area: AreaBuilder) -> None:
    if not each.tags:
        area.note(Code.TAG_UNREADABLE, f"the id3 chunk at {each.chunk.offset} holds no ID3v2 tag")
        return
    for tag in each.tags:
        read_id3v2(each.source, tag, area)
    if _holds_tags(each.source, each.tags[-1].end, each.chunk.end):
        message = f"the id3 chunk at {each.chunk.offset} holds more behind its tag"
        area.note(Code.TAG_UNREADABLE, message)


def _holds_tags(source: ByteSource, start: int, end: int) -> bool:
    """Whether tags look to stand in bytes that nothing announces: yes if there are too many to look."""
    if end - start > MIB:
        return True
    data = source.read_at(start, end - start) if end > start else b""
    return any(mark in data for mark in _MARKS)


def _read_list(source: ByteSource, chunk: Chunk, area: AreaBuilder, depth: int = 0) -> None:
    if depth > _LIST_DEPTH:
        area.note(Code.TAG_UNREADABLE, "LIST chunks lie too deep in each other")
        return
    found = read_list(source, chunk, area)
    if found is None:
        area.note(Code.TAG_UNREADABLE, f"the LIST chunk at {chunk.offset} is longer than {TAG_BYTES} bytes")
        return
    if not found.whole:
        area.note(Code.TAG_UNREADABLE, f"the LIST chunk at {chunk.offset} holds bytes that are no entries")
    kind = found.kind.decode("latin-1")
    for entry in found.entries:
        name = entry.id.upper()
        if name == b"LIST":
            inner = Chunk(entry.id, 0, HEADER + len(entry.data), len(entry.raw))
            _read_list(BytesSource(entry.raw), inner, area, depth + 1)
            continue
        area.count_bytes(len(entry.data))
        skip, role = 0, FieldRole.OTHER
        if kind.upper() == "INFO":
            role = _ROLES.get(name, FieldRole.OTHER)
        elif kind.lower() == "adtl":
            if name not in _LABELS:
                continue
            skip = 20 if name == b"LTXT" else 4
        area.field(f"RIFF {kind.strip()}", entry.id.decode("ascii"), info_text(entry.data[skip:]), role)


def _read_xmp(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    if chunk.size > XMP_BYTES:
        area.note(Code.LIMIT_EXCEEDED, f"the XMP packet in {chunk.name} is longer than {XMP_BYTES} bytes")
        return
    area.count_bytes(chunk.size)
    area.xmp(f"RIFF {chunk.name.strip()}", read_exactly(source, chunk.data, chunk.size))


def _read_text(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    if chunk.size > TAG_VALUE_BYTES:
        area.note(Code.TAG_UNREADABLE, f"the chunk {chunk.name} is longer than {TAG_VALUE_BYTES} bytes")
        return
    area.count_item()
    area.count_bytes(chunk.size)
    pieces = read_exactly(source, chunk.data, chunk.size).split(b"\x00")
    text = " ".join(info_text(piece).strip() for piece in pieces if piece.strip())
    area.field("RIFF chunk", chunk.name, text)


def describe(source: ByteSource, layout: RiffLayout, foreign: Foreign, area: AreaBuilder) -> Iterator[str]:
    """One description for each foreign item.

    Raises:
        ContainerMalformed, LimitExceeded: when not every item could be read.
    """
    for chunk in layout.chunks:
        if chunk.id in (b"data", MANIFEST) or chunk.id.upper() == ID3:
            continue
        if chunk.id == XMP and chunk.size <= XMP_BYTES:
            yield from foreign.xmp("_PMX", read_exactly(source, chunk.data, chunk.size))
            continue
        found = read_list(source, chunk, area) if chunk.id == b"LIST" else None
        if found is None or found.kind != b"INFO":
            yield f"{chunk.name}={sha256(source, chunk.data, chunk.end)}"
            continue
        if not found.whole:
            raise ContainerMalformed(f"the LIST chunk at {chunk.offset} holds bytes that are no entries")
        for entry in found.entries:
            label, role = f"INFO {entry.id.decode('ascii')}", _ROLES.get(entry.id, FieldRole.OTHER)
            yield from foreign.text(label, [info_text(entry.data)], role)
    for each in id3_chunks(source, layout):
        for tag in each.tags:
            yield from describe_tag(each.source, tag, foreign, area)
    tails = trailing_tails(source, layout)
    for tail in tails:
        yield from describe_tail(source, tail, foreign)
        if tail.kind in (TailKind.APE, TailKind.ID3V2):
            yield f"{tail.kind.value}={sha256(source, tail.offset, tail.end)}"
    end = tails[0].offset if tails else layout.size
    if end > layout.rest:
        yield f"trailing bytes={sha256(source, layout.rest, end)}"
