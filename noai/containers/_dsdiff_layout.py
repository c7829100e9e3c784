"""The chunks of a DSDIFF file, and those inside its chunks.

Philips, "Direct Stream Digital Interchange File Format" version 1.5 (2004).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from noai.codes import Code
from noai.containers._chunks import Bounded, Chunk, ChunkLayout, Family, walk
from noai.essence import Violation
from noai.sources import ByteSource

#: ``FRM8``, a size and ``DSD ``.
FORM: Final = 16
#: Plain, compressed, and what ffmpeg's reader of all IFF files takes for sound as well.
SOUND: Final = (b"DSD ", b"DST ")
FOREIGN_SOUND: Final = (b"ABIT", b"BODY", b"DBOD", b"MDAT")
DSDIFF: Final = Family("DSDIFF", "big", 8, frozenset({*SOUND, *FOREIGN_SOUND}), b"    ")
#: Chunks made of chunks, and the bytes in front of these.
PROPERTIES, EDITED = b"PROP", b"DIIN"
_NESTED: Final = {PROPERTIES: 4, EDITED: 0}


def is_dsdiff(source: ByteSource) -> bool:
    form = source.read_at(0, FORM)
    return form[:4] == b"FRM8" and form[12:] == b"DSD "


def read_layout(source: ByteSource) -> ChunkLayout:
    """The chunks of a file for which :func:`is_dsdiff` holds.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.BOXES`.
    """
    size = source.size
    found = walk(source, DSDIFF, FORM, size)
    form_end = DSDIFF.header + int.from_bytes(source.read_at(4, 8), "big")
    layout = ChunkLayout(DSDIFF, found.chunks, min(form_end, size), found.rest, size, problems=found.problems)
    audio_end = max((chunk.end for chunk in layout.audio), default=0)
    problem = None
    if form_end > size + 1:
        problem = f"the DSDIFF size reaches {form_end - size} bytes past the file"
    elif form_end < audio_end:
        problem = "the DSDIFF size ends before the audio does"
    elif found.rest + DSDIFF.header < min(form_end, size):
        problem = f"the bytes at {found.rest} in the DSDIFF form are no chunk"
    if problem is None:
        return layout
    return replace(layout, problems=(*layout.problems, Violation(Code.CHUNK_SIZE, problem)))


def is_nest(chunk: Chunk) -> bool:
    """Whether ``chunk`` is made of chunks."""
    return chunk.id in _NESTED


def chunks_in(source: ByteSource, nest: Chunk) -> ChunkLayout:
    """The chunks in one for which :func:`is_nest` holds.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.BOXES`.
    """
    bounded = Bounded(source, nest.end)
    found = walk(bounded, DSDIFF, nest.data + min(_NESTED[nest.id], nest.size), nest.end)
    return ChunkLayout(DSDIFF, found.chunks, nest.end, found.rest, nest.end, problems=found.problems)
