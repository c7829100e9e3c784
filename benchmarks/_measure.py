"""Rounds, medians and ratios: what the benchmarks share."""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

MICRO = 1e6


@dataclass(frozen=True)
class Bound:
    """Something that must hold."""

    what: str
    wanted: str
    measured: str
    holds: bool

    @property
    def row(self) -> tuple[str, str, str, str]:
        return self.what, self.wanted, self.measured, "yes" if self.holds else "**no**"


#: The head of a table of bounds.
BOUND_HEAD = ("what must hold", "wanted", "measured", "holds")


@dataclass(frozen=True)
class Cost:
    """What one pass over ``files`` files took, in seconds of all cores together and by the clock."""

    files: int
    cpu: float
    wall: float

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU time a file."""
        return self.cpu / self.files * MICRO

    @property
    def rate(self) -> float:
        """Files a second by the clock."""
        return self.files / self.wall


#: One pass. What it is about, it knows.
Pass = Callable[[], Cost]


@dataclass
class Rounds:
    """The costs of several contenders, round by round."""

    costs: dict[str, list[Cost]] = field(default_factory=dict)

    def run(self, passes: Mapping[str, Pass], rounds: int) -> None:
        """Every contender once a round, so that a busy machine is busy for all; the first round warms up."""
        for number in range(rounds + 1):
            for name, one in passes.items():
                cost = one()
                if number:
                    self.costs.setdefault(name, []).append(cost)

    def __contains__(self, name: object) -> bool:
        return name in self.costs

    def cpu_us(self, name: str) -> float:
        return statistics.median(cost.cpu_us for cost in self.costs[name])

    def rate(self, name: str) -> float:
        return statistics.median(cost.rate for cost in self.costs[name])

    def cpu_ratio(self, name: str, other: str) -> float:
        """CPU time a file of ``name`` as a multiple of that of ``other``: the median over the rounds."""
        pairs = zip(self.costs[name], self.costs[other], strict=True)
        return statistics.median(one.cpu_us / two.cpu_us for one, two in pairs)

    def rate_ratio(self, name: str, other: str) -> float:
        """Files a second of ``name`` as a multiple of those of ``other``: the median over the rounds."""
        pairs = zip(self.costs[name], self.costs[other], strict=True)
        return statistics.median(one.rate / two.rate for one, two in pairs)


def loop(work: Callable[[str], object], paths: Sequence[str], times: int = 1) -> Cost:
    """``work`` on every path in this process."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(times):
        for path in paths:
            work(path)
    return Cost(len(paths) * times, time.process_time() - cpu, time.perf_counter() - wall)


def drain(items: Callable[[], Iterable[object]]) -> Cost:
    """As many files as ``items`` yields things, in this process."""
    cpu, wall = time.process_time(), time.perf_counter()
    count = sum(1 for _ in items())
    return Cost(count, time.process_time() - cpu, time.perf_counter() - wall)


def command(
    words: Sequence[str | Path], files: int, home: Path, accepted: tuple[int, ...] = (0,)
) -> tuple[Cost, str]:
    """A command with all that it starts, from start to exit, and what it printed."""
    wall = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            list(map(str, words)),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            env=os.environ | {"NOAI_HOME": str(home)},
        )
        # Its usage counts that of every child that it has waited for.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - wall
        process.returncode = os.waitstatus_to_exitcode(status)
        printed, complaint = _text(out), _text(errors)
    if process.returncode not in accepted:
        raise SystemExit(f"{shlex.join(map(str, words))}: exit {process.returncode}\n{complaint}")
    return Cost(files, usage.ru_utime + usage.ru_stime, wall), printed


def verify_words(tree: Path, out: Path, jobs: int) -> list[str]:
    """The installed command at decision depth, from a folder to JSONL."""
    noai = Path(sys.executable).with_name("noai")
    return [
        *map(str, (noai, "verify", tree, "-o", out, "--jobs", jobs)),
        *("--depth", "decision", "--format", "jsonl"),
    ]


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first hold numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
