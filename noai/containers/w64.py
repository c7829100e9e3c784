"""Sony Wave64: RIFF WAVE with GUIDs for names and sizes of 64 bits. Read only.

No tagger writes it, and what ffmpeg reads of its tags, nothing writes: there is no place where a mark
would be kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import BinaryIO, Final

from noai.containers import _w64, _wav_essence, _wav_tags
from noai.containers._area import AreaBuilder
from noai.containers._inventory import Foreign
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.errors import ContainerMalformed, ContainerReadOnly
from noai.essence import EssenceReading
from noai.sources import ByteSource

W64: Final = ContainerName("w64")


class W64File:
    """W64 with the chunks that RIFF has, under their GUIDs, and a summary list."""

    names: tuple[ContainerName, ...] = (W64,)
    writable = False
    c2pa_type: str | None = None
    has_xmp = False

    def detect(self, source: ByteSource) -> ContainerName | None:
        return W64 if _w64.is_w64(source) else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """All chunks that hold text. A limit that was reached is a note; what was read counts.

        Raises:
            ContainerMalformed: if this is no W64 file.
        """
        _require_w64(source)
        area = AreaBuilder()
        with area.up_to_limits():
            layout = _w64.read_layout(source)
            _wav_tags.read_tags(source, layout, area)
            for chunk in layout.all(_w64.SUMMARY):
                _w64.read_summary(source, chunk, area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """
        Raises:
            ContainerMalformed, LimitExceeded: if the chunks cannot be read.
        """
        _require_w64(source)
        layout = _w64.read_layout(source)
        reading = _wav_essence.read_essence(source, layout)
        return replace(reading, violations=(*reading.violations, *_w64.behind_audio(source, layout)))

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """All chunks but the audio. Raises ContainerMalformed and LimitExceeded as :meth:`read_essence`."""
        _require_w64(source)
        return Counter(_wav_tags.describe(source, _w64.read_layout(source), Foreign(edit), AreaBuilder()))

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            ContainerReadOnly: always.
        """
        raise ContainerReadOnly("W64 has no place for tags that players or taggers know")


def _require_w64(source: ByteSource) -> None:
    if not _w64.is_w64(source):
        raise ContainerMalformed("this is no W64 file")
