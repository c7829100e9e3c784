"""MPEG-4 audio configurations: elementary stream descriptors and AudioSpecificConfig."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from noai.errors import ContainerMalformed

#: By index (ISO/IEC 14496-3 table 1.18).
RATES: Final = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip
#: Main, LC, SSR, LTP: those that an ADTS header can name (table 1.17).
_ADTS_OBJECT_TYPES: Final = (1, 2, 3, 4)
_SBR, _PS = 5, 29
_SYNC_EXTENSION: Final = 0x2B7


def decoder_config(esds: bytes) -> tuple[int, bytes]:
    """Object type indication and DecoderSpecificInfo (empty where there is none) of an ``esds`` payload.

    ISO/IEC 14496-14 section 6.7.2; ISO/IEC 14496-1 sections 7.2.6.5 to 7.2.6.7.

    Raises:
        ContainerMalformed: if a descriptor is missing or runs past the one around it.
    """
    start, end = _descriptor(esds, 4, 3)
    if end - start < 3:
        raise ContainerMalformed("an elementary stream descriptor is too short")
    flags = esds[start + 2]
    start += 3 + (2 if flags & 0x80 else 0)
    if flags & 0x40:
        start += 1 + (esds[start] if start < end else 0)
    start += 2 if flags & 0x20 else 0
    start, end = _descriptor(esds[:end], start, 4)
    if end - start < 13:
        raise ContainerMalformed("a decoder configuration descriptor is too short")
    indication = esds[start]
    if end - start < 15:
        return indication, b""
    start, end = _descriptor(esds[:end], start + 13, 5)
    return indication, esds[start:end]


def _descriptor(data: bytes, start: int, tag: int) -> tuple[int, int]:
    """Payload range of the descriptor ``tag`` at ``start`` (ISO/IEC 14496-1 section 8.3.3)."""
    if start >= len(data) or data[start] != tag:
        raise ContainerMalformed(f"esds lacks descriptor {tag}")
    size = 0
    for position in range(start + 1, min(start + 5, len(data))):
        size = size << 7 | data[position] & 0x7F
        if not data[position] & 0x80:
            if position + 1 + size > len(data):
                break
            return position + 1, position + 1 + size
    raise ContainerMalformed(f"descriptor {tag} in esds runs past its end")


@dataclass(frozen=True, slots=True)
class AudioSpecific:
    """The start of an AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1), as coded."""

    object_type: int
    rate: int
    channels: int
    #: The three flags of GASpecificConfig (section 4.4.1); None for object types without it.
    flags: int | None
    #: The bits behind, as a number, and how many they are.
    rest: int
    rest_bits: int

    @property
    def is_aac(self) -> bool:
        """Whether this is AAC as ADTS, MP4 and Matroska carry it, with or without SBR and PS."""
        return self.object_type in (*_ADTS_OBJECT_TYPES, _SBR, _PS)

    @property
    def frames(self) -> int | None:
        """Frames in one packet at ``rate``, where this start of the configuration fixes them."""
        if self.flags is None:
            return None
        return 960 if self.flags & 4 else 1024

    @property
    def plain(self) -> bool:
        """Whether an ADTS header would say the same."""
        if self.flags != 0 or not self.channels:
            return False
        if not self.rest:
            return True
        # syncExtensionType 11 bits, extensionAudioObjectType 5, sbrPresentFlag 1.
        no_sbr = (_SYNC_EXTENSION << 5 | _SBR) << 1
        return self.rest_bits >= 17 and self.rest >> (self.rest_bits - 17) == no_sbr


def read_audio_specific(specific: bytes) -> AudioSpecific:
    """Raises ContainerMalformed if ``specific`` is too short or names a reserved sampling rate."""
    value, left = int.from_bytes(specific, "big"), 8 * len(specific)

    def take(count: int) -> int:
        nonlocal left
        if count > left:
            raise ContainerMalformed("an AudioSpecificConfig is too short")
        left -= count
        return (value >> left) & ((1 << count) - 1)

    object_type = take(5)
    if object_type == 31:
        object_type = 32 + take(6)
    index = take(4)
    if index == 15:
        rate = take(24)
    elif index < len(RATES):
        rate = RATES[index]
    else:
        raise ContainerMalformed(f"an AudioSpecificConfig with reserved rate {index}")
    channels = take(4)
    flags = take(3) if object_type in _ADTS_OBJECT_TYPES else None
    return AudioSpecific(object_type, rate, channels, flags, value & ((1 << left) - 1), left)


def aac_config(specific: bytes) -> bytes:
    """The canonical form of an MPEG-4 AudioSpecificConfig.

    ``u8 audio object type | u32le sampling rate in Hz | u8 channelConfiguration``, each as
    coded, and nothing more where an ADTS header would say the same: object type 1 to 4,
    channelConfiguration not 0, the three flags of GASpecificConfig 0, and behind them nothing
    but zero bits or a backward compatible extension (sync word 0x2B7, object type 5) with
    sbrPresentFlag 0. In all other cases the whole AudioSpecificConfig follows, byte for byte.
    """
    parsed = read_audio_specific(specific)
    head = struct.pack("<BIB", parsed.object_type, parsed.rate, parsed.channels)
    return head if parsed.plain else head + specific
