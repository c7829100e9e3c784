"""The essence of AIFF audio: the sound in ``SSND`` and the core of ``COMM``.

AIFF 1.3 "Common Chunk" and "Sound Data Chunk"; AIFF-C, the same. Sound that WAVE has byte for byte too
(little-endian PCM, 8 bits without sign, A-law and µ-law) yields what WAVE yields: codec ``pcm``.
Big-endian PCM, and 8 bits with sign, have codec ``pcm-be`` with the same configuration. Every other
compression has codec ``aiff-`` and its type, and as its configuration the fields of ``COMM``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._aiff_layout import COMPRESSED
from noai.containers._aiff_tags import COMMENT
from noai.containers._chunk_tags import id3_chunks
from noai.containers._chunks import Chunk, ChunkLayout, audio_behind, content, several
from noai.containers._iff_text import comments
from noai.errors import ContainerMalformed
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.limits import CODEC_HEADER_BYTES, TAG_BYTES
from noai.sources import ByteSource, chunks, read_exactly

#: Channels, sample frames, sample size, sampling rate as an 80-bit extended number.
_COMM: Final = struct.Struct(">HIH10s")
_TYPE: Final = slice(_COMM.size, _COMM.size + 4)
#: Offset and block size in front of the sound.
_SSND: Final = struct.Struct(">II")
#: AIFF-C Version 1: what every ``FVER`` says.
_VERSION_1: Final = bytes.fromhex("a2805140")
#: Chunks that have one size alone.
_FIXED: Final = {b"FVER": 4, b"INST": 20}
#: ``CHAN`` (Core Audio, AudioChannelLayout), and each description in it.
_CHANNELS, _CHANNEL = 12, 20
_INTEGER, _FLOAT, _A_LAW, _MU_LAW = 1, 3, 6, 7


@dataclass(frozen=True)
class _Pcm:
    """How linear or logarithmic samples lie in the file. ``bits`` None: the sample size says."""

    tag: int
    bits: int | None
    little: bool = False


_PCM: Final = {
    b"NONE": _Pcm(_INTEGER, None),
    b"twos": _Pcm(_INTEGER, None),
    b"sowt": _Pcm(_INTEGER, None, little=True),
    b"in24": _Pcm(_INTEGER, 24),
    b"in32": _Pcm(_INTEGER, 32),
    b"42ni": _Pcm(_INTEGER, 24, little=True),
    b"23ni": _Pcm(_INTEGER, 32, little=True),
    b"fl32": _Pcm(_FLOAT, 32),
    b"FL32": _Pcm(_FLOAT, 32),
    b"fl64": _Pcm(_FLOAT, 64),
    b"FL64": _Pcm(_FLOAT, 64),
    # One byte a sample, whatever the order; the sample size is that of what they expand to.
    b"alaw": _Pcm(_A_LAW, 8, little=True),
    b"ALAW": _Pcm(_A_LAW, 8, little=True),
    b"ulaw": _Pcm(_MU_LAW, 8, little=True),
    b"ULAW": _Pcm(_MU_LAW, 8, little=True),
}
_UNSIGNED: Final = b"raw "


@dataclass(frozen=True)
class _Common:
    channels: int
    frames: int
    bits: int
    rate: bytes
    compression: bytes


@dataclass(frozen=True)
class _Format:
    codec: str
    config: bytes
    #: Bytes of one sample frame of PCM; None for what is compressed.
    frame: int | None = None
    problem: str | None = None


def read_essence(source: ByteSource, layout: ChunkLayout) -> EssenceReading:
    """
    Raises:
        ContainerMalformed: if a chunk that configures the decoder is larger than any needs.
    """
    violations = [*layout.problems, *_structure_violations(source, layout)]
    common = next(iter(layout.all(b"COMM")), None)
    sound = next(iter(layout.all(b"SSND")), None)
    fields = None if common is None else _read_common(source, common, violations)
    if fields is None or sound is None or sound.size < _SSND.size:
        missing = "COMM" if fields is None else "SSND"
        violations.append(Violation(Code.ESSENCE_UNREADABLE, f"there is no usable {missing} chunk"))
        return EssenceReading.of([StreamHasher("pcm-be", b"", packets=False)], violations)
    form = _read_format(source, layout, fields)
    offset, _ = _SSND.unpack(read_exactly(source, sound.data, _SSND.size))
    start = min(sound.data + _SSND.size + offset, sound.end)
    if start == sound.end and offset:
        violations.append(Violation(Code.CHUNK_SIZE, "the offset in SSND leaves nothing of it"))
    if form.frame is not None and fields.frames != (sound.end - start) // form.frame:
        message = f"COMM counts {fields.frames} sample frames; SSND holds another number"
        violations.append(Violation(Code.CHUNK_SIZE, message))
    if form.problem is not None:
        violations.append(Violation(Code.CHUNK_SIZE, form.problem))
    hasher = StreamHasher(form.codec, form.config, packets=False)
    for block in chunks(source, start, sound.end):
        hasher.update(block)
    return EssenceReading.of([hasher], violations)


def _structure_violations(source: ByteSource, layout: ChunkLayout) -> list[Violation]:
    found = several(layout, COMM=(b"COMM",), SSND=(b"SSND",), wave=(b"wave",))
    if layout.all(b"APCM"):
        found.append(Violation(Code.CHUNK_DUPLICATE, "there is an APCM chunk, which ffmpeg plays instead"))
    for version in layout.all(b"FVER"):
        # ffmpeg goes by its number, not by the type of the form.
        says = source.read_at(version.data, min(4, version.size))
        if (says == _VERSION_1) != (source.read_at(8, 4) == COMPRESSED):
            found.append(Violation(Code.CHUNK_SIZE, "FVER contradicts the type of the form"))
    found += [
        Violation(
            Code.CHUNK_SIZE, f"the chunk {chunk.name!r} at {chunk.offset} has a size that misleads decoders"
        )
        for chunk in layout.chunks
        if _misleads(source, chunk)
    ]
    for each in id3_chunks(source, layout.chunks):
        found += [
            Violation(
                tag.problem, f"ffmpeg could go on reading elsewhere than behind the ID3 tag at {tag.offset}"
            )
            for tag in each.tags
            if tag.problem is not None
        ]
    return found + audio_behind(source, layout)


def _misleads(source: ByteSource, chunk: Chunk) -> bool:
    """Whether ffmpeg, or sox, takes another place than ``chunk.next`` for that of the next chunk.

    ffmpeg goes on behind the fields of ``FVER`` and ``CHAN`` and behind two bytes of padding of ``COMM``, sox
    behind the fields of ``INST`` and the last comment in ``COMT``. Sox takes the size of ``ALCH`` for
    something else as well, and padding for the start of a chunk.
    """
    if chunk.id == b"COMM":
        return chunk.size % 2 == 1
    if chunk.id in _FIXED:
        return chunk.size != _FIXED[chunk.id]
    if chunk.id == b"COMT":
        data = content(source, chunk) if chunk.size <= TAG_BYTES else b""
        ends = [2, *(end for _, end in comments(data, COMMENT))]
        return ends[-1] != chunk.next - chunk.data or len(ends) != 1 + int.from_bytes(data[:2], "big")
    if chunk.id == b"ALCH":
        return True
    if chunk.id == b"CHAN":
        count = int.from_bytes(source.read_at(chunk.data + 8, 4), "big")
        return chunk.size != _CHANNELS + count * _CHANNEL
    return any(source.read_at(chunk.end, chunk.next - chunk.end))


def _read_common(source: ByteSource, chunk: Chunk, violations: list[Violation]) -> _Common | None:
    if chunk.size > CODEC_HEADER_BYTES:
        raise ContainerMalformed(f"the COMM chunk has {chunk.size} bytes")
    compressed = source.read_at(8, 4) == COMPRESSED
    data = content(source, chunk)
    if len(data) < (_TYPE.stop if compressed else _COMM.size):
        return None
    channels, frames, bits, rate = _COMM.unpack_from(data)
    if len(data) > _COMM.size and not compressed:
        # sox reads the type that stands there, ffmpeg does not.
        violations.append(Violation(Code.CHUNK_SIZE, "an AIFF form has the COMM chunk of AIFF-C"))
    if not channels or not any(rate[2:]):
        violations.append(Violation(Code.CHUNK_SIZE, "COMM names no channels or no sample rate"))
    return _Common(channels, frames, bits, rate, data[_TYPE] if compressed else b"NONE")


def _read_format(source: ByteSource, layout: ChunkLayout, common: _Common) -> _Format:
    pcm = _PCM.get(common.compression)
    if common.compression == _UNSIGNED and common.bits == 8:
        pcm = _Pcm(_INTEGER, 8, little=True)
    if pcm is None:
        return _other(source, layout, common)
    bits = common.bits if pcm.bits is None else pcm.bits
    container = (bits + 7) // 8 * 8
    # Eight bits have a sign in AIFF, in either order, and none in WAVE.
    little = pcm.little and (container > 8 or pcm.bits is not None)
    problem = None
    if not bits or bits > 64 or (pcm.tag == _INTEGER and bits > 32):
        problem = f"COMM names samples of {bits} bits"
    elif pcm.bits is not None and pcm.tag in (_INTEGER, _FLOAT) and common.bits != pcm.bits:
        problem = f"COMM names samples of {common.bits} bits, and a type with {pcm.bits}"
    rate = _whole_rate(common.rate)
    config = struct.pack("<HHIHH", pcm.tag, common.channels, rate, min(container, 0xFFFF), bits)
    if not rate:
        config += common.rate
    frame = common.channels * container // 8 or None
    return _Format("pcm" if little else "pcm-be", config, frame, problem)


def _other(source: ByteSource, layout: ChunkLayout, common: _Common) -> _Format:
    config = struct.pack("<HHI", common.channels, common.bits, common.frames) + common.rate
    for extra in layout.all(b"wave")[:1]:
        if extra.size > CODEC_HEADER_BYTES:
            raise ContainerMalformed(f"the wave chunk has {extra.size} bytes")
        config += content(source, extra)
    text = common.compression.rstrip(b" \x00").decode("latin-1")
    named = text if text.isascii() and text.isalnum() else common.compression.hex()
    return _Format(f"aiff-{named}", config)


def _whole_rate(extended: bytes) -> int:
    """The sampling rate in Hz, or 0 where it is no whole number of at most 32 bits.

    IEEE 754 extended, as the Standard Apple Numeric Environment has it: sign and exponent, mantissa.
    """
    exponent = int.from_bytes(extended[:2], "big") - 16383 - 63
    mantissa = int.from_bytes(extended[2:], "big")
    if not -63 <= exponent <= 0 or mantissa & (1 << -exponent) - 1:
        return 0
    rate = mantissa >> -exponent
    return rate if rate < 1 << 32 else 0
