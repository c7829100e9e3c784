"""``noai verify`` over many files: tables, archives, patterns, lists, receipts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from noai.cli import _writers
from noai.verdict import SCHEMA
from tests.audio import SAMPLES
from tests.cli.conftest import COMMAND, Run
from tests.cli.test_terminal import terminal
from tests.corpus.conftest import plant_tree
from tests.corpus.remote.range_server import RangeServer

UNMARKED = SAMPLES / "unmarked"


def plainly(row: dict[str, object]) -> dict[str, object]:
    """A row of Parquet as the JSON record has it: a map is a list of pairs there."""
    return {
        **row,
        "uses": dict(row["uses"]),  # type: ignore[call-overload]
        "signals": [{**signal, "uses": dict(signal["uses"])} for signal in row["signals"]],  # type: ignore[attr-defined]
    }


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_parquet_holds_the_records(noai: Run, marked_album: Path, track: Path, jobs: str) -> None:
    odd = b"odd \xff.mp3"
    shutil.copy(bytes(track), odd)
    asked = (marked_album, track, os.fsdecode(odd), "missing \udcff.mp3", "--jobs", jobs)
    lines = noai("verify", *asked, "--format", "jsonl").lines
    done = noai("verify", *asked, "--format", "parquet", "-o", "out.parquet")
    assert (done.code, done.out, done.err) == (1, "", "")
    table = pq.read_table("out.parquet")
    assert [plainly(row) for row in table.to_pylist()] == lines
    assert table.schema.metadata[b"noai.schema"] == SCHEMA.encode()
    assert not Path("out.parquet.parts").exists()


def test_parquet_into_a_pipe_but_not_onto_a_terminal(installed: Run, track: Path) -> None:
    done = subprocess.run(
        [COMMAND, "verify", track, "--format", "parquet"], stdout=subprocess.PIPE, check=True
    )
    Path("piped.parquet").write_bytes(done.stdout)
    assert pq.read_table("piped.parquet").column("path").to_pylist() == [str(track)]
    with terminal("verify", str(track), "--format", "parquet") as at:
        assert at.end() == 2
        assert "nothing for a terminal" in at.shown


def test_parquet_without_what_it_needs(noai: Run, track: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "noai.corpus.outputs_parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    noai("verify", track, "--format", "parquet", "-o", "out").refuses("pip install 'noai[parquet]'")
    assert not Path("out").exists()


def test_patterns_say_which_files_of_a_folder_are_meant(noai: Run, album: Path) -> None:
    done = noai("verify", album, "--include", "*.mp3", "--include", "*.flac", "--exclude", "tune.f*")
    others = len(list(album.iterdir())) - 1
    assert done.out.splitlines()[0] == "unreserved album/tune.mp3 (mp3)"
    assert done.out.splitlines()[-1] == (
        f"1 file: 1 unreserved; 1 admitted; {others} left out by --include and --exclude"
    )
    # What is named itself is never left out.
    done = noai("verify", album / "tune.mp3", "--exclude", "*", "--format", "jsonl")
    assert [line["path"] for line in done.lines] == ["album/tune.mp3"]
    noai("verify", album, "--include", "").refuses("no pattern")


def test_archives_are_looked_into(noai: Run, album: Path, marked_album: Path) -> None:
    with tarfile.open("a.tar", "w") as tar:
        tar.add(album / "tune.flac", "one.flac")
        tar.add(marked_album / "tune.mp3", "in/two.mp3")
    done = noai("verify", "a.tar", "--format", "jsonl")
    assert [(line["path"], line["member"], line["decision"]) for line in done.lines] == [
        ("a.tar", "one.flac", "unreserved"),
        ("a.tar", "in/two.mp3", "rejected"),
    ]
    assert done.code == 1
    done = noai("verify", "a.tar", "--no-archives", "--format", "jsonl")
    assert [line["error"]["code"] for line in done.lines] == ["container_unknown"]


def test_an_archive_of_more_than_is_kept_in_memory(
    noai: Run, track: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("noai.corpus.outputs.OUTPUT_CHUNK_BYTES", 2_000)
    monkeypatch.setattr("noai.corpus.batches.OUTPUT_SPILL_BYTES", 5_000)
    with tarfile.open("a.tar", "w") as tar:
        for number in range(100):
            tar.add(track, f"{number}.mp3")
    for form in ("jsonl", "json", "csv"):
        done = noai("verify", "a.tar", "--format", form, "--depth", "decision")
        assert done.code == 0
        assert [done.out.count(f"{number}.mp3") for number in range(50, 100)] == [1] * 50
    done = noai("verify", "a.tar", "--format", "jsonl", "--depth", "decision")
    assert [line["member"] for line in done.lines] == [f"{number}.mp3" for number in range(100)]


def test_text_of_many_lists_what_is_not_admitted(
    noai: Run, marked_album: Path, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_writers, "LISTED", 3)
    tracks, marked = len(list(album.glob("tune*"))), len(list(marked_album.iterdir()))
    lines = noai("verify", album, marked_album).out.splitlines()
    assert len([line for line in lines if line.startswith("unreserved")]) == 3
    assert lines[3] == "(3 files are listed; of those that follow, only what is not admitted)"
    assert [line.split()[0] for line in lines[4:-2]] == ["rejected"] * marked
    assert lines[-1].startswith(f"{tracks + marked} files: {marked} rejected, {tracks} unreserved")


def test_a_long_list_is_read_as_it_goes(installed: Run, track: Path) -> None:
    listed = b"tune.mp3\0" * 2_500
    done = installed(
        "verify",
        "--files-from",
        "-",
        "-0",
        "--depth",
        "decision",
        "--jobs",
        "2",
        "--format",
        "text",
        stdin=listed,
    )
    assert done.code == 0
    assert done.out.splitlines()[-1].startswith("2500 files: 2500 unreserved; 2500 admitted; ")
    assert done.out.splitlines()[-1].endswith(" files a second")


def test_a_receipt_says_what_was_checked(noai: Run, ana: Path, album: Path, marked_album: Path) -> None:
    Path("list").write_text(f"{marked_album}\n")
    asked = ("verify", album, "--files-from", "list", "--format", "jsonl", "-o", "out.jsonl")
    done = noai(*asked, "--run-receipt", "run.receipt", "--identity", "ana", "--exclude", "*.txt")
    assert done.code == 1
    held = noai("receipt", "verify", "run.receipt", "out.jsonl", "--json")
    assert held.code == 0
    said = json.dumps(held.json)
    assert '"album"' in said
    assert str(len(Path("out.jsonl").read_text().splitlines())) in said
    with Path("out.jsonl").open("a") as stream:
        stream.write("\n")
    assert noai("receipt", "verify", "run.receipt", "out.jsonl").code == 1


def test_a_receipt_of_a_run_that_was_gone_on_with(noai: Run, ana: Path, album: Path) -> None:
    asked = ("verify", album, "--format", "parquet", "-o", "out.parquet", "--run-receipt", "run.receipt")
    noai(*asked)
    noai(*asked, "--resume")
    assert noai("receipt", "verify", "run.receipt", "out.parquet").code == 0


def test_receipts_that_cannot_be(noai: Run, ana: Path, album: Path) -> None:
    noai("verify", album, "--run-receipt", "r").refuses("-o")
    noai("verify", album, "-o", "out", "--run-receipt", "out").refuses("overwritten")
    noai("verify", album, "-o", "out", "--run-receipt", album / "tune.mp3").refuses("overwritten")
    noai("verify", album, "-o", "out", "--identity", "ana").refuses("--run-receipt")
    noai("verify", album, "-o", "out", "--run-receipt", "r", "--identity", "bea").refuses("bea")
    # Nothing was read, and nothing written, before that was clear.
    assert not Path("out").exists()


def test_objects_elsewhere(noai: Run, marked_album: Path) -> None:
    server = RangeServer()
    try:
        urls = [
            server.put("/a.flac", (UNMARKED / "tune.flac").read_bytes()),
            server.put("/b.mp3", (marked_album / "tune.mp3").read_bytes()),
            f"{server.root}/missing.wav",
        ]
        done = noai("verify", *urls, UNMARKED / "tune.wav", "--ordered", "--format", "jsonl")
        assert [(line["path"], line["decision"]) for line in done.lines] == [
            (urls[0], "unreserved"),
            (urls[1], "rejected"),
            (urls[2], "undecided"),
            (str(UNMARKED / "tune.wav"), "unreserved"),
        ]
        asked = ("verify", *urls, "--format", "jsonl", "-o", "out.jsonl")
        noai(*asked)
        before = len(server.log)
        assert noai(*asked, "--resume").code == 1
        # Only what could not be read is asked for again.
        assert {path for _, path, _ in server.log[before:]} == {"/missing.wav"}
        assert len(Path("out.jsonl").read_text().splitlines()) == 3
    finally:
        server.close()


@pytest.fixture(scope="session")
def large_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant_tree(tmp_path_factory.mktemp("shown") / "tree", 2_500)


def test_progress_over_many_files(large_tree: Path) -> None:
    with terminal("verify", str(large_tree), "--depth", "decision", "--format", "jsonl", "-o", "out") as at:
        assert at.end() == 1
        # Files, of how many, how fast, and what was decided.
        assert "files, " in at.shown
        assert "/s" in at.shown
        assert "250 rejected" in at.shown
        assert at.shown.rindex("\x1b[?25h") > at.shown.rindex("\x1b[?25l")
        assert "2500 files: " in at.shown.splitlines()[-1]
    assert len(Path("out").read_text().splitlines()) == 2_500
