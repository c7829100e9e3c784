"""Comment blocks as Vorbis, Opus and FLAC share them.

"Ogg Vorbis I format specification: comment field and header specification"; RFC 7845 §5.2 (Opus,
without a framing bit); RFC 9639 §8.6 (FLAC, the same).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from noai.codes import Code
from noai.containers._area import MARKER_KEY, TIMESTAMP_KEY, AreaBuilder
from noai.containers._id3_frames import Window
from noai.containers.interface import FieldRole
from noai.limits import TAG_VALUE_BYTES
from noai.sources import ByteSource, chunks

#: What the fields mean to noai. ffmpeg turns a COMMENT into a DESCRIPTION. A comment without ``=``
#: has no key; players that show it at all show it as a remark.
ROLES: Final = MappingProxyType(
    {
        MARKER_KEY: FieldRole.MARKER,
        TIMESTAMP_KEY: FieldRole.TIMESTAMP,
        "COPYRIGHT": FieldRole.COPYRIGHT,
        "COMMENT": FieldRole.COMMENT,
        "DESCRIPTION": FieldRole.COMMENT,
        "": FieldRole.COMMENT,
    }
)
#: Base64 of pictures, up to many megabytes: skipped, never read as text.
PICTURE_KEYS: Final = ("METADATA_BLOCK_PICTURE", "COVERART")
#: Longer keys than this are not looked for in comments that are too long to be read.
_HEAD: Final = 64


class Comment(NamedTuple):
    """One comment; its bytes are ``length`` at ``start`` of the block's source."""

    start: int
    length: int
    #: As it is written.
    key: str
    #: None for a picture, and for text beyond the limit: neither is read.
    value: str | None
    #: Whether it is UTF-8 as it should be. Where not, ``value`` has U+FFFD for what is not.
    exact: bool

    @property
    def is_picture(self) -> bool:
        return self.value is None and self.key.upper() in PICTURE_KEYS

    @property
    def role(self) -> FieldRole:
        return ROLES.get(self.key.strip().upper(), FieldRole.OTHER)


@dataclass(frozen=True)
class CommentBlock:
    """A parsed block. With ``damage`` it holds what stands in front of it."""

    vendor: bytes
    comments: tuple[Comment, ...]
    #: Where the last comment ends: what follows is a framing bit, padding or foreign data.
    end: int
    damage: str | None = None


def parse(source: ByteSource, start: int, end: int, area: AreaBuilder) -> CommentBlock:
    """The comment block in ``source`` from ``start`` up to ``end``. ``area`` counts against its limits.

    Raises:
        LimitExceeded: for more items, or more bytes besides pictures, than one file may have.
    """
    window = Window(source)
    at = start
    vendor = b""
    found: list[Comment] = []
    try:
        vendor = window.read_at(*_sized(window, at, end, area.count_bytes))
        at += 4 + len(vendor)
        count = _number(window, at, end)
        at += 4
        for _ in range(count):
            area.count_item()
            begin, length = _sized(window, at, end)
            found.append(_comment(window, begin, length, area.count_bytes))
            at = begin + length
    except _Damaged as damage:
        return CommentBlock(vendor, tuple(found), at, f"{damage} at its byte {at - start}")
    return CommentBlock(vendor, tuple(found), at)


class _Damaged(Exception):
    """A length that does not fit into the block."""


def _number(window: Window, at: int, end: int) -> int:
    if end - at < 4:
        raise _Damaged("the comment block is cut off")
    return int.from_bytes(window.read_at(at, 4), "little")


def _sized(
    window: Window, at: int, end: int, count_bytes: Callable[[int], None] | None = None
) -> tuple[int, int]:
    """Offset and length of the bytes whose length stands at ``at``."""
    length = _number(window, at, end)
    if length > end - at - 4:
        raise _Damaged("a length runs past the comment block")
    if count_bytes is not None:
        count_bytes(length)
    return at + 4, length


def _comment(window: Window, start: int, length: int, count_bytes: Callable[[int], None]) -> Comment:
    head = window.read_at(start, min(length, _HEAD)).decode("utf-8", "replace")
    key, equals, _ = head.partition("=")
    if length > TAG_VALUE_BYTES or key.upper() in PICTURE_KEYS:
        return Comment(start, length, key if equals else "", None, True)
    count_bytes(length)
    raw = window.read_at(start, length)
    try:
        text, exact = raw.decode("utf-8"), True
    except UnicodeDecodeError:
        text, exact = raw.decode("utf-8", "replace"), False
    key, equals, value = text.partition("=")
    if equals or key.strip().upper() == MARKER_KEY:
        return Comment(start, length, key, value, exact)
    return Comment(start, length, "", text, exact)


def collect(source: ByteSource, start: int, end: int, place: str, area: AreaBuilder, framing: int) -> None:
    """Parse a block into ``area``; damage becomes a note, so that what stands before it still counts.

    ``framing``: bytes that may stand between the comments and the zeros behind them.
    """
    block = parse(source, start, end, area)
    for comment in block.comments:
        if comment.value is None:
            if not comment.is_picture:
                area.note(Code.TAG_UNREADABLE, f"{place}: a comment is longer than {TAG_VALUE_BYTES} bytes")
            continue
        area.field(place, comment.key.strip(), comment.value, comment.role)
        if not comment.key and len(comment.value) <= _HEAD:
            # Taggers show it as a name without a value, too.
            area.field(place, comment.value.strip(), "")
        if not comment.exact and comment.role is FieldRole.MARKER:
            area.note(Code.TAG_UNREADABLE, f"{place}: a {MARKER_KEY} comment is not UTF-8")
    if block.damage is not None:
        area.note(Code.TAG_UNREADABLE, f"{place}: {block.damage}")
    elif any(map(any, chunks(source, min(block.end + framing, end), end))):
        area.note(Code.TAG_UNREADABLE, f"{place}: behind the comments stands something that is none")
