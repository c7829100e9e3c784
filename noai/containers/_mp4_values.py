"""Text in MP4 and QuickTime metadata: how one value is decoded, encoded again, and what it is for."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from noai.containers._area import MARKER_KEY, TIMESTAMP_KEY
from noai.containers.interface import FieldRole

_COPYRIGHT: Final = frozenset({"CPRT", "©CPY", "COPYRIGHT"})
_COMMENT: Final = frozenset({"©CMT", "DESC", "LDES", "©DES", "DSCP", "©INF", "COMMENT", "DESCRIPTION"})


class DataType(IntEnum):
    """Well-known types of a ``data`` atom (QuickTime File Format, "Well-known types")."""

    IMPLICIT = 0
    UTF8 = 1
    UTF16 = 2
    UTF8_SORT = 4
    UTF16_SORT = 5
    SIGNED = 21
    UNSIGNED = 22


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an item: the bytes that hold it, and its text if it is text."""

    start: int
    end: int
    text: str | None
    #: Type and locale of a ``data`` atom, or the language code of a string.
    head: bytes
    encoding: str = "utf-8"
    #: What a value that is no text shows to readers of a named item: its first bytes as Latin-1.
    shown: str | None = None


def role_of(key: str) -> FieldRole:
    """What the field ``key`` (upper case) is for; reverse-DNS prefixes of ``mdta`` keys do not count."""
    last = key.rpartition(".")[2]
    if last == MARKER_KEY:
        return FieldRole.MARKER
    if last == TIMESTAMP_KEY:
        return FieldRole.TIMESTAMP
    if last in _COPYRIGHT:
        return FieldRole.COPYRIGHT
    return FieldRole.COMMENT if last in _COMMENT else FieldRole.OTHER


def decode(data: bytes) -> tuple[str, str]:
    """``data`` as text, and the encoding that it is in: UTF-8, or else one that takes every byte."""
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def data_text(kind: int, payload: bytes, role: FieldRole) -> str | None:
    """The text of a ``data`` atom of type ``kind``; None where it holds none.

    A value in a marker, copyright or comment field always has a text, whatever its type says.
    """
    if kind in (DataType.UTF16, DataType.UTF16_SORT):
        return payload.decode("utf-16-be", "replace")
    if kind in (DataType.SIGNED, DataType.UNSIGNED) and 0 < len(payload) <= 8:
        return str(int.from_bytes(payload, "big", signed=kind == DataType.SIGNED))
    if kind in (DataType.UTF8, DataType.UTF8_SORT) or role is not FieldRole.OTHER:
        return decode(payload)[0]
    if kind == DataType.IMPLICIT and b"\x00" not in payload:
        return decode(payload)[0]
    return None


def may_be_text(kind: int, length: int, role: FieldRole) -> bool:
    """Whether ``length`` bytes in a ``data`` atom of type ``kind`` have to be read to know their text."""
    if role is not FieldRole.OTHER:
        return True
    return length <= 8 if kind in (DataType.SIGNED, DataType.UNSIGNED) else kind in set(DataType)


def data_atom(text: str, locale: bytes = bytes(4)) -> bytes:
    """A ``data`` atom with UTF-8 text."""
    return atom(b"data", struct.pack(">I", DataType.UTF8) + locale + text.encode("utf-8"))


def atom(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def read_strings(data: bytes, base: int) -> tuple[Value, ...]:
    """The entries of a QuickTime ``©`` user data atom: u16 length, u16 language, text.

    QuickTime File Format, "User Data Text Strings and Language Codes". A length that runs past
    the atom is cut to it, as players do. ``base`` is the offset of ``data`` in the file.
    """
    values = []
    start = 0
    while start + 4 <= len(data):
        length = int.from_bytes(data[start : start + 2], "big")
        end = min(start + 4 + length, len(data))
        text, encoding = decode(data[start + 4 : end])
        language = data[start + 2 : start + 4]
        if encoding != "utf-8" and int.from_bytes(language, "big") < 0x400:
            text, encoding = data[start + 4 : end].decode("mac_roman"), "mac_roman"
        values.append(Value(base + start, base + end, text, language, encoding))
        start = end
    return tuple(values)


def read_3gpp(data: bytes, base: int) -> tuple[Value, ...]:
    """The string of a 3GPP user data box: version and flags, language, text (3GPP TS 26.244 section 8)."""
    head, body = data[:6], data[6:]
    if body[:2] == b"\xfe\xff":
        text, encoding = body[2:].decode("utf-16-be", "replace"), "utf-16"
    else:
        text, encoding = decode(body)
    return (Value(base, base + len(data), text.partition("\x00")[0], head, encoding),)


def encode_string(value: Value, text: str) -> bytes | None:
    """``value`` as an entry of a ``©`` atom with another text; None if that does not fit."""
    try:
        data = text.encode(value.encoding)
    except UnicodeEncodeError:
        return None
    return struct.pack(">H2s", len(data), value.head) + data if len(data) <= 0xFFFF else None


def encode_3gpp(value: Value, text: str) -> bytes:
    """``value`` as the payload of a 3GPP box with another text."""
    if value.encoding == "utf-16":
        return value.head + b"\xfe\xff" + (text + "\x00").encode("utf-16-be")
    return value.head + (text + "\x00").encode("utf-8")
