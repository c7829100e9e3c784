"""Monkey's Audio (APE), versions 3.80 and later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from noai.codes import Code
from noai.containers import _mac_header as mac
from noai.containers._area import AreaBuilder
from noai.containers._between import read_stretch
from noai.containers._tagged_stream import (
    StreamLayout,
    TaggedStream,
    hash_whole,
    signature_in,
    signature_violations,
)
from noai.containers._wrapped import Wrapped, read_wrapped
from noai.containers.interface import ContainerName
from noai.essence import StreamHasher, Violation
from noai.sources import ByteSource

MONKEYS_AUDIO: Final = ContainerName("ape")


class MonkeysAudio(TaggedStream):
    """A header, a table of frames, frames, and an APEv2 tag behind them.

    A header and trailer of the original file, which the encoder kept, stand around the frames. Their
    tags are read, too; they are part of the essence, so that a marker in them stays where it is.
    """

    names = (MONKEYS_AUDIO,)

    def starts_at(self, source: ByteSource, start: int) -> bool:
        return mac.is_mac(source.read_at(start, 6))

    def read_inside(self, source: ByteSource, layout: StreamLayout, area: AreaBuilder) -> int:
        header = mac.parse(source, layout.start)
        if header is None:
            area.note(Code.TAG_UNREADABLE, "the header of Monkey's Audio is cut off")
            return layout.start
        first, end = header.first_frame, layout.end
        kept = (header.wav_header[0], min(header.wav_header[1], end))
        trailer = (max(min(first, end), end - header.trailer_bytes), end)
        read_wrapped(source, Wrapped("Monkey's Audio", (kept,), (trailer,)), area)
        if header.frames_end is not None:
            return max(header.frames_end + header.trailer_bytes, kept[1])
        # How long the last frame is, these versions do not say.
        last = max(header.last_frame(source), min(first, end))
        if last < trailer[0]:
            read_stretch(source, last, trailer[0], "the last frame", area)
        return end

    def tag_violations(self, source: ByteSource, layout: StreamLayout) -> Iterator[Violation]:
        yield from super().tag_violations(source, layout)
        # The decoder knows one ID3v2 tag and searches for the start of a file behind it.
        yield from signature_violations(source, layout, mac.SIGNATURE)

    def hash_stream(self, source: ByteSource, layout: StreamLayout) -> tuple[StreamHasher, list[Violation]]:
        return hash_whole(source, layout, "ape"), list(_violations(source, layout))


def _violations(source: ByteSource, layout: StreamLayout) -> Iterator[Violation]:
    """Where the header, the table of frames and the file contradict each other."""
    header = mac.parse(source, layout.start)
    if header is None or header.first_frame > layout.end:
        yield Violation(Code.ESSENCE_TRUNCATED, "the header of Monkey's Audio is cut off")
        return
    if not header.frames:
        yield Violation(Code.ESSENCE_EMPTY, "the header of Monkey's Audio announces no frames")
        return
    frames_end = layout.end - header.trailer_bytes
    if header.frames_end is not None and header.frames_end != frames_end:
        short = header.frames_end > frames_end
        code = Code.ESSENCE_TRUNCATED if short else Code.TRAILING_AUDIO
        yield Violation(
            code, f"the frames end at {header.frames_end} by the header, at {frames_end} by the file"
        )
        frames_end = min(header.frames_end, frames_end)
    if header.table_entries < header.frames:
        yield Violation(Code.SEEK_TABLE, "the table of frames is shorter than the header says")
    elif not _in_order(source, header, layout.start, frames_end):
        yield Violation(Code.SEEK_TABLE, "the table of frames points to other places than the frames")
    if signature_in(source, header.first_frame, layout.end, mac.SIGNATURE):
        yield Violation(Code.TRAILING_AUDIO, "a second header of Monkey's Audio stands among the frames")


def _in_order(source: ByteSource, header: mac.MacHeader, start: int, end: int) -> bool:
    """Whether the first frame stands where the table ends, and each behind the one before it."""
    before = header.first_frame - start - 1
    expected: int | None = header.first_frame - start
    for offsets in header.offsets(source):
        if expected is not None and offsets[0] != expected:
            return False
        expected = None
        for offset in offsets:
            if offset <= before:
                return False
            before = offset
    return before < end - start
