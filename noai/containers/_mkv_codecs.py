"""Canonical decoder configurations of Matroska tracks, the same as those of other containers.

RFC 9559 §5.1.4.1.21; draft-ietf-cellar-codec for what CodecPrivate holds.

=======================  ==================================  =======================================
CodecID                  codec id                            configuration
=======================  ==================================  =======================================
A_OPUS                   ``opus``                            as Opus in Ogg, from the same header
A_VORBIS                 ``vorbis``                          as Vorbis in Ogg, from the same headers
A_AAC                    ``aac``, ``mp4a-40.<AOT>``          :func:`aac_config`
A_AAC/MPEG<2, 4>/…       ``aac``                             what the name, rate and channels say
A_MPEG/L1 to L3          ``mp3-packets``                     empty: each frame configures its decoder
A_AC3, A_EAC3            ``ac3``, ``eac3``                   empty
A_ALAC                   ``alac``                            :func:`alac_config`
A_FLAC                   ``flac-packets``                    :func:`flac_config`
A_PCM/INT/LIT, FLOAT     ``pcm``                             as WAVE
A_PCM/INT/BIG            ``pcm-be``                          as AIFF
A_MS/ACM with such PCM   ``pcm``                             as WAVE
all others               ``mkv-`` and the CodecID            :func:`_generic`
=======================  ==================================  =======================================
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from noai.codes import Code
from noai.containers import _mpeg as _mpeg_frames
from noai.containers._chunks import Chunk
from noai.containers._mkv_tracks import Track
from noai.containers._mp4_codecs import alac_config, flac_config
from noai.containers._mpeg4_audio import aac_config, read_audio_specific
from noai.containers._opus import OpusHead
from noai.containers._wav_essence import read_format
from noai.errors import ContainerMalformed
from noai.essence import Violation
from noai.sources import BytesSource

_NANO: Final = 1_000_000_000
#: Object types that names of CodecIDs stand for (draft-ietf-cellar-codec §6.4.6, historic).
_PROFILES: Final = {"MAIN": 1, "LC": 2, "SSR": 3, "LTP": 4}
_INTEGER, _FLOAT = 1, 3
#: Nanoseconds of one Opus frame, by configuration: SILK, hybrid, CELT (RFC 6716 table 2).
_OPUS_FRAMES: Final = tuple(
    milliseconds * 1_000_000
    for milliseconds in (*(10.0, 20.0, 40.0, 60.0) * 3, *(10.0, 20.0) * 2, *(2.5, 5.0, 10.0, 20.0) * 4)
)
#: How far CodecDelay may be from the pre-skip: files count it in milliseconds.
_DELAY_TOLERANCE: Final = 1_000_000
#: Samples that a LAME tag can count at the end of MPEG audio; ffmpeg makes a trim of them.
_LAME_PADDING: Final = 4095
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_/.]{1,32}")
_WAVEFORMATEX: Final = 16


@dataclass(frozen=True)
class Decoder:
    """What a track asks for."""

    codec: str
    config: bytes
    packets: bool = True
    #: Nanoseconds that every packet sounds at least, 0 where that is not known.
    steady: float = 0.0
    #: The same where each packet says it.
    pace: Callable[[bytes], float] | None = None
    #: Nanoseconds that may be cut off at the end, if that is more than the last packet.
    trim: float = 0.0
    #: Bytes of one PCM frame.
    frame_bytes: int = 0
    violations: tuple[Violation, ...] = ()


def read_decoder(track: Track) -> Decoder:
    """
    Raises:
        ContainerMalformed: if the track lacks the configuration that its codec needs.
    """
    codec = track.codec
    if codec in _READERS:
        return _READERS[codec](track)
    if codec.startswith("A_AAC/") and not track.private:
        return _aac_by_name(track)
    return _generic(track)


def _steady(frames: int, rate: float) -> float:
    """How long ``frames`` sound; 0 where the rate is not known."""
    return frames * _NANO / rate if rate > 0 else 0.0


def _opus(track: Track) -> Decoder:
    head = OpusHead.parse(track.private)
    violations = []
    expected = head.pre_skip * _NANO // 48_000
    if track.delay and abs(track.delay - expected) > _DELAY_TOLERANCE:
        message = "the codec delay is not the pre-skip of Opus"
        violations.append(Violation(Code.EDIT_HIDES_AUDIO, message))
    return Decoder("opus", head.configuration(), pace=_opus_pace, violations=tuple(violations))


def _opus_pace(packet: bytes) -> float:
    """How long an Opus packet sounds (RFC 6716 §3.1, §3.2)."""
    if not packet:
        return 0.0
    length = _OPUS_FRAMES[packet[0] >> 3]
    code = packet[0] & 3
    if code < 3:
        return length if code == 0 else 2 * length
    return (packet[1] & 0x3F) * length if len(packet) > 1 else 0.0


def _vorbis(track: Track) -> Decoder:
    """Three packets in Xiph lacing: identification, comments, setup."""
    data = track.private
    if data[:1] != b"\x02":
        raise ContainerMalformed("the Vorbis headers are not laced as they should be")
    sizes, at = [], 1
    for _ in range(2):
        size = 0
        while data[at : at + 1] == b"\xff":
            size, at = size + 255, at + 1
        if at >= len(data):
            raise ContainerMalformed("the Vorbis headers are cut off")
        sizes.append(size + data[at])
        at += 1
    identification, setup = data[at : at + sizes[0]], data[at + sum(sizes) :]
    if len(identification) != 30 or not setup.startswith(b"\x05vorbis"):
        raise ContainerMalformed("the Vorbis identification or setup header is malformed")
    config = b"".join(struct.pack("<I", len(part)) + part for part in (identification, setup))
    return Decoder("vorbis", config)


def _aac(track: Track) -> Decoder:
    if not track.private:
        raise ContainerMalformed("AAC without an AudioSpecificConfig")
    audio = read_audio_specific(track.private)
    codec = "aac" if audio.is_aac else f"mp4a-40.{audio.object_type}"
    return Decoder(codec, aac_config(track.private), steady=_steady(audio.frames or 0, audio.rate))


def _aac_by_name(track: Track) -> Decoder:
    """Files of before 2006 say the profile in the name; what ADTS would say follows from it."""
    profile = _PROFILES.get(track.codec.split("/")[-1])
    if profile is None or not 1 <= track.channels <= 7 or not track.rate.is_integer():
        return _generic(track)
    config = struct.pack("<BIB", profile, _u32(track.rate), track.channels)
    return Decoder("aac", config, steady=_steady(1024, track.rate))


def _mpeg(track: Track) -> Decoder:
    return Decoder("mp3-packets", b"", pace=_mpeg_pace, trim=_LAME_PADDING * _NANO / max(track.rate, 8000.0))


def _mpeg_pace(packet: bytes) -> float:
    """How long the frame sounds that ``packet`` begins with; 0 if there is none."""
    header = _mpeg_frames.parse(packet)
    if header is None:
        return 0.0
    halved = header.layer == 3 and header.version != 1
    return (576 if halved else 384 if header.layer == 1 else 1152) * _NANO / header.rate


def _ac3(track: Track) -> Decoder:
    return Decoder("ac3", b"", steady=_steady(1536, 48_000))


def _eac3(track: Track) -> Decoder:
    return Decoder("eac3", b"", steady=_steady(256, 48_000))


def _alac(track: Track) -> Decoder:
    config = alac_config(track.private)
    frames, rate = struct.unpack(">I16xI", config[:24])
    return Decoder("alac", config, steady=_steady(frames, rate))


def _flac(track: Track) -> Decoder:
    if not track.private.startswith(b"fLaC"):
        raise ContainerMalformed("FLAC without its stream header")
    config = flac_config(track.private[4:])
    # Smallest block but the last, and the upper 20 of 64 bits with the rate.
    frames, rate = int.from_bytes(config[:2], "big"), int.from_bytes(config[10:13], "big") >> 4
    return Decoder("flac-packets", config, steady=_steady(frames, rate))


def _pcm(track: Track) -> Decoder:
    """8 bits in big-endian order are with or without sign, as decoders like."""
    big = track.codec.endswith("BIG")
    if big and track.bits <= 8:
        return _generic(track)
    tag = _FLOAT if track.codec.endswith("IEEE") else _INTEGER
    container = (track.bits + 7) // 8 * 8
    config = struct.pack(
        "<HHIHH",
        tag,
        min(track.channels, 0xFFFF),
        _u32(track.rate),
        min(container, 0xFFFF),
        min(track.bits, 0xFFFF),
    )
    problem = None
    if not (track.bits and track.channels and track.rate) or not track.rate.is_integer():
        problem = "PCM without rate, channels or bit depth"
    elif track.output_rate not in (0.0, track.rate):
        problem = "PCM that plays at another rate"
    return _linear("pcm-be" if big else "pcm", config, track.channels * container // 8, problem)


def _linear(codec: str, config: bytes, frame_bytes: int, problem: str | None) -> Decoder:
    violations = () if problem is None else (Violation(Code.ESSENCE_UNSUPPORTED, problem),)
    rate = int.from_bytes(config[4:8], "little")

    def pace(packet: bytes) -> float:
        return len(packet) // frame_bytes * _NANO / rate

    return Decoder(
        codec,
        config,
        packets=False,
        pace=pace if frame_bytes and rate else None,
        frame_bytes=frame_bytes,
        violations=violations,
    )


def _acm(track: Track) -> Decoder:
    """A WAVEFORMATEX. PCM is that of WAVE; of all else the blocks decide where packets end."""
    if len(track.private) < _WAVEFORMATEX:
        return _generic(track)
    end = len(track.private)
    form = read_format(BytesSource(track.private), Chunk(b"fmt ", 0, 0, end, end))
    if form.codec != "pcm":
        return _generic(track)
    frame_bytes = int.from_bytes(track.private[12:14], "little")
    return _linear("pcm", form.config, frame_bytes, form.problem)


def _tta(track: Track) -> Decoder:
    """Players make its header, with the number of samples, of the duration that the segment states."""
    message = "TrueAudio, which is decoded by the duration of the segment"
    violation = Violation(Code.ESSENCE_UNSUPPORTED, message)
    return replace(_generic(track), violations=(violation,))


def _generic(track: Track) -> Decoder:
    """Codecs that no other container shares, told apart by their CodecID and all that Audio says.

    u8 length and bytes of the CodecID | f64le rate | f64le output rate, 0 where it is not stated
    | u64le channels | u64le bits | CodecPrivate
    """
    name = track.codec.encode("utf-8", "surrogateescape")
    numbers = struct.pack("<ddQQ", track.rate, track.output_rate, track.channels, track.bits)
    missing = Violation(Code.ESSENCE_UNSUPPORTED, "an audio track without codec")
    violations = () if track.codec else (missing,)
    shown = track.codec if _PLAIN_NAME.fullmatch(track.codec) else "other"
    config = struct.pack("<B", len(name)) + name + numbers + track.private
    return Decoder(f"mkv-{shown}", config, violations=violations)


def _u32(rate: float) -> int:
    """A rate as a whole number; 0 for one that is none."""
    return int(rate) if 0 <= rate < 1 << 32 else 0


_READERS: Final[dict[str, Callable[[Track], Decoder]]] = {
    "A_OPUS": _opus,
    "A_VORBIS": _vorbis,
    "A_AAC": _aac,
    "A_MPEG/L1": _mpeg,
    "A_MPEG/L2": _mpeg,
    "A_MPEG/L3": _mpeg,
    "A_AC3": _ac3,
    "A_EAC3": _eac3,
    "A_ALAC": _alac,
    "A_FLAC": _flac,
    "A_PCM/INT/LIT": _pcm,
    "A_PCM/INT/BIG": _pcm,
    "A_PCM/FLOAT/IEEE": _pcm,
    "A_MS/ACM": _acm,
    "A_TTA1": _tta,
}
