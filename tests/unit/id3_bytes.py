"""ID3 tags built byte by byte, and short ways to read and edit them."""

from __future__ import annotations

import io

from noai.codes import Code
from noai.containers import _id3_write
from noai.containers._area import AreaBuilder
from noai.containers._id3 import locate_leading, read_id3v2
from noai.containers._id3_inventory import describe_tag
from noai.containers._inventory import Foreign
from noai.containers._splices import apply
from noai.containers.interface import TagArea, TagEdit
from noai.sources import BytesSource

STATEMENT = "noai:AbCdEfGhIjKlMnOpQrStUv No AI training without permission."
MARK = TagEdit(markers=("a.b.c",), statement=STATEMENT)
LIFT = TagEdit(markers=(), lifted_statements=(STATEMENT,))


def from_syncsafe(data: bytes) -> int:
    return int("".join(f"{byte:07b}" for byte in data), 2)


def syncsafe(value: int) -> bytes:
    return bytes(value >> shift & 127 for shift in (21, 14, 7, 0))


def frame(version: int, name: str, payload: bytes, flags: int = 0) -> bytes:
    if version == 2:
        return name.encode() + len(payload).to_bytes(3, "big") + payload
    size = syncsafe(len(payload)) if version == 4 else len(payload).to_bytes(4, "big")
    return name.encode() + size + flags.to_bytes(2, "big") + payload


def tag(version: int, *frames: bytes, flags: int = 0, padding: bytes = b"") -> bytes:
    body = b"".join(frames) + padding
    return b"ID3" + bytes((version, 0, flags)) + syncsafe(len(body)) + body


def read(data: bytes) -> TagArea:
    source, area = BytesSource(data), AreaBuilder()
    for each in locate_leading(source):
        read_id3v2(source, each, area)
    return area.build()


def said(data: bytes) -> list[tuple[str, str]]:
    return [(field.key, field.value) for field in read(data).fields]


def codes(data: bytes) -> list[Code]:
    return [note.code for note in read(data).notes]


def edited(data: bytes, edit: TagEdit) -> bytes:
    source = BytesSource(data)
    (first,) = locate_leading(source)
    file = io.BytesIO(data)
    apply(file, _id3_write.plan(source, first, _id3_write.Id3Edit(edit)))
    return file.getvalue()


def inventory(data: bytes, edit: TagEdit = MARK) -> list[str]:
    source, area = BytesSource(data), AreaBuilder()
    found: list[str] = []
    for each in locate_leading(source):
        found += describe_tag(source, each, Foreign(edit), area)
    return sorted(found)
