"""Positions that a Matroska file states of its own parts, written anew when these move.

SeekHead and Cues (RFC 9559 §5.1.1, §5.1.5) and, in clusters of older muxers, Position (§5.1.3.2). All count
from where the content of the segment begins.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from noai.containers._ebml import (
    CRC32,
    ID_BYTES,
    SIZE_BYTES,
    Element,
    ElementReader,
    parse_number,
    rebuilt,
    render,
    render_id,
    render_uint,
)
from noai.containers._mkv_schema import (
    BLOCK_GROUP,
    CHILDREN,
    CUE_CLUSTER_POSITION,
    CUE_CODEC_STATE,
    CUE_REFERENCE_CLUSTER,
    CUE_REFERENCE_CODEC_STATE,
    POSITION,
    SEEK,
    SEEK_ID,
    SEEK_POSITION,
    SIMPLE_BLOCK,
    TAGS,
)
from noai.containers._splices import Splice
from noai.errors import MarkError
from noai.limits import MATROSKA_REWRITE_BYTES
from noai.sources import chunks

#: Where a position is now, None if nothing is there any more.
Where = Callable[[int], "int | None"]
_CLUSTERS: Final = (CUE_CLUSTER_POSITION, CUE_REFERENCE_CLUSTER)
#: 0 in these means none.
_STATES: Final = (CUE_CODEC_STATE, CUE_REFERENCE_CODEC_STATE)


def moved_seek_head(
    reader: ElementReader, head: Element, where: Where, added: int | None = None, width: int = 0
) -> bytes:
    """SeekHead with its entries at their new positions, those that lead nowhere taken out.

    ``added`` is the position of a Tags element that gets an entry of its own, ``width`` the least bytes
    that the size of SeekHead takes.
    """
    _require_small(head)
    parts: dict[int, bytes] = {}
    for seek in reader.children(head, 2):
        if seek.id != SEEK:
            continue
        for child in reader.children(seek, 3):
            if child.id != SEEK_POSITION:
                continue
            new = where(reader.uint(child))
            if new is None:
                parts[seek.start] = b""
            elif new != reader.uint(child):
                number = render_uint(SEEK_POSITION, new, child.length)
                parts[seek.start] = rebuilt(reader, seek, 3, {child.start: number})
    tail = b"" if added is None else _seek(TAGS, added)
    data = rebuilt(reader, head, 2, parts, tail)
    return widened(data, width)


def _seek(number: int, position: int) -> bytes:
    return render(SEEK, render(SEEK_ID, render_id(number)) + render_uint(SEEK_POSITION, position))


def rendered_width(data: bytes) -> int:
    """Bytes of the size in the header of a rendered element."""
    _, size_at = parse_number(data, 0, ID_BYTES)
    _, content_at = parse_number(data, size_at, SIZE_BYTES)
    return content_at - size_at


def widened(data: bytes, width: int) -> bytes:
    """A rendered element whose size takes ``width`` bytes at least."""
    number, size_at = parse_number(data, 0, ID_BYTES)
    present = rendered_width(data)
    return data if width <= present else render(number, data[size_at + present :], width)


def moved_cues(reader: ElementReader, cues: Element, where: Where, width: int = 0) -> bytes:
    """The index with its clusters at their new positions; ``width`` as in :func:`moved_seek_head`."""
    _require_small(cues)
    return widened(_moved_cues(reader, cues, where, 2), width)


def _moved_cues(reader: ElementReader, cues: Element, where: Where, depth: int) -> bytes:
    parts: dict[int, bytes] = {}
    rules = CHILDREN[cues.id]
    for child in reader.children(cues, depth):
        if child.id in rules and rules[child.id].kind == "m":
            parts[child.start] = _moved_cues(reader, child, where, depth + 1)
        elif child.id in (*_CLUSTERS, *_STATES):
            old = reader.uint(child)
            new = where(old)
            if new is not None and (old or child.id in _CLUSTERS):
                parts[child.start] = render_uint(child.id, new, child.length)
    return rebuilt(reader, cues, depth, parts)


def cue_positions(reader: ElementReader, cues: Element, depth: int = 2) -> Iterator[tuple[int, bytes, bool]]:
    """Id and content of each number in an index, and whether it is the position of a cluster."""
    rules = CHILDREN[cues.id]
    for child in reader.children(cues, depth):
        if child.id in rules and rules[child.id].kind == "m":
            yield from cue_positions(reader, child, depth + 1)
        elif child.id in rules:
            value = reader.number(child)
            yield child.id, value.lstrip(b"\0") if child.id in _CLUSTERS else value, child.id in _CLUSTERS


def moved_cluster(reader: ElementReader, cluster: Element, position: int) -> list[Splice]:
    """What in a cluster states its position, made right: nothing in those of present-day muxers.

    A position that its field cannot hold becomes 0, which says that it is not known.
    """
    first: Element | None = None
    for child in reader.children(cluster):
        first = first or child
        if child.id in (SIMPLE_BLOCK, BLOCK_GROUP):
            return []
        if child.id == POSITION:
            break
    else:
        return []
    fits = position < 1 << 8 * child.length
    number = (position if fits else 0).to_bytes(child.length, "big")
    splices = [Splice(child.data, child.length, number)]
    if first is not None and first.id == CRC32 and first.length == 4:
        crc = 0
        before, behind = (first.end, child.data), (child.end, cluster.end)
        for block in chain(chunks(reader.source, *before), [number], chunks(reader.source, *behind)):
            crc = zlib.crc32(block, crc)
        splices.append(Splice(first.data, 4, crc.to_bytes(4, "little")))
    return splices


def _require_small(element: Element) -> None:
    if element.length > MATROSKA_REWRITE_BYTES:
        raise MarkError(f"the element {element.name} is longer than {MATROSKA_REWRITE_BYTES} bytes")
