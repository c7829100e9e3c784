"""WAV by ffmpeg, sox and mutagen, and one with cue points."""

from __future__ import annotations

import struct
from pathlib import Path

import mutagen.id3
import mutagen.wave

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run
from tests.encoders.id3 import ID3_ODDITIES


@recipe("wav", "plain", "wav")
def _(m: Materials, out: Path) -> None:
    """``fmt `` and ``data``, nothing else."""
    ffmpeg("-i", m.clip, "-ac", "1", "-ar", "22050", "-fflags", "+bitexact", "-map_metadata", "-1", out)


@recipe("wav", "long", "wav")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.long, *metadata(title="Long"), out)


@recipe("wav", "tagged", "wav")
def _(m: Materials, out: Path) -> None:
    """A LIST INFO chunk in front of the audio."""
    ffmpeg("-i", m.clip, *metadata(**NAMES), out)


@recipe("wav", "bext", "wav")
def _(m: Materials, out: Path) -> None:
    tags = metadata(description="take 3", originator="desk", origination_date="2026-01-02")
    ffmpeg("-i", m.clip, *tags, "-write_bext", "1", "-write_peak", "on", out)


@recipe("wav", "sox24", "wav")
def _(m: Materials, out: Path) -> None:
    """WAVE_FORMAT_EXTENSIBLE."""
    run("sox", m.clip, "-b", "24", "-r", "48000", out)


@recipe("wav", "float", "wav")
def _(m: Materials, out: Path) -> None:
    """A ``fact`` chunk in front of ``data``."""
    run("sox", m.clip, "-e", "floating-point", "-b", "32", out)


@recipe("wav", "odd", "wav")
def _(m: Materials, out: Path) -> None:
    """An odd number of 8-bit samples and so a padding byte."""
    run("sox", m.clip, "-b", "8", "-c", "1", "-r", "8000", out, "trim", "0", "10007s")


@recipe("wav", "id3", "wav")
def _(m: Materials, out: Path) -> None:
    """An ``id3 `` chunk after the audio, as mutagen and Picard write it."""
    _id3_wav(m, out, ID3_ODDITIES)


@recipe("wav", "cover", "wav")
def _(m: Materials, out: Path) -> None:
    picture = mutagen.id3.APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=m.jpeg.read_bytes())
    _id3_wav(m, out, (mutagen.id3.TIT2(encoding=0, text="Cover"), picture))


def _id3_wav(m: Materials, out: Path, frames: tuple[mutagen.id3.Frame, ...]) -> None:
    ffmpeg("-i", m.clip, "-fflags", "+bitexact", out)
    file = mutagen.wave.WAVE(out)
    file.add_tags()
    for frame in frames:
        file.tags.add(frame)
    file.save()


@recipe("wav", "chapters", "wav")
def _(m: Materials, out: Path) -> None:
    """Cue points with labels behind the audio, as audio editors write them."""
    ffmpeg("-i", m.clip, "-fflags", "+bitexact", "-map_metadata", "-1", out)
    cue = struct.pack("<I", 2)
    labels = b"adtl"
    for number, (frame, name) in enumerate(((0, b"Prelude\0"), (44_100, b"End\0")), start=1):
        cue += struct.pack("<II4sIII", number, frame, b"data", 0, 0, frame)
        labels += b"labl" + struct.pack("<II", 4 + len(name), number) + name
    audio = out.read_bytes()[8:]
    audio += b"cue " + struct.pack("<I", len(cue)) + cue
    audio += b"LIST" + struct.pack("<I", len(labels)) + labels
    out.write_bytes(b"RIFF" + struct.pack("<I", len(audio)) + audio)
