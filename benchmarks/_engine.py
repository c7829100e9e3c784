"""A process of its own for one engine, or for a scan, over a list of paths in Parquet.

python benchmarks/_engine.py NAME LIST JOBS

It prints how many verdicts there were, and seconds of CPU and by the clock between the moment when the engine
had judged a few files and the last verdict: of this process and all that come from it, dead ones included.
"""

from __future__ import annotations

import ctypes
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow.parquet as pq

import noai
from noai import corpus
from noai.integrations.engines import Engine
from noai.integrations.gate import Gate
from noai.integrations.surviving import SurvivingGate

#: So many paths make every worker start and import what it needs.
FIRST = 400
#: ``PR_SET_CHILD_SUBREAPER``: what loses its parent becomes a child of this process, and stays counted.
SUBREAPER = 36


def cpu() -> float:
    """Seconds of CPU of this process and everything below it."""
    this = psutil.Process()
    spent = 0.0
    for process in (this, *this.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system + times.children_user + times.children_system
    return spent


def ray(jobs: int) -> None:
    import ray

    ray.init(
        "local", num_cpus=jobs, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )


def spark(jobs: int) -> None:
    from noai.integrations.spark import session

    session(jobs)


#: What starts an engine that does not start at once.
STARTS: dict[Engine, Callable[[int], None]] = {Engine.RAY: ray, Engine.SPARK: spark}


def scan(listed: str) -> int:
    """The local one, from the list to verdicts, in this process: with more, their start would be counted."""
    paths = pq.read_table(listed)["path"].to_pylist()
    return sum(1 for _ in corpus.scan(map(bytes.decode, paths), trust=noai.TrustList(), jobs=1))


def spread(engine: Engine, listed: str, folder: Path, jobs: int) -> int:
    folder.mkdir()
    journal = folder.with_suffix(".begun")
    journal.mkdir()
    gate = SurvivingGate(Gate.of(trust=noai.TrustList()), journal=str(journal))
    engine.run()(listed, str(folder), gate, jobs=jobs)
    return sum(pq.read_metadata(path).num_rows for path in folder.glob("*.parquet"))


def main() -> None:
    engine, listed, jobs = Engine(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        if engine in STARTS:
            STARTS[engine](jobs)
            few = str(scratch / "few.parquet")
            pq.write_table(pq.read_table(listed).slice(0, FIRST), few)
            spread(engine, few, scratch / "few", jobs)
        before, started = cpu(), time.perf_counter()
        count = spread(engine, listed, scratch / "all", jobs) if engine in STARTS else scan(listed)
        print(count, cpu() - before, time.perf_counter() - started)


if __name__ == "__main__":
    main()
