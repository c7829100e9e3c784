"""The other objects of an ASF header that hold text (ASF sections 3.5 to 3.7, 3.10, 3.13, 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._asf_objects import (
    BRANDING,
    CODEC_LIST,
    DESCRIPTION,
    EXTENDED_STREAM,
    MARKERS,
    SCRIPT,
    AsfObject,
)
from noai.containers._asf_text import Cursor, pieces
from noai.containers._opaque import note_marks
from noai.containers.interface import FieldRole
from noai.limits import TAG_VALUE_BYTES
from noai.sources import ByteSource, read_exactly

#: The five texts of a Content Description Object, in the order in which it has them.
DESCRIPTION_KEYS: Final = ("TITLE", "AUTHOR", "COPYRIGHT", "DESCRIPTION", "RATING")
DESCRIPTION_ROLES: Final = {"COPYRIGHT": FieldRole.COPYRIGHT, "DESCRIPTION": FieldRole.COMMENT}
DESCRIPTION_PLACE: Final = "ASF content description"
_GUID: Final = 16


def description_texts(data: bytes) -> list[bytes] | None:
    """The five raw texts in the content of a Content Description Object; None if they do not fill it."""
    cursor = Cursor(data)
    try:
        lengths = [cursor.number(2) for _ in DESCRIPTION_KEYS]
        texts = [cursor.take(length) for length in lengths]
    except EOFError:
        return None
    return None if any(cursor.take(cursor.left)) else texts


def _read_description(cursor: Cursor, area: AreaBuilder) -> None:
    lengths = [cursor.number(2) for _ in DESCRIPTION_KEYS]
    for key, length in zip(DESCRIPTION_KEYS, lengths, strict=True):
        for text in pieces(cursor.take(length)):
            area.count_item()
            area.field(DESCRIPTION_PLACE, key, text, DESCRIPTION_ROLES.get(key, FieldRole.OTHER))


def _read_branding(cursor: Cursor, area: AreaBuilder) -> None:
    cursor.take(4)
    cursor.take(cursor.number(4))
    for key in ("BANNERIMAGEURL", "COPYRIGHTURL"):
        text = cursor.take(cursor.number(4)).rstrip(b"\0").decode("latin-1")
        if text:
            area.count_item()
            area.field("ASF content branding", key, text)


def _read_codecs(cursor: Cursor, area: AreaBuilder) -> None:
    cursor.take(_GUID)
    for _ in range(cursor.number(4)):
        area.count_item()
        cursor.take(2)
        for key in ("CODECNAME", "CODECDESCRIPTION"):
            _show(cursor.take(2 * cursor.number(2)), "ASF codec list", key, area)
        cursor.take(cursor.number(2))


def _read_script(cursor: Cursor, area: AreaBuilder) -> None:
    cursor.take(_GUID)
    commands, kinds = cursor.number(2), cursor.number(2)
    for _ in range(kinds):
        area.count_item()
        _show(cursor.take(2 * cursor.number(2)), "ASF script", "SCRIPTTYPE", area)
    for _ in range(commands):
        area.count_item()
        cursor.take(6)
        _show(cursor.take(2 * cursor.number(2)), "ASF script", "SCRIPTCOMMAND", area)


def _read_markers(cursor: Cursor, area: AreaBuilder) -> None:
    cursor.take(_GUID)
    count = cursor.number(4)
    cursor.take(2)
    _show(cursor.take(cursor.number(2)), "ASF marker", "MARKERNAME", area)
    for _ in range(count):
        area.count_item()
        cursor.take(26)
        _show(cursor.take(2 * cursor.number(4)), "ASF marker", "MARKERDESCRIPTION", area)


def _read_stream(cursor: Cursor, area: AreaBuilder) -> None:
    cursor.take(60)
    names, systems = cursor.number(2), cursor.number(2)
    for _ in range(names):
        area.count_item()
        cursor.take(2)
        _show(cursor.take(cursor.number(2)), "ASF stream", "STREAMNAME", area)
    for _ in range(systems):
        cursor.take(18)
        cursor.take(cursor.number(4))
    # What may follow is an object of its own.
    cursor.take(cursor.left)


def _show(data: bytes, place: str, key: str, area: AreaBuilder) -> None:
    for text in pieces(data):
        area.field(place, key, text)


_READERS: Final[dict[bytes, Callable[[Cursor, AreaBuilder], None]]] = {
    DESCRIPTION: _read_description,
    BRANDING: _read_branding,
    CODEC_LIST: _read_codecs,
    SCRIPT: _read_script,
    MARKERS: _read_markers,
    EXTENDED_STREAM: _read_stream,
}


def holds_text(found: AsfObject) -> bool:
    """Whether :func:`read_texts` knows this kind of object."""
    return found.guid in _READERS


def read_texts(source: ByteSource, found: AsfObject, area: AreaBuilder) -> None:
    """What an object of one of these kinds says goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    length = found.end - found.data
    if length > TAG_VALUE_BYTES:
        message = f"the ASF object at {found.offset} is longer than {TAG_VALUE_BYTES} bytes"
        area.note(Code.TAG_UNREADABLE, message)
        return
    area.count_bytes(length)
    cursor = Cursor(read_exactly(source, found.data, length))
    try:
        _READERS[found.guid](cursor, area)
        whole = not any(cursor.take(cursor.left))
    except EOFError:
        whole = False
    if not whole:
        area.note(Code.TAG_UNREADABLE, f"the ASF object at {found.offset} is damaged")
        note_marks(source, found.data, found.end, "a damaged ASF object", area)
