"""FLAC by flac and ffmpeg."""

from __future__ import annotations

from pathlib import Path

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run
from tests.encoders.vorbis_tags import vorbis_tags


@recipe("flac", "plain", "flac")
def _(m: Materials, out: Path) -> None:
    run("flac", "--silent", "--no-padding", "-o", out, m.clip)


@recipe("flac", "long", "flac")
def _(m: Materials, out: Path) -> None:
    run("flac", "--silent", "-T", "TITLE=Long", "-o", out, m.long)


@recipe("flac", "tagged", "flac")
def _(m: Materials, out: Path) -> None:
    tags = [*vorbis_tags(), "ISRC=QZAB12600001"]
    run("flac", "--silent", "--padding=300", *(p for tag in tags for p in ("-T", tag)), "-o", out, m.clip)


@recipe("flac", "cover", "flac")
def _(m: Materials, out: Path) -> None:
    pictures = (f"--picture={m.jpeg}", f"--picture=4|image/png|back||{m.png}")
    run("flac", "--silent", *pictures, "-T", "TITLE=Cover", "-o", out, m.clip)


@recipe("flac", "chapters", "flac")
def _(m: Materials, out: Path) -> None:
    """A cue sheet, a seek table, chapter comments."""
    sheet = out.with_suffix(".cue")
    sheet.write_text(
        'FILE "x" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n  TRACK 02 AUDIO\n    INDEX 01 00:01:00\n'
    )
    chapters = ("-T", "CHAPTER001=00:00:00.000", "-T", "CHAPTER001NAME=Prélude")
    run("flac", "--silent", f"--cuesheet={sheet}", "-S", "1s", *chapters, "-o", out, m.clip)


@recipe("flac", "ffmpeg", "flac")
def _(m: Materials, out: Path) -> None:
    cover = ("-i", m.png, "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic")
    ffmpeg("-i", m.clip, *cover, *metadata(**NAMES), out)


@recipe("flac", "24bit", "flac")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-ar", "48000", "-sample_fmt", "s32", "-bits_per_raw_sample", "24", out)


@recipe("flac", "id3", "flac")
def _(m: Materials, out: Path) -> None:
    """What id3v2 does to a FLAC: a tag in front that FLAC does not have."""
    run("flac", "--silent", "-T", "TITLE=Below", "-o", out, m.clip)
    run("id3v2", "--song", "Above", "--comment", "c:remark:eng", out)
