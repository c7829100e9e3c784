"""The media objects in the data packets of an ASF file (ASF section 5.2), for the streams of audio.

Every rule here that seems narrow keeps two decoders from reading the same bytes differently: what
does not follow it is not hashed in some way or other, but given up with :class:`PacketError`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from noai.codes import Code
from noai.essence import StreamHasher
from noai.limits import READ_SIZE
from noai.sources import ByteSource, chunks

#: Error correction data as every writer makes it: two bytes, both zero.
_CORRECTION: Final = b"\x82\x00\x00"
#: Stream number, object number and length of the replicated data in one byte, offset in four
#: (section 5.2.2: the fields shall be set so).
_PROPERTY_FLAGS: Final = 0x5D
_LENGTHS: Final = (0, 1, 2, 4)
_PAYLOAD: Final = struct.Struct("<BBIB")
_OBJECT: Final = struct.Struct("<II")
_COMPRESSED: Final = 1
#: Behind this few bytes of a packet ffmpeg looks for no payload, nor for a part of a compressed one.
_LEAST_LEFT: Final = 6
#: ffmpeg refuses media objects of this size.
_LARGEST_OBJECT: Final = 1 << 24


class PacketError(Exception):
    """Readers could disagree about the packets from here on. ``code`` says in which way."""

    def __init__(self, message: str, code: Code = Code.FRAME_HEADER) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class AudioStream:
    """One stream of audio while its media objects are put together."""

    hasher: StreamHasher
    #: Whether lengths of objects are hashed.
    packets: bool
    number: int | None = None
    size: int = 0
    filled: int = 0
    #: Presentation time of the last object, in milliseconds, preroll included.
    time: int = 0
    lengths: list[int] = field(default_factory=list)

    @property
    def unfinished(self) -> bool:
        return self.filled < self.size

    def begin(self, number: int, size: int, time: int) -> None:
        if self.unfinished:
            raise PacketError("a media object ends before it is complete")
        if self.number is not None and number != (self.number + 1) % 256:
            raise PacketError("a media object is missing or stands there twice")
        if not 0 < size < _LARGEST_OBJECT:
            raise PacketError(f"a media object of {size} bytes")
        if time < self.time:
            raise PacketError("a media object is to be played before the one in front of it")
        self.number, self.size, self.filled, self.time = number, size, 0, time
        self.lengths.append(size)

    def add(self, data: bytes) -> None:
        self.filled += len(data)
        if not data or self.filled > self.size:
            raise PacketError("a payload that does not fit into its media object")
        self.hasher.update(data)

    def flush(self) -> None:
        """Hand over the lengths that were collected."""
        if self.packets:
            self.hasher.packet_lengths(
                struct.pack(f"<{len(self.lengths)}I", *self.lengths), len(self.lengths)
            )
        self.lengths.clear()


def read_packets(
    source: ByteSource,
    start: int,
    end: int,
    length: int,
    streams: dict[int, AudioStream],
    others: frozenset[int],
) -> None:
    """Hash the media objects of ``streams`` in the packets of ``length`` bytes from ``start`` up to ``end``.

    ``others`` are the numbers of streams that are no audio: their payloads are stepped over.

    Raises:
        PacketError: where readers could disagree; what stands in front of it has been hashed.
    """
    reader = _PacketReader(length, streams, others)
    block = max(length, READ_SIZE // length * length)
    for data in chunks(source, start, end - (end - start) % length, block):
        for at in range(0, len(data), length):
            reader.read(data[at : at + length])
        for stream in streams.values():
            stream.flush()
    if any(stream.unfinished for stream in streams.values()):
        raise PacketError("the last media object is cut off", Code.ESSENCE_TRUNCATED)


class _PacketReader:
    def __init__(self, length: int, streams: dict[int, AudioStream], others: frozenset[int]) -> None:
        self._length = length
        self._streams = streams
        self._others = others
        #: Whether packets have error correction data; all or none.
        self._corrected: bool | None = None

    def read(self, packet: bytes) -> None:
        try:
            self._read(packet)
        except (IndexError, struct.error):
            raise PacketError("a packet ends within a header") from None

    def _read(self, packet: bytes) -> None:
        at = self._skip_correction(packet)
        kinds, properties = packet[at], packet[at + 1]
        if kinds & 0x80 or properties != _PROPERTY_FLAGS:
            raise PacketError("the flags of a packet are not those of the standard")
        at += 2
        size, at = _number(packet, at, kinds >> 5)
        _, at = _number(packet, at, kinds >> 1)
        padding, at = _number(packet, at, kinds >> 3)
        end = (size or self._length) - padding
        at += 6
        if end > self._length or at > end:
            raise PacketError("the length of a packet or of its padding is wrong")
        if not kinds & 1:
            at = self._payload(packet, at, end, 0)
        else:
            count, width = packet[at] & 0x3F, packet[at] >> 6
            at += 1
            if not count or not width:
                raise PacketError("a packet announces no payloads, or payloads without a length")
            for _ in range(count):
                at = self._payload(packet, at, end, width)
        if at != end:
            raise PacketError("bytes behind the payloads of a packet are no padding")

    def _skip_correction(self, packet: bytes) -> int:
        corrected = packet[0] & 0x80 != 0
        if self._corrected is None:
            self._corrected = corrected
        if corrected != self._corrected or (corrected and packet[:3] != _CORRECTION):
            raise PacketError("the error correction data of a packet is not that of the standard")
        return len(_CORRECTION) if corrected else 0

    def _payload(self, packet: bytes, at: int, end: int, width: int) -> int:
        """One payload; ``width`` is the type of its length, 0 where it reaches to the end."""
        if end - at < _LEAST_LEFT:
            raise PacketError("a payload too short for some readers")
        stream_number, number, offset, replicated = _PAYLOAD.unpack_from(packet, at)
        at += _PAYLOAD.size
        info = packet[at : at + replicated]
        at += replicated
        if width:
            size, at = _number(packet, at, width)
        else:
            size = end - at
        if size <= 0 or at + size > end:
            raise PacketError("a payload runs past its packet")
        stream = self._streams.get(stream_number & 0x7F)
        if stream is None:
            if stream_number & 0x7F not in self._others:
                raise PacketError(
                    f"a payload of stream {stream_number & 0x7F}, which the header does not name"
                )
        elif replicated == _COMPRESSED:
            for time, piece in _parts(packet, at, at + size, end, offset, info[0]):
                stream.begin(number, len(piece), time)
                stream.add(piece)
                number = (number + 1) % 256
        elif replicated < _OBJECT.size:
            raise PacketError("a payload without the size of its media object")
        else:
            whole, time = _OBJECT.unpack_from(info)
            self._fragment(stream, number, offset, whole, time, packet[at : at + size])
        return at + size

    def _fragment(
        self, stream: AudioStream, number: int, offset: int, whole: int, time: int, data: bytes
    ) -> None:
        if offset == 0:
            stream.begin(number, whole, time)
        elif (number, whole, offset) != (stream.number, stream.size, stream.filled):
            raise PacketError("the pieces of a media object do not follow each other")
        stream.add(data)


def _parts(packet: bytes, at: int, stop: int, end: int, time: int, step: int) -> Iterator[tuple[int, bytes]]:
    """Presentation time and bytes of each media object in a compressed payload (section 5.2.3.2)."""
    if time == 0:
        # ffmpeg takes a time of 0 for the sign that a payload is at its end.
        raise PacketError("a compressed payload that begins at 0")
    while at < stop:
        size = packet[at]
        if end - at < _LEAST_LEFT or not size or at + 1 + size > stop:
            raise PacketError("the parts of a compressed payload do not fill it")
        yield time, packet[at + 1 : at + 1 + size]
        at += 1 + size
        time += step


def _number(packet: bytes, at: int, kind: int) -> tuple[int, int]:
    """A field whose length is given by the lower two bits of ``kind``, and where the next one starts."""
    end = at + _LENGTHS[kind & 3]
    if end > len(packet):
        raise PacketError("a packet ends within a header")
    return int.from_bytes(packet[at:end], "little"), end
