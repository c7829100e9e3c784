"""Matroska and WebM by ffmpeg and mkvmerge: audio alone, video beside it, live, for DASH."""

from __future__ import annotations

import os
from pathlib import Path

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run

OPUS = ("-c:a", "libopus", "-b:a", "96k")
_FRONT = ("-reserve_index_space", "4096")


def _mkvmerge(out: Path, *arguments: str | os.PathLike[str]) -> None:
    run("mkvmerge", "-q", "-o", out, *arguments)


@recipe("matroska", "plain", "mka")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *OPUS, "-map_metadata", "-1", out)


@recipe("matroska", "long", "mka")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.long, *OPUS, *metadata(title="Long"), out)


@recipe("matroska", "tagged", "mka")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *OPUS, *metadata(**NAMES, lyrics="la la", composer="A"), out)


@recipe("matroska", "vorbis", "mka")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "libvorbis", *metadata(**NAMES), out)


@recipe("matroska", "aac", "mka")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "aac", *metadata(**NAMES), out)


@recipe("matroska", "flac", "mka")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "flac", *metadata(**NAMES), out)


@recipe("matroska", "pcm", "mka")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "pcm_s24le", *metadata(**NAMES), out)


@recipe("matroska", "mp3", "mka")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "libmp3lame", *metadata(**NAMES), out)


@recipe("matroska", "mkvmerge", "mka")
def _(m: Materials, out: Path) -> None:
    """Laced blocks, free space behind SeekHead and Tracks, tags about the track, tags behind the clusters."""
    source = out.with_name("source.mp3")
    ffmpeg("-i", m.clip, "-c:a", "libmp3lame", *metadata(**NAMES), source)
    _mkvmerge(out, "--title", "by mkvmerge", source)


@recipe("matroska", "cover", "mka")
def _(m: Materials, out: Path) -> None:
    source = out.with_name("source.opus")
    run("opusenc", "--quiet", m.clip, source)
    _mkvmerge(out, "--attachment-mime-type", "image/png", "--attach-file", m.png, source)


@recipe("matroska", "chapters", "mkv")
def _(m: Materials, out: Path) -> None:
    """A film: video, audio, chapters, an attached picture, an index."""
    inputs = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=2", "-i", m.clip)
    chapters = ("-f", "ffmetadata", "-i", m.chapters, "-map_metadata", "2")
    codecs = ("-map", "0:v", "-map", "1:a", "-c:v", "mpeg4", "-c:a", "ac3")
    attached = ("-attach", m.jpeg, "-metadata:s:t", "mimetype=image/jpeg")
    ffmpeg(*inputs, *chapters, *codecs, *attached, *metadata(title="Film"), out)


@recipe("matroska", "two-tracks", "mka")
def _(m: Materials, out: Path) -> None:
    tracks = ("-map", "0:a", "-map", "0:a", "-c:a:0", "flac", "-c:a:1", "aac")
    ffmpeg("-i", m.clip, *tracks, *metadata(title="Two"), "-metadata:s:a:1", "title=second", out)


@recipe("matroska", "front-index", "mka")
def _(m: Materials, out: Path) -> None:
    """Cues in front of the clusters, in free space that was kept for them."""
    ffmpeg("-i", m.clip, *OPUS, *_FRONT, "-cues_to_front", "1", "-cluster_time_limit", "250", out)


@recipe("webm", "plain", "webm")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *OPUS, "-map_metadata", "-1", out)


@recipe("webm", "long", "webm")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.long, *OPUS, "-cluster_time_limit", "1000", out)


@recipe("webm", "tagged", "webm")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "libvorbis", *metadata(**NAMES), out)


@recipe("webm", "live", "webm")
def _(m: Materials, out: Path) -> None:
    """Neither sizes nor SeekHead nor Cues, as from a browser's recorder."""
    ffmpeg("-i", m.clip, *OPUS, "-live", "1", "-cluster_time_limit", "500", out)


@recipe("webm", "mkvmerge", "webm")
def _(m: Materials, out: Path) -> None:
    source = out.with_name("source.ogg")
    run("oggenc", "--quiet", "-c", f"comment={NAMES['comment']}", "-o", source, m.clip)
    _mkvmerge(out, "--webm", source)
