"""AU, the sound file of Sun and NeXT (``.au``, ``.snd``): read, never written."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from typing import BinaryIO, Final

from noai.codes import Code
from noai.containers._area import MARKER_KEY, AreaBuilder
from noai.containers._chunk_tags import decoded
from noai.containers._inventory import sha256
from noai.containers._opaque import note_marks, note_marks_at_end
from noai.containers._tails import locate_tails, read_tail
from noai.containers.interface import ContainerName, FieldRole, TagArea, TagEdit
from noai.errors import ContainerMalformed, ContainerReadOnly
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.limits import TAG_VALUE_BYTES
from noai.sources import ByteSource, chunks, read_exactly

AU: Final = ContainerName("au")
#: Magic, offset of the audio, its size, encoding, sampling rate, channels ("Audio File Format", audio.h).
_HEADER: Final = struct.Struct(">4sIIIII")
_MAGIC: Final = b".snd"
_UNKNOWN_SIZE: Final = 0xFFFFFFFF
#: By encoding: codec, WAVE format tag, bits of a sample. One byte of linear PCM has a sign here.
_PCM: Final = {
    1: ("pcm", 7, 8),
    2: ("pcm-be", 1, 8),
    3: ("pcm-be", 1, 16),
    4: ("pcm-be", 1, 24),
    5: ("pcm-be", 1, 32),
    6: ("pcm-be", 3, 32),
    7: ("pcm-be", 3, 64),
    27: ("pcm", 6, 8),
}
_ROLES: Final = {"COPYRIGHT": FieldRole.COPYRIGHT, "COMMENT": FieldRole.COMMENT}


@dataclass(frozen=True)
class _Header:
    audio: int
    size: int
    encoding: int
    rate: int
    channels: int


class Au:
    """AU: a header, an annotation of whatever text, and the audio up to the end of the file."""

    names = (AU,)
    writable = False
    c2pa_type: str | None = None
    has_xmp = False

    def detect(self, source: ByteSource) -> ContainerName | None:
        head = source.read_at(0, _HEADER.size)
        if head[:4] != _MAGIC or len(head) < _HEADER.size:
            return None
        # A text that begins like this has no offset that fits.
        return AU if _HEADER.size <= int.from_bytes(head[4:8], "big") <= source.size else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """The annotation, line by line; ffmpeg writes ``key=value`` there, others what they like.

        Raises:
            ContainerMalformed: if this is no AU file.
        """
        header = _read_header(source)
        area = AreaBuilder()
        with area.up_to_limits():
            _read_annotation(source, header, area)
            _read_end(source, header, area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """Everything from the offset of the audio to the end of the file, as ffmpeg plays it.

        Raises:
            ContainerMalformed: if this is no AU file.
        """
        header = _read_header(source)
        violations: list[Violation] = []
        length = source.size - header.audio
        if header.size != _UNKNOWN_SIZE and header.size != length:
            code = Code.ESSENCE_TRUNCATED if header.size > length else Code.TRAILING_AUDIO
            violations.append(Violation(code, f"the header announces {header.size} bytes of {length}"))
        if not header.rate or not header.channels:
            violations.append(Violation(Code.ESSENCE_UNREADABLE, "no sampling rate or no channels"))
        if locate_tails(source, header.audio, source.size):
            violations.append(Violation(Code.TRAILING_AUDIO, "decoders play the tag behind the audio"))
        hasher = _hasher(header)
        for block in chunks(source, header.audio, source.size):
            hasher.update(block)
        return EssenceReading.of([hasher], violations)

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """The annotation. Raises ContainerMalformed if this is no AU file."""
        header = _read_header(source)
        return Counter([f"annotation={sha256(source, _HEADER.size, header.audio)}"])

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            ContainerReadOnly: always.
        """
        raise ContainerReadOnly("noai does not mark AU: its annotation has no keys that players know")


def _read_header(source: ByteSource) -> _Header:
    head = source.read_at(0, _HEADER.size)
    if head[:4] != _MAGIC or len(head) < _HEADER.size:
        raise ContainerMalformed("this is no AU file")
    _, audio, size, encoding, rate, channels = _HEADER.unpack(head)
    if not _HEADER.size <= audio <= source.size:
        raise ContainerMalformed("the audio of an AU file begins outside it")
    return _Header(audio, size, encoding, rate, channels)


def _read_annotation(source: ByteSource, header: _Header, area: AreaBuilder) -> None:
    length = header.audio - _HEADER.size
    if length > TAG_VALUE_BYTES:
        area.note(Code.TAG_UNREADABLE, f"the annotation is longer than {TAG_VALUE_BYTES} bytes")
        note_marks(source, _HEADER.size, header.audio, "the annotation", area)
        return
    area.count_bytes(length)
    data = read_exactly(source, _HEADER.size, length)
    marked = False
    for line in (line.strip() for piece in data.split(b"\0") for line in decoded(piece).splitlines()):
        if not line:
            continue
        area.count_item()
        key, equals, value = line.partition("=")
        name = key.strip().upper() if equals else "ANNOTATION"
        text, role = (value.strip(), FieldRole.OTHER) if equals else (line, FieldRole.COMMENT)
        area.field("AU annotation", name, text, _ROLES.get(name, role))
        marked = marked or name == MARKER_KEY
    if not marked:
        note_marks(source, _HEADER.size, header.audio, "the annotation", area)


def _read_end(source: ByteSource, header: _Header, area: AreaBuilder) -> None:
    """Tags behind the audio, for which AU has no place."""
    for tail in locate_tails(source, header.audio, source.size):
        read_tail(source, tail, area)
    end = header.audio + header.size
    if end < source.size:
        note_marks(source, end, source.size, "bytes behind the audio", area)
    elif header.size == _UNKNOWN_SIZE:
        note_marks_at_end(source, header.audio, "the end of the audio", area)


def _hasher(header: _Header) -> StreamHasher:
    """PCM as WAV and AIFF have it; every other encoding by its number, with sampling rate and channels."""
    known = _PCM.get(header.encoding)
    if known is None or not 0 < header.channels < 2**16:
        config = struct.pack("<II", header.rate, header.channels)
        return StreamHasher(f"au-{header.encoding}", config, packets=False)
    codec, tag, bits = known
    config = struct.pack("<HHIHH", tag, header.channels, header.rate, bits, bits)
    return StreamHasher(codec, config, packets=False)
