"""Ogg files with Vorbis or Opus audio (RFC 3533, the Vorbis I specification, RFC 7845)."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import BinaryIO, Final

from noai.codes import Code
from noai.containers import _ogg_essence, _ogg_write
from noai.containers._area import AreaBuilder
from noai.containers._inventory import Foreign, sha256
from noai.containers._ogg_pages import FIRST, Page, PageReader
from noai.containers._ogg_streams import (
    C2PA,
    NEVER_BEGAN,
    OPUS,
    UNKNOWN,
    VORBIS,
    Demultiplexer,
    LogicalStream,
    framing_bytes,
    kind_of,
    read_heads,
)
from noai.containers._opus import OpusHead
from noai.containers._vorbis import collect, parse
from noai.containers._vorbis_edit import inventory
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import EssenceReading
from noai.limits import KIB, OGG_STREAMS, READ_SIZE
from noai.sources import ByteSource, chunks, read_exactly

OGG_VORBIS: Final = ContainerName("ogg-vorbis")
OGG_OPUS: Final = ContainerName("ogg-opus")


class Ogg:
    """Vorbis and Opus in Ogg. There is no standard place for XMP, and c2pa writes no Ogg."""

    names = (OGG_VORBIS, OGG_OPUS)
    writable = True
    c2pa_type: str | None = None
    has_xmp = False

    def detect(self, source: ByteSource) -> ContainerName | None:
        """By the first stream that is Vorbis or Opus, of those whose first pages begin the file."""
        if source.read_at(0, 4) != b"OggS":
            return None
        for number, page in enumerate(PageReader(source, KIB)):
            if number == OGG_STREAMS or not isinstance(page, Page) or not page.flags & FIRST:
                return None
            kind = kind_of(source.read_at(page.body, 16))
            if kind is VORBIS:
                return OGG_VORBIS
            if kind is OPUS:
                return OGG_OPUS
        return None

    def read_tags(self, source: ByteSource) -> TagArea:
        """The comments of all streams of all chain links, video too.

        What is wrong with one comment header is a note, so that the others still count; so is a
        limit that was reached.
        """
        area = AreaBuilder()
        heads = Demultiplexer(source)
        try:
            heads.feed_heads()
        except LimitExceeded as limit:
            area.note(Code.LIMIT_EXCEEDED, str(limit))
        try:
            _read_comments(heads, area)
        except LimitExceeded as limit:
            area.note(Code.LIMIT_EXCEEDED, str(limit))
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        return _ogg_essence.read_essence(source)

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """Comments, vendors, what follows them, Opus output gains, and streams other than Vorbis and Opus.

        Raises:
            ContainerMalformed, LimitExceeded: if a comment header cannot be read to its end.
        """
        items: Counter[str] = Counter()
        area, foreign = AreaBuilder(), Foreign(edit)
        heads = read_heads(source)
        for stream in heads.streams:
            if stream.kind is OPUS and stream.packets:
                head = OpusHead.parse(read_exactly(stream.packets[0], 0, stream.packets[0].size))
                items[f"Opus output gain={head.output_gain}"] += 1
            if stream.kind in (VORBIS, OPUS):
                packet, start = stream.comment_range()
                block = parse(packet, start, packet.size, area)
                items.update(inventory(packet, block, foreign))
                rest = block.end + framing_bytes(stream.kind, packet, block.end)
                if any(map(any, chunks(packet, rest, packet.size))):
                    items[f"behind the comments={sha256(packet, rest, packet.size)}"] += 1
        items.update(_other_streams(source, heads))
        return items

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """Comments only; ``edit.data_mining`` has no place here.

        Raises:
            EssenceUnbindable, MarkError: if the pages or comments cannot be written safely.
        """
        _ogg_write.write_tags(file, edit)

    def prepare_manifest(self, file: BinaryIO) -> None:
        """Nothing to do: the C2PA library writes no Ogg."""


def _read_comments(heads: Demultiplexer, area: AreaBuilder) -> None:
    commented = 0
    for stream in heads.streams:
        if stream.kind is C2PA:
            area.note(Code.C2PA_UNREAD, "a C2PA manifest in an Ogg stream of its own is not read yet")
        elif stream.kind is UNKNOWN:
            area.note(Code.TAG_UNREADABLE, "an Ogg stream of an unknown kind was not read")
        elif stream.kind.comment is not None:
            _read_comment(stream, area)
            commented += 1
    if commented > 1:
        area.note(Code.TAG_DUPLICATE, f"{commented} streams have comments; all were read")
    if heads.gap is not None:
        length = heads.gap.end - heads.gap.offset
        area.note(Code.TAG_UNREADABLE, f"{length} bytes at {heads.gap.offset} are in no Ogg page")
    if NEVER_BEGAN in heads.problems:
        area.note(Code.TAG_UNREADABLE, NEVER_BEGAN)


def _read_comment(stream: LogicalStream, area: AreaBuilder) -> None:
    place = "Vorbis comment" if not stream.link else f"Vorbis comment (link {stream.link + 1})"
    try:
        packet, start = stream.comment_range()
        collect(packet, start, packet.size, place, area, framing=stream.kind is VORBIS)
    except ContainerMalformed as error:
        area.note(Code.TAG_UNREADABLE, f"{place}: {error}")


def _other_streams(source: ByteSource, heads: Demultiplexer) -> Counter[str]:
    """Streams other than Vorbis and Opus, C2PA apart, by the digest of what their pages hold."""
    others = {
        stream.serial: hashlib.sha256(stream.kind.name.encode())
        for stream in heads.streams
        if stream.kind not in (VORBIS, OPUS, C2PA)
    }
    if not others:
        return Counter()
    reader = PageReader(source, READ_SIZE)
    for page in reader:
        if isinstance(page, Page) and page.serial in others:
            others[page.serial].update(reader.body(page))
    return Counter(f"Ogg stream={digest.hexdigest()}" for digest in others.values())
