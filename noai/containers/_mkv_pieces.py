"""A segment as a row of pieces, and the rows in which tags can be written into it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from noai.containers._ebml import VOID, Element, size_width
from noai.containers._mkv_layout import Segment
from noai.containers._mkv_schema import CLUSTER, CUES, SEEK_HEAD, TAGS

#: Room for one more entry that stays behind a SeekHead when tags go into the free space there.
_SEEK_ROOM: Final = 64
#: Free spaces that tags are tried in. Files have one or two.
_GAPS: Final = 8


class Kind(Enum):
    KEPT = "kept"
    CLUSTERS = "clusters"
    GAP = "gap"
    SEEK = "seek"
    CUES = "cues"
    TAGS = "tags"


#: What can change its length.
ELASTIC: Final = (Kind.SEEK, Kind.CUES, Kind.TAGS)
_KINDS: Final = {
    SEEK_HEAD: Kind.SEEK,
    CUES: Kind.CUES,
    TAGS: Kind.TAGS,
    VOID: Kind.GAP,
    CLUSTER: Kind.CLUSTERS,
}


@dataclass(eq=False)
class Piece:
    """Bytes that stood from ``start`` to ``end``, none if they are new."""

    kind: Kind
    start: int
    end: int
    #: Of SeekHead and Cues.
    element: Element | None = None
    #: The bytes that take their place; None if they stay.
    data: bytes | None = None
    #: Bytes of a gap now.
    room: int = 0
    #: Whether this holds the tags that noai's stand in.
    host: bool = False
    #: Whether free space has to be overwritten.
    dirty: bool = False
    #: Bytes that the size in its header takes at least.
    width: int = 0
    #: Where it begins now, counted as ``start`` is, before the segment's own header grows.
    at: int = 0

    @property
    def size(self) -> int:
        if self.kind is Kind.GAP:
            return self.room
        return self.end - self.start if self.data is None else len(self.data)


def cut(segment: Segment, changed: Mapping[int, bytes], host: int | None, dirty: Set[int]) -> list[Piece]:
    """The pieces of a segment. Behind each part that can change its length is a gap, at times of no room.

    ``changed`` holds new bytes for the Tags elements that start there, ``dirty`` the Void elements that must
    be overwritten, ``host`` is where the Tags element starts that noai's tags stand in.
    """
    pieces: list[Piece] = []
    for element in segment.elements:
        kind = _KINDS.get(element.id, Kind.KEPT)
        if kind in ELASTIC:
            data, width = changed.get(element.start), size_width(element)
            is_host = element.start == host
            piece = Piece(kind, element.start, element.end, element, data, host=is_host, width=width)
            pieces += [piece, Piece(Kind.GAP, element.end, element.end)]
            continue
        if not pieces or pieces[-1].kind is not kind:
            pieces.append(Piece(kind, element.start, element.end))
        last = pieces[-1]
        last.end = element.end
        if kind is Kind.GAP:
            last.room = last.end - last.start
            last.dirty |= element.start in dirty
    return pieces


def into_gap(pieces: list[Piece], number: int, data: bytes) -> list[Piece] | None:
    """``data`` as the host in the gap ``number``; None if there is no room.

    Free space behind a SeekHead stays there in part, for entries to come.
    """
    gap = pieces[number]
    spare = gap.room - len(data)
    behind_seek = number > 0 and pieces[number - 1].kind is Kind.SEEK
    if spare < (_SEEK_ROOM if behind_seek else 0):
        return None
    start = gap.end - len(data) if behind_seek else gap.start
    tags = Piece(Kind.TAGS, start, start + len(data), data=data, host=True)
    rest = Piece(Kind.GAP, tags.end, gap.end, room=gap.end - tags.end, dirty=True)
    front = [Piece(Kind.GAP, gap.start, start, room=start - gap.start, dirty=True)] if behind_seek else []
    return [*_without_host(pieces[:number]), *front, tags, rest, *_without_host(pieces[number + 1 :])]


def at_end(pieces: list[Piece], end: int, data: bytes) -> list[Piece]:
    return [*_without_host(pieces), Piece(Kind.TAGS, end, end, data=data, host=True)]


def before_clusters(pieces: list[Piece], end: int, data: bytes) -> list[Piece]:
    """``data`` in front of the first cluster, or at the ``end`` where there is none."""
    for number, piece in enumerate(pieces):
        if piece.kind is Kind.CLUSTERS:
            tags = Piece(Kind.TAGS, piece.start, piece.start, data=data, host=True)
            return [*pieces[:number], tags, *pieces[number:]]
    return at_end(pieces, end, data)


def _without_host(pieces: list[Piece]) -> list[Piece]:
    """The pieces with the room free in which the host stood."""
    return [replace(piece, data=b"") if piece.host else piece for piece in pieces]


def front_gaps(pieces: list[Piece]) -> list[int]:
    """The largest gaps in front of the clusters."""
    first = next((n for n, piece in enumerate(pieces) if piece.kind is Kind.CLUSTERS), 0)
    gaps = [number for number in range(first) if pieces[number].kind is Kind.GAP and pieces[number].room]
    return sorted(gaps, key=lambda number: -pieces[number].room)[:_GAPS]
