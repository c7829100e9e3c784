"""The chunks of AIFF and AIFF-C.

Audio Interchange File Format 1.3 (Apple, 1989); AIFF-C draft of 1991-08-26 (Apple).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from noai.codes import Code
from noai.containers._chunks import ChunkLayout, Family, walk
from noai.essence import Violation
from noai.sources import ByteSource

#: ``FORM``, a size and ``AIFF`` or ``AIFC``.
FORM: Final = 12
#: ``APCM`` is the sound of the XA variety that ffmpeg plays.
AIFF: Final = Family("AIFF", "big", 4, frozenset({b"SSND", b"APCM"}), b"FLLR")
COMPRESSED: Final = b"AIFC"


def is_aiff(source: ByteSource) -> bool:
    form = source.read_at(0, FORM)
    return form[:4] == b"FORM" and form[8:] in (b"AIFF", COMPRESSED)


def read_layout(source: ByteSource) -> ChunkLayout:
    """The chunks of a file for which :func:`is_aiff` holds.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.BOXES`.
    """
    size = source.size
    found = walk(source, AIFF, FORM, size)
    form_end = AIFF.header + int.from_bytes(source.read_at(4, 4), "big")
    layout = ChunkLayout(AIFF, found.chunks, min(form_end, size), found.rest, size, problems=found.problems)
    audio_end = max((chunk.end for chunk in layout.audio), default=0)
    problem = None
    if form_end > size + 1:
        # ffmpeg reads on until the form ends, and refuses the file where it cannot.
        problem = f"the AIFF size reaches {form_end - size} bytes past the file"
    elif form_end < audio_end:
        problem = "the AIFF size ends before the audio does"
    elif found.rest + AIFF.header < min(form_end, size):
        problem = f"the bytes at {found.rest} in the AIFF form are no chunk"
    if problem is None:
        return layout
    return replace(layout, problems=(*layout.problems, Violation(Code.CHUNK_SIZE, problem)))
