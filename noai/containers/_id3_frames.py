"""The frames of an ID3v2 tag as byte ranges: where each one lies, never what it says.

ID3v2.2 §3.2, ID3v2.3 §3.3, ID3v2.4 structure §4.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Flag
from typing import Final

from noai.containers._id3_text import FRAMES_OF_V22, modern_name
from noai.limits import KIB, MIB
from noai.sources import ByteSource, chunks, read_exactly

#: One read while walking frames: most tags without pictures fit.
_WINDOW: Final = 8 * KIB
#: A frame header since 2.3.
_HEADER: Final = 10
_NAME_BYTES: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


class Window:
    """A source read in blocks of ``length``, for many small reads that lie close together."""

    def __init__(self, source: ByteSource, length: int = _WINDOW) -> None:
        self._source = source
        self._length = length
        self._start = 0
        self._block = b""
        self.size = source.size

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < self._start or offset + length > self._start + len(self._block):
            self._block = self._source.read_at(offset, max(length, self._length))
            self._start = offset
        at = offset - self._start
        return self._block[at : at + length]


@dataclass(frozen=True)
class Encoded:
    """The unsynchronised bytes that a body was decoded from, and where they lie in the file."""

    data: bytes
    offset: int

    def position(self, decoded: int) -> int:
        """Where in ``data`` the byte stands that is at ``decoded`` once unsynchronisation is undone."""
        start = removed = 0
        # Whole blocks are counted, because there can be millions of places to step over.
        while start < len(self.data):
            inside = self.data.count(b"\xff\x00", start, start + _WINDOW + 1)
            if start + _WINDOW - removed - inside >= decoded:
                break
            start, removed = start + _WINDOW, removed + inside
        found = self.data.find(b"\xff\x00", start)
        while found >= 0 and found - removed < decoded:
            removed += 1
            found = self.data.find(b"\xff\x00", found + 2)
        return decoded + removed


@dataclass(frozen=True)
class Body:
    """A range of ``source`` that holds frames. ``source`` is the file, or bytes decoded from it."""

    source: ByteSource
    start: int
    end: int
    encoded: Encoded | None = None

    def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``, or as many as the body still has."""
        return read_exactly(self.source, offset, max(0, min(length, self.end - offset)))

    def within(self, start: int, end: int) -> Body:
        return Body(self.source, start, end, self.encoded)

    def in_file(self, offset: int, length: int) -> int | None:
        """Where the ``length`` bytes at ``offset`` lie in the file; None if they are not contiguous there."""
        if self.encoded is None:
            return offset
        data, at = self.encoded.data, self.encoded.position(offset)
        if data.find(b"\xff\x00", at, max(at, at + length - 1)) >= 0:
            return None
        return self.encoded.offset + at


class Treatment(Flag):
    """What was done to the bytes of a frame, the same bits for 2.3 and 2.4."""

    NONE = 0
    COMPRESSED = 1
    ENCRYPTED = 2
    GROUPED = 4
    UNSYNCHRONISED = 8
    LENGTH_INDICATED = 16


_FLAGS_OF_V23: Final = ((0x80, Treatment.COMPRESSED), (0x40, Treatment.ENCRYPTED), (0x20, Treatment.GROUPED))
_FLAGS_OF_V24: Final = (
    (0x40, Treatment.GROUPED),
    (0x08, Treatment.COMPRESSED),
    (0x04, Treatment.ENCRYPTED),
    (0x02, Treatment.UNSYNCHRONISED),
    (0x01, Treatment.LENGTH_INDICATED),
)


@dataclass(frozen=True)
class Frame:
    """One frame: ``offset`` is that of its header, ``data`` and ``end`` bound its payload."""

    #: The name since 2.3, and as it is written in the tag.
    name: str
    raw_name: str
    offset: int
    data: int
    end: int
    treatment: Treatment
    #: The bytes of its size, as a plain integer.
    announced: int

    @property
    def prefix(self) -> int:
        """Bytes in front of the content: group and length (2.4 structure §4.1.2)."""
        if not self.treatment.value:
            return 0
        return (Treatment.GROUPED in self.treatment) + 4 * (Treatment.LENGTH_INDICATED in self.treatment)


@dataclass(frozen=True)
class Walk:
    """All frames of a body, and where they end. ``plain_sizes``: a 2.4 tag with sizes as in 2.3."""

    frames: tuple[Frame, ...]
    end: int
    plain_sizes: bool
    #: Whether nothing but zeros follows the frames.
    clean: bool
    #: Frames of a 2.4 tag that come to light where sizes are read in the other way than in ``frames``.
    others: tuple[Frame, ...] = ()


def walk(body: Body, version: int, count: Callable[[], None]) -> Walk:
    """The frames of ``body``; ``count`` is called for each and may raise.

    A 2.4 tag whose sizes make no sense as syncsafe integers is tried with plain ones, as iTunes
    wrote them. Readers differ in how they tell the two apart (TagLib and ffmpeg do it frame by
    frame, mutagen counts), so that every frame that any of them could see is found.
    """
    chosen = _walk_either(body, version, count)
    return replace(chosen, others=_otherwise(body, chosen, count)) if version == 4 else chosen


