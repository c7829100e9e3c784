"""What the chunks of a DSDIFF file say beside the audio, and how they are marked.

DSDIFF 1.5, "Comments Chunk", "Edited Master Information Chunk". An ``ID3 `` chunk is no part of the standard;
taggers append it to the form, and some put it into ``PROP``. ffmpeg reads the text chunks of EA IFF 85 too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from noai.codes import Code
from noai.containers import _iff_text
from noai.containers._area import AreaBuilder
from noai.containers._chunk_tags import (
    ID3,
    Id3Chunk,
    decoded,
    describe_behind,
    describe_id3,
    id3_chunks,
    read_behind,
    read_id3_chunks,
    read_opaque,
    read_text,
    trailing_tails,
)
from noai.containers._chunk_write import Changes, ChunkEdit, place, plan_behind, plan_id3, plan_tails, resized
from noai.containers._chunks import Chunk, ChunkLayout, content, is_filler
from noai.containers._dsdiff_layout import DSDIFF, chunks_in, is_nest, read_layout
from noai.containers._inventory import Foreign, sha256
from noai.containers._splices import Splice
from noai.containers.interface import TagEdit
from noai.errors import MarkError
from noai.limits import TAG_VALUE_BYTES
from noai.sources import ByteSource

_PLACE: Final = "DSDIFF chunk"
#: Date and time, type, reference, length of the text.
_COMMENT: Final = struct.Struct(">HBBBBHHI")
_COUNTED: Final = frozenset({b"DIAR", b"DITI"})
_PLAIN: Final = frozenset({b"EMID"})
#: Time, sample, offset, types, track, flags, length of the text.
_MARKER: Final = struct.Struct(">HBBIiHHHI")
_FILLERS: Final = frozenset({b"    "})


def all_chunks(source: ByteSource, layout: ChunkLayout) -> Iterator[ChunkLayout]:
    """``layout``, and that of each chunk which is made of chunks.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.BOXES`.
    """
    yield layout
    for chunk in layout.chunks:
        if is_nest(chunk):
            yield chunks_in(source, chunk)


def read_tags(source: ByteSource, layout: ChunkLayout, area: AreaBuilder) -> None:
    """Everything that a statement could stand in goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    tagged: list[Chunk] = []
    for each in all_chunks(source, layout):
        for problem in each.problems:
            area.note(Code.TAG_UNREADABLE, problem.message)
        for chunk in each.chunks:
            if each is not layout:
                area.count_item()
            _read_chunk(source, chunk, area)
        tagged += each.chunks
        if each is not layout:
            read_behind(source, each.rest, each.size, (), area)
    read_id3_chunks(source, tagged, area)
    read_behind(source, layout.rest, layout.size, trailing_tails(source, layout), area)


def _read_chunk(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    name = chunk.id.upper()
    if _iff_text.is_text(name) or name in _PLAIN:
        read_text(source, chunk, area, _PLACE, _iff_text.role_of(name))
    elif name in _COUNTED:
        _read_counted(source, chunk, 0, area)
    elif name == b"MARK":
        _read_counted(source, chunk, _MARKER.size - 4, area)
    elif name == b"COMT":
        _iff_text.read_comments(source, chunk, _COMMENT, area, _PLACE)
    elif name != ID3 and chunk.id not in DSDIFF.audio and not is_nest(chunk):
        read_opaque(source, chunk, area)


def _read_counted(source: ByteSource, chunk: Chunk, skip: int, area: AreaBuilder) -> None:
    """Text behind its length, ``skip`` bytes into the chunk."""
    if chunk.size > TAG_VALUE_BYTES:
        area.note(Code.TAG_UNREADABLE, f"the chunk {chunk.name} is longer than {TAG_VALUE_BYTES} bytes")
        return
    area.count_item()
    area.count_bytes(chunk.size)
    # The length may lie: all of the chunk is text, or zeros.
    area.field(_PLACE, chunk.name, decoded(content(source, chunk)[skip + 4 :]))


def describe(source: ByteSource, layout: ChunkLayout, foreign: Foreign, area: AreaBuilder) -> Iterator[str]:
    """One description for each foreign item.

    Raises:
        LimitExceeded: when not every item could be read.
    """
    for each in all_chunks(source, layout):
        for chunk in each.chunks:
            if chunk.id in DSDIFF.audio or chunk.id.upper() == ID3 or is_nest(chunk):
                continue
            if each is not layout:
                area.count_item()
            if not is_filler(source, chunk, _FILLERS):
                yield f"{chunk.name}={sha256(source, chunk.data, chunk.end)}"
        yield from describe_id3(source, each.chunks, foreign, area)
        if each is not layout:
            yield from describe_behind(source, each.rest, each.size, (), foreign)
    yield from describe_behind(source, layout.rest, layout.size, trailing_tails(source, layout), foreign)


# -- writing ----------------------------------------------------------------------------------


def plan(source: ByteSource, edit: TagEdit) -> list[Splice]:
    """The splices that apply ``edit``.

    Raises:
        MarkError: if the chunks contradict each other.
        ContainerError: if they cannot be read to their end.
    """
    layout = read_layout(source)
    nests = [(chunk, chunks_in(source, chunk)) for chunk in layout.chunks if is_nest(chunk)]
    present = _tagged(source, layout)
    wanted = edit
    changes = Changes()
    if present or not any(_tagged(source, inner) for _, inner in nests):
        changes, wanted = plan_id3(present, edit, DSDIFF, b"ID3 "), _lifting(edit)
    for nest, inner in nests:
        nested = _tagged(source, inner)
        if not nested:
            continue
        if inner.problems:
            raise MarkError(f"the chunks in {nest.name} contradict each other: {inner.problems[0].message}")
        inside = [s for each in plan_id3(nested, wanted, DSDIFF, b"").edits for s in each.splices]
        wanted = _lifting(edit)
        if inside:
            whole = resized(DSDIFF, nest, inside)
            changes += Changes((ChunkEdit(nest, whole.splices, fixed=True),))
    plan_behind(source, (), [(inner.rest, inner.size) for _, inner in nests], edit)
    placed = place(source, layout, changes, in_front=False)
    return [*placed.splices, *plan_tails(source, layout, edit), Splice(4, 8, DSDIFF.size(placed.form_size))]


def _tagged(source: ByteSource, layout: ChunkLayout) -> list[Id3Chunk]:
    return [each for each in id3_chunks(source, layout.chunks) if each.tags]


def _lifting(edit: TagEdit) -> TagEdit:
    """What is left of ``edit`` for further tags: markers go, and statements that it lifts."""
    return TagEdit((), None, edit.lifted_statements, None, edit.lifted_data_mining)
