"""Musepack, stream versions 7 and 8."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from noai.containers import _musepack_sv7 as sv7
from noai.containers import _musepack_sv8 as sv8
from noai.containers._area import AreaBuilder
from noai.containers._tagged_stream import StreamLayout, TaggedStream
from noai.containers.interface import ContainerName
from noai.essence import StreamHasher, Violation
from noai.sources import ByteSource

MUSEPACK: Final = ContainerName("musepack")
_MAGIC: Final = 4


class Musepack(TaggedStream):
    """A stream of version 7 or 8, and an APEv2 tag behind it.

    In version 8, chapters have tags of their own, inside the stream. They are read, and written by
    nobody but the tools for chapters, so that a marker in them stays where it is.
    """

    names = (MUSEPACK,)

    def starts_at(self, source: ByteSource, start: int) -> bool:
        head = source.read_at(start, _MAGIC)
        return head in sv7.MAGICS or head == sv8.MAGIC

    def read_inside(self, source: ByteSource, layout: StreamLayout, area: AreaBuilder) -> int:
        if _is_packets(source, layout):
            return sv8.read_chapters(source, layout.start, layout.end, area)
        return sv7.stream_end(source, layout)

    def describe_inside(self, source: ByteSource, layout: StreamLayout, area: AreaBuilder) -> Iterator[str]:
        if _is_packets(source, layout):
            return sv8.describe(source, layout.start, layout.end, area)
        return sv7.describe(source, layout.start)

    def tag_violations(self, source: ByteSource, layout: StreamLayout) -> Iterator[Violation]:
        yield from super().tag_violations(source, layout)
        if _is_packets(source, layout):
            yield from sv8.tag_violations(source, layout)

    def hash_stream(self, source: ByteSource, layout: StreamLayout) -> tuple[StreamHasher, list[Violation]]:
        if _is_packets(source, layout):
            return sv8.hash_stream(source, layout)
        return sv7.hash_stream(source, layout), list(sv7.violations(source, layout))


def _is_packets(source: ByteSource, layout: StreamLayout) -> bool:
    return source.read_at(layout.start, _MAGIC) == sv8.MAGIC
