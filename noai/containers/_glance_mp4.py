"""A glance at an MP4 file: one movie, in front of its media data or behind, with tags as iTunes lays them.

What :mod:`noai.containers.mp4` reads, for files without fragments, ``mdta`` keys and ID3.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from noai.containers._glance_atoms import TRACK
from noai.containers._glance_boxes import HEADER, Known
from noai.containers._glance_items import is_usual_list
from noai.containers._mp4_list import PADDING
from noai.containers._mp4_tags import AREAS, DESCENDED, SILENT, THREE_GPP
from noai.containers._mp4_uuid import C2PA_UUID, XMP_UUID
from noai.containers.glance import Glance
from noai.containers.mp4 import IMAGES, MP4
from noai.limits import XMP_BYTES
from noai.silence import is_silent_name
from noai.sources import ByteSource

#: Boxes of the file itself. Most have three to five.
_TOP: Final = 16
#: With a size of 64 bits.
_LONG_HEADER: Final = 16
#: Boxes of the movie, those in its tracks among them. With one track of audio there are 22.
_BOXES: Final = 256
#: How deep they nest.
_DEPTH: Final = 8
#: Boxes in ``meta``: a handler, a list and padding.
_METADATA: Final = 8
#: What stands in front of the text in user data of 3GPP: version and flags, language.
_THREE_GPP_HEAD: Final = 6
#: Boxes of the movie that hold numbers.
_NUMBERS: Final = SILENT - {b"mdat"}
#: Which of the sizes in the pattern of a track it is.
_MINF: Final = 4
#: Boxes that hold boxes, and are no place for tags.
_NESTED: Final = frozenset((b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"gmhd"))
#: Boxes that may hold more than is looked at here.
_OTHERS: Final = AREAS | DESCENDED | {b"cmov", b"XMP_", b"keys"}
_SILENT: Final = Glance(MP4)


def glance(source: ByteSource, head: bytes) -> Glance | None:
    """The answer for an MP4 file without surprises (see :mod:`noai.containers.glance`)."""
    if head[4:8] != b"ftyp" or head[8:12] in IMAGES:
        return None
    known = Known(source, head)
    if not _is_usual_file(known, source.size):
        return None
    if known.markers:
        return Glance(MP4, tuple(known.markers))
    return _SILENT if known.silent else None


# -- each of these says whether the boxes from ``at`` to ``end`` could be looked at ------------------


def _is_usual_file(known: Known, end: int) -> bool:
    at, met = 0, set()
    for _ in range(_TOP):
        if at == end:
            return b"moov" in met
        box = known.box(at, end) or _media(known, at, end)
        if box is None:
            return False
        kind, start, stop = box
        if kind in PADDING:
            if not known.is_quiet(start, stop):
                return False
        elif kind == b"moov" or kind == b"uuid":
            name = kind if kind == b"moov" else _identifier(known, start, stop)
            if name in met or not name or (name == b"moov" and not _is_usual_movie(known, start, stop)):
                return False
            met.add(name)
        elif kind != b"mdat" and kind != b"ftyp":
            return False
        at = stop
    return False


def _media(known: Known, at: int, end: int) -> tuple[bytes, int, int] | None:
    """The ``mdat`` box at ``at``, if it has a size of 64 bits, or runs to the end of the file."""
    o = known.at(at, _LONG_HEADER)
    if o < 0 or not known.data.startswith((b"\0\0\0\1mdat", b"\0\0\0\0mdat"), o):
        return None
    length = int.from_bytes(known.data[o + 8 : o + 16], "big") if known.data[o + 3] else end - at
    return (b"mdat", at, at + length) if _LONG_HEADER <= length <= end - at else None


def _identifier(known: Known, start: int, stop: int) -> bytes:
    """That of an XMP packet or a C2PA manifest, which are not looked into; empty for others."""
    o = known.at(start, 16)
    identifier = known.data[o : o + 16] if o >= 0 and stop - start >= 16 else b""
    known.silent = False
    if identifier == C2PA_UUID or (identifier == XMP_UUID and stop - start <= XMP_BYTES):
        return identifier
    return b""


def _is_usual_movie(known: Known, at: int, end: int) -> bool:
    """Boxes that hold boxes are walked as if their content stood behind their header."""
    data, base, ends = known.data, known.base, [end]
    for _ in range(_BOXES):
        while at == end:
            ends.pop()
            if not ends:
                return True
            end = ends[-1]
        o = at - base
        if o + HEADER.size > len(data):
            o = known.at(at, HEADER.size)
            if o < 0:
                return False
            data, base = known.data, known.base
        length, kind = HEADER.unpack_from(data, o)
        stop = at + length
        if length < HEADER.size or stop > end:
            return False
        if kind in _NESTED:
            inner = _track(data, o, base) if kind == b"trak" else None
            at, around = inner or (at + HEADER.size, (stop,))
            if around[-1] > around[0] or len(ends) > _DEPTH:
                return False
            ends += around
            end = ends[-1]
            continue
        if kind not in _NUMBERS:
            if kind == b"udta":
                if not _is_usual_user_data(known, at + HEADER.size, stop, len(ends) > 1):
                    return False
            elif kind in _OTHERS or not known.is_quiet(at + HEADER.size, stop):
                return False
            data, base = known.data, known.base
        at = stop
    return False


def _track(data: bytes, o: int, base: int) -> tuple[int, tuple[int, ...]] | None:
    """Where in a plain track the tables of samples begin, and where the boxes around them end."""
    track = TRACK.match(data, o)
    if track is None:
        return None
    trak, mdia, hdlr, minf, stbl = (
        base + track.start(number) + int.from_bytes(track[number], "big") for number in range(1, 6)
    )
    if hdlr != base + track.start(_MINF) or not base + track.end() <= stbl <= minf <= mdia <= trak:
        return None
    return base + track.end(), (trak, mdia, minf, stbl)


def _is_usual_user_data(known: Known, at: int, end: int, in_track: bool) -> bool:
    while end - at >= HEADER.size:
        box = known.box(at, end)
        known.items -= 1
        if box is None or known.items < 0:
            return False
        kind, start, stop = box
        if kind == b"meta":
            if in_track or not _is_usual_meta(known, start, stop):
                return False
        elif kind in _OTHERS:
            return False
        elif kind[0] == 0xA9 or (kind in THREE_GPP and stop - start > _THREE_GPP_HEAD):
            if not _is_silent(kind) or not known.is_text(start, stop):
                return False
        elif not _is_silent(kind) or not known.is_quiet(start, stop):
            return False
        at = stop
    # QuickTime ends user data with a zero of 32 bits.
    o = known.at(at, end - at)
    return o >= 0 and not any(known.data[o : o + end - at])


def _is_usual_meta(known: Known, at: int, end: int) -> bool:
    o = known.at(at, 4)
    if o < 0 or end - at < 4:
        return False
    if known.data.startswith(b"\0\0\0\0", o):
        at += 4
    for _ in range(_METADATA):
        if at == end:
            return True
        box = known.box(at, end)
        if box is None:
            return False
        kind, start, stop = box
        if kind == b"ilst":
            if not is_usual_list(known, start, stop):
                return False
        elif kind != b"hdlr" and (kind in _OTHERS or not known.is_quiet(start, stop)):
            return False
        at = stop
    return False


@lru_cache(maxsize=1024)
def _is_silent(kind: bytes) -> bool:
    """Whether user data of this kind say nothing by their name."""
    return is_silent_name(kind.decode("latin-1").upper())
