"""DSF, the DSD stream file: audio of one bit a sample with an ID3v2 tag behind it."""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO, Final

from noai.codes import Code
from noai.containers import _id3_write
from noai.containers._area import AreaBuilder
from noai.containers._chunk_tags import read_rest
from noai.containers._chunk_write import plan_behind
from noai.containers._chunks import find_name
from noai.containers._dsf_layout import AUDIO, FILE_SIZE, POINTER, DsfLayout, is_dsf, read_layout
from noai.containers._id3 import read_id3v2
from noai.containers._id3_inventory import describe_tag
from noai.containers._inventory import Foreign, sha256
from noai.containers._mpeg_search import holds_audio
from noai.containers._splices import Splice, apply, growth, rewriting
from noai.containers._tails import TailKind, describe_tail, read_tail
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.errors import MarkError
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.sources import ByteSource, FileSource, chunks

DSF: Final = ContainerName("dsf")


class Dsf:
    """DSF. Marker and statement stand in the ID3v2 tag behind the audio."""

    names: tuple[ContainerName, ...] = (DSF,)
    writable = True
    c2pa_type: str | None = None
    has_xmp = False

    def detect(self, source: ByteSource) -> ContainerName | None:
        return DSF if is_dsf(source) else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """The tag that is pointed to, and every other one. A limit that was reached is a note.

        Raises:
            ContainerMalformed: if this is no DSF file.
        """
        area = AreaBuilder()
        with area.up_to_limits():
            _read_tags(source, read_layout(source), area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """Codec ``dsf``: the ``fmt `` chunk without its reserved bytes, and the content of ``data``.

        Raises:
            ContainerMalformed, LimitExceeded: if this is no DSF file.
        """
        layout = read_layout(source)
        hasher = StreamHasher("dsf", layout.config, packets=False)
        for block in chunks(source, AUDIO, layout.audio_end):
            hasher.update(block)
        return EssenceReading.of([hasher], (*layout.problems, *_audio_behind(source, layout)))

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """
        Raises:
            ContainerMalformed, LimitExceeded: when not every tag could be read.
        """
        layout, foreign, area = read_layout(source), Foreign(edit), AreaBuilder()
        items: Counter[str] = Counter()
        for tag in layout.tags:
            items.update(describe_tag(source, tag, foreign, area))
        for tail in layout.tails:
            items.update(describe_tail(source, tail, foreign))
            if tail.kind in (TailKind.APE, TailKind.ID3V2):
                items[f"{tail.kind.value}={sha256(source, tail.offset, tail.end)}"] += 1
        items.update(f"bytes in no tag={sha256(source, start, end)}" for start, end in layout.gaps)
        return items

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            MarkError: if the chunks contradict each other, or the tag cannot be rewritten without loss.
        """
        source = FileSource(file)
        with rewriting("the file"):
            splices = _plan(source, read_layout(source), edit)
        apply(file, splices)


def _read_tags(source: ByteSource, layout: DsfLayout, area: AreaBuilder) -> None:
    for problem in layout.problems:
        area.note(Code.TAG_UNREADABLE, problem.message)
    if layout.pointer and not any(tag.offset == layout.pointer for tag in layout.tags):
        area.note(Code.TAG_UNREADABLE, f"there is no ID3v2 tag at {layout.pointer}, where one should be")
    for tag in layout.tags:
        read_id3v2(source, tag, area)
    if len(layout.tags) > 1:
        area.note(Code.TAG_DUPLICATE, "several ID3v2 tags; all were read")
    for tail in layout.tails:
        read_tail(source, tail, area)
    for start, end in layout.gaps:
        read_rest(source, start, end, area)


def _audio_behind(source: ByteSource, layout: DsfLayout) -> list[Violation]:
    """A violation if another file was joined to this one, or MPEG audio stands behind its own."""
    for start, end in layout.gaps:
        if find_name(source, start, end, [b"DSD "]) or holds_audio(source, start, end):
            return [Violation(Code.TRAILING_AUDIO, f"other audio stands behind that of the file, at {start}")]
    return []


def _plan(source: ByteSource, layout: DsfLayout, edit: TagEdit) -> list[Splice]:
    if layout.problems:
        raise MarkError(f"the chunks contradict each other: {layout.problems[0].message}")
    splices: list[Splice] = []
    for number, tag in enumerate(layout.tags):
        what = _id3_write.Id3Edit(edit, writes=number == 0, xmp=False)
        splices += _id3_write.plan(source, tag, what)
    splices += plan_behind(source, layout.tails, layout.gaps, edit)
    place = layout.tags[0].offset if layout.tags else layout.size
    if not layout.tags:
        splices += _id3_write.plan_new(place, _id3_write.Id3Edit(edit, xmp=False))
    size = layout.size + growth(splices)
    stays = _stays(layout, splices) if layout.tags else bool(splices)
    pointer = place + growth([splice for splice in splices if splice.offset < place]) if stays else 0
    return [
        *splices,
        Splice(FILE_SIZE, 8, size.to_bytes(8, "little")),
        Splice(POINTER, 8, pointer.to_bytes(8, "little")),
    ]


def _stays(layout: DsfLayout, splices: list[Splice]) -> bool:
    """Whether anything is left of the first tag."""
    first = layout.tags[0]
    return Splice(first.offset, first.end - first.offset, b"") not in splices
