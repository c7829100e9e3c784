"""TrueAudio by ffmpeg; tags by mutagen and ffmpeg."""

from __future__ import annotations

from pathlib import Path

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe
from tests.encoders.ape_tags import add_tags
from tests.encoders.id3 import add_oddities, artist_tags


def _encode(wav: Path, out: Path, *options: str) -> None:
    ffmpeg("-i", wav, "-fflags", "+bitexact", "-map_metadata", "-1", *options, out)


@recipe("tta", "plain", "tta")
def _(m: Materials, out: Path) -> None:
    _encode(m.clip, out)


@recipe("tta", "long", "tta")
def _(m: Materials, out: Path) -> None:
    _encode(m.long, out)
    artist_tags().save(out, v1=0)


@recipe("tta", "tagged", "tta")
def _(m: Materials, out: Path) -> None:
    _encode(m.clip, out)
    artist_tags().save(out, v1=0)


@recipe("tta", "cover", "tta")
def _(m: Materials, out: Path) -> None:
    _encode(m.clip, out, "-sample_fmt", "s32", "-bits_per_raw_sample", "24")
    add_oddities(out, m)


@recipe("tta", "ffmpeg", "tta")
def _(m: Materials, out: Path) -> None:
    """With an APE tag behind the audio."""
    ffmpeg("-i", m.clip, "-ac", "1", *metadata(**NAMES), out)


@recipe("tta", "both", "tta")
def _(m: Materials, out: Path) -> None:
    """ID3v2 in front and APEv2 behind, as foobar2000 and TagLib in turn leave it."""
    _encode(m.clip, out)
    add_tags(out)
    artist_tags().save(out, v1=0)
