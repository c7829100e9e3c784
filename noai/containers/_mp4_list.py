"""The items of an ``ilst`` box: plain and freeform atoms as iTunes writes them, and ``mdta`` keys.

``keys``: QuickTime File Format, "Metadata". Plain items in it have four letters, freeform ones a
reverse-DNS *mean* and a name, and those under ``keys`` the number of their key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._bmff import Box, BoxReader
from noai.containers._mp4_hidden import HiddenStatements
from noai.containers._mp4_items import Form, Item, Metadata, scope_of
from noai.containers._mp4_values import DataType, Value, data_text, decode, may_be_text, role_of
from noai.containers.interface import FieldRole
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import TAG_ITEMS, TAG_VALUE_BYTES

PADDING: Final = frozenset((b"free", b"skip", b"wide"))
FREEFORM: Final = b"----"

#: Bytes in which an untyped value shows whether it is text.
_PEEK: Final = 4096
#: Bytes of a value that is no text which readers see. No opt-out has more.
_SHOWN: Final = 256


@contextmanager
def noted(area: AreaBuilder, code: Code = Code.TAG_UNREADABLE) -> Iterator[None]:
    """Damage is a note, so that what stands elsewhere still counts."""
    try:
        yield
    except ContainerMalformed as error:
        area.note(code, str(error))


class ListReader:
    """Reads items of one file into ``found``; damage in one of them is a note."""

    def __init__(self, reader: BoxReader, found: Metadata, hidden: HiddenStatements) -> None:
        self._reader = reader
        self.found = found
        self._hidden = hidden

    def read_list(self, box: Box, path: tuple[Box, ...], keys: list[str]) -> None:
        """The items in the ``ilst`` box ``box``, which lies in ``path``."""
        inner = (*path, box)
        for item in self._reader.children(box.body, box.end, len(inner)):
            with noted(self.found.area):
                if item.type in PADDING:
                    self._hidden.search(item, padding=True)
                else:
                    self.read_item(item, inner, keys)

    def read_keys(self, box: Box) -> list[str]:
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
            names.append(decode(self.hold(start + 8, start + size))[0].rstrip("\x00"))
            start += size
        return names

    def read_item(self, box: Box, path: tuple[Box, ...], keys: list[str]) -> None:
        self.found.area.count_item()
        children = list(self._reader.children(box.body, box.end, len(path) + 1))
        index = int.from_bytes(box.type, "big")
        scope = scope_of(path)
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
        rest = [child for child in children if child.type not in known]
        for child in rest:
            self._hidden.search(child, padding=child.type in PADDING)
        others = tuple(child for child in rest if child.type not in PADDING)
        self.add(Item(box, path, Form.DATA, place, key.upper(), identity, role, values, others))
        if named and not values:
            self.found.area.field(place, key.upper(), "", role)

    def _freeform_text(self, children: list[Box], kind: bytes) -> str:
        texts = [
            decode(self.hold(min(child.body + 4, child.end), child.end))[0].rstrip("\x00")
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
                    self.too_long()
                else:
                    text = data_text(kind, self.hold(start, box.end), role)
        shown = None
        if named and text is None:
            shown = self.hold(start, start + min(length, _SHOWN)).decode("latin-1")
        return Value(box.start, box.end, text, head, shown=shown)

    def add(self, item: Item) -> None:
        self.found.items.append(item)
        for value in item.values:
            said = value.shown if value.text is None else value.text
            if said is not None:
                self.found.area.field(item.place, item.key, said, item.role)

    def too_long(self) -> None:
        """One value that is not held; those behind it still count."""
        message = f"a tag value longer than {TAG_VALUE_BYTES} bytes"
        self.found.area.note(Code.LIMIT_EXCEEDED, message)

    def hold(self, start: int, end: int) -> bytes:
        """The bytes of one value, counted against the limits on text."""
        if end - start > TAG_VALUE_BYTES:
            raise LimitExceeded(f"a tag value longer than {TAG_VALUE_BYTES} bytes")
        self.found.area.count_bytes(end - start)
        return self._reader.read(start, end - start)
