"""MPEG audio layers I, II and III as a bare stream: MP3 files."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import BinaryIO, Final

from noai.codes import Code
from noai.containers import _ape, _ape_write, _id3_manifest, _id3_write, _mp3_essence, _mpeg
from noai.containers._ape import ApeTag
from noai.containers._area import AreaBuilder, only_manifest
from noai.containers._between import find_tags, read_between
from noai.containers._id3 import Id3Tag, read_id3v2
from noai.containers._id3_frames import Body, holds_frames
from noai.containers._id3_inventory import describe_tag
from noai.containers._inventory import Foreign
from noai.containers._mp3_joined import find_joined
from noai.containers._mp3_layout import Mp3Layout, detached_tags, is_mpeg_audio, read_layout
from noai.containers._opaque import note_marks
from noai.containers._splices import Splice, apply, rewriting
from noai.containers._tails import Tail, TailKind, describe_tail, note_stray_tags, plan_id3v1, read_tail
from noai.containers.interface import ContainerName, FieldRole, TagArea, TagEdit
from noai.errors import LimitExceeded, MarkError
from noai.essence import EssenceReading
from noai.limits import MP3_JUNK_BYTES
from noai.sources import ByteSource, FileSource

MP3: Final = ContainerName("mp3")


class Mp3:
    """MP3, with ID3v2, APE, Lyrics3 and ID3v1 tags around the frames.

    What noai writes stands in the first ID3v2 tag. Out of all others, and out of APE and ID3v1, it
    takes markers and lifted statements, and leaves the rest of them alone.
    """

    names = (MP3,)
    writable = True
    c2pa_type: str | None = "audio/mpeg"
    has_xmp = True

    def detect(self, source: ByteSource) -> ContainerName | None:
        """By runs of frames; also an ID3v2 tag in front of nothing known."""
        try:
            return MP3 if is_mpeg_audio(source) else None
        except LimitExceeded:
            # That many ID3 tags are no other format: reading them says what is wrong.
            return MP3

    def read_tags(self, source: ByteSource) -> TagArea:
        """All tags in front and behind. A limit that was reached is a note; what was read counts."""
        area = AreaBuilder()
        with area.up_to_limits():
            _read_tags(source, area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        return _mp3_essence.read_essence(source)

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """Frames of all ID3v2 tags, APE items, Lyrics3 and ID3v1.

        Raises:
            LimitExceeded: when not every tag could be read to its end.
        """
        foreign, area, items = Foreign(edit), AreaBuilder(), Counter[str]()
        layout = read_layout(source)
        for tag in _id3_tags(source, layout):
            items.update(describe_tag(source, tag, foreign, area))
        for ape in _ape_tags(layout):
            items.update(_ape_write.describe(source, ape, foreign, area))
        for tail in layout.tails:
            items.update(describe_tail(source, tail, foreign))
        return items

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            MarkError: if a tag cannot be rewritten without loss.
        """
        source = FileSource(file)
        with rewriting("the tags"):
            splices = _plan(source, edit)
        apply(file, splices)

    def embed_manifest(self, file: BinaryIO, store: bytes) -> tuple[tuple[int, int], ...]:
        """In a GEOB frame of the first ID3v2 tag, whose version stays. A hash leaves out the store alone."""
        source = FileSource(file)
        layout = read_layout(source)
        tags = _id3_tags(source, layout)
        leading = [tag for tag in tags if tag.offset < layout.end]
        apply(file, _id3_manifest.plan(source, leading, store, tags[len(leading) :]))
        return only_manifest(self.read_tags(FileSource(file))).pieces


def _read_tags(source: ByteSource, area: AreaBuilder) -> None:
    layout = read_layout(source)
    for tag in layout.leading:
        read_id3v2(source, tag, area)
    detached = detached_tags(source, layout)
    for tag in detached:
        read_id3v2(source, tag, area)
    if layout.ape is not None:
        _ape.read_ape(source, layout.ape, area)
    for tail in layout.tails:
        read_tail(source, tail, area)
    _check_count(source, layout, area)
    junk_end = detached[0].offset if detached else layout.junk_end
    junk = Body(source, layout.start, min(junk_end, layout.start + MP3_JUNK_BYTES))
    if layout.leading and holds_frames(junk, junk.start):
        area.note(Code.TAG_UNREADABLE, "ID3 frames stand behind the end of their tag")
    if layout.first is None and layout.end > layout.start:
        message = f"no MPEG audio was found in the {layout.end - layout.start} bytes behind the tags"
        area.note(Code.CONTAINER_MALFORMED, message)
    if (count := len(layout.leading) + len(detached)) > 1:
        area.note(Code.TAG_DUPLICATE, f"{count} ID3v2 tags in front of the audio; all were read")
    _read_out_of_place(source, layout, area)


