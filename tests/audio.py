"""Real encoder output for the tests, made by the tools that people use, once a session."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).resolve().parent.parent / "sample_audio"

#: Tags that an artist's file may carry; several scripts, and values that look like separators.
NAMES = {
    "title": "Четыре такта 四小節 – dusk",
    "artist": "Ólafur & Søn / Ñandú",
    "album": "A | B ; C",
    "date": "2026",
    "track": "3/12",
    "genre": "Électronique",
    "copyright": "© 2026 Ólafur",
    "comment": "first line; no | marks here",
}

CHAPTERS = """;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1000
START=0
END=900
title=Prélude
[CHAPTER]
TIMEBASE=1/1000
START=900
END=2000
title=終
"""


def tool(name: str) -> str:
    """The path of a command line tool. A missing one fails the test: skipping would hide it."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"the tests need {name}; .ci/run installs it", pytrace=False)
    return found


def run(*command: str | os.PathLike[str], stdin: bytes = b"") -> bytes:
    """What a tool prints; it must succeed."""
    arguments = [tool(str(command[0])), *(os.fspath(part) for part in command[1:])]
    done = subprocess.run(arguments, input=stdin, capture_output=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(arguments)}\n{done.stderr.decode(errors='replace')}", pytrace=False)
    return done.stdout


def ffmpeg(*arguments: str | os.PathLike[str]) -> None:
    run("ffmpeg", "-y", "-v", "error", *arguments)


def decoded_md5(path: Path) -> str:
    """The MD5 of the samples that ffmpeg plays: the independent witness of an unchanged essence."""
    status = path.stat()
    return _decoded_md5(path, status.st_size, status.st_mtime_ns)


@cache
def _decoded_md5(path: Path, size: int, mtime_ns: int) -> str:
    shown = run("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "md5", "-")
    return shown.decode().strip().removeprefix("MD5=")


def exiftool(*arguments: str | os.PathLike[str]) -> bytes:
    """The JSON that exiftool prints. Of a kind of file that it does not know it says just that."""
    command = [tool("exiftool"), "-json", "-G1", "-a", *(os.fspath(part) for part in arguments)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode > 1 or not done.stdout:
        pytest.fail(f"{' '.join(command)}\n{done.stderr.decode(errors='replace')}", pytrace=False)
    return done.stdout


def exif(path: Path) -> dict[str, Any]:
    """What exiftool shows, by ``Group:Tag``; lists for repeated tags."""
    (document,) = json.loads(exiftool("-struct", path))
    assert isinstance(document, dict)
    return document


@dataclass(frozen=True)
class Materials:
    """What recipes work with."""

    #: Two seconds of the sample tune, 44.1 kHz stereo, 16 bit.
    clip: Path
    #: Half a minute of it, repeated.
    long: Path
    png: Path
    jpeg: Path
    chapters: Path


Recipe = Callable[[Materials, Path], None]
_RECIPES: dict[tuple[str, str], tuple[str, Recipe]] = {}
_NAMES: dict[str, str] = {}


def recipe(
    container: str, variant: str, extension: str, *, name: str | None = None
) -> Callable[[Recipe], Recipe]:
    """Register a recipe. ``name`` is the container's own where ``container`` stands for one of its codecs."""

    def register(make: Recipe) -> Recipe:
        _RECIPES[container, variant] = (extension, make)
        _NAMES[container] = name or container
        return make

    return register


class Studio:
    """Makes encoder output on demand and keeps it. Callers copy what they change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._materials: Materials | None = None

    def encoded(self, container: str, variant: str = "plain") -> Path:
        extension, make = _RECIPES[container, variant]
        path = self._folder / f"{container}-{variant}.{extension}"
        if not path.exists():
            self._into(path, lambda out: make(self.materials, out))
        return path

    @property
    def materials(self) -> Materials:
        if self._materials is None:
            names = ("clip.wav", "long.wav", "cover.png", "cover.jpg", "chapters.txt")
            made = Materials(*(self._folder / name for name in names))
            self._make_materials(made)
            self._materials = made
        return self._materials

    def _make_materials(self, made: Materials) -> None:
        tune = SAMPLES / "unmarked" / "tune.wav"
        stereo = ("-fflags", "+bitexact", "-ac", "2", "-ar", "44100", "-map_metadata", "-1")
        self._into(made.clip, lambda out: ffmpeg("-i", tune, "-t", "2", *stereo, out))
        self._into(made.long, lambda out: ffmpeg("-stream_loop", "-1", "-i", tune, "-t", "30", *stereo, out))
        flac = SAMPLES / "unmarked" / "tune.flac"
        self._into(made.png, lambda out: run("metaflac", f"--export-picture-to={out}", flac))
        self._into(made.jpeg, lambda out: ffmpeg("-i", made.png, out))
        self._into(made.chapters, lambda out: out.write_text(CHAPTERS, encoding="utf-8"))

    def _into(self, path: Path, make: Callable[[Path], object]) -> None:
        """Made beside its place and moved there, because several test workers share the folder."""
        if path.exists():
            return
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            out = Path(scratch) / path.name
            make(out)
            os.replace(out, path)


def container_name(container: str) -> str:
    """The name under which noai knows the files of the recipes for ``container``."""
    return _NAMES[container]


def cases() -> list[tuple[str, str]]:
    """Container and variant of every recipe."""
    return list(_RECIPES)


def metadata(**tags: str) -> list[str]:
    return [part for key, value in tags.items() for part in ("-metadata", f"{key}={value}")]
