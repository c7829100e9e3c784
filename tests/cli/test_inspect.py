"""``noai inspect``."""

from __future__ import annotations

import shutil
from pathlib import Path

import mutagen.flac
import mutagen.id3
import pytest

from noai.claim import ALL_USES
from tests.audio import SAMPLES
from tests.cli.conftest import Run


def test_a_marked_file_is_shown_with_everything_in_it(installed: Run, ana: Path, marked_album: Path) -> None:
    done = installed("inspect", marked_album / "tune.mp3")
    assert (done.code, done.err) == (0, "")
    for told in (
        *("mp3/1", "all five uses", "own identity", "CN=ana", "urn:uuid:", "bound to", "wrote beside it"),
        *("signature pass", "binding pass", "DMI-PROHIBITED", "No AI training without permission", "C2PA"),
        "written by a marking whose marker is present and holds",
    ):
        assert told in done.out
    for judged in ("rejected", "admitted", "unreserved"):
        assert judged not in done.out


def test_the_json_holds_it_all(noai: Run, ana: Path, marked_album: Path) -> None:
    record = noai("inspect", marked_album / "tune.mp3", "--json").json
    assert record["schema"] == "noai.inspect/1"
    assert record["container"] == "mp3"
    assert record["essence"]["scheme"] == "mp3/1"
    assert record["essence"]["violations"] == []
    assert {finding["source"] for finding in record["findings"]} == {"marker", "c2pa", "xmp", "statement"}
    (marker,) = [finding for finding in record["findings"] if finding["source"] == "marker"]
    assert marker["marker"]["essence"]["digest"] == record["essence"]["digest"]
    assert marker["chain"][0]["kid"] == marker["signed_by"]["kid"]
    assert marker["uses"] == {use.value: "notAllowed" for use in ALL_USES}
    assert all(code["meaning"] for finding in record["findings"] for code in finding["codes"])
    assert {field["role"] for field in record["fields"]} == {"marker", "copyright", "comment"}
    assert len(record["xmp"]) == len(record["manifests"]) == 1
    assert not {"decision", "admitted"} & set(record)


@pytest.mark.parametrize("name", sorted(path.name for path in (SAMPLES / "unmarked").glob("tune*")))
def test_unmarked_files_of_every_kind(noai: Run, name: str) -> None:
    done = noai("inspect", SAMPLES / "unmarked" / name)
    assert (done.code, done.err) == (0, "")
    assert "no signals" in done.out
    assert "/1" in done.out


def test_a_file_with_damage_in_it_is_shown_as_far_as_it_goes(noai: Run, marked_album: Path) -> None:
    data = (marked_album / "tune.wav").read_bytes()
    Path("cut.wav").write_bytes(data[: len(data) - 100])
    done = noai("inspect", "cut.wav")
    assert done.code == 0
    assert "cannot bind" in done.out
    assert "binding fail" in done.out
    Path("cut.m4a").write_bytes((marked_album / "tune.m4a").read_bytes()[:-100])
    assert noai("inspect", "cut.m4a").code in (0, 1)


def test_a_token_that_breaks_the_format(noai: Run, track: Path) -> None:
    tags = mutagen.id3.ID3(track)
    tags.add(mutagen.id3.TXXX(encoding=3, desc="NOAI", text=["not.a.token"]))
    tags.save(track)
    record = noai("inspect", track, "--json").json
    (finding,) = [f for f in record["findings"] if f["source"] == "marker"]
    assert finding["value"] == "not.a.token"
    assert finding["marker"] is None
    assert finding["chain"] == []
    assert noai("inspect", track).code == 0


def test_what_cannot_be_read(noai: Run) -> None:
    Path("text.mp3").write_text("words")
    for path, code in (
        ("missing.mp3", "source_missing"),
        (".", "source_not_a_file"),
        ("text.mp3", "container_unknown"),
    ):
        done = noai("inspect", path, "--json")
        done.refuses(path, code=1)
        assert done.json["error"]["code"] == code
        assert noai("inspect", path).out == ""


def test_a_permission_shows_its_end(noai: Run, ana: Path, track: Path) -> None:
    noai("mark", track, "--in-place", "--no-c2pa", "--allow", "ai_inference", "--holder", "Ana Lima")
    noai("mark", track, "--in-place", "--no-c2pa", "--allow", "data_mining", "--holder", "Ana Lima")
    out = noai("inspect", track).out
    assert "permits until" in out
    assert "rights: holder" in out
    assert "Ana Lima" in out
    assert "supersedes" in out
    assert "cawg.data_mining" in out


def test_sidecars_are_shown(noai: Run, ana: Path) -> None:
    shutil.copy(SAMPLES / "unmarked" / "tune.ogg", "tune.ogg")
    noai("mark", "tune.ogg", "--in-place", "--c2pa-sidecar")
    assert "sidecar file" in noai("inspect", "tune.ogg").out


HOSTILE = "a\x1b[31mred\x07\x9b2J \u202egnp\u2066 \U000e0041"


def test_text_from_a_file_cannot_drive_the_terminal(installed: Run) -> None:
    shutil.copy(SAMPLES / "unmarked" / "tune.flac", f"{HOSTILE.replace('/', '')}.flac")
    path = f"{HOSTILE}.flac"
    tags = mutagen.flac.FLAC(path)
    for key in ("copyright", "comment", "NOAI", "AI_TRAINING_OPT_OUT", "tdm-policy"):
        tags[key] = [HOSTILE]
    tags.save()
    for done in (
        installed("inspect", path),
        installed("inspect", path, "--json"),
        installed("verify", path),
        installed("verify", path, "--format", "json"),
        installed("verify", path + "missing"),
        installed("mark", path, "-o", "out"),
        installed("trust", "add", path),
    ):
        for output in (done.out, done.err):
            assert all(character.isprintable() for line in output.split("\n") for character in line), output
    assert "\\x1b[31mred\\x07" in installed("inspect", path).out
    assert installed("inspect", path, "--json").json["path"] == path
