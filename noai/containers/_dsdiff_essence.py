"""The essence of DSDIFF audio: the content of ``DSD `` or ``DST ``, and the sound properties.

DSDIFF 1.5, "Property Chunk", "DSD Sound Data Chunk", "DST Sound Data Chunk". Codec ``dsdiff`` or ``dst``;
configuration: sampling rate u32, channels u16, both little-endian, and the id of each channel. Chunks of
compressed frames are hashed as they lie in ``DST ``: the format is their only home.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._chunks import Chunk, ChunkLayout, audio_behind, content, several
from noai.containers._dsdiff_layout import FOREIGN_SOUND, PROPERTIES, SOUND, chunks_in
from noai.errors import ContainerMalformed
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.limits import CODEC_HEADER_BYTES
from noai.sources import ByteSource, chunks

_CODECS: Final = {b"DSD ": "dsdiff", b"DST ": "dst"}
#: Headers of other IFF sound and pictures, which ffmpeg obeys wherever they stand.
_FOREIGN_HEADERS: Final = (b"VHDR", b"MHDR", b"CHAN", b"BMHD", b"DGBL")


@dataclass(frozen=True)
class _Properties:
    rate: int
    channels: tuple[bytes, ...]
    compression: bytes


def read_essence(source: ByteSource, layout: ChunkLayout) -> EssenceReading:
    """
    Raises:
        ContainerMalformed: if a property is larger than any needs.
        LimitExceeded: more properties than :data:`noai.limits.BOXES`.
    """
    violations = [*layout.problems, *_structure_violations(source, layout)]
    properties = _read_properties(source, layout, violations)
    sound = next(iter(layout.all(*SOUND)), None)
    if properties is None or sound is None:
        missing = "PROP" if properties is None else "DSD or DST"
        violations.append(Violation(Code.ESSENCE_UNREADABLE, f"there is no usable {missing} chunk"))
        return EssenceReading.of([StreamHasher("dsdiff", b"", packets=False)], violations)
    if properties.compression != sound.id:
        violations.append(Violation(Code.CHUNK_SIZE, "CMPR names another kind of audio than there is"))
    config = struct.pack("<IH", properties.rate, len(properties.channels)) + b"".join(properties.channels)
    hasher = StreamHasher(_CODECS[sound.id], config, packets=False)
    for block in chunks(source, sound.data, sound.end):
        hasher.update(block)
    return EssenceReading.of([hasher], violations)


def _structure_violations(source: ByteSource, layout: ChunkLayout) -> list[Violation]:
    found = several(layout, sound=SOUND, PROP=(PROPERTIES,))
    for foreign in layout.all(*FOREIGN_SOUND, *_FOREIGN_HEADERS):
        message = f"the chunk {foreign.name!r} at {foreign.offset} is of another kind of IFF file"
        found.append(Violation(Code.CHUNK_DUPLICATE, message))
    return found + audio_behind(source, layout)


def _read_properties(
    source: ByteSource, layout: ChunkLayout, violations: list[Violation]
) -> _Properties | None:
    nest = next(iter(layout.all(PROPERTIES)), None)
    if nest is None or source.read_at(nest.data, min(4, nest.size)) != b"SND ":
        return None
    inner = chunks_in(source, nest)
    violations += [*inner.problems, *several(inner, FS=(b"FS  ",), CHNL=(b"CHNL",), CMPR=(b"CMPR",))]
    fields = [_first(source, inner, name) for name in (b"FS  ", b"CHNL", b"CMPR")]
    rate, channels, compression = fields
    count = int.from_bytes(channels[:2], "big")
    ids = tuple(channels[at : at + 4] for at in range(2, len(channels) - 3, 4))
    if len(rate) < 4 or len(compression) < 4 or not any(rate[:4]) or not 0 < count <= len(ids):
        return None
    return _Properties(int.from_bytes(rate[:4], "big"), ids[:count], compression[:4])


def _first(source: ByteSource, layout: ChunkLayout, name: bytes) -> bytes:
    found: Chunk | None = next(iter(layout.all(name)), None)
    if found is None:
        return b""
    if found.size > CODEC_HEADER_BYTES:
        raise ContainerMalformed(f"the {found.name} chunk has {found.size} bytes")
    return content(source, found)
