"""``noai verify --engine`` and lists in Parquet, but for the engines: they have tests of their own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noai.errors import EngineFailed
from noai.integrations.arrow import BatchGate
from noai.integrations.engines import Engine
from tests.cli.conftest import Run

ASKED = ("verify", "--engine", "ray", "--files-from", "list", "-o", "out.parquet")


@pytest.fixture
def listed(album: Path) -> list[str]:
    """Tracks, one of them not there and one with an odd name, as ``list`` and as ``list.parquet``."""
    odd = album / os.fsdecode(b"odd \xff\\.mp3")
    shutil.copy(album / "tune.mp3", odd)
    paths = [*(str(path) for path in sorted(album.glob("tune*"))), str(odd), "nowhere.mp3"]
    Path("list").write_bytes(b"\n".join(map(os.fsencode, paths)))
    table = pa.table({"file": pa.array(list(map(os.fsencode, paths))), "n": range(len(paths))})
    pq.write_table(table, "list.parquet", row_group_size=3)
    return paths


def test_a_list_in_parquet_is_one_in_text(noai: Run, listed: list[str]) -> None:
    text = noai("verify", "--files-from", "list", "--format", "jsonl", "--ordered")
    done = noai(
        *("verify", "--files-from", "list.parquet", "--path-column", "file"), "--format", "jsonl", "--ordered"
    )
    assert done.code == text.code == 3
    assert done.lines == text.lines
    assert len(done.lines) == len(listed)
    names = pa.array(["album/tune.mp3"] * 2).dictionary_encode()
    pq.write_table(pa.table({"path": names}), "few.PARQUET")
    done = noai("verify", "--files-from", "few.PARQUET", "--format", "jsonl")
    assert [record["path"] for record in done.lines] == ["album/tune.mp3"] * 2


def test_lists_in_parquet_that_are_none(noai: Run, listed: list[str]) -> None:
    def asked(*more: str) -> tuple[str, ...]:
        return ("verify", "--files-from", "list.parquet", *more)

    noai(*asked()).refuses("list.parquet: has no column 'path', but: file, n")
    noai(*asked("--path-column", "n")).refuses("list.parquet", "text or bytes")
    noai(*asked("-0")).refuses("-0 is for lists in text")
    noai("verify", "album", "--path-column", "file").refuses("--path-column", "--files-from")
    noai("verify", "--files-from", "list", "--path-column", "file").refuses("--path-column", ".parquet")
    for nothing in (None, ""):
        pq.write_table(pa.table({"path": ["album/tune.mp3", nothing]}), "list.parquet")
        noai(*asked()).refuses("list.parquet: row 2 names no file")
    Path("list.parquet").write_text("album/tune.mp3\n")
    noai(*asked()).refuses("list.parquet: is no Parquet")
    os.unlink("list.parquet")
    noai(*asked()).refuses("list.parquet: cannot be read")


def test_a_receipt_covers_a_list_in_parquet(noai: Run, ana: Path, listed: list[str]) -> None:
    asked = ("verify", "--files-from", "list.parquet", "--path-column", "file", "--format", "parquet")
    assert noai(*asked, "-o", "out.parquet", "--run-receipt", "receipt").code == 3
    assert noai("receipt", "verify", "receipt", "out.parquet").code == 0


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("-o", "out.parquet", "album/tune.mp3"), ("--files-from",)),
        (("-o", "out.parquet", "--files-from", "list", "album"), ("album: is a folder",)),
        (("--files-from", "list"), ("name it with -o",)),
        (("-o", "/dev/null", "--files-from", "list"), ("name it with -o",)),
        (("-o", "out.jsonl", "--files-from", "list", "--format", "jsonl"), ("writes parquet, not jsonl",)),
        (("-o", "out.parquet", "--files-from", "list", "--ordered"), ("--ordered",)),
        (("-o", "out.parquet", "--files-from", "list", "--include", "*.mp3"), ("--include",)),
        (("-o", "album/tune.mp3", "--files-from", "list"), ("would be overwritten",)),
    ],
)
def test_what_an_engine_cannot_be_asked(
    noai: Run, listed: list[str], asked: tuple[str, ...], words: tuple[str, ...]
) -> None:
    noai("verify", "--engine", "ray", *asked).refuses(*words)
    assert not list(Path().glob("out.*"))


@pytest.mark.parametrize(("engine", "package"), [("ray", "ray"), ("spark", "pyspark")])
def test_an_engine_that_is_not_installed(
    noai: Run, listed: list[str], monkeypatch: pytest.MonkeyPatch, engine: str, package: str
) -> None:
    monkeypatch.delitem(sys.modules, f"noai.integrations.{engine}", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    done = noai("verify", "--engine", engine, "--files-from", "list", "-o", "out.parquet")
    done.refuses(f"--engine {engine} needs ", f"pip install 'noai[{engine}]'")
    assert not list(Path().glob("out.*"))


class _Engine:
    """An engine in this process, which can lose or repeat rows, die, and leave a file that is not whole."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loses = 0
        self.repeats = False
        self.dies = False
        self.meanwhile: Callable[[], object] = lambda: None
        self.asked: list[str] = []
        monkeypatch.setattr(Engine, "run", lambda _: self._run)

    def _run(self, listed: str, folder: str, gate: BatchGate, *, jobs: int | None) -> None:
        rows = pq.read_table(listed)
        self.asked = list(map(os.fsdecode, rows[gate.path].to_pylist()))
        self.meanwhile()
        verdicts = gate(rows.slice(0, rows.num_rows - self.loses))
        if self.repeats:
            verdicts = pa.concat_tables([verdicts.slice(1), verdicts.slice(1, 1)])
        for number, batch in enumerate(verdicts.to_batches(max_chunksize=3)):
            pq.write_table(pa.Table.from_batches([batch]), f"{folder}/part-{number}.parquet")
        whole = Path(folder, "part-0.parquet").read_bytes()
        Path(folder, "part-x.parquet").write_bytes(whole[:-50])
        Path(folder, ".part-y.parquet").write_bytes(whole)
        if self.dies:
            raise EngineFailed("it died")


