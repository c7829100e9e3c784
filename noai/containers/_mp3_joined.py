"""MP3 files that are several files joined: tags of the later ones stand among the frames.

Reading all audio to find out would make the cheapest question the dearest. So what a file itself says is
audio counts as audio: the stretch that an Info frame counts, and a stretch that is as long as frames of one
constant bit rate are, and ends with such a frame. Behind it, and in everything else, tags are searched for
byte by byte. ``cat a.mp3 b.mp3`` costs two small reads: a's Info frame says where b begins.

A tag inside a stretch that the file declares to be audio is not found in this way. Hashing, which reads all
audio, finds it, and then nothing may bind (``tag_in_audio``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from noai.containers import _mpeg
from noai.containers._ape import MAGIC as APE_MAGIC
from noai.containers._between import Unreadable, find_tags
from noai.containers._mp3_layout import Mp3Layout
from noai.containers._tails import LYRICS_BEGIN, Tail
from noai.sources import ByteSource, read_exactly

#: By how many frames the counts in an Info frame may differ: writers count that frame itself or do not.
_FRAMES_OFF: Final = 2
#: By how many bytes a number of frames may differ from that many times their mean length.
_BYTES_OFF: Final = 4
#: Bytes by which a frame of layer I can be longer than others of its bit rate.
_LARGEST_SLOT: Final = 4
_TAGS: Final = (b"ID3", b"TAG", APE_MAGIC, LYRICS_BEGIN)


@dataclass(frozen=True)
class Joined:
    """What stands among the frames, and the stretches, from and to, that were not searched."""

    tags: tuple[Tail | Unreadable, ...] = ()
    declared: tuple[tuple[int, int], ...] = ()


def find_joined(source: ByteSource, layout: Mp3Layout) -> Joined:
    """
    Raises:
        LimitExceeded: more tags than :data:`noai.limits.TAGS_BETWEEN`, or more places that look like one
            than :data:`noai.limits.TAG_MARKS`.
    """
    tags: list[Tail | Unreadable] = []
    declared: list[tuple[int, int]] = []
    at, end = layout.first, layout.end
    while at is not None and at < end:
        stop = _declared_end(source, at, end)
        if stop is not None:
            declared.append((at, stop))
            at = stop
        following = None
        for found in find_tags(source, at, end):
            tags.append(found)
            following = found.end
            if _mpeg.parse(source.read_at(found.end, _mpeg.HEADER)) is not None:
                # The next file begins: it may say itself how long it is.
                break
        at = following
    return Joined(tuple(tags), tuple(declared))


def _declared_end(source: ByteSource, at: int, end: int) -> int | None:
    """Where the stream of which a frame stands at ``at`` ends, as far as it says so."""
    data = source.read_at(at, min(_mpeg.LONGEST_FRAME + _mpeg.HEADER, end - at))
    header = _mpeg.parse(data)
    if header is None or not header.length:
        return None
    counts = _mpeg.counts(data, header)
    if counts is None or counts.bytes is None:
        return end if _is_constant(source, at, end, header) else None
    # With the Info frame itself, or without it.
    ends = (at + counts.bytes, at + counts.bytes + header.length)
    if ends[0] > end or not agree(counts, header, _mpeg.parse(data, header.length)):
        return None
    if end in ends:
        return end
    # Less than there is: right only if something else begins there. If not, more was put in between.
    return next((stop for stop in ends if stop < end and _begins(source, stop, end)), None)


def _begins(source: ByteSource, at: int, end: int) -> bool:
    """Whether a tag begins at ``at``, or a file that has none in front of its Info frame."""
    data = source.read_at(at, min(_mpeg.LONGEST_FRAME, end - at))
    header = _mpeg.parse(data)
    return data.startswith(_TAGS) or (header is not None and _mpeg.info_frame(data, header))


def agree(counts: _mpeg.Counts, info: _mpeg.Header, first: _mpeg.Header | None) -> bool:
    """Whether the bytes that an Info frame counts are those of as many frames as it counts.

    Only with a constant bit rate can that be told. ffmpeg counts bytes that are no frames as audio.
    """
    if not counts.constant or counts.frames is None or counts.bytes is None:
        return True
    if first is None or not first.length:
        return False
    return is_whole(counts.bytes - info.length - counts.frames * first.exact_length, first.exact_length)


def is_whole(spare: float, exact_length: float) -> bool:
    """Whether ``spare`` bytes, of which counts differ, are a frame or two, or none."""
    frames = round(spare / exact_length)
    return abs(frames) <= _FRAMES_OFF and abs(spare - frames * exact_length) <= _BYTES_OFF


def _is_constant(source: ByteSource, at: int, end: int, header: _mpeg.Header) -> bool:
    start = max(at, end - header.length - _LARGEST_SLOT)
    return is_constant_rate(header, at, end, read_exactly(source, start, end - start))


def is_constant_rate(header: _mpeg.Header, at: int, end: int, tail: bytes) -> bool:
    """Whether frames of the length that ``header`` has fill ``at`` to ``end``, and the last is such a frame.

    Padding keeps every frame within one slot of where its number puts it. ``tail``: the last bytes of
    them, one frame and the largest slot, or all.
    """
    exact, slot = header.exact_length, _LARGEST_SLOT if header.layer == 1 else 1
    frames = round((end - at) / exact)
    if frames < 1 or abs(at + frames * exact - end) > slot:
        return False
    for back in (header.length - slot, header.length, header.length + slot):
        last = _mpeg.parse(tail, len(tail) - back) if 0 <= back <= len(tail) else None
        if last is not None and last.length == back and last.is_like(header):
            return True
    return False
