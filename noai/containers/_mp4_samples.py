"""Samples of an MP4 track: where they lie and how long each is.

ISO/IEC 14496-12 sections 8.7.3 (``stsz``, ``stz2``), 8.7.4 (``stsc``) and 8.7.5 (``stco``,
``co64``). No object is made for a sample, and no table is held: what is kept are stretches of
contiguous samples, and where their lengths stand.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from noai.containers._bmff import Box, BoxReader, Node
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import MP4_RUNS, MP4_SAMPLES, READ_SIZE
from noai.sources import chunks

#: Lengths of samples that are all alike, announced to a hasher at once.
_SLICE: Final = 1 << 17


@dataclass(frozen=True, slots=True)
class Sizes:
    """The lengths of consecutive samples: one for all of them, or numbers in the file."""

    count: int
    #: Bytes of every sample; 0 where each has a number of its own.
    fixed: int = 0
    #: Where the row of the first sample begins.
    start: int = 0
    #: Numbers of 32 bits in a row, and which of them is the length.
    columns: int = 1
    column: int = 0
    #: Bits of a number in ``stz2``.
    width: int = 32

    def blocks(self, reader: BoxReader) -> Iterator[array[int]]:
        """The numbers, many at once; only where each sample has one of its own."""
        if self.width != 32:
            yield from self._compact(reader)
            return
        for rows in reader.numbers(self.start, self.count, self.columns):
            yield rows[self.column :: self.columns] if self.columns > 1 else rows

    def _compact(self, reader: BoxReader) -> Iterator[array[int]]:
        left = self.count
        for data in chunks(reader.source, self.start, self.start + (left * self.width + 7) // 8, READ_SIZE):
            sizes = array("I")
            if self.width == 4:
                sizes.extend(nibble for byte in data for nibble in (byte >> 4, byte & 15))
                del sizes[left:]
            elif self.width == 8:
                sizes.extend(data)
            else:
                sizes.extend(high << 8 | low for high, low in zip(data[::2], data[1::2], strict=True))
            left -= len(sizes)
            yield sizes


@dataclass
class Samples:
    """The samples of one track, in the order in which they are decoded."""

    count: int = 0
    sizes: list[Sizes] = field(default_factory=list)
    #: Start and end of each stretch of contiguous samples.
    starts: array[int] = field(default_factory=lambda: array("Q"))
    ends: array[int] = field(default_factory=lambda: array("Q"))
    #: Every sample description that is in use, from 1.
    descriptions: set[int] = field(default_factory=set)
    #: What ``stts`` has to time: samples, or frames in QuickTime's old chunk layout.
    timed: int = 0
    #: Whether ``stsc`` gives the last chunk more samples than there are.
    overstated: bool = False
    _numbers: int = 0

    @property
    def fixed(self) -> int | None:
        """Bytes of every sample, if they are all alike."""
        found = {sizes.fixed for sizes in self.sizes if sizes.count}
        return found.pop() or None if len(found) == 1 else None

    def runs(self) -> Iterator[tuple[int, int]]:
        return zip(self.starts, self.ends, strict=True)

    def lengths(self, reader: BoxReader) -> Iterator[tuple[bytes, int]]:
        """The sample lengths as u32le, many at once, each with their number."""
        for sizes in self.sizes:
            if sizes.fixed:
                for start in range(0, sizes.count, _SLICE):
                    number = min(_SLICE, sizes.count - start)
                    yield sizes.fixed.to_bytes(4, "little") * number, number
                continue
            for block in sizes.blocks(reader):
                if sys.byteorder == "big":
                    block.byteswap()
                yield block.tobytes(), len(block)

    def add(self, sizes: Sizes) -> None:
        """Count more samples.

        Raises:
            LimitExceeded: beyond :data:`noai.limits.MP4_SAMPLES`.
        """
        self.count += sizes.count
        self._numbers += 0 if sizes.fixed else sizes.count
        if self._numbers > MP4_SAMPLES:
            raise LimitExceeded(f"more than {MP4_SAMPLES} sample sizes in one track")
        self.sizes.append(sizes)

    def place(self, start: int, length: int) -> None:
        """``length`` bytes of samples lie at ``start``, behind those placed before.

        Raises:
            LimitExceeded: beyond :data:`noai.limits.MP4_RUNS`.
        """
        if not length:
            return
        if self.ends and self.ends[-1] == start:
            self.ends[-1] = start + length
            return
        if len(self.starts) == MP4_RUNS:
            raise LimitExceeded(f"more than {MP4_RUNS} stretches of samples")
        self.starts.append(start)
        self.ends.append(start + length)

    def extend(self, others: Samples) -> None:
        """Put ``others`` behind these. Raises LimitExceeded as :meth:`add` and :meth:`place` do."""
        for sizes in others.sizes:
            self.add(sizes)
        for start, end in others.runs():
            self.place(start, end - start)
        self.descriptions |= others.descriptions
        self.overstated |= others.overstated


@dataclass(frozen=True, slots=True)
class ChunkLayout:
    """QuickTime's old chunks of constant size, in which ``stsz`` counts frames of audio.

    QuickTime File Format, "Sound Sample Description (Version 1)": so many frames make a packet,
    which has so many bytes.
    """

    frames: int
    length: int


def read_samples(reader: BoxReader, stbl: Node, layout: ChunkLayout | None = None) -> Samples:
    """The samples that the tables in ``stbl`` describe; ``layout`` where players ignore ``stsz``.

    Raises:
        ContainerMalformed: if tables are missing, doubled or contradict each other, or samples
            run past the end of the file.
        LimitExceeded: beyond :data:`noai.limits.MP4_SAMPLES` or :data:`noai.limits.MP4_RUNS`.
    """
    stated = read_sizes(reader, stbl)
    frames = 1 if layout is None else layout.frames
    sizes = stated if layout is None else Sizes(stated.count // frames, layout.length)
    samples = Samples(timed=stated.count)
    samples.add(sizes)
    take = _Taker(reader, sizes)
    taken = 0
    for offset, number, announced, description in _chunks(reader, stbl, stated.count):
        samples.overstated |= number < announced
        if number % frames:
            raise ContainerMalformed("a chunk does not hold whole packets")
        samples.descriptions.add(description)
        length = take(number // frames)
        if offset + length > reader.size:
            raise ContainerMalformed("samples run past the end of the file")
        samples.place(offset, length)
        taken += number
    if taken != stated.count:
        raise ContainerMalformed(f"stsz counts {stated.count} samples, the chunks hold {taken}")
    return samples


class _Taker:
    """The bytes of the next samples, again and again."""

    def __init__(self, reader: BoxReader, sizes: Sizes) -> None:
        self._fixed = sizes.fixed
        self._blocks = sizes.blocks(reader)
        self._block: array[int] = array("I")
        self._at = 0

    def __call__(self, number: int) -> int:
        if self._fixed:
            return number * self._fixed
        end = self._at + number
        if end <= len(self._block):
            length = sum(self._block[self._at : end])
            self._at = end
            return length
        length = sum(self._block[self._at :])
        number = end - len(self._block)
        for block in self._blocks:
            if number <= len(block):
                self._block, self._at = block, number
                return length + sum(block[:number])
            length += sum(block)
            number -= len(block)
        raise ContainerMalformed("the chunks hold more samples than there are sizes")


def read_sizes(reader: BoxReader, stbl: Node) -> Sizes:
    """What ``stsz`` or ``stz2`` says."""
    stsz, compact = stbl.optional(b"stsz"), stbl.optional(b"stz2")
    if (stsz is None) == (compact is None):
        raise ContainerMalformed("a track needs one of stsz and stz2")
    if compact is not None:
        return _read_compact(reader, compact)
    assert stsz is not None
    fixed, count = reader.fields(stsz, "II", 4)
    return Sizes(count, fixed) if fixed else Sizes(count, start=reader.table(stsz, 12, count, 4))


def _read_compact(reader: BoxReader, box: Box) -> Sizes:
    width, count = reader.fields(box, "II", 4)
    width &= 0xFF
    if count > MP4_SAMPLES:
        raise LimitExceeded(f"a sample table of {count} entries")
    if width not in (4, 8, 16):
        raise ContainerMalformed(f"stz2 with fields of {width} bits")
    if 12 + (count * width + 7) // 8 > box.length:
        raise ContainerMalformed("stz2 is shorter than its table")
    return Sizes(count, start=box.body + 12, width=width)


def chunk_offsets(reader: BoxReader, box: Box) -> tuple[int, int, str]:
    """Of a ``stco`` or ``co64`` box: where its table begins, its length, and the type of its numbers."""
    typecode = "I" if box.type == b"stco" else "Q"
    (count,) = reader.fields(box, "I", 4)
    return reader.table(box, 8, count, array(typecode).itemsize), count, typecode


def _chunks(reader: BoxReader, stbl: Node, samples: int) -> Iterator[tuple[int, int, int, int]]:
    """Of every chunk, in order: offset, samples that it can hold and that stsc says, sample description."""
    stco, co64 = stbl.optional(b"stco"), stbl.optional(b"co64")
    if (stco is None) == (co64 is None):
        raise ContainerMalformed("a track needs one of stco and co64")
    box = stco if stco is not None else co64
    assert box is not None
    start, count, typecode = chunk_offsets(reader, box)
    offsets = (offset for block in reader.numbers(start, count, 1, typecode) for offset in block)
    left = samples
    number = 0
    for until, per_chunk, description in _spans(reader, stbl, count):
        while number < until:
            number += 1
            held = min(per_chunk, left)
            if not held or (held < per_chunk and number != count):
                raise ContainerMalformed(f"the chunks hold more than the {samples} samples of stsz")
            left -= held
            yield next(offsets), held, per_chunk, description


def _spans(reader: BoxReader, stbl: Node, chunks: int) -> Iterator[tuple[int, int, int]]:
    """Last chunk of a span, samples in each of its chunks, and their sample description, in order."""
    stsc = stbl.one(b"stsc")
    (count,) = reader.fields(stsc, "I", 4)
    start = reader.table(stsc, 8, count, 12)
    rows = (tuple(block[at : at + 3]) for block in reader.numbers(start, count, 3) for at in _every(3, block))
    entry = next(rows, None)
    if chunks and (entry is None or entry[0] != 1):
        raise ContainerMalformed("stsc does not begin with the first chunk")
    before = 0
    while entry is not None:
        first, per_chunk, description = entry
        entry = next(rows, None)
        end = chunks + 1 if entry is None else entry[0]
        # ffmpeg reads numbers with a sign here.
        if not 0 < per_chunk < 1 << 31 or (end <= first and (chunks or before)):
            raise ContainerMalformed("the chunks in stsc are out of order or empty")
        yield min(end - 1, chunks), per_chunk, description
        before = first


def _every(step: int, block: array[int]) -> range:
    return range(0, len(block), step)
