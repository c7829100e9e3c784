"""From 1,000 to 1,000,000 files: time a file, and peak memory of the whole process tree.

    python benchmarks/growth.py [--up-to N] [--rounds N] [--jobs N] [--folder F]

The installed command writes JSONL, over folders of hard links that stay for the next run (``build_corpus.py
--remove-trees`` removes them; that takes a while). Memory is the proportional set size (PSS), summed over the
command and every process below it ten times a second: pages that processes share count once.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from _measure import MICRO, Bound, table, verify_words
from corpus import MIX, Tree, default_folder, plant, ready

SIZES = (1_000, 10_000, 100_000, 1_000_000)
#: Where growth is counted from: below, starting the processes takes longest.
BASE = 10_000
#: Per cent of the files that are marked.
MARKED = 2
#: A run over a million files is long enough to be its own median.
ROUNDS = 1
INTERVAL = 0.1
MB = 10**6


@dataclass(frozen=True)
class Run:
    """One run of the command."""

    files: int
    wall: float
    cpu: float
    peak: int


def run(tree: Path, files: int, jobs: int, scratch: Path) -> Run:
    """Verify a tree, and watch the memory of what that starts."""
    out = scratch / "verdicts.jsonl"
    words = verify_words(tree, out, jobs)
    start = time.perf_counter()
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"NOAI_HOME": str(scratch)},
    )
    root, peak, pid = psutil.Process(process.pid), 0, 0
    while not pid:
        peak = max(peak, _pss(root))
        time.sleep(INTERVAL)
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    with out.open("rb") as lines:
        records = sum(1 for _ in lines)
    if process.returncode not in (0, 1) or records != files:
        raise SystemExit(f"{shlex.join(words)}: exit {process.returncode}, {records} records")
    return Run(files, wall, usage.ru_utime + usage.ru_stime, peak)


def _pss(root: psutil.Process) -> int:
    total = 0
    with suppress(psutil.Error):  # it has just ended
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_full_info().pss
    return total


def measure(folder: Path, up_to: int, rounds: int, jobs: int) -> list[list[Run]]:
    """The runs of every size, ``rounds`` each, with a warm cache."""
    sizes = [len(MIX), *(size for size in SIZES if size <= up_to)]
    trees = [(plant(folder, Tree(size, MARKED)), size) for size in sizes]
    runs: list[list[Run]] = [[] for _ in sizes]
    with tempfile.TemporaryDirectory() as scratch:
        for tree, size in trees:
            _warm(tree)
            if size <= BASE:
                run(tree, size, jobs, Path(scratch))
        for _ in range(rounds):
            for (tree, size), some in zip(trees, runs, strict=True):
                some.append(run(tree, size, jobs, Path(scratch)))
    return runs


def alone(folder: Path, files: int) -> Run:
    """One run by a single process, which walks, judges and writes: what several are measured by."""
    tree = plant(folder, Tree(files, MARKED))
    with tempfile.TemporaryDirectory() as scratch:
        return run(tree, files, 1, Path(scratch))


def workers_bound(runs: list[list[Run]], single: Run) -> Bound:
    """How much faster two workers are than one, the start of all processes included."""
    ratio = single.wall / _wall(runs[-1])
    return Bound(f"two workers, {single.files:,} files", "≥ 1.6 × one", f"{ratio:.2f} ×", ratio >= 1.6)


def _warm(tree: Path) -> None:
    """Let the system learn every name. The files behind them are the same in every tree."""
    for group in os.scandir(tree):
        for entry in os.scandir(group):
            os.stat(entry.path)


def growth_table(runs: list[list[Run]]) -> str:
    start = _wall(runs[0])
    rows = [
        (
            f"{some[0].files:,}",
            f"{_wall(some):,.1f}",
            f"{_us(some):,.1f}",
            f"{(_wall(some) - start) / some[0].files * MICRO:,.1f}",
            f"{_cpu_us(some):,.1f}",
            f"{max(one.peak for one in some) / MB:,.0f}",
        )
        for some in runs[1:]
    ]
    return (
        table(("files", "s", "µs a file", "without the start", "CPU µs a file", "peak MB"), rows)
        + f"\n\nStarting, and {len(MIX)} files, takes {start:.2f} s."
    )


def growth_bounds(runs: list[list[Run]]) -> list[Bound]:
    by_size = {some[0].files: some for some in runs}
    largest = runs[-1]
    files = f"{largest[0].files:,} files"
    bounds = []
    if BASE in by_size and largest[0].files > BASE:
        ratio = _us(largest) / _us(by_size[BASE])
        bounds.append(
            Bound(f"time a file at {files}", f"≤ 1.2 × at {BASE:,}", f"{ratio:.2f} ×", ratio <= 1.2)
        )
        # The start weighs most where there are few files, which would hide growth.
        start = _wall(runs[0])
        ratio = ((_wall(largest) - start) / largest[0].files) / ((_wall(by_size[BASE]) - start) / BASE)
        bounds.append(
            Bound("the same without the start", f"≤ 1.2 × at {BASE:,}", f"{ratio:.2f} ×", ratio <= 1.2)
        )
        ratio = _cpu_us(largest) / _cpu_us(by_size[BASE])
        bounds.append(
            Bound(f"CPU time a file at {files}", f"≤ 1.2 × at {BASE:,}", f"{ratio:.2f} ×", ratio <= 1.2)
        )
    peak = max(one.peak for some in runs for one in some) / MB
    bounds.append(Bound(f"peak memory of all processes, {files}", "< 400 MB", f"{peak:.0f} MB", peak < 400))
    return bounds


def _wall(runs: list[Run]) -> float:
    return statistics.median(one.wall for one in runs)


def _us(runs: list[Run]) -> float:
    return _wall(runs) / runs[0].files * MICRO


def _cpu_us(runs: list[Run]) -> float:
    return statistics.median(one.cpu for one in runs) / runs[0].files * MICRO


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where the corpus is kept")
    parser.add_argument("--up-to", type=int, default=SIZES[-1], help="files of the largest tree")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    runs = measure(ready(arguments.folder), arguments.up_to, arguments.rounds, arguments.jobs)
    print(growth_table(runs))
    for bound in growth_bounds(runs):
        print(f"{bound.what}: {bound.measured}, wanted {bound.wanted}: {'holds' if bound.holds else 'FAILS'}")


if __name__ == "__main__":
    main()
