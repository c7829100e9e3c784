"""Marking a Matroska file: the tags change, and what must move for them; nothing else does."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from noai.containers._ebml import CRC32, VOID, ElementReader, render_id, render_size, size_width
from noai.containers._mkv_edit import choose_host, edited, new_block
from noai.containers._mkv_layout import Segment, read_layout
from noai.containers._mkv_pieces import Piece, cut
from noai.containers._mkv_places import Row, settle
from noai.containers._mkv_positions import moved_cluster
from noai.containers._mkv_schema import CLUSTER, TAGS
from noai.containers._mkv_tags import marked, read_block
from noai.containers._splices import Splice, apply
from noai.containers.interface import TagEdit
from noai.errors import ContainerError, EssenceUnbindable, MarkError
from noai.limits import MATROSKA_BLOCKS
from noai.sources import ByteSource, FileSource, chunks


def write_tags(file: BinaryIO, edit: TagEdit) -> None:
    """Markers and statement go into tags about the whole file, in the first Tags element that has such.

    Raises:
        EssenceUnbindable: if the elements contradict each other.
        MarkError: if tags or positions cannot be read or written within the limits.
    """
    try:
        source = FileSource(file)
        layout = read_layout(source)
        for problem in layout.problems:
            raise EssenceUnbindable(f"the elements are not sound: {problem.message}")
        segment = layout.segments[0]
        apply(file, _plan(source, segment, edit))
        _check_sum(file, segment)
    except ContainerError as error:
        raise MarkError(f"the tags cannot be written: {error}") from error


def _plan(source: ByteSource, segment: Segment, edit: TagEdit) -> list[Splice]:
    reader = ElementReader(source)
    blocks = [read_block(reader, element) for element in segment.all(TAGS)]
    host = choose_host(blocks)
    changed: dict[int, bytes] = {}
    for block in blocks:
        data = edited(reader, block, edit, host=block is host)
        if data is not None:
            changed[block.element.start] = data
    if host is None:
        start, new = None, new_block(edit)
    else:
        start = host.element.start
        new = changed.get(start, b"")
    dirty = {void.start for void in segment.all(VOID) if marked(source, void)}
    if not changed and not new and not dirty:
        return []

    def make() -> list[Piece]:
        return cut(segment, changed, start, dirty)

    row = settle(source, segment, make, new, appendable=_is_appendable(segment))
    return [*row.splices(), *_cluster_splices(source, segment, row), *_resized(segment, row.growth)]


def _is_appendable(segment: Segment) -> bool:
    """Whether what is put at the end is told from the last cluster by everybody (RFC 8794 §6.2)."""
    return bool(segment.elements) and segment.elements[-1].sized


def _cluster_splices(source: ByteSource, segment: Segment, row: Row) -> list[Splice]:
    if not row.moves_clusters:
        return []
    reader = ElementReader(source, MATROSKA_BLOCKS)
    splices: list[Splice] = []
    for cluster in segment.all(CLUSTER):
        position = row.where(cluster.start - segment.element.data)
        if position is not None:
            splices += moved_cluster(reader, cluster, position)
    return splices


def _resized(segment: Segment, growth: int) -> list[Splice]:
    """The size of the segment. If its field is too short, it moves everything, and no position with it."""
    element = segment.element
    if not element.sized or not growth:
        return []
    header = render_id(element.id) + render_size(element.length + growth, size_width(element))
    return [Splice(element.start, element.data - element.start, header)]


def _check_sum(file: BinaryIO, segment: Segment) -> None:
    """The checksum over the whole segment, where there is one."""
    if not segment.elements or segment.elements[0].id != CRC32:
        return
    source = FileSource(file)
    written = read_layout(source).segments[0]
    first = written.elements[0]
    if first.length != 4:
        raise EssenceUnbindable("the checksum of the segment is malformed")
    crc = 0
    for block in chunks(source, first.end, written.element.end):
        crc = zlib.crc32(block, crc)
    file.seek(first.data)
    file.write(crc.to_bytes(4, "little"))
    file.flush()
