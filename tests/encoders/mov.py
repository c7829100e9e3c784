"""MP4's relatives: fragments, QuickTime movies, video with audio, audio books and 3GP, by ffmpeg."""

from __future__ import annotations

import random
from pathlib import Path

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe

_VIDEO = ("-f", "lavfi", "-i", "testsrc=s=64x64:r=10:d=2")


# -- fragments ------------------------------------------------------------------------------------


@recipe("mp4-fragments", "plain", "mp4", name="mp4")
def _(m: Materials, out: Path) -> None:
    """Each fragment counts from its own ``moof``; a table of random access at the end."""
    _fragments(m, out, "+frag_keyframe+empty_moov+default_base_moof", "-map_metadata", "-1")


@recipe("mp4-fragments", "tagged", "mp4", name="mp4")
def _(m: Materials, out: Path) -> None:
    """Fragments that count from the start of the file."""
    _fragments(m, out, "+frag_keyframe+empty_moov", *metadata(**NAMES))


@recipe("mp4-fragments", "indexed", "mp4", name="mp4")
def _(m: Materials, out: Path) -> None:
    _fragments(m, out, "+dash+global_sidx+delay_moov", *metadata(title="Indexed"))


@recipe("mp4-fragments", "cmaf", "mp4", name="mp4")
def _(m: Materials, out: Path) -> None:
    _fragments(m, out, "+cmaf", *metadata(title="CMAF"))


@recipe("mp4-fragments", "half", "mp4", name="mp4")
def _(m: Materials, out: Path) -> None:
    """The first half second in the movie box, the rest in fragments."""
    _fragments(m, out, "+frag_keyframe", *metadata(title="Both"))


@recipe("mp4-fragments", "video", "mp4", name="mp4")
def _(m: Materials, out: Path) -> None:
    codecs = ("-c:a", "aac", "-c:v", "libx264", "-g", "5", "-preset", "ultrafast")
    ffmpeg("-i", m.clip, *_VIDEO, *codecs, "-movflags", "+frag_keyframe+empty_moov", out)


@recipe("mp4-fragments", "dash", "mp4", name="mp4")
def _(m: Materials, out: Path) -> None:
    """What a downloader makes of DASH: the initialisation and all segments, one behind the other."""
    segments = ("-f", "dash", "-seg_duration", "0.5", "-use_template", "1")
    ffmpeg("-i", m.clip, "-c:a", "aac", *metadata(title="DASH"), *segments, out.with_name("x.mpd"))
    parts = [out.with_name("init-stream0.m4s"), *sorted(out.parent.glob("chunk-stream0-*.m4s"))]
    out.write_bytes(b"".join(part.read_bytes() for part in parts))


@recipe("mp4-fragments", "smooth", "ismv", name="mp4")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "aac", "-frag_duration", "500000", *metadata(title="Smooth"), out)


def _fragments(m: Materials, out: Path, flags: str, *options: str) -> None:
    ffmpeg("-i", m.clip, "-c:a", "aac", "-movflags", flags, "-frag_duration", "500000", *options, out)


# -- QuickTime ------------------------------------------------------------------------------------


@recipe("mov", "plain", "mov", name="mp4")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "pcm_s16le", "-map_metadata", "-1", out)


@recipe("mov", "tagged", "mov", name="mp4")
def _(m: Materials, out: Path) -> None:
    """Strings with languages in user data, as QuickTime had them before keys."""
    ffmpeg("-i", m.clip, "-c:a", "pcm_s24be", *metadata(**NAMES), out)


@recipe("mov", "keys", "mov", name="mp4")
def _(m: Materials, out: Path) -> None:
    keys = metadata(**{f"com.apple.quicktime.{key}": value for key, value in NAMES.items()})
    ffmpeg("-i", m.clip, "-c:a", "alac", "-movflags", "use_metadata_tags+faststart", *keys, out)


@recipe("mov", "aac-video", "mov", name="mp4")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *_VIDEO, "-c:a", "aac", "-c:v", "mpeg4", *metadata(title="Film"), out)


@recipe("mov", "ima4", "mov", name="mp4")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "adpcm_ima_qt", *metadata(title="IMA"), out)


@recipe("mov", "old-chunks", "mov", name="mp4")
def _(m: Materials, out: Path) -> None:
    """Packets of constant size, of which the sample table only counts the frames."""
    ffmpeg("-i", m.clip, "-c:a", "adpcm_ms", *metadata(title="Chunks"), out)


@recipe("mov", "ulaw", "mov", name="mp4")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "pcm_mulaw", *metadata(title="Telephone"), out)


# -- other brands and codecs ------------------------------------------------------------------------


@recipe("mp4", "video", "mp4")
def _(m: Materials, out: Path) -> None:
    codecs = ("-c:a", "aac", "-c:v", "libx264", "-preset", "ultrafast")
    ffmpeg("-i", m.clip, *_VIDEO, *codecs, "-movflags", "+faststart", *metadata(title="Film"), out)


@recipe("mp4", "opus", "mp4")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "libopus", *metadata(title="Opus"), out)


@recipe("mp4", "flac", "mp4")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "flac", "-strict", "-2", *metadata(title="FLAC"), out)


@recipe("mp4", "ac3", "mp4")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "ac3", *metadata(title="AC-3"), out)


@recipe("m4b", "chapters", "m4b", name="mp4")
def _(m: Materials, out: Path) -> None:
    """Chapters as a text track and as a list, and a cover."""
    inputs = ("-i", m.clip, "-f", "ffmetadata", "-i", m.chapters, "-i", m.png)
    maps = ("-map", "0:a", "-map", "2:v", "-map_metadata", "1", "-disposition:v", "attached_pic")
    ffmpeg(*inputs, *maps, "-c:a", "aac", "-c:v", "copy", *metadata(title="Book"), "-f", "ipod", out)


@recipe("3gp", "plain", "3gp", name="mp4")
def _(m: Materials, out: Path) -> None:
    _telephone(out)


@recipe("3gp", "tagged", "3gp", name="mp4")
def _(m: Materials, out: Path) -> None:
    """The user data boxes of 3GPP, one language each."""
    _telephone(out, *metadata(**NAMES))


def _telephone(out: Path, *tags: str) -> None:
    """AMR, whose frames any bits may fill: Debian's ffmpeg has a decoder for it and no encoder."""
    chance = random.Random(3)
    frames = b"".join(b"\x3c" + chance.randbytes(31) for _ in range(100))
    bare = out.with_name("x.amr")
    bare.write_bytes(b"#!AMR\n" + frames)
    ffmpeg("-i", bare, "-c", "copy", *tags, out)
