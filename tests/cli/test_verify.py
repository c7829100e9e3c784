"""``noai verify``: exit codes, formats, and what is looked at."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from noai.codes import Code
from noai.errors import NoaiError
from noai.verdict import SCHEMA
from noai.verifying import Verifier
from tests.audio import SAMPLES
from tests.cli.conftest import COMMAND, Run, snapshot

UNMARKED = SAMPLES / "unmarked"


@pytest.fixture
def marked(marked_album: Path) -> Path:
    return marked_album / "tune.mp3"


@pytest.fixture
def garbage() -> Path:
    path = Path("garbage.mp3")
    path.write_text("not audio")
    return path


def test_exit_0_all_admitted(installed: Run) -> None:
    done = installed("verify", UNMARKED)
    assert done.code == 0
    assert "rejected" not in done.out


def test_exit_1_one_is_rejected(installed: Run, marked: Path, garbage: Path) -> None:
    """Also where others are undecided or could not be read."""
    assert installed("verify", UNMARKED, garbage, marked, "missing.mp3").code == 1


def test_exit_1_unreserved_is_refused_by_opt_in(installed: Run, track: Path) -> None:
    done = installed("verify", track, "--policy", "opt-in")
    assert done.code == 1
    assert "not admitted without a permission" in done.out


def test_exit_2_nothing_could_be_read(installed: Run, track: Path) -> None:
    done = installed("verify", "missing.mp3", "gone.wav", "--format", "json")
    done.refuses("none of the files could be read")
    assert [record["error"]["code"] for record in done.json] == ["source_missing", "source_missing"]
    installed("verify").refuses("name the files")
    installed("verify", track, "--use", "listening").refuses("listening")


def test_exit_3_one_is_undecided(installed: Run, garbage: Path, track: Path) -> None:
    assert installed("verify", garbage).code == 3
    assert installed("verify", track, garbage, "missing.mp3").code == 3


def test_a_name_without_audio_in_it_is_undecided_in_a_folder_too(noai: Run, garbage: Path) -> None:
    assert noai("verify", ".").code == 3


def test_text_for_an_unmarked_file_is_one_line(noai: Run, track: Path) -> None:
    done = noai("verify", track)
    assert done.out.splitlines() == ["unreserved tune.mp3 (mp3)", "", "1 file: 1 unreserved; 1 admitted"]


def test_text_says_why_and_by_whom(noai: Run, ana: Path, marked: Path) -> None:
    out = noai("verify", marked).out
    assert f"rejected   {marked} (mp3)" in out
    assert "reserved by marker, c2pa" in out
    checks = "signature pass, signer pass, binding pass, time pass"
    assert f"marker     signed by ana (own identity): {checks}" in out
    assert "1 file: 1 rejected; 0 admitted" in out


def test_text_shows_an_unknown_signer_as_such(noai: Run, marked: Path) -> None:
    out = noai("verify", marked).out
    assert '"ana" (a signer not known here): signature pass, signer unknown' in out


def test_trust_for_one_run_identifies_and_permits_nothing(noai: Run, ana: Path, track: Path) -> None:
    noai("mark", track, "--in-place", "--allow", "ai_training", "--allow", "ai_generative_training")
    noai("identity", "export", "ana", "-o", "ana.pem")
    for asked in ((), ("--trust", "ana.pem")):
        done = noai("verify", track, *asked, "--format", "json")
        assert (done.json[0]["decision"], done.code) == ("unreserved", 0)
        assert noai("verify", track, *asked, "--policy", "opt-in").code == 1
    reasons = [reason["code"] for reason in done.json[0]["reasons"]]
    assert Code.PERMISSION_NOT_TRUSTED.value in reasons
    # What is listed with more stays so when it is also named for the run.
    noai("trust", "add", "ana.pem", "--may", "permit")
    done = noai("verify", track, "--trust", "ana.pem", "--policy", "opt-in", "--format", "json")
    assert (done.json[0]["decision"], done.code) == ("allowed", 0)


def test_trust_files_that_are_none(noai: Run, track: Path) -> None:
    noai("verify", track, "--trust", "missing.pem").refuses("missing.pem")
    noai("verify", track, "--trust", track).refuses("certificate")


def test_only_the_uses_that_are_asked_about_matter(noai: Run, ana: Path, track: Path) -> None:
    noai("mark", track, "--in-place", "--profile", "no-generative", "--no-c2pa")
    assert noai("verify", track).code == 1
    done = noai("verify", track, "--use", "data_mining", "--use", "cawg.ai_inference", "--format", "json")
    assert done.code == 0
    assert done.json[0]["requested"] == ["cawg.data_mining", "cawg.ai_inference"]


@pytest.mark.parametrize("depth", ["evidence", "decision"])
def test_both_depths_decide_the_same(noai: Run, marked_album: Path, depth: str) -> None:
    done = noai("verify", marked_album, "--depth", depth, "--format", "jsonl")
    assert done.code == 1
    assert {(line["depth"], line["decision"]) for line in done.lines} == {(depth, "rejected")}


def test_records(noai: Run, marked_album: Path, track: Path) -> None:
    array = noai("verify", marked_album, track, "missing.mp3", "--format", "json")
    lines = noai("verify", marked_album, track, "missing.mp3", "--format", "jsonl")
    assert array.json == lines.lines
    assert {record["schema"] for record in array.json} == {SCHEMA}
    assert (array.err, lines.err) == ("", "")


def test_an_empty_array_is_valid_json(noai: Run) -> None:
    Path("empty").mkdir()
    assert noai("verify", "empty", "--format", "json").json == []


def test_csv(noai: Run, marked: Path, track: Path, garbage: Path) -> None:
    shutil.copy(track, 'a, "b"\nc.mp3')
    done = noai("verify", marked, 'a, "b"\nc.mp3', garbage, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["path"] for row in rows] == [str(marked), 'a, "b"\nc.mp3', "garbage.mp3"]
    first, second, third = rows
    assert first["decision"] == "rejected"
    assert first["admitted"] == "false"
    assert first["marked"] == "true"
    assert first["signer"] == "ana"
    assert first["reasons"] == "reserved"
    assert "cawg.ai_training" in first["denied"].split()
    assert (second["decision"], second["admitted"], second["signer"]) == ("unreserved", "true", "")
    assert (third["decision"], third["error"]) == ("undecided", "container_unknown")


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv"])
def test_a_file_instead_of_stdout(noai: Run, track: Path, form: str) -> None:
    shown = noai("verify", track, "--format", form)
    done = noai("verify", track, "--format", form, "-o", "verdicts")
    assert (done.code, done.out) == (0, "")
    assert Path("verdicts").read_text("utf-8") == shown.out


def test_output_that_would_destroy_something(noai: Run, track: Path) -> None:
    before = track.read_bytes()
    noai("verify", track, "-o", track).refuses("overwritten")
    noai("verify", track, "-o", "new.flac").refuses("overwritten")
    Path("list.txt").write_text("tune.mp3\n")
    noai("verify", "--files-from", "list.txt", "-o", "list.txt").refuses("overwritten")
    noai("verify", track, "-o", "no/such/folder").refuses("cannot be written")
    noai("verify", track, "-o", ".").refuses("cannot be written")
    assert track.read_bytes() == before
    assert Path("list.txt").read_text() == "tune.mp3\n"


@pytest.mark.parametrize("name", ["take1", "key.pem", "key.txt", "tune.mp3.c2pa", "tune.XMP", "chain"])
def test_output_never_replaces_what_cannot_be_made_again(
    noai: Run, ana: Path, track: Path, name: str
) -> None:
    folder = Path("folder")
    folder.mkdir()
    path = folder / name
    source = {"take1": track, "chain": ana / "identities/ana/chain.pem"}.get(
        name, ana / "identities/ana/key.pem"
    )
    shutil.copy(source, path)
    before = snapshot(folder)
    noai("verify", folder, "--format", "json", "-o", path).refuses("overwritten")
    noai("verify", track, "-o", path).refuses("overwritten")
    assert snapshot(folder) == before


def test_output_replaces_the_output_of_an_earlier_run(noai: Run, track: Path) -> None:
    Path("folder").mkdir()
    shutil.copy(track, "folder")
    for _ in range(2):
        assert noai("verify", "folder", "--format", "json", "-o", "folder/verdicts").code == 0
        assert len(json.loads(Path("folder/verdicts").read_text())) == 1


def test_paths_from_a_list(noai: Run, installed: Run, album: Path, track: Path) -> None:
    Path("list").write_text("tune.mp3\n\nalbum\n")
    count = len(list(album.glob("tune*")))
    assert len(noai("verify", "--files-from", "list", "--format", "jsonl").lines) == count + 1
    done = installed("verify", "--files-from", "-", "--format", "jsonl", stdin=b"tune.mp3\nmissing.mp3")
    assert [line["path"] for line in done.lines] == ["tune.mp3", "missing.mp3"]
    odd = b"line\nbreak \xff.mp3"
    shutil.copy(bytes(track), odd)
    done = installed(
        "verify", "--files-from", "-", "-0", "--format", "jsonl", stdin=odd + b"\0" + b"tune.mp3\0"
    )
    assert [line["path"] for line in done.lines] == ["line\nbreak \\xff.mp3", "tune.mp3"]
    assert done.code == 0


def test_lists_that_are_none(noai: Run, track: Path) -> None:
    noai("verify", "--files-from", "missing.txt").refuses("missing.txt", "cannot be read")
    noai("verify", "--files-from", ".").refuses("cannot be read")
    Path("nul").write_bytes(b"tune.mp3\0tune.mp3\0")
    noai("verify", "--files-from", "nul").refuses("-0")
    Path("empty").touch()
    noai("verify", "--files-from", "empty").refuses("no audio")
    noai("verify", track, "-0").refuses("--files-from")


def test_an_empty_path_is_never_the_current_folder(noai: Run, track: Path) -> None:
    noai("verify", "").refuses("empty")


def test_what_is_passed_over_is_counted(noai: Run, album: Path) -> None:
    (album / "round").symlink_to(".", target_is_directory=True)
    os.mkfifo(album / "pipe")
    count = len(list(album.glob("tune*")))
    assert noai("verify", album).out.splitlines()[-1] == (
        f"{count} files: {count} unreserved; {count} admitted; 2 other files passed over; "
        "1 link to folders not followed"
    )


def test_sidecars_speak_for_their_track(noai: Run, track: Path) -> None:
    Path("tune.mp3.xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining="DMI-PROHIBITED"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    done = noai("verify", ".", "--format", "json")
    assert [record["path"] for record in done.json] == ["./tune.mp3"]
    assert done.json[0]["decision"] == "rejected"


def test_processes_print_the_same(installed: Run, marked_album: Path, garbage: Path) -> None:
    asked = ("verify", UNMARKED, marked_album, garbage, "--format", "jsonl")
    one, two = installed(*asked), installed(*asked, "--jobs", "2")
    assert (one.code, one.out) == (two.code, two.out) == (1, two.out)
    assert two.err == ""


def test_jobs_are_at_least_one(noai: Run, track: Path) -> None:
    noai("verify", track, "--jobs", "0").refuses("--jobs")


def test_a_bug_admits_nothing_and_stops_nothing(
    noai: Run, track: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Verifier.report

    def wrong(self: Verifier, source: str) -> object:
        if source == "tune.mp3":
            raise RecursionError("a bug")
        return right(self, source)

    monkeypatch.setattr(Verifier, "report", wrong)
    shutil.copy(track, "other.mp3")
    done = noai("verify", track, "other.mp3", "--format", "json")
    assert done.code == 3
    assert [record["decision"] for record in done.json] == ["undecided", "unreserved"]
    assert done.json[0]["error"]["code"] == "internal_error"


def test_a_crash_of_the_command_is_no_answer(noai: Run, track: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Verifier) -> object:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Verifier, "trust_list", property(wrong))
    done = noai("verify", track)
    assert done.code == 70
    assert "please report it" in done.err


def test_an_error_of_a_new_kind_is_still_one_sentence(
    noai: Run, track: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(self: Verifier) -> object:
        raise NoaiError("something\x1b[31m new")

    monkeypatch.setattr(Verifier, "trust_list", property(wrong))
    done = noai("verify", track)
    done.refuses("something\\x1b[31m new")


def test_a_closed_pipe_is_no_answer(track: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([COMMAND, "verify", track], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_stream_that_was_closed_before(track: Path, closed: str) -> None:
    done = subprocess.run(["sh", "-c", f'exec "$0" verify tune.mp3 {closed}>&-', COMMAND], check=False)
    assert done.returncode == 0


def test_a_full_disk_is_no_success(track: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([COMMAND, "verify", track], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"noai: error: the output cannot be written: No space left")
    assert b"Traceback" not in done.stderr


def test_the_record_of_a_path_that_is_not_utf8(installed: Run, track: Path) -> None:
    odd = b"b\\c \xff\xe4.mp3"
    shutil.copy(bytes(track), odd)
    done = installed("verify", odd, b"missing \xff.mp3", "--format", "json")
    assert [json.dumps(r["path"]) for r in done.json] == [r'"b\\\\c \\xff\\xe4.mp3"', r'"missing \\xff.mp3"']
    # No lone surrogate anywhere, which many readers of JSON refuse.
    assert "\\udc" not in done.out.lower()
    assert done.out.isascii()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_digest_ties_the_record_to_the_bytes(noai: Run, marked_album: Path, jobs: str) -> None:
    done = noai("verify", marked_album, "--digest", "--format", "jsonl", "--jobs", jobs)
    assert len(done.lines) > 1
    for record in done.lines:
        assert record["sha256"] == hashlib.sha256(Path(record["path"]).read_bytes()).hexdigest()
    assert noai("verify", marked_album, "--format", "jsonl").lines[0]["sha256"] is None
