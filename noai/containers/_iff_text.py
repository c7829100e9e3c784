"""Chunks of plain text in AIFF, which other IFF files have too.

EA IFF 85 appendix A (``NAME``, ``AUTH``, ``(c) ``, ``ANNO``, ``TEXT``); Audio Interchange File Format 1.3,
"Text Chunks". The standard asks for ASCII; UTF-8 is what ffmpeg and others write.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._chunk_tags import decoded
from noai.containers._chunks import Chunk, content
from noai.containers.interface import FieldRole
from noai.limits import TAG_BYTES, TAG_VALUE_BYTES
from noai.sources import ByteSource

COPYRIGHT, COMMENT = b"(c) ", b"ANNO"
_ROLES: Final = {b"(C) ": FieldRole.COPYRIGHT, COMMENT: FieldRole.COMMENT}
_NAMES: Final = frozenset({b"NAME", b"AUTH", b"(C) ", b"ANNO", b"TEXT"})


def is_text(name: bytes) -> bool:
    """Whether a chunk of this name, in any letter case, is one of text."""
    return name.upper() in _NAMES


def comments(data: bytes, head: struct.Struct) -> Iterator[tuple[bytes, int]]:
    """The texts in a ``COMT`` chunk, each with where the one behind it starts.

    The chunk counts them; ``head`` is what stands in front of each, and the last field of it its length.
    """
    count, at = int.from_bytes(data[:2], "big"), 2
    while count and at + head.size <= len(data):
        start = at + head.size
        end = start + int(head.unpack_from(data, at)[-1])
        if end > len(data):
            return
        at, count = end + (end - start) % 2, count - 1
        yield data[start:end], at


def read_comments(
    source: ByteSource, chunk: Chunk, head: struct.Struct, area: AreaBuilder, place: str
) -> None:
    """The texts in a ``COMT`` chunk go to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    if chunk.size > TAG_BYTES:
        area.note(Code.TAG_UNREADABLE, f"the COMT chunk is longer than {TAG_BYTES} bytes")
        return
    area.count_bytes(chunk.size)
    data = content(source, chunk)
    found = list(comments(data, head))
    for text, _ in found:
        area.count_item()
        if len(text) > TAG_VALUE_BYTES:
            area.note(Code.TAG_UNREADABLE, f"a comment is longer than {TAG_VALUE_BYTES} bytes")
            continue
        area.field(place, "COMT", decoded(text), FieldRole.COMMENT)
    end = found[-1][1] if found else 2
    if len(found) < int.from_bytes(data[:2], "big") or data[end:].strip(b"\x00"):
        area.note(Code.TAG_UNREADABLE, f"the COMT chunk at {chunk.offset} holds bytes that are no comments")


def role_of(name: bytes) -> FieldRole:
    """What a text chunk is for noai."""
    return _ROLES.get(name.upper(), FieldRole.OTHER)
