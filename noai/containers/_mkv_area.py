"""The tag area of a whole Matroska file: its tags, all other text for people, and free space.

Tags, titles, names, chapters (RFC 9559 §5.1.2, 5.1.4, 5.1.6 to 5.1.8) are read in all segments, wherever they
stand between clusters.
"""

from __future__ import annotations

from typing import Final

from noai.codes import Code
from noai.containers._area import MARKER_KEY, AreaBuilder
from noai.containers._ebml import VOID, Element, ElementReader
from noai.containers._mkv_layout import GLOBAL, Layout, Segment
from noai.containers._mkv_schema import (
    ATTACHED_FILE,
    CHILDREN,
    CLUSTER,
    CUES,
    FILE_DATA,
    FILE_MEDIA_TYPE,
    FILE_NAME,
    PARTS,
    SEEK_HEAD,
    TAGS,
    TEXTS,
)
from noai.containers._mkv_seek import stray_elements
from noai.containers._mkv_tags import NAME_BYTES, SimpleTag, TagsBlock, marked, read_block
from noai.containers.interface import FieldRole
from noai.errors import ContainerMalformed
from noai.limits import OPAQUE_BYTES, TAG_VALUE_BYTES, XMP_BYTES
from noai.sources import ByteSource

_XMP_TYPES: Final = frozenset(("application/rdf+xml", "application/xmp", "application/xmp+xml"))
_C2PA_TYPES: Final = frozenset(("application/c2pa", "application/x-c2pa-manifest-store"))


def read_area(source: ByteSource, layout: Layout, area: AreaBuilder) -> None:
    """Everything that a statement can be in, as far as limits let it be read; the rest is noted.

    Raises:
        LimitExceeded: beyond the limits on one file.
    """
    for problem in layout.problems:
        area.note(Code.TAG_UNREADABLE, problem.message)
    reader = ElementReader(source)
    for number, segment in enumerate(layout.segments):
        _read_segment(reader, segment, f" (segment {number + 1})" if number else "", area)
    _search([element for element in layout.others if element.id == VOID], source, area)


def _read_segment(reader: ElementReader, segment: Segment, suffix: str, area: AreaBuilder) -> None:
    for element in segment.elements:
        part = PARTS.get(element.id)
        if element.id in (CLUSTER, CUES, SEEK_HEAD) or element.id in GLOBAL:
            continue
        if part is None:
            area.note(Code.TAG_UNREADABLE, f"the element {element.name} at {element.start} is not known")
        elif element.id == TAGS:
            _collect(reader, read_block(reader, element), f"Matroska tag{suffix}", area)
        else:
            _Texts(reader, f"Matroska {part}{suffix}", area).read(element)
    _search(segment.all(VOID), reader.source, area)
    try:
        for stray in stray_elements(reader, segment):
            area.note(Code.TAG_UNREADABLE, f"SeekHead leads to an element {stray.name} inside another one")
    except ContainerMalformed as error:
        area.note(Code.TAG_UNREADABLE, f"SeekHead: {error}")


def _search(voids: list[Element], source: ByteSource, area: AreaBuilder) -> None:
    """Notes where somebody turned tags into free space; programs that cut tags out leave their bytes."""
    left = OPAQUE_BYTES
    for void in voids:
        left -= void.length
        if left < 0:
            area.note(Code.LIMIT_EXCEEDED, f"of the free space only {OPAQUE_BYTES} bytes were searched")
            return
        if marked(source, void):
            area.note(Code.TAG_UNREADABLE, f"{MARKER_KEY} stands in free space at {void.start}")


def _collect(reader: ElementReader, block: TagsBlock, place: str, area: AreaBuilder) -> None:
    for tag in block.tags:
        for simple in tag.simple:
            _collect_simple(reader, simple, place if tag.is_whole else f"{place} of a part", area)
    for damage in block.damage:
        area.note(Code.TAG_UNREADABLE, f"{place}: {damage}")
    for unknown in block.unknown:
        area.note(Code.TAG_UNREADABLE, f"{place}: the element {unknown.name} is not known there")
    _search(block.voids, reader.source, area)


