"""WavPack by wavpack and ffmpeg."""

from __future__ import annotations

from pathlib import Path

import mutagen.id3
import mutagen.wave

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run
from tests.encoders.ape_tags import add_cover, add_tags
from tests.encoders.id3 import ID3_ODDITIES


@recipe("wavpack", "plain", "wv")
def _(m: Materials, out: Path) -> None:
    run("wavpack", "-q", m.clip, "-o", out)


@recipe("wavpack", "long", "wv")
def _(m: Materials, out: Path) -> None:
    run("wavpack", "-q", "-w", "Title=Long", m.long, "-o", out)


@recipe("wavpack", "tagged", "wv")
def _(m: Materials, out: Path) -> None:
    run("wavpack", "-q", "-m", m.clip, "-o", out)
    add_tags(out)


@recipe("wavpack", "own-tags", "wv")
def _(m: Materials, out: Path) -> None:
    """As wavpack itself writes tags, a cover among them."""
    cover = ("--write-binary-tag", f"Cover Art (Front)=@{m.jpeg}")
    run("wavpack", "-q", "-w", "Comment=by wavpack", "-w", "Artist=A", *cover, m.clip, "-o", out)


@recipe("wavpack", "cover", "wv")
def _(m: Materials, out: Path) -> None:
    run("wavpack", "-q", "-h", m.clip, "-o", out)
    add_cover(out, m)


@recipe("wavpack", "ffmpeg", "wv")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *metadata(**NAMES), out)


@recipe("wavpack", "hybrid", "wv")
def _(m: Materials, out: Path) -> None:
    """Lossy; a correction file beside it would make it lossless."""
    run("wavpack", "-q", "-b256", m.clip, "-o", out)


@recipe("wavpack", "surround", "wv")
def _(m: Materials, out: Path) -> None:
    """Several blocks for one stretch of time, at 96 kHz and in floating point."""
    wav = out.with_suffix(".wav")
    ffmpeg("-i", m.clip, "-t", "0.5", "-ac", "6", "-ar", "96000", "-c:a", "pcm_f32le", wav)
    run("wavpack", "-q", "--optimize-mono", wav, "-o", out)


@recipe("wavpack", "mono", "wv")
def _(m: Materials, out: Path) -> None:
    """8 bits, and a rate that the block header has no code for."""
    wav = out.with_suffix(".wav")
    run("sox", m.clip, "-b", "8", "-c", "1", "-r", "10000", wav, "trim", "0", "10007s")
    run("wavpack", "-q", wav, "-o", out)


@recipe("wavpack", "wrapped", "wv")
def _(m: Materials, out: Path) -> None:
    """The chunks of a tagged WAVE file are kept in front of and behind the audio."""
    wav = out.with_suffix(".wav")
    ffmpeg("-i", m.clip, *metadata(**NAMES), wav)
    file = mutagen.wave.WAVE(wav)
    file.add_tags()
    for frame in ID3_ODDITIES:
        file.tags.add(frame)
    file.save()
    run("wavpack", "-q", wav, "-o", out)


@recipe("wavpack", "id3", "wv")
def _(m: Materials, out: Path) -> None:
    """What id3v2 does to a WavPack file: a tag in front that WavPack does not have."""
    run("wavpack", "-q", m.clip, "-o", out)
    run("id3v2", "--song", "Above", "--comment", "c:remark:eng", out)


@recipe("wavpack", "id3v1", "wv")
def _(m: Materials, out: Path) -> None:
    """An APEv2 tag in front of ID3v1."""
    run("wavpack", "-q", m.clip, "-o", out)
    add_cover(out, m)
    run("id3v2", "-1", "--song", "Old", "--comment", "c:a remark:eng", out)
