"""``noai filter``: what may be used, written without the rest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.audio import SAMPLES
from tests.cli.conftest import COMMAND, Run, snapshot
from tests.corpus.archive_files import DENIED, OPEN, tar_of


@pytest.fixture
def corpus() -> Path:
    """Two tracks that are admitted, two that are not, a damaged one, and one file that is no track."""
    folder = Path("corpus")
    for name, source in [
        ("a/one.mp3", "unmarked/waltz.mp3"),
        ("a/two.flac", "marked/tune.flac"),
        ("three.ogg", "unmarked/tune.ogg"),
        ("four.mp3", "marked/tune.mp3"),
    ]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / source, folder / name)
    (folder / "five.wav").write_bytes(b"damaged")
    (folder / "README").write_text("no audio")
    return folder


def records(path: str) -> list[Any]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


ADMITTED = ["corpus/a/one.mp3", "corpus/three.ogg"]
REJECTED = {"corpus/a/two.flac": "rejected", "corpus/four.mp3": "rejected", "corpus/five.wav": "undecided"}


def test_a_list_and_what_is_not_in_it(corpus: Path, noai: Run) -> None:
    done = noai("filter", corpus, "-o", "ok.txt")
    assert done.code == 0, done
    assert Path("ok.txt").read_text().splitlines() == ADMITTED
    rejected = records("ok.txt.rejected.jsonl")
    assert {record["path"]: record["decision"] for record in rejected} == REJECTED
    assert all(record["reasons"] and not record["admitted"] for record in rejected)
    assert "5 files: 2 rejected, 1 undecided, 2 unreserved; 2 admitted; 1 other file passed over" in done.out
    assert "ok.txt.rejected.jsonl" in done.out


def test_a_list_on_stdout_is_nothing_else(corpus: Path, noai: Run) -> None:
    done = noai("filter", corpus, "-o", "-")
    assert done.code == 0
    assert done.out.splitlines() == ADMITTED
    assert "2 admitted" in done.err
    assert set(os.listdir()) == {"corpus"}
    done = noai("filter", corpus, "-o", "-", "--print0", "--rejected", "no.jsonl")
    assert done.out == "".join(f"{path}\0" for path in ADMITTED)
    assert len(records("no.jsonl")) == 3


def test_the_list_is_read_by_verify(corpus: Path, noai: Run) -> None:
    noai("filter", corpus, "-o", "ok.txt")
    assert noai("verify", "--files-from", "ok.txt").code == 0


def test_records(corpus: Path, noai: Run) -> None:
    done = noai("filter", corpus, "--as", "records", "-o", "-")
    assert [record["path"] for record in done.lines] == ADMITTED
    assert {record["depth"] for record in done.lines} == {"decision"}
    verified = noai("verify", corpus, "--depth", "decision", "--format", "jsonl").lines
    assert done.lines == [record for record in verified if record["admitted"]]


def test_policy_uses_and_patterns(corpus: Path, noai: Run) -> None:
    assert noai("filter", corpus, "-o", "-", "--policy", "opt-in").out == ""
    assert noai("filter", corpus, "-o", "-", "--include", "*.ogg").out.split() == ["corpus/three.ogg"]
    assert noai("filter", corpus, "-o", "-", "--exclude", "a/").out.split() == ["corpus/three.ogg"]
    assert (
        noai("filter", corpus, "-o", "-", "--depth", "evidence", "--jobs", "2").out.splitlines() == ADMITTED
    )


@pytest.mark.parametrize("shape", ["links", "copies"])
def test_a_folder(shape: str, corpus: Path, noai: Run) -> None:
    before = snapshot(corpus)
    done = noai("filter", corpus, "--as", shape, "-o", "ok/")
    assert done.code == 0, done
    assert {str(path.relative_to("ok")) for path in Path("ok").rglob("*.*")} == {"a/one.mp3", "three.ogg"}
    assert Path("ok/a/one.mp3").is_symlink() == (shape == "links")
    assert Path("ok/a/one.mp3").read_bytes() == (corpus / "a" / "one.mp3").read_bytes()
    assert {record["path"] for record in records("ok.rejected.jsonl")} == set(REJECTED)
    assert snapshot(corpus) == before


def test_a_folder_inside_the_one_that_is_read_is_left_out(corpus: Path, noai: Run) -> None:
    for _ in range(2):
        done = noai("filter", corpus, "--as", "copies", "-o", corpus / "ok", "--rejected", "no.jsonl")
        assert done.code == 0, done
        assert {path.name for path in (corpus / "ok").rglob("*.*")} == {"one.mp3", "three.ogg"}
        shutil.rmtree(corpus / "ok")


def test_shards(noai: Run) -> None:
    Path("shards").mkdir()
    tar_of(Path("shards/0.tar"), [("1.mp3", OPEN), ("1.json", b"{}"), ("2.mp3", DENIED), ("2.json", b"{}")])
    tar_of(Path("shards/1.tgz"), [("1.mp3", OPEN)])
    Path("shards/index.json").write_text("{}")
    done = noai("filter", "shards", "--as", "shards", "-o", "ok")
    assert done.code == 0, done
    assert sorted(os.listdir("ok")) == ["0.tar", "1.tgz"]
    assert subprocess.check_output(["tar", "tf", "ok/0.tar"]).split() == [b"1.mp3", b"1.json"]
    (record,) = records("ok.rejected.jsonl")
    assert (record["path"], record["member"], record["decision"]) == ("shards/0.tar", "2.mp3", "rejected")
    assert noai("verify", "ok").code == 0


def test_a_list_names_members_behind_their_archive(noai: Run) -> None:
    tar_of(Path("a.tar"), [("1.mp3", OPEN), ("2.mp3", DENIED)])
    done = noai("filter", "a.tar", "-o", "-")
    assert done.out == "a.tar\t1.mp3\n"
    assert noai("filter", "a.tar", "-o", "-", "--no-archives").out == ""


def test_names_that_a_list_cannot_hold_are_told(noai: Run) -> None:
    Path("corpus").mkdir()
    Path("corpus/two\nlines.mp3").write_bytes(OPEN)
    Path("corpus/one.mp3").write_bytes(OPEN)
    done = noai("filter", "corpus", "-o", "-")
    assert done.code == 1
    assert done.out == "corpus/one.mp3\n"
    assert "--as records" in done.err
    assert noai("filter", "corpus", "-o", "-", "--print0").out == "corpus/one.mp3\0corpus/two\nlines.mp3\0"
    assert len(noai("filter", "corpus", "-o", "-", "--as", "records").lines) == 2


def test_what_cannot_be_read_is_told(corpus: Path, noai: Run) -> None:
    done = noai("filter", corpus, "missing.mp3", "-o", "ok.txt")
    assert done.code == 1
    assert "missing.mp3: there is no such file" in done.err
    assert Path("ok.txt").read_text().splitlines() == ADMITTED
    tar_of(corpus / "cut.tar", [("1.mp3", OPEN), ("2.mp3", OPEN)])
    os.truncate(corpus / "cut.tar", 20_000)
    done = noai("filter", corpus, "--as", "copies", "-o", "ok")
    assert done.code == 1
    assert "corpus/cut.tar: cut off" in done.err
    assert records("ok.rejected.jsonl")[-1]["error"]["code"] == "archive_malformed"


def test_usage(corpus: Path, noai: Run) -> None:
    noai("filter", corpus).refuses("-o DST")
    noai("filter", "-o", "ok.txt").refuses("name the files")
    noai("filter", corpus, "-o", ".").refuses("--as links, copies or shards")
    noai("filter", corpus, "-o", "new/").refuses("--as links, copies or shards")
    noai("filter", corpus, "--as", "records", "-o", ".").refuses("is a folder")
    noai("filter", corpus, "--as", "copies", "-o", "-").refuses("name one with -o")
    noai("filter", corpus, "--as", "copies", "-o", corpus).refuses("not empty")
    noai("filter", corpus, "--as", "copies", "-o", corpus / "README").refuses("cannot be written")
    noai("filter", corpus, "-o", corpus / "three.ogg").refuses("track")
    noai("filter", corpus, "-o", "x", "--rejected", corpus / "three.ogg").refuses("track")
    noai("filter", corpus, "-o", "x", "--rejected", "x").refuses("what is not")
    noai("filter", corpus, "-o", "x", "--print0", "--as", "records").refuses("--print0")
    noai("filter", corpus, "-o", "x", "-0").refuses("--files-from")
    noai("filter", corpus / "README", "missing.mp3", "-o", "x", "--rejected", "/nowhere/x").refuses(
        "/nowhere/x"
    )
    noai("filter", "s3://bucket/x.mp3", "--as", "copies", "-o", "ok").refuses("elsewhere")
    assert not Path("x").exists()


def test_nothing_to_filter(noai: Run) -> None:
    Path("empty").mkdir()
    noai("filter", "empty", "-o", "ok.txt").refuses("no audio")
    assert os.listdir() == ["empty"]


def test_an_output_is_there_when_it_is_whole(corpus: Path, noai: Run) -> None:
    Path("ok.txt").write_text("of an earlier run")
    done = noai("filter", corpus, "-o", "ok.txt", "--rejected", "/nowhere/x")
    assert done.code == 2
    assert Path("ok.txt").read_text() == "of an earlier run"
    assert noai("filter", corpus, "-o", "ok.txt").code == 0
    assert Path("ok.txt").read_text().splitlines() == ADMITTED
    assert not [name for name in os.listdir() if name.endswith(".tmp")]


def test_a_device_is_written_to_as_it_is(corpus: Path, noai: Run) -> None:
    assert noai("filter", corpus, "-o", "/dev/null", "--rejected", "no.jsonl").code == 0
    assert Path("/dev/null").is_char_device()


def test_the_installed_command(corpus: Path) -> None:
    listed = "\0".join(f"corpus/{name}" for name in ("three.ogg", "four.mp3")).encode()
    done = subprocess.run(
        [COMMAND, "filter", "--files-from", "-", "-0", "-o", "-"],
        input=listed,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"corpus/three.ogg\n"


@pytest.mark.parametrize("shape", ["copies", "shards", "list"])
def test_what_cannot_be_written_ends_the_run_and_leaves_no_halves(shape: str) -> None:
    """Under a limit on the size of files, which fails as a full disk does."""
    Path("src").mkdir()
    tar_of(Path("src/0.tar"), [(f"{n}.mp3", OPEN) for n in range(20)])
    if shape != "shards":
        Path("src/a.mp3").write_bytes(OPEN + bytes(200_000))
    if shape == "list":
        Path("src/0.tar").unlink()
        for n in range(2_000):
            os.link("src/a.mp3", f"src/{n:0200}.mp3")
    command = f"ulimit -f 100; exec {COMMAND} filter src --as {shape} -o out"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    left = [path.name for path in Path().rglob("*") if path.is_file() and path.parent.name != "src"]
    assert left == []


def test_one_file_for_both_by_way_of_a_link(corpus: Path, noai: Run) -> None:
    Path("link").symlink_to("ok.txt")
    noai("filter", corpus, "-o", "ok.txt", "--rejected", "link").refuses("is named for what is admitted")


def test_what_is_named_like_an_archive_is_never_lost(corpus: Path, noai: Run, installed: Run) -> None:
    (corpus / "gone.tar").symlink_to("nowhere")
    closed = corpus / "shards.parquet"
    closed.mkdir(mode=0o000)
    for jobs in ("1", "2"):
        done = installed("verify", corpus, "--format", "jsonl", "--jobs", jobs, unprivileged=True)
        errors = {r["path"]: (r["decision"], r["error"]["code"]) for r in done.lines if r["error"]}
        assert errors["corpus/gone.tar"] == ("undecided", "source_missing")
        assert errors["corpus/shards.parquet"] == ("undecided", "source_forbidden")
    closed.chmod(0o700)


def test_without_archives_none_is_admitted_whole(corpus: Path, noai: Run) -> None:
    tar_of(corpus / "one.tar", [("one.mp3", OPEN), ("two.mp3", DENIED)])
    shutil.copy(corpus / "a" / "one.mp3", corpus / "named.tar")
    for shape in ("copies", "links"):
        done = noai(
            "filter", corpus, "--no-archives", "--as", shape, "-o", shape, "--rejected", f"{shape}.txt"
        )
        assert "3 other files passed over" in done.out
        assert sorted(p.name for p in Path(shape).rglob("*.*")) == ["one.mp3", "three.ogg"]
    named = noai("verify", corpus / "named.tar", "--no-archives", "--format", "jsonl")
    assert [record["decision"] for record in named.lines] == ["undecided"]
