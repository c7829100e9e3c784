"""Putting markers and statements into an MP4 file, without touching its samples.

What changes is spliced into the file; tables and media data are never held in memory. Where the movie
box grows, padding behind it or in it is used up before anything moves.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from noai.containers import _id3_write
from noai.containers._bmff import Box, BoxReader, Node
from noai.containers._mp4_edit import Change, plan_items, resized
from noai.containers._mp4_essence import samples_of
from noai.containers._mp4_items import Id3Place, Metadata
from noai.containers._mp4_list import PADDING
from noai.containers._mp4_movie import Movie, read_movie
from noai.containers._mp4_offsets import Shift, clear, free_box, move_offsets, require_movable
from noai.containers._mp4_tags import read_metadata
from noai.containers._mp4_values import atom
from noai.containers._splices import Splice, apply, growth
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import ContainerReadOnly, EssenceUnbindable
from noai.sources import ByteSource, FileSource

_HEADER: Final = 8


@dataclass
class _Plan:
    """What a marking does to a file."""

    splices: list[Splice] = field(default_factory=list)
    #: Boxes that become padding, and stretches of padding that become zeros, where they are.
    freed: list[Box] = field(default_factory=list)
    cleared: list[tuple[int, int]] = field(default_factory=list)


def write_movie(file: BinaryIO, edit: TagEdit) -> None:
    """Apply ``edit`` to the items in ``moov``, and take markers out of every other place.

    Raises:
        EssenceUnbindable: if the file's structure forbids binding (several movies).
        ContainerReadOnly: if offsets in the file could not be corrected.
        MarkError: if an ID3 tag in it cannot be rewritten.
        ContainerMalformed, LimitExceeded: as reading does.
    """
    source = FileSource(file)
    reader = BoxReader(source)
    top = reader.top()
    movie = read_movie(BoxReader(source), top)
    metadata = read_metadata(BoxReader(source), top)
    metadata.require_whole()
    if movie.violations:
        raise EssenceUnbindable("; ".join(violation.message for violation in movie.violations))
    plan = _plan_elsewhere(source, metadata, movie.moov.box, edit)
    inside = [item for item in metadata.items if item.ancestors[:1] == (movie.moov.box,)]
    changes = plan_items(reader, movie.moov.box, inside, edit)
    room_end = _room_end(top, movie.moov.box)
    _require_no_samples(reader, movie, movie.moov.box.start, room_end)
    plan.splices += _make_room(reader, movie, changes, room_end) + resized(reader, changes)
    shift = Shift(movie.moov.box.start, room_end, growth(plan.splices))
    moves = shift.by != 0 and room_end < reader.size
    if moves:
        require_movable(reader, movie, shift)
    # Nothing is written before this line: what was refused is as it was.
    for box in plan.freed:
        free_box(file, box)
    for start, end in plan.cleared:
        clear(file, start, end)
    apply(file, sorted(plan.splices, key=lambda splice: (splice.offset, splice.length)))
    if moves:
        move_offsets(file, shift)
    file.flush()


# -- markers outside the movie's lists ------------------------------------------------------------


def _plan_elsewhere(source: ByteSource, metadata: Metadata, moov: Box, edit: TagEdit) -> _Plan:
    """What takes markers out of fragments, other boxes, ID3 tags and padding; nothing there moves."""
    plan = _Plan()
    for item in metadata.items:
        if item.role is FieldRole.MARKER and item.ancestors[:1] != (moov,):
            plan.freed.append(item.box)
    for hit in metadata.hidden:
        if not hit.is_marker:
            continue
        if not hit.padding:
            raise ContainerReadOnly(f"a marker stands in a box {hit.box.name!r}, which noai does not write")
        plan.cleared.append((hit.start, hit.end))
    for place in metadata.id3:
        alone = [other.box for other in metadata.id3].count(place.box) == 1
        _plan_id3(source, place, edit, plan, alone=alone)
    return plan


def _plan_id3(source: ByteSource, place: Id3Place, edit: TagEdit, plan: _Plan, *, alone: bool) -> None:
    splices = _id3_write.plan(source, place.tag, _id3_write.Id3Edit(edit, writes=False))
    by = growth(splices)
    if by == 0:
        plan.splices += splices
    elif by == place.tag.offset - place.tag.end and alone:
        plan.freed.append(place.box)
    else:
        raise ContainerReadOnly("an ID3 tag in the file cannot be rewritten where it is")


# -- the movie box --------------------------------------------------------------------------------


def _room_end(top: list[Box], moov: Box) -> int:
    """Where the padding right behind ``moov`` ends."""
    end = moov.end
    for box in top:
        if box.start == end and box.type in PADDING:
            end = box.end
    return end


def _make_room(reader: BoxReader, movie: Movie, changes: list[Change], end: int) -> list[Splice]:
    """What takes up the growth of the movie box in the padding behind it, which ends at ``end``.

    If that does not suffice and something follows, ``changes`` get one that takes it from padding
    within the movie box. What is left of padding is padding again, which has 8 bytes at least.
    """
    moov = movie.moov.box
    by = sum(change.growth for change in changes)
    room = end - moov.end
    rest = room - by
    if by == 0 or end == reader.size == moov.end:
        return []
    if rest < 0 and end < reader.size and (change := _from_inner_padding(movie.moov, by)):
        changes.append(change)
        return []
    if rest <= 0:
        return [Splice(moov.end, room, b"")]
    if rest < _HEADER:
        return [Splice(moov.end, room, atom(b"free", b""))]
    if by < 0 and -by >= _HEADER:
        return [Splice(moov.end, 0, atom(b"free", bytes(-by - _HEADER)))]
    head = _free_head(rest)
    return [Splice(moov.end, len(head) + max(by, 0), head + bytes(max(-by, 0)))]


def _from_inner_padding(moov: Node, by: int) -> Change | None:
    """A change by which padding somewhere in ``moov`` gives away ``by`` bytes."""
    for node, path in _with_path(moov, ()):
        box = node.box
        size = box.end - box.start
        if box.type in PADDING and (size == by or size >= by + 2 * _HEADER):
            head = b"" if size == by else _free_head(size - by)
            return Change(box.start, box.start + by + len(head), head, path)
    return None


def _with_path(node: Node, path: tuple[Box, ...]) -> Iterator[tuple[Node, tuple[Box, ...]]]:
    yield node, path
    for child in node.children:
        yield from _with_path(child, (*path, node.box))


def _free_head(size: int) -> bytes:
    return struct.pack(">I4s", size, b"free") if size < 1 << 32 else struct.pack(">I4sQ", 1, b"free", size)


def _require_no_samples(reader: BoxReader, movie: Movie, start: int, end: int) -> None:
    for track in movie.tracks:
        for first, last in samples_of(reader, track).runs():
            if first < end and last > start:
                raise EssenceUnbindable("samples lie where the movie box is")
