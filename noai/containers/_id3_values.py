"""What single ID3v2 frames say: text, XMP packets and C2PA manifest stores.

ID3v2.3 §4, ID3v2.4 frames §4; C2PA 2.1 A.3.3 (GEOB); XMP part 3 §2.3.3 (PRIV).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._area import MARKER_KEY, TIMESTAMP_KEY, AreaBuilder
from noai.containers._id3_frames import (
    Body,
    Encoded,
    Frame,
    Treatment,
    from_unsynchronised,
    walk,
)
from noai.containers._id3_other import read_names, read_other, read_owned
from noai.containers._id3_text import TextEncoding, decode_all, printable, split
from noai.containers.interface import FieldRole
from noai.errors import LimitExceeded
from noai.limits import ID3_UNSYNCHRONISED_BYTES, KIB, TAG_VALUE_BYTES, XMP_BYTES
from noai.sources import BytesSource

#: MIME types of a GEOB that holds a C2PA manifest store; the second is the older one.
MANIFEST_TYPES: Final = frozenset({"application/c2pa", "application/x-c2pa-manifest-store"})
#: Frames that 2.4 gave another name and the same text (2.4 changes §4).
RENAMED: Final = {"TYER": "TDRC", "TORY": "TDOR"}
XMP_OWNER: Final = b"XMP"
#: Enough for everything in front of the object in a GEOB, the owner of a PRIV, the ids in a CHAP.
HEAD: Final = 4 * KIB
_CHAPTERS: Final = frozenset({"CHAP", "CTOC"})
#: By the addendum chapters hold no chapters; readers that recurse show what stands in them.
_CHAPTER_DEPTH: Final = 4
#: Text frames besides those in T and W; the last four as some taggers write them into 2.3.
_TEXT_FRAMES: Final = frozenset(
    {"COMM", "USLT", "USER", "GRP1", "MVNM", "MVIN", "IPLS", "XSOA", "XSOP", "XSOT", "XDOR"}
)

_ROLES: Final = {
    f"TXXX:{MARKER_KEY}": FieldRole.MARKER,
    f"TXXX:{TIMESTAMP_KEY}": FieldRole.TIMESTAMP,
    "TCOP": FieldRole.COPYRIGHT,
    "COMM": FieldRole.COMMENT,
    # ffmpeg writes what it knows as comment and copyright under these descriptions.
    "TXXX:COPYRIGHT": FieldRole.COPYRIGHT,
    "TXXX:COMMENT": FieldRole.COMMENT,
    "TXXX:DESCRIPTION": FieldRole.COMMENT,
}


def read_frame(
    body: Body,
    frame: Frame,
    place: str,
    area: AreaBuilder,
    version: int,
    unsynchronised: bool,
    depth: int = 0,
) -> None:
    """What ``frame`` says goes to ``area``; frames that no statement can stand in say nothing.

    ``unsynchronised``: the flag of a 2.4 tag that all its frames are.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    place = f"{place} {frame.name}"
    if frame.treatment.value:
        if Treatment.ENCRYPTED in frame.treatment:
            area.note(Code.TAG_ENCRYPTED, f"{place} at {frame.offset} is encrypted and was not opened")
            return
        if Treatment.COMPRESSED in frame.treatment:
            area.note(Code.TAG_COMPRESSED, f"{place} at {frame.offset} is compressed and was not inflated")
            return
    content = content_of(body, frame, version, unsynchronised)
    if content is None:
        area.note(Code.LIMIT_EXCEEDED, f"{place} at {frame.offset} is unsynchronised and too large")
    elif frame.name == "GEOB":
        is_plain = body.encoded is None and content.encoded is None
        wrapping = ((frame.offset, frame.end - frame.offset),) if is_plain else ()
        _read_object(content, place, area, wrapping)
    elif frame.name == "PRIV":
        _read_private(content, place, area)
    elif frame.name in _CHAPTERS:
        if depth == _CHAPTER_DEPTH:
            area.note(Code.TAG_UNREADABLE, f"{place} lies too deep in other chapters")
            return
        for inner_body, inner in frames_in_chapter(content, frame.name, version, area, place):
            read_frame(inner_body, inner, place, area, version, False, depth + 1)
    elif is_text(frame.name):
        _read_text(content, frame.name, place, area, version)
    else:
        read_other(content, frame, place, area)


