"""M4A with AAC and ALAC, by ffmpeg, mutagen and AtomicParsley."""

from __future__ import annotations

from pathlib import Path

import mutagen.mp4

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run


@recipe("mp4", "plain", "m4a")
def _(m: Materials, out: Path) -> None:
    """``moov`` at the end."""
    ffmpeg("-i", m.clip, "-c:a", "aac", "-b:a", "96k", "-map_metadata", "-1", out)


@recipe("mp4", "long", "m4a")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.long, "-c:a", "aac", "-b:a", "128k", *metadata(title="Long"), out)


@recipe("mp4", "faststart", "m4a")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "aac", "-movflags", "+faststart", *metadata(title="Front"), out)


@recipe("mp4", "tagged", "m4a")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "aac", *metadata(**NAMES, lyrics="la la", composer="A", disc="1/2"), out)


@recipe("mp4", "cover", "m4a")
def _(m: Materials, out: Path) -> None:
    cover = ("-i", m.jpeg, "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic")
    ffmpeg("-i", m.clip, *cover, "-c:a", "aac", *metadata(title="Cover"), out)


@recipe("mp4", "chapters", "m4a")
def _(m: Materials, out: Path) -> None:
    inputs = ("-i", m.clip, "-f", "ffmetadata", "-i", m.chapters, "-map_metadata", "1")
    ffmpeg(*inputs, "-c:a", "aac", *metadata(title="Chapters"), out)


@recipe("mp4", "mdta", "m4a")
def _(m: Materials, out: Path) -> None:
    """Keys in ``moov/udta/meta`` of handler ``mdta``, which iTunes-style readers do not look at."""
    tags = metadata(**NAMES, mood="blue")
    ffmpeg("-i", m.clip, "-c:a", "aac", "-movflags", "use_metadata_tags", *tags, "-f", "mp4", out)


@recipe("mp4", "freeform", "m4a")
def _(m: Materials, out: Path) -> None:
    """Freeform atoms and several values, as mutagen and Picard write them."""
    ffmpeg("-i", m.clip, "-c:a", "aac", "-movflags", "+faststart", out)
    tags = mutagen.mp4.MP4(out)
    tags["----:com.apple.iTunes:ISRC"] = [b"QZAB12600001"]
    tags["----:com.apple.iTunes:iTunNORM"] = [b" 00000A6B 00000A6B"]
    tags["----:org.example:MOOD"] = ["blå".encode(), b"blue"]
    tags["covr"] = [mutagen.mp4.MP4Cover(m.png.read_bytes(), mutagen.mp4.MP4Cover.FORMAT_PNG)]
    tags["tmpo"] = [144]
    tags["cpil"] = True
    tags.save()


@recipe("mp4", "atomicparsley", "m4a")
def _(m: Materials, out: Path) -> None:
    source = out.with_name("source.m4a")
    ffmpeg("-i", m.clip, "-c:a", "aac", source)
    tags = ("--title", "Parsley", "--comment", "a comment", "--copyright", "me", "--artwork", m.png)
    run("AtomicParsley", source, *tags, "--output", out)


@recipe("mp4-alac", "plain", "m4a", name="mp4")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "alac", out)


@recipe("mp4-alac", "tagged", "m4a", name="mp4")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "alac", "-movflags", "+faststart", *metadata(**NAMES), out)


@recipe("mp4-alac", "cover", "m4a", name="mp4")
def _(m: Materials, out: Path) -> None:
    cover = ("-i", m.png, "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic")
    ffmpeg("-i", m.clip, *cover, "-c:a", "alac", "-sample_fmt", "s32p", out)
