"""Tags behind the audio of an MPEG stream: ID3v1, appended ID3v2.4, APE and Lyrics3."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from noai.codes import Code
from noai.containers._ape import MAGIC as APE_MAGIC
from noai.containers._ape import ApeTag, locate_by_footer, read_ape
from noai.containers._area import AreaBuilder
from noai.containers._id3 import HEADER as ID3_HEADER
from noai.containers._id3 import (
    V1_SIZE,
    VERSIONS,
    Id3Tag,
    locate_appended,
    locate_id3v1,
    parse_header,
    read_id3v1,
    read_id3v2,
    read_v1_comment,
)
from noai.containers._id3_frames import Window
from noai.containers._inventory import Foreign, sha256, without_cut
from noai.containers._splices import Splice
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import LimitExceeded
from noai.limits import ID3_TAGS, STRAY_TAG_BYTES, TAG_VALUE_BYTES
from noai.sources import ByteSource, read_exactly

LYRICS_BEGIN: Final = b"LYRICSBEGIN"
_LYRICS_END, _LYRICS_200 = b"LYRICSEND", b"LYRICS200"
#: What a Lyrics3 tag ends with, in version 1 and 2.
LYRICS_ENDS: Final = (_LYRICS_END, _LYRICS_200)
#: Lyrics3 v1 (id3.org/Lyrics3): 5,100 bytes of lyrics at most, and its two ends.
_LYRICS_V1_BYTES: Final = 5100 + len(LYRICS_BEGIN) + len(_LYRICS_END)
#: All of the marks by which a tag is known at its end lie in its last bytes.
_LOOK: Final = 512


class TailKind(Enum):
    ID3V1 = "ID3v1"
    ID3V2 = "ID3v2"
    APE = "APE"
    LYRICS3 = "Lyrics3"


@dataclass(frozen=True)
class Tail:
    """One tag behind the audio, from ``offset`` up to ``end``."""

    kind: TailKind
    offset: int
    end: int
    #: For the kinds that have a parser of their own.
    tag: Id3Tag | ApeTag | None = None


def locate_tails(source: ByteSource, start: int, end: int) -> list[Tail]:
    """The tags that end at ``end``, one in front of the other, in file order, none before ``start``.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.ID3_TAGS`.
    """
    tails: list[Tail] = []
    window = Window(source)
    window.read_at(max(start, end - _LOOK), min(_LOOK, end - start))
    while (tail := _tail_before(window, start, end)) is not None:
        if len(tails) == ID3_TAGS:
            raise LimitExceeded(f"more than {ID3_TAGS} tags behind the audio")
        tails.append(tail)
        end = tail.offset
    return tails[::-1]


def _tail_before(source: ByteSource, start: int, end: int) -> Tail | None:
    v1 = locate_id3v1(source, end)
    if v1 is not None and v1 >= start:
        return Tail(TailKind.ID3V1, v1, end)
    if (ape := locate_by_footer(source, end, start)) is not None:
        return Tail(TailKind.APE, ape.offset, end, ape)
    appended = locate_appended(source, end)
    if appended is not None and appended.offset >= start:
        return Tail(TailKind.ID3V2, appended.offset, end, appended)
    lyrics = _locate_lyrics(source, start, end)
    return None if lyrics is None else Tail(TailKind.LYRICS3, lyrics, end)


def _locate_lyrics(source: ByteSource, start: int, end: int) -> int | None:
    mark = source.read_at(max(start, end - 15), min(15, end - start))
    if mark.endswith(_LYRICS_END):
        first = max(start, end - _LYRICS_V1_BYTES)
        found = source.read_at(first, end - first).rfind(LYRICS_BEGIN)
        return None if found < 0 else first + found
    if mark.endswith(_LYRICS_200) and mark[:6].isdigit() and mark[:6].isascii():
        offset = end - len(mark) - int(mark[:6])
        if offset >= start and source.read_at(offset, len(LYRICS_BEGIN)) == LYRICS_BEGIN:
            return offset
    return None


def read_tail(source: ByteSource, tail: Tail, area: AreaBuilder) -> None:
    """What ``tail`` says goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    if isinstance(tail.tag, ApeTag):
        read_ape(source, tail.tag, area)
    elif isinstance(tail.tag, Id3Tag):
        read_id3v2(source, tail.tag, area)
    elif tail.kind is TailKind.ID3V1:
        read_id3v1(source, tail.offset, area)
    else:
        _read_lyrics(source, tail, area)


def note_stray_tags(
    source: ByteSource, start: int, end: int, area: AreaBuilder, read: Sequence[tuple[int, int]] = ()
) -> None:
    """A note if tags look to stand shortly in front of ``end``, where :func:`locate_tails` knows none.

    Bytes behind a tag hide it from readers that look at the end alone; others search for it. The
    stretches ``read``, from and to, are known already.
    """
    first = max(start, end - STRAY_TAG_BYTES)
    stretch = bytearray(source.read_at(first, end - first))
    for known, known_end in read:
        blank = range(max(known, first), min(known_end, end))
        stretch[blank.start - first : blank.stop - first] = bytes(len(blank))
    data = bytes(stretch)
    found = [mark for mark in (APE_MAGIC, _LYRICS_END, _LYRICS_200) if mark in data]
    rest = data.rstrip(b"\x00")
    at = rest.rfind(b"TAG", -V1_SIZE)
    if at >= 0 and at + V1_SIZE < len(data):
        found.append(b"TAG")
    at = data.find(b"ID3")
    while at >= 0:
        tag = parse_header(data[at : at + ID3_HEADER], first + at, source.size)
        if tag is not None and tag.version in VERSIONS:
            found.append(b"ID3")
        at = data.find(b"ID3", at + 3)
    for mark in found:
        message = f"{mark.decode('ascii')} stands near the end at {end}, and no tag that can be read"
        area.note(Code.TAG_UNREADABLE, message)


def _read_lyrics(source: ByteSource, tail: Tail, area: AreaBuilder) -> None:
    """Lyrics3 v1: one text; v2 (id3.org/Lyrics3v2): fields of a 3-letter id and a 5-digit size."""
    length = tail.end - tail.offset
    if length > TAG_VALUE_BYTES:
        area.note(Code.TAG_UNREADABLE, f"the Lyrics3 tag is longer than {TAG_VALUE_BYTES} bytes")
        return
    area.count_bytes(length)
    data = read_exactly(source, tail.offset, length)
    text = data[len(LYRICS_BEGIN) : -len(_LYRICS_END)].decode("latin-1")
    if data.endswith(_LYRICS_END):
        area.count_item()
        area.field("Lyrics3v1", "LYRICS", text)
        return
    text = text[:-6]
    while len(text) >= 8 and text[3:8].isdigit() and text[3:8].isascii():
        size = 8 + int(text[3:8])
        if size > len(text):
            break
        area.count_item()
        role = FieldRole.COMMENT if text[:3].upper() == "INF" else FieldRole.OTHER
        area.field("Lyrics3v2", text[:3], text[8:size], role)
        text = text[size:]
    if text:
        area.note(Code.TAG_UNREADABLE, f"the Lyrics3 tag at {tail.offset} holds bytes that are no fields")


# -- editing ----------------------------------------------------------------------------------


def describe_tail(source: ByteSource, tail: Tail, foreign: Foreign) -> list[str]:
    """Descriptions of what stands in an ID3v1 or Lyrics3 tag; the other kinds have their own."""
    if tail.tag is not None:
        return []
    if tail.kind is not TailKind.ID3V1:
        return [f"{tail.kind.value}={sha256(source, tail.offset, tail.end)}"]
    comment = read_v1_comment(source, tail.end - V1_SIZE)
    rest = read_exactly(source, tail.offset, tail.end - tail.offset)
    rest = rest[: comment.start - tail.offset] + rest[comment.end - tail.offset :]
    described = foreign.cut_text("ID3v1 comment", comment.text)
    return [*described, f"ID3v1={hashlib.sha256(rest).hexdigest()}"]


def plan_id3v1(source: ByteSource, tail: Tail, edit: TagEdit) -> list[Splice]:
    """The splice that takes lifted statements, cut short as they stand there, out of an ID3v1 comment."""
    comment = read_v1_comment(source, tail.end - V1_SIZE)
    kept = without_cut(comment.text, edit.lifted_statements)
    if kept == comment.text:
        return []
    width = comment.end - comment.start
    return [Splice(comment.start, width, kept.encode("latin-1").ljust(width, b"\x00"))]
