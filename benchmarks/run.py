"""All benchmarks of deciding many files, as one report in Markdown.

    python benchmarks/run.py [--quick] [--write] [--skip PART]... [--folder F]

Builds the corpus where it is missing. ``--quick`` takes a few minutes: fewer rounds, 10,000 files at most.
With ``--write`` the report replaces what stands between the markers in docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import growth
import remote
import resume
import throughput
from _measure import BOUND_HEAD, Bound, table
from corpus import MIX, default_folder, ready

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- benchmarks/run.py begins -->", "<!-- benchmarks/run.py ends -->"
PACKAGES = ("mutagen", "tinytag", "c2pa-python", "datadiligence")


@dataclass(frozen=True)
class Part:
    """One part of the report."""

    title: str
    text: str
    bounds: list[Bound]


def peers(folder: Path, quick: bool) -> Part:
    size = throughput.QUICK if quick else throughput.FULL
    with tempfile.TemporaryDirectory() as scratch:
        rounds = throughput.peers(folder, size, [], Path(scratch))
    note = (
        f"Unmarked files in the shares of music corpora, {throughput.COPIED} different ones by hard links. "
        f"Decision depth unless the name says otherwise. Median of {size.rounds} rounds. Evidence depth and "
        f"SHA-256 see {len(MIX)} files; commands and `corpus.scan` {size.files:,}; what commands take holds "
        "starting Python."
    )
    return Part(
        "Beside others", f"{note}\n\n{throughput.peer_table(rounds)}", [*throughput.peer_bounds(rounds)]
    )


def marked(folder: Path, quick: bool) -> Part:
    size = throughput.QUICK if quick else throughput.FULL
    shares = throughput.marked(folder, size)
    usual, long = (throughput.formats(folder, size, is_long) for is_long in (False, True))
    text = (
        f"{throughput.marked_table(shares)}\n\nOne format at a time; *long* files last three to ten times as "
        f"long.\n\n{throughput.format_table(usual, long)}"
    )
    return Part("Marked and unmarked", text, [*throughput.marked_bounds(shares, usual, long)])


def grown(folder: Path, quick: bool) -> Part:
    largest = growth.BASE if quick else growth.SIZES[-1]
    runs = growth.measure(folder, largest, growth.ROUNDS, 2)
    single = growth.alone(folder, largest)
    text = (
        f"`noai verify --jobs 2` to JSONL, {growth.MARKED} % of the files marked. Memory is the proportional "
        f"set size of all processes together.\n\n{growth.growth_table(runs)} With `--jobs 1`, "
        f"{largest:,} files take {single.wall:.1f} s."
    )
    return Part("Growth", text, [growth.workers_bound(runs, single), *growth.growth_bounds(runs)])


def evidence(folder: Path, quick: bool) -> Part:
    """What ``evidence.py`` prints, and what that comes to for each format."""
    kept = folder / "evidence"
    words = [sys.executable, HERE / "evidence.py", "--keep", kept, *(("--rounds", "7") if quick else ())]
    printed = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Part(
        "Evidence depth",
        f"As a share of SHA-256 over the same bytes.\n\n{printed.strip()}",
        evidence_bounds(printed),
    )


def evidence_bounds(printed: str) -> list[Bound]:
    """The median share of the digest alone, and of whole verifications, of each format.

    The share that is asked for stands in the last column.
    """
    hashing: dict[str, list[float]] = {}
    whole: dict[str, list[float]] = {}
    asked: dict[str, float] = {}
    for line in printed.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        percents = [float(cell[:-1]) for cell in cells if re.fullmatch(r"[\d.]+%", cell)]
        if len(percents) > 2:
            name = re.split(r"[, ]", cells[0])[0]
            kind = "C2PA " if cells[0].endswith("C2PA") else ""
            whole.setdefault(f"{kind}{name}", []).append(percents[0])
            hashing.setdefault(name, []).append(percents[1])
            asked[name] = percents[-1]
    return [*_shares("digest", hashing, asked), *_shares("whole verification", whole, asked)]


def _shares(what: str, shares: dict[str, list[float]], asked: dict[str, float]) -> Iterator[Bound]:
    for name, some in shares.items():
        wanted, share = asked[name.removeprefix("C2PA ")], statistics.median(some)
        yield Bound(
            f"evidence depth, {what}, {name}",
            f"≥ {wanted:.0f} % of SHA-256",
            f"{share:.0f} %",
            share >= wanted,
        )


def elsewhere(folder: Path, quick: bool) -> Part:
    result = remote.measure(folder)
    text = (
        f"Over HTTP, from a server that counts what it is asked and sends.\n\n{remote.remote_table(result)}"
    )
    return Part("Remote", text, remote.remote_bounds(result))


def resumed(folder: Path, quick: bool) -> Part:
    result = resume.measure(folder, 4_800 if quick else resume.FILES)
    text = (
        f"A run over {result.files:,} files alone takes {result.seconds_alone:.1f} s; what was left of one "
        f"that was killed twice, {result.seconds_resumed:.1f} s."
    )
    return Part("Killed and resumed", text, resume.resume_bounds(result))


PARTS: dict[str, Callable[[Path, bool], Part]] = {
    "peers": peers,
    "marked": marked,
    "growth": grown,
    "evidence": evidence,
    "remote": elsewhere,
    "resume": resumed,
}


def machine() -> str:
    """What the figures were measured on, without a word on whose machine it is."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (found := re.search(r"model name\s*: (.*)", cpuinfo.read_text())):
        model = found[1]
    exiftool = subprocess.run(
        ["exiftool", "-ver"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    usable = len(os.sched_getaffinity(0))
    return (
        f"Python {platform.python_version()}, {platform.system()}, {usable} cores ({model}), warm cache. "
        f"{versions}, exiftool {exiftool}."
    )


def report(folder: Path, quick: bool, skipped: list[str]) -> str:
    parts = []
    for name, measure in PARTS.items():
        if name not in skipped:
            print(f"measuring: {name}", file=sys.stderr, flush=True)
            parts.append(measure(folder, quick))
    bounds = table(BOUND_HEAD, [bound.row for part in parts for bound in part.bounds])
    texts = [f"## {part.title}\n\n{part.text}" for part in parts]
    load = f"Load of the machine when this began: {LOAD:.1f}." if LOAD > 0.5 else ""
    return "\n\n".join([f"{machine()} {load}".strip(), f"## What must hold\n\n{bounds}", *texts])


LOAD = os.getloadavg()[0]


def write(text: str) -> None:
    """Put the report into the page, between the markers."""
    page = PAGE.read_text("utf-8")
    head, found, rest = page.partition(BEGIN)
    _, also, tail = rest.partition(END)
    if not (found and also):
        raise SystemExit(f"{PAGE.name}: the markers are missing")
    PAGE.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where the corpus is kept")
    parser.add_argument("--quick", action="store_true", help="a few minutes")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    parser.add_argument("--skip", action="append", default=[], choices=PARTS, help="leave a part out")
    arguments = parser.parse_args()
    text = report(ready(arguments.folder), arguments.quick, arguments.skip)
    print(text)
    if arguments.write:
        write(text)


if __name__ == "__main__":
    main()
