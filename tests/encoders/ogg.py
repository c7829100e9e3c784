"""Vorbis, Opus, FLAC and Speex in Ogg by oggenc, opusenc, flac, speexenc and ffmpeg."""

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


def _oggflac(wav: Path, out: Path, *options: str | Path) -> None:
    run("flac", "--ogg", "--silent", *options, "-o", out, wav)


@recipe("ogg-flac", "plain", "oga")
def _(m: Materials, out: Path) -> None:
    _oggflac(m.clip, out, "--no-padding")


@recipe("ogg-flac", "long", "oga")
def _(m: Materials, out: Path) -> None:
    _oggflac(m.long, out, "-T", "TITLE=Long")


@recipe("ogg-flac", "tagged", "oga")
def _(m: Materials, out: Path) -> None:
    _oggflac(m.clip, out, "--padding=300", *(p for tag in vorbis_tags() for p in ("-T", tag)))


@recipe("ogg-flac", "cover", "oga")
def _(m: Materials, out: Path) -> None:
    """PICTURE blocks behind the comments, one of them over several pages."""
    large = out.with_suffix(".png")
    large.write_bytes(m.png.read_bytes() + bytes(150_000))
    _oggflac(m.clip, out, f"--picture={m.jpeg}", f"--picture=4|image/png|back||{large}", "-T", "TITLE=Cover")


@recipe("ogg-flac", "chapters", "oga")
def _(m: Materials, out: Path) -> None:
    _oggflac(m.clip, out, *(p for tag in CHAPTER_TAGS for p in ("-T", tag)))


@recipe("ogg-flac", "ffmpeg", "oga")
def _(m: Materials, out: Path) -> None:
    """One header packet, and an empty packet at the end."""
    ffmpeg("-i", m.clip, "-c:a", "flac", *metadata(**NAMES), out)


@recipe("ogg-speex", "plain", "spx")
def _(m: Materials, out: Path) -> None:
    run("speexenc", "--quiet", m.clip, out)


@recipe("ogg-speex", "long", "spx")
def _(m: Materials, out: Path) -> None:
    run("speexenc", "--quiet", "--title", "Long", m.long, out)


@recipe("ogg-speex", "tagged", "spx")
def _(m: Materials, out: Path) -> None:
    run("speexenc", "--quiet", *(p for tag in vorbis_tags() for p in ("--comment", tag)), m.clip, out)


@recipe("ogg-speex", "voice", "spx")
def _(m: Materials, out: Path) -> None:
    """Narrowband, several frames a packet, silence left out."""
    narrow = out.with_suffix(".wav")
    ffmpeg("-i", m.clip, "-ar", "8000", "-ac", "1", narrow)
    run("speexenc", "--quiet", "-n", "--nframes", "5", "--vbr", "--dtx", narrow, out)


@recipe("ogg-speex", "ffmpeg", "spx")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-ar", "32000", "-c:a", "libspeex", *metadata(**NAMES), out)
