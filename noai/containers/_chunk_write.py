"""Editing a file of chunks: which bytes change, where new chunks go, and what must not move.

New chunks stand in front of the audio, so that a reader meets them first. Where there is so much audio
that moving it would take long, they go behind it, and so do chunks that no longer fit into their place
in front of it: a chunk of no meaning keeps that place.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from noai.containers import _id3_write
from noai.containers._area import AreaBuilder
from noai.containers._chunk_tags import Id3Chunk, read_rest, trailing_tails
from noai.containers._chunks import Chunk, ChunkLayout, Family
from noai.containers._id3_frames import Body, all_zero
from noai.containers._inventory import without_cut
from noai.containers._splices import Splice, apply, growth
from noai.containers._tails import Tail, TailKind, plan_id3v1, read_tail
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import MarkError
from noai.limits import MOVED_AUDIO_BYTES, MOVED_CHUNK_BYTES
from noai.sources import ByteSource, read_exactly

#: What other tools call the chunk; they know the usual spellings alone.
_USUAL: Final = (b"id3 ", b"ID3 ")


@dataclass(frozen=True)
class ChunkEdit:
    """What changes in ``chunk``, its header and padding included."""

    chunk: Chunk
    splices: tuple[Splice, ...]
    #: It has its place in front of the audio and cannot stand behind it.
    fixed: bool = False

    @property
    def growth(self) -> int:
        return growth(self.splices)


@dataclass(frozen=True)
class Changes:
    """Edits of chunks, and chunks that are new."""

    edits: tuple[ChunkEdit, ...] = ()
    new: bytes = b""

    def __add__(self, other: Changes) -> Changes:
        return Changes(self.edits + other.edits, self.new + other.new)


def replaced(family: Family, old: Chunk, data: bytes | None) -> ChunkEdit:
    """``old`` with other content, or without any: gone."""
    new = b"" if data is None else family.render(old.id, data)
    return ChunkEdit(old, (Splice(old.offset, old.next - old.offset, new),))


def resized(family: Family, old: Chunk, splices: Sequence[Splice]) -> ChunkEdit:
    """``old`` with ``splices`` in its content: its size follows.

    It becomes even, by a zero at its end where it has to: sox skips no padding behind chunks that it
    does not know.
    """
    size, padding = old.size + growth(splices), old.next - old.end
    even = size + size % 2
    return ChunkEdit(
        old,
        (
            *splices,
            Splice(old.offset + 4, family.size_bytes, family.size(even)),
            Splice(old.end, padding, bytes(even - size)),
        ),
    )


def plan_id3(present: Iterable[Id3Chunk], edit: TagEdit, family: Family, new: bytes) -> Changes:
    """``edit`` in the ID3 tags that there are, or in a chunk ``new``.

    Raises:
        MarkError: if a tag cannot be rewritten without loss.
    """
    tagged = [each for each in present if each.tags]
    tagged.sort(key=lambda each: each.chunk.id not in _USUAL)
    edits = [_plan_id3_chunk(each, edit, family, writes=number == 0) for number, each in enumerate(tagged)]
    if tagged:
        return Changes(tuple(each for each in edits if each is not None))
    tag = b"".join(each.data for each in _id3_write.plan_new(0, _id3_write.Id3Edit(edit, xmp=False)))
    return Changes(new=family.render(new, tag + bytes(len(tag) % 2)) if tag else b"")


def _plan_id3_chunk(each: Id3Chunk, edit: TagEdit, family: Family, *, writes: bool) -> ChunkEdit | None:
    splices: list[Splice] = []
    for number, tag in enumerate(each.tags):
        what = _id3_write.Id3Edit(edit, writes=writes and number == 0, xmp=False)
        splices += _id3_write.plan(each.source, tag, what)
    if not splices:
        return None
    old, end = each.chunk, each.tags[-1].end
    if growth(splices) == old.data - end and all_zero(Body(each.source, end, old.end), end):
        return replaced(family, old, None)
    return resized(family, old, splices)


@dataclass(frozen=True)
class Plan:
    """Where everything goes: ``splices``, and the size of the form that they lead to."""

    splices: tuple[Splice, ...]
    form_size: int


def place(source: ByteSource, layout: ChunkLayout, changes: Changes, *, in_front: bool = True) -> Plan:
    """``changes`` of a file in which one chunk holds the audio.

    Raises:
        MarkError: if the chunks contradict each other.
    """
    if layout.problems:
        message = layout.problems[0].message
        raise MarkError(f"the {layout.family.name} chunks contradict each other: {message}")
    if len(layout.audio) != 1:
        raise MarkError("there is not exactly one chunk with audio")
    (audio,) = layout.audio
    still = audio.size > MOVED_AUDIO_BYTES
    edits, behind = list(changes.edits), b""
    if still:
        moved = [_out_of_the_way(source, layout.family, audio, each) for each in edits]
        edits = [each.edit for each in moved]
        behind = b"".join(each.behind for each in moved)
    last = layout.inside[-1]
    back = last.next
    inside = [splice for each in edits if each.chunk.offset < layout.form_end for splice in each.splices]
    outside = [splice for each in edits if each.chunk.offset >= layout.form_end for splice in each.splices]
    if (last.end - last.offset) % 2 and last.next == last.end and not any(e.chunk == last for e in edits):
        inside.append(Splice(back, 0, b"\x00"))
    if in_front and not still:
        inside.append(Splice(audio.offset, 0, changes.new))
    else:
        behind += changes.new
    inside.append(Splice(back, 0, behind))
    size = back - layout.family.header + growth(inside)
    splices = [splice for splice in (*inside, *outside) if splice.length or splice.data]
    return Plan(tuple(splices), size)


@dataclass(frozen=True)
class _Moved:
    edit: ChunkEdit
    behind: bytes = b""


def _out_of_the_way(source: ByteSource, family: Family, audio: Chunk, edit: ChunkEdit) -> _Moved:
    """``edit``; if it would move ``audio``, with its chunk behind it and a filler where it was."""
    old = edit.chunk
    length = old.next - old.offset
    if edit.fixed or old.offset > audio.offset or not edit.growth or length > MOVED_CHUNK_BYTES:
        return _Moved(edit)
    file = io.BytesIO(read_exactly(source, old.offset, length))
    apply(file, [replace(splice, offset=splice.offset - old.offset) for splice in edit.splices])
    filler = family.render(family.filler, bytes(length - family.header))
    return _Moved(ChunkEdit(old, (Splice(old.offset, length, filler),)), file.getvalue())


# -- behind the last chunk ----------------------------------------------------------------------


def plan_tails(source: ByteSource, layout: ChunkLayout, edit: TagEdit) -> list[Splice]:
    """``edit`` in what stands behind the last chunk: statements in ID3v1 go.

    Raises:
        MarkError: if it takes out what stands elsewhere there.
        LimitExceeded: if not all of that could be read.
    """
    tails = trailing_tails(source, layout)
    gap = (layout.rest, tails[0].offset if tails else layout.size)
    return plan_behind(source, tails, [gap], edit)


def plan_behind(
    source: ByteSource, tails: Iterable[Tail], gaps: Iterable[tuple[int, int]], edit: TagEdit
) -> list[Splice]:
    """The same for ``tails``, and for ``gaps``, from and to, where tags may stand as well."""
    area, splices = AreaBuilder(), []
    for tail in tails:
        if tail.kind is TailKind.ID3V1:
            splices += plan_id3v1(source, tail, edit)
        else:
            read_tail(source, tail, area)
    for start, end in gaps:
        read_rest(source, start, end, area)
    require_settled(area, edit, "behind the last chunk")
    return splices


def require_settled(area: AreaBuilder, edit: TagEdit, where: str) -> None:
    """
    Raises:
        MarkError: if ``edit`` takes out what ``area`` holds, which is never changed.
    """
    for field in area.build().fields:
        goes = field.role is FieldRole.MARKER and field.value not in edit.markers
        lifted = any(sentence in field.value for sentence in edit.lifted_statements)
        if goes or lifted or without_cut(field.value, edit.lifted_statements) != field.value:
            raise MarkError(
                f"{field.place} {field.key} stands {where}, where no tag belongs, and cannot be taken out: "
                "export the track anew without it"
            )
