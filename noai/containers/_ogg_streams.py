"""Logical bitstreams of an Ogg file, multiplexed and chained, and their header packets.

RFC 3533 §4 (multiplexing and chaining) and §6 (pages); the codecs' own mappings for header packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from noai.containers import _ogg_flac
from noai.containers._ogg_kinds import FLAC, MAGIC_BYTES, VORBIS, Kind, kind_of
from noai.containers._ogg_pages import (
    CONTINUED,
    FIRST,
    LAST,
    NO_GRANULE,
    Gap,
    PacketSource,
    Page,
    PageWalk,
)
from noai.containers._ogg_runs import Place, Run
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import BOXES, OGG_HEADER_PAGES, OGG_PACKET_BYTES, OGG_STREAMS
from noai.sources import ByteSource, chunks

#: A problem that hides a stream: some decoders play it all the same.
NEVER_BEGAN: Final = "a page belongs to a stream that never began"


class LogicalStream:
    """One stream, and its header packets as far as they have been met."""

    def __init__(self, source: ByteSource, kind: Kind, serial: int, link: int) -> None:
        self.kind = kind
        self.serial = serial
        #: Number of the chain link that it belongs to, from 0.
        self.link = link
        #: Header packets.
        self.packets: list[PacketSource] = []
        #: The numbers of the header pages on which each of them begins and ends.
        self.spans: list[tuple[int, int]] = []
        #: Whether each of them ends where its last page does.
        self.ends_page: list[bool] = []
        #: The pages that they lie on.
        self.header_pages: list[Page] = []
        #: Whether there are no more header packets.
        self.complete = False
        #: Whether the last header packet ends where its page does, as every mapping demands.
        self.headers_fill_pages = True
        #: Whether pages are missing among those of the header packets.
        self.headers_broken = False
        #: Whether anything follows the header packets.
        self.has_data = False
        #: Whether a granule position is lower than the one before.
        self.goes_back = False
        self.ended = False
        self._source = source
        self._ranges: list[tuple[int, int]] = []
        self._begin = 0
        self._bytes = 0
        self._sequence: int | None = None
        self._granule = NO_GRANULE
        self._open = False

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
        if page.granule != NO_GRANULE:
            self.goes_back |= page.granule < self._granule
            self._granule = page.granule
        self.ended = bool(page.flags & LAST)
        if self.ended and self._open:
            yield "the last packet of a stream is not finished"

    def follows(self, page: Page) -> bool:
        """Take the next page if nothing at all is to be said of it, which is so of nearly every one."""
        if (
            page.sequence - 1 != self._sequence
            or page.flags != (CONTINUED if self._open else 0)
            or self.ended
            or not page.lacing
            or page.granule < self._granule
        ):
            return False
        self._sequence = page.sequence
        self._granule = page.granule
        self._open = page.lacing[-1] == 255
        self.has_data = True
        return True

    @property
    def place(self) -> Place | None:
        """What its next page is compared with; None where that has to be looked at closely."""
        if self.ended or not self.complete or self._sequence is None:
            return None
        return Place(self.serial, self._sequence, CONTINUED if self._open else 0, self._granule)

    def follow_to(self, place: Place) -> None:
        """Take the next pages up to the one that ``place`` tells of, as :meth:`follows` does one."""
        self._sequence = place.sequence
        self._granule = place.granule
        self._open = place.flags == CONTINUED
        self.has_data = True

    def take_headers(self, page: Page) -> int:
        """Keep where the header packets on ``page`` lie; the number of segments that they take there.

        Raises:
            LimitExceeded: for a packet beyond :data:`noai.limits.OGG_PACKET_BYTES`, or more packets than
                :data:`noai.limits.BOXES`.
        """
        self.header_pages.append(page)
        start, lacing = page.body, page.lacing
        while lacing:
            if not self._ranges:
                if self._has_begun_audio(start):
                    return self._end_headers(page, lacing)
                self._begin = len(self.header_pages) - 1
            after = lacing.lstrip(b"\xff")
            length = 255 * (len(lacing) - len(after)) + (after[0] if after else 0)
            self._ranges.append((start, length))
            self._bytes += length
            if self._bytes > OGG_PACKET_BYTES:
                raise LimitExceeded(f"an Ogg header packet beyond {OGG_PACKET_BYTES} bytes")
            if not after:
                break
            start, lacing = start + length, after[1:]
            self._finish_packet(ends_page=not lacing)
            if self._is_last_header():
                return self._end_headers(page, lacing)
        return len(page.lacing)

    def _has_begun_audio(self, offset: int) -> bool:
        return self.kind is FLAC and bool(self.packets) and _ogg_flac.begins_audio(self._source, offset)

    def _finish_packet(self, *, ends_page: bool) -> None:
        if len(self.packets) == BOXES:
            raise LimitExceeded(f"more than {BOXES} header packets in one Ogg stream")
        self.packets.append(PacketSource(self._source, self._ranges))
        self.spans.append((self._begin, len(self.header_pages) - 1))
        self.ends_page.append(ends_page)
        self._ranges, self._bytes = [], 0

    def _is_last_header(self) -> bool:
        if self.kind is FLAC:
            return _ogg_flac.is_last_header(self.packets[-1], first=len(self.packets) == 1)
        return len(self.packets) == self.kind.headers

    def _end_headers(self, page: Page, lacing: bytes) -> int:
        """``lacing`` is what of ``page`` is left behind the header packets."""
        self.complete = True
        taken = len(page.lacing) - len(lacing)
        if taken:
            self.headers_fill_pages = not lacing
        else:
            self.header_pages.pop()
        self.has_data = bool(lacing)
        return taken

    @property
    def comment_numbers(self) -> list[int]:
        """Which header packets hold comments. FLAC may have several, or none."""
        if self.kind is FLAC:
            return list(_ogg_flac.comment_packets(self.packets))
        return [1] if self.kind.comment is not None else []

    def comment_packet(self, number: int) -> PacketSource:
        """The packet with comments, which begin at :attr:`Kind.comment_at`.

        Raises:
            ContainerMalformed: if it is missing, broken or another one.
        """
        magic = self.kind.comment or b""
        if len(self.packets) <= number or self.headers_broken:
            raise ContainerMalformed(f"the comment header of a {self.kind.name} stream is not complete")
        packet = self.packets[number]
        if packet.read_at(0, len(magic)) != magic:
            raise ContainerMalformed(f"the second packet of a {self.kind.name} stream is no comment header")
        return packet


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
            stream.has_data |= bool(found.lacing)
            return stream, 0
        self._header_pages += 1
        if self._header_pages > OGG_HEADER_PAGES:
            raise LimitExceeded(f"more than {OGG_HEADER_PAGES} Ogg pages with headers")
        return stream, stream.take_headers(found)

    def follow(self, stream: LogicalStream, run: Run) -> None:
        """The pages of ``run``, which are the next of ``stream``, and the next of the file."""
        self._heads_over = True
        stream.follow_to(run.place)

    def feed_heads(self) -> None:
        """Walk every page of the file, from header to header.

        There is no shorter way to all links of a chain: they may share one serial number, and the
        last may be a copy of the first, so that how the file ends says nothing of what stands in
        the middle. :class:`noai.containers._ogg_front.Front` does believe it.

        Raises:
            LimitExceeded: as :meth:`feed`, which keeps what was met before.
        """
        for found in PageWalk(self._source):
            if not self._follow_on(found):
                self.feed(found)

    def _follow_on(self, found: Page | Gap) -> bool:
        """Take a page of which nothing is to be said: not of its place, and no header is on it."""
        if isinstance(found, Gap) or found.flags & FIRST:
            return False
        stream = self._current.get(found.serial)
        if stream is None or not stream.complete or not stream.follows(found):
            return False
        self._heads_over = True
        return True

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
        kind = kind_of(self._source.read_at(page.body, min(page.end - page.body, MAGIC_BYTES)))
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


def read_heads(source: ByteSource) -> Demultiplexer:
    """All streams with their header packets, without a look at the bodies of other pages.

    Raises:
        LimitExceeded: too many streams, or a header packet that is too long.
    """
    demultiplexer = Demultiplexer(source)
    demultiplexer.feed_heads()
    return demultiplexer
