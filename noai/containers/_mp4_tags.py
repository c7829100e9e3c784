"""The tag area of an MP4: iTunes metadata, ``mdta`` keys, user data strings, XMP, C2PA.

``ilst`` and freeform atoms: the layout that iTunes writes. ``keys``: QuickTime File Format,
"Metadata". XMP and C2PA: :mod:`noai.containers._mp4_uuid`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._bmff import Box, BoxReader
from noai.containers._mp4_items import Form, Item, Metadata, XmpBox
from noai.containers._mp4_uuid import read_uuid, read_xmp
from noai.containers._mp4_values import (
    DataType,
    Value,
    data_text,
    decode,
    may_be_text,
    read_3gpp,
    read_strings,
    role_of,
)
from noai.containers.interface import FieldRole, TagArea
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import MP4_FRAGMENT_BOXES, TAG_ITEMS, TAG_VALUE_BYTES

PADDING: Final = frozenset((b"free", b"skip", b"wide"))
FREEFORM: Final = b"----"

#: Boxes in which players look for tag areas.
DESCENDED: Final = frozenset(
    (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"mvex", b"moof", b"traf", b"gmhd")
)
#: Boxes that are tag areas, and those that stand in them but that FFmpeg reads wherever they are.
AREAS: Final = frozenset((b"udta", b"meta", b"uuid", b"ilst", FREEFORM))
_SEARCHED: Final = DESCENDED | AREAS | {b"cmov"}
_3GPP: Final = frozenset((b"cprt", b"dscp", b"titl", b"auth", b"perf", b"gnre"))
#: Bytes in which an untyped value shows whether it is text.
_PEEK: Final = 4096
#: Bytes of a value that is no text which readers see. No opt-out has more.
_SHOWN: Final = 256


def read_metadata(reader: BoxReader, top: list[Box]) -> Metadata:
    """All of the tag area below the top-level boxes ``top``.

    Damage inside ``udta``, ``meta`` and ``uuid`` boxes becomes a note.

    Raises:
        ContainerMalformed: when the boxes around them contradict each other.
        LimitExceeded: when a limit on tags or boxes is reached.
    """
    scan = _Scan(reader)
    for box in top:
        if box.type in _SEARCHED:
            scan.visit(box, ())
    scan.finish()
    return scan.found


def read_area(reader: BoxReader) -> TagArea:
    """The tag area of a file, as far as it can be read: what stopped the reading is a note."""
    scan = _Scan(reader)
    area = scan.found.area
    movie = False
    try:
        for box in reader.children(0, reader.size, 0):
            movie |= box.type == b"moov"
            if box.type in _SEARCHED:
                with _noted(area, Code.CONTAINER_MALFORMED):
                    scan.visit(box, ())
        scan.finish()
    except (ContainerMalformed, LimitExceeded) as error:
        area.note(Code.of(error.code), str(error))
    if not movie:
        area.note(Code.CONTAINER_MALFORMED, "there is no moov box: the file is cut short or a fragment")
    return area.build()


@contextmanager
def _noted(area: AreaBuilder, code: Code = Code.TAG_UNREADABLE) -> Iterator[None]:
    """Damage is a note, so that what stands elsewhere still counts."""
    try:
        yield
    except ContainerMalformed as error:
        area.note(code, str(error))


class _Scan:
    def __init__(self, reader: BoxReader) -> None:
        self._reader = reader
        # The boxes of a long fragmented file would use up the limit on all others.
        self._fragments = BoxReader(reader.source, MP4_FRAGMENT_BOXES)
        self.found = Metadata()
        self._moovs = 0
        self._lists = 0

    def visit(self, box: Box, path: tuple[Box, ...]) -> None:
        inner = (*path, box)
        if box.type in DESCENDED:
            self._moovs += box.type == b"moov"
            reader = self._fragments if inner[0].type == b"moof" else self._reader
            for child in reader.children(box.body, box.end, len(inner)):
                if child.type in _SEARCHED:
                    self.visit(child, inner)
        elif box.type in AREAS:
            with self._noting():
                self._area(box, path)
        else:
            self.found.area.note(Code.TAG_COMPRESSED, "a compressed movie resource (cmov) was not inflated")

    def finish(self) -> None:
        for number, what in ((self._moovs, "moov"), (self._lists, "ilst")):
            if number > 1:
                self.found.area.note(Code.TAG_DUPLICATE, f"{number} {what} boxes")

    def _noting(self) -> AbstractContextManager[None]:
        return _noted(self.found.area)

    # -- boxes -------------------------------------------------------------------------------

    def _area(self, box: Box, path: tuple[Box, ...]) -> None:
        inner = (*path, box)
        if box.type == b"udta":
            for child in self._reader.children(box.body, box.end, len(inner)):
                self._user_data(child, inner)
        elif box.type == b"meta":
            self._meta(box, inner)
        elif box.type == b"uuid":
            read_uuid(self._reader, box, self.found, _label(path, box), top_level=not path)
        elif box.type == b"ilst":
            self._list(box, path, [])
        else:
            self._list_item(box, path, [])

    def _user_data(self, box: Box, path: tuple[Box, ...]) -> None:
        if box.type in AREAS:
            self.visit(box, path)
        elif box.type == b"XMP_":
            read_xmp(self._reader, XmpBox(box, box.body, top_level=False), "XMP_ in user data", self.found)
        elif box.type[0] == 0xA9:
            self._string_item(box, path, Form.STRINGS)
        elif box.type in _3GPP and box.length > 6:
            self._string_item(box, path, Form.THREE_GPP)
        elif box.type not in PADDING:
            self.found.area.count_item()
            if role_of(box.name.upper()) is FieldRole.MARKER:
                self.found.area.note(Code.TAG_UNREADABLE, f"a user data box {box.name!r} was not read")
            self.found.opaque.append((_label(path, box), box))

    def _string_item(self, box: Box, path: tuple[Box, ...], form: Form) -> None:
        self.found.area.count_item()
        if box.length > TAG_VALUE_BYTES:
            self._too_long()
            return
        data = self._hold(box.body, box.end)
        values = read_strings(data, box.body) if form is Form.STRINGS else read_3gpp(data, box.body)
        key = box.name.upper()
        place, identity = f"{_scope(path)} user data", f"udta:{box.name}"
        self._add(Item(box, path, form, place, key, identity, role_of(key), values))

    def _meta(self, meta: Box, path: tuple[Box, ...]) -> None:
        children = list(self._reader.meta_children(meta, len(path)))
        keys: list[str] = []
        for number, child in enumerate(child for child in children if child.type == b"keys"):
            keys += self._keys(child)
            if number:
                self.found.area.note(Code.TAG_UNREADABLE, "several lists of metadata keys in one meta box")
        for child in children:
            if child.type == b"ilst":
                self._list(child, path, keys)
            elif child.type in AREAS:
                self.visit(child, path)
            elif child.type not in PADDING and child.type not in (b"hdlr", b"keys"):
                if child.type == b"ID32":
                    self.found.area.note(Code.TAG_UNREADABLE, "an ID3 tag inside MP4 (ID32) was not read")
                self.found.opaque.append((_label(path, child), child))

    def _list(self, box: Box, path: tuple[Box, ...], keys: list[str]) -> None:
        self._lists += 1
        inner = (*path, box)
        for item in self._reader.children(box.body, box.end, len(inner)):
            if item.type not in PADDING:
                with self._noting():
                    self._list_item(item, inner, keys)

    def _keys(self, box: Box) -> list[str]:
        (count,) = self._reader.fields(box, "I", 4)
        if count > TAG_ITEMS:
            raise LimitExceeded(f"more than {TAG_ITEMS} metadata keys")
        names: list[str] = []
        start = box.body + 8
        for _ in range(count):
            if start + 8 > box.end:
                raise ContainerMalformed("the metadata keys run past their box")
            size = int.from_bytes(self._reader.read(start, 4), "big")
            if size < 8 or start + size > box.end:
                raise ContainerMalformed(f"a metadata key of {size} bytes")
            names.append(decode(self._hold(start + 8, start + size))[0].rstrip("\x00"))
            start += size
        return names

    def _list_item(self, box: Box, path: tuple[Box, ...], keys: list[str]) -> None:
        self.found.area.count_item()
        children = list(self._reader.children(box.body, box.end, len(path) + 1))
        index = int.from_bytes(box.type, "big")
        scope = _scope(path)
        named = True
        if box.type == FREEFORM:
            mean, name = (self._freeform_text(children, kind) for kind in (b"mean", b"name"))
            place, key, identity = f"{scope} freeform", name or box.name, f"----:{mean}:{name}"
        elif 0 < index <= len(keys):
            key = keys[index - 1]
            place, identity = f"{scope} metadata key", f"mdta:{key}"
        else:
            place, key, identity = f"{scope} ilst", box.name, box.name
            named = role_of(key.upper()) is not FieldRole.OTHER
            if box.type[0] == 0:
                self.found.area.note(Code.TAG_UNREADABLE, f"the metadata item {index} has no key")
        role = role_of(key.upper())
        values = tuple(self._data(child, role, box, named) for child in children if child.type == b"data")
        known = (b"data", b"mean", b"name") if box.type == FREEFORM else (b"data",)
        others = tuple(child for child in children if child.type not in known)
        self._add(Item(box, path, Form.DATA, place, key.upper(), identity, role, values, others))
        if named and not values:
            self.found.area.field(place, key.upper(), "", role)

    def _freeform_text(self, children: list[Box], kind: bytes) -> str:
        texts = [
            decode(self._hold(min(child.body + 4, child.end), child.end))[0].rstrip("\x00")
            for child in children
            if child.type == kind
        ]
        if len(texts) > 1:
            self.found.area.note(Code.TAG_UNREADABLE, f"a freeform item with several {kind.decode()} boxes")
        return texts[0] if texts else ""

    def _data(self, box: Box, role: FieldRole, item: Box, named: bool) -> Value:
        (kind,) = self._reader.fields(box, "I")
        head = self._reader.read(box.body, min(8, box.length))
        start = box.body + len(head)
        length = box.end - start
        text = None
        if item.type != b"covr" and may_be_text(kind, length, role):
            untyped = kind == DataType.IMPLICIT and role is FieldRole.OTHER
            if not untyped or b"\x00" not in self._reader.read(start, min(length, _PEEK)):
                if length > TAG_VALUE_BYTES:
                    self._too_long()
                else:
                    text = data_text(kind, self._hold(start, box.end), role)
        shown = None
        if named and text is None:
            shown = self._hold(start, start + min(length, _SHOWN)).decode("latin-1")
        return Value(box.start, box.end, text, head, shown=shown)

    def _add(self, item: Item) -> None:
        self.found.items.append(item)
        for value in item.values:
            said = value.shown if value.text is None else value.text
            if said is not None:
                self.found.area.field(item.place, item.key, said, item.role)

    def _too_long(self) -> None:
        """One value that is not held; those behind it still count."""
        message = f"a tag value longer than {TAG_VALUE_BYTES} bytes"
        self.found.area.note(Code.LIMIT_EXCEEDED, message)

    def _hold(self, start: int, end: int) -> bytes:
        """The bytes of one value, counted against the limits on text."""
        if end - start > TAG_VALUE_BYTES:
            raise LimitExceeded(f"a tag value longer than {TAG_VALUE_BYTES} bytes")
        self.found.area.count_bytes(end - start)
        return self._reader.read(start, end - start)


def _scope(path: tuple[Box, ...]) -> str:
    if path and path[0].type == b"moof":
        return "MP4 fragment"
    return "MP4 track" if any(box.type == b"trak" for box in path) else "MP4"


def _label(path: tuple[Box, ...], box: Box) -> str:
    return "/".join(part.name for part in (*path, box))
