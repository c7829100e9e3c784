"""MP4, M4A, QuickTime and their kin: ISO base media files (ISO/IEC 14496-12, 14496-14).

Split by meaning: ``_bmff`` walks boxes; ``_mp4_tags``, ``_mp4_list``, ``_mp4_uuid``, ``_mp4_values`` and
``_mp4_hidden`` read the tag area; ``_mp4_movie``, ``_mp4_samples``, ``_mp4_fragments`` and ``_mp4_index``
say where samples lie, ``_mp4_codecs`` and ``_mp4_timing`` how they are played, and ``_mp4_essence`` hashes
them; ``_mp4_inventory`` lists what must survive; ``_mp4_edit``, ``_mp4_write``, ``_mp4_offsets``,
``_mp4_xmp`` and ``_mp4_manifest`` write.
"""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO, Final

from noai.containers._area import only_manifest
from noai.containers._bmff import BoxReader
from noai.containers._mp4_essence import read_essence
from noai.containers._mp4_inventory import list_foreign
from noai.containers._mp4_manifest import write_manifest
from noai.containers._mp4_movie import read_movie
from noai.containers._mp4_tags import read_area
from noai.containers._mp4_write import write_movie
from noai.containers._mp4_xmp import write_xmp
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.essence import EssenceReading
from noai.sources import ByteSource, FileSource

#: First boxes of QuickTime files older than ``ftyp``, and of media segments.
_FIRST: Final = frozenset(
    (b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"sidx", b"emsg", b"prft")
)
#: Major brands of still images, which use the same boxes.
IMAGES: Final = frozenset(
    (
        b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1",
        b"jp2 ", b"jpx ", b"jpm ", b"crx ",
    )
)  # fmt: skip

MP4: Final = ContainerName("mp4")


class Mp4:
    """One implementation for all brands; files with video count if they have audio as well."""

    names: tuple[ContainerName, ...] = (MP4,)
    writable = True
    c2pa_type: str | None = "audio/mp4"
    has_xmp = True

    def detect(self, source: ByteSource) -> ContainerName | None:
        head = source.read_at(0, 16)
        if len(head) < 8:
            return None
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if kind == b"ftyp":
            return None if head[8:12] in IMAGES else MP4
        if kind not in _FIRST:
            return None
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        sane = 8 <= size <= source.size or (size == 0 and kind == b"mdat")
        return MP4 if sane else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """All of it that can be read. What is wrong with the rest, or with the file, is a note."""
        return read_area(BoxReader(source))

    def read_essence(self, source: ByteSource) -> EssenceReading:
        reader = BoxReader(source)
        return read_essence(BoxReader(source), read_movie(BoxReader(source), reader.top()))

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        return list_foreign(BoxReader(source), edit)

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        write_movie(file, edit)
        if edit.data_mining is not None or edit.lifted_data_mining is not None:
            write_xmp(file, edit.data_mining, edit.lifted_data_mining)

    def embed_manifest(self, file: BinaryIO, store: bytes) -> tuple[tuple[int, int], ...]:
        """In a ``uuid`` box right behind ``ftyp``."""
        write_manifest(file, store)
        return only_manifest(self.read_tags(FileSource(file))).wrapping
