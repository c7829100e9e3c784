"""Files made to cost a reader time or memory, each after one that hurt a library that people use.

Every one is below 10 MB.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

MIB = 1024 * 1024
#: A quiet MPEG-1 layer III frame of 128 kbit/s at 44.1 kHz.
FRAME = b"\xff\xfb\x90\x64" + bytes(413)


def syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3(body: bytes, version: int = 4, flags: int = 0) -> bytes:
    return b"ID3" + bytes((version, 0, flags)) + syncsafe(len(body)) + body


def frame(name: bytes, body: bytes, flags: bytes = b"\0\0") -> bytes:
    return name + syncsafe(len(body)) + flags + body


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def page(lacing: bytes, body: bytes, sequence: int, flags: int = 0, serial: int = 1) -> bytes:
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, 0, serial, sequence, 0)
    return head + bytes((len(lacing),)) + lacing + body


def of_id3() -> Iterator[tuple[str, bytes]]:
    audio = FRAME * 40
    yield "300000-txxx.mp3", id3(frame(b"TXXX", b"\0a\0b") * 300_000) + audio
    yield "20000-geob.mp3", id3(frame(b"GEOB", b"\0application/c2pa\0\0\0" + bytes(8)) * 20_000) + audio
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(MIB)) for _ in range(300)) + packer.flush()
    yield "inflating-geob.mp3", id3(frame(b"GEOB", struct.pack(">I", 300 * MIB) + bomb, b"\0\x0c")) + audio
    yield "inflating-txxx.mp3", id3(frame(b"TXXX", syncsafe(2**27) + bomb, b"\0\x09")) + audio
    yield "unsynchronised-9-mb.mp3", id3(b"\xff\x00" * (9 * MIB // 2), 3, 0x80) + audio
    yield "100000-tags.mp3", id3(b"") * 100_000 + audio
    yield "false-syncs.mp3", b"\xff\xfb" * (4 * MIB)
    yield "free-format.mp3", (b"\xff\xfb\x00\x00" + bytes(96)) * 90_000
    yield "ape-of-100000-items.mp3", audio + ape(100_000)
    yield "lyrics-of-tags.mp3", audio + b"LYRICSBEGIN" * 800_000 + b"LYRICSEND"
    chain = (b"TAG" + bytes(125)) * 70_000
    yield "70000-id3v1.mp3", audio + chain


def ape(items: int) -> bytes:
    body = b"".join(struct.pack("<II", 1, 0) + b"Key%d\0x" % number for number in range(items))
    tail = struct.pack("<8sIIII8x", b"APETAGEX", 2000, len(body) + 32, items, 0)
    return body + tail


def of_boxes() -> Iterator[tuple[str, bytes]]:
    start = box(b"ftyp", b"M4A \0\0\0\0M4A ")
    yield "1000000-free.m4a", start + box(b"free", b"") * 1_000_000
    yield "100000-deep.m4a", start + deep(b"moov", 100_000)
    yield "deep-meta.m4a", start + box(b"moov", deep(b"udta", 60_000))
    yield (
        "500000-ilst.m4a",
        start
        + box(b"moov", box(b"udta", box(b"meta", bytes(4) + box(b"ilst", box(b"\xa9nam", b"") * 500_000)))),
    )
    stsz = box(b"stsz", struct.pack(">III", 0, 0, 0xFFFFFFFF))
    yield (
        "4-billion-samples.m4a",
        start + box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", stsz))))),
    )
    yield "200000-fragments.mp4", start + (box(b"moof", box(b"mfhd", bytes(8))) + box(b"mdat", b"")) * 200_000


def deep(kind: bytes, levels: int) -> bytes:
    return b"".join(struct.pack(">I4s", 8 * (levels - level), kind) for level in range(levels))


def of_chunks() -> Iterator[tuple[str, bytes]]:
    form = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
    for name, kind in (("wav", b"WAVE"), ("avi", b"AVI ")):
        body = kind + form + chunk(b"JUNK", b"") * 1_000_000
        yield f"1000000-chunks.{name}.wav", b"RIFF" + struct.pack("<I", len(body)) + body
    body = (
        b"WAVE"
        + form
        + chunk(b"LIST", b"INFO" + chunk(b"ICMT", b"x\0") * 800_000)
        + chunk(b"data", bytes(800))
    )
    yield "800000-info.wav", b"RIFF" + struct.pack("<I", len(body)) + body
    body = b"AIFF" + struct.pack(">4sI", b"ANNO", 0) * 1_000_000
    yield "1000000-anno.aiff", b"FORM" + struct.pack(">I", len(body)) + body


def of_pages() -> Iterator[tuple[str, bytes]]:
    head = page(b"\x13", b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0", 0, 2)
    yield "300000-empty-pages.opus", head + b"".join(page(b"", b"", n) for n in range(1, 300_000))
    yield "300000-streams.ogg", b"".join(page(b"\x08", b"OpusHead", 0, 2, n) for n in range(250_000))
    full = page(b"\xff" * 255, bytes(255 * 255), 1)
    yield "endless-packet.opus", head + full * 140
    yield (
        "comments.opus",
        head + page(b"\xff" * 255, (b"OpusTags\0\0\0\0\xff\xff\xff\x7f" + bytes(65025))[:65025], 1) * 100,
    )


def of_ebml() -> Iterator[tuple[str, bytes]]:
    head = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm"
    segment = b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"
    yield "3000000-voids.webm", head + segment + b"\xec\x80" * 3_000_000
    yield (
        "deep-simple-tags.mka",
        head + segment + b"\x12\x54\xc3\x67\xff\x73\x73\xff" + b"\x67\xc8\xff" * 2_000_000,
    )
    yield "clusters.webm", head + segment + b"\x1f\x43\xb6\x75\xff" * 1_500_000


def of_the_rest() -> Iterator[tuple[str, bytes]]:
    yield "blocks.flac", b"fLaC\0\0\0\x22" + bytes(34) + b"\x01\0\0\0" * 2_000_000
    comment = struct.pack("<II", 0, 0x7FFFFFFF) + bytes(8 * MIB)
    yield "comments.flac", b"fLaC\0\0\0\x22" + bytes(34) + b"\x84" + len(comment).to_bytes(3, "big") + comment
    yield "adts.aac", b"\xff\xf1\x50\x80\x01\x1f\xfc\0" * 1_000_000
    yield "amr.amr", b"#!AMR\n" + b"\x7c" * (9 * MIB)
    header = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
    padding = bytes.fromhex("74d40618dfca0945a4ba9aabcb96aae8") + struct.pack("<Q", 24)
    objects = padding * 350_000
    yield "350000-objects.wma", header + struct.pack("<QIBB", 30 + len(objects), 350_000, 1, 2) + objects
    yield "blocks.wv", (b"wvpk" + struct.pack("<IHBBIIIII", 24, 0x410, 0, 0, 0, 0, 0, 0, 0)) * 250_000
    yield "packets.mpc", b"MPCK" + b"AP\x03" * 3_000_000
    yield "chunks.caf", b"caff\0\x01\0\0" + (b"free" + bytes(8)) * 700_000
    yield "chunks.dff", b"FRM8" + struct.pack(">Q", 9_000_004) + b"DSD " + (b"COMT" + bytes(8)) * 750_000
    yield "noise.bin.mp3", random.Random(5).randbytes(8 * MIB)


def write_hostile(_what: str, folder: Path) -> None:
    for family in (of_id3, of_boxes, of_chunks, of_pages, of_ebml, of_the_rest):
        for name, data in family():
            (folder / name).write_bytes(data[: 10_000_000 - 1])
