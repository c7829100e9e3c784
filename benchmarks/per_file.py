"""CPU time a file: noai beside other readers, as multiples of open + pread + close.

    python benchmarks/per_file.py [PATH...]

Every contender sees every file once a round; the rounds are interleaved, so that a busy machine is
busy for all of them; the median round counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import c2pa
import mutagen
import tinytag

import noai
from noai.corpus.walking import walk

ROUNDS = 15
HEAD = 4096
SAMPLES = Path(__file__).resolve().parent.parent / "sample_audio" / "unmarked"

Contender = Callable[[str], object]


def floor(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        os.pread(descriptor, HEAD, 0)
        os.pread(descriptor, HEAD, max(0, size - HEAD))
    finally:
        os.close(descriptor)


def c2pa_reader(path: str) -> object:
    try:
        return c2pa.Reader.try_create(path)
    except c2pa.C2paError:
        return None  # a container that it does not know


def contenders() -> dict[str, Contender]:
    nobody = noai.TrustList()
    evidence = noai.Verifier(trust=nobody)
    decision = noai.Verifier(trust=nobody, depth=noai.Depth.DECISION)
    return {
        "open + pread + close": floor,
        "noai, decision depth": decision.verify,
        "tinytag": tinytag.TinyTag.get,
        "noai, evidence depth": evidence.verify,
        "mutagen.File": mutagen.File,
        "c2pa.Reader": c2pa_reader,
    }


def cpu_seconds(contender: Contender, paths: Iterable[str]) -> float:
    start = time.process_time()
    for path in paths:
        contender(path)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("paths", nargs="*", default=[str(SAMPLES)])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    paths = [os.fspath(candidate.path) for candidate in walk(arguments.paths)]
    rounds: dict[str, list[float]] = {name: [] for name in contenders()}
    for _ in range(arguments.rounds):
        for name, contender in contenders().items():
            rounds[name].append(cpu_seconds(contender, paths))
    medians = {name: statistics.median(times) / len(paths) for name, times in rounds.items()}
    lowest = medians["open + pread + close"]
    print(f"{len(paths)} files, {arguments.rounds} rounds, medians")
    for name, seconds in sorted(medians.items(), key=lambda item: item[1]):
        print(f"{name:22} {seconds * 1e6:8.1f} µs CPU a file {seconds / lowest:8.1f} x the floor")


if __name__ == "__main__":
    main()