def is_marker_slot(body: Body, frame: Frame, version: int, unsynchronised: bool) -> bool:
    """Whether ``frame``, of whatever kind, is named ``NOAI`` and so is noai's; chapters never are."""
    if frame.name in _CHAPTERS:
        return False
    area = AreaBuilder()
    try:
        read_frame(body, frame, "", area, version, unsynchronised)
    except LimitExceeded:
        return False
    return any(field.role is FieldRole.MARKER for field in area.build().fields)


def is_text(name: str) -> bool:
    return name[0] in "TW" or name in _TEXT_FRAMES


def content_of(body: Body, frame: Frame, version: int, unsynchronised: bool) -> Body | None:
    """The content of a frame without its prefix, unsynchronisation undone; None if that is too large."""
    start = min(frame.data + frame.prefix, frame.end)
    plain = Treatment.UNSYNCHRONISED not in frame.treatment
    if version != 4 or (plain and not unsynchronised):
        return body.within(start, frame.end)
    if frame.end - start > ID3_UNSYNCHRONISED_BYTES:
        # A picture beyond the limit is no loss: it would be skipped.
        return body.within(start, start) if frame.name == "APIC" else None
    encoded = body.read(start, frame.end - start)
    decoded = from_unsynchronised(encoded)
    return Body(BytesSource(decoded), 0, len(decoded), Encoded(encoded, start))


def _read_text(content: Body, name: str, place: str, area: AreaBuilder, version: int) -> None:
    length = content.end - content.start
    if length > TAG_VALUE_BYTES:
        area.note(Code.TAG_UNREADABLE, f"{place} is longer than {TAG_VALUE_BYTES} bytes")
        return
    if not length:
        return
    area.count_bytes(length)
    text = parse_text(name, content.read(content.start, length))
    if text is None:
        area.note(Code.TAG_UNREADABLE, f"{place} has an unknown text encoding")
        return
    role = role_of(text)
    # A description alone, which may say it all, is a name without a value.
    values = text.values or [""]
    if role is FieldRole.MARKER and version < 4:
        # Where several values are not defined, other writers join them with the solidus of 2.3
        # §4.2.1, which no token holds.
        values = [part for value in values for part in value.split("/")]
    for value in values:
        area.field(place, text.key, printable(value), role)
    if text.description and not text.values:
        # Without a value it may be the text itself.
        area.field(place, text.name, text.key)


def role_of(text: FrameText) -> FieldRole:
    """What a text frame is for noai. Descriptions are compared without case."""
    if text.name != "TXXX":
        return _ROLES.get(text.name, FieldRole.OTHER)
    return _ROLES.get(f"TXXX:{text.key.upper()}", FieldRole.OTHER)


@dataclass(frozen=True)
class FrameText:
    """The parts of a text frame."""

    name: str
    values: list[str]
    encoding: TextEncoding
    description: str = ""
    language: bytes = b""

    @property
    def key(self) -> str:
        """What a user knows it by."""
        description = printable(self.description)
        if self.name in ("TXXX", "WXXX"):
            return description
        return f"{self.name}:{description}" if description else self.name


def parse_text(name: str, data: bytes) -> FrameText | None:
    """The text of a frame for which :func:`is_text` holds; None for an unknown encoding.

    All values are read, also in 2.3, which knows only one: nothing behind the first is dropped.
    """
    if name[0] == "W" and name != "WXXX":
        return FrameText(name, [data.split(b"\x00", 1)[0].decode("latin-1")], TextEncoding.LATIN1)
    if not data or data[0] > TextEncoding.UTF8:
        return None
    encoding, data = TextEncoding(data[0]), data[1:]
    language = b""
    if name in ("COMM", "USLT", "USER"):
        language, data = data[:3], data[3:]
    if name == "WXXX":
        head, *rest = split(data, encoding, 1)
        url = rest[0].split(b"\x00", 1)[0] if rest else b""
        return FrameText(name, [url.decode("latin-1")], encoding, decode_all([head], encoding)[0])
    pieces = split(data, encoding)
    texts = decode_all(pieces, encoding)
    description = ""
    if name in ("TXXX", "COMM", "USLT"):
        description, texts = texts[0], texts[1:]
    while len(texts) > 1 and not texts[-1]:
        texts.pop()
    return FrameText(name, texts, encoding, description, language)


