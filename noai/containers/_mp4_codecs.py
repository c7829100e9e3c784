"""Canonical decoder configurations: what of a sample entry is part of the essence.

Each is defined so that a stranger can compute it from the specification named beside it, and so
that the same packets have the same configuration whichever muxer wrote them. Bit rates, buffer
sizes, track names and channel layout hints are left out.

=================  ==================================  ==========================================
sample entry       codec id                            configuration
=================  ==================================  ==========================================
mp4a (40, 66-68)   ``aac``                             :func:`aac_config`
mp4a, other AOT    ``mp4a-40.<AOT>``                   :func:`aac_config`
mp4a (69, 6B)      ``mp3-packets``                     empty: each frame configures its decoder
.mp1, .mp2, .mp3   ``mp3-packets``                     empty
mp4a (A5, A6)      ``ac3``, ``eac3``                   empty: each frame configures its decoder
mp4a, other type   ``mp4a-<type, hexadecimal>``        DecoderSpecificInfo
ac-3, ec-3         ``ac3``, ``eac3``                   empty
alac               ``alac``                            :func:`alac_config`
Opus               ``opus``                            :func:`opus_config`
fLaC               ``flac-packets``                    :func:`flac_config`
PCM                ``pcm``, ``pcm-be``                 as WAVE and AIFF; packets delimit themselves
PCM of odd kinds   ``mp4-<type>``                      :func:`generic_config`; packets delimit themselves
all others         ``mp4-<type>``                      :func:`generic_config`
=================  ==================================  ==========================================

The numbers behind ``mp4a`` are object type indications.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from noai.containers._bmff import Box, BoxReader
from noai.containers._mp4_pcm import PCM, read_pcm
from noai.containers._mp4_samples import ChunkLayout
from noai.containers._mpeg4_audio import aac_config, decoder_config, read_audio_specific
from noai.containers._opus import OpusHead
from noai.errors import ContainerMalformed
from noai.limits import SAMPLE_ENTRY_BYTES

#: The sample entry types that players take for audio, whatever the track's handler says.
AUDIO_TYPES: Final = frozenset(
    (
        b"mp4a", b"alac", b"Opus", b"fLaC", b".mp3", b".mp2", b".mp1", b"ac-3", b"ec-3", b"ac-4",
        b"enca", b"drms", b"dtsc", b"dtsh", b"dtsl", b"dtse", b"dtsx", b"samr", b"sawb", b"sawp",
        b"QDM2", b"QDMC", b"Qclp", b"ima4", b"MAC3", b"MAC6", b"agsm", b"ulaw", b"alaw", b"raw ",
        b"twos", b"sowt",
        b"NONE", b"in24", b"in32", b"fl32", b"fl64", b"lpcm", b"ipcm", b"fpcm", b"nmos", b"sqcp",
        b"ssmv", b"vdva", b"dvca", b"spex", b"Vrbs", b"mlpa", b"mha1", b"mhm1", b"OPUS", b"owma",
        b"iamf",
    )
)  # fmt: skip
_ENCRYPTED: Final = frozenset((b"enca", b"drms"))
_CONFIGS: Final = frozenset((b"esds", b"alac", b"dOps", b"dfLa"))
# The shortest packets that the codecs have.
_MP3_PACE: Final = (1152, 48_000)
_MPEG_PACES: Final = {
    **dict.fromkeys((b".mp3", b".mp2", b"ms\x00\x55", b"ms\x00\x50"), _MP3_PACE),
    b".mp1": (384, 48_000),
}
_AC3_PACE: Final = (1536, 48_000)
_EAC3_PACE: Final = (256, 48_000)
_OPUS_PACE: Final = (120, 48_000)


@dataclass(frozen=True, slots=True)
class Decoder:
    """What a sample entry asks for."""

    codec: str
    config: bytes
    #: Index into the data references, from 1.
    data_reference: int
    packets: bool = True
    encrypted: bool = False
    #: Frames that every packet but the last has at least, and frames a second at most: packets
    #: cannot be timed closer together than they sound. None where nothing is known.
    pace: tuple[int, int] | None = None
    #: Bytes of one PCM frame.
    frame_bytes: int | None = None
    #: The packets of compressed audio in QuickTime's old chunk layout, if the entry states them.
    chunks: ChunkLayout | None = None


def sample_entries(reader: BoxReader, stsd: Box) -> list[Box]:
    """The sample entries in ``stsd`` (ISO/IEC 14496-12 section 8.5.2)."""
    (count,) = reader.fields(stsd, "I", 4)
    entries = list(reader.children(stsd.body + 8, stsd.end, 7))
    if len(entries) != count:
        raise ContainerMalformed(f"stsd announces {count} entries and holds {len(entries)}")
    return entries


def read_decoder(reader: BoxReader, stsd: Box, entry: Box) -> Decoder:
    """The canonical configuration of one audio sample entry (section 12.2.3; QuickTime versions 1 and 2).

    Raises:
        ContainerMalformed: if it lacks the configuration that its codec needs, or has several.
        LimitExceeded: if it is larger than :data:`noai.limits.SAMPLE_ENTRY_BYTES`.
    """
    body = reader.payload(entry, SAMPLE_ENTRY_BYTES)
    if len(body) < 28:
        raise ContainerMalformed("an audio sample entry is too short")
    reference, version = struct.unpack(">HH", body[6:10])
    quicktime = reader.read(stsd.body, 1) == b"\x00"
    head = 28 + ({1: 16, 2: 36}.get(version, 0) if quicktime else 0)
    kind = entry.type
    if kind in _MPEG_PACES:
        return Decoder("mp3-packets", b"", reference, pace=_MPEG_PACES[kind])
    if kind in (b"ac-3", b"ec-3"):
        return _dolby(kind == b"ec-3", reference)
    if kind in (b"mp4a", b"alac", b"Opus", b"fLaC"):
        found = _config_box(reader, entry, head)
        if found is not None:
            return _known(reader, kind, found, reference)
        if kind != b"mp4a":
            raise ContainerMalformed(f"a sample entry {entry.name!r} without its configuration")
    codec, config = _generic_codec(kind), generic_config(reader, entry, body, head)
    if kind in PCM:
        pcm = read_pcm(reader, entry, body, version if quicktime else 0, head)
        if pcm.codec is not None:
            codec, config = pcm.codec, pcm.config
        return Decoder(codec, config, reference, packets=False, frame_bytes=pcm.frame_bytes)
    chunks = _chunks(body, version if quicktime else 0)
    return Decoder(codec, config, reference, encrypted=kind in _ENCRYPTED, chunks=chunks)


def _known(reader: BoxReader, kind: bytes, config: Box, reference: int) -> Decoder:
    data = reader.payload(config, SAMPLE_ENTRY_BYTES)
    if kind == b"mp4a":
        return _mpeg4(data, reference)
    if kind == b"alac":
        canonical = alac_config(data[4:])
        frames, rate = struct.unpack(">I16xI", canonical[:24])
        return Decoder("alac", canonical, reference, pace=(frames, rate))
    if kind == b"Opus":
        return Decoder("opus", opus_config(data), reference, pace=_OPUS_PACE)
    canonical = flac_config(data[4:])
    # Smallest block but the last, and the upper 20 of 64 bits with the rate.
    frames, rate = int.from_bytes(canonical[:2], "big"), int.from_bytes(canonical[10:13], "big") >> 4
    return Decoder("flac-packets", canonical, reference, pace=(frames, rate))


def _dolby(enhanced: bool, reference: int) -> Decoder:
    if enhanced:
        return Decoder("eac3", b"", reference, pace=_EAC3_PACE)
    return Decoder("ac3", b"", reference, pace=_AC3_PACE)


def _config_box(reader: BoxReader, entry: Box, head: int) -> Box | None:
    """The one configuration box in a sample entry, or in the QuickTime ``wave`` box in it."""
    found: list[Box] = []
    wanted = {b"mp4a": b"esds", b"Opus": b"dOps", b"fLaC": b"dfLa"}.get(entry.type, entry.type)
    for child in reader.children(entry.body + head, entry.end, 8):
        if child.type == b"wave":
            found.extend(box for box in reader.children(child.body, child.end, 9) if box.type in _CONFIGS)
        elif child.type in _CONFIGS:
            found.append(child)
    if len(found) > 1 or any(box.type != wanted for box in found):
        raise ContainerMalformed("a sample entry with several decoder configurations")
    return found[0] if found else None


def _mpeg4(esds: bytes, reference: int) -> Decoder:
    """By the object type indication in ``esds`` (ISO/IEC 14496-1 section 7.2.6.6; registry of MP4RA)."""
    indication, specific = decoder_config(esds)
    if indication in (0x69, 0x6B):
        return Decoder("mp3-packets", b"", reference, pace=_MP3_PACE)
    if indication in (0xA5, 0xA6):
        return _dolby(indication == 0xA6, reference)
    if indication in (0x40, 0x66, 0x67, 0x68):
        audio = read_audio_specific(specific)
        codec = "aac" if audio.is_aac else f"mp4a-40.{audio.object_type}"
        pace = (audio.frames, audio.rate) if audio.frames else None
        return Decoder(codec, aac_config(specific), reference, pace=pace)
    return Decoder(f"mp4a-{indication:02x}", specific, reference)


# -- canonical forms --------------------------------------------------------------------------


def alac_config(cookie: bytes) -> bytes:
    """An ALACSpecificConfig with maxFrameBytes and avgBitRate set to zero; what follows stays.

    Apple Lossless Format, ALACMagicCookieDescription: 24 bytes, those two at 12 to 20, which
    encoders fill with measurements or bounds and decoders do not obey.
    """
    if len(cookie) < 24:
        raise ContainerMalformed("an ALAC configuration is too short")
    return cookie[:12] + bytes(8) + cookie[20:]


def opus_config(dops: bytes) -> bytes:
    """What :meth:`OpusHead.configuration` says of the same stream in Ogg.

    "Encapsulation of Opus in ISO Base Media File Format" section 4.3.2: the fields of OpusHead
    in the same order, big-endian, version 0.
    """
    if len(dops) < 11 or dops[0] != 0:
        raise ContainerMalformed("an Opus configuration of an unknown version")
    channels, pre_skip, rate, gain, family = struct.unpack(">BHIhB", dops[1:11])
    mapping = dops[11:]
    if not channels or len(mapping) != (2 + channels if family else 0):
        raise ContainerMalformed("an Opus channel mapping is malformed")
    return OpusHead(channels, pre_skip, rate, gain, family, mapping).configuration()


def flac_config(blocks: bytes) -> bytes:
    """The 34 bytes of STREAMINFO with minimum and maximum frame size set to zero.

    "Encapsulation of FLAC in ISO Base Media File Format" section 3.3.2; RFC 9639 section 8.2.
    """
    if len(blocks) < 38 or blocks[0] & 0x7F or int.from_bytes(blocks[1:4], "big") != 34:
        raise ContainerMalformed("a FLAC configuration that does not begin with STREAMINFO")
    return blocks[4:8] + bytes(6) + blocks[14:38]


def generic_config(reader: BoxReader, entry: Box, body: bytes, head: int) -> bytes:
    """The payload of the sample entry from its data reference index on, without ``btrt`` boxes."""
    kept = body[6:head]
    try:
        children = list(reader.children(entry.body + head, entry.end, 8))
    except ContainerMalformed:
        return body[6:]
    for child in children:
        if child.type != b"btrt":
            kept += reader.read(child.start, child.end - child.start)
    return kept


def _generic_codec(kind: bytes) -> str:
    text = kind.rstrip(b" \x00").decode("latin-1")
    return f"mp4-{text}" if text.isascii() and text.isalnum() else f"mp4-{kind.hex()}"


def _chunks(body: bytes, version: int) -> ChunkLayout | None:
    """Frames and bytes of a packet (QuickTime File Format, "Sound Sample Description (Version 1)" and 2)."""
    if version == 1 and len(body) >= 44:
        frames, _, length = struct.unpack(">III", body[28:40])
    elif version == 2 and len(body) >= 64:
        length, frames = struct.unpack(">II", body[56:64])
    else:
        return None
    return ChunkLayout(frames, length) if frames and length else None
