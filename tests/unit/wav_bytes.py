"""WAVE files built chunk by chunk."""

from __future__ import annotations

import io
import struct

from noai.codes import Code
from noai.containers._riff import chunk as chunk
from noai.containers.interface import FieldRole, TagArea, TagEdit
from noai.containers.wav import Wav
from noai.essence import EssenceReading
from noai.sources import BytesSource
from tests.unit.id3_bytes import tag

WAV = Wav()
DATA_MINING = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"
SOUND = bytes(range(256)) * 4


def wave(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def fmt(form: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16, extension: bytes = b"") -> bytes:
    block = channels * ((bits + 7) // 8)
    data = struct.pack("<HHIIHH", form, channels, rate, rate * block, block, bits)
    return chunk(b"fmt ", data + (struct.pack("<H", len(extension)) + extension if extension else b""))


def extensible(form: int, bits: int, valid: int, mask: int = 4) -> bytes:
    subtype = struct.pack("<H", form) + bytes.fromhex("000000001000800000aa00389b71")
    return fmt(0xFFFE, bits=bits, extension=struct.pack("<HI", valid, mask) + subtype)


FMT, DATA = fmt(), chunk(b"data", SOUND)


def info(**entries: bytes) -> bytes:
    return chunk(b"LIST", b"INFO" + b"".join(chunk(key.encode(), value) for key, value in entries.items()))


def id3(*frames: bytes) -> bytes:
    return chunk(b"id3 ", tag(3, *frames))


def essence(data: bytes) -> EssenceReading:
    return WAV.read_essence(BytesSource(data))


def violations(data: bytes) -> list[Code]:
    return [violation.code for violation in essence(data).violations]


def tags(data: bytes) -> TagArea:
    return WAV.read_tags(BytesSource(data))


def values(data: bytes, role: FieldRole) -> list[str]:
    return [field.value for field in tags(data).fields if field.role is role]


def written(data: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(data)
    WAV.write_tags(file, edit)
    return file.getvalue()
