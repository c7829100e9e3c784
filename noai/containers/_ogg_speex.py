"""The Speex header packet, and what an essence digest takes from it (Speex manual, "Ogg file format")."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from noai.errors import ContainerMalformed
from noai.sources import ByteSource

#: Of the 80 bytes those from the version on: version, header size, rate, mode, version of the mode's
#: bitstream, channels, bit rate, samples a frame, VBR, frames a packet, extra headers.
_FIELDS: Final = struct.Struct("<11i")
_VERSION_AT: Final = 28
_HEADER_BYTES: Final = 80
_VERSION: Final = 1


@dataclass(frozen=True)
class SpeexHeader:
    rate: int
    #: 0 narrowband, 1 wideband, 2 ultra-wideband.
    mode: int
    bitstream_version: int
    channels: int
    #: Samples.
    frame_size: int
    frames_per_packet: int
    #: Packets behind the comments that some decoders skip and others play.
    extra_headers: int

    @classmethod
    def parse(cls, packet: ByteSource) -> SpeexHeader:
        """
        Raises:
            ContainerMalformed: if a decoder would refuse it, or read it as another version.
        """
        data = packet.read_at(0, _HEADER_BYTES)
        if len(data) < _HEADER_BYTES:
            raise ContainerMalformed("the Speex header is cut off")
        fields = _FIELDS.unpack_from(data, _VERSION_AT)
        version, _, rate, mode, bitstream, channels, _, frame_size, _, frames, extra = fields
        if version != _VERSION or mode not in (0, 1, 2):
            raise ContainerMalformed("the Speex header is of an unknown version")
        if channels not in (1, 2) or rate <= 0 or frame_size <= 0 or frames < 0 or extra < 0:
            raise ContainerMalformed("the Speex header is malformed")
        return cls(rate, mode, bitstream, channels, frame_size, frames, extra)

    @property
    def packet_samples(self) -> int:
        # Decoders take a packet of no frames for one of one.
        return self.frame_size * max(1, self.frames_per_packet)

    def configuration(self) -> bytes:
        """What decides how packets decode, each u32le:

        rate | mode | version of the mode's bitstream | channels | frame size | frames a packet
        | extra headers
        """
        return struct.pack(
            "<IIiIIII",
            self.rate,
            self.mode,
            self.bitstream_version,
            self.channels,
            self.frame_size,
            self.frames_per_packet,
            self.extra_headers,
        )
