"""The hash that binds a C2PA manifest to an ISO base media file: all of it but some boxes.

C2PA 2.x, "BMFF-Based Hash": of every top-level box that is not left out whole, first its offset in eight
bytes, then what of it is not left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from noai import cbor
from noai.c2pa_json import BmffHash
from noai.containers._bmff import CONTAINERS, Box, BoxReader
from noai.containers._mp4_uuid import C2PA_UUID
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import BOX_DEPTH, BOXES, C2PA_EXCLUSIONS, KIB, MP4_FRAGMENT_BOXES
from noai.signals._ranges import Range, union, without
from noai.sources import ByteSource, chunks

#: The versions that hash offsets; the first one, which does not, is not valid any more.
LABELS: Final = frozenset({"c2pa.hash.bmff.v2", "c2pa.hash.bmff.v3"})
_UUID: Final = "/uuid"
#: At this offset in a box stands the identifier of a C2PA box.
_OWN_BOX: Final = (8, C2PA_UUID)
#: What noai's own manifests leave out: themselves, and what the standard wants left out.
_OWN: Final = ((_UUID, (_OWN_BOX,)), ("/ftyp", ()), ("/mfra", ()), ("/free", ()), ("/skip", ()))
UNBOUND: Final = BmffHash(bytes(32), _OWN)
#: What a manifest may leave out and still be bound to the audio: boxes that hold none. Chunk offsets, which
#: earlier versions of the standard told writers to leave out, are not among them: they could be made to
#: point into a box that is left out, too, and other audio be played from there.
_HARMLESS: Final = frozenset({"/ftyp", "/free", "/skip", "/mfra", "/mfra/tfra", "/emsg", "/meta/iloc"})
_STEP: Final = re.compile(r"/([^/\[\]]{4})(?:\[([1-9]\d{0,4})\])?")
#: Bytes that are compared with a box to see whether it is meant.
_VALUE_BYTES: Final = 4 * KIB


@dataclass(frozen=True)
class Exclusion:
    """Boxes that are left out: by path, and by what stands in them; ``subset`` where only parts of it are."""

    #: Types from the top down, each with the number of the box among its like, from 1; None for all.
    path: tuple[tuple[bytes, int | None], ...]
    length: int | None = None
    data: tuple[tuple[int, bytes], ...] = ()
    subset: tuple[tuple[int, int], ...] | None = None
    #: Whether version or flags choose the box, which programs understand differently.
    by_flags: bool = False

    @property
    def parts(self) -> int:
        """What each box costs that it leads to."""
        return 1 + len(self.data) + len(self.subset or ())

    @property
    def harmless(self) -> bool:
        path = "".join(f"/{kind.decode('latin-1')}" for kind, _ in self.path)
        return path in _HARMLESS or (path == _UUID and _OWN_BOX in self.data)


@dataclass(frozen=True)
class Plan:
    """What is hashed: the offsets in ``marks``, and all bytes but ``left_out``."""

    marks: tuple[int, ...]
    left_out: tuple[Range, ...]
    #: Whether nothing was left out in which the audio could be changed.
    harmless: bool
    #: False where boxes are chosen in a way that noai does not follow.
    is_understood: bool
    #: Whether the file starts as every ISO base media file that holds a manifest does. Another format
    #: could stand in boxes that are left out.
    is_media_file: bool


def bmff_hash(source: ByteSource) -> BmffHash:
    """The binding to all of ``source`` but its C2PA box and what else the standard leaves out.

    Raises:
        ContainerMalformed, LimitExceeded: if its boxes cannot be walked.
    """
    exclusions = [Exclusion(_path(path), data=data) for path, data in _OWN]
    return BmffHash(digest("sha256", source, plan(source, exclusions)), _OWN)


def plan(source: ByteSource, exclusions: Sequence[Exclusion]) -> Plan:
    """
    Raises:
        ContainerMalformed, LimitExceeded: if the boxes of ``source`` cannot be walked.
    """
    tree = _Tree(BoxReader(source, BOXES + MP4_FRAGMENT_BOXES))
    whole: set[int] = set()
    left_out: list[Range] = []
    harmless = is_understood = True
    for exclusion in exclusions:
        for box in tree.at(exclusion.path, exclusion.parts):
            if exclusion.by_flags:
                is_understood = False
            if not tree.is_meant(box, exclusion):
                continue
            harmless = harmless and exclusion.harmless
            if exclusion.subset is None:
                left_out.append((box.start, box.end))
                whole.add(box.start)
            for offset, length in exclusion.subset or ():
                start = min(box.start + offset, box.end)
                left_out.append((start, min(start + length, box.end) if length else box.end))
    marks = tuple(box.start for box in tree.top if box.start not in whole)
    is_media_file = bool(tree.top) and tree.top[0].type == b"ftyp"
    return Plan(marks, union(left_out), harmless, is_understood, is_media_file)


def digest(algorithm: str, source: ByteSource, plan: Plan) -> bytes:
    """The hash over ``source`` by ``plan``.

    Raises:
        SourceError: if the bytes cannot be had.
    """
    hashed = hashlib.new(algorithm)
    marks = iter((*plan.marks, source.size))
    mark = next(marks)
    for start, end in without(((0, source.size),), plan.left_out):
        at = start
        while mark < end:
            for block in chunks(source, at, max(at, mark)):
                hashed.update(block)
            hashed.update(mark.to_bytes(8, "big"))
            at, mark = max(at, mark), next(marks)
        for block in chunks(source, at, end):
            hashed.update(block)
    return hashed.digest()


class _Tree:
    """The boxes of a source, walked as far as paths lead."""

    def __init__(self, reader: BoxReader) -> None:
        self._reader = reader
        self._inner: dict[int, dict[bytes, list[Box]]] = {}
        self._compared = 0
        self.top = reader.top()
        self._top = _by_type(self.top)

    def at(self, path: tuple[tuple[bytes, int | None], ...], parts: int = 1) -> list[Box]:
        """The boxes at ``path``, with each of which ``parts`` things are done.

        Raises:
            LimitExceeded: if all paths together lead to too many boxes, or too much is done with them.
        """
        found: list[Box] = []
        level = [self._top]
        for depth, (kind, number) in enumerate(path, 1):
            of_kind = slice(None) if number is None else slice(number - 1, number)
            found = [box for boxes in level for box in boxes.get(kind, [])[of_kind]]
            self._compared += len(found) * (parts if depth == len(path) else 1)
            if self._compared > MP4_FRAGMENT_BOXES:
                raise LimitExceeded(f"more than {MP4_FRAGMENT_BOXES} boxes to compare with what is left out")
            level = [self._children(box, depth) for box in found] if depth < len(path) else []
        return found

    def is_meant(self, box: Box, exclusion: Exclusion) -> bool:
        size = box.end - box.start
        if exclusion.length not in (None, size):
            return False
        return all(
            offset + len(value) <= size and self._reader.read(box.start + offset, len(value)) == value
            for offset, value in exclusion.data
        )

    def _children(self, box: Box, depth: int) -> dict[bytes, list[Box]]:
        if box.type not in CONTAINERS and box.type != b"mfra":
            return {}
        if box.start not in self._inner:
            inner = (
                self._reader.meta_children(box, depth)
                if box.type == b"meta"
                else self._reader.children(box.body, box.end, depth)
            )
            self._inner[box.start] = _by_type(inner)
        return self._inner[box.start]


def _by_type(boxes: Iterable[Box]) -> dict[bytes, list[Box]]:
    found: dict[bytes, list[Box]] = {}
    for box in boxes:
        found.setdefault(box.type, []).append(box)
    return found


# -- what an assertion says -----------------------------------------------------------------


def read_exclusions(stated: cbor.Map) -> list[Exclusion]:
    """
    Raises:
        ContainerMalformed: if they are not of the form that the standard gives them.
        LimitExceeded: for more than :data:`noai.limits.C2PA_EXCLUSIONS`.
    """
    exclusions = []
    for item in _items(stated, "exclusions"):
        path = item.first("xpath")
        exclusions.append(
            Exclusion(
                _path(path if isinstance(path, str) else ""),
                None if item.first("length") is None else _number(item, "length"),
                tuple((_number(each, "offset"), _value(each)) for each in _items(item, "data")),
                None if item.first("subset") is None else _subset(item),
                item.first("version") is not None or item.first("flags") is not None,
            )
        )
    return exclusions


def _subset(item: cbor.Map) -> tuple[Range, ...]:
    parts = tuple((_number(each, "offset"), _number(each, "length")) for each in _items(item, "subset"))
    if any(offset + length > after for (offset, length), (after, _) in pairwise(parts)):
        raise ContainerMalformed("the parts of a box that it leaves out overlap or are not in order")
    return parts


def _path(text: str) -> tuple[tuple[bytes, int | None], ...]:
    steps = list(_STEP.finditer(text))
    if not steps or len(steps) > BOX_DEPTH or "".join(step.group() for step in steps) != text:
        raise ContainerMalformed("a box that it leaves out has no path")
    try:
        return tuple((s.group(1).encode("latin-1"), int(s.group(2)) if s.group(2) else None) for s in steps)
    except UnicodeEncodeError:
        raise ContainerMalformed("a box that it leaves out has no path") from None


def _items(stated: cbor.Map, key: str) -> Iterator[cbor.Map]:
    listed = stated.first(key)
    if listed is None:
        return
    if not isinstance(listed, tuple):
        raise ContainerMalformed(f"its {key} are no list")
    if len(listed) > C2PA_EXCLUSIONS:
        raise LimitExceeded(f"more than {C2PA_EXCLUSIONS} {key}")
    for item in listed:
        if not isinstance(item, cbor.Map) or item.repeats_a_key:
            raise ContainerMalformed(f"one of its {key} is not a map with distinct keys")
        yield item


def _number(item: cbor.Map, key: str) -> int:
    value = item.first(key)
    # A bool is an int in Python, not in CBOR.
    if type(value) is not int or value < 0:
        raise ContainerMalformed(f"a {key} in it is no number")
    return value


def _value(item: cbor.Map) -> bytes:
    value = item.first("value")
    if not isinstance(value, bytes) or len(value) > _VALUE_BYTES:
        raise ContainerMalformed("a value in it is not of a size to compare")
    return value
