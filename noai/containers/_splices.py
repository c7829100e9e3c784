"""Replacing several byte ranges of a file in place, with bounded memory."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from noai import progress
from noai.errors import ContainerError, MarkError
from noai.limits import READ_SIZE


@dataclass(frozen=True)
class Splice:
    """The ``length`` bytes at ``offset`` become ``data``. A length of 0 inserts."""

    offset: int
    length: int
    data: bytes

    @property
    def growth(self) -> int:
        return len(self.data) - self.length


@dataclass(frozen=True)
class _Segment:
    """Bytes that stay, and how far they move."""

    start: int
    end: int
    shift: int


@contextmanager
def rewriting(what: str) -> Iterator[None]:
    """Plan splices of ``what`` in it.

    Raises:
        MarkError: where reading what stands there fails.
    """
    try:
        yield
    except ContainerError as error:
        raise MarkError(f"{what} cannot be rewritten: {error}") from error


def growth(splices: Sequence[Splice]) -> int:
    """By how many bytes the file grows."""
    return sum(splice.growth for splice in splices)


def apply(file: BinaryIO, splices: Sequence[Splice]) -> None:
    """Apply ``splices``, whose offsets are those of the file as it is now.

    Their order plays no part, except between several that insert at one offset.

    Raises:
        MarkError: if they overlap, or run past the file.
    """
    size = file.seek(0, io.SEEK_END)
    ordered = sorted(splices, key=lambda splice: splice.offset)
    segments: list[_Segment] = []
    at = shift = 0
    for splice in ordered:
        if splice.offset < at or splice.offset + splice.length > size:
            raise MarkError(f"edits overlap or run past the file at {splice.offset}")
        segments.append(_Segment(at, splice.offset, shift))
        at = splice.offset + splice.length
        shift += splice.growth
    segments.append(_Segment(at, size, shift))
    # What moves towards the start can only cover what stands before it and moves there too; what
    # moves towards the end only what stands behind it. So neither direction disturbs the other.
    for segment in segments:
        if segment.shift < 0:
            _move_down(file, segment)
    for segment in reversed(segments):
        if segment.shift > 0:
            _move_up(file, segment)
    moved = 0
    for splice in ordered:
        file.seek(splice.offset + moved)
        file.write(splice.data)
        moved += splice.growth
    if shift < 0:
        file.truncate(size + shift)
    file.flush()


def _move_down(file: BinaryIO, segment: _Segment) -> None:
    for at in range(segment.start, segment.end, READ_SIZE):
        _copy(file, at, min(READ_SIZE, segment.end - at), segment.shift)


def _move_up(file: BinaryIO, segment: _Segment) -> None:
    at = segment.end
    while at > segment.start:
        length = min(READ_SIZE, at - segment.start)
        at -= length
        _copy(file, at, length, segment.shift)


def _copy(file: BinaryIO, offset: int, length: int, shift: int) -> None:
    file.seek(offset)
    data = file.read(length)
    if len(data) != length:
        raise MarkError("the copy became shorter while it was being written")
    file.seek(offset + shift)
    file.write(data)
    progress.moved(length)
