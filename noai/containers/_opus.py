"""The Opus identification header (RFC 7845 §5.1), and what an essence digest takes from it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from noai.errors import ContainerMalformed

_HEAD: Final = struct.Struct("<8sBBHIhB")


@dataclass(frozen=True)
class OpusHead:
    channels: int
    #: Samples at 48 kHz to drop at the start.
    pre_skip: int
    #: Of what was encoded, in Hz; decoders always run at 48 kHz.
    input_rate: int
    #: In 1/256 dB, applied by the player.
    output_gain: int
    mapping_family: int
    #: Streams, coupled streams and one byte a channel; empty in family 0.
    mapping: bytes

    @classmethod
    def parse(cls, packet: bytes) -> OpusHead:
        """
        Raises:
            ContainerMalformed: if a decoder would refuse it, or read it as another version.
        """
        if len(packet) < _HEAD.size:
            raise ContainerMalformed("the Opus identification header is cut off")
        magic, version, channels, pre_skip, rate, gain, family = _HEAD.unpack_from(packet)
        mapping = packet[_HEAD.size :]
        expected = 2 + channels if family else 0
        if magic != b"OpusHead" or version >> 4:
            raise ContainerMalformed("the Opus identification header is of an unknown version")
        if not channels or len(mapping) != expected:
            raise ContainerMalformed("the Opus channel mapping is malformed")
        return cls(channels, pre_skip, rate, gain, family, mapping)

    def configuration(self) -> bytes:
        """What decides how packets decode, the same for ``OpusHead`` and the ``dOps`` box of MP4:

            u8 channels | u16le pre-skip | u32le input rate | u8 mapping family | mapping as above

        Without the version, which the two count differently, and the output gain, which loudness
        tools rewrite (RFC 7845 §5.1, 5).
        """
        head = struct.pack("<BHIB", self.channels, self.pre_skip, self.input_rate, self.mapping_family)
        return head + self.mapping
