"""The essence of an Ogg file: the audio packets of its Vorbis and Opus streams.

Streams count in the order in which they begin, those of one chain link before those of the next.
Streams that are not audio (video, subtitles, Skeleton, C2PA) are in no digest. Codec ids and canonical
configurations:

``vorbis``: u32le length and bytes of the identification header, the same of the setup header.
``opus``: :meth:`noai.containers._opus.OpusHead.configuration`.

Payload and packet lengths are those of all packets behind the headers. Comment headers, pages, granule
positions and serial numbers are out.
"""

from __future__ import annotations

import struct
from typing import Final

from noai.codes import Code
from noai.containers._ogg_pages import PacketSource, Page, PageReader, split_lacing
from noai.containers._ogg_streams import OPUS, VORBIS, Demultiplexer, LogicalStream
from noai.containers._opus import OpusHead
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.limits import CODEC_HEADER_BYTES, OGG_PACKET_BYTES, READ_SIZE
from noai.sources import ByteSource, read_exactly

_VORBIS_IDENTIFICATION_BYTES: Final = 30


class _AudioStream:
    """Hashes the audio packets of one logical stream, page by page."""

    def __init__(self, stream: LogicalStream) -> None:
        self.hasher = StreamHasher(stream.kind.name, _configuration(stream), packets=True)
        self._carried = 0

    def page(self, page: Page, body: bytes, headers: int) -> None:
        """``headers`` are the segments of ``page`` that belong to header packets."""
        lengths, self._carried = split_lacing(page.lacing[headers:], self._carried)
        if self._carried > OGG_PACKET_BYTES:
            raise LimitExceeded(f"an Ogg packet beyond {OGG_PACKET_BYTES} bytes")
        self.hasher.packet_lengths(struct.pack(f"<{len(lengths)}I", *lengths), len(lengths))
        self.hasher.update(body[sum(page.lacing[:headers]) :] if headers else body)


def read_essence(source: ByteSource) -> EssenceReading:
    """
    Raises:
        ContainerMalformed: if a Vorbis or Opus stream lacks a header packet or has a malformed one.
        LimitExceeded: for more streams or larger header packets than are read.
    """
    demultiplexer = Demultiplexer(source)
    reader = PageReader(source, READ_SIZE)
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
        if stream.kind in (VORBIS, OPUS) and stream.complete:
            if stream not in audio:
                audio[stream] = _AudioStream(stream)
            audio[stream].page(found, reader.body(found), headers)
    for stream in demultiplexer.streams:
        if stream.kind in (VORBIS, OPUS) and not stream.complete:
            raise ContainerMalformed(f"the header packets of a {stream.kind.name} stream are not complete")
    violations = [Violation(Code.OGG_PAGES, problem) for problem in demultiplexer.problems]
    if broken:
        violations.append(Violation(Code.OGG_CRC, "the checksum of an Ogg page is wrong"))
    violations += _of_streams(demultiplexer.streams)
    hashers = [audio[stream].hasher for stream in demultiplexer.streams if stream in audio]
    return EssenceReading.of(hashers, violations)


def _of_streams(streams: list[LogicalStream]) -> list[Violation]:
    found: dict[Violation, None] = {}
    for stream in streams:
        if stream.kind.audio and stream.kind not in (VORBIS, OPUS):
            message = f"no digest is defined for an Ogg stream of kind {stream.kind.name}"
            found[Violation(Code.ESSENCE_UNSUPPORTED, message)] = None
        if not stream.headers_fill_pages:
            message = "audio begins on the page on which the headers end"
            found[Violation(Code.OGG_PAGES, message)] = None
    return list(found)


def _configuration(stream: LogicalStream) -> bytes:
    if stream.kind is OPUS:
        return OpusHead.parse(_packet(stream.packets[0])).configuration()
    identification, setup = _packet(stream.packets[0]), _packet(stream.packets[2])
    if len(identification) != _VORBIS_IDENTIFICATION_BYTES or not setup.startswith(b"\x05vorbis"):
        raise ContainerMalformed("the Vorbis identification or setup header is malformed")
    parts = (identification, setup)
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def _packet(packet: PacketSource) -> bytes:
    if packet.size > CODEC_HEADER_BYTES:
        raise LimitExceeded(f"a codec header of {packet.size} bytes")
    return read_exactly(packet, 0, packet.size)
