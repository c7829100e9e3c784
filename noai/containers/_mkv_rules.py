"""What in a Matroska file players could read in different ways, or what makes them leave audio out.

ffmpeg looks for the next part byte by byte where an element is not as it should be, so that it plays what
stands in other elements: every element outside the clusters must be sound. Timing is judged elsewhere.
"""

from __future__ import annotations

from typing import Final

from noai.codes import Code
from noai.containers._ebml import CRC32, Element, ElementReader
from noai.containers._inventory import sha256
from noai.containers._mkv_layout import GLOBAL, Segment
from noai.containers._mkv_schema import (
    CHAPTER_FLAG_ENABLED,
    CHAPTER_PROCESS,
    CHAPTER_SEGMENT_UUID,
    CHAPTER_SKIP_TYPE,
    CHILDREN,
    CLUSTER,
    CUES,
    EDITION_FLAG_ORDERED,
    INFO,
    KNOWN,
    NEXT_UUID,
    PARTS,
    PREV_UUID,
    TRACKS,
)
from noai.containers._mkv_seek import stray_entries
from noai.errors import ContainerMalformed
from noai.essence import Violation
from noai.limits import MATROSKA_INDEX_ELEMENTS, MIB

#: What ffmpeg takes at most, by kind of element.
_LONGEST: Final = {"u": 8, "i": 8, "f": 8, "d": 8, "s": 16 * MIB, "t": 16 * MIB, "b": 256 * MIB}
#: Parts that may stand there again, the same to the byte (RFC 9559 §5.1.2, 5.1.4: recurring).
_ONCE: Final = (INFO, TRACKS)
#: Elements that leave out, reorder or add audio, whatever the value, or unless they have this one.
_ALWAYS: Final = {
    CHAPTER_PROCESS: "a chapter runs commands",
    CHAPTER_SEGMENT_UUID: "a chapter plays another file",
    PREV_UUID: "another file is to be played before",
    NEXT_UUID: "another file is to be played behind",
}
_UNLESS: Final = {
    EDITION_FLAG_ORDERED: (0, "chapters decide in which order the audio is played"),
    CHAPTER_FLAG_ENABLED: (1, "a chapter is not enabled"),
    CHAPTER_SKIP_TYPE: (0, "a chapter may be skipped"),
}


class Rules:
    """Checks the parts of a segment; what is wrong gathers in :attr:`violations`."""

    def __init__(self, reader: ElementReader) -> None:
        self._reader = reader
        self._found: dict[Violation, None] = {}

    @property
    def violations(self) -> list[Violation]:
        return list(self._found)

    def violate(self, message: str, code: Code = Code.EBML_STRUCTURE) -> None:
        self._found[Violation(code, message)] = None

    def segment(self, segment: Segment) -> None:
        """
        Raises:
            ContainerMalformed: if a part is not well-formed.
            LimitExceeded: for more elements, or deeper ones, than are read.
        """
        clusters = segment.all(CLUSTER)
        index = Rules(ElementReader(self._reader.source, MATROSKA_INDEX_ELEMENTS))
        for element in segment.elements:
            if element.id == CLUSTER:
                continue
            if element.id == CUES:
                # Behind the clusters it is read only by who seeks.
                if clusters and element.start < clusters[0].start:
                    index.part(element, 2)
            elif element.id in PARTS:
                self.part(element, 2)
                self.checksum(element)
            elif element.id in KNOWN:
                self.violate(f"the element {element.name} at {element.start} is not where it belongs")
        self._found.update(dict.fromkeys(index.violations))
        for number in _ONCE:
            self._once(segment.all(number))
        if clusters and any(part.start > clusters[0].start for part in segment.all(TRACKS)[:1]):
            self.violate("the tracks are described behind the audio")
        for stray in stray_entries(self._reader, segment):
            self.violate(f"SeekHead leads to {stray.position}, where no part begins")

    def part(self, master: Element, depth: int) -> None:
        """Everything in ``master``, which lies ``depth`` elements deep, is what it may be."""
        rules = CHILDREN[master.id]
        seen: set[int] = set()
        for child in self._reader.children(master, depth):
            rule = rules.get(child.id)
            if rule is None:
                self._foreign(master, child)
                continue
            if not rule.repeats and child.id in seen:
                self.violate(f"the element {child.name} stands twice in {master.name}")
            seen.add(child.id)
            if child.id in _ALWAYS:
                self.violate(_ALWAYS[child.id], Code.EDIT_HIDES_AUDIO)
            if rule.kind == "m":
                self.part(child, depth + 1)
            elif child.length > _LONGEST[rule.kind] or (rule.kind == "f" and child.length not in (0, 4, 8)):
                raise ContainerMalformed(f"the element {child.name} has {child.length} bytes")
            elif child.id in _UNLESS:
                harmless, message = _UNLESS[child.id]
                if child.length and self._reader.uint(child) != harmless:
                    self.violate(message, Code.EDIT_HIDES_AUDIO)

    def _foreign(self, master: Element, child: Element) -> None:
        if child.id == CRC32 and (child.start != master.data or child.length != 4):
            self.violate(f"a checksum in {master.name} that does not come first")
        elif child.id in KNOWN and child.id not in GLOBAL:
            self.violate(f"the element {child.name} in {master.name}, where it does not belong")

    def checksum(self, element: Element) -> None:
        """Players may leave out what does not match its checksum (RFC 8794 §11.3.1)."""
        if not self._reader.checksum_holds(element):
            self.violate(f"the checksum of {PARTS[element.id]} at {element.start} is wrong")

    def _once(self, parts: list[Element]) -> None:
        if len(parts) < 2:
            return
        digests = {sha256(self._reader.source, part.data, part.end) for part in parts}
        if len(digests) > 1:
            self.violate(f"several {PARTS[parts[0].id]} elements that say different things")
