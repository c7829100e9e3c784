"""The comment blocks of a FLAC file replaced; all other blocks and the audio stay as they are.

Blocks keep their order. PADDING takes up what the comments grow or shrink by, so that the audio need
not move; where there is too little of it the audio moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from noai.containers._area import AreaBuilder
from noai.containers._flac_blocks import (
    HEADER,
    LARGEST_BLOCK,
    LAST,
    PADDING,
    VORBIS_COMMENT,
    Block,
    FlacLayout,
    read_layout,
)
from noai.containers._id3_write import Id3Edit, plan
from noai.containers._splices import Splice, apply
from noai.containers._vorbis import parse
from noai.containers._vorbis_edit import edited, new_block
from noai.containers.interface import TagEdit
from noai.errors import ContainerError, MarkError
from noai.limits import MIB
from noai.sources import ByteSource, BytesSource, FileSource, chunks, read_exactly

#: Blocks between the comments and the padding are rewritten with them, in memory, up to this many bytes.
_REWRITTEN_BYTES: Final = 64 * MIB


@dataclass(frozen=True)
class _Piece:
    """A block as it is to be written: new ``data``, or None for the old block as it is."""

    type: int
    old: Block | None
    data: bytes | None = None

    @property
    def growth(self) -> int:
        if self.data is None:
            return 0
        return len(self.data) - self.old.length if self.old is not None else HEADER + len(self.data)


def write_tags(file: BinaryIO, edit: TagEdit) -> None:
    """Markers and statement go to the first comment block, which is made if there is none.

    Other comment blocks, and ID3 tags in front, lose markers and what ``edit`` lifts.

    Raises:
        MarkError: if the metadata is damaged, or has no room for the mark.
    """
    try:
        source = FileSource(file)
        layout = read_layout(source)
        layout.require_sound()
        pieces = _with_comments(source, layout, edit)
        splices: list[Splice] = []
        for tag in layout.leading:
            splices += plan(source, tag, Id3Edit(edit, writes=False, xmp=False))
        if any(piece.data is not None for piece in pieces):
            splices.append(_rewritten(source, _with_padding(source, pieces)))
        if splices:
            apply(file, splices)
    except ContainerError as error:
        raise MarkError(f"the FLAC metadata cannot be written: {error}") from error


def _with_comments(source: ByteSource, layout: FlacLayout, edit: TagEdit) -> list[_Piece]:
    area = AreaBuilder()
    pieces: list[_Piece] = []
    first = True
    for block in layout.blocks:
        data = None
        if block.type == VORBIS_COMMENT:
            data = _edited(source, block, edit, area, first=first)
            first = False
        pieces.append(_Piece(block.type, block, data))
    if first and (edit.slots or edit.statement):
        pieces.insert(1, _Piece(VORBIS_COMMENT, None, new_block(edit)))
    for piece in pieces:
        if piece.data is not None:
            _require_readable(piece.data)
    return pieces


def _edited(
    source: ByteSource, block: Block, edit: TagEdit, area: AreaBuilder, *, first: bool
) -> bytes | None:
    comments = parse(source, block.data, block.end, area)
    new = edited(source, comments, edit, first=first)
    if new == read_exactly(source, block.data, comments.end - block.data):
        return None
    return new + read_exactly(source, comments.end, block.end - comments.end)


def _require_readable(data: bytes) -> None:
    """Raises MarkError, LimitExceeded: if such a block could not be written, or not be read again."""
    if len(data) > LARGEST_BLOCK:
        raise MarkError("the comments have no room for a mark: a FLAC block holds 16 MiB")
    parse(BytesSource(data), 0, len(data), AreaBuilder())


def _with_padding(source: ByteSource, pieces: list[_Piece]) -> list[_Piece]:
    """The pieces with one block of padding, the nearest, made as much smaller as the others grew."""
    growth = sum(piece.growth for piece in pieces)
    changed = max(number for number, piece in enumerate(pieces) if piece.data is not None)
    for number in sorted(range(len(pieces)), key=lambda number: abs(number - changed)):
        padding = pieces[number].old
        if pieces[number].type != PADDING or padding is None:
            continue
        length = padding.length - growth
        if not 0 <= length <= LARGEST_BLOCK or any(map(any, chunks(source, padding.data, padding.end))):
            continue
        fitted = [*pieces]
        fitted[number] = _Piece(PADDING, padding, bytes(length))
        start, end = _span(fitted)
        if sum(piece.old.length for piece in fitted[start:end] if piece.old) <= _REWRITTEN_BYTES:
            return fitted
    return pieces


def _span(pieces: Sequence[_Piece]) -> tuple[int, int]:
    """The pieces to write, from the first to behind the last changed one.

    With the one in front of a new block, whose flag says whether it is the last.
    """
    changed = [number for number, piece in enumerate(pieces) if piece.data is not None]
    start = changed[0] - (pieces[changed[0]].old is None)
    return start, changed[-1] + 1


def _rewritten(source: ByteSource, pieces: Sequence[_Piece]) -> Splice:
    first, last = _span(pieces)
    written: list[bytes] = []
    for number, piece in enumerate(pieces[first:last], start=first):
        data = piece.data
        if data is None and piece.old is not None:
            data = read_exactly(source, piece.old.data, piece.old.length)
        data = data or b""
        flag = LAST if number == len(pieces) - 1 else 0
        written.append(bytes([piece.type | flag]) + len(data).to_bytes(3, "big") + data)
    old = [piece.old for piece in pieces[first:last] if piece.old is not None]
    return Splice(old[0].offset, old[-1].end - old[0].offset, b"".join(written))
