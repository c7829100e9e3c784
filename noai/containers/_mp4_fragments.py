"""Movie fragments: the samples of every track that lie behind the movie box (ISO/IEC 14496-12 section 8.8).

Fragments are read one after the other; of each only its stretches of samples and its times are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from noai.codes import Code
from noai.containers._bmff import Box, BoxReader, Node
from noai.containers._mp4_samples import Samples, Sizes
from noai.errors import ContainerMalformed
from noai.essence import Violation

# tf_flags of tfhd (section 8.8.7).
_BASE: Final = 0x1
_DESCRIPTION: Final = 0x2
_DURATION: Final = 0x8
_SIZE: Final = 0x10
_EMPTY: Final = 0x1_0000
_FROM_MOOF: Final = 0x2_0000
# tr_flags of trun (section 8.8.8): what stands in front of the rows, then the columns.
_RUN_OFFSET: Final = 0x1
_RUN_FIRST_FLAGS: Final = 0x4
_RUN_DURATION: Final = 0x100
_RUN_SIZE: Final = 0x200
_RUN_FLAGS: Final = 0x400
_RUN_SHIFT: Final = 0x800


@dataclass
class Timeline:
    """When the fragments of one track are decoded, in ticks of its media."""

    #: Where the one in front of the next fragment ends: at first, the sample table.
    reached: int = 0
    #: Where the track begins; None before its first sample.
    first: int | None = None
    #: All durations together, the longest one of a sample, the largest shift of a presentation time.
    total: int = 0
    longest: int = 0
    shift: int = 0
    #: Ticks by which fragments begin before the end of the one in front, together.
    overlap: int = 0
    #: The longest pause between two.
    pause: int = 0

    def begin(self, start: int) -> None:
        """The next fragment begins at ``start``."""
        if self.first is None:
            self.first = self.reached = start
        self.overlap += max(0, self.reached - start)
        self.pause = max(self.pause, start - self.reached)
        self.reached = start

    def last(self, duration: int, longest: int, shift: int) -> None:
        """It goes on for ``duration``."""
        if self.first is None:
            self.first = self.reached
        self.total += duration
        self.reached += duration
        self.longest = max(self.longest, longest)
        self.shift = max(self.shift, shift)


@dataclass
class TrackFragments:
    """What fragments hold of one track."""

    samples: Samples = field(default_factory=Samples)
    times: Timeline = field(default_factory=Timeline)


@dataclass(frozen=True, slots=True)
class _Defaults:
    """From ``trex`` (section 8.8.3) and ``tfhd``."""

    description: int
    duration: int
    size: int


def read_fragments(
    reader: BoxReader,
    moov: Node,
    moofs: Iterable[Node],
    tracks: Mapping[int, TrackFragments],
    violations: list[Violation],
) -> None:
    """Put what is in the fragments ``moofs`` into ``tracks``, by track id.

    Where they are out of order goes to ``violations``.

    Raises:
        ContainerMalformed: if one contradicts itself, the movie or the file.
        LimitExceeded: beyond the limits on boxes and samples.
    """
    defaults = _read_defaults(reader, moov)
    before = -1
    for moof in moofs:
        (number,) = reader.fragments.fields(moof.one(b"mfhd"), "I", 4)
        if number <= before:
            violations.append(_violation("the sequence numbers of fragments do not increase"))
        before = number
        position = moof.box.start
        for traf in moof.nodes(b"traf"):
            position = _read_traf(reader.fragments, moof.box, traf, position, defaults, tracks, violations)


def _read_defaults(reader: BoxReader, moov: Node) -> dict[int, _Defaults]:
    found: dict[int, _Defaults] = {}
    for box in moov.all(b"mvex", b"trex"):
        track, description, duration, size = reader.fields(box, "IIII", 4)
        if track in found:
            raise ContainerMalformed(f"several trex boxes of track {track}")
        found[track] = _Defaults(description, duration, size)
    return found


def _read_traf(
    reader: BoxReader,
    moof: Box,
    traf: Node,
    position: int,
    defaults: dict[int, _Defaults],
    tracks: Mapping[int, TrackFragments],
    violations: list[Violation],
) -> int:
    """Add one track fragment to ``tracks``.

    ``position`` is where the samples of the one in front ended; returns where those of this one do.
    """
    tfhd = traf.one(b"tfhd")
    flags, track = reader.fields(tfhd, "II")
    if track not in defaults or track not in tracks:
        raise ContainerMalformed(f"a fragment of track {track}, which the movie does not announce")
    base, own = _read_head(reader, tfhd, flags, defaults[track])
    if base is None:
        base = moof.start if flags & _FROM_MOOF else position
    found = tracks[track]
    runs = traf.all(b"trun")
    if runs and flags & _EMPTY:
        raise ContainerMalformed("a track fragment that says it is empty holds samples")
    tfdt = traf.optional(b"tfdt")
    if tfdt is not None:
        found.times.begin(*reader.fields(tfdt, "Q" if reader.version(tfdt) else "I", 4))
    if runs:
        found.samples.descriptions.add(own.description)
    position = base
    for number, trun in enumerate(runs):
        run = _read_run(reader, trun, own, found.times)
        if run.offset is not None:
            position = base + run.offset
        elif number:
            # The standard lets it follow the run in front; FFmpeg puts it at the base.
            message = "a run of samples does not say where it lies"
            violations.append(Violation(Code.ESSENCE_UNSUPPORTED, message))
        if position < 0 or position + run.length > reader.size:
            raise ContainerMalformed("the samples of a fragment run past the end of the file")
        found.samples.add(run.sizes)
        found.samples.place(position, run.length)
        position += run.length
    return position


def _read_head(reader: BoxReader, tfhd: Box, flags: int, defaults: _Defaults) -> tuple[int | None, _Defaults]:
    """The explicit base of data offsets, if there is one, and the defaults of this fragment."""
    fields = ((_BASE, "Q"), (_DESCRIPTION, "I"), (_DURATION, "I"), (_SIZE, "I"))
    layout = "".join(code for flag, code in fields if flags & flag)
    values = iter(reader.fields(tfhd, layout, 8))
    base = next(values) if flags & _BASE else None
    description = next(values) if flags & _DESCRIPTION else defaults.description
    duration = next(values) if flags & _DURATION else defaults.duration
    return base, _Defaults(description, duration, next(values) if flags & _SIZE else defaults.size)


@dataclass(frozen=True, slots=True)
class _Run:
    sizes: Sizes
    #: Bytes of all its samples.
    length: int
    #: Where it lies, from the base of its fragment.
    offset: int | None


def _read_run(reader: BoxReader, trun: Box, defaults: _Defaults, times: Timeline) -> _Run:
    flags, count = reader.fields(trun, "II")
    skip = 8
    offset = None
    if flags & _RUN_OFFSET:
        (offset,) = reader.fields(trun, "i", skip)
        skip += 4
    skip += 4 if flags & _RUN_FIRST_FLAGS else 0
    columns = [flag for flag in (_RUN_DURATION, _RUN_SIZE, _RUN_FLAGS, _RUN_SHIFT) if flags & flag]
    width = len(columns)
    start = reader.table(trun, skip, count, 4 * width) if columns else 0
    length, duration = count * defaults.size, count * defaults.duration
    longest, shift = defaults.duration if count else 0, 0
    sizes = Sizes(count, defaults.size)
    if _RUN_SIZE in columns:
        sizes, length = Sizes(count, 0, start, width, columns.index(_RUN_SIZE)), 0
    elif count and not defaults.size:
        raise ContainerMalformed("samples of a fragment have no size")
    if _RUN_DURATION in columns:
        duration = longest = 0
    for rows in reader.numbers(start, count, width) if set(columns) - {_RUN_FLAGS} else ():
        for number, column in enumerate(columns):
            values = rows[number::width]
            if column == _RUN_DURATION:
                duration, longest = duration + sum(values), max(longest, max(values))
            elif column == _RUN_SIZE:
                length += sum(values)
            elif column == _RUN_SHIFT:
                shift = max(shift, max(min(value, (1 << 32) - value) for value in values))
    times.last(duration, longest, shift)
    return _Run(sizes, length, offset)


def _violation(message: str) -> Violation:
    return Violation(Code.FRAGMENT_SEQUENCE, message)
