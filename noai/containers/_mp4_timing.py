"""Whether edit lists and durations let players present all of an MP4 track's audio.

Times are not part of the essence digest, so that remuxing keeps it; instead, times that hide
audio forbid binding. Edit lists: ISO/IEC 14496-12 section 8.6.6. Sample times: 8.6.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._bmff import Box, BoxReader, Node
from noai.containers._mp4_fragments import Timeline
from noai.containers._mp4_samples import Samples
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import Violation
from noai.limits import MP4_EDITS

_UNKNOWN: Final = (0, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF)
_NORMAL_SPEED: Final = (1, 0)


@dataclass(frozen=True, slots=True)
class Clock:
    """Ticks a second, and durations in them (0: not stated)."""

    scale: int
    duration: int
    #: Of the whole movie with its fragments.
    fragments: int = 0


@dataclass(frozen=True, slots=True)
class Times:
    """The decoding times that one sample table gives, in ticks."""

    samples: int
    total: int
    #: Longest duration of one sample.
    longest: int
    #: Largest shift of a presentation time.
    shift: int


def read_clock(reader: BoxReader, header: Box, extends: Box | None = None) -> Clock:
    """From an ``mvhd`` or ``mdhd`` box, and ``mehd`` (sections 8.2.2, 8.4.2 and 8.8.2)."""
    layout, skip = ("IQ", 20) if reader.version(header) else ("II", 12)
    scale, duration = reader.fields(header, layout, skip)
    if not scale:
        raise ContainerMalformed(f"{header.name} has no time scale")
    fragments = 0
    if extends is not None:
        (fragments,) = reader.fields(extends, "Q" if reader.version(extends) else "I", 4)
    return Clock(scale, *(0 if each in _UNKNOWN else each for each in (duration, fragments)))


def read_times(reader: BoxReader, stbl: Node) -> Times:
    """What ``stts`` and ``ctts`` say (sections 8.6.1.2 and 8.6.1.3)."""
    stts = stbl.one(b"stts")
    (count,) = reader.fields(stts, "I", 4)
    samples = total = longest = shift = 0
    for block in reader.numbers(reader.table(stts, 8, count, 8), count, 2):
        numbers, deltas = block[::2], block[1::2]
        samples += sum(numbers)
        total += sum(number * delta for number, delta in zip(numbers, deltas, strict=True))
        longest = max(longest, max(deltas))
    ctts = stbl.optional(b"ctts")
    if ctts is not None:
        (count,) = reader.fields(ctts, "I", 4)
        for block in reader.numbers(reader.table(ctts, 8, count, 8), count, 2):
            shift = max(shift, max(min(offset, (1 << 32) - offset) for offset in block[1::2]))
    return Times(samples, total, longest, shift)


def hidden_audio(
    reader: BoxReader,
    movie: Clock,
    trak: Node,
    samples: Samples,
    line: Timeline,
    pace: tuple[int, int] | None,
) -> Iterator[Violation]:
    """Every way in which the times of a track leave out some of its ``samples``.

    ``line`` is that of its fragments, and ``pace`` that of :class:`noai.containers._mp4_codecs.Decoder`.
    Allowed: a start up to one second into the media (encoder delay), an end within one packet of
    the last sample, silence before or between (empty edits), and rounding to the movie's ticks.
    """
    media = read_clock(reader, trak.one(b"mdia", b"mdhd"))
    times = read_times(reader, trak.nodes(b"mdia", b"minf", b"stbl")[0])
    if times.samples != samples.timed:
        yield _violation(f"stts times {times.samples} samples, stsz counts {samples.timed}")
        return
    total = times.total + line.total
    frames, rate = pace or (0, 0)
    if samples.count and rate:
        needed = (samples.count - 1) * frames * media.scale // rate
        if total < needed * 98 // 100 - media.scale // 10:
            yield _violation("the samples are timed closer together than they sound")
    if max(times.shift, line.shift) > media.scale:
        yield _violation("composition offsets shift samples by more than a second")

    tick = -(-media.scale // movie.scale)
    slack = min(max(times.longest, line.longest) + 2 * tick, media.scale)
    yield from _check_line(line, media.scale, slack)
    # Both headers leave out what is in fragments.
    if media.duration and media.duration + slack < times.total:
        yield _violation("mdhd states a shorter duration than the samples have")
    if trak.all(b"edts", b"elst"):
        elst = trak.one(b"edts", b"elst")
        yield from _check_edits(reader, elst, movie, media, line, times.total, slack)
    elif _ticks(movie.duration, movie, media) + slack < times.total and movie.duration:
        yield _violation("mvhd states a shorter duration than the samples have")
    if movie.fragments and _ticks(movie.fragments, movie, media) + slack < total:
        yield _violation("mehd states a shorter duration than the samples have")


def _ticks(duration: int, movie: Clock, media: Clock) -> int:
    """``duration`` of the movie in the ticks of a track."""
    return duration * media.scale // movie.scale


def _check_line(line: Timeline, scale: int, slack: int) -> Iterator[Violation]:
    """Players drop what overlaps, and some wait for what is missing."""
    if line.overlap > slack:
        yield Violation(Code.FRAGMENT_SEQUENCE, "fragments overlap in time, or are repeated")
    if line.pause > scale:
        yield Violation(
            Code.FRAGMENT_SEQUENCE, "a fragment begins more than a second behind the one in front"
        )


def _check_edits(
    reader: BoxReader, elst: Box, movie: Clock, media: Clock, line: Timeline, total: int, slack: int
) -> Iterator[Violation]:
    layout, size = ("QqhH", 20) if reader.version(elst) else ("IihH", 12)
    (count,) = reader.fields(elst, "I", 4)
    if count > MP4_EDITS:
        raise LimitExceeded(f"an edit list of {count} entries")
    first, end = (line.first or 0, line.reached) if line.total else (0, total)
    reached: int | None = None
    for number in range(count):
        duration, start, *rate = reader.fields(elst, layout, 8 + size * number)
        if start == -1:
            continue
        if tuple(rate) != _NORMAL_SPEED:
            yield _violation("an edit plays at another speed")
            return
        if start < 0 or (start > first + media.scale if reached is None else abs(start - reached) > slack):
            yield _violation("an edit list skips or repeats audio")
            return
        reached = start + -(-duration * media.scale // movie.scale)
        if line.total and not duration:
            # To the end of the fragments, of which the movie did not know yet (section 8.6.6.1).
            reached = end
    if reached is None:
        if count and end:
            yield _violation("an edit list presents none of the audio")
    elif reached + slack < end:
        yield _violation("an edit list ends before the audio does")


def _violation(message: str) -> Violation:
    return Violation(Code.EDIT_HIDES_AUDIO, message)
