"""AIFF and AIFF-C by ffmpeg, sox and mutagen, and one with every chunk of the standard."""

from __future__ import annotations

import struct
from pathlib import Path

import mutagen.aiff
import mutagen.id3

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run
from tests.encoders.id3 import ID3_ODDITIES

_BARE = ("-fflags", "+bitexact", "-map_metadata", "-1")


@recipe("aiff", "plain", "aiff")
def _(m: Materials, out: Path) -> None:
    """``COMM`` and ``SSND``, nothing else."""
    ffmpeg("-i", m.clip, "-ac", "1", "-ar", "22050", *_BARE, out)


@recipe("aiff", "long", "aiff")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.long, *metadata(title="Long"), out)


@recipe("aiff", "tagged", "aiff")
def _(m: Materials, out: Path) -> None:
    """Text chunks in front of the audio."""
    ffmpeg("-i", m.clip, *metadata(**NAMES), out)


@recipe("aiff", "tagged-id3", "aiff")
def _(m: Materials, out: Path) -> None:
    """Text chunks, and ID3v2.3 in front of the audio."""
    ffmpeg("-i", m.clip, *metadata(**NAMES), "-write_id3v2", "1", "-id3v2_version", "3", out)


@recipe("aiff", "odd", "aif")
def _(m: Materials, out: Path) -> None:
    """An odd number of 8-bit samples and so a padding byte."""
    run("sox", m.clip, "-b", "8", "-c", "1", "-r", "8000", out, "trim", "0", "10007s")


@recipe("aiff", "sox24", "aiff")
def _(m: Materials, out: Path) -> None:
    run("sox", m.clip, "-b", "24", "-r", "48000", "--comment", "made by sox", out)


@recipe("aiff", "id3", "aiff")
def _(m: Materials, out: Path) -> None:
    """An ``ID3 `` chunk behind the audio, as mutagen and Picard write it."""
    _id3_aiff(m, out, ID3_ODDITIES)


@recipe("aiff", "cover", "aiff")
def _(m: Materials, out: Path) -> None:
    picture = mutagen.id3.APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=m.jpeg.read_bytes())
    _id3_aiff(m, out, (mutagen.id3.TIT2(encoding=0, text="Cover"), picture))


def _id3_aiff(m: Materials, out: Path, frames: tuple[mutagen.id3.Frame, ...]) -> None:
    ffmpeg("-i", m.clip, *_BARE, out)
    file = mutagen.aiff.AIFF(out)
    file.add_tags()
    for frame in frames:
        file.tags.add(frame)
    file.save()


@recipe("aiff", "chapters", "aiff")
def _(m: Materials, out: Path) -> None:
    """Markers, comments, application data, and text in the encoding of the Mac."""
    ffmpeg("-i", m.clip, *_BARE, out)
    comment = "prise n° 3 – Müller".encode("mac-roman")
    chunks = {
        b"MARK": struct.pack(">H", 2)
        + struct.pack(">HI", 1, 0)
        + b"\x07Prelude"
        + struct.pack(">HI", 2, 44_100)
        + b"\x03End",
        b"COMT": struct.pack(">HIHH", 1, 3_600_000_000, 1, len(comment)) + comment + bytes(len(comment) % 2),
        b"INST": struct.pack(">bbbbbbh", 60, 0, 0, 127, 1, 127, 0) + struct.pack(">HHHHHH", 1, 1, 2, 0, 1, 2),
        b"APPL": b"pdos" + bytes(range(200)),
        b"AUTH": "Søn".encode("mac-roman"),
        b"ANNO": "Größe".encode("mac-roman"),
        b"FLLR": bytes(100),
    }
    _append(out, chunks)


def _append(path: Path, chunks: dict[bytes, bytes]) -> None:
    body = path.read_bytes()[8:]
    for name, data in chunks.items():
        body += name + struct.pack(">I", len(data)) + data + bytes(len(data) % 2)
    path.write_bytes(b"FORM" + struct.pack(">I", len(body)) + body)


# -- AIFF-C -----------------------------------------------------------------------------------


@recipe("aifc", "plain", "aifc", name="aiff")
def _(m: Materials, out: Path) -> None:
    """Little-endian, as on every Mac since 2006."""
    ffmpeg("-i", m.clip, "-c:a", "pcm_s16le", *_BARE, out)


@recipe("aifc", "tagged", "aifc", name="aiff")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "pcm_s16le", *metadata(**NAMES), "-write_id3v2", "1", out)


@recipe("aifc", "float", "aifc", name="aiff")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "pcm_f32be", *_BARE, out)


@recipe("aifc", "alaw", "aifc", name="aiff")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "pcm_alaw", *_BARE, out)


@recipe("aifc", "ima4", "aifc", name="aiff")
def _(m: Materials, out: Path) -> None:
    """Compressed: ADPCM in packets of 34 bytes a channel."""
    ffmpeg("-i", m.clip, "-c:a", "adpcm_ima_qt", *_BARE, out)
