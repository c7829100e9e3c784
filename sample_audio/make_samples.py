"""Make the sample audio: synthesise the music, encode it with the tools that people use, mark it,
and attack the marks.

    python sample_audio/make_samples.py

Needs ffmpeg, lame, flac, oggenc (vorbis-tools), opusenc (opus-tools) and noai. The results are
committed, so that nobody needs those tools to try noai.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import tune
from mark_samples import make_marked

HERE: Final = Path(__file__).resolve().parent
TOOLS: Final = ("ffmpeg", "lame", "flac", "oggenc", "opusenc")

TITLE: Final = "Four Bars at Dusk"
ARTIST: Final = "The Demonstrators"
ALBUM: Final = "Small Pieces for Machines to Leave Alone"
YEAR: Final = "2026"
COPYRIGHT: Final = "CC0 1.0 Universal"
COMMENT: Final = "Synthesised by a script."

#: Latin-1, because in UTF-16 lame leaves out the byte order mark of a comment's description.
LAME_TAGS: Final = ("--id3v2-only", "--id3v2-latin1")

CHAPTERS: Final = """;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1000
START=0
END=3333
title=Question
[CHAPTER]
TIMEBASE=1/1000
START=3333
END=7160
title=Answer
"""


def run(*command: str | Path) -> None:
    """Run an encoder and show what it says only if it fails."""
    done = subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stderr}")


def ffmpeg_tags(**tags: str) -> list[str]:
    return [part for key, value in tags.items() for part in ("-metadata", f"{key}={value}")]


def vorbis_tags(option: str, tags: Sequence[tuple[str, str]]) -> list[str]:
    return [part for key, value in tags for part in (option, f"{key}={value}")]


BASIC: Final = (
    ("TITLE", TITLE),
    ("ARTIST", ARTIST),
    ("ALBUM", ALBUM),
    ("DATE", YEAR),
    ("TRACKNUMBER", "1"),
)


def encode_mp3(wav: Path, cover: Path, out: Path) -> None:
    """ID3v2.3 as lame writes it, with a cover, a comment and a copyright."""
    names = ("--tt", TITLE, "--ta", ARTIST, "--tl", ALBUM, "--ty", YEAR, "--tn", "1/2", "--tg", "Electronic")
    notes = ("--tc", COMMENT, "--tv", f"TCOP={COPYRIGHT}", "--ti", cover)
    run("lame", "--quiet", "-b", "80", *LAME_TAGS, *names, *notes, wav, out)


def encode_flac(mono: Path, cover: Path, out: Path) -> None:
    """A cover and a copyright, no comment."""
    tags = vorbis_tags("-T", [*BASIC, ("COPYRIGHT", COPYRIGHT)])
    run("flac", "--silent", "--force", "-8", "--padding=512", f"--picture={cover}", *tags, "-o", out, mono)


def encode_vorbis(wav: Path, out: Path) -> None:
    """A comment, no copyright."""
    names = ("-t", TITLE, "-a", ARTIST, "-l", ALBUM, "-d", YEAR, "-N", "1")
    run("oggenc", "--quiet", "-q", "1", "-s", "1", *names, "-c", f"COMMENT={COMMENT}", "-o", out, wav)


def encode_opus(wav: Path, cover: Path, out: Path) -> None:
    """A cover; neither copyright nor comment."""
    tags = vorbis_tags("--comment", BASIC)
    run("opusenc", "--quiet", "--bitrate", "64", "--serial", "1", *tags, "--picture", cover, wav, out)


def encode_aac(wav: Path, cover: Path, chapters: Path, out: Path) -> None:
    """A cover, chapters, a copyright and a comment, with ``moov`` in front."""
    tags = ffmpeg_tags(
        title=TITLE, artist=ARTIST, album=ALBUM, date=YEAR, track="1/2", copyright=COPYRIGHT, comment=COMMENT
    )
    inputs = ("-i", wav, "-i", cover, "-f", "ffmetadata", "-i", chapters)
    audio = ("-map", "0:a", "-c:a", "aac", "-b:a", "80k")
    rest = ("-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic", "-map_chapters", "2")
    run("ffmpeg", "-y", "-v", "error", *inputs, *audio, *rest, *tags, "-movflags", "+faststart", out)


def encode_alac(small: Path, out: Path) -> None:
    """Plain names only, with ``moov`` at the end."""
    tags = ffmpeg_tags(title=TITLE, artist=ARTIST, album=ALBUM, date=YEAR, track="1")
    run("ffmpeg", "-y", "-v", "error", "-i", small, "-c:a", "alac", *tags, out)


def encode_wav(small: Path, out: Path) -> None:
    """RIFF INFO with a copyright."""
    tags = ffmpeg_tags(title=TITLE, artist=ARTIST, album=ALBUM, date=YEAR, copyright=COPYRIGHT)
    run("ffmpeg", "-y", "-v", "error", "-i", small, "-c:a", "copy", *tags, out)


def make_unmarked(folder: Path) -> None:
    """The tune in every container, and another recording to move markers onto."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        stereo, mono, small, waltz = (work / f"{name}.wav" for name in ("stereo", "mono", "small", "waltz"))
        samples = tune.render(tune.TUNE)
        tune.write_wav(stereo, samples)
        tune.write_wav(mono, samples, mono=True)
        tune.write_wav(small, samples, mono=True, every=2)
        tune.write_wav(waltz, tune.render(tune.WALTZ))
        cover, chapters = work / "cover.png", work / "chapters.txt"
        cover.write_bytes(tune.cover_png())
        chapters.write_text(CHAPTERS, encoding="utf-8")

        encode_mp3(stereo, cover, folder / "tune.mp3")
        encode_flac(mono, cover, folder / "tune.flac")
        encode_vorbis(stereo, folder / "tune.ogg")
        encode_opus(stereo, cover, folder / "tune.opus")
        encode_aac(stereo, cover, chapters, folder / "tune.m4a")
        encode_alac(small, folder / "tune-alac.m4a")
        encode_wav(small, folder / "tune.wav")
        names = ("--tt", "Waltz for a Stranger", "--ta", "Somebody Else", "--ty", YEAR)
        run("lame", "--quiet", "-b", "64", *LAME_TAGS, *names, waltz, folder / "waltz.mp3")


def main() -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        sys.exit(f"install {', '.join(missing)} first")
    make_unmarked(HERE / "unmarked")
    make_marked(HERE)


if __name__ == "__main__":
    main()
