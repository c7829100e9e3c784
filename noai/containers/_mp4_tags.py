"""The tag area of an MP4: iTunes metadata, ``mdta`` keys, user data strings, XMP, C2PA.

``ilst`` and freeform atoms: the layout that iTunes writes. ``keys``: QuickTime File Format,
"Metadata". ``uuid`` for XMP: XMP specification part 3 (2020), section 1.1.4; for C2PA: C2PA
specification 2.2, section A.5.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from noai.codes import Code
from noai.containers._bmff import Box, BoxReader
from noai.containers._mp4_items import Form, Item, Metadata, XmpBox
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
from noai.containers.interface import FieldRole
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import TAG_ITEMS, TAG_VALUE_BYTES, XMP_BYTES

XMP_UUID: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
C2PA_UUID: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
PADDING: Final = frozenset((b"free", b"skip", b"wide"))
FREEFORM: Final = b"----"

_DESCENDED: Final = frozenset((b"moov", b"trak", b"mdia"))
_SEARCHED: Final = frozenset((b"moov", b"trak", b"mdia", b"udta", b"meta", b"uuid", b"cmov"))
_3GPP: Final = frozenset((b"cprt", b"dscp", b"titl", b"auth", b"perf", b"gnre"))
#: Purpose and offset of a C2PA box stand within this many bytes.
_C2PA_HEAD: Final = 64
#: Bytes in which an untyped value shows whether it is text.
_PEEK: Final = 4096


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


class _Scan:
    def __init__(self, reader: BoxReader) -> None:
        self._reader = reader
        self.found = Metadata()
        self._moovs = 0
        self._lists = 0

    def visit(self, box: Box, path: tuple[Box, ...]) -> None:
        inner = (*path, box)
        if box.type in _DESCENDED:
            self._moovs += box.type == b"moov"
            for child in self._reader.children(box.body, box.end, len(inner)):
                if child.type in _SEARCHED:
                    self.visit(child, inner)
        elif box.type == b"udta":
            with self._noting():
                for child in self._reader.children(box.body, box.end, len(inner)):
                    self._user_data(child, inner)
        elif box.type == b"meta":
            with self._noting():
                self._meta(box, inner)
        elif box.type == b"uuid":
            with self._noting():
                self._uuid(box, path)
        else:
            self.found.area.note(Code.TAG_COMPRESSED, "a compressed movie resource (cmov) was not inflated")

    def finish(self) -> None:
        for number, what in ((self._moovs, "moov"), (self._lists, "ilst")):
            if number > 1:
                self.found.area.note(Code.TAG_DUPLICATE, f"{number} {what} boxes")

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Damage inside a tag area is a note, so that what stands elsewhere still counts."""
        try:
            yield
        except ContainerMalformed as error:
            self.found.area.note(Code.TAG_UNREADABLE, str(error))

    # -- boxes -------------------------------------------------------------------------------

    def _user_data(self, box: Box, path: tuple[Box, ...]) -> None:
        if box.type in (b"meta", b"uuid"):
            self.visit(box, path)
        elif box.type == b"XMP_":
            self._xmp(box, box.body, "XMP_ in user data", top_level=False)
        elif box.type[0] == 0xA9:
            self._string_item(box, path, Form.STRINGS)
        elif box.type in _3GPP and box.length > 6:
            self._string_item(box, path, Form.THREE_GPP)
        elif box.type not in PADDING:
            self.found.area.count_item()
            self.found.opaque.append((_label(path, box), box))

    def _string_item(self, box: Box, path: tuple[Box, ...], form: Form) -> None:
        self.found.area.count_item()
        data = self._hold(box.body, box.end)
        values = read_strings(data, box.body) if form is Form.STRINGS else read_3gpp(data, box.body)
        key = box.name.upper()
        place, identity = f"{_scope(path)} user data", f"udta:{box.name}"
        self._add(Item(box, path, form, place, key, identity, role_of(key), values))

    def _meta(self, meta: Box, path: tuple[Box, ...]) -> None:
        children = list(self._reader.meta_children(meta, len(path)))
        keys: list[str] = []
        for child in children:
            if child.type == b"keys":
                keys = self._keys(child)
        for child in children:
            if child.type == b"ilst":
                self._lists += 1
                inner = (*path, child)
                for item in self._reader.children(child.body, child.end, len(inner)):
                    if item.type not in PADDING:
                        with self._noting():
                            self._list_item(item, inner, keys)
            elif child.type == b"uuid":
                self._uuid(child, path)
            elif child.type not in PADDING and child.type not in (b"hdlr", b"keys"):
                if child.type == b"ID32":
                    self.found.area.note(Code.TAG_UNREADABLE, "an ID3 tag inside MP4 (ID32) was not read")
                self.found.opaque.append((_label(path, child), child))

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
            names.append(decode(self._hold(start + 8, start + size))[0])
            start += size
        return names

    def _list_item(self, box: Box, path: tuple[Box, ...], keys: list[str]) -> None:
        self.found.area.count_item()
        children = list(self._reader.children(box.body, box.end, len(path) + 1))
        index = int.from_bytes(box.type, "big")
        scope = _scope(path)
        if box.type == FREEFORM:
            mean, name = (self._freeform_text(children, kind) for kind in (b"mean", b"name"))
            place, key, identity = f"{scope} freeform", name or box.name, f"----:{mean}:{name}"
        elif 0 < index <= len(keys):
            key = keys[index - 1]
            place, identity = f"{scope} metadata key", f"mdta:{key}"
        else:
            place, key, identity = f"{scope} ilst", box.name, box.name
        role = role_of(key.upper())
        values = tuple(self._data(child, role, box) for child in children if child.type == b"data")
        known = (b"data", b"mean", b"name") if box.type == FREEFORM else (b"data",)
        others = tuple(child for child in children if child.type not in known)
        self._add(Item(box, path, Form.DATA, place, key.upper(), identity, role, values, others))

    def _freeform_text(self, children: list[Box], kind: bytes) -> str:
        for child in children:
            if child.type == kind:
                return decode(self._hold(min(child.body + 4, child.end), child.end))[0].rstrip("\x00")
        return ""

    def _data(self, box: Box, role: FieldRole, item: Box) -> Value:
        (kind,) = self._reader.fields(box, "I")
        head = self._reader.read(box.body, min(8, box.length))
        start = box.body + len(head)
        skipped = item.type == b"covr" or not may_be_text(kind, role)
        if not skipped and kind == DataType.IMPLICIT and role is FieldRole.OTHER:
            skipped = b"\x00" in self._reader.read(start, min(box.end - start, _PEEK))
        if skipped:
            return Value(box.start, box.end, None, head)
        return Value(box.start, box.end, data_text(kind, self._hold(start, box.end), role), head)

    def _add(self, item: Item) -> None:
        self.found.items.append(item)
        for value in item.values:
            if value.text is not None:
                self.found.area.field(item.place, item.key, value.text, item.role)

    # -- uuid --------------------------------------------------------------------------------

    def _uuid(self, box: Box, path: tuple[Box, ...]) -> None:
        if box.length < 16:
            raise ContainerMalformed(f"the uuid box at {box.start} has no identifier")
        identifier = self._reader.read(box.body, 16)
        if identifier == XMP_UUID:
            self._xmp(box, box.body + 16, "XMP uuid box", top_level=not path)
        elif identifier == C2PA_UUID:
            self._manifest(box)
        else:
            self.found.opaque.append((f"{_label(path, box)} {identifier.hex()}", box))

    def _xmp(self, box: Box, start: int, place: str, *, top_level: bool) -> None:
        if box.end - start > XMP_BYTES:
            raise LimitExceeded(f"an XMP packet longer than {XMP_BYTES} bytes")
        self.found.area.count_item()
        self.found.area.count_bytes(box.end - start)
        self.found.xmp.append(XmpBox(box, start, top_level))
        self.found.area.xmp(f"MP4 {place}", self._reader.read(start, box.end - start))

    def _manifest(self, box: Box) -> None:
        start = min(box.body + 20, box.end)
        head = self._reader.read(start, min(_C2PA_HEAD, box.end - start))
        purpose, terminator, _ = head.partition(b"\x00")
        if purpose == b"merkle":
            return
        if terminator:
            start = min(start + len(purpose) + 1 + 8, box.end)
        self.found.area.manifest("MP4 uuid box", start, box.end - start)

    def _hold(self, start: int, end: int) -> bytes:
        """The bytes of one value, counted against the limits on text."""
        if end - start > TAG_VALUE_BYTES:
            raise LimitExceeded(f"a tag value longer than {TAG_VALUE_BYTES} bytes")
        self.found.area.count_bytes(end - start)
        return self._reader.read(start, end - start)


def _scope(path: tuple[Box, ...]) -> str:
    return "MP4 track" if any(box.type == b"trak" for box in path) else "MP4"


def _label(path: tuple[Box, ...], box: Box) -> str:
    return "/".join(part.name for part in (*path, box))
