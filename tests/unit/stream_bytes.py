"""Streams that have their tags around them, built byte by byte, and short ways to read and edit them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

from noai.codes import Code
from noai.containers._tagged_stream import TaggedStream
from noai.containers.adts import Adts
from noai.containers.interface import FieldRole, TagEdit
from noai.containers.monkeys_audio import MonkeysAudio
from noai.containers.musepack import Musepack
from noai.containers.trueaudio import TrueAudio
from noai.containers.wavpack import WavPack
from noai.essence import EssenceReading
from noai.sources import BytesSource

# -- WavPack ------------------------------------------------------------------------------------

BOTH_ENDS = 0x1800
CD = 1 | 9 << 23


def block(
    index: int = 0,
    samples: int = 100,
    body: bytes = b"\x8a\x02\x00\x00data",
    *,
    total: int = 0xFFFFFFFF,
    flags: int = BOTH_ENDS | CD,
) -> bytes:
    head = struct.pack("<IHBBIIIII", 24 + len(body), 0x410, 0, 0, total, index, samples, flags, 0)
    return b"wvpk" + head + body


def sub_block(kind: int, data: bytes) -> bytes:
    odd = len(data) % 2
    size = (len(data) + odd) // 2
    return bytes((kind | 0x80 | 0x40 * odd,)) + size.to_bytes(3, "little") + data + bytes(odd)


def wavpack(*extra: bytes) -> bytes:
    """Three blocks of audio, and ``extra`` sub-blocks in a block behind them."""
    audio = b"".join(block(100 * number, total=300) for number in range(3))
    return audio + (block(300, 0, b"".join(extra)) if extra else b"")


# -- Monkey's Audio -----------------------------------------------------------------------------


def mac(
    frames: Sequence[bytes] = (b"frame one...", b"frame two, longer...", b"three"),
    *,
    header: bytes = b"",
    trailer: bytes = b"",
    offsets: Sequence[int] | None = None,
    missing: int = 0,
) -> bytes:
    """A file of version 3.99 whose table says ``offsets``; ``missing`` bytes more are announced."""
    first = 76 + 4 * len(frames) + len(header)
    real = [first + sum(map(len, frames[:number])) for number in range(len(frames))]
    table = struct.pack(f"<{len(frames)}I", *(real if offsets is None else offsets))
    audio = b"".join(frames)
    sizes = (52, 24, len(table), len(header), len(audio) + missing, 0, len(trailer))
    descriptor = struct.pack("<4sH2x7I16x", b"MAC ", 3990, *sizes)
    head = struct.pack("<HHIIIHHI", 2000, 0, 73_728, 9, len(frames), 16, 2, 44_100)
    return descriptor + head + table + header + audio + trailer


def old_mac(header: bytes = b"", trailer: bytes = b"", audio: bytes = b"one..two..") -> bytes:
    """A file of version 3.96, with a peak level and two frames."""
    start = 32 + 4 + len(header)
    numbers = (b"MAC ", 3960, 2000, 4, 2, 44_100, len(header), len(trailer), 2, 9)
    table = struct.pack("<2I", start + 8, start + 13)
    return struct.pack("<4s4H5I", *numbers) + bytes(4) + header + table + audio + trailer


# -- Musepack -----------------------------------------------------------------------------------


def packet(key: bytes, content: bytes = b"") -> bytes:
    size = len(content) + 3
    if size > 127:
        size += 1
        return key + bytes((0x80 | size >> 7, size & 0x7F)) + content
    return key + bytes((size,)) + content


def number(value: int) -> bytes:
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.insert(0, 0x80 | value & 0x7F)
    return bytes(parts)


def stream_header(samples: int = 3_000) -> bytes:
    """One frame of 1,152 samples a packet."""
    return packet(b"SH", b"crc!\x08" + number(samples) + b"\0" + b"\x1b\x18")


def chapter(*items: bytes) -> bytes:
    body = b"".join(items)
    head = struct.pack("<4I8x", 2000, len(body), len(items), 0xA0000000)
    return packet(b"CT", number(441) + bytes(4) + (head + body if items else b""))


AUDIO = packet(b"AP", b"audio") * 3


def musepack(*before: bytes, audio: bytes = AUDIO, end: bytes = packet(b"SE")) -> bytes:
    return b"MPCK" + stream_header() + b"".join(before) + audio + end


def musepack7(frames: int = 3, bits: int = 100, gain: bytes = bytes(8)) -> bytes:
    """Frames of zeros, ``bits`` long."""
    text = "0" * 8 + f"{bits:020b}{'0' * bits}" * frames + "0" * 11
    text += "0" * (-len(text) % 32)
    words = [int(text[at : at + 32], 2) for at in range(0, len(text), 32)]
    head = b"MP+\x07" + struct.pack("<I", frames) + b"\0\0\0\0" + gain + b"\0\0\0\x80"
    return head + struct.pack(f"<{len(words)}I", *words)


# -- TrueAudio ----------------------------------------------------------------------------------


def trueaudio(frames: Sequence[bytes] = (b"frame one", b"frame two", b"rest"), rate: int = 245) -> bytes:
    head = struct.pack("<4sHHHII", b"TTA1", 1, 2, 16, rate, 256 * (len(frames) - 1) + 100)
    table = struct.pack(f"<{len(frames)}I", *map(len, frames))
    checked = [part + struct.pack("<I", zlib.crc32(part)) for part in (head, table)]
    return b"".join((*checked, *frames))


# -- ADTS ---------------------------------------------------------------------------------------


def adts_frame(
    data: bytes = b"raw data block", *, rate: int = 4, channels: int = 2, crc: bool = False, blocks: int = 1
) -> bytes:
    """A frame of AAC LC."""
    length = len(data) + (9 if crc else 7)
    word = 0xFFF << 44 | (not crc) << 40 | 1 << 38 | rate << 34 | channels << 30
    word |= length << 13 | 0x7FF << 2 | blocks - 1
    return word.to_bytes(7, "big") + (b"\x12\x34" if crc else b"") + data


def adts(count: int = 8) -> bytes:
    return b"".join(adts_frame(b"raw data block %d" % number) for number in range(count))


# -- all of them --------------------------------------------------------------------------------

WAVPACK, MAC, MUSEPACK, TRUEAUDIO, ADTS = WavPack(), MonkeysAudio(), Musepack(), TrueAudio(), Adts()
STREAMS: dict[str, tuple[TaggedStream, bytes]] = {
    "wavpack": (WAVPACK, wavpack()),
    "ape": (MAC, mac()),
    "ape-old": (MAC, old_mac()),
    "musepack": (MUSEPACK, musepack()),
    "musepack-sv7": (MUSEPACK, musepack7()),
    "tta": (TRUEAUDIO, trueaudio()),
    "adts": (ADTS, adts()),
}


def values(container: TaggedStream, data: bytes, role: FieldRole) -> list[str]:
    return [field.value for field in container.read_tags(BytesSource(data)).fields if field.role is role]


def written(container: TaggedStream, data: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(data)
    container.write_tags(file, edit)
    return file.getvalue()


def essence(container: TaggedStream, data: bytes) -> EssenceReading:
    return container.read_essence(BytesSource(data))


def violations(container: TaggedStream, data: bytes) -> set[Code]:
    return {violation.code for violation in essence(container, data).violations}


def notes(container: TaggedStream, data: bytes) -> list[Code]:
    return [note.code for note in container.read_tags(BytesSource(data)).notes]
