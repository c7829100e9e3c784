"""Where the parts of a segment stand once tags have been written, and what points to them then.

Tags take the room that they had and the free space behind it, or free space elsewhere in front of the
clusters. Else the clusters move, since exiftool and others look at what stands in front of them alone; where
that is too much to move, tags go to the end of the segment, and SeekHead says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from noai.containers._ebml import ElementReader, render_void
from noai.containers._mkv_layout import Segment
from noai.containers._mkv_pieces import (
    ELASTIC,
    Kind,
    Piece,
    at_end,
    before_clusters,
    front_gaps,
    into_gap,
)
from noai.containers._mkv_positions import moved_cues, moved_seek_head, rendered_width, widened
from noai.containers._mkv_schema import CLUSTER, SEEK_HEAD
from noai.containers._mkv_seek import read_entries
from noai.containers._splices import Splice
from noai.errors import MarkError
from noai.limits import MATROSKA_INDEX_ELEMENTS, MOVED_AUDIO_BYTES
from noai.sources import ByteSource, read_exactly

#: The smallest Void element.
_LEAST_VOID: Final = 2
#: Numbers that grow move others, which can grow in turn; each round makes at least one of them longer.
_ROUNDS: Final = 16


def settle(
    source: ByteSource, segment: Segment, make: Callable[[], list[Piece]], new: bytes, *, appendable: bool
) -> Row:
    """The best row for a segment whose host becomes ``new``; ``make`` cuts it into pieces.

    Raises:
        MarkError: if lengths and positions do not come to agree.
    """
    pieces, end = make(), segment.element.end
    has_host = any(piece.host for piece in pieces)
    if not new or has_host:
        # ffmpeg reads tags behind clusters only if SeekHead leads to them.
        for with_entry in (True, False) if new and _is_behind(pieces) else (False,):
            row = Row(source, segment, make(), with_entry=with_entry)
            if not row.moves_clusters:
                return row
    for number in front_gaps(make()):
        for with_entry in (True, False):
            tried = into_gap(make(), number, new)
            if tried is not None:
                row = Row(source, segment, tried, with_entry=with_entry)
                if not row.moves_clusters:
                    return row
    clusters = segment.all(CLUSTER)
    if appendable and clusters and end - clusters[0].start > MOVED_AUDIO_BYTES:
        row = Row(source, segment, at_end(make(), end, new), with_entry=True)
        if row.has_entry and not row.moves_clusters:
            return row
    pieces = make()
    if new and not has_host:
        pieces = before_clusters(pieces, end, new)
    return Row(source, segment, pieces, may_move=True)


def _is_behind(pieces: Sequence[Piece]) -> bool:
    """Whether the host stands behind a cluster."""
    hosts = [piece.start for piece in pieces if piece.host]
    clusters = [piece.start for piece in pieces if piece.kind is Kind.CLUSTERS]
    return bool(hosts and clusters) and hosts[0] > clusters[0]


class Row:
    """The pieces of one segment, settled: lengths, places and the numbers that point to them agree."""

    def __init__(
        self,
        source: ByteSource,
        segment: Segment,
        pieces: Sequence[Piece],
        *,
        with_entry: bool = False,
        may_move: bool = False,
    ) -> None:
        """``with_entry``: SeekHead gets an entry for the host's tags if it has none.

        Where clusters would move and must not, the rest is left undone.

        Raises:
            MarkError: if lengths and positions do not come to agree.
        """
        self.pieces = pieces
        self.has_entry = False
        self._source = source
        self._segment = segment
        self._base = segment.element.data
        self._with_entry = with_entry
        self._old = [piece for piece in pieces if piece.start < piece.end]
        self._starts = [piece.start for piece in self._old]
        self._host = next((piece for piece in pieces if piece.host and piece.data), None)
        self._rooms = list(_budgets(pieces))
        for _ in range(_ROUNDS):
            self._place()
            if self.moves_clusters and not may_move:
                return
            before = [piece.data for piece in pieces]
            self._point()
            if before == [piece.data for piece in pieces]:
                return
        raise MarkError("the positions in the file do not come to agree with each other")

    @property
    def moves_clusters(self) -> bool:
        return any(piece.kind is Kind.CLUSTERS and piece.at != piece.start for piece in self.pieces)

    @property
    def growth(self) -> int:
        return sum(piece.size - (piece.end - piece.start) for piece in self.pieces)

    def where(self, position: int) -> int | None:
        """Where what stood at ``position`` in the segment is now; None if it is gone."""
        absolute = position + self._base
        index = bisect_right(self._starts, absolute) - 1
        if index < 0 or absolute >= self._old[index].end:
            return position
        piece = self._old[index]
        if piece.host and not piece.data and self._host is not None:
            return self._host.at - self._base
        if piece.kind is Kind.GAP or piece.data == b"":
            return None
        return piece.at + (absolute - piece.start if piece.data is None else 0) - self._base

    def splices(self) -> Iterator[Splice]:
        for piece in self.pieces:
            old = piece.end - piece.start
            if piece.kind is not Kind.GAP:
                if piece.data is not None:
                    yield Splice(piece.start, old, piece.data)
            elif piece.room != old or piece.dirty:
                yield Splice(piece.start, old, render_void(piece.room) if piece.room else b"")

    def _place(self) -> None:
        for piece, gap, budget in self._rooms:
            left = budget - piece.size
            if 0 < left < _LEAST_VOID:
                # No Void is that short, so that the size of the part takes one more byte instead.
                data = piece.data if piece.data is not None else self._raw(piece)
                piece.width = rendered_width(data) + left
                piece.data = widened(data, piece.width)
                left = 0
            gap.room = max(left, 0)
        at = self.pieces[0].start if self.pieces else 0
        for piece in self.pieces:
            piece.at = at
            at += piece.size

    def _raw(self, piece: Piece) -> bytes:
        return read_exactly(self._source, piece.start, piece.end - piece.start)

    def _point(self) -> None:
        """SeekHead and Cues, written for the present places."""
        reader = ElementReader(self._source, MATROSKA_INDEX_ELEMENTS)
        added = self._missing_entry(reader)
        for piece in self.pieces:
            if piece.kind is Kind.SEEK and piece.element is not None:
                data = moved_seek_head(reader, piece.element, self.where, added, piece.width)
                piece.data = None if data == self._raw(piece) else data
                added = None
            elif piece.kind is Kind.CUES and piece.element is not None and self.moves_clusters:
                piece.data = moved_cues(reader, piece.element, self.where, piece.width)

    def _missing_entry(self, reader: ElementReader) -> int | None:
        """The position of the host's tags if an entry for them is to be added."""
        if self._host is None:
            return None
        position = self._host.at - self._base
        heads = self._segment.all(SEEK_HEAD)
        entries = (entry for head in heads for entry in read_entries(reader, self._segment, head))
        if any(self.where(entry.position - self._base) == position for entry in entries):
            self.has_entry = True
            return None
        self.has_entry = bool(heads) and self._with_entry
        return position if self.has_entry else None


def _budgets(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, Piece, int]]:
    """Each part that has a gap behind it, that gap, and the bytes that both have together."""
    for piece, gap in pairwise(pieces):
        if piece.kind in ELASTIC and gap.kind is Kind.GAP:
            yield piece, gap, piece.end - piece.start + gap.end - gap.start
