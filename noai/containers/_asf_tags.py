"""What an ASF file says beside the audio: read, and described item by item."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._asf_attributes import (
    PLACES,
    TEXT,
    Attribute,
    read_attribute_fields,
    read_attributes,
    texts,
)
from noai.containers._asf_objects import (
    DATA,
    DESCRIPTION,
    EXTENSION,
    FILE_PROPERTIES,
    HEAD,
    HEADER,
    NUMERIC,
    PADDING,
    XMP,
    AsfLayout,
    AsfObject,
)
from noai.containers._asf_text import is_exact, pieces
from noai.containers._asf_texts import (
    DESCRIPTION_KEYS,
    DESCRIPTION_ROLES,
    description_texts,
    holds_text,
    read_texts,
)
from noai.containers._chunks import Bounded
from noai.containers._id3 import locate_leading
from noai.containers._id3_frames import Window
from noai.containers._id3_inventory import describe_tag
from noai.containers._inventory import Foreign, sha256
from noai.containers._opaque import note_marks
from noai.containers._tails import Tail, describe_tail, locate_tails, read_tail
from noai.containers.interface import FieldRole
from noai.errors import ContainerMalformed
from noai.limits import TAG_BYTES, TAG_VALUE_BYTES, XMP_BYTES
from noai.sources import ByteSource, read_exactly

#: Objects whose content is described by what lies in them.
_OUTER: Final = frozenset({HEADER, EXTENSION})
#: In the content of a File Properties Object: where the size of the file stands.
FILE_SIZE: Final = 16
#: The head of a Data Object in front of its packets.
_DATA_HEAD: Final = 50


def trailing_tails(source: ByteSource, layout: AsfLayout) -> list[Tail]:
    """Tags of MPEG audio behind the last object."""
    return locate_tails(source, layout.rest, layout.size)


def read_tags(source: ByteSource, layout: AsfLayout, area: AreaBuilder) -> None:
    """Everything that a statement could stand in goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    for problem in layout.problems:
        area.note(Code.TAG_UNREADABLE, problem)
    window = Window(source)
    for found in layout.objects:
        _read_object(window, found, area)
    if len(layout.all(HEADER)) > 1:
        area.note(Code.TAG_DUPLICATE, "several ASF headers; all were read")
    tails = trailing_tails(source, layout)
    for tail in tails:
        read_tail(source, tail, area)
    end = tails[0].offset if tails else layout.size
    note_marks(source, layout.rest, end, "bytes behind the last ASF object", area)


def _read_object(source: ByteSource, found: AsfObject, area: AreaBuilder) -> None:
    if found.guid in PLACES:
        read_attribute_fields(source, read_attributes(source, found), area)
    elif holds_text(found):
        read_texts(source, found, area)
    elif found.guid == XMP:
        _read_xmp(source, found, area)
    elif found.guid == DATA:
        if found.parent is not None:
            area.note(Code.TAG_UNREADABLE, f"a Data Object stands in the header, at {found.offset}")
    elif found.guid not in _OUTER and (found.guid not in NUMERIC or found.parent is not None):
        what = "an ASF padding object" if found.guid == PADDING else f"the ASF object at {found.offset}"
        note_marks(source, found.data, found.end, what, area)


def _read_xmp(source: ByteSource, found: AsfObject, area: AreaBuilder) -> None:
    length = found.end - found.data
    if length > XMP_BYTES:
        area.note(Code.LIMIT_EXCEEDED, f"the XMP packet is longer than {XMP_BYTES} bytes")
        return
    area.count_bytes(length)
    area.xmp("ASF XMP object", read_exactly(source, found.data, length))


def describe(source: ByteSource, layout: AsfLayout, foreign: Foreign, area: AreaBuilder) -> Iterator[str]:
    """One description for each foreign item.

    Raises:
        ContainerMalformed, LimitExceeded: when not every item could be read.
    """
    if layout.problems:
        raise ContainerMalformed(layout.problems[0])
    for found in layout.objects:
        if found.guid in PLACES:
            yield from _describe_attributes(source, found, foreign, area)
        elif found.guid == DESCRIPTION:
            yield from _describe_description(source, found, foreign)
        elif found.guid == XMP and found.end - found.data <= XMP_BYTES:
            packet = read_exactly(source, found.data, found.end - found.data)
            yield from foreign.xmp("XMP", packet)
        elif found.guid not in _OUTER:
            yield from _describe_object(source, found)
    tails = trailing_tails(source, layout)
    for tail in tails:
        yield from describe_tail(source, tail, foreign)
        if tail.tag is not None:
            yield f"{tail.kind.value}={sha256(source, tail.offset, tail.end)}"
    end = tails[0].offset if tails else layout.size
    if end > layout.rest:
        yield f"trailing bytes={sha256(source, layout.rest, end)}"


def _describe_object(source: ByteSource, found: AsfObject) -> Iterator[str]:
    name = found.guid.hex()
    if found.guid == DATA:
        yield f"data={sha256(source, found.data, min(found.offset + _DATA_HEAD, found.end))}"
    elif found.guid == FILE_PROPERTIES and found.size >= HEAD + FILE_SIZE + 8:
        size = found.data + FILE_SIZE
        yield f"file={sha256(source, found.data, size)} {sha256(source, size + 8, found.end)}"
    elif found.guid != PADDING:
        yield f"{name}={sha256(source, found.data, found.end)}"


def _describe_description(source: ByteSource, found: AsfObject, foreign: Foreign) -> Iterator[str]:
    data = read_exactly(source, found.data, found.end - found.data) if found.size <= TAG_BYTES else b""
    values = description_texts(data)
    if values is None:
        raise ContainerMalformed(f"the content description at {found.offset} is damaged")
    for key, value in zip(DESCRIPTION_KEYS, values, strict=True):
        if not is_exact(value):
            yield f"{key}={hashlib.sha256(value).hexdigest()}"
        elif said := pieces(value):
            yield from foreign.text(key, said, DESCRIPTION_ROLES.get(key, FieldRole.OTHER))


def _describe_attributes(
    source: ByteSource, outer: AsfObject, foreign: Foreign, area: AreaBuilder
) -> Iterator[str]:
    found = read_attributes(source, outer)
    if not found.whole:
        raise ContainerMalformed(f"the {PLACES[outer.guid]} at {outer.offset} is damaged")
    for attribute in found.attributes:
        area.count_item()
        if not attribute.is_marker:
            yield from _describe_attribute(source, attribute, PLACES[outer.guid], foreign, area)


def _describe_attribute(
    source: ByteSource, attribute: Attribute, place: str, foreign: Foreign, area: AreaBuilder
) -> Iterator[str]:
    where = f"{attribute.language}/{attribute.stream} type {attribute.type}"
    label = f"{place} {attribute.raw_name!a} {where}"
    if attribute.is_id3:
        bounded = Bounded(source, attribute.end)
        at = attribute.value
        for tag in locate_leading(bounded, at):
            at = tag.end
            for item in describe_tag(bounded, tag, foreign, area):
                yield f"{label} {item}"
        if at < attribute.end:
            yield f"{label}={sha256(source, at, attribute.end)}"
        return
    length = attribute.end - attribute.value
    if attribute.type == TEXT and length <= TAG_VALUE_BYTES:
        data = read_exactly(source, attribute.value, length)
        if is_exact(data):
            yield from foreign.text(label, texts(attribute, data), attribute.role)
            return
    yield f"{label}={sha256(source, attribute.value, attribute.end)}"
