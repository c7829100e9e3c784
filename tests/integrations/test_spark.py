"""Spark over the corpus that every integration is held against, by a Spark that runs on this machine."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from noai.cli.app import run
from noai.corpus.outputs_parquet import COLUMNS
from noai.errors import EngineFailed, UsageError
from noai.integrations import spark as hook
from noai.integrations.arrow import BatchGate
from noai.integrations.gate import Gate
from noai.integrations.shares import Shares
from noai.integrations.surviving import SurvivingGate
from noai.policy import Admission, Policy
from noai.report import Depth
from tests.audio import SAMPLES
from tests.integrations.thousand import FILES, Corpus

pytestmark = [
    pytest.mark.xdist_group("spark"),
    # Sockets that py4j leaves to the end.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]
#: Two files at which workers die take so many.
ATTEMPTS = 6
TUNE = str(SAMPLES / "unmarked" / "tune.mp3")


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hook, "_ATTEMPTS", ATTEMPTS)
        made = hook.session(2)
    # Several batches make a task, so that one can die between them.
    made.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "40")
    yield made
    made.stop()


@pytest.fixture
def listed(thousand: Corpus, tmp_path: Path) -> Path:
    """The corpus as a list in Parquet, of one row group, as engines get it."""
    path = tmp_path / "the [list], 100%.parquet"
    pq.write_table(pa.table({"path": pa.array([os.fsencode(path) for path in thousand.paths])}), path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "the *verdicts*"
    made.mkdir()
    return made


def frame(spark: SparkSession, paths: list[str | None]) -> DataFrame:
    return spark.createDataFrame(pa.table({"id": range(len(paths)), "path": pa.array(paths, pa.string())}))


def admitted(found: list[Any]) -> set[str]:
    return {row["path"] for row in found if row["admitted"]}


def test_paths_keep_what_verify_keeps(spark: SparkSession, thousand: Corpus) -> None:
    df = frame(spark, list(thousand.paths))
    found = hook.verdicts(df, keep=("id",))
    assert found.columns == ["id", *COLUMNS.names]
    rows = found.collect()
    assert admitted(rows) == thousand.kept
    assert {row["id"]: row["path"] for row in rows} == dict(enumerate(thousand.paths))
    assert len(rows) == FILES
    kept = hook.filter(df, partitions=3)
    assert kept.schema == df.schema
    assert kept.rdd.getNumPartitions() == 3
    assert {row["path"] for row in kept.collect()} == thousand.kept


def test_bytes_keep_it_too_as_they_are(spark: SparkSession, thousand: Corpus) -> None:
    paths = [(path, Path(path).read_bytes()) for path in thousand.paths]
    audio = pa.array([{"bytes": data, "path": path} for path, data in paths])
    df = spark.createDataFrame(pa.table({"audio": audio}))
    kept = hook.filter(df, audio="audio").collect()
    assert {row["audio"]["path"]: bytes(row["audio"]["bytes"]) for row in kept} == {
        path: data for path, data in paths if path in thousand.kept
    }
    files = spark.read.format("binaryFile").load([f"{thousand.root}/disc {n}" for n in range(10)])
    files = files.withColumnRenamed("path", "name")
    found = hook.verdicts(files.select("name", "content"), audio="content", keep=("name",)).collect()
    names = {row["name"].removeprefix("file:") for row in found if row["admitted"]}
    assert names == thousand.kept


def test_the_question_goes_along(spark: SparkSession, thousand: Corpus) -> None:
    gate = Gate.of(Policy(admission=Admission.OPT_IN), depth=Depth.EVIDENCE)
    found = hook.verdicts(frame(spark, list(thousand.paths)), gate).collect()
    assert admitted(found) == {
        path for path, record in thousand.records.items() if record["decision"] == "allowed"
    }
    assert {row["depth"] for row in found} == {"evidence"}


def test_what_cannot_be_judged_has_its_row(spark: SparkSession, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.flac"
    garbage.write_bytes(os.urandom(3_000))
    paths = [TUNE, None, "/nowhere/at/all.mp3", str(garbage), str(tmp_path), "", TUNE]
    df = frame(spark, paths)
    for each in (df, df.withColumn("path", df["path"].cast("binary"))):
        found = hook.verdicts(each, partitions=2).collect()
        assert Counter(row["decision"] for row in found) == {"unreserved": 2, "undecided": 5}
        assert sorted(row["id"] for row in hook.filter(each, partitions=1).collect()) == [0, 6]
    held = spark.createDataFrame([(None,), (b"",), (b"ID3",), (Path(TUNE).read_bytes(),)], "audio binary")
    found = hook.verdicts(held, audio="audio").collect()
    assert sorted(row["decision"] for row in found) == ["undecided"] * 3 + ["unreserved"]
    numbers = hook.verdicts(spark.createDataFrame([(1,), (2,)], "path int"), partitions=1)
    assert [row["decision"] for row in numbers.collect()] == ["undecided"] * 2
    assert hook.verdicts(df.limit(0), partitions=2).collect() == []


def test_a_column_that_is_not_there(spark: SparkSession) -> None:
    df = frame(spark, [TUNE])
    with pytest.raises(UsageError, match="no column 'file' among: id, path"):
        hook.verdicts(df, path="file")
    with pytest.raises(UsageError, match="no column 'audio'"):
        hook.filter(df, audio="audio")
    with pytest.raises(UsageError, match="'path' of the verdict"):
        hook.verdicts(df, keep=["path"])


def test_relative_paths_are_those_of_the_program_that_asks(
    spark: SparkSession, thousand: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers' folder is another: they were started before."""
    monkeypatch.chdir(thousand.root)
    paths = sorted(thousand.relative(thousand.paths))
    found = hook.verdicts(frame(spark, list(paths))).collect()
    assert {row["path"] for row in found} == set(paths)
    assert admitted(found) == thousand.relative(thousand.kept)


