"""The base files: 48 tracks, their formats in the shares that music corpora have them, each also marked.

26 MP3 (54 %), 7 FLAC (15 %), 6 M4A (13 %), 4 WAV (8 %), 3 Ogg Vorbis and 2 Opus (10 %).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import noai
from corpus import id3, sounds, tags
from corpus.sounds import WORKERS
from corpus.trees import EDITIONS
from noai.algorithms import Algorithm
from noai.identities import IdentityStore
from noai.signing import now

#: How often a long file repeats its track: a DJ set, an audiobook.
LONG = 10
#: Where packets that are copied in a loop make a file that no encoder would write: how often, and by what.
ENCODED_AGAIN = {".flac": (LONG, "flac"), ".ogg": (3, "libvorbis -q:a 6"), ".opus": (3, "libopus -b:a 128k")}


@dataclass(frozen=True)
class Base:
    """One base file before it is made."""

    encoding: str
    tag: Callable[[Path, int, Path | None], None]
    cover: str | None = None


def _mp3(
    encoding: str, tagger: id3.Tagger, cover: str | None = None, *, v1: bool = False, ape: bool = False
) -> Base:
    return Base(f"mp3-{encoding}", partial(_tag_mp3, tagger, v1, ape), cover)


def _tag_mp3(tagger: id3.Tagger, v1: bool, ape: bool, path: Path, seed: int, cover: Path | None) -> None:
    tagger(path, seed, cover, v1)
    if ape:
        id3.replay_gain(path, seed)


J35, J85, J160, J270, J430, J510, PNG = sounds.COVERS
MIX = (
    _mp3("320", id3.store, J430, v1=True),
    _mp3("320", id3.picard, J510),
    _mp3("320", id3.serato, J160),
    _mp3("320", id3.kid3, J270),
    _mp3("256", id3.store, J270, v1=True),
    _mp3("256", id3.jukebox, J160, v1=True),
    _mp3("256", id3.traktor, J85),
    _mp3("256", id3.store, J35),
    _mp3("192", id3.jukebox, J85, v1=True, ape=True),
    _mp3("192", id3.few, v1=True),
    _mp3("192", id3.lavf, J270, v1=True),
    _mp3("128-tagged", id3.encoder),
    _mp3("128-tagged", id3.jukebox, J35, v1=True),
    _mp3("v0", id3.picard, J270),
    _mp3("v0", id3.store, J510, v1=True),
    _mp3("v0", id3.serato, J430),
    _mp3("v0", id3.jukebox, J160, v1=True, ape=True),
    _mp3("v2", id3.picard, J85),
    _mp3("v2", id3.few, J35, v1=True),
    _mp3("v2", id3.kid3),
    _mp3("v2", id3.encoder),
    _mp3("320-no-info", id3.store, J270),
    _mp3("320-no-info", id3.picard, J160, v1=True, ape=True),
    _mp3("192-no-info", id3.few, v1=True),
    _mp3("q2-lavf", id3.lavf, J85),
    _mp3("q2-lavf", id3.traktor, J430, v1=True),
    Base("flac-cd", tags.flac_metaflac, J270),
    Base("flac-cd", tags.flac_tagger, J430),
    Base("flac-quiet", tags.flac_metaflac),
    Base("flac-quiet", tags.flac_tagger, J510),
    Base("flac-loud", tags.flac_tagger, J160),
    Base("flac-24-bit", tags.flac_tagger, PNG),
    Base("flac-loud", tags.encoder),
    Base("m4a-256-last", tags.m4a_lavf, J270),
    Base("m4a-256-last", tags.m4a_tagger, PNG),
    Base("m4a-256-first", tags.m4a_shop, J160),
    Base("m4a-256-first", tags.m4a_tagger, J430),
    Base("m4a-160-first", tags.m4a_shop, J510),
    Base("m4a-160-first", tags.m4a_shop, J85),
    Base("wav-cd", tags.wav_info),
    Base("wav-cd", tags.encoder),
    Base("wav-short", tags.wav_id3, J160),
    Base("wav-24-bit", tags.wav_studio),
    Base("vorbis-q5", tags.ogg, J160),
    Base("vorbis-q5", tags.ogg_vorbiscomment),
    Base("vorbis-lavf", tags.ogg),
    Base("opus-160", tags.ogg, J270),
    Base("opus-lavf", tags.ogg),
)
#: One long file a format, by the place of the track in the mix that it repeats.
LONG_OF = {"mp3": 0, "flac": 0, "m4a": 0, "wav": 0, "ogg": 2, "opus": 1}


def build(folder: Path) -> None:
    """Make ``unmarked``, ``marker`` and ``c2pa`` in ``folder``, and the same three in ``long``."""
    made = sounds.make(folder / "sounds")
    plain = folder / "unmarked"
    # Links to files that are replaced would keep the old ones.
    for stale in ("trees", "copies", "long/copies"):
        shutil.rmtree(folder / stale, ignore_errors=True)
    shutil.rmtree(plain, ignore_errors=True)
    plain.mkdir()
    jobs = [(number, plain / _name(number), made) for number in range(len(MIX))]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        list(pool.map(_make, jobs))
        long = folder / "long" / "unmarked"
        long.mkdir(parents=True, exist_ok=True)
        list(pool.map(_lengthen, [(s, long / s.name) for s in reversed([*_long_sources(plain)])]))
        shutil.rmtree(folder / "home", ignore_errors=True)
        IdentityStore(folder / "home").create("bench", Algorithm.ES256, at=now())
        work = []
        for parent in (folder, folder / "long"):
            for edition in EDITIONS[1:]:
                shutil.rmtree(parent / edition, ignore_errors=True)
                (parent / edition).mkdir()
                work += [
                    (p, parent / edition / p.name, folder) for p in sorted((parent / EDITIONS[0]).iterdir())
                ]
        list(pool.map(_mark, work))


def _name(number: int) -> str:
    encoding = next(e for e in sounds.ENCODINGS if e.name == MIX[number].encoding)
    return f"{number:02} {encoding.name}{encoding.suffix}"


def _make(job: tuple[int, Path, dict[str, Path]]) -> None:
    number, path, made = job
    base = MIX[number]
    shutil.copyfile(made[base.encoding], path)
    base.tag(path, number, None if base.cover is None else made[base.cover])


def _long_sources(plain: Path) -> Iterator[Path]:
    files = sorted(plain.iterdir())
    for suffix, place in LONG_OF.items():
        yield [file for file in files if file.suffix == f".{suffix}"][place]


def _lengthen(job: tuple[Path, Path]) -> None:
    source, out = job
    if out.exists():
        return
    times, codec = ENCODED_AGAIN.get(out.suffix, (LONG, "copy"))
    sounds.run(
        f"ffmpeg -v error -y -stream_loop {times - 1} -i {{wav}} -map 0:a -c:a {codec}"
        " -fflags +bitexact -flags:a +bitexact {out}",
        wav=source,
        out=out,
    )


def _mark(job: tuple[Path, Path, Path]) -> None:
    source, out, folder = job
    signer = IdentityStore(folder / "home").load("bench").signer()
    noai.mark(source, out, signer=signer, c2pa=out.parent.name == "c2pa")
