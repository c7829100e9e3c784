"""What of a Matroska file must survive an edit: everything but Void, SeekHead and what noai writes."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

from noai.containers._ebml import Element, ElementReader, decode
from noai.containers._inventory import Foreign, sha256
from noai.containers._mkv_layout import GLOBAL, Layout, Segment
from noai.containers._mkv_positions import cue_positions
from noai.containers._mkv_schema import CLUSTER, CUES, PARTS, SEEK_HEAD, TAGS
from noai.containers._mkv_tags import SimpleTag, TagsBlock, read_block
from noai.containers.interface import FieldRole
from noai.errors import ContainerMalformed
from noai.limits import MATROSKA_INDEX_ELEMENTS, MATROSKA_REWRITE_BYTES
from noai.sources import ByteSource


def list_foreign(source: ByteSource, layout: Layout, foreign: Foreign) -> Counter[str]:
    """
    Raises:
        ContainerMalformed, LimitExceeded: if not everything could be read to its end.
    """
    for problem in layout.problems:
        raise ContainerMalformed(problem.message)
    reader = ElementReader(source)
    items = Counter([f"EBML header={sha256(source, layout.head.data, layout.head.end)}"])
    for other in layout.others:
        if other.id not in GLOBAL:
            items[_digest(source, other)] += 1
    for segment in layout.segments:
        items.update(_segment(reader, segment, foreign))
    return items


def _segment(reader: ElementReader, segment: Segment, foreign: Foreign) -> Iterator[str]:
    clusters = segment.all(CLUSTER)
    sizes = ",".join(f"{cluster.end - cluster.start}" for cluster in clusters)
    yield f"clusters={hashlib.sha256(sizes.encode()).hexdigest()}"
    starts = [cluster.start for cluster in clusters]
    for element in segment.elements:
        if element.id == TAGS:
            yield from _tags(reader, read_block(reader, element), foreign)
        elif element.id == CUES:
            index = ElementReader(reader.source, MATROSKA_INDEX_ELEMENTS)
            yield _cues(index, segment, element, starts)
        elif element.id not in (CLUSTER, SEEK_HEAD) and element.id not in GLOBAL:
            yield _digest(reader.source, element)


def _digest(source: ByteSource, element: Element) -> str:
    name = PARTS.get(element.id, element.name)
    return f"{name}={sha256(source, element.data, element.end)}"


def _cues(reader: ElementReader, segment: Segment, cues: Element, starts: list[int]) -> str:
    """Index entries, each by the number of its cluster, since marking may move clusters."""
    digest = hashlib.sha256()
    for name, value, is_position in cue_positions(reader, cues):
        if is_position:
            position = segment.element.data + int.from_bytes(value, "big")
            number = bisect_left(starts, position)
            known = number < len(starts) and starts[number] == position
            value = b"%d" % number if known else b"nowhere"
        digest.update(b"%x %s\n" % (name, value.hex().encode()))
    return f"Cues={digest.hexdigest()}"


def _tags(reader: ElementReader, block: TagsBlock, foreign: Foreign) -> Iterator[str]:
    block.require_whole()
    ours = [simple.element for tag in block.tags for simple in tag.simple if _is_ours(simple)]
    for element in block.unknown:
        if not any(each.start <= element.start < each.end for each in ours):
            yield _digest(reader.source, element)
    for tag in block.tags:
        targets = sorted(
            f"{child.name}:{reader.payload(child, MATROSKA_REWRITE_BYTES).hex()}"
            for master in tag.targets
            for child in reader.children(master, 4)
            if child.id not in GLOBAL
        )
        label = f"Tag [{' '.join(targets)}]"
        if not tag.simple:
            yield f"{label} empty"
        for simple in tag.simple:
            yield from _simple(reader, simple, label, foreign)


def _is_ours(simple: SimpleTag) -> bool:
    """Whether the whole tag is a marker or its timestamp, which an edit takes out."""
    return simple.role.is_slot and not simple.nested


def _simple(reader: ElementReader, simple: SimpleTag, label: str, foreign: Foreign) -> Iterator[str]:
    if _is_ours(simple):
        return
    role = simple.role
    details = sorted(
        f"{other.name}:{sha256(reader.source, other.data, other.end)[:16]}"
        for other in simple.others
        if other.id not in GLOBAL
    )
    path = f"{label} {'+'.join(simple.names)!a}"
    own = " ".join([path, *details])
    for element in simple.strings:
        text = decode(reader.payload(element, MATROSKA_REWRITE_BYTES))
        yield from foreign.text(own, [text], role)
    for element in simple.binaries:
        yield f"{own}={sha256(reader.source, element.data, element.end)}"
    if not simple.strings and not simple.binaries and role is FieldRole.OTHER:
        yield f"{own} empty"
    for each in simple.nested:
        yield from _simple(reader, each, path, foreign)
