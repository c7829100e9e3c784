"""Audio that is one stretch of the file between tags: ID3v2 in front; APE, Lyrics3, ID3v1, ID3v2 behind.

What WavPack, Monkey's Audio, Musepack, TrueAudio and ADTS files have in common. The stream itself
knows none of these tags: taggers put them around it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from noai.codes import Code
from noai.containers import _ape_write, _id3_write
from noai.containers._ape import ApeTag
from noai.containers._area import AreaBuilder
from noai.containers._between import read_stretch
from noai.containers._id3 import VERSIONS, Id3Tag, locate_leading, read_id3v2
from noai.containers._id3_inventory import describe_tag
from noai.containers._inventory import Foreign
from noai.containers._mpeg_search import holds_audio
from noai.containers._opaque import note_marks
from noai.containers._splices import Splice, apply, rewriting
from noai.containers._tails import (
    Tail,
    TailKind,
    describe_tail,
    locate_tails,
    plan_id3v1,
    read_tail,
)
from noai.containers.interface import ContainerName, FieldRole, TagArea, TagEdit
from noai.errors import ContainerMalformed, LimitExceeded, MarkError
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.limits import OPAQUE_BYTES, READ_SIZE
from noai.sources import ByteSource, FileSource, chunks

#: The longest match of a pattern for :func:`signature_in`.
_OVERLAP: Final = 64


@dataclass(frozen=True)
class StreamLayout:
    """The stream lies from ``start`` to ``end``; ``tails`` are in file order."""

    leading: tuple[Id3Tag, ...]
    start: int
    tails: tuple[Tail, ...]
    end: int

    @property
    def regions(self) -> list[tuple[str, int, int]]:
        """What lies around the stream: name, start and end."""
        leading = [(tag.place, tag.offset, tag.end) for tag in self.leading]
        return [*leading, *((tail.kind.value, tail.offset, tail.end) for tail in self.tails)]

    @property
    def ape(self) -> ApeTag | None:
        """The APE tag that readers find first: the last one."""
        found = [tail.tag for tail in self.tails if isinstance(tail.tag, ApeTag)]
        return found[-1] if found else None


class TaggedStream(ABC):
    """A container whose tags all lie around its stream. Subclasses know the stream."""

    names: tuple[ContainerName, ...]
    writable = True
    c2pa_type: str | None = None
    has_xmp = False
    #: Whether taggers put ID3v2 in front of this kind; else they put APEv2 behind.
    tagged_in_front = False

    @abstractmethod
    def starts_at(self, source: ByteSource, start: int) -> bool:
        """Whether a stream of this kind starts at ``start``."""

    @abstractmethod
    def hash_stream(self, source: ByteSource, layout: StreamLayout) -> tuple[StreamHasher, list[Violation]]:
        """The stream, hashed, and what forbids binding to it.

        Raises:
            LimitExceeded: as :mod:`noai.limits` says.
        """

    def tag_violations(self, source: ByteSource, layout: StreamLayout) -> Iterator[Violation]:
        """Where decoders could find audio in the tags."""
        yield from tag_violations(source, layout)

    @abstractmethod
    def read_inside(self, source: ByteSource, layout: StreamLayout, area: AreaBuilder) -> int:
        """What the stream itself says goes to ``area``.

        Where the stream ends by its own account: what stands behind is searched for tags, which are
        there where files were joined.

        Raises:
            LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
        """

    def describe_inside(self, source: ByteSource, layout: StreamLayout, area: AreaBuilder) -> Iterator[str]:
        """One description for each item in the stream that is not part of the essence; each is counted."""
        return iter(())

    # -- the container's methods ----------------------------------------------------------------

    def detect(self, source: ByteSource) -> ContainerName | None:
        try:
            leading = locate_leading(source)
        except LimitExceeded:
            # That many ID3 tags are for the container that takes whatever stands behind them.
            return None
        return self.names[0] if self.starts_at(source, _end_of(leading)) else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """All tags around and in the stream. A limit that was reached is a note; what was read counts.

        Raises:
            ContainerMalformed: if this is no such stream.
        """
        area = AreaBuilder()
        with area.up_to_limits():
            layout = self._layout(source)
            for tag in layout.leading:
                read_id3v2(source, tag, area)
            for tail in layout.tails:
                read_tail(source, tail, area)
            self._read_between(source, layout, area)
            if (count := len(layout.leading)) > 1:
                area.note(Code.TAG_DUPLICATE, f"{count} ID3v2 tags in front of the audio; all were read")
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """
        Raises:
            ContainerMalformed: if this is no such stream.
            LimitExceeded: more tags, or more pieces of audio, than :mod:`noai.limits` allows.
        """
        layout = self._layout(source)
        hasher, violations = self.hash_stream(source, layout)
        return EssenceReading.of([hasher], [*self.tag_violations(source, layout), *violations])

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """Frames of all ID3v2 tags, APE items, Lyrics3 and ID3v1.

        Raises:
            ContainerMalformed, LimitExceeded: when not every tag could be read to its end.
        """
        foreign, area, items = Foreign(edit), AreaBuilder(), Counter[str]()
        layout = self._layout(source)
        for tag in layout.leading:
            items.update(describe_tag(source, tag, foreign, area))
        for tail in layout.tails:
            if isinstance(tail.tag, Id3Tag):
                items.update(describe_tag(source, tail.tag, foreign, area))
            elif isinstance(tail.tag, ApeTag):
                items.update(_ape_write.describe(source, tail.tag, foreign, area))
            else:
                items.update(describe_tail(source, tail, foreign))
        items.update(self.describe_inside(source, layout, area))
        return items

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            MarkError: if a tag cannot be rewritten without loss.
        """
        source = FileSource(file)
        with rewriting("the tags"):
            splices = self._plan(source, self._layout(source), edit)
        apply(file, splices)

    # -- how ------------------------------------------------------------------------------------

    def _layout(self, source: ByteSource) -> StreamLayout:
        leading = locate_leading(source)
        start = _end_of(leading)
        if not self.starts_at(source, start):
            raise ContainerMalformed(f"no {self.names[0]} stream starts at {start}")
        tails = locate_tails(source, start, source.size)
        return StreamLayout(tuple(leading), start, tuple(tails), tails[0].offset if tails else source.size)

    def _read_between(self, source: ByteSource, layout: StreamLayout, area: AreaBuilder) -> None:
        """What stands between the tags in front and those behind."""
        end = self.read_inside(source, layout, area)
        if end < layout.end:
            read_stretch(source, end, layout.end, f"the bytes behind the {self.names[0]} stream", area)
        elif end > layout.end:
            # Cut off, or it says so: a tag at the end can be damaged so that nothing else finds it.
            first = max(layout.start, layout.end - OPAQUE_BYTES)
            note_marks(source, first, layout.end, f"the end of the cut off {self.names[0]} stream", area)

    def _require_settled(self, source: ByteSource, layout: StreamLayout, edit: TagEdit) -> None:
        """Raises MarkError if ``edit`` takes out what stands inside the stream: that is never changed."""
        area = AreaBuilder()
        self._read_between(source, layout, area)
        for field in area.build().fields:
            goes = field.role is FieldRole.MARKER and field.value not in edit.markers
            if goes or any(sentence in field.value for sentence in edit.lifted_statements):
                raise MarkError(
                    f"{field.place} {field.key} stands inside the stream, in what the encoder kept of the "
                    "original file, in a chapter or where files were joined, and cannot be taken out: "
                    "encode the track anew without it"
                )

    def _plan(self, source: ByteSource, layout: StreamLayout, edit: TagEdit) -> list[Splice]:
        self._require_settled(source, layout, edit)
        ours, lifting = _id3_write.Id3Edit(edit, xmp=False), _id3_write.Id3Edit(edit, writes=False)
        native = layout.ape
        in_front = self.tagged_in_front and (bool(layout.leading) or native is None)
        splices: list[Splice] = []
        if in_front and not layout.leading:
            splices += _id3_write.plan_new(0, ours)
        for number, tag in enumerate(layout.leading):
            splices += _id3_write.plan(source, tag, ours if in_front and number == 0 else lifting)
        for tail in layout.tails:
            if isinstance(tail.tag, Id3Tag):
                splices += _id3_write.plan(source, tail.tag, replace(lifting, appended=True))
            elif isinstance(tail.tag, ApeTag):
                writes = tail.tag is native and not in_front
                splices += _ape_write.plan(source, tail.tag, edit, writes=writes)
            elif tail.kind is TailKind.ID3V1:
                splices += plan_id3v1(source, tail, edit)
        if native is None and not in_front:
            splices += _ape_write.plan_new(_place_for_ape(source, layout), edit)
        return splices


