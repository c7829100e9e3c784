"""ID3v2 tags in front of a container that knows nothing of them.

Taggers put them there, and most players skip them before they look at what kind of file it is (ffmpeg
and libsndfile in front of everything, mpg123, TagLib). Containers for which that is common practice (MPEG
audio, FLAC and others) read such tags themselves; for all others :class:`Prefixed` does, so that no
container needs to know.

Nothing is ever written into such a tag. Markers and lifted statements are taken out of it; what noai says
goes to where the inner container has its place.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Final

from noai.codes import Code
from noai.containers import _id3_write
from noai.containers._area import AreaBuilder
from noai.containers._id3 import HEADER, VERSIONS, Id3Tag, locate_leading, parse_header, read_id3v2
from noai.containers._id3_inventory import describe_tag
from noai.containers._inventory import Foreign
from noai.containers._mpeg_search import holds_audio
from noai.containers._splices import Splice, apply, rewriting
from noai.containers.dsf import DSF
from noai.containers.interface import AreaNote, Container, ContainerName, TagArea, TagEdit
from noai.containers.mp4 import MP4
from noai.errors import ContainerError, LimitExceeded, MarkError
from noai.essence import EssenceReading, Violation
from noai.sources import ByteSource, FileSource

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

#: Whose parts are found by offsets from the start of the file. Where a tag stands in front of them some
#: players count from the start of the file all the same, and play other bytes or none.
_BY_OFFSET: Final = frozenset({MP4, DSF})


class Shifted:
    """The bytes of ``source`` from ``start`` on, as a source of its own."""

    def __init__(self, source: ByteSource, start: int) -> None:
        self._source = source
        self._start = start
        self.size = source.size - start

    def read_at(self, offset: int, length: int) -> bytes:
        return self._source.read_at(self._start + offset, length)


def behind_tags(source: ByteSource) -> Shifted | None:
    """What stands behind the ID3v2 tags that begin ``source``; None where none do, or where frames follow.

    Frames of MPEG audio and ADTS carry such tags by nature.
    """
    first = parse_header(source.read_at(0, HEADER), 0, source.size)
    if first is None or first.version not in VERSIONS:
        return None
    try:
        start = locate_leading(source)[-1].end
    except LimitExceeded:
        return None
    head = source.read_at(start, 2)
    is_sync = len(head) == 2 and head[0] == 0xFF and head[1] >= 0xE0
    return None if is_sync or len(head) < 2 else Shifted(source, start)


@dataclass(frozen=True)
class Prefixed:
    """``inner`` behind ID3v2 tags. Offers what ``inner`` does, but for an embedded C2PA manifest."""

    inner: Container

    @property
    def names(self) -> tuple[ContainerName, ...]:
        return self.inner.names

    @property
    def writable(self) -> bool:
        return self.inner.writable

    @property
    def c2pa_type(self) -> str | None:
        """None: the C2PA library does not see ``inner`` behind the tags."""
        return None

    @property
    def has_xmp(self) -> bool:
        return self.inner.has_xmp

    def detect(self, source: ByteSource) -> ContainerName | None:
        behind = behind_tags(source)
        return None if behind is None else self.inner.detect(behind)

    def read_tags(self, source: ByteSource) -> TagArea:
        """What the tags in front say, then what ``inner`` says. What stopped either of them is a note."""
        area = AreaBuilder()
        leading = locate_leading(source)
        with area.up_to_limits():
            for tag in leading:
                read_id3v2(source, tag, area)
        if len(leading) > 1:
            area.note(Code.TAG_DUPLICATE, f"{len(leading)} ID3v2 tags in front of the file; all were read")
        outer, start = area.build(), _start(leading)
        try:
            found = self.inner.read_tags(Shifted(source, start))
        except ContainerError as error:
            return replace(outer, notes=(*outer.notes, AreaNote(Code.of(error.code), str(error))))
        return TagArea(
            (*outer.fields, *found.fields),
            (*outer.xmp, *found.xmp),
            (*outer.manifests, *(store.moved(start) for store in found.manifests)),
            (*outer.notes, *found.notes),
        )

    def read_essence(self, source: ByteSource) -> EssenceReading:
        leading = locate_leading(source)
        reading = self.inner.read_essence(Shifted(source, _start(leading)))
        return replace(reading, violations=(*_violations(source, leading, self), *reading.violations))

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        leading = locate_leading(source)
        items = self.inner.inventory(Shifted(source, _start(leading)), edit)
        foreign, area = Foreign(edit), AreaBuilder()
        for tag in leading:
            items.update(describe_tag(source, tag, foreign, area))
        return items

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            MarkError: as ``inner`` does; where a tag in front cannot be rewritten; where players find the
                audio by offsets that such a tag shifts.
        """
        source = FileSource(file)
        leading = locate_leading(source)
        if leading and not _BY_OFFSET.isdisjoint(self.names):
            raise MarkError("an ID3 tag stands in front of audio that is found by its offsets in the file")
        taken_out = _id3_write.Id3Edit(edit, writes=False, xmp=False)
        splices: list[Splice] = []
        with rewriting("the tags in front of the file"):
            for tag in leading:
                splices += _id3_write.plan(source, tag, taken_out)
        with _behind(file, _start(leading)) as inner:
            self.inner.write_tags(inner, edit)
        apply(file, splices)


def _start(leading: list[Id3Tag]) -> int:
    return leading[-1].end if leading else 0


def _violations(source: ByteSource, leading: list[Id3Tag], container: Prefixed) -> Iterator[Violation]:
    for tag in leading:
        if tag.version not in VERSIONS or tag.problem is not None:
            message = f"the ID3 tag at {tag.offset} has a size or version that decoders read differently"
            yield Violation(tag.problem or Code.ID3_VERSION, message)
    if leading and not _BY_OFFSET.isdisjoint(container.names):
        message = "an ID3 tag in front shifts the audio, which is found by its offsets in the file"
        yield Violation(Code.AUDIO_SHIFTED, message)
    if holds_audio(source, 0, _start(leading)):
        yield Violation(Code.AUDIO_IN_TAG, "the ID3 tags in front hold audio frames")


class _RawShifted(io.RawIOBase):
    """The bytes of ``file`` from ``start`` on, as a raw file of its own."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self._start = start
        file.seek(start)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            offset += self._start
        return self._file.seek(offset, whence) - self._start

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._file.read(len(view))
        view[: len(data)] = data
        return len(data)

    def write(self, data: ReadableBuffer) -> int:
        return self._file.write(data)

    def truncate(self, size: int | None = None) -> int:
        size = self._file.tell() if size is None else self._start + size
        return self._file.truncate(size) - self._start


@contextmanager
def _behind(file: BinaryIO, start: int) -> Iterator[BinaryIO]:
    """``file`` from ``start`` on, as a file of its own; ``file`` stays open."""
    shifted = io.BufferedRandom(_RawShifted(file, start))
    yield shifted
    shifted.flush()
    shifted.detach()
    file.flush()