def test_a_row_that_an_engine_loses_is_an_error_and_judged_by_the_next_run(
    noai: Run, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _Engine(monkeypatch)
    engine.loses = 2
    count = len(listed)
    noai(*ASKED).refuses(f"ray did not write one verdict on each of {count} paths")
    assert not Path("out.parquet").exists()
    engine.loses = 0
    assert noai(*ASKED, "--resume").code == 3
    assert engine.asked == listed
    local = noai("verify", "--files-from", "list", "--format", "jsonl")
    assert _plainly("out.parquet") == sorted((r["path"], r["decision"], r["sha256"]) for r in local.lines)
    # What could not be read is asked again, and what has changed.
    with Path("album/tune.mp3").open("ab") as stream:
        stream.write(bytes(1_000))
    assert noai(*ASKED, "--resume").code == 3
    assert set(engine.asked) == {"nowhere.mp3", "album/tune.mp3"}
    assert len(_plainly("out.parquet")) == count
    noai(*ASKED, "--resume", "--policy", "opt-in").refuses("another question (policy)")


def test_a_row_that_stands_for_another_is_an_error(
    noai: Run, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _Engine(monkeypatch)
    engine.repeats = True
    for more in ((), ("--resume",)):
        noai(*ASKED, *more).refuses("did not write one verdict on each")
    engine.repeats = False
    assert noai(*ASKED, "--resume").code == 3
    assert len(_plainly("out.parquet")) == len(listed)


def test_what_an_engine_left_is_gone_on_with_by_its_own_run_alone(
    noai: Run, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _Engine(monkeypatch)
    engine.dies = True
    noai(*ASKED).refuses("it died")
    assert len(list(Path("out.parquet.engine").glob("verdicts-*/part-?.parquet"))) > 1
    engine.dies = False
    # The same output, begun by another run that asks something else, and is killed before its first part.
    state = Path("out.parquet.run").read_text()
    noai(
        "verify",
        "--files-from",
        "list",
        "--no-archives",
        "--policy",
        "opt-in",
        "-o",
        "out.parquet",
        "--format",
        "parquet",
    )
    os.unlink("out.parquet")
    assert noai(*ASKED, "--policy", "opt-in", "--resume").code in (1, 3)
    rows = pq.read_table("out.parquet").to_pylist()
    assert {row["policy"] for row in rows} == {"opt-in"}
    assert len(rows) == len(listed)
    assert state != Path("out.parquet.run").read_text()


def test_what_an_engine_had_done_is_kept(
    noai: Run, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _Engine(monkeypatch)
    engine.dies = True
    noai(*ASKED).refuses("it died")
    engine.dies = False
    assert noai(*ASKED, "--resume").code == 3
    assert engine.asked == ["nowhere.mp3"]
    assert len(_plainly("out.parquet")) == len(listed)


def test_two_runs_do_not_write_one_output(
    noai: Run, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _Engine(monkeypatch)
    engine.meanwhile = lambda: noai(*ASKED, "--policy", "opt-in").refuses("another run writes there")
    assert noai(*ASKED).code == 3
    assert {row["policy"] for row in pq.read_table("out.parquet").to_pylist()} == {"opt-out"}


def _plainly(path: str) -> list[tuple[object, ...]]:
    rows = pq.read_table(path).to_pylist()
    return sorted((row["path"], row["decision"], row["sha256"]) for row in rows)


def test_without_resume_everything_is_judged_anew(
    noai: Run, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _Engine(monkeypatch)
    engine.loses = 2
    noai(*ASKED).refuses("did not write")
    engine.loses = 0
    for _ in range(2):
        assert noai(*ASKED).code == 3
        assert engine.asked == listed
        assert len(_plainly("out.parquet")) == len(listed)
    assert sorted(path.name for path in Path().glob("out.*")) == ["out.parquet", "out.parquet.run"]


def test_a_folder_of_somebody_else_is_left_alone(noai: Run, listed: list[str]) -> None:
    Path("out.parquet.engine").mkdir()
    Path("out.parquet.engine/mine").write_text("mine")
    noai(*ASKED).refuses("out.parquet.engine", "move it away")
    assert Path("out.parquet.engine/mine").read_text() == "mine"
    assert not Path("out.parquet").exists()
