"""Matroska and WebM: MKA, MKV, WEBM (RFC 9559 on top of EBML, RFC 8794).

Split by meaning: ``_ebml`` walks elements and ``_mkv_schema`` names them; ``_mkv_layout`` finds the parts of
a file, ``_mkv_seek`` what SeekHead says of them; ``_mkv_area`` and ``_mkv_tags`` read the tag area;
``_mkv_essence``, ``_mkv_tracks``, ``_mkv_codecs``, ``_mkv_blocks``, ``_mkv_timing`` and ``_mkv_rules`` read
the audio; ``_mkv_inventory`` lists what must survive; ``_mkv_edit``, ``_mkv_pieces``, ``_mkv_places``,
``_mkv_positions`` and ``_mkv_write`` write.
"""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO, Final

from noai.containers import _mkv_write
from noai.containers._area import AreaBuilder
from noai.containers._inventory import Foreign
from noai.containers._mkv_area import read_area
from noai.containers._mkv_essence import read_essence
from noai.containers._mkv_inventory import list_foreign
from noai.containers._mkv_layout import doc_type, read_layout
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.essence import EssenceReading
from noai.sources import ByteSource

MATROSKA: Final = ContainerName("matroska")
WEBM: Final = ContainerName("webm")


class Matroska:
    """Both document types. There is no standard place for XMP, and c2pa writes no Matroska."""

    names: tuple[ContainerName, ...] = (MATROSKA, WEBM)
    writable = True
    c2pa_type: str | None = None
    has_xmp = False

    def detect(self, source: ByteSource) -> ContainerName | None:
        """By the DocType in the EBML header."""
        return {"matroska": MATROSKA, "webm": WEBM}.get(doc_type(source) or "")

    def read_tags(self, source: ByteSource) -> TagArea:
        """All tags of all segments. What is wrong with some, and a limit that was reached, is a note.

        Raises:
            ContainerMalformed: if there is no EBML header.
        """
        area = AreaBuilder()
        with area.up_to_limits():
            read_area(source, read_layout(source), area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        return read_essence(source, read_layout(source))

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """All parts of the segment but clusters, of which the sizes are listed; tags one by one.

        Raises:
            ContainerMalformed, LimitExceeded: if not everything could be read to its end.
        """
        return list_foreign(source, read_layout(source), Foreign(edit))

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """Tags only; ``edit.data_mining`` has no place here.

        Raises:
            EssenceUnbindable, MarkError: if the file cannot be written safely.
        """
        _mkv_write.write_tags(file, edit)