def test_what_is_there_is_not_judged_again(spark: SparkSession, thousand: Corpus, tmp_path: Path) -> None:
    """As the page has it: what was written is left out by a join."""
    folder = str(tmp_path / "verdicts")
    df = frame(spark, list(thousand.paths))
    hook.verdicts(df.limit(300)).write.parquet(folder)
    first = times(folder)
    left = df.join(spark.read.parquet(folder), "path", "left_anti")
    assert left.count() == FILES - 300
    hook.verdicts(left).write.mode("append").parquet(folder)
    assert first.items() <= times(folder).items()
    found = spark.read.parquet(folder).collect()
    assert sorted(row["path"] for row in found) == list(thousand.paths)
    assert admitted(found) == thousand.kept


def times(folder: str) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in Path(folder).glob("*.parquet")}


def test_verdicts_are_written_here_and_there_alike(
    spark: SparkSession, thousand: Corpus, tmp_path: Path
) -> None:
    """Lists, structures and maps come back through the JVM as they went in."""
    gate = Gate.of(depth=Depth.EVIDENCE)
    hook.verdicts(frame(spark, list(thousand.paths)), gate).write.parquet(str(tmp_path / "verdicts"))
    expected = BatchGate(gate)(pa.table({"path": thousand.paths}))
    assert ordered(written(tmp_path / "verdicts")).equals(ordered(expected))


def ordered(verdicts: pa.Table) -> pa.Table:
    return verdicts.combine_chunks().sort_by("path").combine_chunks()


def written(folder: Path) -> pa.Table:
    """What stands in a folder of verdicts, in their columns."""
    return pa.concat_tables(pq.read_table(path).cast(COLUMNS) for path in sorted(folder.glob("*.parquet")))


# -- workers that die -------------------------------------------------------------------------


def dying(judged: Path, once: Path, batch: int) -> type[BatchGate]:
    """A gate whose process is killed when it has judged that many batches of a task, if there is ``once``.

    ``judged`` gets a line for each row that was judged. By value, since workers do not have this module.
    """
    batches = []

    class Dying(BatchGate):
        def __call__(self, rows: Any) -> Any:
            found = super().__call__(rows)
            with open(judged, "a") as file:
                file.write("".join(f"{path}\n" for path in found.column("path").to_pylist()))
            batches.append(rows.num_rows)
            if len(batches) == batch and once.exists():
                once.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            return found

    return Dying


