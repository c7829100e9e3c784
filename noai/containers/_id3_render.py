"""The bytes of the few ID3v2 frames that noai writes, and of tag headers.

ID3v2.3 §3.1, §3.3 and §4; ID3v2.4 structure §3.1, §4 and §6.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from noai.containers._id3_text import FRAMES_OF_V22, TextEncoding, encode
from noai.containers._id3_values import XMP_OWNER, FrameText
from noai.errors import MarkError

#: Sizes have 28 bits.
_LARGEST: Final = (1 << 28) - 1
_UNSYNCHRONISED_FRAME: Final = 0x02
_FALSE_SYNC: Final = re.compile(b"\xff(?=[\xe0-\xff\x00]|\\Z)", re.S)


def syncsafe(value: int) -> bytes:
    """Four bytes of seven bits.

    Raises:
        MarkError: if ``value`` has more.
    """
    if value > _LARGEST:
        raise MarkError("the ID3 tag would become larger than ID3 allows (256 MiB)")
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def header(version: int, size: int, flags: int = 0) -> bytes:
    """A tag header for a body of ``size`` bytes."""
    return b"ID3" + bytes((version, 0, flags)) + syncsafe(size)


def frame(version: int, name: str, payload: bytes, *, unsynchronised: bool = False) -> bytes:
    """One frame without flags, or for ``unsynchronised`` tags with that one where it matters."""
    flags = 0
    if unsynchronised and b"\xff" in payload:
        payload, flags = _FALSE_SYNC.sub(b"\xff\x00", payload), _UNSYNCHRONISED_FRAME
    size = syncsafe(len(payload)) if version == 4 else len(payload).to_bytes(4, "big")
    return name.encode("ascii") + size + bytes((0, flags)) + payload


def slot(version: int, key: str, values: Sequence[str]) -> bytes:
    """One TXXX for all values: two with one description are one too many for the standard, and
    c2pa-rs keeps only the last of them."""
    encoding = TextEncoding.LATIN1
    if not all(value.isascii() for value in values):
        encoding = TextEncoding.UTF8 if version == 4 else TextEncoding.UTF16
    texts = (encode(text, encoding) for text in (key, *values))
    return frame(version, "TXXX", bytes((encoding,)) + encoding.terminator.join(texts))


def copyright_text(version: int, value: str) -> bytes:
    return frame(version, "TCOP", b"\x00" + value.encode("ascii"))


def comment(version: int, value: str) -> bytes:
    return frame(version, "COMM", b"\x00eng\x00" + value.encode("ascii"))


def xmp(version: int, packet: bytes, *, unsynchronised: bool = False) -> bytes:
    return frame(version, "PRIV", XMP_OWNER + b"\x00" + packet, unsynchronised=unsynchronised)


def text(version: int, old: FrameText, values: Sequence[str], *, unsynchronised: bool) -> bytes:
    """The frame ``old`` with other values, in the encoding that it has.

    Raises:
        MarkError: if the old values do not survive being read and written.
    """
    if any("\ufffd" in value for value in (*old.values, old.description)):
        raise MarkError(f"{old.name} holds text that cannot be decoded; extending it would alter it")
    zero = old.encoding.terminator
    try:
        payload = bytes((old.encoding,)) + old.language
        if old.name in ("TXXX", "COMM", "USLT"):
            payload += encode(old.description, old.encoding) + zero
        payload += zero.join(encode(value, old.encoding) for value in values)
    except UnicodeEncodeError as error:
        raise MarkError(f"{old.name} cannot be written in its own encoding") from error
    return frame(version, old.name, payload, unsynchronised=unsynchronised)


_PICTURE_TYPES: Final = {b"JPG": b"image/jpeg", b"PNG": b"image/png", b"-->": b"-->"}


def modernised(raw_name: str, payload: bytes) -> bytes:
    """A 2.2 frame as 2.3 has it (2.3 §4.15: pictures have a MIME type instead of three letters).

    Raises:
        MarkError: for a frame that 2.3 does not have.
    """
    name = FRAMES_OF_V22.get(raw_name)
    if name is None or name == "LINK":
        raise MarkError(f"the ID3v2.2 tag holds a frame {raw_name!r} that has no place in later versions")
    if name == "APIC":
        kind = payload[1:4].upper()
        payload = payload[:1] + _PICTURE_TYPES.get(kind, b"image/" + kind.lower()) + b"\x00" + payload[4:]
    return frame(3, name, payload)
