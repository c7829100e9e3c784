"""A corpus of a thousand tracks, over which every integration has to keep what ``noai verify`` keeps.

Five containers; 200 are marked (20 of them permissions by a trusted signer, some with a C2PA manifest), 20
tampered with, 10 garbage. All differ, all are short.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import mutagen
from mutagen.id3 import TIT2

import noai
from noai.claim import TRAINING_USES
from noai.signing import KeySigner
from noai.trust import May
from tests.audio import SAMPLES, ffmpeg
from tests.signers import signer, trusting

FILES: Final = 1_000
MARKED: Final = 200
PERMITTED: Final = 20
TAMPERED: Final = 20
GARBAGE: Final = 10
_CODECS: Final = {
    "mp3": ("-c:a", "libmp3lame", "-b:a", "96k"),
    "flac": ("-c:a", "flac"),
    "m4a": ("-c:a", "aac", "-b:a", "64k"),
    "wav": ("-c:a", "pcm_s16le"),
    "ogg": ("-c:a", "libvorbis", "-q:a", "2"),
}
#: Where in such a file there is audio, whatever tags it has.
_AUDIO: Final = {".mp3": -500, ".flac": -500, ".ogg": -500, ".m4a": 1_500, ".wav": 2_000}


@dataclass(frozen=True)
class Corpus:
    """The corpus, never to be changed: ``root`` with the tracks, ``home`` with the trust list."""

    root: Path
    home: Path

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """All files, sorted."""
        return tuple(sorted(str(path) for path in self.root.rglob("*") if path.is_file()))

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """What the installed ``noai verify`` says, at evidence depth, by path."""
        lines = (self.home.parent / "verdicts.jsonl").read_text("utf-8").splitlines()
        return {record["path"]: record for record in map(json.loads, lines)}

    @cached_property
    def kept(self) -> frozenset[str]:
        """Paths of what it admits."""
        return frozenset(path for path, record in self.records.items() if record["admitted"])

    def copy(self, folder: Path) -> Corpus:
        """The same corpus elsewhere, to be changed; what it keeps is still told by the paths of this one."""
        shutil.copytree(self.root, folder)
        return Corpus(folder, self.home)

    def relative(self, paths: Iterable[str | os.PathLike[str]]) -> frozenset[str]:
        """Paths as they are below :attr:`root`."""
        return frozenset(os.path.relpath(path, self.root) for path in paths)


def corpus(shared: Path) -> Corpus:
    """The corpus in the folder ``shared``, common to all workers of a run: made by the first one."""
    found = Corpus(shared / "thousand", shared / "thousand-home")
    with _alone(shared / "thousand.lock"):
        if not (shared / "verdicts.jsonl").exists():
            for half_made in (found.root, found.home):
                shutil.rmtree(half_made, ignore_errors=True)
            _make(found)
            _verify(found, shared / "verdicts.jsonl")
    return found


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(made: Corpus) -> None:
    rng = random.Random(1000)
    signed_by = signer()
    made.home.mkdir(parents=True)
    trusting(signed_by.chain, May.PERMIT).save(made.home)
    bases = _bases(made.root.parent / "thousand-bases")
    for number in range(FILES):
        base = bases[number % len(bases)]
        path = made.root / f"disc {number // 100}" / f"{number:03} – tune{base.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(base, path)
        _title(path, f"Tune {number}")
    paths = sorted(made.root.rglob("*.*"))
    rng.shuffle(paths)
    permitted, paths = paths[:PERMITTED], paths[PERMITTED:]
    denied, paths = paths[: MARKED - PERMITTED], paths[MARKED - PERMITTED :]
    tampered, paths = paths[:TAMPERED], paths[TAMPERED:]
    for path in permitted:
        _mark(path, signed_by, allows=True)
    for number, path in enumerate(denied):
        _mark(path, signed_by, c2pa=number % 20 == 0 and path.suffix != ".ogg")
    for number, path in enumerate(tampered):
        _mark(path, signed_by, allows=number % 2 == 0)
        _tamper(path, number)
    for number, path in enumerate(paths[:GARBAGE]):
        path.write_bytes(rng.randbytes(5_000) if number else b"")


def _bases(folder: Path) -> list[Path]:
    """Two takes of a third of a second in each container."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = []
    for take in (0, 1):
        for name, codec in _CODECS.items():
            path = folder / f"{take}.{name}"
            start = ("-ss", str(take), "-t", "0.35")
            ffmpeg("-i", SAMPLES / "unmarked" / "tune.wav", *start, "-ac", "1", "-ar", "44100", *codec, path)
            found.append(path)
    return found


def _title(path: Path, title: str) -> None:
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if path.suffix in (".mp3", ".wav"):
        file.tags.add(TIT2(encoding=3, text=title))
    else:
        file["\xa9nam" if path.suffix == ".m4a" else "title"] = [title]
    file.save()


def _mark(path: Path, signed_by: KeySigner, *, allows: bool = False, c2pa: bool = False) -> None:
    allow = TRAINING_USES if allows else ()
    noai.mark(path, in_place=True, signer=signed_by, allow=allow, c2pa=c2pa)


def _tamper(path: Path, number: int) -> None:
    """Change the audio, the token, or cut the file short."""
    data = bytearray(path.read_bytes())
    if number % 4 < 2:
        place = data.index(b"eyJ") + 400  # inside the token
        data[place] = ord("A") if data[place] != ord("A") else ord("B")
    elif number % 4 == 2:
        data[_AUDIO[path.suffix]] ^= 0xFF
    else:
        del data[-300:]
    path.write_bytes(data)


def _verify(made: Corpus, output: Path) -> None:
    command = [sys.executable, "-m", "noai", "verify", made.root, "--format", "jsonl", "-o", output]
    environment = {**os.environ, "NOAI_HOME": str(made.home)}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode in (1, 3), done.stderr.decode()
