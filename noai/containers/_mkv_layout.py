"""The top of a Matroska file: its EBML header, its segments, and every element at their top level.

RFC 9559 §4 and §5. SeekHead and Cues are hints that a file can do without or get wrong; what counts here
is found by walking from element to element.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from noai.codes import Code
from noai.containers._ebml import (
    CRC32,
    HEAD,
    HEADER_BYTES,
    VOID,
    Element,
    ElementReader,
    Truncated,
    parse_header,
    render_id,
)
from noai.containers._id3_frames import Window
from noai.containers._mkv_schema import BLOCK_GROUP, CHILDREN, CLUSTER, KNOWN, SEGMENT, SIMPLE_BLOCK
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import Violation
from noai.limits import KIB, MATROSKA_BLOCKS, MATROSKA_CLUSTER_ELEMENTS, MATROSKA_TOP_ELEMENTS, MIB
from noai.sources import ByteSource, chunks

_DOC_TYPE: Final = 0x4282
_READ_VERSION: Final = 0x42F7
_DOC_READ_VERSION: Final = 0x4285
_MAX_ID_LENGTH: Final = 0x42F2
_MAX_SIZE_LENGTH: Final = 0x42F3
#: Bytes of an EBML header. Real ones have 31 to 60.
_HEAD_BYTES: Final = 4 * KIB
#: Bytes behind the last element that may be padding.
_PADDING_BYTES: Final = 1 * MIB
#: Elements that may stand everywhere.
GLOBAL: Final = frozenset((VOID, CRC32))
#: What a cluster without a size holds; anything else that is known ends it.
_IN_CLUSTER: Final = GLOBAL.union(CHILDREN[CLUSTER])
_BLOCKS: Final = (SIMPLE_BLOCK, BLOCK_GROUP)
_LEVEL_0: Final = (HEAD, SEGMENT)
_RECOGNISED: Final = KNOWN | GLOBAL | {HEAD}
_ANYWHERE: Final = 1 << 64
_LEVEL_1: Final = frozenset((*CHILDREN[SEGMENT], *_LEVEL_0))
#: Bytes of one read, where elements are large or small.
_FAR: Final = 2 * HEADER_BYTES
_NEAR: Final = 4 * KIB
_SMALL: Final = 128


@dataclass(frozen=True)
class Segment:
    """A segment and the elements at its top level, in file order, clusters and Void among them."""

    element: Element
    elements: tuple[Element, ...]

    def all(self, number: int) -> list[Element]:
        return [element for element in self.elements if element.id == number]


@dataclass
class Layout:
    """What a file consists of."""

    head: Element
    segments: list[Segment] = field(default_factory=list)
    #: What stands beside segments, and all that is there with a header of its own.
    others: list[Element] = field(default_factory=list)
    #: Whatever players and taggers could read in different ways. Each is also a reason not to believe
    #: that all tags were found.
    problems: list[Violation] = field(default_factory=list)

    def problem(self, message: str, code: Code = Code.EBML_STRUCTURE) -> None:
        self.problems.append(Violation(code, message))


def doc_type(source: ByteSource) -> str | None:
    """The DocType of the EBML header that ``source`` begins with (RFC 8794 §11.2.6); None without one."""
    start = source.read_at(0, HEADER_BYTES)
    if not start.startswith(render_id(HEAD)):
        return None
    try:
        head = parse_header(start, 0, source.size)
        for element in _head_elements(ElementReader(source), head):
            if element.id == _DOC_TYPE and element.length <= 64:
                return source.read_at(element.data, element.length).partition(b"\0")[0].decode("latin-1")
    except ContainerMalformed:
        return None
    return None


def _head_elements(reader: ElementReader, head: Element) -> Iterator[Element]:
    if not head.sized or head.length > _HEAD_BYTES:
        raise ContainerMalformed("the EBML header has no size, or too large a one")
    return reader.children(head)


def read_layout(source: ByteSource) -> Layout:
    """
    Raises:
        ContainerMalformed: if the EBML header is not one of Matroska.
        LimitExceeded: for more elements than are read.
    """
    start = source.read_at(0, HEADER_BYTES)
    if not start.startswith(render_id(HEAD)):
        raise ContainerMalformed("there is no EBML header")
    layout = Layout(parse_header(start, 0, source.size))
    _check_head(source, layout.head)
    _Walker(source).walk(layout)
    if len(layout.segments) > 1:
        layout.problem(f"{len(layout.segments)} segments, one behind the other", Code.TRAILING_AUDIO)
    elif not layout.segments:
        layout.problem("there is no segment")
    return layout


def _check_head(source: ByteSource, head: Element) -> None:
    """RFC 8794 §11.2. Players refuse other versions, or misread them."""
    reader = ElementReader(source)
    expected = {
        _READ_VERSION: (1, 1),
        _MAX_ID_LENGTH: (4, 4),
        _MAX_SIZE_LENGTH: (1, 8),
        _DOC_READ_VERSION: (1, 4),
    }
    for element in _head_elements(reader, head):
        if element.id in expected:
            least, most = expected[element.id]
            if element.length and not least <= reader.uint(element) <= most:
                raise ContainerMalformed(f"the EBML header asks for {element.name} = {reader.uint(element)}")


class _Walker:
    """Goes from element to element with one small read each."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._elements = 0
        self._blocks = 0
        self._beside = 0
        self._window = Window(source, _FAR)

    def walk(self, layout: Layout) -> None:
        at = layout.head.end
        size = self._source.size
        while at < size:
            element = self._next(layout, at, size, padded=True)
            if element is None:
                return
            if element.id == SEGMENT:
                at = self._segment(layout, element)
                continue
            layout.others.append(element)
            if element.id == HEAD:
                layout.problem("a second EBML header", Code.TRAILING_AUDIO)
            elif element.id != VOID or not layout.segments or not self._is_padding(element.data, element.end):
                # ffmpeg looks for a cluster byte by byte in whatever stands beside the segment.
                layout.problem(f"the element {element.name} stands outside the segment")
            if not element.sized:
                layout.problem(f"the element {element.name} at {at} has no size")
                return
            at = element.end

    def _next(self, layout: Layout, at: int, end: int, *, padded: bool) -> Element | None:
        """The element at ``at``. What runs past ``end`` is cut there; what is none ends the walk.

        ``padded``: whether zeros may stand there instead.
        """
        self._elements += 1
        if self._elements > MATROSKA_TOP_ELEMENTS:
            raise LimitExceeded(f"more than {MATROSKA_TOP_ELEMENTS} elements at the top of segments")
        try:
            element = parse_header(self._window.read_at(at, min(HEADER_BYTES, end - at)), at, _ANYWHERE)
        except ContainerMalformed:
            element = None
        if element is not None and not element.sized:
            return element._replace(end=end)
        if element is not None and element.end <= end:
            return element
        if element is not None and element.id in _RECOGNISED:
            code = Code.ESSENCE_TRUNCATED if end == self._source.size else Code.EBML_STRUCTURE
            layout.problem(f"the element {element.name} at {at} runs past what is around it", code)
            return element._replace(end=end)
        if not padded or not self._is_padding(at, end):
            layout.problem(f"the {end - at} bytes at {at} are no element", Code.TRAILING_AUDIO)
        return None

    def _is_padding(self, at: int, end: int) -> bool:
        """Zeros, as some downloaders leave them behind the end."""
        if end - at > _PADDING_BYTES:
            return False
        return not any(map(any, chunks(self._source, at, end)))

    def _segment(self, layout: Layout, segment: Element) -> int:
        """Read one segment; where it ends."""
        elements: list[Element] = []
        at = segment.data
        while at < segment.end:
            element = self._next(layout, at, segment.end, padded=False)
            if element is None:
                at = segment.end
                break
            if not segment.sized and element.id in _LEVEL_0:
                break
            if not element.sized:
                if element.id != CLUSTER:
                    layout.problem(f"the element {element.name} at {at} has no size")
                    at = segment.end
                    break
                if segment.sized:
                    layout.problem("a cluster without a size in a segment that has one")
                element = element._replace(end=self._cluster_end(layout, element))
            elements.append(element)
            at = element.end
        layout.segments.append(Segment(segment._replace(end=at), tuple(elements)))
        return at

    def _cluster_end(self, layout: Layout, cluster: Element) -> int:
        """Where a cluster without a size ends: at the next element of a level above (RFC 8794 §6.2)."""
        at, base, data, length = cluster.data, cluster.data, b"", _FAR
        while at < cluster.end:
            if self._blocks > MATROSKA_BLOCKS or self._beside > MATROSKA_CLUSTER_ELEMENTS:
                raise LimitExceeded("more elements in clusters than are read")
            if at - base + HEADER_BYTES > len(data):
                base, data = at, self._source.read_at(at, min(length, cluster.end - at))
            try:
                element = parse_header(data, at, cluster.end, at - base)
            except Truncated:
                layout.problem(f"the cluster at {cluster.start} is cut off", Code.ESSENCE_TRUNCATED)
                return cluster.end
            except ContainerMalformed:
                return at
            self._blocks += 1
            if element.id in _LEVEL_1:
                return at
            if element.id not in _BLOCKS:
                self._beside += 1
            if element.id not in _IN_CLUSTER:
                layout.problem(f"the element {element.name} at {at} in a cluster without a size")
            if not element.sized:
                layout.problem(f"the element {element.name} at {at} has no size")
                return cluster.end
            length = _NEAR if element.end - at < _SMALL else _FAR
            at = element.end
        return at
