"""Attributes: Extended Content Description, Metadata and Metadata Library (ASF sections 3.11, 4.7, 4.8).

An attribute has a name, a type and a value; in the two kinds of metadata also the stream it is
about and, in the library, a language. All may stand several times.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from noai.codes import Code
from noai.containers._area import MARKER_KEY, TIMESTAMP_KEY, AreaBuilder
from noai.containers._asf_objects import EXTENDED_DESCRIPTION, LIBRARY, METADATA, AsfObject
from noai.containers._asf_text import decode, pieces
from noai.containers._chunks import Bounded
from noai.containers._id3 import locate_leading, read_id3v2
from noai.containers._id3_frames import Window
from noai.containers._opaque import holds_mark, note_marks
from noai.containers.interface import FieldRole
from noai.limits import TAG_VALUE_BYTES, XMP_BYTES
from noai.sources import ByteSource, read_exactly

PLACES: Final = {
    EXTENDED_DESCRIPTION: "ASF extended content description",
    METADATA: "ASF metadata",
    LIBRARY: "ASF metadata library",
}
TEXT, BYTES, BOOL, GUID = 0, 1, 2, 6
_NUMBERS: Final = frozenset({3, 4, 5})
#: Names under which taggers and converters keep what Content Description holds as well.
_ROLES: Final = {
    TIMESTAMP_KEY: FieldRole.TIMESTAMP,
    "COPYRIGHT": FieldRole.COPYRIGHT,
    "DESCRIPTION": FieldRole.COMMENT,
    "COMMENT": FieldRole.COMMENT,
    "COMMENTS": FieldRole.COMMENT,
}
_LARGEST_DESCRIPTOR: Final = 0xFFFF
_DESCRIPTOR: Final = struct.Struct("<HH")
_RECORD: Final = struct.Struct("<HHHHI")


@dataclass(frozen=True)
class Attribute:
    """One attribute, from ``offset`` up to ``end`` with its value last."""

    offset: int
    value: int
    end: int
    raw_name: bytes
    type: int
    stream: int = 0
    language: int = 0

    @property
    def name(self) -> str:
        """As readers compare it: up to the first terminator, upper case, without ``WM/`` and the like."""
        return decode(self.raw_name).partition("\0")[0].strip("\ufeff ").rpartition("/")[2].upper()

    @property
    def key(self) -> str:
        """The name as people see it."""
        return self.name if self.is_marker else decode(self.raw_name).partition("\0")[0]

    @property
    def is_marker(self) -> bool:
        return self.name == MARKER_KEY

    @property
    def is_picture(self) -> bool:
        return self.name == "PICTURE" and self.type == BYTES

    @property
    def is_id3(self) -> bool:
        """ffmpeg and others read an ID3v2 tag in an attribute of this name."""
        return self.name == "ID3" and self.type == BYTES

    @property
    def is_xmp(self) -> bool:
        return self.name.startswith("XMP") and self.type in (TEXT, BYTES)

    @property
    def role(self) -> FieldRole:
        if self.is_marker:
            return FieldRole.MARKER
        return _ROLES.get(self.name, FieldRole.OTHER) if self.type == TEXT else FieldRole.OTHER


@dataclass(frozen=True)
class AttributeList:
    """The attributes of one object. Not ``whole``: it holds bytes besides, or less than it counts."""

    object: AsfObject
    attributes: tuple[Attribute, ...]
    whole: bool


def read_attributes(source: ByteSource, outer: AsfObject) -> AttributeList:
    """The attributes of ``outer``, which is an object of one of the kinds in :data:`PLACES`."""
    found = _read(source, outer, odd=False)
    if not found.whole and outer.guid == EXTENDED_DESCRIPTION:
        # Old versions of libavformat count strings one byte too short, and ffmpeg reads them so.
        rounded = _read(source, outer, odd=True)
        return rounded if rounded.whole else found
    return found


def _read(source: ByteSource, outer: AsfObject, *, odd: bool) -> AttributeList:
    window, at, end = Window(source), outer.data + 2, outer.end
    count = int.from_bytes(window.read_at(outer.data, 2), "little") if at <= end else 1
    attributes: list[Attribute] = []
    parse = _descriptor if outer.guid == EXTENDED_DESCRIPTION else _record
    while len(attributes) < count:
        attribute = parse(window, at, end, odd)
        if attribute is None:
            break
        attributes.append(attribute)
        at = attribute.end
    whole = len(attributes) == count and end - at <= TAG_VALUE_BYTES and not any(window.read_at(at, end - at))
    return AttributeList(outer, tuple(attributes), whole)


def _descriptor(window: Window, at: int, end: int, odd: bool) -> Attribute | None:
    if at + 2 > end:
        return None
    name_length = int.from_bytes(window.read_at(at, 2), "little")
    name_length += odd and name_length % 2
    head = at + 2 + name_length
    if head + _DESCRIPTOR.size > end:
        return None
    kind, length = _DESCRIPTOR.unpack(window.read_at(head, _DESCRIPTOR.size))
    length += odd and kind == TEXT and length % 2
    value = head + _DESCRIPTOR.size
    if value + length > end:
        return None
    return Attribute(at, value, value + length, window.read_at(at + 2, name_length), kind)


def _record(window: Window, at: int, end: int, odd: bool) -> Attribute | None:
    if at + _RECORD.size > end:
        return None
    language, stream, name_length, kind, length = _RECORD.unpack(window.read_at(at, _RECORD.size))
    name = at + _RECORD.size
    value = name + name_length
    if value + length > end:
        return None
    return Attribute(at, value, value + length, window.read_at(name, name_length), kind, stream, language)


def render(outer: bytes, name: bytes, value: bytes, old: Attribute | None = None) -> bytes:
    """An attribute of type text for an object of kind ``outer``; ``old`` is the one it takes the place of."""
    kind = TEXT if old is None else old.type
    if outer == EXTENDED_DESCRIPTION:
        return len(name).to_bytes(2, "little") + name + _DESCRIPTOR.pack(kind, len(value)) + value
    stream, language = (0, 0) if old is None else (old.stream, old.language)
    return _RECORD.pack(language, stream, len(name), kind, len(value)) + name + value


def fits_descriptor(value: bytes) -> bool:
    """Whether ``value`` can stand in an Extended Content Description; the library takes any."""
    return len(value) <= _LARGEST_DESCRIPTOR


def texts(attribute: Attribute, data: bytes) -> list[str]:
    """The value of an attribute that is text, a number, or a marker of whatever type."""
    if attribute.type == BOOL:
        return ["true" if any(data) else "false"]
    if attribute.type in _NUMBERS:
        return [str(int.from_bytes(data[:8], "little"))]
    if attribute.type == GUID and len(data) == 16:
        return [str(UUID(bytes_le=data))]
    if attribute.type != TEXT and b"\0" not in data.strip(b"\0"):
        return [data.strip(b"\0").decode("utf-8", "replace")]
    return pieces(data)


def read_attribute_fields(source: ByteSource, found: AttributeList, area: AreaBuilder) -> None:
    """What the attributes say goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    place = PLACES[found.object.guid]
    if not found.whole:
        area.note(Code.TAG_UNREADABLE, f"the {place} at {found.object.offset} is damaged")
        note_marks(source, found.object.data, found.object.end, f"a damaged {place}", area)
    for attribute in found.attributes:
        area.count_item()
        if attribute.is_id3:
            _read_id3(source, attribute, area)
        elif not attribute.is_picture:
            _read_value(source, attribute, place, area)


