"""AU by ffmpeg and sox."""

from __future__ import annotations

from pathlib import Path

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run


@recipe("au", "plain", "au")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-fflags", "+bitexact", "-map_metadata", "-1", out)


@recipe("au", "tagged", "au")
def _(m: Materials, out: Path) -> None:
    """ffmpeg keeps title, artist, album, track and genre, as lines of ``key=value``."""
    ffmpeg("-i", m.clip, *metadata(**NAMES), out)


@recipe("au", "sox", "au")
def _(m: Materials, out: Path) -> None:
    run("sox", m.clip, "--comment", NAMES["comment"], "-b", "24", out)


@recipe("au", "mu-law", "snd")
def _(m: Materials, out: Path) -> None:
    run("sox", m.clip, "-e", "mu-law", "-r", "8000", "-c", "1", "-t", "au", out)


@recipe("au", "float", "au")
def _(m: Materials, out: Path) -> None:
    run("sox", m.clip, "-e", "floating-point", "-b", "64", out)


@recipe("au", "streamed", "au")
def _(m: Materials, out: Path) -> None:
    """Of unknown size, as through a pipe."""
    out.write_bytes(run("sox", m.clip, "-t", "au", "-"))
