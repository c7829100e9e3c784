"""A glance at an MP3 file: one ID3v2 tag or none, frames that the file itself says are audio, tags behind.

What :mod:`noai.containers.mp3` reads, for files in which nothing is joined, damaged or out of place.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final, NamedTuple

from noai.containers import _mpeg
from noai.containers._ape import BLOCK, IS_HEADER
from noai.containers._ape import MAGIC as APE_MAGIC
from noai.containers._glance_id3 import Id3Glance
from noai.containers._mp3_joined import agree, is_constant_rate, is_whole
from noai.containers._mp3_layout import FOREIGN_BOXES, TAR_BLOCK, is_tar
from noai.containers.glance import Glance
from noai.containers.interface import FieldRole, TagField
from noai.containers.mp3 import MP3
from noai.limits import KIB, STRAY_TAG_BYTES
from noai.silence import is_silent_name, is_silent_text
from noai.sources import ByteSource

#: Holds the first frame and the header of the second.
_FRAME: Final = _mpeg.LONGEST_FRAME + _mpeg.HEADER
#: One read at the end holds the tags there, if they have no pictures, and what must not be a tag in front.
_TAIL: Final = 8 * KIB
#: ID3v1, APE and, as mp3gain leaves it, an older ID3v1 in front.
_TAGS: Final = 4
_V1: Final = 128
_V1_EXTENDED: Final = 227
_APE_FOOTER: Final = struct.Struct("<8sIIII8x")
_APE_ITEM: Final = struct.Struct("<II")
#: Items of an APE tag; ReplayGain has four.
_APE_ITEMS: Final = 64
_APE_HAS_HEADER: Final = 1 << 31
_COUNTING: Final = (b"Xing", b"Info")
_COUNTS: Final = struct.Struct(">III")

_SILENT: Final = Glance(MP3)


class _Frame(NamedTuple):
    """A frame header, with what is asked of it often."""

    header: _mpeg.Header
    length: int
    stream: int
    exact_length: float
    #: Where ``Xing`` or ``Info`` stands in a frame of layer III that counts the others.
    xing: int


@lru_cache(maxsize=1024)
def _frame(word: bytes) -> _Frame | None:
    """The frame with these four bytes as its header, most of which recur from file to file."""
    header = _mpeg.parse(word)
    if header is None or not header.length:
        return None
    return _Frame(header, header.length, header.stream, header.exact_length, _mpeg.xing_offset(header))


def glance(source: ByteSource, head: bytes) -> Glance | None:
    """The answer for an MP3 file without surprises that begins with a frame."""
    return glance_behind(source, Id3Glance(source, head), 0)


def glance_behind(source: ByteSource, tag: Id3Glance, start: int) -> Glance | None:
    """The same for one whose frames begin at ``start``, behind what ``tag`` has read."""
    size = source.size
    if size - start < _TAIL + _FRAME:
        return None
    frames = tag.bytes_at(start, _FRAME)
    # Neither ADTS nor free format: the one has no layer, the other no length.
    first = _frame(frames[:4])
    if first is None or frames[4:8] in FOREIGN_BOXES or is_tar(frames[:TAR_BLOCK]):
        return None
    second = _frame(frames[first.length : first.length + 4])
    if second is None or second.stream != first.stream:
        return None
    tail = source.read_at(size - _TAIL, _TAIL)
    behind = _read_tail(tail, tag)
    if behind is None or not _is_declared(frames, first, second, start, size - behind, tail, behind):
        return None
    if tag.markers:
        return Glance(MP3, tuple(tag.markers))
    return _SILENT if tag.silent else None


def _read_tail(tail: bytes, tag: Id3Glance) -> int | None:
    """Bytes of the ID3v1 and APE tags with which ``tail`` ends; None if they are unusual.

    What they hold goes to ``tag``.
    """
    end = len(tail)
    for _ in range(_TAGS):
        if tail.startswith(b"TAG", end - _V1):
            end -= _V1
            if tail.startswith(b"TAG+", end - _V1_EXTENDED):
                return None
        elif tail.startswith(APE_MAGIC, end - BLOCK):
            items = _read_ape(tail, end, tag)
            if items is None:
                return None
            end = items
        else:
            break
    if end < STRAY_TAG_BYTES or _is_tagged(tail[end - STRAY_TAG_BYTES : end]):
        return None
    if end < len(tail) and tag.silent:
        tag.silent = is_silent_text(tail[end:])
    return len(tail) - end


def _is_tagged(audio: bytes) -> bool:
    """Whether the last bytes of the audio end with a tag, or hold what could be one."""
    rfind = audio.rfind  # twice as fast as find, or ``in``
    return (
        rfind(b"ID3") >= 0
        or rfind(APE_MAGIC) >= 0
        or rfind(b"LYRICS") >= 0
        or audio.startswith(b"3DI", len(audio) - 10)
        or b"TAG" in audio.rstrip(b"\x00")[-_V1:]
    )


def _read_ape(tail: bytes, end: int, tag: Id3Glance) -> int | None:
    """Where the APE tag begins whose footer ends at ``end``; None if it is not a plain one."""
    _, version, size, count, flags = _APE_FOOTER.unpack_from(tail, end - BLOCK)
    at = end - size
    if size < BLOCK or at < BLOCK or count > _APE_ITEMS or flags & IS_HEADER:
        return None
    has_header = tail.startswith(APE_MAGIC, at - BLOCK)
    if has_header != bool(flags & _APE_HAS_HEADER):
        return None
    start, stop = at - BLOCK * has_header, end - BLOCK
    for _ in range(count):
        if stop - at < _APE_ITEM.size:
            return None
        length, _ = _APE_ITEM.unpack_from(tail, at)
        key_at = at + _APE_ITEM.size
        key_end = tail.find(0, key_at, min(stop, key_at + 256))
        at = key_end + 1 + length
        if key_end <= key_at or at > stop:
            return None
        key = tail[key_at:key_end].decode("latin-1")
        if not is_silent_name(key):
            if key.upper() != "NOAI":
                return None
            text = tail[key_end + 1 : at].decode("latin-1" if version < 2000 else "utf-8", "replace")
            place = f"APEv{version // 1000} item"
            tag.markers += [TagField(place, "NOAI", value, FieldRole.MARKER) for value in text.split("\x00")]
    return start if at == stop else None


def _is_declared(
    frames: bytes, first: _Frame, second: _Frame, start: int, end: int, tail: bytes, behind: int
) -> bool:
    """Whether the file says that everything from ``start`` to ``end`` is audio.

    As :func:`noai.containers._mp3_joined.find_joined` asks; ``behind`` bytes of ``tail`` are none.
    """
    name = frames[first.xing : first.xing + 4]
    if name in _COUNTING:
        flags, number, length = _COUNTS.unpack_from(frames, first.xing + 4)
        if flags & 3 == 3 and length and first.xing + 16 <= first.length:
            audio = end - start
            if length != audio and length + first.length != audio:
                return False
            if name == b"Xing":
                return True  # at a variable rate nothing more can be held against the counts
            spare = length - first.length - number * second.exact_length
            return is_whole(spare, second.exact_length)
    elif not frames.startswith(b"VBRI", 36):
        return is_constant_rate(first.header, start, end, tail[: len(tail) - behind][-(first.length + 4) :])
    counts = _mpeg.counts(frames, first.header)
    if counts is None or counts.bytes is None:
        return False
    ends = (start + counts.bytes, start + counts.bytes + first.length)
    return end in ends and agree(counts, first.header, second.header)
