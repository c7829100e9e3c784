"""CAF by ffmpeg and sox."""

from __future__ import annotations

from pathlib import Path

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run

_PLAIN = ("-fflags", "+bitexact", "-map_metadata", "-1")


@recipe("caf", "plain", "caf")
def _(m: Materials, out: Path) -> None:
    """Little-endian PCM."""
    ffmpeg("-i", m.clip, *_PLAIN, out)


@recipe("caf", "tagged", "caf")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *metadata(**NAMES), "-c:a", "pcm_s24be", out)


@recipe("caf", "float", "caf")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *_PLAIN, "-c:a", "pcm_f32le", out)


@recipe("caf", "signed", "caf")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *_PLAIN, "-c:a", "pcm_s8", out)


@recipe("caf", "mu-law", "caf")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *_PLAIN, "-c:a", "pcm_mulaw", out)


@recipe("caf", "alac", "caf")
def _(m: Materials, out: Path) -> None:
    """A packet table."""
    ffmpeg("-i", m.clip, *metadata(**NAMES), "-c:a", "alac", out)


@recipe("caf", "mp3", "caf")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *_PLAIN, "-c:a", "libmp3lame", out)


@recipe("caf", "ima4", "caf")
def _(m: Materials, out: Path) -> None:
    """Compressed, in packets of one size."""
    ffmpeg("-i", m.clip, *_PLAIN, "-c:a", "adpcm_ima_qt", out)


@recipe("caf", "libsndfile", "caf")
def _(m: Materials, out: Path) -> None:
    run("sox", m.clip, "-b", "16", out)
