"""The chunks of a DSDIFF file, and those inside its chunks.

Philips, "Direct Stream Digital Interchange File Format" version 1.5 (2004).
"""

from __future__ import annotations

from typing import Final

from noai.containers._chunks import Bounded, Chunk, ChunkLayout, Family, read_form, walk
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
    return read_form(source, DSDIFF, FORM)


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
