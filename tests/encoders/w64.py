"""Sony Wave64 by ffmpeg and sox."""

from __future__ import annotations

import struct
from pathlib import Path
from uuid import UUID

from tests.audio import NAMES, Materials, ffmpeg, recipe, run

_BARE = ("-fflags", "+bitexact", "-map_metadata", "-1")
_LIST = b"list" + UUID("00000000-912f-11cf-a5d6-28db04c10000").bytes_le[4:]
_DATA = b"data" + UUID("00000000-acf3-11d3-8cd1-00c04f8edb8a").bytes_le[4:]
_SUMMARY = UUID("925f94bc-525a-11d2-86dc-00c04f8edb8a").bytes_le


@recipe("w64", "plain", "w64")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-ac", "1", "-ar", "22050", *_BARE, out)


@recipe("w64", "long", "w64")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.long, out)


@recipe("w64", "sox", "w64")
def _(m: Materials, out: Path) -> None:
    run("sox", m.clip, "-b", "24", out)


@recipe("w64", "tagged", "w64")
def _(m: Materials, out: Path) -> None:
    """A list chunk, and a summary list, which ffmpeg reads, in front of the audio."""
    ffmpeg("-i", m.clip, *_BARE, out)
    entries = ((b"ICOP", NAMES["copyright"]), (b"ICMT", NAMES["comment"]))
    info = b"".join(_entry(name, value.encode() + b"\0") for name, value in entries)
    texts = [(name, value.encode("utf-16-le") + b"\0\0") for name, value in entries]
    summary = struct.pack("<I", len(texts)) + b"".join(_entry(*each, align=1) for each in texts)
    tags = b"".join(_chunk(*each) for each in ((_LIST, b"INFO" + info), (_SUMMARY, summary)))
    data = out.read_bytes()
    at = data.index(_DATA)
    out.write_bytes(data[:16] + struct.pack("<Q", len(data) + len(tags)) + data[24:at] + tags + data[at:])


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<Q", 24 + len(data)) + data + bytes(-len(data) % 8)


def _entry(name: bytes, value: bytes, align: int = 2) -> bytes:
    return name + struct.pack("<I", len(value)) + value + bytes(-len(value) % align)
