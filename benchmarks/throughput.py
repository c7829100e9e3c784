"""Deciding files beside other readers: CPU time a file, files a second, and what must hold.

    python benchmarks/throughput.py [--quick] [--folder F] [--rounds N] [--only WORD]...

Every contender sees its files once a round. Rounds are interleaved, the cache is warm, medians count, and
every ratio is the median of the ratios within one round. Slow contenders see fewer files, in the same mix.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import contenders as c
from _measure import BOUND_HEAD, Bound, Cost, Pass, Rounds, command, drain, loop, table, verify_words
from corpus import COPIES, MIX, Tree, default_folder, paths, plant, ready

SCAN_1, SCAN_2 = "noai, corpus.scan, 1 worker", "noai, corpus.scan, 2 workers"
COMMAND_1, COMMAND_2 = "noai verify -o JSONL --jobs 1", "noai verify -o JSONL --jobs 2"
EXIFTOOL = "exiftool -fast2 -@ LIST"
#: Passes over the mix that a contender makes a round: enough to be measured, few enough to be waited for.
PASSES = 60
#: Different files among them.
COPIED = COPIES * len(MIX)
SLOW_PASSES = {"c2pa.Reader": 20, "datadiligence": 20, EXIFTOOL: 10}


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int
    #: Files of the tree that commands and workers get.
    files: int
    #: Files of one format in one edition.
    format_files: int


FULL, QUICK = Size(9, 1000 * len(MIX), 720), Size(3, 200 * len(MIX), 240)


def peers(folder: Path, size: Size, only: list[str], scratch: Path) -> Rounds:
    """Unmarked files, by everybody."""
    tree = plant(folder, Tree(PASSES * len(MIX)))
    listed, many = paths(tree), plant(folder, Tree(size.files))
    passes: dict[str, Pass] = {}
    for name, work in c.READERS.items():
        some = listed[: SLOW_PASSES.get(name, PASSES) * len(MIX)]
        passes[name] = partial(loop, work, some)
    exif = scratch / "list"
    exif.write_text("\n".join(listed[: SLOW_PASSES[EXIFTOOL] * len(MIX)]))
    passes[EXIFTOOL] = lambda: command(
        ["exiftool", "-fast2", "-@", exif], SLOW_PASSES[EXIFTOOL] * len(MIX), scratch
    )[0]
    for name, work in c.HASHERS.items():
        passes[name] = partial(loop, work, listed[: len(MIX)])
    if c.can_scan():
        passes[SCAN_1] = lambda: _scan(many, size.files, 1, scratch)
        passes[SCAN_2] = lambda: _scan(many, size.files, 2, scratch)
    passes[COMMAND_1] = lambda: verify(many, size.files, 1, scratch)
    passes[COMMAND_2] = lambda: verify(many, size.files, 2, scratch)
    rounds = Rounds()
    rounds.run({n: p for n, p in passes.items() if _wanted(n, only)}, size.rounds)
    return rounds


def verify(tree: Path, files: int, jobs: int, scratch: Path) -> Cost:
    """The installed command, from start to exit."""
    out = scratch / "verdicts.jsonl"
    cost, _ = command(verify_words(tree, out, jobs), files, scratch, accepted=(0, 1))
    with out.open("rb") as lines:
        if sum(1 for _ in lines) != files:
            raise SystemExit(f"{out}: not {files} records")
    return cost


def _scan(tree: Path, files: int, jobs: int, scratch: Path) -> Cost:
    """A scan in a process of its own, without what starting Python and importing takes."""
    script = Path(__file__).with_name("_scan.py")
    cost, printed = command([sys.executable, script, tree, str(jobs)], files, scratch)
    count, seconds, before = printed.split()
    if int(count) != files:
        raise SystemExit(f"{tree}: {count} verdicts on {files} files")
    return Cost(files, cost.cpu - float(before), float(seconds))


def marked(folder: Path, size: Size) -> Rounds:
    """Trees with more and more marked files, by the library in one process."""
    files = PASSES * len(MIX)
    trees = {
        "unmarked": Tree(files),
        "2 % marked": Tree(files, 2),
        "50 % marked": Tree(files, 50),
        "all with a marker": Tree(files, 100, "marker"),
        "all with a marker and C2PA": Tree(files, 100, "c2pa"),
    }
    rounds = Rounds()
    rounds.run({name: _decide(plant(folder, tree)) for name, tree in trees.items()}, size.rounds)
    return rounds


def formats(folder: Path, size: Size, long: bool) -> Rounds:
    """One format at a time, unmarked and marked, at their usual length or ten times as long."""
    passes = {}
    for suffix in FORMATS:
        for edition, share in (("unmarked", 0), ("marker", 100), ("c2pa", 100)):
            tree = Tree(size.format_files, share, edition if share else None, suffix, long)
            passes[f"{suffix} {edition}"] = _decide(plant(folder, tree))
    rounds = Rounds()
    rounds.run(passes, size.rounds)
    return rounds


FORMATS = (".mp3", ".flac", ".m4a", ".wav", ".ogg", ".opus")


def _decide(tree: Path) -> Pass:
    if c.can_scan():
        return lambda: drain(lambda: c.scanned(tree))
    listed = paths(tree)
    return lambda: loop(c.DECISION.verify, listed)


def peer_table(rounds: Rounds) -> str:
    """Everybody, the cheapest first."""
    names = sorted(rounds.costs, key=rounds.cpu_us)
    head = ("", "CPU µs a file", "× floor", "files/s", "× mutagen.File")
    return table(
        head,
        [
            (
                name,
                f"{rounds.cpu_us(name):,.1f}",
                f"{rounds.cpu_ratio(name, c.FLOOR):,.1f}" if c.FLOOR in rounds else "",
                f"{rounds.rate(name):,.0f}",
                f"{rounds.rate_ratio(name, c.MUTAGEN):,.2f}" if c.MUTAGEN in rounds else "",
            )
            for name in names
        ],
    )


def marked_table(rounds: Rounds) -> str:
    rows = [
        (name, f"{rounds.cpu_us(name):,.1f}", f"{rounds.cpu_ratio(name, 'unmarked'):.2f}")
        for name in rounds.costs
    ]
    return table(("", "CPU µs a file", "× unmarked"), rows)


def format_table(usual: Rounds, long: Rounds) -> str:
    """CPU time a file by format, length and edition."""
    rows = []
    for suffix in FORMATS:
        for name, rounds in (("", usual), (", long", long)):
            plain, marker, store = (f"{suffix} {edition}" for edition in ("unmarked", "marker", "c2pa"))
            rows.append(
                (
                    suffix[1:] + name,
                    *(f"{rounds.cpu_us(each):,.1f}" for each in (plain, marker, store)),
                    f"{rounds.cpu_ratio(marker, plain):.2f}",
                    f"{rounds.cpu_ratio(store, plain):.2f}",
                )
            )
    head = ("CPU µs a file", "unmarked", "marker", "marker and C2PA", "marker × unmarked", "C2PA × unmarked")
    return table(head, rows)


def peer_bounds(rounds: Rounds) -> Iterator[Bound]:
    """What is asked of the library and of the command. Two workers: see ``growth.py``."""
    library = SCAN_1 if SCAN_1 in rounds else c.VERIFY
    yield _at_least("library, one worker", "mutagen.File", 8, rounds.rate_ratio(library, c.MUTAGEN))
    ratio = rounds.cpu_ratio(library, c.FLOOR)
    yield Bound("CPU time of the library", "≤ 10 × the floor", f"{ratio:.1f} ×", ratio <= 10)
    yield _at_least("command, one job", "mutagen.File", 5, rounds.rate_ratio(COMMAND_1, c.MUTAGEN))


def marked_bounds(rounds: Rounds, usual: Rounds, long: Rounds) -> Iterator[Bound]:
    for name in rounds.costs:
        if name != "unmarked":
            yield _at_most(name, "unmarked", 1.5, rounds.cpu_ratio(name, "unmarked"))
    mixes = [
        statistics.mean(long.cpu_us(f"{suffix} {edition}") for suffix in FORMATS)
        for edition in ("unmarked", "marker", "c2pa")
    ]
    yield _at_most("long files, marked", "unmarked", 1.5, max(mixes[1:]) / mixes[0])
    ratio = statistics.mean(long.cpu_us(n) for n in long.costs) / statistics.mean(
        usual.cpu_us(n) for n in usual.costs
    )
    yield _at_most("long files", "files of usual length", 1.5, ratio)


def _at_least(what: str, than: str, wanted: float, ratio: float) -> Bound:
    return Bound(what, f"≥ {wanted:g} × {than}", f"{ratio:.2f} ×", ratio >= wanted)


def _at_most(what: str, than: str, wanted: float, ratio: float) -> Bound:
    return Bound(what, f"≤ {wanted:g} × {than}", f"{ratio:.2f} ×", ratio <= wanted)


def _wanted(name: str, only: list[str]) -> bool:
    return (
        not only or name in (c.FLOOR, c.MUTAGEN) or any(word.casefold() in name.casefold() for word in only)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where the corpus is kept")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and files")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", action="append", default=[], help="contenders with this word in their name")
    parser.add_argument("--no-formats", action="store_true", help="peers only")
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else FULL
    if arguments.rounds:
        size = Size(arguments.rounds, size.files, size.format_files)
    folder = ready(arguments.folder)
    with tempfile.TemporaryDirectory() as scratch:
        rounds = peers(folder, size, arguments.only, Path(scratch))
    print(peer_table(rounds), flush=True)
    bounds = [] if arguments.only else list(peer_bounds(rounds))
    if not arguments.no_formats:
        shares, usual, long = marked(folder, size), formats(folder, size, False), formats(folder, size, True)
        print(f"\n{marked_table(shares)}\n\n{format_table(usual, long)}")
        bounds += marked_bounds(shares, usual, long)
    if bounds:
        print(f"\n{table(BOUND_HEAD, [bound.row for bound in bounds])}")


if __name__ == "__main__":
    main()
