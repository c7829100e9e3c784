"""Core Audio Format: read, never written, since no tagger of others writes tags into it."""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO, Final

from noai.containers import _caf_essence, _caf_tags
from noai.containers._area import AreaBuilder
from noai.containers._caf_tags import MAGIC
from noai.containers._inventory import Foreign
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.errors import ContainerMalformed, ContainerReadOnly
from noai.essence import EssenceReading
from noai.sources import ByteSource

CAF: Final = ContainerName("caf")


class Caf:
    """CAF. Markers come into it where ffmpeg copies a marked file: as ``NOAI`` in the ``info`` chunk."""

    names = (CAF,)
    writable = False
    c2pa_type: str | None = None
    has_xmp = False

    def detect(self, source: ByteSource) -> ContainerName | None:
        return CAF if source.read_at(0, len(MAGIC)) == MAGIC else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """All chunks that hold text. A limit that was reached is a note; what was read counts.

        Raises:
            ContainerMalformed: if this is no CAF file.
        """
        _require_caf(source)
        area = AreaBuilder()
        with area.up_to_limits():
            _caf_tags.read_tags(source, _caf_tags.read_layout(source), area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """
        Raises:
            ContainerMalformed, LimitExceeded: if the chunks that describe the audio cannot be read.
        """
        _require_caf(source)
        return _caf_essence.read_essence(source, _caf_tags.read_layout(source))

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """Every chunk but the audio. Raises LimitExceeded when not every one could be read."""
        _require_caf(source)
        return Counter(_caf_tags.describe(source, _caf_tags.read_layout(source), Foreign(edit)))

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            ContainerReadOnly: always.
        """
        raise ContainerReadOnly("noai does not mark CAF: players and taggers show none of its tags")


def _require_caf(source: ByteSource) -> None:
    if source.read_at(0, len(MAGIC)) != MAGIC:
        raise ContainerMalformed("this is no CAF file")
