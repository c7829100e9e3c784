"""Comment headers of an Ogg file replaced; every page that need not change stays as it is.

The header packets of a stream are laid onto as many pages as before wherever they fit, so that the
pages of audio only move. Else those of the same stream are numbered anew (RFC 3533 §6).
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from noai.containers._area import AreaBuilder
from noai.containers._ogg_pages import (
    CHECKSUM_AT,
    LAST,
    SEQUENCE_AT,
    Page,
    PageReader,
    checksum,
    count_pages,
    paginate,
    with_checksum,
)
from noai.containers._ogg_streams import (
    OPUS,
    SKELETON,
    VORBIS,
    Demultiplexer,
    LogicalStream,
    framing_bytes,
    read_heads,
)
from noai.containers._splices import Splice, apply
from noai.containers._vorbis import parse
from noai.containers._vorbis_edit import edited
from noai.containers.interface import TagEdit
from noai.errors import ContainerError, EssenceUnbindable, MarkError
from noai.limits import OGG_PACKET_BYTES, READ_SIZE
from noai.sources import BytesSource, FileSource, read_exactly

#: Skeleton tracks since this version hold byte offsets of pages.
_SKELETON_WITH_INDEX: Final = 4
#: A new checksum would make decoders play a page that they skip.
_BROKEN: Final = "the checksum of an Ogg page is wrong"


def write_tags(file: BinaryIO, edit: TagEdit) -> None:
    """Apply ``edit``: markers and statement go to the first Vorbis or Opus stream, others lose theirs.

    Raises:
        EssenceUnbindable: if the pages contradict RFC 3533, so that writing them anew could change
            what is played.
        MarkError: if the comments cannot be read or written within the limits.
    """
    try:
        source = FileSource(file)
        heads = read_heads(source)
        _require_sound(source, heads)
        area = AreaBuilder()
        first = True
        for number, stream in enumerate(heads.streams):
            if stream.kind in (VORBIS, OPUS):
                # Read again, because an edit of one stream moves the pages of the others.
                stream = read_heads(FileSource(file)).streams[number]
                packet = _comment_packet(stream, edit, area, first=first)
                if packet is not None:
                    _replace(file, stream, packet, heads)
                first = False
        if first:
            raise MarkError("there is no Vorbis or Opus stream")
    except ContainerError as error:
        raise MarkError(f"the comments cannot be written: {error}") from error


def _require_sound(source: FileSource, heads: Demultiplexer) -> None:
    for problem in heads.problems:
        raise EssenceUnbindable(f"the Ogg pages are not sound: {problem}")
    for stream in heads.streams:
        if not stream.headers_fill_pages or (len(stream.header_pages) == 1 and stream.kind.headers > 1):
            raise EssenceUnbindable("header packets do not begin and end with pages of their own")
        for page in stream.header_pages:
            raw = read_exactly(source, page.offset, page.end - page.offset)
            if raw[CHECKSUM_AT : CHECKSUM_AT + 4] != checksum(raw):
                raise EssenceUnbindable(_BROKEN)


def _comment_packet(stream: LogicalStream, edit: TagEdit, area: AreaBuilder, *, first: bool) -> bytes | None:
    """The edited comment packet, None if nothing changes. Zeros behind the comments take up its growth."""
    packet, start = stream.comment_range()
    block = parse(packet, start, packet.size, area)
    new = edited(packet, block, edit, first=first)
    if new == read_exactly(packet, start, block.end - start):
        return None
    framing = framing_bytes(stream.kind, packet, block.end)
    padding = read_exactly(packet, block.end + framing, packet.size - block.end - framing)
    growth = len(new) - (block.end - start)
    if not any(padding) and 0 <= growth <= len(padding):
        padding = bytes(len(padding) - growth)
    head = read_exactly(packet, 0, start)
    written = head + new + read_exactly(packet, block.end, framing) + padding
    if len(written) > OGG_PACKET_BYTES:
        raise MarkError("the comments have no room for a mark: their packet is too long")
    parse(BytesSource(written), start, len(written), AreaBuilder())
    return written


def _replace(file: BinaryIO, stream: LogicalStream, comment: bytes, heads: Demultiplexer) -> None:
    source = FileSource(file)
    pages = stream.header_pages[1:]
    start, end = pages[0].offset, pages[-1].end
    if end - start > 2 * OGG_PACKET_BYTES:
        raise MarkError("the header pages are spread too far over the file")
    rest = [read_exactly(packet, 0, packet.size) for packet in stream.packets[2:]]
    written = paginate([comment, *rest], len(pages), stream.serial, pages[0].sequence, pages[-1].flags & LAST)
    added = count_pages(written) - len(pages)
    written += _pages_between(source, start, end, stream.serial)
    if len(written) != end - start and any(_has_index(other) for other in heads.streams):
        raise MarkError("a Skeleton track holds page offsets, which a mark would make wrong")
    apply(file, [Splice(start, end - start, written)])
    if added:
        _renumber(file, start + len(written), stream.serial, added)


def _pages_between(source: FileSource, start: int, end: int, serial: int) -> bytes:
    """The pages of other streams that lie among the header pages of one."""
    reader = PageReader(source, READ_SIZE, start)
    others: list[bytes] = []
    for page in reader:
        if page.offset >= end:
            break
        if isinstance(page, Page) and page.serial != serial:
            others.append(reader.raw(page))
    return b"".join(others)


def _has_index(stream: LogicalStream) -> bool:
    if stream.kind is not SKELETON or not stream.packets:
        return False
    return int.from_bytes(stream.packets[0].read_at(8, 2), "little") >= _SKELETON_WITH_INDEX


def _renumber(file: BinaryIO, start: int, serial: int, added: int) -> None:
    reader = PageReader(FileSource(file), READ_SIZE, start)
    for page in reader:
        if not isinstance(page, Page) or page.serial != serial:
            continue
        if not reader.checksum_holds(page):
            raise EssenceUnbindable(_BROKEN)
        raw = bytearray(reader.raw(page))
        struct.pack_into("<I", raw, SEQUENCE_AT, page.sequence + added & 0xFFFFFFFF)
        numbered = with_checksum(bytes(raw))
        file.seek(page.offset + SEQUENCE_AT)
        file.write(numbered[SEQUENCE_AT : CHECKSUM_AT + 4])
        if page.flags & LAST:
            break
