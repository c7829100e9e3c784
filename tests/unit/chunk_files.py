"""Files of big-endian chunks, built one by one, and a source as large as one likes."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

from noai.codes import Code
from noai.containers.interface import Container, FieldRole, TagArea, TagEdit
from noai.essence import EssenceReading
from noai.sources import BytesSource

SOUND = bytes(range(256)) * 4
#: 8,000 Hz as an 80-bit extended number.
RATE = bytes.fromhex("400bfa00000000000000")


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack(">I", len(data)) + data + bytes(len(data) % 2)


def aiff(*chunks: bytes, kind: bytes = b"AIFF", size: int | None = None) -> bytes:
    body = kind + b"".join(chunks)
    return b"FORM" + struct.pack(">I", len(body) if size is None else size) + body


def comm(
    frames: int = 512, channels: int = 1, bits: int = 16, rate: bytes = RATE, compression: bytes = b""
) -> bytes:
    extra = compression + b"\0\0" if compression else b""
    return chunk(b"COMM", struct.pack(">HIH", channels, frames, bits) + rate + extra)


def ssnd(sound: bytes = SOUND, offset: int = 0) -> bytes:
    return chunk(b"SSND", struct.pack(">II", offset, 0) + bytes(offset) + sound)


class Under:
    """A container under test, with files in memory."""

    def __init__(self, container: Container) -> None:
        self.container = container

    def tags(self, data: bytes) -> TagArea:
        return self.container.read_tags(BytesSource(data))

    def values(self, data: bytes, role: FieldRole) -> list[str]:
        return [field.value for field in self.tags(data).fields if field.role is role]

    def codes(self, data: bytes) -> list[Code]:
        return [note.code for note in self.tags(data).notes]

    def essence(self, data: bytes) -> EssenceReading:
        return self.container.read_essence(BytesSource(data))

    def violations(self, data: bytes) -> list[Code]:
        return [violation.code for violation in self.essence(data).violations]

    def written(self, data: bytes, edit: TagEdit) -> bytes:
        file = io.BytesIO(data)
        self.container.write_tags(file, edit)
        return file.getvalue()

    def same_items(self, one: bytes, other: bytes, edit: TagEdit) -> bool:
        before = self.container.inventory(BytesSource(one), edit)
        return before == self.container.inventory(BytesSource(other), edit)


class VirtualSource:
    """``size`` bytes of zeros, but for ``pieces``; counts what is read."""

    def __init__(self, size: int, pieces: Mapping[int, bytes]) -> None:
        self.size = size
        self.bytes_read = 0
        self._pieces = sorted(pieces.items())

    def read_at(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        self.bytes_read += length
        data = bytearray(length)
        for start, piece in self._pieces:
            first, last = max(start, offset), min(start + len(piece), offset + length)
            if first < last:
                data[first - offset : last - offset] = piece[first - start : last - start]
        return bytes(data)