def _end_of(leading: Sequence[Id3Tag]) -> int:
    return leading[-1].end if leading else 0


def _place_for_ape(source: ByteSource, layout: StreamLayout) -> int:
    """At the end, in front of ID3v1 only: there readers look for it."""
    if layout.tails and layout.tails[-1].kind is TailKind.ID3V1:
        return layout.tails[-1].offset
    return source.size


# -- for subclasses -----------------------------------------------------------------------------


def hash_whole(source: ByteSource, layout: StreamLayout, codec: str) -> StreamHasher:
    """Every byte of the stream, without a configuration: the stream holds its own."""
    hasher = StreamHasher(codec, b"", packets=False)
    hash_range(hasher, source, layout.start, layout.end)
    return hasher


def hash_range(hasher: StreamHasher, source: ByteSource, start: int, end: int) -> None:
    for block in chunks(source, start, end):
        hasher.update(block)


def tag_violations(source: ByteSource, layout: StreamLayout) -> Iterator[Violation]:
    """ID3v2 tags in front whose end decoders could see in different places; tags with MPEG audio in them."""
    for tag in layout.leading:
        if tag.version not in VERSIONS:
            yield Violation(Code.ID3_VERSION, f"an ID3 tag is of version 2.{tag.version}")
        elif tag.problem is not None:
            yield Violation(tag.problem, "an ID3 size is not syncsafe or runs past the file")
    for name, start, end in layout.regions:
        if holds_audio(source, start, end):
            yield Violation(Code.AUDIO_IN_TAG, f"the {name} tag at {start} holds MPEG audio frames")


def signature_violations(
    source: ByteSource, layout: StreamLayout, signature: re.Pattern[bytes]
) -> Iterator[Violation]:
    """Tags in which a decoder that searches for the ``signature`` of a stream would find one."""
    for name, start, end in layout.regions:
        if signature_in(source, start, end, signature):
            yield Violation(Code.AUDIO_IN_TAG, f"the {name} tag at {start} holds what starts a stream")


def signature_in(source: ByteSource, start: int, end: int, signature: re.Pattern[bytes]) -> bool:
    """Whether ``signature``, which matches at most :data:`_OVERLAP` bytes, stands in a range."""
    return any(
        signature.search(source.read_at(at, min(READ_SIZE + _OVERLAP, end - at)))
        for at in range(start, end, READ_SIZE)
    )
