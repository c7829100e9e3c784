"""Tags among the frames of an audio stream, where files were joined that each have tags of their own.

Decoders skip them and play what follows, and those that know tags read them there too (mpg123 does). Found
by how they begin, as in a stream nothing points to them: each is held to what else such a tag must have, so
that audio which looks alike by chance is none.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers import _mpeg
from noai.containers._ape import BLOCK, IS_HEADER, ApeTag, locate_by_footer, locate_by_header
from noai.containers._ape import MAGIC as APE_MAGIC
from noai.containers._area import AreaBuilder
from noai.containers._id3 import EXTENDED, HEADER, Id3Tag, parse_header, v1_length
from noai.containers._id3_frames import Body, holds_frames, is_name
from noai.containers._opaque import note_marks
from noai.containers._tails import LYRICS_BEGIN, LYRICS_ENDS, Tail, TailKind, read_tail
from noai.errors import LimitExceeded
from noai.limits import KIB, READ_SIZE, SEARCHED_BYTES, TAG_MARKS, TAG_VALUE_BYTES, TAGS_BETWEEN
from noai.sources import ByteSource, read_exactly

#: One pattern each: with a literal in front the search is four times as fast as with an alternative.
_ID3, _APE, _LYRICS, _V1 = (
    re.compile(pattern, re.S) for pattern in (rb"ID3[\x02-\x04]", APE_MAGIC, LYRICS_BEGIN, rb"TAG")
)
#: Those of tags that can hold a marker; and of all.
_SLOTS: Final = (_ID3, _APE)
_ALL: Final = (*_SLOTS, _LYRICS, _V1)
_LONGEST_MARK: Final = len(LYRICS_BEGIN)
#: The first read behind a place where tags may begin: they mostly do.
_FIRST_READ: Final = 4 * KIB
_HEAD: Final = 64
_BEGINNINGS: Final = (b"ID3", b"TAG", b"fLaC", b"\xff\xf8", b"\xff\xf9", APE_MAGIC, LYRICS_BEGIN)


@dataclass(frozen=True)
class Unreadable:
    """A place where a tag begins, of which no more can be said."""

    offset: int
    end: int
    message: str


def marks(data: bytes, patterns: Iterable[re.Pattern[bytes]] = (*_SLOTS, _LYRICS)) -> list[int]:
    """Where in ``data`` tags look to begin."""
    return sorted(match.start() for pattern in patterns for match in pattern.finditer(data))


class MarkScan:
    """Collects :func:`marks` of tags with marker slots, in bytes that come block by block."""

    def __init__(self, offset: int) -> None:
        self.offsets: list[int] = []
        self._end = offset
        self._seam = b""

    def feed(self, block: bytes) -> None:
        """
        Raises:
            LimitExceeded: beyond :data:`noai.limits.TAG_MARKS`.
        """
        across = self._seam + block[: _LONGEST_MARK - 1]
        start = self._end - len(self._seam)
        self.offsets += [start + at for at in marks(across, _SLOTS) if at < len(self._seam)]
        self.offsets += [self._end + at for at in marks(block, _SLOTS)]
        if len(self.offsets) > TAG_MARKS:
            raise LimitExceeded(f"more than {TAG_MARKS} places in the audio look like tags")
        self._end += len(block)
        self._seam = (self._seam + block[1 - _LONGEST_MARK :])[1 - _LONGEST_MARK :]


def find_tags(source: ByteSource, start: int, end: int) -> Iterator[Tail | Unreadable]:
    """The tags between ``start``, where one may begin, and ``end``, in file order.

    Reads from ``start`` up to ``end``: callers that need only the first few stop early.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.TAGS_BETWEEN`, or :data:`noai.limits.TAG_MARKS`.
    """
    at, size, found, tried = start, _FIRST_READ, 0, 0
    seam, floor = True, start
    while at < end:
        data = read_exactly(source, at, min(size + _LONGEST_MARK - 1, end - at))
        tag: Tail | Unreadable | None = _id3v1_at(source, at, end) if seam else None
        for offset in marks(data, _ALL) if tag is None else ():
            if (tried := tried + 1) > TAG_MARKS:
                raise LimitExceeded(f"more than {TAG_MARKS} places in the audio look like tags")
            tag = tag_at(source, at + offset, floor, end)
            if tag is not None:
                break
        if tag is None:
            at, size, seam = at + size, min(4 * size, READ_SIZE), False
            continue
        if (found := found + 1) > TAGS_BETWEEN:
            raise LimitExceeded(f"more than {TAGS_BETWEEN} tags among the frames")
        yield tag
        at = floor = tag.end
        size, seam = _FIRST_READ, True


def read_stretch(
    source: ByteSource, start: int, end: int, where: str, area: AreaBuilder
) -> list[tuple[int, int]]:
    """Tags anywhere from ``start`` up to ``end``, which is not known to be audio, go to ``area``.

    With a note if a statement looks to stand there outside of them. ``where`` names the stretch. Returns from
    where to where each tag reaches.

    Raises:
        LimitExceeded: as :func:`find_tags` and :class:`noai.containers._area.AreaBuilder`.
    """
    read: list[tuple[int, int]] = []
    for found in find_tags(source, start, end):
        read_between(source, found, area)
        read.append((found.offset, found.end))
    if read:
        area.note(Code.TAG_DUPLICATE, f"{len(read)} tags in {where}; all were read")
    note_marks(source, start, end, where, area, read=read, limit=SEARCHED_BYTES)
    return read


def read_between(source: ByteSource, found: Tail | Unreadable, area: AreaBuilder) -> None:
    """What ``found`` says goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    if isinstance(found, Unreadable):
        area.note(Code.TAG_UNREADABLE, found.message)
    else:
        read_tail(source, found, area)


def tag_at(source: ByteSource, at: int, start: int, end: int) -> Tail | Unreadable | None:
    """The tag of which a mark stands at ``at``: it begins there or, if that is a footer, behind ``start``."""
    head = source.read_at(at, min(BLOCK, end - at))
    if head.startswith(APE_MAGIC):
        return _ape_at(source, head, at, start, end)
    if head.startswith(LYRICS_BEGIN):
        return _lyrics_at(source, at, end)
    if head.startswith(b"TAG"):
        v1 = _id3v1_at(source, at, end)
        return v1 if v1 is not None and _may_begin(source, v1.end, end) else None
    tag = parse_header(head[:HEADER], at, end)
    return None if tag is None else _id3v2_at(source, tag, end)


def _id3v2_at(source: ByteSource, tag: Id3Tag, end: int) -> Tail | Unreadable | None:
    body = tag.offset + HEADER
    head = source.read_at(body, min(_HEAD, tag.body_end - body))
    found = Tail(TailKind.ID3V2, tag.offset, tag.end, tag)
    # The header alone is too little: chance puts one into 1.5 GB of audio.
    if is_name(head[: 3 if tag.version == 2 else 4]) or (not any(head) and tag.problem is None):
        return found
    if not holds_frames(Body(source, body, min(end, body + _FIRST_READ)), body):
        return None
    if tag.flags & EXTENDED:
        return found
    return Unreadable(tag.offset, body, f"an ID3 tag at {tag.offset}, among the frames, is damaged")


def _ape_at(source: ByteSource, head: bytes, at: int, start: int, end: int) -> Tail | Unreadable:
    both: list[ApeTag | None] = []
    if len(head) == BLOCK:
        both = [locate_by_footer(source, at + BLOCK, start), locate_by_header(source, at)]
        if struct.unpack_from("<I", head, 20)[0] & IS_HEADER:
            both.reverse()
    for tag in both:
        if tag is not None and not tag.broken and tag.end <= end:
            return Tail(TailKind.APE, tag.offset, tag.end, tag)
    return Unreadable(at, min(at + BLOCK, end), f"an APE tag at {at}, among the frames, is damaged")


def _lyrics_at(source: ByteSource, at: int, end: int) -> Tail | Unreadable:
    data = source.read_at(at, min(TAG_VALUE_BYTES, end - at))
    ends = [place + len(mark) for mark in LYRICS_ENDS if (place := data.find(mark)) >= 0]
    if ends:
        return Tail(TailKind.LYRICS3, at, at + min(ends))
    message = f"a Lyrics3 tag at {at}, among the frames, has no end"
    return Unreadable(at, at + len(LYRICS_BEGIN), message)


def _id3v1_at(source: ByteSource, at: int, end: int) -> Tail | None:
    """An ID3v1 tag. Audio holds its three letters by chance: right only between two things."""
    if source.read_at(at, 3) != b"TAG":
        return None
    length = v1_length(source, at)
    return Tail(TailKind.ID3V1, at, at + length) if at + length <= end else None


def _may_begin(source: ByteSource, at: int, end: int) -> bool:
    """Whether a file ends at ``at``, or what one begins with stands there."""
    head = source.read_at(at, min(_HEAD, end - at))
    return at == end or head.startswith(_BEGINNINGS) or _mpeg.parse(head) is not None