def _read_private(content: Body, place: str, area: AreaBuilder) -> None:
    head = content.read(content.start, HEAD)
    owner, found, _ = head.partition(b"\x00")
    if not found or owner.upper() != XMP_OWNER:
        read_owned(head, place, area)
        return
    start = content.start + len(owner) + 1
    if content.end - start > XMP_BYTES:
        area.note(Code.LIMIT_EXCEEDED, f"the XMP packet in {place} is longer than {XMP_BYTES} bytes")
        return
    area.count_bytes(content.end - start)
    area.xmp(place, content.read(start, content.end - start))


def _read_object(content: Body, place: str, area: AreaBuilder, wrapping: tuple[tuple[int, int], ...]) -> None:
    head = content.read(content.start, HEAD)
    start = object_offset(head)
    if not is_manifest(head):
        read_names(head if start is None else head[:start], place, area)
        return
    offset = None
    if start is not None:
        start += content.start
        offset = content.in_file(start, content.end - start)
    if start is None or offset is None:
        area.unread_manifest(f"the manifest store in {place} is malformed or unsynchronised")
        return
    area.manifest(place, (offset, content.end - start), wrapping=wrapping)


def is_manifest(head: bytes) -> bool:
    """Whether a GEOB that starts with ``head`` holds a C2PA manifest store."""
    mime = head[1:].split(b"\x00", 1)[0].decode("latin-1")
    # Parameters of a type (RFC 2045 §5.1) do not make it another one.
    return mime.partition(";")[0].strip().lower() in MANIFEST_TYPES


def object_offset(head: bytes) -> int | None:
    """Where the object in a GEOB starts (2.3 §4.16), or None if the head is malformed or too long."""
    if not head or head[0] > TextEncoding.UTF8:
        return None
    encoding = TextEncoding(head[0])
    mime, *rest = head[1:].split(b"\x00", 1)
    names = split(rest[0], encoding, 2) if rest else []
    if len(names) != 3:
        return None
    terminator = len(encoding.terminator)
    return 1 + len(mime) + 1 + sum(len(name) + terminator for name in names[:2])


def frames_in_chapter(
    content: Body, name: str, version: int, area: AreaBuilder, place: str
) -> list[tuple[Body, Frame]]:
    """The frames inside a CHAP or CTOC (ID3v2 Chapter Frame Addendum 1.0, §3)."""
    start = chapter_head(content, name)
    if start is None:
        area.note(Code.TAG_UNREADABLE, f"{place} is malformed")
        return []
    inner = content.within(content.start + start, content.end)
    found = walk(inner, version, area.count_item)
    if not found.clean:
        area.note(Code.TAG_UNREADABLE, f"{place} holds bytes that are no frames")
    if found.others:
        area.note(Code.TAG_UNREADABLE, f"{place} reads differently in different readers")
    return [(inner, frame) for frame in (*found.frames, *found.others)]


def chapter_head(content: Body, name: str) -> int | None:
    """The length of what stands in front of the frames in a CHAP or CTOC."""
    head = content.read(content.start, 64 * KIB)
    at = head.find(b"\x00") + 1
    if name == "CHAP":
        at += 16 if at else 0
        return at if 0 < at <= len(head) else None
    if not at or at + 2 > len(head):
        return None
    children, at = head[at + 1], at + 2
    for _ in range(children):
        end = head.find(b"\x00", at)
        if end < 0:
            return None
        at = end + 1
    return at
