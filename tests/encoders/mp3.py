"""MP3 by lame and ffmpeg."""

from __future__ import annotations

from pathlib import Path

import mutagen.apev2
import mutagen.id3

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run
from tests.encoders.id3 import ID3_ODDITIES


@recipe("mp3", "plain", "mp3")
def _(m: Materials, out: Path) -> None:
    run("lame", "--quiet", "-b", "128", m.clip, out)


@recipe("mp3", "long", "mp3")
def _(m: Materials, out: Path) -> None:
    run("lame", "--quiet", "-b", "128", "--tt", "Long", "--id3v2-only", m.long, out)


@recipe("mp3", "tagged", "mp3")
def _(m: Materials, out: Path) -> None:
    tags = metadata(**NAMES, TSRC="QZAB12600001", mood="blå", publisher="Nobody")
    ffmpeg("-i", m.clip, "-b:a", "128k", *tags, "-id3v2_version", "4", "-write_id3v1", "1", out)


@recipe("mp3", "cover", "mp3")
def _(m: Materials, out: Path) -> None:
    options = ("--id3v2-only", "--id3v2-latin1", "--tt", "Cover", "--ti", m.jpeg)
    run("lame", "--quiet", "-V", "5", *options, m.clip, out)


@recipe("mp3", "chapters", "mp3")
def _(m: Materials, out: Path) -> None:
    inputs = ("-i", m.clip, "-f", "ffmetadata", "-i", m.chapters)
    ffmpeg(*inputs, "-map_metadata", "1", "-b:a", "96k", "-id3v2_version", "3", out)


@recipe("mp3", "ffmpeg-v23", "mp3")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-q:a", "4", *metadata(**NAMES), "-id3v2_version", "3", out)


@recipe("mp3", "lame-utf16", "mp3")
def _(m: Materials, out: Path) -> None:
    """lame writes COMM in UTF-16 with a description that has no byte order mark."""
    names = ("--tt", NAMES["title"], "--ta", NAMES["artist"], "--tc", NAMES["comment"], "--ty", "2026")
    run("lame", "--quiet", "--preset", "medium", "--id3v2-utf16", *names, m.clip, out)


@recipe("mp3", "id3v1", "mp3")
def _(m: Materials, out: Path) -> None:
    run("lame", "--quiet", "-b", "64", "--id3v1-only", "--tt", "Old", "--tc", "a remark", m.clip, out)


@recipe("mp3", "mpeg2", "mp3")
def _(m: Materials, out: Path) -> None:
    run("lame", "--quiet", "-b", "48", "--resample", "22.05", "-m", "m", m.clip, out)


@recipe("mp3", "padded", "mp3")
def _(m: Materials, out: Path) -> None:
    run("lame", "--quiet", "-b", "96", "--pad-id3v2-size", "6000", "--tt", "Padded", m.clip, out)


@recipe("mp3", "odd-v23", "mp3")
def _(m: Materials, out: Path) -> None:
    _odd_mp3(m, out, version=3)


@recipe("mp3", "odd-v24", "mp3")
def _(m: Materials, out: Path) -> None:
    _odd_mp3(m, out, version=4)


def _odd_mp3(m: Materials, out: Path, version: int) -> None:
    run("lame", "--quiet", "-b", "96", m.clip, out)
    tags = mutagen.id3.ID3()
    for frame in ID3_ODDITIES:
        tags.add(frame)
    if version == 3:
        tags.update_to_v23()
    tags.save(out, v1=0, v2_version=version)


@recipe("mp3", "apev2", "mp3")
def _(m: Materials, out: Path) -> None:
    """As mp3gain leaves it: an APEv2 tag in front of ID3v1."""
    run("lame", "--quiet", "-b", "96", "--id3v1-only", "--tt", "Gain", m.clip, out)
    tags = mutagen.apev2.APEv2()
    tags["REPLAYGAIN_TRACK_GAIN"] = "-6.13 dB"
    tags["MP3GAIN_MINMAX"] = "100,189"
    tags.save(out)
