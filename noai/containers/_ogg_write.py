"""Comment headers of an Ogg file replaced; every page that need not change stays as it is.

Only the pages that a comment packet lies on are written anew, with the packets that share them, onto as many
pages as before wherever they fit, so that all other pages only move. Else the rest of the same stream is
numbered anew (RFC 3533 §6).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from noai.containers import _ogg_flac
from noai.containers._area import AreaBuilder
from noai.containers._ogg_kinds import AUDIO, FLAC, SKELETON
from noai.containers._ogg_pages import (
    CHECKSUM_AT,
    LAST,
    SEQUENCE_AT,
    Page,
    PageReader,
    checksum,
    paginate,
    with_checksum,
)
from noai.containers._ogg_streams import Demultiplexer, LogicalStream, framing_bytes, read_heads
from noai.containers._splices import Splice, apply, growth
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


@dataclass(frozen=True)
class _Run:
    """Header pages of one stream that are written anew, and what they become."""

    stream: LogicalStream
    #: Numbers of the first and the last of them.
    first: int
    last: int
    pages: list[bytes]

    @property
    def added(self) -> int:
        return len(self.pages) - (self.last - self.first + 1)

    def splices(self) -> list[Splice]:
        """Page by page, because pages of other streams may lie between."""
        old = self.stream.header_pages[self.first : self.last + 1]
        new = [*self.pages[: len(old)], *[b""] * -min(0, self.added)]
        new[-1] += b"".join(self.pages[len(old) :])
        pairs = zip(old, new, strict=True)
        return [Splice(page.offset, page.end - page.offset, data) for page, data in pairs]


def write_tags(file: BinaryIO, edit: TagEdit) -> None:
    """Apply ``edit``: markers and statement go to the first audio stream with comments, others lose theirs.

    Video too: ffmpeg writes what it knows of a file into all of its streams.

    Raises:
        EssenceUnbindable: if the pages contradict RFC 3533, so that writing them anew could change
            what is played.
        MarkError: if the comments cannot be read or written within the limits.
    """
    try:
        source = FileSource(file)
        heads = read_heads(source)
        require_sound(source, heads)
        runs = _edited_runs(heads, edit)
        splices = [splice for run in runs for splice in run.splices()]
        if growth(splices) and any(has_index(stream) for stream in heads.streams):
            raise MarkError("a Skeleton track holds page offsets, which a mark would make wrong")
        apply(file, splices)
        if any(run.added for run in runs):
            _renumber(file, runs)
    except ContainerError as error:
        raise MarkError(f"the comments cannot be written: {error}") from error


def require_sound(source: FileSource, heads: Demultiplexer) -> None:
    """Raises EssenceUnbindable if pages cannot be moved and written without changing what is played."""
    for problem in heads.problems:
        raise EssenceUnbindable(f"the Ogg pages are not sound: {problem}")
    for stream in heads.streams:
        if not stream.headers_fill_pages or (stream.complete and not stream.ends_page[0]):
            raise EssenceUnbindable("header packets do not begin and end with pages of their own")
        if stream.kind is FLAC:
            for problem in _ogg_flac.problems(stream.packets):
                raise EssenceUnbindable(problem)
        for page in stream.header_pages:
            raw = read_exactly(source, page.offset, page.end - page.offset)
            if raw[CHECKSUM_AT : CHECKSUM_AT + 4] != checksum(raw):
                raise EssenceUnbindable(_BROKEN)


def has_index(stream: LogicalStream) -> bool:
    """Whether it is a Skeleton track with the byte offsets of pages, which no page may then change."""
    if stream.kind is not SKELETON or not stream.packets:
        return False
    return int.from_bytes(stream.packets[0].read_at(8, 2), "little") >= _SKELETON_WITH_INDEX


# -- what changes ----------------------------------------------------------------------------


def _edited_runs(heads: Demultiplexer, edit: TagEdit) -> list[_Run]:
    area = AreaBuilder()
    first = True
    runs: list[_Run] = []
    for stream in heads.streams:
        packets: dict[int, bytes] = {}
        for number in stream.comment_numbers:
            takes = first and stream.kind in AUDIO
            packet = _comment_packet(stream, number, edit, area, first=takes)
            if packet is not None:
                packets[number] = packet
            first = first and not takes
        if packets:
            runs += _runs(stream, packets)
    if first:
        raise MarkError("there is no audio stream with comments")
    return runs


def _comment_packet(
    stream: LogicalStream, number: int, edit: TagEdit, area: AreaBuilder, *, first: bool
) -> bytes | None:
    """The edited comment packet, None if nothing changes. Zeros behind the comments take up its growth."""
    packet, start = stream.comment_packet(number), stream.kind.comment_at
    block = parse(packet, start, packet.size, area)
    new = edited(packet, block, edit, first=first)
    if new == read_exactly(packet, start, block.end - start):
        return None
    framing = framing_bytes(stream.kind, packet, block.end)
    padding = read_exactly(packet, block.end + framing, packet.size - block.end - framing)
    added = len(new) - (block.end - start)
    if not any(padding) and 0 <= added <= len(padding):
        padding = bytes(len(padding) - added)
    written = read_exactly(packet, 0, start) + new + read_exactly(packet, block.end, framing) + padding
    if len(written) > (_ogg_flac.LARGEST_PACKET if stream.kind is FLAC else OGG_PACKET_BYTES):
        raise MarkError("the comments have no room for a mark: their packet is too long")
    parse(BytesSource(written), start, len(written), AreaBuilder())
    return _ogg_flac.with_length(written) if stream.kind is FLAC else written


def _runs(stream: LogicalStream, packets: Mapping[int, bytes]) -> list[_Run]:
    """The runs of header pages that hold ``packets``, each from where a packet begins to where one ends."""
    runs: list[_Run] = []
    added = 0
    done = 0
    for number in sorted(packets):
        if number <= done:
            continue
        begin = done = number
        while not stream.ends_page[begin - 1]:
            begin -= 1
        while not stream.ends_page[done]:
            done += 1
        old = stream.packets[begin : done + 1]
        if sum(packet.size for packet in old) > 2 * OGG_PACKET_BYTES:
            raise MarkError("the header packets on the pages of the comments are too long")
        data = [
            packets.get(each) or read_exactly(packet, 0, packet.size)
            for each, packet in enumerate(old, start=begin)
        ]
        first, last = stream.spans[begin][0], stream.spans[done][1]
        old_pages = stream.header_pages[first : last + 1]
        sequence = old_pages[0].sequence + added
        pages = paginate(data, len(old_pages), stream.serial, sequence, old_pages[-1].flags & LAST)
        runs.append(_Run(stream, first, last, pages))
        added += runs[-1].added
    return runs


def _renumber(file: BinaryIO, runs: Sequence[_Run]) -> None:
    """Number the pages of each stream that has another number of them now, from its first page on."""
    following = {run.stream.serial: run.stream.header_pages[0].sequence for run in runs if run.added}
    reader = PageReader(FileSource(file), READ_SIZE)
    for page in reader:
        if not isinstance(page, Page) or page.serial not in following:
            continue
        sequence = following[page.serial]
        following[page.serial] = sequence + 1 & 0xFFFFFFFF
        if page.sequence == sequence:
            continue
        if not reader.checksum_holds(page):
            raise EssenceUnbindable(_BROKEN)
        raw = bytearray(reader.raw(page))
        struct.pack_into("<I", raw, SEQUENCE_AT, sequence)
        numbered = with_checksum(bytes(raw))
        file.seek(page.offset + SEQUENCE_AT)
        file.write(numbered[SEQUENCE_AT : CHECKSUM_AT + 4])
