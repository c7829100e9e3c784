"""Logical bitstreams of an Ogg file: multiplexed, chained, and what each one carries.

RFC 3533 §4 (multiplexing and chaining) and §6 (pages); the codecs' own mappings for header packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.containers._ogg_pages import (
    CONTINUED,
    FIRST,
    HEADER,
    LAST,
    Gap,
    PacketSource,
    Page,
    PageReader,
)
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import OGG_HEADER_PAGES, OGG_PACKET_BYTES, OGG_STREAMS
from noai.sources import ByteSource, chunks

#: A problem that hides a stream: some decoders play it all the same.
NEVER_BEGAN: Final = "a page belongs to a stream that never began"


@dataclass(frozen=True)
class Kind:
    """What a logical stream carries, told by how its first packet begins."""

    name: str
    magic: bytes
    #: Header packets in front of the data.
    headers: int = 1
    #: How the second packet begins where it is a comment block; None where there are no comments.
    comment: bytes | None = None
    #: Bytes in front of the comment block in the second packet.
    comment_at: int = 0
    audio: bool = False


VORBIS: Final = Kind("vorbis", b"\x01vorbis", 3, b"\x03vorbis", 7, audio=True)
OPUS: Final = Kind("opus", b"OpusHead", 2, b"OpusTags", 8, audio=True)
SKELETON: Final = Kind("skeleton", b"fishead\x00")
#: C2PA 2.4 A.3.5.
C2PA: Final = Kind("c2pa", b"\x00c2pa")
#: Whatever this is, it may be audio.
UNKNOWN: Final = Kind("unknown", b"", audio=True)
KINDS: Final = (
    VORBIS,
    OPUS,
    # https://xiph.org/flac/ogg_mapping.html: the second packet is a whole metadata block.
    Kind("flac", b"\x7fFLAC", 2, b"", 4, audio=True),
    Kind("speex", b"Speex   ", 2, b"", audio=True),
    Kind("theora", b"\x80theora", 3, b"\x81theora", 7),
    SKELETON,
    C2PA,
    Kind("kate", b"\x80kate\x00\x00\x00", 2, b"\x81kate\x00\x00\x00\x00", 9),
    Kind("dirac", b"BBCD\x00"),
    Kind("vp8", b"OVP80"),
)


def kind_of(start: bytes) -> Kind:
    return next((kind for kind in KINDS if start.startswith(kind.magic)), UNKNOWN)


class LogicalStream:
    """One stream, and its header packets as far as they have been met."""

    def __init__(self, source: ByteSource, kind: Kind, serial: int, link: int) -> None:
        self.kind = kind
        self.serial = serial
        #: Number of the chain link that it belongs to, from 0.
        self.link = link
        #: Header packets.
        self.packets: list[PacketSource] = []
        #: The pages that they lie on.
        self.header_pages: list[Page] = []
        #: Whether the last header packet ends where its page does, as every mapping demands.
        self.headers_fill_pages = True
        #: Whether pages are missing among those of the header packets.
        self.headers_broken = False
        self.ended = False
        self._source = source
        self._ranges: list[tuple[int, int]] = []
        self._bytes = 0
        self._sequence: int | None = None
        self._open = False

    @property
    def complete(self) -> bool:
        return len(self.packets) == self.kind.headers

    def accept(self, page: Page) -> Iterator[str]:
        """Take the next page of the stream; what is wrong with its place in it."""
        if self.ended:
            yield "pages follow the last page of a stream"
        if self._sequence is not None and page.sequence != (self._sequence + 1) & 0xFFFFFFFF:
            yield "pages of a stream are missing or out of order"
        if bool(page.flags & CONTINUED) != self._open:
            yield "a packet is continued on a page that does not continue it"
        self._sequence = page.sequence
        if page.lacing:
            self._open = page.lacing[-1] == 255
        self.ended = bool(page.flags & LAST)
        if self.ended and self._open:
            yield "the last packet of a stream is not finished"

    def take_headers(self, page: Page) -> int:
        """Keep where the header packets on ``page`` lie; the number of segments that they take there.

        Raises:
            LimitExceeded: for a packet beyond :data:`noai.limits.OGG_PACKET_BYTES`.
        """
        self.header_pages.append(page)
        start, lacing = page.body, page.lacing
        while lacing:
            after = lacing.lstrip(b"\xff")
            length = 255 * (len(lacing) - len(after)) + (after[0] if after else 0)
            self._ranges.append((start, length))
            self._bytes += length
            if self._bytes > OGG_PACKET_BYTES:
                raise LimitExceeded(f"an Ogg header packet beyond {OGG_PACKET_BYTES} bytes")
            if not after:
                break
            start, lacing = start + length, after[1:]
            self.packets.append(PacketSource(self._source, self._ranges))
            self._ranges, self._bytes = [], 0
            if self.complete:
                self.headers_fill_pages = not lacing
                return len(page.lacing) - len(lacing)
        return len(page.lacing)

    def comment_range(self) -> tuple[PacketSource, int]:
        """The packet with the comments, and where their block starts in it.

        Raises:
            ContainerMalformed: if the comment packet is missing, broken or another one.
        """
        magic = self.kind.comment
        if magic is None or len(self.packets) < 2 or self.headers_broken:
            raise ContainerMalformed(f"the comment header of a {self.kind.name} stream is not complete")
        packet = self.packets[1]
        if packet.read_at(0, len(magic)) != magic:
            raise ContainerMalformed(f"the second packet of a {self.kind.name} stream is no comment header")
        return packet, self.kind.comment_at


def framing_bytes(kind: Kind, packet: ByteSource, end: int) -> int:
    """How many bytes behind the last comment, which ends at ``end``, belong to the comment header.

    Raises:
        ContainerMalformed: if the framing bit of a Vorbis header is missing (Vorbis I §5.2.1).
    """
    if kind is not VORBIS:
        return 0
    if not any(byte & 1 for byte in packet.read_at(end, 1)):
        raise ContainerMalformed("the comment header of a vorbis stream has no framing bit")
    return 1


class Demultiplexer:
    """Gives each page to its logical stream, and keeps what contradicts RFC 3533."""

    def __init__(self, source: ByteSource) -> None:
        self.streams: list[LogicalStream] = []
        #: Sentences, each once, in the order in which they were met.
        self.problems: dict[str, None] = {}
        #: The first range in no page that holds something else than zeros.
        self.gap: Gap | None = None
        self._source = source
        self._current: dict[int, LogicalStream] = {}
        self._link = 0
        self._heads_over = False
        self._header_pages = 0

    def feed(self, found: Page | Gap) -> tuple[LogicalStream, int] | None:
        """The stream of a page, and how many of its segments belong to header packets.

        Raises:
            LimitExceeded: more streams than :data:`noai.limits.OGG_STREAMS`, more header pages than
                :data:`noai.limits.OGG_HEADER_PAGES`, or a header packet that is too long.
        """
        if isinstance(found, Gap):
            self._gap(found)
            return None
        if found.flags & FIRST:
            stream = self._begin(found)
        else:
            self._heads_over = True
            known = self._current.get(found.serial)
            if known is None:
                self.problems[NEVER_BEGAN] = None
                return None
            stream = known
        complete = stream.complete
        for problem in stream.accept(found):
            self.problems[problem] = None
            stream.headers_broken |= not complete
        if complete:
            return stream, 0
        self._header_pages += 1
        if self._header_pages > OGG_HEADER_PAGES:
            raise LimitExceeded(f"more than {OGG_HEADER_PAGES} Ogg pages with headers")
        return stream, stream.take_headers(found)

    def feed_heads(self) -> None:
        """Walk every page of the file, from header to header.

        There is no shorter way to all links of a chain: they may share one serial number, and the
        last may be a copy of the first, so that how the file ends says nothing of what stands in
        the middle. Bodies of pages are not read, which is one read of up to 282 bytes a page (of 4
        to 64 KiB); searching the whole file for first pages took four times as long.

        Raises:
            LimitExceeded: as :meth:`feed`, which keeps what was met before.
        """
        for found in PageReader(self._source, _WINDOW):
            self.feed(found)

    def _begin(self, page: Page) -> LogicalStream:
        if self._heads_over:
            if not all(stream.ended for stream in self._current.values()):
                self.problems["a stream begins before the streams in front of it have ended"] = None
            self._link += 1
            self._heads_over = False
            self._current = {}
        if any(stream.serial == page.serial for stream in self.streams):
            self.problems["two streams have one serial number"] = None
        if len(self.streams) == OGG_STREAMS:
            raise LimitExceeded(f"more than {OGG_STREAMS} streams in one Ogg file")
        kind = kind_of(self._source.read_at(page.body, min(page.end - page.body, 16)))
        stream = LogicalStream(self._source, kind, page.serial, self._link)
        self.streams.append(stream)
        self._current[page.serial] = stream
        return stream

    def _gap(self, gap: Gap) -> None:
        if gap.cut:
            self.problems["the file ends within a page"] = None
            return
        self.problems["bytes lie between or behind the pages"] = None
        if self.gap is None and any(map(any, chunks(self._source, gap.offset, gap.end))):
            self.gap = gap


#: One read of a page's header while walking headers only: no more than the longest one needs.
_WINDOW: Final = HEADER.size + 255


def read_heads(source: ByteSource) -> Demultiplexer:
    """All streams with their header packets, without a look at the bodies of other pages.

    Raises:
        LimitExceeded: too many streams, or a header packet that is too long.
    """
    demultiplexer = Demultiplexer(source)
    demultiplexer.feed_heads()
    return demultiplexer
