"""What the chunks of a WAVE file say beside the audio.

LIST INFO: the RIFF specification, chapter 2. ID3 in an ``id3 `` chunk: :mod:`noai.containers._chunk_tags`.
``bext``: EBU Tech 3285. ``_PMX``: XMP specification part 3 §1.1.6; some programs, the C2PA library
among them, write ``XMP `` instead. ``C2PA``: C2PA 2.1 A.3.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers import _wav_essence
from noai.containers._area import AreaBuilder
from noai.containers._chunk_tags import (
    ID3,
    decoded,
    describe_behind,
    describe_id3,
    read_behind,
    read_id3_chunks,
    read_opaque,
    read_text,
    read_xmp,
    trailing_tails,
)
from noai.containers._chunks import Bounded, Chunk, ChunkLayout, content, is_filler, is_id
from noai.containers._id3 import locate_leading, read_id3v2
from noai.containers._inventory import Foreign, sha256
from noai.containers._opaque import holds_mark
from noai.containers._riff import HEADER
from noai.containers._tails import locate_tails, read_tail
from noai.containers.interface import FieldRole
from noai.errors import ContainerMalformed
from noai.limits import TAG_BYTES, XMP_BYTES
from noai.sources import ByteSource, BytesSource

XMP: Final = b"_PMX"
#: Where XMP is read; noai writes it to the first.
XMP_PLACES: Final = (XMP, b"XMP ")
MANIFEST: Final = b"C2PA"
COPYRIGHT, COMMENT = b"ICOP", b"ICMT"
ROLES: Final = {COPYRIGHT: FieldRole.COPYRIGHT, COMMENT: FieldRole.COMMENT}
#: Chunks that hold text of their own kind: it is shown as a whole.
TEXTS: Final = frozenset({b"BEXT", b"CART", b"IXML", b"AXML", b"DISP"})
#: Room that is kept free (RIFF 1.0 chapter 2; EBU Tech 3306 §3.5 for a ds64 to come).
_FILLERS: Final = frozenset({b"JUNK", b"junk", b"PAD ", b"FLLR"})
#: What a change of any tag changes, and says nothing: the sizes of RF64.
_SIZES: Final = b"ds64"
#: Formats that are MPEG audio, which some programs put into WAVE together with the tags of the MP3 file.
_MPEG: Final = frozenset({"wave-0050", "wave-0055"})
_LABELS: Final = frozenset({b"LABL", b"NOTE", b"LTXT"})
#: Where LIST chunks lie in each other it is one in one; nothing defines more.
_LIST_DEPTH: Final = 4


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
    data = content(source, chunk)
    kind, at, entries = data[:4], 4, []
    while at + HEADER <= len(data) and is_id(data[at : at + 4]):
        end = at + HEADER + int.from_bytes(data[at + 4 : at + 8], "little")
        if end > len(data):
            break
        after = min(end + (end - at) % 2, len(data))
        if after > end and is_id(data[end : end + 4]) and not is_id(data[after : after + 4]):
            after = end
        area.count_item()
        entries.append(Entry(data[at : at + 4], data[at + HEADER : end], data[at:after]))
        at = after
    return ListChunk(chunk, kind, tuple(entries), not data[at:].strip(b"\x00"))


def read_tags(source: ByteSource, layout: ChunkLayout, area: AreaBuilder) -> None:
    """Everything that a statement could stand in goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    for problem in layout.problems:
        area.note(Code.TAG_UNREADABLE, problem.message)
    for chunk in layout.chunks:
        if not read_chunk(source, chunk, area) and chunk.id not in layout.family.audio:
            read_opaque(source, chunk, area)
    read_mpeg_tags(source, layout, area)
    read_id3_chunks(source, layout.chunks, area)
    read_behind(source, layout.rest, layout.size, trailing_tails(source, layout), area)


def read_chunk(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> bool:
    """What any chunk but an ID3 one says goes to ``area``. False if such a chunk is for no text.

    Names count in any letter case, as they do for taggers.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    name = chunk.id.upper()
    if name == b"LIST":
        _read_list(source, chunk, area)
    elif name in XMP_PLACES:
        read_xmp(source, chunk, area, f"RIFF {chunk.name.strip()}")
    elif name == MANIFEST:
        whole = (chunk.offset, chunk.next - chunk.offset)
        area.manifest("RIFF C2PA", (chunk.data, chunk.size), wrapping=(whole,))
    elif name in TEXTS:
        read_text(source, chunk, area)
    else:
        return name == ID3
    return True


def read_mpeg_tags(source: ByteSource, layout: ChunkLayout, area: AreaBuilder) -> None:
    """Tags at both ends of ``data``, where that is MPEG audio: a player that looks into it finds them.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    if _wav_essence.codec_of(source, layout) not in _MPEG:
        return
    for chunk in layout.audio:
        inside = Bounded(source, chunk.end)
        leading = locate_leading(inside, chunk.data)
        for tag in leading:
            read_id3v2(inside, tag, area)
        for tail in locate_tails(inside, leading[-1].end if leading else chunk.data, chunk.end):
            read_tail(inside, tail, area)


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
            inner = Chunk(entry.id, 0, HEADER, HEADER + len(entry.data), len(entry.raw))
            _read_list(BytesSource(entry.raw), inner, area, depth + 1)
            continue
        area.count_bytes(len(entry.data))
        skip, role = 0, FieldRole.OTHER
        if kind.upper() == "INFO":
            role = ROLES.get(name, FieldRole.OTHER)
        elif kind.lower() == "adtl":
            if name not in _LABELS:
                if holds_mark(entry.raw):
                    area.note(
                        Code.TAG_UNREADABLE, f"NOAI stands in the entry {entry.id!r} of a LIST adtl chunk"
                    )
                continue
            skip = 20 if name == b"LTXT" else 4
        area.field(f"RIFF {kind.strip()}", entry.id.decode("ascii"), decoded(entry.data[skip:]), role)


def describe(source: ByteSource, layout: ChunkLayout, foreign: Foreign, area: AreaBuilder) -> Iterator[str]:
    """One description for each foreign item.

    Raises:
        ContainerMalformed, LimitExceeded: when not every item could be read.
    """
    for chunk in layout.chunks:
        if chunk.id in (b"data", MANIFEST, _SIZES) or chunk.id.upper() == ID3:
            continue
        if is_filler(source, chunk, _FILLERS):
            continue
        if chunk.id == XMP and chunk.size <= XMP_BYTES:
            yield from foreign.xmp("_PMX", content(source, chunk))
            continue
        found = read_list(source, chunk, area) if chunk.id == b"LIST" else None
        if found is None or found.kind != b"INFO":
            yield f"{chunk.name}={sha256(source, chunk.data, chunk.end)}"
            continue
        if not found.whole:
            raise ContainerMalformed(f"the LIST chunk at {chunk.offset} holds bytes that are no entries")
        for entry in found.entries:
            label, role = f"INFO {entry.id.decode('ascii')}", ROLES.get(entry.id, FieldRole.OTHER)
            yield from foreign.text(label, [decoded(entry.data)], role)
    yield from describe_id3(source, layout.chunks, foreign, area)
    yield from describe_behind(source, layout.rest, layout.size, trailing_tails(source, layout), foreign)
