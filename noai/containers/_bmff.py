"""A bounded walker over boxes of the ISO base media file format (ISO/IEC 14496-12 section 4.2).

Knows how boxes nest and nothing of what they say. Every size is checked against the box around
it before it is used, and every box counts against one budget a file.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import BOX_DEPTH, BOXES, MP4_FRAGMENT_BOXES, MP4_SAMPLES, READ_SIZE
from noai.sources import ByteSource, chunks, read_exactly

#: One read serves all small boxes that stand close together.
_WINDOW: Final = 4096
#: Top-level boxes that a fragmented file repeats for every fragment.
_REPEATED: Final = frozenset((b"moof", b"mdat", b"styp", b"sidx", b"ssix", b"emsg", b"prft"))
_HEAD: Final = struct.Struct(">I4s")
_BIG_ENDIAN: Final = struct.pack("=H", 1) == b"\x00\x01"


class Box(NamedTuple):
    """One box. Offsets are absolute; ``body`` is where the payload starts, ``end`` is exclusive.

    A tuple, because fragmented files have hundreds of thousands of them.
    """

    type: bytes
    start: int
    body: int
    end: int

    @property
    def length(self) -> int:
        """Bytes of the payload."""
        return self.end - self.body

    @property
    def name(self) -> str:
        """The type as people write it (``©`` is byte A9)."""
        return self.type.decode("latin-1")


class BoxReader:
    """Reads boxes and fields of one source.

    All methods raise ContainerMalformed where the content contradicts itself and LimitExceeded
    where a limit of :mod:`noai.limits` is reached.
    """

    def __init__(self, source: ByteSource, boxes: int = BOXES) -> None:
        """``boxes`` is the most that it walks, those of fragments apart."""
        self.source = source
        self.size = source.size
        self._boxes = self._budget = boxes
        self._window = b""
        self._window_start = 0
        self._fragments: BoxReader | None = None

    @property
    def fragments(self) -> BoxReader:
        """A reader of the same source for what is in fragments.

        The boxes of a long fragmented file would use up the limit on all others.
        """
        if self._fragments is None:
            self._fragments = BoxReader(self.source, MP4_FRAGMENT_BOXES)
        return self._fragments

    def within(self, root: Box) -> BoxReader:
        """The reader for what is in the top-level box ``root``."""
        return self.fragments if root.type == b"moof" else self

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``."""
        if length < 0 or offset + length > self.size:
            raise ContainerMalformed(f"{length} bytes at {offset} run past the end of the file")
        start = offset - self._window_start
        if start < 0 or start + length > len(self._window):
            self._window = read_exactly(self.source, offset, min(max(length, _WINDOW), self.size - offset))
            self._window_start, start = offset, 0
        return self._window[start : start + length]

    def fields(self, box: Box, layout: str, skip: int = 0) -> tuple[int, ...]:
        """Big-endian integers at ``skip`` bytes into the payload of ``box``."""
        numbers = _layout(layout)
        start = box.body + skip
        if start + numbers.size > box.end:
            raise ContainerMalformed(f"the box {box.name!r} at {box.start} is too short")
        return numbers.unpack(self.read(start, numbers.size))

    def version(self, box: Box) -> int:
        """The version of a box that has a form with 32-bit times (0) and one with 64 bits (1)."""
        (version,) = self.fields(box, "B")
        if version > 1:
            raise ContainerMalformed(f"the box {box.name!r} at {box.start} is of version {version}")
        return version

    def payload(self, box: Box, limit: int) -> bytes:
        """The whole payload of ``box``, if it is not longer than ``limit``."""
        if box.length > limit:
            raise LimitExceeded(f"the box {box.name!r} at {box.start} is longer than {limit} bytes")
        return self.read(box.body, box.length)

    def table(self, box: Box, skip: int, rows: int, row: int) -> int:
        """Where a table of ``rows`` rows of ``row`` bytes begins, ``skip`` bytes into the payload."""
        if rows > MP4_SAMPLES:
            raise LimitExceeded(f"a table of {rows} rows in the box {box.name!r}")
        start = box.body + skip
        if start + rows * row > box.end:
            raise ContainerMalformed(f"the box {box.name!r} at {box.start} is shorter than its table")
        return start

    def numbers(self, start: int, rows: int, columns: int = 1, typecode: str = "I") -> Iterator[array[int]]:
        """The rows of a table at ``start``, row after row, many at once, so that none is held as a whole.

        A row is ``columns`` big-endian integers of 32 (``I``) or 64 (``Q``) bits.
        """
        row = columns * array(typecode).itemsize
        for data in chunks(self.source, start, start + rows * row, READ_SIZE // row * row):
            values = array(typecode, data)
            if not _BIG_ENDIAN:
                values.byteswap()
            yield values

    def top(self) -> list[Box]:
        """The boxes of the file itself."""
        return list(self.children(0, self.size, 0))

    def children(self, start: int, end: int, depth: int) -> Iterator[Box]:
        """The boxes between ``start`` and ``end``, which lie ``depth`` boxes deep.

        Size 0 means "to the end of the file" (section 4.2.2) and stands nowhere else. Zero bytes may
        follow the last box: QuickTime ends user data with a 32-bit zero (QuickTime File Format,
        "User Data Atoms").
        """
        if depth > BOX_DEPTH:
            raise LimitExceeded(f"boxes nest deeper than {BOX_DEPTH}")
        while end - start >= 8:
            box = self._box(start, end, depth)
            if box is None:
                break
            counter = self.fragments if not depth and box.type in _REPEATED else self
            counter._budget -= 1
            if counter._budget < 0:
                raise LimitExceeded(f"more than {counter._boxes} boxes")
            yield box
            start = box.end
        if start < end and any(data.strip(b"\x00") for data in chunks(self.source, start, end)):
            raise ContainerMalformed(f"the {end - start} bytes at {start} are no box")

    def _box(self, start: int, end: int, depth: int) -> Box | None:
        size, kind = _HEAD.unpack(self.read(start, 8))
        body = start + 8
        if size == 1:
            if end - start < 16:
                raise ContainerMalformed(f"the box at {start} ends within its own size")
            size = int.from_bytes(self.read(body, 8), "big")
            body += 8
        elif size == 0:
            if depth or kind == bytes(4):
                return None
            size = end - start
        if start + size < body or start + size > end:
            raise ContainerMalformed(
                f"the box {kind.decode('latin-1')!r} at {start} claims {size} bytes; {end - start} are left"
            )
        return Box(kind, start, body, start + size)

    def meta_children(self, meta: Box, depth: int) -> Iterator[Box]:
        """The boxes in a ``meta`` box, with version and flags (ISO/IEC 14496-12) or without (QuickTime)."""
        return self.children(self.inner_start(meta), meta.end, depth)

    def inner_start(self, box: Box) -> int:
        """Where the boxes in ``box`` begin."""
        full = box.type == b"meta" and box.length >= 4 and self.read(box.body, 4) == bytes(4)
        return box.body + 4 if full else box.body


@cache
def _layout(layout: str) -> struct.Struct:
    return struct.Struct(">" + layout)


@dataclass(slots=True)
class Node:
    """A box with the boxes in it, as far as they were descended into."""

    box: Box
    children: list[Node] = field(default_factory=list)

    def all(self, *path: bytes) -> list[Box]:
        """Every box at ``path`` below this one, in file order."""
        return [node.box for node in self.nodes(*path)]

    def nodes(self, *path: bytes) -> list[Node]:
        found = [self]
        for kind in path:
            found = [child for node in found for child in node.children if child.box.type == kind]
        return found

    def walk(self) -> Iterator[Node]:
        """This one and everything below it, in file order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def optional(self, *path: bytes) -> Box | None:
        """The box at ``path``, or None.

        Raises:
            ContainerMalformed: if there are several: decoders differ in which one they obey.
        """
        found = self.all(*path)
        if len(found) > 1:
            raise ContainerMalformed(f"several {_text(path)} boxes where one is meant")
        return found[0] if found else None

    def one(self, *path: bytes) -> Box:
        found = self.optional(*path)
        if found is None:
            raise ContainerMalformed(f"there is no {_text(path)} box")
        return found


def _text(path: Sequence[bytes]) -> str:
    return "/".join(kind.decode("latin-1") for kind in path)


#: Boxes that hold boxes and that decoders descend into wherever they stand.
CONTAINERS: Final = frozenset(
    (
        b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"udta", b"meta", b"ilst",
        b"tref", b"mvex", b"moof", b"traf", b"sinf",
    )
)  # fmt: skip


def descend(reader: BoxReader, box: Box, depth: int = 1) -> Node:
    """``box`` with everything in it, down through :data:`CONTAINERS`."""
    reader = reader if depth > 1 else reader.within(box)
    node = Node(box)
    if box.type in CONTAINERS:
        inner = (
            reader.meta_children(box, depth)
            if box.type == b"meta"
            else reader.children(box.body, box.end, depth)
        )
        node.children = [descend(reader, child, depth + 1) for child in inner]
    return node