def _walk_either(body: Body, version: int, count: Callable[[], None]) -> Walk:
    first = _walk(body, version, count, plain=False)
    if version == 4 and not first.clean:
        # Counted once: these are the same frames, read another way.
        second = _walk(body, version, lambda: None, plain=True, most=len(first.frames) * 2 + 64)
        if second.clean or second.end > first.end:
            for _ in range(len(second.frames) - len(first.frames)):
                count()
            return second
    return first


def _walk(
    body: Body, version: int, count: Callable[[], None], *, plain: bool, most: int | None = None
) -> Walk:
    header_size = 6 if version == 2 else _HEADER
    frames: list[Frame] = []
    at = body.start
    while body.end - at >= header_size and (most is None or len(frames) < most):
        frame = _parse_header(body.read(at, header_size), at, version, plain)
        if frame is None or frame.end > body.end:
            break
        count()
        frames.append(frame)
        at = frame.end
    return Walk(tuple(frames), at, plain, all_zero(body, at))


def _otherwise(body: Body, chosen: Walk, count: Callable[[], None]) -> tuple[Frame, ...]:
    """The 2.4 frames that are met if any size is read in the other way than in ``chosen``."""
    seen = {frame.offset for frame in chosen.frames}
    followed = {frame.end for frame in chosen.frames}
    pending = [frame for frame in chosen.frames if frame.announced > 0x7F]
    found: list[Frame] = []
    while pending:
        frame = pending.pop()
        for end in (frame.data + syncsafe(frame.announced.to_bytes(4, "big")), frame.data + frame.announced):
            if end in followed:
                continue
            followed.add(end)
            # Without a frame behind it that is new, the other size is a number and no more.
            new = _shortest(body, end)
            if new is None or end in seen:
                continue
            for each in (new,) if end == frame.end else (replace(frame, end=end), new):
                count()
                found.append(each)
            seen.add(end)
            pending.append(new)
    return tuple(found)


def _shortest(body: Body, at: int) -> Frame | None:
    """The 2.4 frame at ``at``, with the smaller of the two sizes that its bytes can mean."""
    if body.end - at < _HEADER:
        return None
    header = body.read(at, _HEADER)
    frame = _parse_header(header, at, 4, plain=True)
    end = at + _HEADER + syncsafe(header[4:8])
    return None if frame is None or end > body.end else replace(frame, end=end)


def _parse_header(header: bytes, at: int, version: int, plain: bool) -> Frame | None:
    if version == 2:
        announced = size = int.from_bytes(header[3:6], "big")
        name, treatment = header[:3], Treatment.NONE
    else:
        name, flags = header[:4], header[9]
        announced = size = int(struct.unpack(">I", header[4:8])[0])
        if version == 4 and not plain and not size & 0x80808080:
            size = syncsafe(header[4:8])
        treatment = _treatment(flags, version) if flags else Treatment.NONE
    if not is_name(name):
        return None
    raw_name, data = name.decode("ascii"), at + len(header)
    return Frame(modern_name(raw_name), raw_name, at, data, data + size, treatment, announced)


def _treatment(flags: int, version: int) -> Treatment:
    found = Treatment.NONE
    for bit, meaning in _FLAGS_OF_V23 if version == 3 else _FLAGS_OF_V24:
        if flags & bit:
            found |= meaning
    return found


def is_name(name: bytes) -> bool:
    """Whether ``name`` can be that of a frame.

    A 2.2 name in a 2.3 tag, filled up with a zero or a space, is one too: iTunes wrote them.
    """
    core = name[:3]
    return (
        len(core) == 3
        and _NAME_BYTES.issuperset(core)
        and (name[3:] in (b"", b"\x00", b" ") or _NAME_BYTES.issuperset(name[3:]))
    )


_WELL_KNOWN: Final = re.compile(
    b"|".join(name.encode() for name in {*FRAMES_OF_V22.values(), "PRIV", "CHAP", "CTOC", "TDRC"})
)


def holds_frames(body: Body, start: int) -> bool:
    """Whether the bytes of ``body`` from ``start`` look as if frames lay among them.

    What stands behind the last frame and is not zero is padding that was not cleared, or frames
    behind a damaged one.
    """
    if body.end - start > MIB:
        return True
    rest = body.read(start, body.end - start)
    sizes = (rest[match.end() : match.end() + 4] for match in _WELL_KNOWN.finditer(rest))
    return any(min(int.from_bytes(size, "big"), syncsafe(size)) <= len(rest) for size in sizes)


def all_zero(body: Body, start: int) -> bool:
    """Whether ``body`` holds nothing but zeros from ``start``."""
    return all(block.count(0) == len(block) for block in chunks(body.source, start, body.end))


def syncsafe(data: bytes) -> int:
    """Seven bits a byte, big-endian (ID3v2.4 structure §6.2)."""
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
    return value


def from_unsynchronised(data: bytes) -> bytes:
    """ID3v2.4 structure §6.1, undone."""
    return data.replace(b"\xff\x00", b"\xff")
