"""``noai report``: from the outputs of ``noai verify`` to a page, or to one sentence on what is wrong."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from noai.corpus.receipts import FileDigest
from tests.cli.conftest import Run, snapshot
from tests.reporting.samples import record, write_lines


@pytest.fixture
def verdicts(noai: Run, album: Path) -> Path:
    assert noai("verify", album, "--format", "jsonl", "-o", "verdicts.jsonl").code == 0
    return Path("verdicts.jsonl")


def test_a_report_of_a_run(noai: Run, verdicts: Path) -> None:
    done = noai("report", verdicts, "-o", "report.html", "--title", "Autumn <intake>")
    assert (done.code, done.err) == (0, "")
    assert done.out == "Wrote report.html: 7 files, 7 admitted.\n"
    page = Path("report.html").read_text("utf-8")
    assert page.startswith("<!doctype html>\n")
    assert "Autumn &lt;intake&gt;" in page
    assert "Autumn <intake>" not in page
    # What names the input is what a receipt of the run names.
    assert FileDigest.of(str(verdicts)).sha256 in page


def test_several_inputs_and_standard_input_make_one_report(installed: Run, noai: Run, verdicts: Path) -> None:
    done = installed("report", verdicts, "-", "-o", "report.html", stdin=verdicts.read_bytes())
    assert (done.code, done.out) == (0, "Wrote report.html: 14 files, 14 admitted.\n")
    assert "standard input" in Path("report.html").read_text("utf-8")
    noai("report", "-", "-", "-o", "report.html").refuses("can be read once")


def test_an_input_may_be_a_pipe(noai: Run, verdicts: Path) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_bytes, args=(verdicts.read_bytes(),))
    writer.start()
    assert noai("report", "pipe", "-o", "report.html").code == 0
    writer.join()


def test_parquet_makes_the_same_report(noai: Run, album: Path, marked_album: Path) -> None:
    for form in ("jsonl", "parquet"):
        noai("verify", album, marked_album, "--ordered", "--format", form, "-o", f"out.{form}")
        assert noai("report", f"out.{form}", "-o", f"{form}.html").code == 0
    pages = [Path(f"{form}.html").read_text("utf-8").splitlines() for form in ("jsonl", "parquet")]
    different = [pair for pair in zip(*pages, strict=True) if pair[0] != pair[1]]
    # The names and digests of the inputs, and perhaps the minute.
    assert all("out.jsonl" in one or "<time" in one for one, _ in different)
    assert any("out.parquet" in other for _, other in different)


def test_parquet_that_is_cut_off_or_of_something_else(noai: Run, album: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    noai("verify", album, "--format", "parquet", "-o", "out.parquet")
    whole = Path("out.parquet").read_bytes()
    Path("cut.parquet").write_bytes(whole[:-100])
    noai("report", "cut.parquet", "-o", "report.html").refuses("cut.parquet", "cannot be read as Parquet")
    pq.write_table(pa.table({"a": [1]}), "other.parquet")
    noai("report", "other.parquet", "-o", "report.html").refuses("other.parquet", "row 1", "schema")
    assert not Path("report.html").exists()


def test_a_run_that_was_interrupted_is_reported_as_far_as_it_got(noai: Run, verdicts: Path) -> None:
    verdicts.write_bytes(verdicts.read_bytes()[:-10])
    done = noai("report", verdicts, "-o", "report.html")
    assert (done.code, done.out) == (0, "Wrote report.html: 6 files, 6 admitted.\n")
    assert "verdicts.jsonl: line 7 was not written to its end" in done.err
    assert "verdicts.jsonl ends in the middle of line 7" in Path("report.html").read_text("utf-8")


def test_a_damaged_line_is_named_and_nothing_is_written(noai: Run, verdicts: Path) -> None:
    Path("report.html").write_text("the last one")
    lines = verdicts.read_text().splitlines(keepends=True)
    for damaged, words in (
        ("{oops\n", ("line 3", "not JSON")),
        (json.dumps({**record(), "schema": "noai.verdict/9"}) + "\n", ("line 3", "noai.verdict/9")),
        (json.dumps({**record(), "decision": "maybe"}) + "\n", ("line 3", "decision")),
    ):
        verdicts.write_text("".join([*lines[:2], damaged, *lines[2:]]))
        noai("report", verdicts, "-o", "report.html").refuses("verdicts.jsonl", *words)
        assert Path("report.html").read_text() == "the last one"


def test_no_records_make_no_report(noai: Run) -> None:
    Path("empty").write_bytes(b"\n\n")
    noai("report", "empty", "-o", "report.html").refuses("no record")
    noai("report", "missing", "-o", "report.html").refuses("missing", "No such file")
    Path("folder").mkdir()
    noai("report", "folder", "-o", "report.html").refuses("folder")
    noai("report", "-o", "report.html").refuses("PATH...")
    assert not Path("report.html").exists()


@pytest.mark.parametrize(
    "output", ["verdicts.jsonl", "./verdicts.jsonl", "album/tune.mp3", "track.flac", "t.xmp", "key.html"]
)
def test_an_output_that_would_destroy_something_is_refused(noai: Run, verdicts: Path, output: str) -> None:
    Path("key.html").write_text("-----BEGIN PRIVATE KEY-----\n")
    before = snapshot(Path())
    noai("report", verdicts, "-o", output).refuses(output, "overwritten")
    assert snapshot(Path()) == before


def test_a_folder_that_is_not_there(noai: Run, verdicts: Path) -> None:
    noai("report", verdicts, "-o", "nowhere/report.html").refuses("nowhere/report.html", "cannot be written")


def test_paths_that_are_no_utf8_are_written_escaped(noai: Run) -> None:
    write_lines(Path("odd.jsonl"), [record(path="caf\udce9.flac")])
    assert noai("report", "odd.jsonl", "-o", "report.html").code == 0
    Path("report.html").read_text("utf-8")
