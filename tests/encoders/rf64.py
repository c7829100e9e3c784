"""RF64 and BW64 by ffmpeg, and BW64 as broadcasters write it."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe

_BARE = ("-fflags", "+bitexact", "-map_metadata", "-1")
_RF64 = ("-f", "wav", "-rf64", "always")


@recipe("rf64", "plain", "wav")
def _(m: Materials, out: Path) -> None:
    """``ds64``, ``fmt `` and ``data``, nothing else."""
    ffmpeg("-i", m.clip, "-ac", "1", "-ar", "22050", *_BARE, *_RF64, out)


@recipe("rf64", "long", "wav")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.long, *metadata(title="Long"), *_RF64, out)


@recipe("rf64", "tagged", "wav")
def _(m: Materials, out: Path) -> None:
    """A LIST INFO chunk in front of the audio."""
    ffmpeg("-i", m.clip, *metadata(**NAMES), *_RF64, out)


@recipe("rf64", "bext", "wav")
def _(m: Materials, out: Path) -> None:
    """24 bits, and a ``bext`` chunk."""
    tags = metadata(description="take 3", originator="desk")
    ffmpeg("-i", m.clip, *tags, "-c:a", "pcm_s24le", "-write_bext", "1", *_RF64, out)


@recipe("bw64", "plain", "wav")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-ac", "1", "-ar", "22050", *_BARE, *_RF64, out)
    _to_bw64(out)


@recipe("bw64", "long", "wav")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.long, *metadata(title="Long"), *_RF64, out)
    _to_bw64(out)


@recipe("bw64", "tagged", "wav")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *metadata(**NAMES), *_RF64, out)
    _to_bw64(out)


@recipe("bw64", "adm", "wav")
def _(m: Materials, out: Path) -> None:
    """Audio Definition Model metadata: ``axml`` and ``chna`` behind the audio (BS.2088 §8 and §9)."""
    ffmpeg("-i", m.clip, *_BARE, *_RF64, out)
    axml = b'<?xml version="1.0"?><ebuCoreMain><coreMetadata><title>ADM</title></coreMetadata></ebuCoreMain>'
    chna = struct.pack("<HHH", 1, 1, 1) + b"ATU_00000001AT_00031001_01AP_00031001\0"
    _to_bw64(out, axml=axml, chna=chna)


def _to_bw64(path: Path, **chunks: bytes) -> None:
    body = path.read_bytes()[8:]
    for name, data in chunks.items():
        body += name.encode() + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    # The size of the form stands first in ds64.
    body = body[:12] + struct.pack("<Q", len(body)) + body[20:]
    path.write_bytes(b"BW64" + b"\xff" * 4 + body)
