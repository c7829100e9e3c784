"""Evidence depth as a share of raw SHA-256 throughput over the same bytes, in the same process.

    python benchmarks/evidence.py [--rounds N] [--only WORD]... [--keep FOLDER]

Makes tracks of about 5 and 25 MB with ffmpeg, flac, lame, oggenc and opusenc, marks each with and without a
C2PA manifest, and measures three things over each: a loop of ``hashlib.sha256`` over 1 MiB reads,
``Verifier(depth=EVIDENCE).verify(path)``, and the reading of the essence alone. All are wall time with the
file in the page cache; the rounds are interleaved; a share is the median over the rounds of the quotient.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import noai
from noai.algorithms import Algorithm
from noai.containers.registry import detect, read_essence
from noai.identities import IdentityStore
from noai.signing import Signer, now
from noai.sources import open_path

ROUNDS = 41
BLOCK = 1 << 20
MB = 10**6
#: Chords over noise that swells and fades: encoders find about as much in it as in music.
SOUND = (
    "anoisesrc=c=pink:r=44100:a=0.4:s=7:d={seconds}[n];"
    "aevalsrc='0.2*sin(2*PI*220*t)+0.15*sin(2*PI*277.18*t)+0.1*sin(2*PI*329.63*t)"
    "|0.2*sin(2*PI*221*t)+0.15*sin(2*PI*276*t)+0.1*sin(2*PI*660*t)':s=44100:d={seconds}[c];"
    "[n]tremolo=f=0.5:d=0.8,aformat=channel_layouts=stereo[m];[m][c]amix=inputs=2"
)


@dataclass(frozen=True)
class Format:
    """How a track of so many seconds is made from the WAV file {wav}, and the share that is asked for."""

    suffix: str
    command: str
    seconds: tuple[int, int]
    wanted: float


FORMATS = {
    "WAV": Format(".wav", "cp {wav} {out}", (30, 150), 0.85),
    "FLAC": Format(".flac", "flac -s -o {out} {wav}", (75, 350), 0.85),
    "M4A, AAC 256k": Format(
        ".m4a", "ffmpeg -v error -y -i {wav} -c:a aac -b:a 256k -movflags +faststart {out}", (180, 850), 0.6
    ),
    "MP3, 320k": Format(".mp3", "lame --quiet -b 320 {wav} {out}", (140, 640), 0.4),
    "MP3, V0": Format(".mp3", "lame --quiet -V 0 {wav} {out}", (215, 1000), 0.4),
    "Ogg Vorbis, q8": Format(".ogg", "oggenc -Q -q 8 -o {out} {wav}", (240, 1100), 0.17),
    "Ogg Opus, 256k": Format(".opus", "opusenc --quiet --bitrate 256 {wav} {out}", (170, 800), 0.17),
}


def run(command: str, **names: object) -> None:
    words = [word.format(**names) for word in command.split()]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make(folder: Path, signer: Signer, only: list[str]) -> Iterator[tuple[str, Path, float]]:
    """What each marked track is called, where it is, and the share that is asked for."""
    for name, form in FORMATS.items():
        if only and not any(word.casefold() in name.casefold() for word in only):
            continue
        for seconds in form.seconds:
            wav = folder / f"{seconds}.wav"
            if not wav.exists():
                sound = SOUND.format(seconds=seconds)
                words = ["ffmpeg", "-v", "error", "-filter_complex", sound, "-c:a", "pcm_s16le", str(wav)]
                subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
            stem = name.replace(", ", "-").replace(" ", "-")
            plain = folder / f"{stem}-{seconds}{form.suffix}"
            if not plain.exists():
                run(form.command, wav=wav, out=plain)
            for c2pa in (False, True):
                marked = plain.with_stem(f"{plain.stem}-{'c2pa' if c2pa else 'marker'}")
                marked.unlink(missing_ok=True)
                result = noai.mark(plain, marked, signer=signer, c2pa=c2pa)
                if result.c2pa == c2pa:
                    yield f"{name}{', C2PA' if c2pa else ''}", marked, form.wanted


def raw(path: Path) -> None:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    digest.digest()


def essence(path: Path) -> None:
    with open_path(path) as (source, _):
        read_essence(source, detect(source))


def seconds(work: Callable[[Path], object], path: Path) -> float:
    start = time.perf_counter()
    work(path)
    return time.perf_counter() - start


def measure(path: Path, verifier: noai.Verifier, rounds: int) -> tuple[float, float, float]:
    """Raw bytes a second, and the shares of verifying and of the essence alone."""
    verdict = verifier.verify(path)
    checks = {str(check) for s in verdict.record()["signals"] for check in (s["signature"], s["binding"])}
    if "fail" in checks or "pass" not in checks or verdict.error is not None:
        raise SystemExit(f"{path}: the mark does not hold: {verdict.record()}")
    works: tuple[Callable[[Path], object], ...] = (raw, verifier.verify, essence)
    times = [[seconds(work, path) for work in works] for _ in range(rounds)]
    shares = [statistics.median(row[0] / row[column] for row in times) for column in (1, 2)]
    return path.stat().st_size / statistics.median(row[0] for row in times), shares[0], shares[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", action="append", default=[], help="formats with this word in their name")
    parser.add_argument("--keep", type=Path, help="a folder for the files, to be used again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.keep or Path(made)
        folder.mkdir(exist_ok=True)
        identity = IdentityStore(Path(made) / "home").create("bench", Algorithm.ES256, at=now())
        trust = noai.TrustList(own=(identity.as_trust(),))
        verifier = noai.Verifier(trust=trust, depth=noai.Depth.EVIDENCE)
        print("| file | MB | SHA-256, MB/s | verify | essence alone | asked for |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for name, path, wanted in make(folder, identity.signer(), arguments.only):
            speed, verify, alone = measure(path, verifier, arguments.rounds)
            size = path.stat().st_size / MB
            print(
                f"| {name} | {size:.1f} | {speed / MB:,.0f} | {verify:.0%} | {alone:.0%} | {wanted:.0%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
