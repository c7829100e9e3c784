"""Ray Data over the corpus that every integration is held against, by a Ray that runs on this machine."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray
import ray.data

from noai.cli.app import run
from noai.corpus.outputs_parquet import COLUMNS
from noai.errors import UsageError
from noai.integrations import ray as hook
from noai.integrations.arrow import BatchGate
from noai.integrations.gate import Gate
from noai.policy import Admission, Policy
from noai.report import Depth
from tests.audio import SAMPLES
from tests.docs.pages import DOCS, blocks
from tests.integrations.thousand import FILES, Corpus

pytestmark = [
    pytest.mark.xdist_group("ray"),
    # Ray's own: settings that it deprecates and reads itself, and sockets that it leaves to the end.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
COMMAND = Path(sys.executable).parent / "noai"
TUNE = str(SAMPLES / "unmarked" / "tune.mp3")


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


def rows(dataset: ray.data.Dataset) -> list[dict[str, Any]]:
    return dataset.take_all()


def admitted(found: list[dict[str, Any]]) -> set[str]:
    return {row["path"] for row in found if row["admitted"]}


@pytest.fixture
def tracks(thousand: Corpus) -> ray.data.Dataset:
    """The corpus as a dataset of paths, in one block."""
    return ray.data.from_arrow(pa.table({"id": range(FILES), "path": thousand.paths}))


@pytest.fixture
def listed(thousand: Corpus, tmp_path: Path) -> Path:
    """The corpus as a list in Parquet, of one row group."""
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"id": range(FILES), "path": thousand.paths}), path)
    return path


def test_paths_keep_what_verify_keeps(thousand: Corpus, tracks: ray.data.Dataset) -> None:
    found = rows(hook.verdicts(tracks, keep=("id",)))
    assert admitted(found) == thousand.kept
    assert {row["id"]: row["path"] for row in found} == dict(enumerate(thousand.paths))
    assert len(found) == FILES
    kept = rows(hook.filter(tracks, rows=90))
    assert {row["path"] for row in kept} == thousand.kept
    assert {frozenset(row) for row in kept} == {frozenset(("id", "path"))}


def test_bytes_keep_it_too_as_they_are(thousand: Corpus) -> None:
    dataset = ray.data.read_binary_files(str(thousand.root), include_paths=True)
    kept = rows(hook.filter(dataset, audio="bytes"))
    assert {row["path"]: row["bytes"] for row in kept} == {
        path: Path(path).read_bytes() for path in thousand.kept
    }
    found = hook.verdicts(dataset.rename_columns({"path": "name"}), audio="bytes", keep=("name",))
    assert {row["name"] for row in rows(found) if row["admitted"]} == thousand.kept


def test_the_question_goes_along(thousand: Corpus, tracks: ray.data.Dataset) -> None:
    gate = Gate.of(Policy(admission=Admission.OPT_IN), depth=Depth.EVIDENCE)
    found = rows(hook.verdicts(tracks, gate))
    assert admitted(found) == _allowed(thousand)
    assert {row["depth"] for row in found} == {"evidence"}


def test_what_cannot_be_judged_has_its_row(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.flac"
    garbage.write_bytes(os.urandom(3_000))
    paths = [TUNE, None, "/nowhere/at/all.mp3", str(garbage), str(tmp_path), "", TUNE]
    dataset = ray.data.from_arrow(pa.table({"path": paths}))
    found = rows(hook.verdicts(dataset, rows=2))
    assert Counter(row["decision"] for row in found) == {"unreserved": 2, "undecided": 5}
    assert [row["path"] for row in rows(hook.filter(dataset))] == [TUNE, TUNE]
    held = ray.data.from_arrow(pa.table({"audio": [None, b"", b"ID3", Path(TUNE).read_bytes()]}))
    found = rows(hook.verdicts(held, audio="audio"))
    assert sorted(row["decision"] for row in found) == ["undecided"] * 3 + ["unreserved"]


def test_a_column_that_is_not_there(tracks: ray.data.Dataset) -> None:
    with pytest.raises(UsageError, match="no column 'file' among: id, path"):
        hook.verdicts(tracks, path="file")
    with pytest.raises(UsageError, match="no column 'audio'"):
        hook.filter(tracks, audio="audio")
    # What is not known before the work is met in it.
    renamed = tracks.map_batches(lambda batch: batch.rename_columns(["id", "file"]), batch_format="pyarrow")
    assert {row["decision"] for row in rows(hook.verdicts(renamed))} == {"undecided"}
    assert rows(hook.filter(renamed)) == []


def test_relative_paths_are_those_of_the_program_that_asks(
    thousand: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers' folder is another: they were started before."""
    monkeypatch.chdir(thousand.root)
    paths = sorted(thousand.relative(thousand.paths))
    found = rows(hook.verdicts(ray.data.from_arrow(pa.table({"path": paths}))))
    assert {row["path"] for row in found} == set(paths)
    assert admitted(found) == thousand.relative(thousand.kept)


