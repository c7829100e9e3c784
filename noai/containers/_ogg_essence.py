"""The essence of an Ogg file: the packets of its Vorbis, Opus, FLAC and Speex streams.

Streams count in the order in which they begin, those of one chain link before those of the next.
Streams that are not audio (video, subtitles, Skeleton, C2PA) are in no digest. Codec ids and canonical
configurations:

``vorbis``: u32le length and bytes of the identification header, the same of the setup header.
``opus``: :meth:`noai.containers._opus.OpusHead.configuration`.
``flac-packets``: :func:`noai.containers._ogg_flac.configuration`, that of FLAC in MP4.
``speex``: :meth:`noai.containers._ogg_speex.SpeexHeader.configuration`.

Payload and packet lengths are those of all packets behind the headers; behind the first two, for Speex. FLAC
packets without a byte do not count: ffmpeg's encoder ends a stream with one, which no remux keeps.
Comment headers, pages, granule positions and serial numbers are out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import accumulate, compress
from typing import Final

from noai.codes import Code
from noai.containers import _ogg_flac
from noai.containers._ogg_durations import durations_of
from noai.containers._ogg_granules import Timeline
from noai.containers._ogg_kinds import AUDIO, FLAC, OPUS, SPEEX
from noai.containers._ogg_pages import PacketSource, Page, PageReader, split_lacing
from noai.containers._ogg_runs import Stretch, read_run
from noai.containers._ogg_speex import SpeexHeader
from noai.containers._ogg_streams import Demultiplexer, LogicalStream
from noai.containers._opus import OpusHead
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.limits import CODEC_HEADER_BYTES, KIB, OGG_PACKET_BYTES
from noai.sources import ByteSource, read_exactly

_VORBIS_IDENTIFICATION_BYTES: Final = 30
#: One read. What is made of it, three times as much, stays in the cache of one processor.
_WINDOW: Final = 256 * KIB


class _AudioStream:
    """Hashes the audio packets of one logical stream, page by page."""

    def __init__(self, stream: LogicalStream) -> None:
        self.hasher = StreamHasher(stream.kind.codec, _configuration(stream), packets=True)
        self._timeline = Timeline(durations_of(stream))
        self._is_flac = stream.kind is FLAC
        self._strange = False
        self._carried = 0

    def page(self, page: Page, body: bytes, headers: int) -> None:
        """``headers`` are the segments of ``page`` that belong to header packets."""
        lacing = page.lacing
        if headers:
            body, lacing = body[sum(lacing[:headers]) :], lacing[headers:]
        self.take(Stretch(lacing, body, page.granule))

    def can_run(self) -> bool:
        """Whether several pages may be taken at once: not in a packet that is about to be too long."""
        return self._timeline.has_begun and self._carried <= OGG_PACKET_BYTES - _WINDOW

    def take(self, stretch: Stretch) -> None:
        """One page, or what several hold together."""
        body = stretch.body
        lengths, rest = split_lacing(stretch.lacing)
        continued, unfinished = self._carried > 0, rest > 0
        starts = _starts(lengths, rest, continued=continued)
        self._timeline.page(stretch.granule, body, starts, continued=continued, unfinished=unfinished)
        if self._is_flac:
            self._strange |= any(body[start : start + 2] not in _ogg_flac.SYNCS for start in starts)
        if lengths:
            lengths[0] += self._carried
            self._carried = 0
        self._carried += rest
        if self._carried > OGG_PACKET_BYTES:
            raise LimitExceeded(f"an Ogg packet beyond {OGG_PACKET_BYTES} bytes")
        if self._is_flac:
            lengths = [length for length in lengths if length]
        self.hasher.packet_lengths(struct.pack(f"<{len(lengths)}I", *lengths), len(lengths))
        self.hasher.update(body)

    def violations(self) -> Iterator[Violation]:
        for problem in self._timeline.problems():
            yield Violation(Code.OGG_GRANULES, problem)
        if self._strange:
            yield Violation(Code.FLAC_SYNC, "a packet behind the FLAC metadata is not an audio frame")


def _starts(lengths: list[int], rest: int, *, continued: bool) -> list[int]:
    """Where packets begin in the body of a page, those without a byte left out."""
    pieces = [*lengths, rest] if rest else lengths
    starts = list(accumulate(pieces, initial=0))
    starts.pop()
    if continued:
        starts, pieces = starts[1:], pieces[1:]
    return list(compress(starts, pieces)) if 0 in pieces else starts


def read_essence(source: ByteSource) -> EssenceReading:
    """
    Raises:
        ContainerMalformed: if an audio stream lacks a header packet or has a malformed one.
        LimitExceeded: for more streams or larger header packets than are read.
    """
    demultiplexer = Demultiplexer(source)
    reader = PageReader(source, _WINDOW)
    audio: dict[LogicalStream, _AudioStream] = {}
    broken = False
    for found in reader:
        fed = demultiplexer.feed(found)
        if not isinstance(found, Page):
            continue
        broken |= not reader.checksum_holds(found)
        if fed is None:
            continue
        stream, headers = fed
        if stream.kind in AUDIO and stream.complete:
            if stream not in audio:
                audio[stream] = _AudioStream(stream)
            if not headers or headers < len(found.lacing):
                audio[stream].page(found, reader.body(found), headers)
            if stream.place is not None and audio[stream].can_run():
                run = read_run(*reader.ahead(), stream.place)
                if run is None:
                    continue
                demultiplexer.follow(stream, run)
                reader.skip(run.length)
                broken |= not run.checksums_hold
                for stretch in run.stretches:
                    audio[stream].take(stretch)
    for stream in demultiplexer.streams:
        if stream.kind in AUDIO and not stream.complete:
            raise ContainerMalformed(f"the header packets of a {stream.kind.name} stream are not complete")
    violations = [Violation(Code.OGG_PAGES, problem) for problem in demultiplexer.problems]
    if broken:
        violations.append(Violation(Code.OGG_CRC, "the checksum of an Ogg page is wrong"))
    violations += _of_streams(demultiplexer.streams)
    for each in audio.values():
        violations += each.violations()
    hashers = [audio[stream].hasher for stream in demultiplexer.streams if stream in audio]
    return EssenceReading.of(hashers, violations)


def _of_streams(streams: list[LogicalStream]) -> list[Violation]:
    found: dict[Violation, None] = {}
    for stream in streams:
        if stream.kind.audio and stream.kind not in AUDIO:
            message = f"no digest is defined for an Ogg stream of kind {stream.kind.name}"
            found[Violation(Code.ESSENCE_UNSUPPORTED, message)] = None
        if not stream.headers_fill_pages:
            message = "audio begins on the page on which the headers end"
            found[Violation(Code.OGG_PAGES, message)] = None
        if stream.kind is FLAC:
            for problem in _ogg_flac.problems(stream.packets):
                found[Violation(Code.FLAC_BLOCKS, problem)] = None
    return list(found)


def _configuration(stream: LogicalStream) -> bytes:
    head = stream.packets[0]
    if stream.kind is OPUS:
        return OpusHead.parse(_packet(head)).configuration()
    if stream.kind is FLAC:
        return _ogg_flac.configuration(head)
    if stream.kind is SPEEX:
        return SpeexHeader.parse(head).configuration()
    identification, setup = _packet(head), _packet(stream.packets[2])
    if len(identification) != _VORBIS_IDENTIFICATION_BYTES or not setup.startswith(b"\x05vorbis"):
        raise ContainerMalformed("the Vorbis identification or setup header is malformed")
    parts = (identification, setup)
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def _packet(packet: PacketSource) -> bytes:
    if packet.size > CODEC_HEADER_BYTES:
        raise LimitExceeded(f"a codec header of {packet.size} bytes")
    return read_exactly(packet, 0, packet.size)
