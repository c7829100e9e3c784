"""Verify other people's test files and hostile ones; print what was decided and what it cost.

    python benchmarks/robustness.py [--cache DIR] [--only NAME] [-o TABLE.md]

Each file is read at both depths by a process of its own, which is asked how long it took and how much
memory it had at most; the slower depth counts. The run fails on a crash, on a file below 10 MB that takes
more than two seconds of CPU time or 200 MB, and where the two depths decide differently.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hostile_files import write_hostile
from test_sets import PACKAGES, TestSet

import noai

SMALL = 10_000_000
SECONDS = 2.0
MEGABYTES = 200
DECISIONS = ("allowed", "unreserved", "undecided", "rejected")


@dataclass(frozen=True)
class Outcome:
    path: Path
    decision: str
    #: Of the error, and of what made the file undecided.
    codes: tuple[str, ...]
    container: str
    seconds: float
    megabytes: float

    @property
    def fault(self) -> str | None:
        if self.decision not in DECISIONS:
            return self.decision
        if self.path.stat().st_size < SMALL and self.seconds > SECONDS:
            return f"{self.seconds:.1f} s"
        if self.path.stat().st_size < SMALL and self.megabytes > MEGABYTES:
            return f"{self.megabytes:.0f} MB"
        return None


@dataclass
class Tally:
    name: str
    outcomes: list[Outcome] = field(default_factory=list)

    def row(self) -> str:
        decided = Counter(outcome.decision for outcome in self.outcomes)
        codes = Counter(code for outcome in self.outcomes for code in outcome.codes)
        slowest = max(self.outcomes, key=lambda outcome: outcome.seconds)
        peak = max(outcome.megabytes for outcome in self.outcomes)
        shown = ", ".join(f"{code} {count}" for code, count in codes.most_common(6))
        figures = " | ".join(str(decided[decision]) for decision in DECISIONS)
        faults = sum(outcome.fault is not None for outcome in self.outcomes)
        return (
            f"| {self.name} | {len(self.outcomes)} | {figures} | {shown or '–'} | {slowest.seconds:.2f} s "
            f"({slowest.path.name}) | {peak:.0f} | {faults} |"
        )


def judge(path: Path) -> Outcome:
    """Fork, so that time and memory are the file's own; the library is loaded already."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        with os.fdopen(writer, "w") as out:
            began = time.process_time()
            verdict = noai.verify(path, trust=noai.TrustList())
            between = time.process_time()
            quick = noai.verify(path, trust=noai.TrustList(), depth=noai.Depth.DECISION)
            spent = max(between - began, time.process_time() - between)
            record = verdict.record()
            if quick.decision is not verdict.decision:
                record["decision"] = f"depths differ: {verdict.decision} and {quick.decision}"
            json.dump([record, spent], out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    _, status, usage = os.wait4(child, 0)
    megabytes = usage.ru_maxrss / 1024
    if status or not said:
        return Outcome(path, f"crash ({status})", (), "", usage.ru_utime, megabytes)
    record, spent = json.loads(said)
    codes = [record["error"]["code"]] if record["error"] else []
    if record["decision"] == "undecided":
        codes += [reason["code"] for reason in record["reasons"]]
    return Outcome(
        path, record["decision"], tuple(dict.fromkeys(codes)), record["container"] or "", spent, megabytes
    )


def summary(tallies: list[Tally]) -> str:
    head = ("set", "files", *DECISIONS, "codes", "slowest", "peak MB", "faults")
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    lines += [tally.row() for tally in tallies]
    outcomes = [outcome for tally in tallies for outcome in tally.outcomes]
    containers = Counter(outcome.container or "none" for outcome in outcomes)
    lines += ["", "Containers: " + ", ".join(f"{name} {count}" for name, count in containers.most_common())]
    baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    lines += ["", f"{len(outcomes)} files; the process without a file has {baseline} MB.", ""]
    lines += [f"- {outcome.path.name}: {outcome.fault}" for outcome in outcomes if outcome.fault]
    return "\n".join(lines).rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cache", type=Path, default=Path("test-sets"), help="where packages are kept")
    parser.add_argument("--only", help="sets whose name contains this")
    parser.add_argument("-o", "--output", type=Path, help="write the table there as well")
    options = parser.parse_args()
    sets = [TestSet("hostile (own generator)", "", write_hostile), *PACKAGES]
    tallies = []
    for each in sets:
        if options.only and options.only not in each.name:
            continue
        try:
            files = each.files(options.cache)
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"{each.name}: could not be had: {error}", file=sys.stderr)
            continue
        if files:
            tallies.append(Tally(each.name, [judge(path) for path in files]))
            print(tallies[-1].row(), file=sys.stderr)
    report = summary(tallies)
    print(report)
    if options.output:
        options.output.write_text(f"{report}\n", "utf-8")
    sys.exit(any(outcome.fault for tally in tallies for outcome in tally.outcomes))


if __name__ == "__main__":
    main()
