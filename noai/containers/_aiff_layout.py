"""The chunks of AIFF and AIFF-C.

Audio Interchange File Format 1.3 (Apple, 1989); AIFF-C draft of 1991-08-26 (Apple).
"""

from __future__ import annotations

from typing import Final

from noai.containers._chunks import ChunkLayout, Family, read_form
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
    return read_form(source, AIFF, FORM)
