"""AAC in ADTS by ffmpeg; tags by mutagen and ffmpeg."""

from __future__ import annotations

from pathlib import Path

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe
from tests.encoders.ape_tags import add_tags
from tests.encoders.id3 import add_oddities, artist_tags


def _encode(wav: Path, out: Path, *options: str) -> None:
    ffmpeg("-i", wav, "-c:a", "aac", "-map_metadata", "-1", *options, out)


@recipe("adts", "plain", "aac")
def _(m: Materials, out: Path) -> None:
    _encode(m.clip, out)


@recipe("adts", "long", "aac")
def _(m: Materials, out: Path) -> None:
    _encode(m.long, out)
    artist_tags().save(out, v1=0)


@recipe("adts", "tagged", "aac")
def _(m: Materials, out: Path) -> None:
    _encode(m.clip, out)
    artist_tags().save(out, v1=0)


@recipe("adts", "cover", "aac")
def _(m: Materials, out: Path) -> None:
    _encode(m.clip, out, "-ac", "1", "-ar", "22050")
    add_oddities(out, m)


@recipe("adts", "ffmpeg", "aac")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "aac", *metadata(**NAMES), "-write_id3v2", "1", out)


@recipe("adts", "apev2", "aac")
def _(m: Materials, out: Path) -> None:
    """As foobar2000 tags it."""
    _encode(m.clip, out)
    add_tags(out)


@recipe("adts", "surround", "aac")
def _(m: Materials, out: Path) -> None:
    _encode(m.clip, out, "-t", "1", "-ac", "6")


@recipe("adts", "program-config", "aac")
def _(m: Materials, out: Path) -> None:
    """Four channels as no channel configuration has them: an element in the first frame says which."""
    _encode(m.clip, out, "-t", "1", "-af", "pan=quad|FL=FL|FR=FR|BL=FL|BR=FR")
