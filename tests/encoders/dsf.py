"""DSF by a small sigma-delta modulator, tagged by mutagen: no free encoder for DSD is packaged."""

from __future__ import annotations

import struct
from pathlib import Path

import mutagen.dsf
import mutagen.id3

from tests.audio import NAMES, Materials, recipe
from tests.encoders.dsd import LSB_FIRST, RATE, dsd_channels
from tests.encoders.id3 import ID3_ODDITIES

_BLOCK = 4096


def dsf(channels: list[bytes], *, samples: int | None = None) -> bytes:
    """A DSF file with one-bit ``channels``, least significant bit first, and no tag."""
    count = len(channels[0]) * 8 if samples is None else samples
    audio = b""
    for at in range(0, len(channels[0]), _BLOCK):
        audio += b"".join(channel[at : at + _BLOCK].ljust(_BLOCK, b"\0") for channel in channels)
    fmt = struct.pack("<IIIIIIQII", 1, 0, len(channels), len(channels), RATE, 1, count, _BLOCK, 0)
    body = b"fmt " + struct.pack("<Q", 52) + fmt + b"data" + struct.pack("<Q", 12 + len(audio)) + audio
    return b"DSD " + struct.pack("<QQQ", 28, 28 + len(body), 0) + body


def _write(m: Materials, out: Path, *frames: mutagen.id3.Frame, seconds: float = 0.1) -> None:
    out.write_bytes(dsf([channel.translate(LSB_FIRST) for channel in dsd_channels(m.clip, seconds)]))
    if frames:
        file = mutagen.dsf.DSF(out)
        file.add_tags()
        for frame in frames:
            file.tags.add(frame)
        file.save()


@recipe("dsf", "plain", "dsf")
def _(m: Materials, out: Path) -> None:
    _write(m, out)


@recipe("dsf", "long", "dsf")
def _(m: Materials, out: Path) -> None:
    _write(m, out, mutagen.id3.TIT2(encoding=3, text="Long"), seconds=2)


@recipe("dsf", "tagged", "dsf")
def _(m: Materials, out: Path) -> None:
    _write(
        m,
        out,
        mutagen.id3.TIT2(encoding=3, text=NAMES["title"]),
        mutagen.id3.TCOP(encoding=3, text=NAMES["copyright"]),
        mutagen.id3.COMM(encoding=3, lang="eng", desc="", text=NAMES["comment"]),
    )


@recipe("dsf", "id3", "dsf")
def _(m: Materials, out: Path) -> None:
    _write(m, out, *ID3_ODDITIES)


@recipe("dsf", "cover", "dsf")
def _(m: Materials, out: Path) -> None:
    picture = mutagen.id3.APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=m.jpeg.read_bytes())
    _write(m, out, mutagen.id3.TIT2(encoding=0, text="Cover"), picture)
