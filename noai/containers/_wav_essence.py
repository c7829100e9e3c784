"""The essence of WAVE audio: the ``data`` payload and the core of ``fmt ``.

Linear and logarithmic PCM (format tags 1, 3, 6 and 7, plain or as subformat of EXTENSIBLE) has
codec ``pcm`` and as its configuration, 12 bytes little-endian: format tag u16, channels u16,
sample rate u32, bits in the container of one sample u16 (block size · 8 / channels), valid bits
u16. So RIFF with and without EXTENSIBLE yield the same, and the channel mask and the derived
numbers play no part.

Every other format tag has codec ``wave-`` and the tag in four hexadecimal digits, and as its
configuration channels u16, sample rate u32, block size u16, bits u16 and the bytes of the extension.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._chunks import Chunk, ChunkLayout, audio_behind, content, several
from noai.errors import ContainerMalformed
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.limits import CODEC_HEADER_BYTES
from noai.sources import ByteSource, chunks

_FMT: Final = struct.Struct("<HHIIHH")
_EXTENSIBLE: Final = 0xFFFE
#: What names the codec stands in the first bytes of WAVEFORMATEXTENSIBLE.
_NAMING: Final = 40
#: KSDATAFORMAT_SUBTYPE_*: a format tag in front of these bytes.
_SUBTYPE_BASE: Final = bytes.fromhex("000000001000800000aa00389b71")
_PCM_TAGS: Final = frozenset({1, 3, 6, 7})
#: Formats of Xbox audio, and of video in WAVE, that ffmpeg obeys before or instead of ``fmt ``.
_OTHER_FORMATS: Final = (b"XMA2", b"SMV0")


@dataclass(frozen=True)
class Format:
    codec: str
    config: bytes
    #: What is contradictory in it, if anything is.
    problem: str | None = None


def read_essence(source: ByteSource, layout: ChunkLayout) -> EssenceReading:
    """
    Raises:
        ContainerMalformed: if ``fmt `` is larger than any format needs.
    """
    violations = [*layout.problems, *_structure_violations(source, layout)]
    formats, payloads = layout.all(b"fmt "), layout.audio
    if not formats or not payloads or formats[0].size < _FMT.size:
        missing = "data" if formats and formats[0].size >= _FMT.size else "fmt"
        violations.append(Violation(Code.ESSENCE_UNREADABLE, f"there is no usable {missing} chunk"))
        return EssenceReading.of([StreamHasher("pcm", b"", packets=False)], violations)
    form = read_format(source, formats[0])
    if form.problem is not None:
        violations.append(Violation(Code.CHUNK_SIZE, form.problem))
    hasher = StreamHasher(form.codec, form.config, packets=False)
    for block in chunks(source, payloads[0].data, payloads[0].end):
        hasher.update(block)
    return EssenceReading.of([hasher], violations)


def _structure_violations(source: ByteSource, layout: ChunkLayout) -> list[Violation]:
    found = several(layout, fmt=(b"fmt ",), data=(b"data",))
    formats, payloads = layout.all(b"fmt "), layout.audio
    if formats and payloads and formats[0].offset > payloads[0].offset:
        found.append(Violation(Code.CHUNK_SIZE, "the fmt chunk stands behind the data chunk"))
    for other in layout.all(*_OTHER_FORMATS):
        message = f"the chunk {other.name!r} at {other.offset} makes some decoders read the audio otherwise"
        found.append(Violation(Code.CHUNK_DUPLICATE, message))
    return found + audio_behind(source, layout)


def codec_of(source: ByteSource, layout: ChunkLayout) -> str | None:
    """The codec that the first ``fmt `` chunk names, if it can be used."""
    formats = layout.all(b"fmt ")
    if not formats or formats[0].size < _FMT.size:
        return None
    return parse_format(source.read_at(formats[0].data, min(formats[0].size, _NAMING))).codec


def read_format(source: ByteSource, fmt: Chunk) -> Format:
    """The codec and its canonical configuration.

    Raises:
        ContainerMalformed: beyond :data:`noai.limits.CODEC_HEADER_BYTES`.
    """
    if fmt.size > CODEC_HEADER_BYTES:
        raise ContainerMalformed(f"the fmt chunk has {fmt.size} bytes")
    return parse_format(content(source, fmt))


def parse_format(data: bytes) -> Format:
    """The same of a WAVEFORMATEX of at least 16 bytes, wherever it stands."""
    tag, channels, rate, _, block, bits = _FMT.unpack_from(data)
    announced = int.from_bytes(data[16:18], "little")
    extension = data[18 : 18 + announced]
    valid = bits
    if tag == _EXTENSIBLE and len(extension) >= 22 and extension[8:22] == _SUBTYPE_BASE:
        tag = int.from_bytes(extension[6:8], "little")
        if tag in _PCM_TAGS:
            valid = int.from_bytes(extension[:2], "little") or bits
    if tag in _PCM_TAGS:
        return _pcm(tag, channels, rate, block, bits, valid)
    config = struct.pack("<HIHH", channels, rate, block, bits) + extension
    problem = None if channels and rate else "the fmt chunk names no channels or no sample rate"
    return Format(f"wave-{tag:04x}", config, problem)


def _pcm(tag: int, channels: int, rate: int, block: int, bits: int, valid: int) -> Format:
    problem = None
    container = block * 8 // channels if channels else 0
    if not channels or not rate or not bits:
        problem = "the fmt chunk names no channels, no sample rate or no bits"
    elif block % channels or container != (bits + 7) // 8 * 8 or valid > bits:
        problem = "the sample size and the block size in the fmt chunk contradict each other"
    config = struct.pack("<HHIHH", tag, channels, rate, min(container, 0xFFFF), valid)
    return Format("pcm", config, problem)
