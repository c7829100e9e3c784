"""The objects of an ASF file (ASF Specification, revision 01.20.05, sections 2 to 4).

Every object starts with a GUID of 16 bytes and its own size, u64le, header included. Objects lie in
the Header Object, in the Header Extension Object, and at most one in each Extended Stream
Properties Object. Readers differ: ffmpeg walks the header without regard to its size, others go by
its size or its count of objects. Where that would make a difference, it is a problem.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Final
from uuid import UUID

from noai.containers._id3_frames import Window
from noai.errors import LimitExceeded
from noai.limits import BOX_DEPTH, BOXES
from noai.sources import ByteSource


def guid(text: str) -> bytes:
    """The bytes of a GUID as the file has them (section 2.1)."""
    return UUID(text).bytes_le


HEADER: Final = guid("75B22630-668E-11CF-A6D9-00AA0062CE6C")
DATA: Final = guid("75B22636-668E-11CF-A6D9-00AA0062CE6C")
FILE_PROPERTIES: Final = guid("8CABDCA1-A947-11CF-8EE4-00C00C205365")
STREAM_PROPERTIES: Final = guid("B7DC0791-A9B7-11CF-8EE6-00C00C205365")
EXTENSION: Final = guid("5FBF03B5-A92E-11CF-8EE3-00C00C205365")
EXTENDED_STREAM: Final = guid("14E6A5CB-C672-4332-8399-A96952065B5A")
DESCRIPTION: Final = guid("75B22633-668E-11CF-A6D9-00AA0062CE6C")
EXTENDED_DESCRIPTION: Final = guid("D2D0A440-E307-11D2-97F0-00A0C95EA850")
METADATA: Final = guid("C5F8CBEA-5BAF-4877-8467-AA8C44FA4CCA")
LIBRARY: Final = guid("44231C94-9498-49D1-A141-1D134E457054")
BRANDING: Final = guid("2211B3FA-BD23-11D2-B4B7-00A0C955FC6E")
CODEC_LIST: Final = guid("86D15240-311D-11D0-A3A4-00A0C90348F6")
SCRIPT: Final = guid("1EFB1A30-0B62-11D0-A39B-00A0C90348F6")
MARKERS: Final = guid("F487CD01-A951-11CF-8EE6-00C00C205365")
SIGNATURE: Final = guid("2211B3FC-BD23-11D2-B4B7-00A0C955FC6E")
PADDING: Final = guid("1806D474-CADF-4509-A4BA-9AABCB96AAE8")
#: XMP specification part 3, "ASF": a top-level object, behind the Data Object.
XMP: Final = guid("BE7ACFCB-97A9-42E8-9C71-999491E3AFAC")
#: Content Encryption, Extended Content Encryption, Advanced Content Encryption.
ENCRYPTION: Final = frozenset(
    {
        guid("2211B3FB-BD23-11D2-B4B7-00A0C955FC6E"),
        guid("298AE614-2622-4C17-B935-DAE07EE9289C"),
        guid("43058533-6981-49E6-9B74-AD12CB86D58C"),
    }
)
#: Objects of the specification that hold numbers and no text: nobody looks for a statement there.
NUMERIC: Final = frozenset(
    {
        guid("33000890-E5B1-11CF-89F4-00A0C90349CB"),  # Simple Index
        guid("D6E229D3-35DA-11D1-9034-00A0C90349BE"),  # Index
        guid("FEB103F8-12AD-4C64-840F-2A1D2F7AD48C"),  # Media Object Index
        guid("3CB73FD0-0C4A-4803-953D-EDF7B6228F0C"),  # Timecode Index
    }
)

#: GUID and size.
HEAD: Final = 24
#: What stands between the head of an object and the objects in it.
_PREFIX: Final = {HEADER: 6, EXTENSION: 22}
_EXTENDED_STREAM_FIXED: Final = 64


@dataclass(frozen=True)
class AsfObject:
    """One object. ``size`` is what is really there where it runs past what it lies in."""

    guid: bytes
    offset: int
    size: int
    parent: AsfObject | None = field(default=None, repr=False)

    @property
    def data(self) -> int:
        return self.offset + HEAD

    @property
    def end(self) -> int:
        return self.offset + self.size

    @property
    def inner(self) -> int:
        """Where the objects in a header or a header extension start."""
        return self.data + _PREFIX[self.guid]

    @property
    def in_header(self) -> bool:
        """Whether it lies in the first Header Object of the file, directly."""
        return self.parent is not None and self.parent.guid == HEADER and self.parent.offset == 0


@dataclass(frozen=True)
class AsfLayout:
    """All objects in file order, each in front of those that lie in it."""

    objects: tuple[AsfObject, ...]
    #: Bytes from here on are in no object.
    rest: int
    size: int
    #: In words, where readers of ASF could disagree about what there is.
    problems: tuple[str, ...]

    def all(self, *guids: bytes) -> list[AsfObject]:
        return [each for each in self.objects if each.guid in guids]


def read_layout(source: ByteSource) -> AsfLayout:
    """
    Raises:
        LimitExceeded: more objects than :data:`noai.limits.BOXES`, or deeper than its ``BOX_DEPTH``.
    """
    return _Walk(source).layout()


class _Walk:
    def __init__(self, source: ByteSource) -> None:
        self._window = Window(source)
        self._size = source.size
        self._objects: list[AsfObject] = []
        self._problems: list[str] = []

    def layout(self) -> AsfLayout:
        at = 0
        while (found := self._next(at, self._size, None)) is not None:
            self._inside(found)
            at = found.end
        return AsfLayout(tuple(self._objects), at, self._size, tuple(self._problems))

    def _next(self, at: int, end: int, parent: AsfObject | None) -> AsfObject | None:
        """The object at ``at``, cut at ``end``; None where there cannot be one."""
        if end - at < HEAD:
            return None
        name, size = struct.unpack("<16sQ", self._window.read_at(at, HEAD).ljust(HEAD, b"\0"))
        # Size 0: as live streams leave it, up to the end (section 5.1).
        cut = size > end - at or (name == DATA and size == 0 and parent is None)
        if cut and (parent is not None or name in (HEADER, DATA)):
            self._problems.append(f"the object at {at} runs past its end")
        elif cut or size < HEAD:
            return None
        if len(self._objects) == BOXES:
            raise LimitExceeded(f"more than {BOXES} ASF objects")
        found = AsfObject(name, at, end - at if cut else size, parent)
        self._objects.append(found)
        return found

    def _inside(self, top: AsfObject) -> None:
        """Everything that lies in ``top``, by a stack of the objects that are not at their end yet."""
        stack = [(top, start)] if (start := self._children(top)) is not None else []
        while stack:
            outer, at = stack.pop()
            found = self._next(at, outer.end, outer)
            if found is None:
                if at < outer.end:
                    self._problems.append(f"the object at {outer.offset} holds bytes that are no object")
                continue
            stack.append((outer, found.end))
            start = self._children(found)
            if start is not None:
                if len(stack) == BOX_DEPTH:
                    raise LimitExceeded(f"ASF objects lie more than {BOX_DEPTH} deep in each other")
                stack.append((found, start))

    def _children(self, outer: AsfObject) -> int | None:
        """Where the objects in ``outer`` start; None where none can lie in it."""
        if outer.guid == EXTENDED_STREAM:
            return self._behind_extensions(outer)
        if outer.guid not in _PREFIX:
            return None
        if outer.inner > outer.end:
            self._problems.append(f"the object at {outer.offset} is too short")
            return None
        if outer.guid == EXTENSION:
            length = int.from_bytes(self._window.read_at(outer.inner - 4, 4), "little")
            if length != outer.end - outer.inner:
                self._problems.append(f"the header extension at {outer.offset} has two sizes")
        return outer.inner

    def _behind_extensions(self, outer: AsfObject) -> int | None:
        """Where a Stream Properties Object may stand in Extended Stream Properties (section 4.1)."""
        at = outer.data + _EXTENDED_STREAM_FIXED
        counts = self._window.read_at(at - 4, 4) if at <= outer.end else b""
        names, systems = struct.unpack("<HH", counts.ljust(4, b"\0"))
        for length, fixed in chain(repeat((2, 4), names), repeat((4, 22), systems)):
            if at + fixed > outer.end:
                break
            sized = self._window.read_at(at + fixed - length, length)
            at += fixed + int.from_bytes(sized, "little")
        if at > outer.end or outer.size < HEAD + _EXTENDED_STREAM_FIXED:
            self._problems.append(f"the stream properties at {outer.offset} run past their end")
            return None
        return at if at < outer.end else None
