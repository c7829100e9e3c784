"""Distributed engines beside a local scan: CPU time a file, and what must hold.

    python benchmarks/engines.py [--files N] [--jobs N] [--rounds N] [--only ENGINE]...

Each runs on this machine, over the same list of paths, from the list in Parquet to verdicts (in Parquet, of
the engines), once a round and in a process of its own. What starting takes is not counted.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from _engine import STARTS
from _measure import BOUND_HEAD, Bound, Cost, Rounds, table
from corpus import Tree, default_folder, paths, plant, ready

from noai.integrations.engines import Engine

SCRIPT = Path(__file__).with_name("_engine.py")
#: What an engine may cost, as a multiple of the scan.
LIMIT = 2


def measured(engine: Engine, listed: Path, files: int, jobs: int) -> Cost:
    words = [sys.executable, str(SCRIPT), str(engine), str(listed), str(jobs)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{engine}: exit {done.returncode}\n{done.stderr}")
    count, cpu, wall = done.stdout.split()[-3:]
    if int(count) != files:
        raise SystemExit(f"{engine}: {count} verdicts on {files} files")
    return Cost(files, float(cpu), float(wall))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where the corpus is kept")
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--marked", type=int, default=20, help="per cent of them")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=Engine, action="append", default=[], help="this engine")
    arguments = parser.parse_args()
    tree = plant(ready(arguments.folder), Tree(arguments.files, arguments.marked))
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "list.parquet"
        pq.write_table(pa.table({"path": pa.array([path.encode() for path in paths(tree)])}), listed)
        rounds = Rounds()
        names = [
            Engine.LOCAL,
            *(engine for engine in STARTS if engine in arguments.only or not arguments.only),
        ]
        passes = {e.value: partial(measured, e, listed, arguments.files, arguments.jobs) for e in names}
        rounds.run(passes, arguments.rounds)
    print(_table(rounds))
    ratios = {name: rounds.cpu_ratio(name, Engine.LOCAL.value) for name in rounds.costs}
    bounds = [
        Bound(f"CPU time of {name}", f"≤ {LIMIT} × the scan", f"{ratio:.2f} ×", ratio <= LIMIT)
        for name, ratio in ratios.items()
        if name != Engine.LOCAL
    ]
    print(f"\n{table(BOUND_HEAD, [bound.row for bound in bounds])}")


def _table(rounds: Rounds) -> str:
    rows = [
        (name, f"{rounds.cpu_us(name):,.1f}", f"{rounds.rate(name):,.0f}")
        for name in sorted(rounds.costs, key=rounds.cpu_us)
    ]
    return table(("", "CPU µs a file", "files/s"), rows)


if __name__ == "__main__":
    main()
