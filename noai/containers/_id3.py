"""ID3 tags in a file: where they lie, and what they hold that a statement could stand in.

ID3v1 and 1.1 (id3.org/ID3v1), ID3v2.2, 2.3 and 2.4. Used by every container that carries ID3.

Compressed and encrypted frames are never opened: each is a note. Pictures are skipped, not read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._id3_frames import (
    Body,
    Encoded,
    Frame,
    Walk,
    Window,
    from_unsynchronised,
    is_name,
    syncsafe,
    walk,
)
from noai.containers._id3_values import read_frame
from noai.containers.interface import FieldRole
from noai.errors import LimitExceeded
from noai.limits import ID3_TAGS, ID3_UNSYNCHRONISED_BYTES
from noai.sources import ByteSource, BytesSource, read_exactly

HEADER: Final = 10
VERSIONS: Final = (2, 3, 4)
_UNSYNCHRONISED, EXTENDED, FOOTER = 0x80, 0x40, 0x10
#: In 2.2 the bit of the extended header meant compression of the whole tag, by no defined method.
_COMPRESSED_V22: Final = 0x40

#: Its fields need 15 bytes (2.4 structure §3.2); what is far larger hides something.
_LARGEST_EXTENDED: Final = 32

V1_SIZE: Final = 128
V1_EXTENDED_SIZE: Final = 227


@dataclass(frozen=True)
class Id3Tag:
    """One ID3v2 tag. ``size`` is that of its body as announced; ``end`` is never beyond the source."""

    offset: int
    version: int
    flags: int
    size: int
    end: int
    #: What is wrong with its header: ``ID3_SIZE`` or ``ID3_VERSION``.
    problem: Code | None = None

    @property
    def place(self) -> str:
        return f"ID3v2.{self.version}"

    @property
    def has_footer(self) -> bool:
        return self.version == 4 and bool(self.flags & FOOTER)

    @property
    def unsynchronised(self) -> bool:
        """Whether the whole body is; in 2.4 that is a matter of single frames."""
        return self.version in (2, 3) and bool(self.flags & _UNSYNCHRONISED)

    @property
    def frames_unsynchronised(self) -> bool:
        return self.version == 4 and bool(self.flags & _UNSYNCHRONISED)

    @property
    def body_end(self) -> int:
        return min(self.offset + HEADER + self.size, self.end)


def parse_header(data: bytes, offset: int, source_size: int) -> Id3Tag | None:
    """The tag whose ten header bytes are ``data``, or None if they are not such a header.

    A size that is not syncsafe is taken as a plain integer, as TagLib does.
    """
    if len(data) < HEADER or data[:3] != b"ID3" or data[3] == 0xFF or data[4] == 0xFF:
        return None
    version, flags, size_bytes = data[3], data[5], data[6:10]
    problem = None if version in VERSIONS else Code.ID3_VERSION
    size = syncsafe(size_bytes)
    if any(byte & 0x80 for byte in size_bytes):
        size, problem = int.from_bytes(size_bytes, "big"), Code.ID3_SIZE
    if version != 4 and flags & FOOTER:
        # Only 2.4 has footers, but ffmpeg skips the ten bytes of one in every version.
        problem = problem or Code.ID3_SIZE
    end = offset + HEADER + size + (HEADER if version == 4 and flags & FOOTER else 0)
    if end > source_size:
        end, problem = source_size, problem or Code.ID3_SIZE
    return Id3Tag(offset, version, flags, size, end, problem)


def locate_leading(source: ByteSource, start: int = 0) -> list[Id3Tag]:
    """The ID3v2 tags that follow each other from ``start``. What is wrong with one is in its ``problem``.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.ID3_TAGS`.
    """
    tags: list[Id3Tag] = []
    while (tag := parse_header(source.read_at(start, HEADER), start, source.size)) is not None:
        if tag.has_footer and tag.problem is None and source.read_at(tag.end - HEADER, 3) != b"3DI":
            tag = replace(tag, problem=Code.ID3_SIZE)
        if len(tags) == ID3_TAGS:
            raise LimitExceeded(f"more than {ID3_TAGS} ID3v2 tags in front of the audio")
        tags.append(tag)
        start = tag.end
    return tags


def locate_appended(source: ByteSource, end: int) -> Id3Tag | None:
    """The ID3v2.4 tag whose footer ends at ``end`` (structure §3.4), or None."""
    footer = source.read_at(end - HEADER, HEADER) if end >= 2 * HEADER else b""
    if footer[:3] != b"3DI" or len(footer) != HEADER:
        return None
    offset = end - 2 * HEADER - syncsafe(footer[6:10])
    if offset < 0:
        return None
    tag = parse_header(source.read_at(offset, HEADER), offset, end)
    return tag if tag is not None and tag.has_footer and tag.end == end else None


@dataclass(frozen=True)
class Id3Layout:
    """The frames of one tag. ``body`` is in the file, or decoded where ``tag.unsynchronised``."""

    tag: Id3Tag
    body: Body
    walk: Walk


def read_layout(source: ByteSource, tag: Id3Tag, area: AreaBuilder) -> Id3Layout | None:
    """Where the frames of ``tag`` lie; None, and a note, if its body cannot be read as frames.

    Raises:
        LimitExceeded: more frames than :data:`noai.limits.TAG_ITEMS`, or an unsynchronised tag
            beyond :data:`noai.limits.ID3_UNSYNCHRONISED_BYTES`.
    """
    if tag.version not in VERSIONS:
        area.note(Code.ID3_VERSION, f"the ID3 tag at {tag.offset} is of unknown version 2.{tag.version}")
        return None
    if tag.problem is not None:
        area.note(
            tag.problem, f"the size of the ID3 tag at {tag.offset} is not syncsafe or runs past the file"
        )
    if tag.version == 2 and tag.flags & _COMPRESSED_V22:
        area.note(Code.TAG_COMPRESSED, f"the ID3v2.2 tag at {tag.offset} is compressed as a whole")
        return None
    start, end = tag.offset + HEADER, tag.body_end
    body = Body(Window(source), start, end)
    if tag.unsynchronised:
        if end - start > ID3_UNSYNCHRONISED_BYTES:
            raise LimitExceeded(f"an unsynchronised ID3 tag beyond {ID3_UNSYNCHRONISED_BYTES} bytes")
        encoded = read_exactly(source, start, end - start)
        decoded = from_unsynchronised(encoded)
        body = Body(BytesSource(decoded), 0, len(decoded), Encoded(encoded, start))
    extended = _extended_header(body, tag)
    if extended > _LARGEST_EXTENDED:
        area.note(Code.TAG_UNREADABLE, f"the ID3 tag at {tag.offset} has too large an extended header")
    frames = body.within(body.start + extended, body.end)
    return Id3Layout(tag, frames, walk(frames, tag.version, area.count_item))


def _extended_header(body: Body, tag: Id3Tag) -> int:
    """The length of the extended header, 0 if there is none (2.3 §3.2, 2.4 structure §3.2).

    Some writers set its flag and write none: then a frame stands in its place.
    """
    size_bytes = body.read(body.start, 4)
    if tag.version == 2 or not tag.flags & EXTENDED or is_name(size_bytes):
        return 0
    if tag.version == 3:
        length = 4 + int.from_bytes(size_bytes, "big")
    else:
        length = syncsafe(size_bytes)
    return min(length, body.end - body.start)


def read_id3v2(source: ByteSource, tag: Id3Tag, area: AreaBuilder) -> None:
    """Everything in ``tag`` that a statement could stand in goes to ``area``.

    Raises:
        LimitExceeded: a limit on one file was reached; what was read before it is in ``area``.
    """
    layout = read_layout(source, tag, area)
    if layout is None:
        return
    for frame in (*layout.walk.frames, *layout.walk.others):
        read_frame(layout.body, frame, tag.place, area, tag.version, tag.frames_unsynchronised)
    if any(_leads_elsewhere(source, layout, frame) for frame in layout.walk.frames):
        area.note(Code.TAG_UNREADABLE, f"the ID3 tag at {tag.offset} points to another, which was not read")
    if layout.walk.others:
        area.note(Code.TAG_UNREADABLE, f"the ID3 tag at {tag.offset} reads differently in different readers")
    if not layout.walk.clean:
        area.note(
            Code.TAG_UNREADABLE,
            f"the ID3 tag at {tag.offset} holds bytes behind its frames that are neither frames nor zeros",
        )


def _leads_elsewhere(source: ByteSource, layout: Id3Layout, frame: Frame) -> bool:
    """Whether a SEEK frame (2.4 frames §4.29) points to a tag that is not at the end, where tags are read."""
    if frame.name != "SEEK":
        return False
    place = layout.tag.end + int.from_bytes(layout.body.read(frame.data, 4), "big")
    tag = parse_header(source.read_at(place, HEADER), place, source.size)
    if tag is None:
        return False
    return not (tag.has_footer and tag.end in (source.size, locate_id3v1(source, source.size)))


def locate_id3v1(source: ByteSource, end: int) -> int | None:
    """The offset of an ID3v1 tag, with its ``TAG+`` extension if there is one, that ends at ``end``."""
    if end < V1_SIZE or source.read_at(end - V1_SIZE, 3) != b"TAG":
        return None
    offset = end - V1_SIZE
    extended = offset - V1_EXTENDED_SIZE
    if extended >= 0 and source.read_at(extended, 4) == b"TAG+":
        return extended
    return offset


def v1_length(source: ByteSource, offset: int) -> int:
    """The length of the ID3v1 tag at ``offset``, with its extension: titles can begin with ``+`` too."""
    extended = source.read_at(offset, 4) == b"TAG+" and source.read_at(offset + V1_EXTENDED_SIZE, 3) == b"TAG"
    return V1_SIZE + V1_EXTENDED_SIZE * extended


_V1_FIELDS: Final = (("TITLE", 3, 33), ("ARTIST", 33, 63), ("ALBUM", 63, 93), ("YEAR", 93, 97))
_V1_EXTENDED_FIELDS: Final = (
    ("TITLE", 4, 64), ("ARTIST", 64, 124), ("ALBUM", 124, 184), ("GENRE", 185, 215),
)  # fmt: skip


def read_id3v1(source: ByteSource, offset: int, area: AreaBuilder) -> None:
    """The text fields of the ID3v1 tag (or ``TAG+`` and ID3v1) at ``offset`` go to ``area``."""
    if v1_length(source, offset) > V1_SIZE:
        data = read_exactly(source, offset, V1_EXTENDED_SIZE)
        _v1_fields(data, _V1_EXTENDED_FIELDS, "ID3v1 TAG+", area)
        offset += V1_EXTENDED_SIZE
    data = read_exactly(source, offset, V1_SIZE)
    _v1_fields(data, _V1_FIELDS, "ID3v1", area)
    area.count_item()
    if comment := read_v1_comment(source, offset).text:
        area.field("ID3v1", "COMMENT", comment, FieldRole.COMMENT)


@dataclass(frozen=True)
class V1Comment:
    """The comment in an ID3v1 tag, and where its bytes lie in the file."""

    text: str
    start: int
    end: int


def read_v1_comment(source: ByteSource, offset: int) -> V1Comment:
    """The comment of the 128 bytes at ``offset``: 30 bytes, or 28 where a track number follows (1.1)."""
    data = read_exactly(source, offset, V1_SIZE)
    end = 125 if data[125] == 0 and data[126] else 127
    return V1Comment(v1_text(data[97:end]), offset + 97, offset + end)


def _v1_fields(data: bytes, fields: tuple[tuple[str, int, int], ...], place: str, area: AreaBuilder) -> None:
    for key, start, end in fields:
        area.count_item()
        if value := v1_text(data[start:end]):
            area.field(place, key, value)


def v1_text(data: bytes) -> str:
    """Text of fixed width: up to its first zero, without the blanks that fill it up."""
    return data.split(b"\x00", 1)[0].decode("latin-1").rstrip(" ")
