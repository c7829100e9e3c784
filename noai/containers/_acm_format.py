"""A WAVEFORMATEX that describes packets: audio of Windows codecs in ASF, and wherever else it is packetised.

Linear and logarithmic PCM, MP3 and AAC are what they are in WAV and MP4. Every other format tag has
codec ``acm-`` and the tag in four hexadecimal digits, and as its configuration, little-endian:
channels u16, sampling rate u32, bytes a second u32, block size u16, bits u16, and the bytes of the
extension. The bytes a second are in it, because decoders of Windows Media Audio set themselves by them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from noai.containers._mpeg4_audio import aac_config, read_audio_specific
from noai.containers._wav_essence import parse_format
from noai.errors import ContainerMalformed

_FORMAT: Final = struct.Struct("<HHIIHH")
_MP3, _AAC = 0x0055, 0x00FF


@dataclass(frozen=True)
class AcmFormat:
    """``packets``: whether the lengths of packets are hashed too (``docs/format/marker-v1.md`` §7)."""

    codec: str
    config: bytes
    packets: bool
    #: What is contradictory in it, if anything is.
    problem: str | None = None


def acm_format(data: bytes) -> AcmFormat:
    """The codec and its canonical configuration.

    Raises:
        ContainerMalformed: if ``data`` is shorter than any format.
    """
    if len(data) < _FORMAT.size:
        raise ContainerMalformed(f"an audio format of {len(data)} bytes")
    tag, channels, rate, per_second, block, bits = _FORMAT.unpack_from(data)
    announced = int.from_bytes(data[16:18], "little")
    extension = data[18 : 18 + announced]
    if len(extension) != announced:
        raise ContainerMalformed("an audio format whose extension is cut off")
    if tag == _MP3:
        return AcmFormat("mp3-packets", b"", packets=True)
    if tag == _AAC and extension and read_audio_specific(extension).is_aac:
        return AcmFormat("aac", aac_config(extension), packets=True)
    plain = parse_format(data)
    if plain.codec == "pcm":
        return AcmFormat("pcm", plain.config, packets=False, problem=plain.problem)
    config = struct.pack("<HIIHH", channels, rate, per_second, block, bits) + extension
    return AcmFormat(plain.codec.replace("wave-", "acm-"), config, packets=True, problem=plain.problem)