def test_a_worker_that_is_killed_loses_no_row_and_doubles_none(
    spark: SparkSession, thousand: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that its task had handed over is not there twice: nothing counts before a task is done."""
    judged, once = tmp_path / "judged", tmp_path / "once"
    once.touch()
    monkeypatch.setattr(hook, "BatchGate", dying(judged, once, 2))
    hook.verdicts(frame(spark, list(thousand.paths))).write.parquet(str(tmp_path / "verdicts"))
    assert not once.exists()
    assert FILES < len(judged.read_text().splitlines()) < 2 * FILES
    found = written(tmp_path / "verdicts")
    assert sorted(found["path"].to_pylist()) == list(thousand.paths)
    assert admitted(found.to_pylist()) == thousand.kept


# -- the engine of noai verify ----------------------------------------------------------------


def test_a_share_whose_worker_was_killed_is_there_once(
    spark: SparkSession, thousand: Corpus, listed: Path, folder: Path, tmp_path: Path
) -> None:
    judged, once = tmp_path / "judged", tmp_path / "once"
    once.touch()
    hook.run(str(listed), str(folder), dying(judged, once, 1)(Gate.of()), jobs=2)
    assert not once.exists()
    assert FILES < len(judged.read_text().splitlines()) < 2 * FILES
    found = written(folder)
    assert sorted(found["path"].to_pylist()) == list(thousand.paths)
    assert admitted(found.to_pylist()) == thousand.kept


def test_a_file_at_which_every_worker_dies_is_found_out(
    spark: SparkSession, thousand: Corpus, listed: Path, folder: Path, tmp_path: Path
) -> None:
    first, second = sorted(thousand.kept)[:2]

    class Killed(SurvivingGate):
        def _verdicts(self, rows: Any) -> Any:
            if {os.fsencode(first), os.fsencode(second)} & set(rows.column("path").to_pylist()):
                os.kill(os.getpid(), signal.SIGKILL)
            return super()._verdicts(rows)

    (tmp_path / "journal").mkdir()
    hook.run(str(listed), str(folder), Killed(Gate.of(), journal=str(tmp_path / "journal")), jobs=2)
    found = written(folder)
    assert sorted(found["path"].to_pylist()) == list(thousand.paths)
    assert admitted(found.to_pylist()) == thousand.kept - {first, second}


def test_what_was_done_when_it_gave_up_is_whole_and_is_not_done_again(
    spark: SparkSession, thousand: Corpus, listed: Path, folder: Path, tmp_path: Path
) -> None:
    class Killed(BatchGate):
        def __call__(self, rows: Any) -> Any:
            if any(folder.glob("*.parquet")):
                os.kill(os.getpid(), signal.SIGKILL)
            return super().__call__(rows)

    with pytest.raises(EngineFailed, match=f"Spark gave up: .*failed {ATTEMPTS} times") as raised:
        hook.run(str(listed), str(folder), Killed(Gate.of()), jobs=2)
    assert "\n" not in str(raised.value)
    done = set(written(folder)["path"].to_pylist())
    assert 0 < len(done) < FILES
    left = [path for path in thousand.paths if path not in done]
    rest, again, judged = tmp_path / "rest.parquet", tmp_path / "again", tmp_path / "judged"
    pq.write_table(pa.table({"path": pa.array([os.fsencode(path) for path in left])}), rest)
    again.mkdir()
    hook.run(str(rest), str(again), dying(judged, tmp_path / "never", 1)(Gate.of()), jobs=2)
    assert sorted(judged.read_text().splitlines()) == left
    found = pa.concat_tables([written(folder), written(again)])
    assert sorted(found["path"].to_pylist()) == list(thousand.paths)
    assert admitted(found.to_pylist()) == thousand.kept


@pytest.mark.parametrize("groups", [1, 3, 7, 50])
@pytest.mark.parametrize("workers", [1, 2, 40])
def test_shares_make_up_the_list(tmp_path: Path, groups: int, workers: int) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"path": [str(n) for n in range(50)]}), path, row_group_size=groups)
    shares = Shares.of(str(path), workers)
    assert len(shares) >= min(50, 4 * workers) - 1
    found = [shares.read(number)["path"].to_pylist() for number in range(len(shares))]
    assert all(found)
    assert [path for share in found for path in share] == [str(n) for n in range(50)]


def test_the_command_s_output_is_that_of_the_local_engine(
    spark: SparkSession, thousand: Corpus, listed: Path, tmp_path: Path
) -> None:
    def verify(engine: str) -> pa.Table:
        output = tmp_path / f"{engine}.parquet"
        words = ["verify", "--engine", engine, "--files-from", str(listed), "--depth", "decision"]
        assert run([*words, "--format", "parquet", "-o", str(output)]) == 1
        return ordered(pq.read_table(output))

    assert verify("spark").equals(verify("local"), check_metadata=True)