def _read_value(source: ByteSource, attribute: Attribute, place: str, area: AreaBuilder) -> None:
    length = attribute.end - attribute.value
    shown = attribute.is_marker or attribute.type in (TEXT, BOOL, GUID, *_NUMBERS)
    if not shown and not attribute.is_xmp:
        note_marks(source, attribute.value, attribute.end, f"the attribute {attribute.key} in {place}", area)
        return
    if length > TAG_VALUE_BYTES or (attribute.is_xmp and length > XMP_BYTES):
        area.note(Code.LIMIT_EXCEEDED, f"the attribute {attribute.key} in {place} is longer than is read")
        return
    area.count_bytes(length)
    data = read_exactly(source, attribute.value, length)
    if attribute.is_xmp and b"<" in data:
        packet = decode(data).rstrip("\0").encode() if attribute.type == TEXT else data.rstrip(b"\0")
        area.xmp(place, packet)
        return
    for text in texts(attribute, data):
        area.field(place, attribute.key, text, attribute.role)
    if attribute.is_marker and attribute.type == TEXT and not pieces(data):
        area.field(place, attribute.key, "", attribute.role)
    if holds_mark(attribute.raw_name) and not attribute.is_marker:
        area.note(Code.TAG_UNREADABLE, f"NOAI stands in the name of an attribute in {place}")


def _read_id3(source: ByteSource, attribute: Attribute, area: AreaBuilder) -> None:
    bounded = Bounded(source, attribute.end)
    tags = locate_leading(bounded, attribute.value)
    for tag in tags:
        read_id3v2(bounded, tag, area)
    rest = tags[-1].end if tags else attribute.value
    note_marks(source, rest, attribute.end, "an ID3 attribute", area)
