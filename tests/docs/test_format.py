"""A stranger's implementation of the essence digest, from ``docs/format/marker-v1.md`` alone.

Nothing here uses noai's parsers: it is short because it takes the files as they should be. It agrees
with noai on the sample files, so what the specification says is enough.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Callable, Iterator

import pytest

from noai.codes import Code
from noai.containers.registry import detect
from noai.sources import BytesSource
from tests.audio import SAMPLES
from tests.docs.pages import DOCS

SPECIFICATION = (DOCS / "format" / "marker-v1.md").read_text("utf-8")


def essence(codec: str, config: bytes, payload: bytes, lengths: list[int] | None = None) -> tuple[str, str]:
    """Scheme and digest of an essence with one stream (section 7)."""
    record = struct.pack("<B", len(codec)) + codec.encode() + struct.pack("<I", len(config)) + config
    record += struct.pack("<Q", len(payload)) + hashlib.sha256(payload).digest()
    if lengths is None:
        record += b"\x00"
    else:
        packed = b"".join(struct.pack("<I", length) for length in lengths)
        record += b"\x01" + struct.pack("<Q", len(lengths)) + hashlib.sha256(packed).digest()
    digest = hashlib.sha256(b"noai-essence/1\x00" + struct.pack("<I", 1) + record).digest()
    return f"{codec}/1", base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def flac(data: bytes) -> tuple[str, str]:
    at, last, streaminfo = 4, False, b""
    while not last:
        last, length = bool(data[at] & 0x80), int.from_bytes(data[at + 1 : at + 4], "big")
        streaminfo = streaminfo or data[at + 4 : at + 4 + length]
        at += 4 + length
    return essence("flac", streaminfo[:4] + bytes(6) + streaminfo[10:], data[at:])


def wav(data: bytes) -> tuple[str, str]:
    chunks, at = {}, 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        chunks[name] = data[at + 8 : at + 8 + size]
        at += 8 + size + (size & 1)
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", chunks[b"fmt "])
    config = struct.pack("<HHIHH", tag, channels, rate, block * 8 // channels, bits)
    return essence("pcm", config, chunks[b"data"])


def mp3(data: bytes) -> tuple[str, str]:
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte
    start = 10 + size if data[:3] == b"ID3" else 0
    end = len(data) - 128 if data[-128:-125] == b"TAG" else len(data)
    kbits = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    second, third = data[start + 1], data[start + 2]
    assert (data[start], second & 0xFE) == (0xFF, 0xFA), "MPEG 1 layer III without junk in front"
    rate = (44100, 48000, 32000)[third >> 2 & 3]
    length = 144_000 * kbits[third >> 4] // rate + (third >> 1 & 1)
    side = 17 if data[start + 3] >> 6 == 3 else 32
    if data[start + 4 + side : start + 8 + side] in (b"Xing", b"Info"):
        start += length
    return essence("mp3", struct.pack("<BBI", 1, 3, rate), data[start:end])


def ogg(data: bytes) -> tuple[str, str]:
    packets, pending, at = [], b"", 0
    while at < len(data):
        count = data[at + 26]
        body = at + 27 + count
        for size in data[at + 27 : body]:
            pending += data[body : body + size]
            body += size
            if size < 255:
                packets.append(pending)
                pending = b""
        at = body
    if packets[0].startswith(b"OpusHead"):
        codec, headers = "opus", 2
        config = packets[0][9:16] + packets[0][18:]
    else:
        codec, headers = "vorbis", 3
        config = b"".join(struct.pack("<I", len(p)) + p for p in (packets[0], packets[2]))
    audio = packets[headers:]
    return essence(codec, config, b"".join(audio), [len(packet) for packet in audio])


def boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, at + size
        at += size


def box(data: bytes, path: str) -> tuple[int, int]:
    """Payload range of the first box on ``path``, without the bytes that ``name+bytes`` skips."""
    at, end = 0, len(data)
    for part in path.split("/"):
        name, _, skipped = part.partition("+")
        at, end = next((body, stop) for kind, body, stop in boxes(data, at, end) if kind == name.encode())
        at += int(skipped or 0)
    return at, end


def mp4(data: bytes) -> tuple[str, str]:
    stbl = "moov/trak/mdia/minf/stbl/"
    sizes_at, _ = box(data, stbl + "stsz")
    fixed, count = struct.unpack_from(">II", data, sizes_at + 4)
    sizes = [fixed] * count if fixed else list(struct.unpack_from(f">{count}I", data, sizes_at + 12))
    offsets_at, _ = box(data, stbl + "stco")
    (chunks,) = struct.unpack_from(">I", data, offsets_at + 4)
    offsets = struct.unpack_from(f">{chunks}I", data, offsets_at + 8)
    spans_at, _ = box(data, stbl + "stsc")
    (spans,) = struct.unpack_from(">I", data, spans_at + 4)
    firsts = [struct.unpack_from(">III", data, spans_at + 8 + 12 * n)[:2] for n in range(spans)]
    payload, taken = b"", 0
    for chunk, offset in enumerate(offsets, start=1):
        per_chunk = next(number for first, number in reversed(firsts) if first <= chunk)
        length = sum(sizes[taken : taken + per_chunk])
        payload, taken = payload + data[offset : offset + length], taken + per_chunk
    entry_at, entry_end = box(data, stbl + "stsd+8")
    kind = next(name for name, _, _ in boxes(data, entry_at, entry_end))
    if kind == b"alac":
        cookie = data[slice(*box(data, stbl + "stsd+8/alac+28/alac+4"))]
        return essence("alac", cookie[:12] + bytes(8) + cookie[20:], payload, sizes)
    esds = data[slice(*box(data, stbl + "stsd+8/mp4a+28/esds+20"))]
    found = re.search(rb"\x05[\x80-\xff]*([\x00-\x7f])", esds)
    assert found is not None
    specific = esds[found.end() :][: found[1][0]]
    bits = int.from_bytes(specific[:2], "big")
    rates = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
    config = struct.pack("<BIB", bits >> 11, rates[bits >> 7 & 15], bits >> 3 & 15)
    return essence("aac", config, payload, sizes)


READERS: dict[str, Callable[[bytes], tuple[str, str]]] = {
    "tune.mp3": mp3,
    "tune.flac": flac,
    "tune.ogg": ogg,
    "tune.opus": ogg,
    "tune.m4a": mp4,
    "tune-alac.m4a": mp4,
    "tune.wav": wav,
}


@pytest.mark.parametrize("name", READERS)
def test_a_stranger_computes_the_same_digest(name: str) -> None:
    data = (SAMPLES / "unmarked" / name).read_bytes()
    source = BytesSource(data)
    digest = detect(source).container.read_essence(source).digest
    ours = digest.scheme, base64.urlsafe_b64encode(digest.digest).rstrip(b"=").decode()
    assert READERS[name](data) == ours


@pytest.mark.parametrize("name", READERS)
def test_the_specification_lists_the_digest(name: str) -> None:
    scheme, digest = READERS[name]((SAMPLES / "unmarked" / name).read_bytes())
    assert f"| `{name}` | `{scheme}` | `{digest}` |" in SPECIFICATION


def test_every_reason_to_refuse_a_binding_is_specified() -> None:
    names = list(Code.__members__)
    section = SPECIFICATION.split("## 9 ")[1].split("## 10 ")[0]
    for name in names[names.index("ESSENCE_EMPTY") : names.index("C2PA_UNREAD")]:
        assert f"`{Code[name]}`" in section, name


def test_every_rule_of_the_envelope_is_specified() -> None:
    names = list(Code.__members__)
    for name in names[names.index("MARKER_MALFORMED") : names.index("COMPANION_ALONE") + 1]:
        if name not in ("SIGNER_OWN", "SIGNER_TRUSTED", "CONTRADICTION"):
            assert f"`{Code[name]}`" in SPECIFICATION, name
