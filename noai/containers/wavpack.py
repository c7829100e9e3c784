"""WavPack 4 and 5, DSD included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from noai.codes import Code
from noai.containers import _wavpack_blocks as blocks
from noai.containers._area import AreaBuilder
from noai.containers._inventory import sha256
from noai.containers._tagged_stream import StreamLayout, TaggedStream, hash_range, signature_violations
from noai.containers._wavpack_blocks import Block
from noai.containers._wrapped import read_wrapped
from noai.containers.interface import ContainerName
from noai.essence import StreamHasher, Violation
from noai.sources import ByteSource

WAVPACK: Final = ContainerName("wavpack")


class WavPack(TaggedStream):
    """Blocks, and an APEv2 tag behind them.

    A header and trailer of the original file, which the encoder kept, stand inside the blocks. Their
    tags are read, too, and never changed, so that a marker in them stays where it is.

    A correction file (``.wvc``) holds blocks of its own and is read as a file of its own.
    """

    names = (WAVPACK,)

    def starts_at(self, source: ByteSource, start: int) -> bool:
        return blocks.parse(source.read_at(start, blocks.HEADER), start) is not None

    def read_inside(self, source: ByteSource, layout: StreamLayout, area: AreaBuilder) -> int:
        wrapped, end = blocks.read_wrapped(source, layout.start, layout.end)
        read_wrapped(source, wrapped, area)
        return end

    def tag_violations(self, source: ByteSource, layout: StreamLayout) -> Iterator[Violation]:
        yield from super().tag_violations(source, layout)
        # libwavpack does not know ID3v2 and searches for the next block in whatever it meets.
        yield from signature_violations(source, layout, blocks.SIGNATURE)

    def describe_inside(self, source: ByteSource, layout: StreamLayout, area: AreaBuilder) -> Iterator[str]:
        for block in blocks.walk(source, layout.start, layout.end):
            if blocks.is_beside_audio(source, block, layout.end):
                area.count_item()
                yield f"WavPack block={sha256(source, block.offset, block.end)}"

    def hash_stream(self, source: ByteSource, layout: StreamLayout) -> tuple[StreamHasher, list[Violation]]:
        hasher = StreamHasher("wavpack", b"", packets=False)
        check, covered = _Check(), layout.start
        for block in blocks.walk(source, layout.start, layout.end):
            check.block(block)
            if blocks.is_beside_audio(source, block, layout.end):
                hash_range(hasher, source, covered, block.offset)
                covered = block.end
        hash_range(hasher, source, covered, layout.end)
        return hasher, list(check.violations(layout))


class _Check:
    """Whether blocks make one stream, from its first sample to its last."""

    def __init__(self) -> None:
        self._first: Block | None = None
        self._end: int | None = None
        self._index = 0
        self._open = self._contradicts = False

    def block(self, block: Block) -> None:
        self._end = block.end
        if not block.samples:
            return
        if self._first is None:
            self._first, self._index = block, block.index
        in_order = block.index == self._index and block.stream == self._first.stream
        if not in_order or block.is_first is self._open:
            self._contradicts = True
        self._open = not block.is_last
        if block.is_last:
            self._index = block.index + block.samples

    def violations(self, layout: StreamLayout) -> Iterator[Violation]:
        at = layout.start if self._end is None else self._end
        if at > layout.end or self._open:
            yield Violation(Code.ESSENCE_TRUNCATED, "the last WavPack block is cut off")
        elif at < layout.end:
            yield Violation(Code.FRAME_SYNC, f"the bytes at {at} are no WavPack block")
        if self._contradicts:
            yield Violation(Code.FRAME_HEADER, "WavPack blocks do not continue each other")
        if self._first is None or self._first.total is None:
            return
        total, held = self._first.total, self._index - self._first.index
        if held != total:
            code = Code.ESSENCE_TRUNCATED if held < total else Code.TRAILING_AUDIO
            yield Violation(code, f"{total} samples are announced, and the blocks hold {held}")
