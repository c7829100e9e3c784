"""Spark: verdicts on a data frame of paths or of audio, and the rows of it that may enter (``noai[spark]``).

Executors need noai too, and files have to be found by the paths that the data frame names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException, PySparkRuntimeError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from noai.corpus.outputs_parquet import COLUMNS
from noai.corpus.placing import temporary_file
from noai.corpus.workers import usable_cores
from noai.errors import EngineFailed
from noai.integrations.arrow import BatchGate
from noai.integrations.gate import Gate
from noai.integrations.shares import Shares
from noai.text import printable

if TYPE_CHECKING:
    import pyarrow as pa

#: Tasks for each core, so that a slow one holds up little, and little is done again where one fails.
_TASKS: Final = 4
#: How often a task is tried whose process died. Each file at which a process dies takes two until it is found
#: out; a master that is called ``local`` and nothing else tries once.
_ATTEMPTS: Final = 20
#: Characters of what Spark says that it died of.
_MESSAGE: Final = 300
#: Of a session that :func:`run` starts.
_SETTINGS: Final = {
    # Nobody but this process talks to it.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",
    # It hands out numbers, which is no work to optimise for.
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    # Where a worker that died was.
    "spark.python.worker.faulthandler.enabled": "true",
}


def verdicts(
    df: DataFrame,
    gate: Gate | None = None,
    *,
    path: str = "path",
    audio: str | None = None,
    keep: Sequence[str] = (),
    partitions: int | None = None,
) -> DataFrame:
    """The verdicts on the rows of ``df``, in the columns of ``noai verify --format parquet``.

    Args:
        df: Names files in its column ``path``, as text or bytes; or holds them.
        gate: The question; as :meth:`Gate.of` has it by default, with the trust list of this machine.
        path: The column with paths. A relative one is one from here, wherever the worker is.
        audio: The column with audio, in place of ``path``: bytes, or ``struct<bytes, path>``.
        keep: Columns that go along.
        partitions: How many tasks there are; by default four for each core, and with audio as many as
            ``df`` has. A list of a million paths comes in one partition.

    What cannot be read, is no audio or is null is ``undecided``, so that no row is lost.

    Raises:
        UsageError: if ``df`` does not have a column, or a kept one is called as one of a verdict.
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """
    judge = _judge(df, gate, path, audio, keep)
    kept = [df.schema[name] for name in judge.keep]
    return _spread(df, judge, partitions).mapInArrow(_Verdicts(judge), StructType([*kept, *_columns()]))


def filter(
    df: DataFrame,
    gate: Gate | None = None,
    *,
    path: str = "path",
    audio: str | None = None,
    partitions: int | None = None,
) -> DataFrame:
    """The rows of ``df``, as they are, that may enter.

    Arguments and errors are those of :func:`verdicts`, which also tells why the others may not.
    """
    judge = _judge(df, gate, path, audio, ())
    return _spread(df, judge, partitions).mapInArrow(_Admitted(judge), df.schema)


@dataclass(frozen=True)
class _Verdicts:
    gate: BatchGate

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from self.gate(batch).to_batches()


@dataclass(frozen=True)
class _Admitted:
    gate: BatchGate

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield self.gate.admitted(batch)


def _judge(df: DataFrame, gate: Gate | None, path: str, audio: str | None, keep: Sequence[str]) -> BatchGate:
    judge = BatchGate(gate or Gate.of(), path, audio, tuple(keep), folder=os.getcwd())
    judge.check(df.columns)
    return judge


def _spread(df: DataFrame, judge: BatchGate, partitions: int | None) -> DataFrame:
    if partitions is None and judge.audio is None:
        partitions = _TASKS * df.sparkSession.sparkContext.defaultParallelism
    return df if partitions is None else df.repartition(partitions)


def _columns() -> StructType:
    columns: StructType = from_arrow_schema(COLUMNS)
    return columns


def run(listed: str, folder: str, gate: BatchGate, *, jobs: int | None) -> None:
    """Judge a list, as :class:`noai.integrations.engines.Run` has it."""
    with _running(jobs) as spark:
        context = spark.sparkContext
        # Executors are elsewhere.
        shares = Shares.of(os.path.abspath(listed), context.defaultParallelism)
        tasks = context.parallelize(range(len(shares)), max(1, len(shares)))
        try:
            tasks.foreach(_Share(gate, shares, os.path.abspath(folder)))
        except (PySparkException, Py4JError) as error:
            raise EngineFailed(f"Spark gave up: {_said(error)}") from None


@dataclass(frozen=True)
class _Share:
    """Judges a share of a list, and writes what it comes to: all that crosses to the JVM is its number.

    Its file is called by that number, so that of two attempts at one share the later replaces the other's.
    """

    gate: BatchGate
    shares: Shares
    folder: str

    def __call__(self, number: int) -> None:
        found = self.gate(self.shares.read(number))
        destination = Path(self.folder, f"{number:08}.parquet")
        with temporary_file(destination) as (file, unfinished):
            pq.write_table(found, file, compression="zstd")
            file.flush()
            os.replace(unfinished, destination)


def _said(error: Exception) -> str:
    """The first line of what Spark has to say; pages of where it was follow."""
    java = getattr(error, "java_exception", None)
    lines = (str(error) if java is None else str(java.getMessage())).splitlines()
    return printable(lines[0], _MESSAGE) if lines else type(error).__name__


def session(jobs: int | None = None) -> SparkSession:
    """A quiet session on this machine alone, for ``jobs`` workers at a time, in which tasks are tried again.

    Under ``spark-submit`` it is the one that it was given.
    """
    builder: Any = SparkSession.builder
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # as spark-submit has it
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        # It looks for this machine's name otherwise, and fails where that is nowhere to be found.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = builder.master(f"local[{jobs or usable_cores()},{_ATTEMPTS}]").config(map=_SETTINGS)
    made: SparkSession = builder.appName("noai").getOrCreate()
    return made


@contextmanager
def _running(jobs: int | None) -> Iterator[SparkSession]:
    """Spark as it runs, where it does; else one for this once."""
    found = _found()
    if found is not None:
        yield found
        return
    try:
        spark = session(jobs)
    except (PySparkException, Py4JError) as error:
        raise EngineFailed(f"Spark does not start, which takes Java: {_said(error)}") from None
    try:
        yield spark
    finally:
        spark.stop()


def _found() -> SparkSession | None:
    try:
        found: SparkSession = SparkSession.active()
    except PySparkRuntimeError:
        return None
    return found
