"""AIFF and AIFF-C."""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO, Final

from noai.containers import _aiff_essence, _aiff_tags, _aiff_write
from noai.containers._aiff_layout import is_aiff, read_layout
from noai.containers._area import AreaBuilder
from noai.containers._inventory import Foreign
from noai.containers._splices import apply, rewriting
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.errors import ContainerMalformed
from noai.essence import EssenceReading
from noai.sources import ByteSource, FileSource

AIFF: Final = ContainerName("aiff")


class Aiff:
    """AIFF with tags in an ``ID3 `` chunk and in text chunks.

    The marker stands in ID3 (``TXXX:NOAI``), the statement in ID3 and in ``(c) `` and ``ANNO``, which is
    what ffmpeg writes. XMP is read where Adobe keeps it, in an ``APPL`` chunk; no standard says so, and no
    other tool shows it there, so that none is written.
    """

    names: tuple[ContainerName, ...] = (AIFF,)
    writable = True
    c2pa_type: str | None = None
    has_xmp = False

    def detect(self, source: ByteSource) -> ContainerName | None:
        return AIFF if is_aiff(source) else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """All chunks that hold text. A limit that was reached is a note; what was read counts.

        Raises:
            ContainerMalformed: if this is no AIFF file.
        """
        _require_aiff(source)
        area = AreaBuilder()
        with area.up_to_limits():
            _aiff_tags.read_tags(source, read_layout(source), area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """
        Raises:
            ContainerMalformed, LimitExceeded: if the chunks cannot be read.
        """
        _require_aiff(source)
        return _aiff_essence.read_essence(source, read_layout(source))

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """All chunks but the audio; text and ID3 frames one by one.

        Raises:
            ContainerMalformed, LimitExceeded: when not every chunk could be read to its end.
        """
        _require_aiff(source)
        return Counter(_aiff_tags.describe(source, read_layout(source), Foreign(edit), AreaBuilder()))

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            MarkError: if the chunks contradict each other, or the file would exceed 4 GiB.
        """
        source = FileSource(file)
        with rewriting("the chunks"):
            _require_aiff(source)
            splices = _aiff_write.plan(source, edit)
        apply(file, splices)


def _require_aiff(source: ByteSource) -> None:
    if not is_aiff(source):
        raise ContainerMalformed("this is no AIFF file")
