"""``noai verify --resume``: an output that was interrupted ends up as if it never had been."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from noai.cli.app import run
from noai.corpus.batches import Finished
from noai.corpus.state import State
from noai.corpus.workers import SHORT_RUN
from noai.errors import UsageError
from noai.report import Depth
from tests.audio import SAMPLES
from tests.corpus.archive_files import parquet_of
from tests.corpus.conftest import plant_tree

COMMAND = Path(sys.executable).parent / "noai"
#: More than a short run, and than what is on the way to processes and from them.
MANY = SHORT_RUN[Depth.DECISION] + 3_000
TUNE = SAMPLES / "unmarked" / "tune.mp3"


def verify(*arguments: object) -> int:
    return run(["verify", "--depth", "decision", *map(str, arguments)])


def records(output: Path) -> list[dict[str, object]]:
    if output.suffix == ".parquet":
        return [{**row, "uses": dict(row["uses"])} for row in pq.read_table(output).to_pylist()]
    return [json.loads(line) for line in output.read_text().splitlines()]


def by_path(output: Path) -> list[str]:
    return sorted(json.dumps(record, default=str) for record in records(output))


@pytest.fixture
def tree() -> Path:
    return plant_tree(Path("tree"), 60)


@pytest.fixture(scope="session")
def large_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant_tree(tmp_path_factory.mktemp("resumed") / "tree", MANY)


@pytest.mark.parametrize(
    ("form", "ordered", "ending"),
    [
        ("jsonl", False, signal.SIGKILL),
        ("jsonl", True, signal.SIGKILL),
        ("parquet", False, signal.SIGKILL),
        ("parquet", True, signal.SIGINT),
    ],
)
def test_a_run_that_was_killed(large_tree: Path, form: str, ordered: bool, ending: signal.Signals) -> None:
    """Killed when it has judged the first part of its list, and waits for the rest."""
    paths = sorted(str(path) for path in large_tree.rglob("*") if path.is_file())
    output, whole = Path(f"out.{form}"), Path(f"whole.{form}")
    command = [str(COMMAND), "verify", "--files-from", "-", "--depth", "decision", "--jobs", "2"]
    command += ["--format", form, *(["--ordered"] if ordered else []), "-o"]
    listed = "\n".join(paths).encode()
    subprocess.run([*command, whole], input=listed, check=False)
    with subprocess.Popen(
        [*command, output],
        stdin=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdin is not None
        process.stdin.write(listed[: len(listed) * 4 // 5])
        process.stdin.flush()
        while form == "jsonl" and (not output.exists() or output.read_bytes().count(b"\n") < 500):
            os.sched_yield()
        os.killpg(process.pid, ending)
    if form == "jsonl":
        assert 500 <= len(records(output)) < MANY
        with output.open("ab") as stream:
            stream.write(b'{"schema": "noai.verd')
    resumed = subprocess.run([*command, output, "--resume"], input=listed, check=False)
    assert resumed.returncode == 1
    assert len(records(output)) == len(paths)
    if ordered:
        assert records(output) == records(whole)
    else:
        assert by_path(output) == by_path(whole)


@pytest.fixture(params=["jsonl", "parquet"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_nothing_is_judged_twice(tree: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    output = Path(f"out.{form}")
    asked = (tree, "--format", form, "-o", output)
    code = verify(*asked)
    before = output.read_bytes() if form == "jsonl" else by_path(output)
    monkeypatch.setattr("noai.verifying.Verifier.glance", pytest.fail)
    monkeypatch.setattr("noai.corpus.batches.judge", lambda each, _: pytest.fail(each.path))
    (tree / "0000").joinpath("000000.txt").unlink()
    (tree / "0000").joinpath("000050.txt").unlink()
    assert verify(*asked, "--resume") == code
    assert (output.read_bytes() if form == "jsonl" else by_path(output)) == before


@pytest.mark.parametrize("ordered", [False, True])
def test_what_changed_vanished_or_is_new(tree: Path, form: str, ordered: bool) -> None:
    output, whole = Path(f"out.{form}"), Path(f"whole.{form}")
    order = ["--ordered"] if ordered else []
    asked = (tree, "--format", form, *order, "-o")
    verify(*asked, output)
    tracks = sorted(path for path in tree.rglob("*") if path.suffix not in ("", ".txt"))
    tracks[10].unlink()
    tracks[10].write_text("no audio")
    tracks[20].unlink()
    shutil.copy(TUNE, tree / "0000" / "000030a.mp3")
    # Beside one stands now what speaks for it.
    tracks[40].with_suffix(".xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining="DMI-PROHIBITED"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    code = verify(*asked, whole)
    assert verify(*asked, output, "--resume") == code
    assert by_path(output) == by_path(whole)
    if ordered:
        assert records(output) == records(whole)
    tracks[40].with_suffix(".xmp").unlink()
    verify(*asked, whole)
    verify(*asked, output, "--resume")
    assert by_path(output) == by_path(whole)


def test_a_half_written_end_is_dropped(tree: Path) -> None:
    output = Path("out.jsonl")
    verify(tree, "--format", "jsonl", "-o", output)
    before = output.read_bytes()
    for cut in (1, 100, len(before) // 2, len(before) - 5, len(before)):
        output.write_bytes(before[:-cut])
        verify(tree, "--format", "jsonl", "-o", output, "--resume")
        assert sorted(output.read_bytes().splitlines()) == sorted(before.splitlines())


@pytest.mark.parametrize("ordered", [False, True])
def test_an_archive_that_was_not_finished_is_read_again(tree: Path, ordered: bool) -> None:
    for name in ("a.tar", "b.tar"):
        with tarfile.open(tree / name, "w") as tar:
            for path in sorted((SAMPLES / "unmarked").glob("tune*")):
                tar.add(path, path.name)
    output = Path("out.jsonl")
    order = ["--ordered"] if ordered else []
    asked = (tree, "--format", "jsonl", *order, "-o", output)
    code = verify(*asked)
    before = output.read_bytes().splitlines()
    assert sum(b"tree/a.tar" in line for line in before) == len(list((SAMPLES / "unmarked").glob("tune*")))
    # As if killed in the middle of an archive: its last record is missing, and that it is finished.
    state = Path("out.jsonl.run")
    state.write_text("\n".join(line for line in state.read_text().splitlines() if "b.tar" not in line) + "\n")
    last = max(number for number, line in enumerate(before) if b"tree/b.tar" in line)
    output.write_bytes(b"".join(line + b"\n" for n, line in enumerate(before) if n != last))
    assert verify(*asked, "--resume") == code
    assert sorted(output.read_bytes().splitlines()) == sorted(before)
    # And one that changed since.
    with tarfile.open(tree / "a.tar", "w") as tar:
        tar.add(TUNE, "other.mp3")
    verify(*asked, "--resume")
    assert [r["member"] for r in records(output) if r["path"] == "tree/a.tar"] == ["other.mp3"]
    assert len(records(output)) == len(before) - len(list((SAMPLES / "unmarked").glob("tune*"))) + 1


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (["--policy", "opt-in"], "policy"),
        (["--use", "data_mining"], "uses"),
        (["--depth", "evidence"], "depth"),
        (["--digest"], "digest"),
        (["--include", "*.mp3"], "include"),
        (["--exclude", "*.mp3"], "exclude"),
        (["--no-archives"], "archives"),
        (["--ordered"], "ordered"),
        (["elsewhere"], "paths"),
    ],
)
def test_another_question_is_refused(
    tree: Path, other: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verify(tree, "--format", "jsonl", "-o", "out")
    before = Path("out").read_bytes()
    assert verify(tree, "--format", "jsonl", "-o", "out", "--resume", *other) == 2
    assert f"another question ({named})" in capsys.readouterr().err
    assert Path("out").read_bytes() == before


def test_another_trust_list_is_another_question(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verify(tree, "--format", "jsonl", "-o", "out")
    assert run(["keygen", "ana"]) == 0
    assert verify(tree, "--format", "jsonl", "-o", "out", "--resume") == 2
    assert "another question (trust)" in capsys.readouterr().err


def test_what_cannot_be_gone_on_with(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, word in (
        (["--format", "csv", "-o", "out"], "jsonl and parquet"),
        (["--format", "jsonl"], "-o"),
    ):
        assert verify(tree, *arguments, "--resume") == 2
        assert word in capsys.readouterr().err
    Path("out").write_text("{}\n")
    assert verify(tree, "--format", "jsonl", "-o", "out", "--resume") == 2
    assert "nobody knows" in capsys.readouterr().err
    # What only looks like the state of a run is neither believed nor overwritten.
    Path("out.run").write_text("my notes\n")
    for more in (["--resume"], []):
        assert verify(tree, "--format", "jsonl", "-o", "out", *more) == 2
        assert "is not the state of a run" in capsys.readouterr().err
    assert (Path("out").read_text(), Path("out.run").read_text()) == ("{}\n", "my notes\n")


def test_lines_that_are_no_records(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verify(tree, "--format", "jsonl", "-o", "out")
    lines = Path("out").read_text().splitlines()
    Path("out").write_text("\n".join([lines[0], "{}", *lines[2:]]) + "\n")
    assert verify(tree, "--format", "jsonl", "-o", "out", "--resume") == 2
    assert "line 2 is no verdict record" in capsys.readouterr().err


def test_without_anything_to_go_on_with_it_begins(tree: Path, form: str) -> None:
    assert verify(tree, "--format", form, "-o", f"out.{form}", "--resume") == 1
    assert len(records(Path(f"out.{form}"))) == 60


def test_the_output_in_the_folder_is_not_judged(form: str) -> None:
    tree = plant_tree(Path("tree"), 20)
    output = tree / f"out.{form}"
    for more in ([], ["--resume"], []):
        assert verify(tree, "--format", form, "-o", output, *more) == 1
        assert len(records(output)) == 20


def test_odd_names_are_found_again(tree: Path, form: str) -> None:
    for name in (b"\xff.mp3", b"back\\xff.mp3", "é\n.mp3".encode(), b'"%s".mp3'):
        shutil.copy(TUNE, os.path.join(b"tree", name))
    output = Path(f"out.{form}")
    verify(tree, "--format", form, "-o", output)
    before = by_path(output)
    assert len(before) == 64
    verify(tree, "--format", form, "-o", output, "--resume")
    assert by_path(output) == before


def test_the_state_of_a_run() -> None:
    state = State("out")
    state.start({"depth": "decision"})
    state.finish([Finished("b\udcff.tar", 5, 6)], 7)
    with Path("out.run").open("a") as stream:
        stream.write('{"archive": "half')
    assert state.archives() == {"b\\xff.tar": (Finished("b\udcff.tar", 5, 6), 7)}
    state.require({"depth": "decision"})
    with pytest.raises(UsageError, match="depth"):
        state.require({"depth": "evidence"})


def test_a_state_that_was_cut_off_is_gone_on_with(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.tar", "b.tar"):
        with tarfile.open(tree / name, "w") as tar:
            tar.add(TUNE, "tune.mp3")
    output, state = Path("out.jsonl"), Path("out.jsonl.run")
    asked = (tree, "--format", "jsonl", "-o", output)
    code = verify(*asked)
    before = sorted(output.read_bytes().splitlines())
    state.write_bytes(state.read_bytes()[:-9])
    for _ in range(2):
        assert verify(*asked, "--resume") == code, capsys.readouterr().err
        assert sorted(output.read_bytes().splitlines()) == before
    assert len(State("out.jsonl").archives()) == 2
    # A run that begins anew needs nothing of a state.
    for left in (b"", state.read_bytes()[:7], state.read_bytes()[:-9] + b"{}\n"):
        state.write_bytes(left)
        assert verify(*asked) == code, capsys.readouterr().err
        assert len(State("out.jsonl").archives()) == 2


def test_another_list_is_another_question(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = sorted(str(path) for path in tree.rglob("*.mp3"))
    listed, output = Path("list"), Path("out.jsonl")
    listed.write_text("\n".join(paths))
    asked = ("--files-from", listed, "--format", "jsonl", "-o", output)
    code = verify(*asked)
    before = output.read_bytes()
    assert verify(*asked, "--resume") == code
    listed.write_text("\n".join(paths[:-1]))
    assert verify(*asked, "--resume") == 2
    assert "the list of paths is another" in capsys.readouterr().err
    assert output.read_bytes() == before


def test_nothing_beside_the_output_is_lost(tree: Path, form: str) -> None:
    """Going on writes the output anew, under a name of its own until it is whole."""
    output, notes = Path(f"out.{form}"), Path(f"out.{form}.new")
    notes.write_text("my notes")
    asked = (tree, "--format", form, "-o", output)
    verify(*asked)
    sorted(tree.rglob("*.mp3"))[0].unlink()
    verify(*asked, "--resume")
    assert len(records(output)) == 59
    assert notes.read_text() == "my notes"
    assert not list(Path().glob(".noai-*"))


def test_an_output_that_is_a_link_stays_one(tree: Path, form: str) -> None:
    Path("there").mkdir()
    link, there = Path(f"out.{form}"), Path(f"there/whole.{form}")
    link.symlink_to(there)
    asked = (tree, "--format", form, "-o", link)
    verify(*asked)
    sorted(tree.rglob("*.mp3"))[0].unlink()
    verify(*asked, "--resume")
    assert link.is_symlink()
    assert len(records(there)) == 59


def test_what_is_no_file_has_no_state(tree: Path) -> None:
    os.mkfifo("pipe")
    read = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    verify(tree / "0000" / "000000.txt", "--format", "jsonl", "-o", "pipe")
    assert json.loads(os.read(read, 65536))["path"].endswith("000000.txt")
    os.close(read)
    with Path("held").open("w") as stream:
        verify(tree, "--format", "jsonl", "-o", f"/dev/fd/{stream.fileno()}")
    assert len(records(Path("held"))) == 60
    assert verify(tree, "--format", "jsonl", "-o", "pipe", "--resume") == 2
    assert sorted(os.listdir()) == ["held", "pipe", "tree", "tree-originals"]


@pytest.mark.parametrize("more", [[], ["--format", "jsonl"], ["--format", "parquet"]])
def test_an_output_destroys_no_archive(
    tree: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with tarfile.open("shards", "w") as tar:
        tar.add(TUNE, "tune.mp3")
    pq.write_table(
        pq.read_table(parquet_of(Path("shard.parquet"), [("tune.mp3", TUNE.read_bytes())])), "rows"
    )
    Path("shard.tar").write_bytes(b"damaged")
    for name in ("shards", "shard.parquet", "rows", "shard.tar", "new.tar"):
        before = Path(name).read_bytes() if Path(name).exists() else None
        assert verify(tree, *more, "-o", name) == 2
        assert "archive" in capsys.readouterr().err
        assert before == (Path(name).read_bytes() if Path(name).exists() else None)


def test_parquet_replaces_its_own(tree: Path) -> None:
    for _ in range(2):
        assert verify(tree, "--format", "parquet", "-o", "out.parquet") == 1
    assert len(records(Path("out.parquet"))) == 60
    assert verify(tree, "--format", "jsonl", "-o", "out.parquet") == 2
