"""Fuzz every target for a long time and print what was run: ``python -m tests.fuzz.long_run``."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.seeds import write_seeds
from tests.fuzz.targets import targets

_EXECUTED = re.compile(rb"stat::number_of_executed_units:\s*(\d+)")
_SLOWEST = re.compile(rb"stat::slowest_unit_time_sec:\s*(\d+)")
_PEAK = re.compile(rb"stat::peak_rss_mb:\s*(\d+)")
_COVERAGE = re.compile(rb"cov: (\d+)")


@dataclass(frozen=True)
class Run:
    name: str
    inputs: int
    seconds: float
    edges: int
    slowest: int
    peak_mb: int
    failed: bool
    said: str


def fuzz(name: str, corpus: Path, runs: int) -> Run:
    command = (sys.executable, "-m", "tests.fuzz.fuzz", name, str(corpus), f"-runs={runs}")
    began = time.monotonic()
    done = subprocess.run((*command, "-print_final_stats=1"), capture_output=True, check=False)
    said = done.stdout + done.stderr

    def number(pattern: re.Pattern[bytes]) -> int:
        found = pattern.findall(said)
        return int(found[-1]) if found else 0

    return Run(
        name,
        number(_EXECUTED),
        time.monotonic() - began,
        number(_COVERAGE),
        number(_SLOWEST),
        number(_PEAK),
        bool(done.returncode),
        said.decode(errors="replace")[-3000:],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="over all targets (default: 1,000,000)")
    parser.add_argument("--jobs", type=int, default=2, help="targets at once (default: 2)")
    parser.add_argument("--corpus", type=Path, default=Path("fuzz-corpus"), help="kept between runs")
    options = parser.parse_args()
    options.corpus.mkdir(parents=True, exist_ok=True)
    write_seeds(options.corpus)
    names = [name for name, _ in targets()]
    share = -(-options.inputs // len(names))
    began = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as pool:
        runs = list(pool.map(lambda name: fuzz(name, options.corpus, share), names))
    print("| target | inputs | seconds | edges | slowest input, s | peak MB | |")
    print("| --- |" + " ---: |" * 5 + " --- |")
    for run in runs:
        result = "failed" if run.failed else "clean"
        figures = f"{run.inputs:,} | {run.seconds:.0f} | {run.edges} | {run.slowest} | {run.peak_mb}"
        print(f"| {run.name} | {figures} | {result} |")
    total = sum(run.inputs for run in runs)
    print(f"\n{total:,} inputs in {time.monotonic() - began:.0f} s, {options.jobs} at once")
    for run in runs:
        if run.failed:
            print(f"\n{run.name}:\n{run.said}", file=sys.stderr)
    sys.exit(any(run.failed for run in runs))


if __name__ == "__main__":
    main()
