"""Ogg Vorbis and Ogg Opus by oggenc, opusenc and ffmpeg."""

from __future__ import annotations

from pathlib import Path

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run
from tests.encoders.vorbis_tags import CHAPTER_TAGS, picture_tag, vorbis_tags


def _oggenc(wav: Path, out: Path, *tags: str) -> None:
    run("oggenc", "--quiet", "-q", "3", *(p for tag in tags for p in ("-c", tag)), "-o", out, wav)


def _opusenc(wav: Path, out: Path, *tags: str) -> None:
    run("opusenc", "--quiet", "--bitrate", "96", *(p for tag in tags for p in ("--comment", tag)), wav, out)


@recipe("ogg-vorbis", "plain", "ogg")
def _(m: Materials, out: Path) -> None:
    _oggenc(m.clip, out)


@recipe("ogg-vorbis", "long", "ogg")
def _(m: Materials, out: Path) -> None:
    _oggenc(m.long, out, "TITLE=Long")


@recipe("ogg-vorbis", "tagged", "ogg")
def _(m: Materials, out: Path) -> None:
    _oggenc(m.clip, out, *vorbis_tags())


@recipe("ogg-vorbis", "cover", "ogg")
def _(m: Materials, out: Path) -> None:
    """A comment packet over several pages, as vorbiscomment and every tagger with covers make it."""
    _oggenc(m.clip, out)
    picture = picture_tag(m.png.read_bytes() + bytes(150_000), b"image/png")
    run("vorbiscomment", "-w", out, stdin=f"TITLE=Cover\n{picture}\n".encode())


@recipe("ogg-vorbis", "chapters", "ogg")
def _(m: Materials, out: Path) -> None:
    _oggenc(m.clip, out, *CHAPTER_TAGS)


@recipe("ogg-vorbis", "ffmpeg", "ogg")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "libvorbis", *metadata(**NAMES), out)


@recipe("ogg-opus", "plain", "opus")
def _(m: Materials, out: Path) -> None:
    _opusenc(m.clip, out)


@recipe("ogg-opus", "long", "opus")
def _(m: Materials, out: Path) -> None:
    _opusenc(m.long, out, "TITLE=Long")


@recipe("ogg-opus", "tagged", "opus")
def _(m: Materials, out: Path) -> None:
    _opusenc(m.clip, out, *vorbis_tags())


@recipe("ogg-opus", "cover", "opus")
def _(m: Materials, out: Path) -> None:
    run("opusenc", "--quiet", "--picture", m.png, "--picture", f"4||back||{m.jpeg}", m.clip, out)


@recipe("ogg-opus", "chapters", "opus")
def _(m: Materials, out: Path) -> None:
    _opusenc(m.clip, out, *CHAPTER_TAGS)


@recipe("ogg-opus", "ffmpeg", "opus")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "libopus", "-b:a", "64k", *metadata(**NAMES), out)
