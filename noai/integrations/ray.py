"""Ray Data: verdicts on a dataset of paths or of audio, and the rows of it that may enter (``noai[ray]``).

Workers need noai too, and files have to be found by the paths that the dataset names.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import ray
import ray.data
from ray.exceptions import RayError

from noai.errors import EngineFailed
from noai.integrations.arrow import BatchGate
from noai.integrations.gate import Gate
from noai.integrations.shares import Shares

#: Paths that one task judges: they take it a good second, and Ray some milliseconds besides.
_PATHS: Final = 5_000
#: Rows with audio that are in memory at a time.
_AUDIO: Final = 32


def verdicts(
    dataset: ray.data.Dataset,
    gate: Gate | None = None,
    *,
    path: str = "path",
    audio: str | None = None,
    keep: Sequence[str] = (),
    rows: int | None = None,
) -> ray.data.Dataset:
    """The verdicts on the rows of ``dataset``, in the columns of ``noai verify --format parquet``.

    Args:
        dataset: Names files in its column ``path``, as text or bytes; or holds them.
        gate: The question; as :meth:`Gate.of` has it by default, with the trust list of this machine.
        path: The column with paths. A relative one is one from here, wherever the worker is.
        audio: The column with audio, in place of ``path``: bytes, or ``struct<bytes, path>``.
        keep: Columns that go along.
        rows: How many make a task, as far as they are there. Datasets of paths come in few, large blocks.

    What cannot be read, is no audio or is null is ``undecided``, so that no row is lost.

    Raises:
        UsageError: if the dataset is known not to have a column, or a kept one is called as one of a verdict.
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """
    judge = _judge(dataset, gate, path, audio, keep)
    return _mapped(dataset, judge, judge, rows)


def filter(
    dataset: ray.data.Dataset,
    gate: Gate | None = None,
    *,
    path: str = "path",
    audio: str | None = None,
    rows: int | None = None,
) -> ray.data.Dataset:
    """The rows of ``dataset``, as they are, that may enter.

    Arguments and errors are those of :func:`verdicts`, which also tells why the others may not.
    """
    judge = _judge(dataset, gate, path, audio, ())
    return _mapped(dataset, judge, judge.admitted, rows)


def _judge(
    dataset: ray.data.Dataset, gate: Gate | None, path: str, audio: str | None, keep: Sequence[str]
) -> BatchGate:
    judge = BatchGate(gate or Gate.of(), path, audio, tuple(keep), folder=os.getcwd())
    # None where Ray would have to read to know.
    columns = dataset.columns(fetch_if_missing=False)
    if columns is not None:
        judge.check(columns)
    return judge


def _mapped(dataset: ray.data.Dataset, judge: BatchGate, function: Any, rows: int | None) -> ray.data.Dataset:
    rows = rows or (_PATHS if judge.audio is None else _AUDIO)
    if judge.audio is None:
        dataset = dataset.repartition(target_num_rows_per_block=rows)
    return dataset.map_batches(function, batch_format="pyarrow", batch_size=rows)


def run(listed: str, folder: str, gate: BatchGate, *, jobs: int | None) -> None:
    """Judge a list, as :class:`noai.integrations.engines.Run` has it.

    ``RAY_ADDRESS`` names the cluster; without, this machine is one, for this once.
    """
    with _running(jobs), ray.data.DataContext.current(_quiet()):
        # Workers are elsewhere.
        shares = Shares.of(os.path.abspath(listed), int(ray.cluster_resources().get("CPU", 1)))
        tasks = len(shares)
        compute = None if jobs is None else ray.data.TaskPoolStrategy(size=jobs)
        try:
            # Not read_parquet(), which starts a handful of processes to look into the one file.
            numbers = ray.data.range(tasks, override_num_blocks=tasks)
            found = numbers.map_batches(
                _Share(gate, shares), batch_size=1, batch_format="pyarrow", compute=compute
            )
            found.write_parquet(os.path.abspath(folder), concurrency=jobs)
        except RayError as error:
            raise EngineFailed(f"Ray gave up: {error}") from None


@dataclass(frozen=True)
class _Share:
    """Judges those rows of a list that make up shares of given numbers."""

    gate: BatchGate
    shares: Shares

    def __call__(self, numbers: pa.Table) -> pa.Table:
        return pa.concat_tables([self.gate(self.shares.read(number)) for number in numbers["id"].to_pylist()])


@contextmanager
def _running(jobs: int | None) -> Iterator[None]:
    if ray.is_initialized():
        yield
        return
    # It would tell its makers that it ran.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    here = not os.environ.get("RAY_ADDRESS")
    ray.init(
        "local" if here else None,
        num_cpus=jobs if here else None,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        yield
    finally:
        ray.shutdown()


def _quiet() -> ray.data.DataContext:
    """Settings of a run that has a terminal to itself, or none."""
    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = sys.stderr.isatty()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return context
