"""What the chunks of an AIFF file say beside the audio.

AIFF 1.3, "Text Chunks", "Comments Chunk", "Application Specific Chunk". XMP in an ``APPL`` for ``XMP ``: what
Adobe's XMP Toolkit does. ID3 in ``ID3 ``: :mod:`noai.containers._chunk_tags`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from noai.codes import Code
from noai.containers import _iff_text
from noai.containers._area import AreaBuilder
from noai.containers._chunk_tags import (
    ID3,
    decoded,
    describe_behind,
    describe_id3,
    read_behind,
    read_id3_chunks,
    read_opaque,
    read_text,
    trailing_tails,
)
from noai.containers._chunks import Chunk, ChunkLayout, content, is_filler
from noai.containers._inventory import Foreign, sha256
from noai.containers._wav_tags import TEXTS
from noai.containers.interface import FieldRole
from noai.limits import KIB, TAG_VALUE_BYTES, XMP_BYTES
from noai.sources import ByteSource

#: Kept free (EA IFF 85 §3, "Filler"; Core Audio).
_FILLERS: Final = frozenset({b"FLLR", b"    ", b"JUNK"})
_PLACE: Final = "AIFF chunk"
#: Time, marker, length of the text.
COMMENT: Final = struct.Struct(">IHH")
_SIGNATURE: Final = 4
_XMP: Final = b"XMP "
#: Read of the data of another application: all that it would show stands in front.
_APPLICATION_BYTES: Final = 4 * KIB


def read_tags(source: ByteSource, layout: ChunkLayout, area: AreaBuilder) -> None:
    """Everything that a statement could stand in goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    for problem in layout.problems:
        area.note(Code.TAG_UNREADABLE, problem.message)
    for chunk in layout.chunks:
        name = chunk.id.upper()
        if _iff_text.is_text(name) or name in TEXTS:
            read_text(source, chunk, area, _PLACE, _iff_text.role_of(name))
        elif name == b"COMT":
            _iff_text.read_comments(source, chunk, COMMENT, area, _PLACE)
        elif name == b"APPL":
            _read_application(source, chunk, area)
        elif name != ID3 and chunk.id not in layout.family.audio:
            read_opaque(source, chunk, area)
    read_id3_chunks(source, layout.chunks, area)
    read_behind(source, layout.rest, layout.size, trailing_tails(source, layout), area)


def _read_application(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    signature = source.read_at(chunk.data, min(_SIGNATURE, chunk.size))
    start = chunk.data + len(signature)
    if signature.upper() == _XMP:
        if chunk.end - start > XMP_BYTES:
            area.note(Code.LIMIT_EXCEEDED, f"the XMP packet in APPL is longer than {XMP_BYTES} bytes")
            return
        area.count_bytes(chunk.end - start)
        area.xmp("AIFF APPL", source.read_at(start, chunk.end - start))
        return
    data = source.read_at(start, min(_APPLICATION_BYTES, chunk.end - start))
    area.count_item()
    area.count_bytes(len(data))
    text = "".join(each if each.isprintable() else " " for each in decoded(data))
    if said := " ".join(text.split()):
        area.field(_PLACE, f"APPL:{decoded(signature)}", said)
    if start + len(data) < chunk.end:
        read_opaque(source, chunk, area)


def describe(source: ByteSource, layout: ChunkLayout, foreign: Foreign, area: AreaBuilder) -> Iterator[str]:
    """One description for each foreign item.

    Raises:
        LimitExceeded: when not every item could be read.
    """
    for chunk in layout.chunks:
        if chunk.id in layout.family.audio or chunk.id.upper() == ID3:
            continue
        if is_filler(source, chunk, _FILLERS):
            continue
        role = _iff_text.role_of(chunk.id)
        if role is not FieldRole.OTHER and chunk.size <= TAG_VALUE_BYTES:
            area.count_item()
            yield from foreign.text(chunk.name, [decoded(content(source, chunk))], role)
        else:
            yield f"{chunk.name}={sha256(source, chunk.data, chunk.end)}"
    yield from describe_id3(source, layout.chunks, foreign, area)
    yield from describe_behind(source, layout.rest, layout.size, trailing_tails(source, layout), foreign)