class _Killer(threading.Thread):
    """Kills the first process that judges."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.killed: int | None = None
        self._over = threading.Event()

    def __enter__(self) -> _Killer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while self.killed is None and not self._over.is_set():
            for process in psutil.Process().children(recursive=True):
                try:
                    if "_Share" in "".join(process.cmdline()):
                        os.kill(process.pid, signal.SIGKILL)
                        self.killed = process.pid
                        return
                except (psutil.NoSuchProcess, psutil.ZombieProcess, ProcessLookupError):
                    continue


def test_a_worker_that_is_killed_loses_no_row_and_doubles_none(
    thousand: Corpus, listed: Path, tmp_path: Path
) -> None:
    folder, names = tmp_path / "verdicts", tmp_path / "names.parquet"
    folder.mkdir()
    pq.write_table(pq.read_table(listed, columns=["path"]), names)
    with _Killer() as killer:
        hook.run(str(names), str(folder), BatchGate(Gate.of(depth=Depth.EVIDENCE)), jobs=2)
    assert killer.killed is not None
    found = pq.read_table(folder)
    assert found.schema.equals(COLUMNS)
    assert sorted(found["path"].to_pylist()) == list(thousand.paths)
    assert _kept(found) == thousand.kept


def test_the_page_is_right(thousand: Corpus, listed: Path, tmp_path: Path) -> None:
    """Going on by Ray's own checkpoints, with what is missing, included."""
    page = (block.text for block in blocks(DOCS / "integrations" / "ray.md") if block.language == "py")
    # Workers of a Ray that runs already have another folder.
    first, opt_in, going_on = (_placed(text, tmp_path) for text in page)
    tracks, known = tmp_path / "tracks.parquet", dict[str, Any]()
    shutil.copy(listed, tracks)
    exec(first, known)
    assert _kept(pq.read_table(tmp_path / "verdicts")) == thousand.kept
    assert set(pq.read_table(tmp_path / "admitted")["path"].to_pylist()) == thousand.kept
    exec(opt_in, known)
    assert {row["path"] for row in rows(known["admitted"])} == _allowed(thousand)
    checked = tmp_path / "checked"
    pq.write_table(pq.read_table(listed).slice(0, 300), tracks)
    with ray.data.DataContext.current(ray.data.DataContext.get_current().copy()):
        exec(going_on, known)
        before = {path: path.stat().st_mtime_ns for path in checked.iterdir()}
        shutil.copy(listed, tracks)
        exec(going_on, known)
    assert before.items() <= {path: path.stat().st_mtime_ns for path in checked.iterdir()}.items()
    found = pq.read_table(checked)
    assert sorted(found["id"].to_pylist()) == list(range(FILES))
    assert _kept(found) == thousand.kept


def _placed(text: str, folder: Path) -> str:
    for name in ("tracks.parquet", "verdicts", "admitted", "checked"):
        text = text.replace(f'"{name}"', repr(str(folder / name)))
    # It would be gone after a run that was not interrupted.
    kept = f"{str(folder / 'checkpoint')!r}, delete_checkpoint_on_success=False"
    return text.replace('"/shared/checkpoint"', kept)


def _kept(verdicts: pa.Table) -> set[str]:
    return set(verdicts.filter(verdicts["admitted"])["path"].to_pylist())


def _allowed(thousand: Corpus) -> set[str]:
    return {path for path, record in thousand.records.items() if record["decision"] == "allowed"}


# -- noai verify --engine ray -----------------------------------------------------------------


def verify(*arguments: str | Path) -> int:
    return run(["verify", "--engine", "ray", "--depth", "decision", *map(str, arguments)])


def plainly(output: Path) -> list[dict[str, Any]]:
    table = pq.read_table(output)
    assert table.schema.equals(COLUMNS)
    assert table.schema.metadata == COLUMNS.metadata
    return sorted(table.to_pylist(), key=lambda row: row["path"])


@pytest.mark.parametrize("form", ["parquet", "text", "nul"])
def test_the_output_is_that_of_the_local_engine(
    thousand: Corpus, listed: Path, tmp_path: Path, form: str
) -> None:
    source, options = listed, ["--path-column", "path"]
    if form != "parquet":
        source, end = tmp_path / "list", "\0" if form == "nul" else "\n"
        source.write_text("".join(f"{path}{end}" for path in thousand.paths))
        options = ["-0"] if form == "nul" else []
    there, here = tmp_path / "ray.parquet", tmp_path / "local.parquet"
    assert verify("--files-from", source, *options, "-o", there) == 1
    words = ["verify", "--files-from", source, *options, "--depth", "decision", "--format", "parquet"]
    assert run([*map(str, words), "-o", str(here)]) == 1
    assert plainly(there) == plainly(here)
    assert sorted(path.name for path in tmp_path.glob("*.parquet*")) == [
        *("list.parquet", "local.parquet", "local.parquet.run", "ray.parquet", "ray.parquet.run")
    ]


def test_what_a_killed_run_has_done_is_not_done_again(thousand: Corpus, tmp_path: Path) -> None:
    """Files that were done are replaced by silence that only judging them would tell from what they were."""
    copy = thousand.copy(tmp_path / "copy")
    names, output = tmp_path / "names", tmp_path / "out.parquet"
    names.write_text("\n".join(copy.paths))
    words = ["verify", "--engine", "ray", "--files-from", names, "-o", output, "--jobs", "2"]
    address = ray.get_runtime_context().gcs_address
    process = subprocess.Popen([COMMAND, *words], env={**os.environ, "RAY_ADDRESS": address})
    while not _done(output):
        assert process.poll() is None
    process.kill()
    process.wait()
    done = _done(output)
    assert 0 < len(done) < FILES
    for path in done:
        status = os.stat(path)
        Path(path).write_bytes(bytes(status.st_size))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert run([*map(str, words), "--resume"]) == 1
    found = plainly(output)
    assert [row["path"] for row in found] == list(copy.paths)
    kept = {row["path"] for row in found if row["admitted"]}
    assert copy.relative(kept) == thousand.relative(thousand.kept)
    assert not output.with_name("out.parquet.engine").exists()


def _done(output: Path) -> set[str]:
    """What stands in the parts that are whole."""
    found: set[str] = set()
    for part in output.parent.glob("out.parquet.engine/*/*.parquet"):
        try:
            found.update(pq.read_table(part, columns=["path"])["path"].to_pylist())
        except (OSError, pa.ArrowException):
            continue
    return found
