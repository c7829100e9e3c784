"""Sample tables of an MP4 track: where its samples lie and how long each is.

ISO/IEC 14496-12 sections 8.7.3 (``stsz``, ``stz2``), 8.7.4 (``stsc``) and 8.7.5 (``stco``,
``co64``). No object is made for a sample; contiguous samples are merged into runs.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from noai.containers._bmff import Box, BoxReader, Node
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import MP4_RUNS, MP4_SAMPLES

#: Sample lengths that are announced to a hasher at once.
_SLICE: Final = 1 << 17


@dataclass
class Samples:
    """The samples of one track, in table order."""

    count: int
    #: Bytes of every sample, or 0 where ``sizes`` holds them one by one.
    fixed: int
    sizes: array[int]
    #: Start and end of each stretch of contiguous samples, in table order.
    starts: array[int] = field(default_factory=lambda: array("Q"))
    ends: array[int] = field(default_factory=lambda: array("Q"))
    #: Every sample description that a chunk names, from 1.
    descriptions: set[int] = field(default_factory=set)

    def runs(self) -> Iterator[tuple[int, int]]:
        return zip(self.starts, self.ends, strict=True)

    def lengths(self) -> Iterator[tuple[bytes, int]]:
        """The sample lengths as u32le, many at once, each with their number."""
        for start in range(0, self.count, _SLICE):
            number = min(_SLICE, self.count - start)
            if self.fixed:
                yield self.fixed.to_bytes(4, "little") * number, number
                continue
            part = self.sizes[start : start + number]
            if sys.byteorder == "big":
                part.byteswap()
            yield part.tobytes(), number

    def _add(self, start: int, length: int) -> None:
        if not length:
            return
        if self.ends and self.ends[-1] == start:
            self.ends[-1] = start + length
            return
        if len(self.starts) == MP4_RUNS:
            raise LimitExceeded(f"more than {MP4_RUNS} stretches of samples")
        self.starts.append(start)
        self.ends.append(start + length)


def read_samples(reader: BoxReader, stbl: Node) -> Samples:
    """The samples that the tables in ``stbl`` describe.

    Raises:
        ContainerMalformed: if tables are missing, doubled or contradict each other, or samples
            run past the end of the file.
        LimitExceeded: beyond :data:`noai.limits.MP4_SAMPLES` or :data:`noai.limits.MP4_RUNS`.
    """
    samples = _read_sizes(reader, stbl)
    offsets = _read_offsets(reader, stbl)
    taken = 0
    for chunks, per_chunk, description in _spans(reader, stbl, len(offsets)):
        samples.descriptions.add(description)
        for chunk in chunks:
            number = min(per_chunk, samples.count - taken)
            if not number or (number < per_chunk and chunk != len(offsets) - 1):
                raise ContainerMalformed(f"the chunks hold more than the {samples.count} samples of stsz")
            if samples.fixed:
                length = number * samples.fixed
            else:
                length = sum(samples.sizes[taken : taken + number])
            if offsets[chunk] + length > reader.size:
                raise ContainerMalformed("samples run past the end of the file")
            samples._add(offsets[chunk], length)
            taken += number
    if taken != samples.count:
        raise ContainerMalformed(f"stsz counts {samples.count} samples, the chunks hold {taken}")
    return samples


def _read_sizes(reader: BoxReader, stbl: Node) -> Samples:
    stsz, compact = stbl.optional(b"stsz"), stbl.optional(b"stz2")
    if (stsz is None) == (compact is None):
        raise ContainerMalformed("a track needs one of stsz and stz2")
    if stsz is not None:
        fixed, count = reader.fields(stsz, "II", 4)
        if fixed:
            return Samples(count, fixed, array("I"))
        return Samples(count, 0, reader.table(stsz, 12, count))
    assert compact is not None
    return _read_compact(reader, compact)


def _read_compact(reader: BoxReader, box: Box) -> Samples:
    width, count = reader.fields(box, "II", 4)
    width &= 0xFF
    if count > MP4_SAMPLES:
        raise LimitExceeded(f"a sample table of {count} entries")
    if width not in (4, 8, 16):
        raise ContainerMalformed(f"stz2 with fields of {width} bits")
    length = (count * width + 7) // 8
    if 12 + length > box.length:
        raise ContainerMalformed("stz2 is shorter than its table")
    data = reader.read(box.body + 12, length)
    sizes = array("I")
    if width == 4:
        sizes.extend(nibble for byte in data for nibble in (byte >> 4, byte & 15))
        del sizes[count:]
    elif width == 8:
        sizes.extend(data)
    else:
        sizes.extend(high << 8 | low for high, low in zip(data[::2], data[1::2], strict=True))
    return Samples(count, 0, sizes)


def _read_offsets(reader: BoxReader, stbl: Node) -> array[int]:
    stco, co64 = stbl.optional(b"stco"), stbl.optional(b"co64")
    if (stco is None) == (co64 is None):
        raise ContainerMalformed("a track needs one of stco and co64")
    box, typecode = (stco, "I") if stco is not None else (co64, "Q")
    assert box is not None
    (count,) = reader.fields(box, "I", 4)
    return reader.table(box, 8, count, typecode)


def _spans(reader: BoxReader, stbl: Node, chunks: int) -> Iterator[tuple[range, int, int]]:
    """Ranges of chunk indices from 0 with samples a chunk and sample description, in order."""
    stsc = stbl.one(b"stsc")
    (count,) = reader.fields(stsc, "I", 4)
    table = reader.table(stsc, 8, 3 * count)
    if chunks and (not count or table[0] != 1):
        raise ContainerMalformed("stsc does not begin with the first chunk")
    for entry in range(0, 3 * count, 3):
        first, per_chunk, description = table[entry : entry + 3]
        following = table[entry + 3] if entry + 3 < len(table) else chunks + 1
        if not per_chunk or (following <= first and (chunks or entry)):
            raise ContainerMalformed("the chunks in stsc are out of order or empty")
        yield range(first - 1, min(following - 1, chunks)), per_chunk, description
