"""MPEG audio and the tags around it, built byte by byte."""

from __future__ import annotations

import io
import struct

from noai.codes import Code
from noai.containers import _mpeg
from noai.containers.interface import FieldRole, TagEdit
from noai.containers.mp3 import Mp3
from noai.essence import EssenceReading
from noai.sources import BytesSource
from tests.unit.id3_bytes import frame, tag

MP3 = Mp3()
#: MPEG 1 layer III, 128 kbit/s, 44.1 kHz, joint stereo: 417 bytes.
HEADER = b"\xff\xfb\x90\x40"


def sound(count: int, header: bytes = HEADER) -> bytes:
    """Frames of zeros, which no header can be hidden in."""
    parsed = _mpeg.parse(header)
    assert parsed is not None
    return (header + bytes(parsed.length - 4)) * count


def info(magic: bytes = b"Info", flags: int = 3, count: int = 9) -> bytes:
    frame_bytes = bytearray(sound(1))
    frame_bytes[36:48] = magic + struct.pack(">II", flags, count)
    return bytes(frame_bytes)


def vbri() -> bytes:
    frame_bytes = bytearray(sound(1))
    frame_bytes[36:54] = b"VBRI" + struct.pack(">HHHII", 1, 0, 0, 4000, 9)
    return bytes(frame_bytes)


def ape(*items: tuple[str, bytes], header: bool = True, version: int = 2000) -> bytes:
    body = b"".join(struct.pack("<II", len(v), 0) + k.encode() + b"\0" + v for k, v in items)
    block = b"APETAGEX" + struct.pack("<III", version, len(body) + 32, len(items))
    flags = 1 << 31 if header else 0
    front = block + struct.pack("<I", flags | 1 << 29) + bytes(8) if header else b""
    return front + body + block + struct.pack("<I", flags) + bytes(8)


def id3v1(comment: bytes = b"") -> bytes:
    return b"TAG" + bytes(94) + comment.ljust(30, b"\0") + b"\xff"


def lyrics3(*fields: tuple[str, str]) -> bytes:
    body = b"LYRICSBEGIN" + "".join(f"{key}{len(value):05}{value}" for key, value in fields).encode()
    return body + f"{len(body):06}LYRICS200".encode()


def essence(data: bytes) -> EssenceReading:
    return MP3.read_essence(BytesSource(data))


def violations(data: bytes) -> list[Code]:
    return [violation.code for violation in essence(data).violations]


def written(data: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(data)
    MP3.write_tags(file, edit)
    return file.getvalue()


def values(data: bytes, role: FieldRole) -> list[str]:
    return [field.value for field in MP3.read_tags(BytesSource(data)).fields if field.role is role]


ID3 = tag(4, frame(4, "TIT2", b"\0x"), padding=bytes(20))
