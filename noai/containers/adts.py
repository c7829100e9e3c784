"""AAC in ADTS: ``.aac`` files. ADIF and LATM are other formats."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from noai.codes import Code
from noai.containers import _adts_essence
from noai.containers import _adts_frames as frames
from noai.containers._area import AreaBuilder
from noai.containers._between import read_stretch
from noai.containers._tagged_stream import StreamLayout, TaggedStream
from noai.containers._tails import locate_tails
from noai.containers.interface import ContainerName
from noai.errors import LimitExceeded
from noai.essence import StreamHasher, Violation
from noai.sources import ByteSource

ADTS: Final = ContainerName("adts")


class Adts(TaggedStream):
    """Frames of AAC, and ID3v2 in front of them, where ffmpeg, iTunes and HLS put it.

    What noai writes goes into the ID3v2 tag; into an APE tag behind, as foobar2000 writes it, if only
    that is there.
    """

    names = (ADTS,)
    tagged_in_front = True

    def starts_at(self, source: ByteSource, start: int) -> bool:
        return _first(source, start) is not None

    def read_inside(self, source: ByteSource, layout: StreamLayout, area: AreaBuilder) -> int:
        first = _require_first(source, layout.start)
        if first > layout.start:
            read_stretch(source, layout.start, first, "the bytes in front of the first ADTS frame", area)
        return frames.stream_end(source, first, layout.end)

    def tag_violations(self, source: ByteSource, layout: StreamLayout) -> Iterator[Violation]:
        yield from super().tag_violations(source, layout)
        header = frames.parse(source.read_at(_require_first(source, layout.start), frames.HEADER))
        for name, start, end in layout.regions:
            if header is not None and frames.hold_frames(source, start, end, header):
                yield Violation(Code.AUDIO_IN_TAG, f"the {name} tag at {start} holds ADTS frames")

    def hash_stream(self, source: ByteSource, layout: StreamLayout) -> tuple[StreamHasher, list[Violation]]:
        return _adts_essence.hash_stream(source, layout, _require_first(source, layout.start))


def _first(source: ByteSource, start: int) -> int | None:
    """The first frame of a stream whose tags end at ``start``."""
    if frames.starts_with_frames(source, start, _ends(source, start)):
        return start
    return frames.find_in_junk(source, start)


def _require_first(source: ByteSource, start: int) -> int:
    first = _first(source, start)
    assert first is not None, "the layout says that a stream starts here"
    return first


def _ends(source: ByteSource, start: int) -> Iterator[int]:
    """Where the audio can end: with the file, or where tags begin."""
    yield source.size
    with suppress(LimitExceeded):
        yield from (tail.offset for tail in locate_tails(source, start, source.size)[:1])
