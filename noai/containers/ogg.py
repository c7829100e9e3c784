"""Ogg files with Vorbis, Opus, FLAC or Speex (RFC 3533; see :mod:`noai.containers._ogg_kinds`)."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import BinaryIO, Final

from noai.containers import _ogg_c2pa, _ogg_essence, _ogg_tags, _ogg_write
from noai.containers._area import AreaBuilder
from noai.containers._inventory import Foreign
from noai.containers._ogg_front import Front
from noai.containers._ogg_kinds import FLAC, MAGIC_BYTES, OPUS, SPEEX, VORBIS, kind_of
from noai.containers._ogg_pages import FIRST, Page, PageReader
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.essence import EssenceReading
from noai.limits import KIB, OGG_STREAMS
from noai.sources import ByteSource

OGG_VORBIS: Final = ContainerName("ogg-vorbis")
OGG_OPUS: Final = ContainerName("ogg-opus")
OGG_FLAC: Final = ContainerName("ogg-flac")
OGG_SPEEX: Final = ContainerName("ogg-speex")
_NAMES: Final = MappingProxyType({VORBIS: OGG_VORBIS, OPUS: OGG_OPUS, FLAC: OGG_FLAC, SPEEX: OGG_SPEEX})


class Ogg:
    """Four codecs in Ogg, with whatever else is multiplexed with them or chained to them.

    There is no standard place for XMP.
    """

    names = tuple(_NAMES.values())
    writable = True
    #: Nothing is embedded unasked: see :meth:`embed_manifest`.
    c2pa_type: str | None = None
    requested_c2pa_type = "audio/ogg"
    has_xmp = False

    def detect(self, source: ByteSource) -> ContainerName | None:
        """By the first stream of a kind that is marked, of those whose first pages begin the file."""
        if source.read_at(0, 4) != b"OggS":
            return None
        for number, page in enumerate(PageReader(source, KIB)):
            if number == OGG_STREAMS or not isinstance(page, Page) or not page.flags & FIRST:
                return None
            name = _NAMES.get(kind_of(source.read_at(page.body, MAGIC_BYTES)))
            if name is not None:
                return name
        return None

    def read_tags(self, source: ByteSource) -> TagArea:
        """The comments of all streams of all chain links, video too, and C2PA manifests.

        Of one stream that is longer not every page is met (:mod:`noai.containers._ogg_extent`).
        What is wrong with one comment header is a note, so that the others still count; so is a
        limit that was reached.
        """
        area = AreaBuilder()
        heads = Front(source)
        with area.up_to_limits():
            heads.feed_heads()
        with area.up_to_limits():
            _ogg_tags.read_tags(heads, area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        return _ogg_essence.read_essence(source)

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """Comments, vendors, what follows them, other FLAC blocks, Opus gains, Speex headers, other streams.

        Raises:
            ContainerMalformed, LimitExceeded: if a comment header cannot be read to its end.
        """
        return _ogg_tags.take_inventory(source, Foreign(edit))

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """Comments only; ``edit.data_mining`` has no place here.

        Raises:
            EssenceUnbindable, MarkError: if the pages or comments cannot be written safely.
        """
        _ogg_write.write_tags(file, edit)

    def embed_manifest(self, file: BinaryIO, store: bytes) -> tuple[tuple[int, int], ...]:
        """As :meth:`noai.containers.interface.Embedding.embed_manifest`, for those who ask for it by name.

        A second bitstream is more than some software takes: TagLib no longer reads the tags, and stb_vorbis
        does not play the file (``docs/adr/0009-c2pa-in-ogg.md``).

        Raises:
            EssenceUnbindable, MarkError: as :func:`noai.containers._ogg_c2pa.embed_manifest`.
        """
        return _ogg_c2pa.embed_manifest(file, store)
