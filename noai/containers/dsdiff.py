"""DSDIFF, the interchange format for DSD: audio of one bit a sample, plain or compressed (DST)."""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO, Final

from noai.containers import _dsdiff_essence, _dsdiff_tags
from noai.containers._area import AreaBuilder
from noai.containers._dsdiff_layout import is_dsdiff, read_layout
from noai.containers._inventory import Foreign
from noai.containers._splices import apply, rewriting
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.errors import ContainerMalformed
from noai.essence import EssenceReading
from noai.sources import ByteSource, FileSource

DSDIFF: Final = ContainerName("dsdiff")


class Dsdiff:
    """DSDIFF. Marker and statement stand in an ``ID3 `` chunk at the end of the form."""

    names: tuple[ContainerName, ...] = (DSDIFF,)
    writable = True
    c2pa_type: str | None = None
    has_xmp = False

    def detect(self, source: ByteSource) -> ContainerName | None:
        return DSDIFF if is_dsdiff(source) else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """All chunks that hold text. A limit that was reached is a note; what was read counts.

        Raises:
            ContainerMalformed: if this is no DSDIFF file.
        """
        _require_dsdiff(source)
        area = AreaBuilder()
        with area.up_to_limits():
            _dsdiff_tags.read_tags(source, read_layout(source), area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """
        Raises:
            ContainerMalformed, LimitExceeded: if the chunks cannot be read.
        """
        _require_dsdiff(source)
        return _dsdiff_essence.read_essence(source, read_layout(source))

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """All chunks but the audio, and ID3 frames one by one.

        Raises:
            ContainerMalformed, LimitExceeded: when not every chunk could be read to its end.
        """
        _require_dsdiff(source)
        return Counter(_dsdiff_tags.describe(source, read_layout(source), Foreign(edit), AreaBuilder()))

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            MarkError: if the chunks contradict each other.
        """
        source = FileSource(file)
        with rewriting("the chunks"):
            _require_dsdiff(source)
            splices = _dsdiff_tags.plan(source, edit)
        apply(file, splices)


def _require_dsdiff(source: ByteSource) -> None:
    if not is_dsdiff(source):
        raise ContainerMalformed("this is no DSDIFF file")