def _read_out_of_place(source: ByteSource, layout: Mp3Layout, area: AreaBuilder) -> None:
    """Tags in front of the first frame that are no ID3v2 ones, and all those among the frames."""
    joined, in_junk = find_joined(source, layout).tags, _in_junk(source, layout)
    for found in (*in_junk, *joined):
        read_between(source, found, area)
    detached = detached_tags(source, layout)
    junk_end = min(detached[0].offset if detached else layout.junk_end, layout.start + MP3_JUNK_BYTES)
    known = [(found.offset, found.end) for found in in_junk]
    note_marks(source, layout.start, junk_end, "bytes in front of the first frame", area, read=known)
    if joined:
        message = f"{len(joined)} tags among the frames, as where files were joined; all were read"
        area.note(Code.TAG_DUPLICATE, message)
    read = [(found.offset, found.end) for found in joined]
    note_stray_tags(source, layout.start, layout.end, area, read)


def _in_junk(source: ByteSource, layout: Mp3Layout) -> list[Tail]:
    end = min(layout.junk_end, layout.start + MP3_JUNK_BYTES)
    found = find_tags(source, layout.start, end)
    # ID3v2 tags there are known already, those with a damaged header too.
    return [tag for tag in found if isinstance(tag, Tail) and tag.kind is not TailKind.ID3V2]


def _check_count(source: ByteSource, layout: Mp3Layout, area: AreaBuilder) -> None:
    """A note if the Info frame counts other bytes than there are; writers include it or do not."""
    if layout.first is None:
        return
    data = source.read_at(layout.first, _mpeg.LONGEST_FRAME)
    header = _mpeg.parse(data)
    counts = None if header is None else _mpeg.counts(data, header)
    if header is None or counts is None or counts.bytes is None:
        return
    length = layout.end - layout.first
    if not length - header.length <= counts.bytes <= length:
        message = f"the Info frame counts {counts.bytes} bytes of audio, and there are {length}"
        area.note(Code.XING_COUNT, message)


def _id3_tags(source: ByteSource, layout: Mp3Layout) -> list[Id3Tag]:
    appended = [tail.tag for tail in layout.tails if isinstance(tail.tag, Id3Tag)]
    return [*layout.leading, *detached_tags(source, layout), *appended]


def _ape_tags(layout: Mp3Layout) -> list[ApeTag]:
    behind = [tail.tag for tail in layout.tails if isinstance(tail.tag, ApeTag)]
    return [*([layout.ape] if layout.ape is not None else []), *behind]


def _require_settled(source: ByteSource, layout: Mp3Layout, edit: TagEdit) -> None:
    """Raises MarkError if ``edit`` takes out what stands among the frames: that is part of the audio."""
    area = AreaBuilder()
    for found in (*_in_junk(source, layout), *find_joined(source, layout).tags):
        read_between(source, found, area)
    for field in area.build().fields:
        goes = field.role is FieldRole.MARKER and field.value not in edit.markers
        if goes or any(sentence in field.value for sentence in edit.lifted_statements):
            raise MarkError(f"{field.place} {field.key} stands among the frames and cannot be taken out")


def _plan(source: ByteSource, edit: TagEdit) -> list[Splice]:
    layout = read_layout(source)
    _require_settled(source, layout, edit)
    ours, lifting = _id3_write.Id3Edit(edit), _id3_write.Id3Edit(edit, writes=False)
    tags = _id3_tags(source, layout)
    if layout.leading:
        splices = _id3_write.plan(source, tags.pop(0), ours)
    else:
        splices = _id3_write.plan_new(0, ours)
    for tag in tags:
        splices += _id3_write.plan(source, tag, replace(lifting, appended=tag.offset >= layout.end))
    for ape in _ape_tags(layout):
        splices += _ape_write.plan(source, ape, edit)
    for tail in layout.tails:
        if tail.kind is TailKind.ID3V1:
            splices += plan_id3v1(source, tail, edit)
    return splices
