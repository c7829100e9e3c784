"""Matroska files made element by element, for what no muxer writes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

OPUS_HEAD = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 312, 48_000, 0, 0)
#: 20 ms of silence, as libopus codes it in stereo, and some that differ from it.
SILENCE = b"\xfc\xff\xfe"
UNKNOWN = b"\x01" + b"\xff" * 7


def size(value: int, width: int = 0) -> bytes:
    width = width or next(n for n in range(1, 9) if value < (1 << 7 * n) - 1)
    return (1 << 7 * width | value).to_bytes(width, "big")


def element(number: int, *parts: bytes, width: int = 0) -> bytes:
    """One element: id, size in ``width`` bytes or as few as will do, content."""
    data = b"".join(parts)
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + size(len(data), width) + data


def open_element(number: int, *parts: bytes) -> bytes:
    """An element without a size."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + UNKNOWN + b"".join(parts)


def uint(number: int, value: int, width: int = 0) -> bytes:
    return element(number, value.to_bytes(width or max(1, (value.bit_length() + 7) // 8), "big"))


def real(number: int, value: float) -> bytes:
    return element(number, struct.pack(">d", value))


def text(number: int, value: str) -> bytes:
    return element(number, value.encode())


def checked(number: int, *parts: bytes) -> bytes:
    """An element with a checksum in front."""
    data = b"".join(parts)
    return element(number, element(0xBF, zlib.crc32(data).to_bytes(4, "little")), data)


def void(length: int, fill: bytes = b"\x00") -> bytes:
    """Free space of ``length`` bytes in all."""
    width = 1 if length < 128 else 8
    content = (fill * length)[: length - 1 - width]
    return element(0xEC, content, width=width)


HEAD = element(
    0x1A45DFA3,
    uint(0x4286, 1),
    uint(0x42F7, 1),
    uint(0x42F2, 4),
    uint(0x42F3, 8),
    text(0x4282, "matroska"),
    uint(0x4287, 4),
    uint(0x4285, 2),
)


def simple_tag(name: str, value: str, *more: bytes) -> bytes:
    return element(0x67C8, text(0x45A3, name), text(0x4487, value), *more)


def tag(*simple: bytes, targets: bytes = b"") -> bytes:
    return element(0x7373, element(0x63C0, targets), *simple)


def tags(*entries: bytes) -> bytes:
    return element(0x1254C367, *entries)


def info(*more: bytes) -> bytes:
    return element(0x1549A966, uint(0x2AD7B1, 1_000_000), text(0x4D80, "test"), text(0x5741, "test"), *more)


def audio(rate: float = 48_000.0, channels: int = 2, *more: bytes) -> bytes:
    return element(0xE1, real(0xB5, rate), uint(0x9F, channels), *more)


def track(
    *more: bytes,
    number: int = 1,
    kind: int = 2,
    codec: str = "A_OPUS",
    private: bytes = OPUS_HEAD,
    sound: bytes | None = None,
) -> bytes:
    """A track entry; ``more`` goes behind what every one has."""
    return element(
        0xAE,
        uint(0xD7, number),
        uint(0x73C5, number),
        uint(0x83, kind),
        text(0x86, codec),
        element(0x63A2, private),
        audio() if sound is None else sound,
        *more,
    )


def tracks(*entries: bytes) -> bytes:
    return element(0x1654AE6B, *(entries or (track(),)))


def block(time: int, *frames: bytes, number: int = 1, flags: int = 0x80, lacing: bytes = b"") -> bytes:
    """The content of a block; ``lacing`` is what stands between its header and the frames."""
    return size(number) + struct.pack(">hB", time, flags) + lacing + b"".join(frames)


def simple_block(time: int, *frames: bytes, number: int = 1, flags: int = 0x80, lacing: bytes = b"") -> bytes:
    return element(0xA3, block(time, *frames, number=number, flags=flags, lacing=lacing))


def group(time: int, *frames: bytes, more: bytes = b"", number: int = 1) -> bytes:
    return element(0xA0, element(0xA1, block(time, *frames, number=number, flags=0)), more)


def packet(index: int) -> bytes:
    """An Opus packet of 20 ms, each one another."""
    return SILENCE + bytes((index & 0xFF, index >> 8 & 0xFF))


def blocks(first: int = 0, count: int = 10) -> list[bytes]:
    return [simple_block(20 * n, packet(first + n)) for n in range(count)]


def cluster(time: int, *content: bytes) -> bytes:
    return element(0x1F43B675, uint(0xE7, time), *content)


def clusters(count: int = 3) -> list[bytes]:
    return [cluster(200 * n, *blocks(10 * n)) for n in range(count)]


def segment(*parts: bytes) -> bytes:
    return element(0x18538067, *parts, width=8)


def matroska(*parts: bytes) -> bytes:
    """A file of one segment; without ``parts`` the least that plays."""
    return HEAD + segment(*(parts or (info(), tracks(), *clusters())))


# -- files with positions -------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A part of a segment: its bytes, or how to make them once the places of all parts are known."""

    name: str
    data: bytes = b""
    make: Callable[[dict[str, int]], bytes] | None = field(default=None, compare=False)


def laid_out(parts: Sequence[Part]) -> list[bytes]:
    """The bytes of ``parts``, with every position that they state of each other."""
    places: dict[str, int] = {part.name: 0 for part in parts}
    for _ in range(20):
        rendered = [part.data if part.make is None else part.make(places) for part in parts]
        at, found = 0, {}
        for part, data in zip(parts, rendered, strict=True):
            found[part.name] = at
            at += len(data)
        if found == places:
            return rendered
        places = found
    raise AssertionError("the places do not settle")


IDS = {"seek": 0x114D9B74, "info": 0x1549A966, "tracks": 0x1654AE6B, "cues": 0x1C53BB6B, "tags": 0x1254C367}


def seek_head(*names: str, width: int = 0) -> Part:
    def make(places: dict[str, int]) -> bytes:
        entries = (
            element(0x4DBB, element(0x53AB, IDS[name].to_bytes(4, "big")), uint(0x53AC, places[name], width))
            for name in names
        )
        return element(0x114D9B74, *entries)

    return Part("seek", make=make)


def cues(count: int = 3, width: int = 0) -> Part:
    def make(places: dict[str, int]) -> bytes:
        points = (
            element(
                0xBB,
                uint(0xB3, 200 * n),
                element(0xB7, uint(0xF7, 1), uint(0xF1, places[f"cluster{n}"], width)),
            )
            for n in range(count)
        )
        return element(0x1C53BB6B, *points)

    return Part("cues", make=make)


def positioned(n: int, *, crc: bool = False, width: int = 3) -> Part:
    """A cluster that states its own position, as muxers of the 2000s wrote it."""

    def make(places: dict[str, int]) -> bytes:
        content = (uint(0xE7, 200 * n), uint(0xA7, places[f"cluster{n}"], width), *blocks(10 * n))
        return checked(0x1F43B675, *content) if crc else element(0x1F43B675, *content)

    return Part(f"cluster{n}", make=make)


def plain_clusters(count: int = 3) -> list[Part]:
    return [Part(f"cluster{n}", data) for n, data in enumerate(clusters(count))]


def renamed(part: Part, name: str) -> Part:
    return replace(part, name=name)