def _collect_simple(reader: ElementReader, simple: SimpleTag, place: str, area: AreaBuilder) -> None:
    area.count_item()
    role = simple.role
    values = [_text(reader, each, place, role, area) for each in simple.strings]
    values += [_binary_text(reader, each, role, area) for each in simple.binaries]
    shown = [value for value in values if value is not None]
    if not values and role is FieldRole.MARKER:
        shown = [""]
    for name in simple.names or ("",):
        key = name.encode("utf-8", "replace").decode("utf-8").strip()
        for value in shown:
            area.field(place, MARKER_KEY if role is FieldRole.MARKER else key, value, role)
    for each in simple.nested:
        _collect_simple(reader, each, place, area)


def _text(
    reader: ElementReader, element: Element, place: str, role: FieldRole, area: AreaBuilder
) -> str | None:
    if element.length > TAG_VALUE_BYTES:
        area.note(Code.TAG_UNREADABLE, f"{place}: a text is longer than {TAG_VALUE_BYTES} bytes")
        return None
    area.count_bytes(element.length)
    data = reader.payload(element, TAG_VALUE_BYTES).rstrip(b"\0")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        if role is FieldRole.MARKER:
            area.note(Code.TAG_UNREADABLE, f"{place}: a {MARKER_KEY} tag is not UTF-8")
        return data.decode("utf-8", "replace")


def _binary_text(reader: ElementReader, element: Element, role: FieldRole, area: AreaBuilder) -> str | None:
    """Binary values are pictures as a rule; what is text all the same is read as such."""
    if element.length > TAG_VALUE_BYTES:
        if role is FieldRole.MARKER:
            area.note(Code.TAG_UNREADABLE, f"a {MARKER_KEY} tag of {element.length} bytes")
        return None
    area.count_bytes(element.length)
    data = reader.payload(element, TAG_VALUE_BYTES)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1") if role is FieldRole.MARKER else None


class _Texts:
    """Reads the texts for people in one part of a segment: titles, names, chapters."""

    def __init__(self, reader: ElementReader, place: str, area: AreaBuilder) -> None:
        self._reader = reader
        self._place = place
        self._area = area

    def read(self, part: Element) -> None:
        try:
            self._read(part, 2)
        except ContainerMalformed as error:
            self._area.note(Code.TAG_UNREADABLE, f"{self._place}: {error}")

    def _read(self, master: Element, depth: int) -> None:
        rules = CHILDREN[master.id]
        found: dict[int, Element] = {}
        for child in self._reader.children(master, depth):
            found[child.id] = child
            rule = rules.get(child.id)
            if rule is None:
                continue
            if rule.kind == "m":
                self._read(child, depth + 1)
            elif child.id in TEXTS:
                self._area.count_item()
                value = _text(self._reader, child, self._place, FieldRole.OTHER, self._area)
                if value is not None:
                    self._area.field(self._place, TEXTS[child.id], value)
        if master.id == ATTACHED_FILE:
            self._read_file(found)

    def _read_file(self, found: dict[int, Element]) -> None:
        """A file that holds XMP or a C2PA manifest; all others are skipped."""
        data = found.get(FILE_DATA)
        if data is None:
            return
        media, name = (
            self._reader.text(found[each], NAME_BYTES).lower() if each in found else ""
            for each in (FILE_MEDIA_TYPE, FILE_NAME)
        )
        if media in _C2PA_TYPES or name.endswith(".c2pa"):
            self._area.manifest("Matroska attachment", (data.data, data.length))
        elif media in _XMP_TYPES or name.endswith(".xmp"):
            if data.length > XMP_BYTES:
                self._area.note(Code.LIMIT_EXCEEDED, f"an attached XMP file of {data.length} bytes")
                return
            self._area.xmp("Matroska attachment", self._reader.payload(data, XMP_BYTES))
