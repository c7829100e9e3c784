"""SeekHead: where a file says that its parts stand (RFC 9559 §5.1.1).

Players go there, also where no walk from element to element would lead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from noai.containers._ebml import HEADER_BYTES, Element, ElementReader, parse_header
from noai.containers._mkv_layout import Segment
from noai.containers._mkv_schema import CHILDREN, SEEK, SEEK_HEAD, SEEK_ID, SEEK_POSITION, SEGMENT
from noai.errors import ContainerMalformed


@dataclass(frozen=True)
class SeekEntry:
    element: Element
    #: The id of what stands there.
    target: int
    #: In the file.
    position: int
    #: Bytes of the number.
    width: int


def read_entries(reader: ElementReader, segment: Segment, head: Element) -> Iterator[SeekEntry]:
    """
    Raises:
        ContainerMalformed: if ``head`` is not well-formed.
    """
    for seek in reader.children(head, 2):
        if seek.id != SEEK:
            continue
        found = {child.id: child for child in reader.children(seek, 3)}
        if SEEK_ID in found and SEEK_POSITION in found:
            position = found[SEEK_POSITION]
            target = reader.uint(found[SEEK_ID])
            yield SeekEntry(seek, target, segment.element.data + reader.uint(position), position.length)


def stray_entries(reader: ElementReader, segment: Segment) -> Iterator[SeekEntry]:
    """Entries that lead into the file, and not to an element at the top of the segment."""
    starts = {element.start for element in segment.elements}
    for head in segment.all(SEEK_HEAD):
        for entry in read_entries(reader, segment, head):
            if entry.position not in starts and entry.position < reader.source.size:
                yield entry


def stray_elements(reader: ElementReader, segment: Segment) -> Iterator[Element]:
    """Parts of a segment inside other elements, to which SeekHead leads.

    Raises:
        ContainerMalformed: if a SeekHead is not well-formed.
    """
    for entry in stray_entries(reader, segment):
        length = min(HEADER_BYTES, reader.source.size - entry.position)
        try:
            element = parse_header(reader.read(entry.position, length), entry.position, 1 << 64)
        except ContainerMalformed:
            continue
        if element.id in CHILDREN[SEGMENT]:
            yield element
