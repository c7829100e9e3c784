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
from noai.containers._mp4_codecs import Decoder
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import Violation
from noai.limits import MP4_EDITS

_UNKNOWN: Final = (0, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF)
_NORMAL_SPEED: Final = (1, 0)


@dataclass(frozen=True, slots=True)
class Clock:
    """Ticks a second, and a duration in them (0: not stated)."""

    scale: int
    duration: int


@dataclass(frozen=True, slots=True)
class _Times:
    """The decoding times of one track, in ticks."""

    samples: int
    total: int
    #: Longest duration of one sample.
    longest: int
    #: Largest shift of a presentation time.
    shift: int


def read_clock(reader: BoxReader, header: Box) -> Clock:
    """Time scale and duration of an ``mvhd`` or ``mdhd`` box (sections 8.2.2 and 8.4.2)."""
    layout, skip = ("IQ", 20) if reader.version(header) else ("II", 12)
    scale, duration = reader.fields(header, layout, skip)
    if not scale:
        raise ContainerMalformed(f"{header.name} has no time scale")
    return Clock(scale, 0 if duration in _UNKNOWN else duration)


def hidden_audio(
    reader: BoxReader, movie: Clock, trak: Node, samples: int, decoder: Decoder
) -> Iterator[Violation]:
    """Every way in which the times of ``trak`` leave out samples.

    Allowed: a start up to one second into the media (encoder delay), an end within one packet of
    the last sample, silence before or between (empty edits), and rounding to the movie's ticks.
    """
    media = read_clock(reader, trak.one(b"mdia", b"mdhd"))
    times = _read_times(reader, trak.nodes(b"mdia", b"minf", b"stbl")[0])
    if times.samples != samples:
        yield _violation(f"stts times {times.samples} samples, stsz counts {samples}")
        return
    frames, rate = decoder.pace or (0, 0)
    if samples and rate:
        needed = (samples - 1) * frames * media.scale // rate
        if times.total < needed * 98 // 100 - media.scale // 10:
            yield _violation("the samples are timed closer together than they sound")
    if times.shift > media.scale:
        yield _violation("composition offsets shift samples by more than a second")

    tick = -(-media.scale // movie.scale)
    slack = min(times.longest + 2 * tick, media.scale)
    if media.duration and media.duration + slack < times.total:
        yield _violation("mdhd states a shorter duration than the samples have")
    edits = trak.all(b"edts", b"elst")
    if edits:
        yield from _check_edits(reader, trak.one(b"edts", b"elst"), movie, media, times.total, slack)
    elif movie.duration and movie.duration * media.scale // movie.scale + slack < times.total:
        yield _violation("mvhd states a shorter duration than the samples have")


def _check_edits(
    reader: BoxReader, elst: Box, movie: Clock, media: Clock, total: int, slack: int
) -> Iterator[Violation]:
    layout, size = ("QqhH", 20) if reader.version(elst) else ("IihH", 12)
    (count,) = reader.fields(elst, "I", 4)
    if count > MP4_EDITS:
        raise LimitExceeded(f"an edit list of {count} entries")
    reached: int | None = None
    for number in range(count):
        duration, start, *rate = reader.fields(elst, layout, 8 + size * number)
        if start == -1:
            continue
        if tuple(rate) != _NORMAL_SPEED:
            yield _violation("an edit plays at another speed")
            return
        expected, tolerance = (0, media.scale) if reached is None else (reached, slack)
        if start < 0 or abs(start - expected) > tolerance:
            yield _violation("an edit list skips or repeats audio")
            return
        reached = start + -(-duration * media.scale // movie.scale)
    if reached is None:
        if count and total:
            yield _violation("an edit list presents none of the audio")
    elif reached + slack < total:
        yield _violation("an edit list ends before the audio does")


def _read_times(reader: BoxReader, stbl: Node) -> _Times:
    stts = stbl.one(b"stts")
    (count,) = reader.fields(stts, "I", 4)
    table = reader.table(stts, 8, 2 * count)
    numbers, deltas = table[::2], table[1::2]
    total = sum(number * delta for number, delta in zip(numbers, deltas, strict=True))
    shift = 0
    ctts = stbl.optional(b"ctts")
    if ctts is not None:
        (entries,) = reader.fields(ctts, "I", 4)
        offsets = reader.table(ctts, 8, 2 * entries)[1::2]
        shift = max((min(offset, (1 << 32) - offset) for offset in offsets), default=0)
    return _Times(sum(numbers), total, max(deltas, default=0), shift)


def _violation(message: str) -> Violation:
    return Violation(Code.EDIT_HIDES_AUDIO, message)
