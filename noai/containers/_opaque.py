"""Bytes that no tool shows as text, searched for a statement that somebody put there all the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.limits import OPAQUE_BYTES, READ_SIZE
from noai.sources import ByteSource, chunks

#: ``NOAI`` with what ends a key or begins a statement, in bytes and in UTF-16, or as the name of a chunk with
#: a size of 32 bits; the property of XMP, the assertion of C2PA, TDMRep. The four letters alone stand by
#: chance in pictures and numbers.
_MARK: Final = re.compile(
    rb"noai(?:[=:\0]|..\0\0)|(?:n\0o\0a\0i\0|\0n\0o\0a\0i)(?:[=:\0]\0|\0[=:\0])"
    rb"|datamining|training-mining|tdm[-_:]reservation",
    re.S,
)
#: What a match has in it. To look for each of them first is several times as fast as the pattern.
_WORDS: Final = (b"noai", b"n\0o\0a\0i", b"datamining", b"training-mining", b"reservation")
_OVERLAP: Final = 24


def holds_mark(data: bytes) -> bool:
    lower = data.lower()
    for word in _WORDS:
        # From the end on, short words are looked for twice as fast.
        if lower.rfind(word) >= 0:
            return _MARK.search(lower) is not None
    return False


def note_marks(
    source: ByteSource,
    start: int,
    end: int,
    what: str,
    area: AreaBuilder,
    *,
    read: Sequence[tuple[int, int]] = (),
    limit: int = OPAQUE_BYTES,
) -> None:
    """A note if a statement looks to stand from ``start`` to ``end``, or if that is too much to look at.

    ``read``: stretches, from and to, in order, of which it is known already what they say.
    """
    for known, known_end in read:
        _note_marks(source, start, min(known, end), what, area, limit)
        start = max(start, known_end)
    _note_marks(source, start, end, what, area, limit)


def _note_marks(source: ByteSource, start: int, end: int, what: str, area: AreaBuilder, limit: int) -> None:
    if end - start > limit:
        area.note(Code.LIMIT_EXCEEDED, f"{what} is longer than {limit} bytes and was not searched")
        return
    before = b""
    for block in chunks(source, start, end, READ_SIZE):
        if block.count(0) < len(block) and holds_mark(before + block):
            area.note(Code.TAG_UNREADABLE, f"NOAI stands in {what}, where no tag belongs")
            return
        before = block[-_OVERLAP:]


def note_marks_at_end(source: ByteSource, start: int, what: str, area: AreaBuilder) -> None:
    """The same for audio that nothing bounds but the end of the file: for its last part alone."""
    note_marks(source, max(start, source.size - OPAQUE_BYTES), source.size, what, area)
