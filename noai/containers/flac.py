"""Native FLAC (RFC 9639)."""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO, Final

from noai.codes import Code
from noai.containers import _flac_essence, _flac_write, _id3_manifest
from noai.containers._area import AreaBuilder, only_manifest
from noai.containers._between import read_between
from noai.containers._flac_blocks import PADDING, SYNCS, VORBIS_COMMENT, FlacLayout, find_magic, read_layout
from noai.containers._flac_joined import find_joined
from noai.containers._flac_metadata import read_metadata
from noai.containers._id3 import read_id3v2
from noai.containers._id3_inventory import describe_tag
from noai.containers._inventory import Foreign, sha256
from noai.containers._opaque import note_marks
from noai.containers._splices import apply
from noai.containers._tails import locate_tails, note_stray_tags, read_tail
from noai.containers._vorbis import parse
from noai.containers._vorbis_edit import inventory
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.errors import LimitExceeded
from noai.essence import EssenceReading
from noai.limits import SEARCHED_BYTES
from noai.sources import ByteSource, FileSource, chunks

FLAC: Final = ContainerName("flac")


class Flac:
    """FLAC, with ID3v2 tags in front of it, where C2PA puts its GEOB, and MPEG audio's tags behind it.

    XMP has no standard place in FLAC: no application block is registered for it, and tools that read
    FLAC look for none.
    """

    names = (FLAC,)
    writable = True
    c2pa_type: str | None = "audio/flac"
    has_xmp = False

    def detect(self, source: ByteSource) -> ContainerName | None:
        try:
            return FLAC if find_magic(source) else None
        except LimitExceeded:
            return None

    def read_tags(self, source: ByteSource) -> TagArea:
        """All comment blocks, and the ID3 tags around the file.

        What is wrong with one of them is a note, so that the others still count.

        Raises:
            ContainerMalformed: if this is no FLAC.
        """
        area = AreaBuilder()
        with area.up_to_limits():
            _read_tags(source, area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        return _flac_essence.read_essence(source)

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """Comments, vendors, all other blocks but empty padding, and what the ID3 tags hold.

        Raises:
            ContainerMalformed, LimitExceeded: if the metadata cannot be read to its end.
        """
        items: Counter[str] = Counter()
        area, foreign = AreaBuilder(), Foreign(edit)
        layout = read_layout(source)
        layout.require_sound()
        for block in layout.blocks:
            if block.type == VORBIS_COMMENT:
                items.update(inventory(source, parse(source, block.data, block.end, area), foreign))
            elif block.type != PADDING or any(map(any, chunks(source, block.data, block.end))):
                items[f"{block.name}={sha256(source, block.data, block.end)}"] += 1
        for tag in layout.leading:
            items.update(describe_tag(source, tag, foreign, area))
        if layout.id3v1 is not None:
            items[f"ID3v1={sha256(source, layout.id3v1, source.size)}"] += 1
        return items

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """Into the comments; ``edit.data_mining`` has no place here.

        Raises:
            MarkError: if the metadata is damaged, or has no room for the mark.
        """
        _flac_write.write_tags(file, edit)

    def embed_manifest(self, file: BinaryIO, store: bytes) -> tuple[tuple[int, int], ...]:
        """In an ID3v2 tag in front, as :class:`noai.containers.mp3.Mp3` does."""
        source = FileSource(file)
        apply(file, _id3_manifest.plan(source, read_layout(source).leading, store))
        return only_manifest(self.read_tags(FileSource(file))).pieces


def _read_tags(source: ByteSource, area: AreaBuilder) -> None:
    layout = read_layout(source)
    for tag in layout.leading:
        read_id3v2(source, tag, area)
    read_metadata(source, layout.blocks, area)
    if (count := len(layout.of_type(VORBIS_COMMENT))) > 1:
        area.note(Code.TAG_DUPLICATE, f"{count} comment blocks; all were read")
    if layout.damage is not None:
        area.note(Code.TAG_UNREADABLE, f"the FLAC metadata is damaged: {layout.damage}")
    tails = locate_tails(source, layout.audio, source.size)
    for tail in tails:
        read_tail(source, tail, area)
    end = tails[0].offset if tails else source.size
    if layout.audio < end and source.read_at(layout.audio, 2) not in SYNCS:
        area.note(Code.FLAC_SYNC, "no audio frame follows the metadata; there may be more of it")
    _read_audio(source, layout, end, area)


def _read_audio(source: ByteSource, layout: FlacLayout, end: int, area: AreaBuilder) -> None:
    """Tags, and further streams with metadata of their own, in what should be frames up to ``end``."""
    found = find_joined(source, layout, end)
    for stream in found.streams:
        read_metadata(source, stream.blocks, area)
        if stream.damage is not None:
            area.note(Code.TAG_UNREADABLE, f"the FLAC stream at {stream.offset} is damaged: {stream.damage}")
    for tag in found.tags:
        read_between(source, tag, area)
    if found.streams or found.tags:
        message = (
            f"{len(found.streams)} FLAC streams and {len(found.tags)} tags among the frames; all were read"
        )
        area.note(Code.TAG_DUPLICATE, message)
    read = [(each.offset, each.end) for each in (*found.streams, *found.tags)]
    if found.searched:
        note_marks(source, layout.audio, end, "the audio", area, read=sorted(read), limit=SEARCHED_BYTES)
    note_stray_tags(source, layout.audio, end, area, read)
