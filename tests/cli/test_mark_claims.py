"""``noai mark --claims`` and ``--dry-run``: many tracks at once, each with its own row."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from noai.claim import Use
from tests.audio import SAMPLES
from tests.cli.conftest import Done, Run, snapshot

#: One by which a spreadsheet of the continent would write it.
CATALOGUE = """\
path;profile;deny;constraint;holder;isrc;title;x-shelf
tune.mp3;no-training;data_mining;;;qz-abc-26-00001;Première;A 1
cd2/tune.ogg;;;Ask; then pay;;;;A 2
""".replace("Ask; then pay", '"Ask; then pay"')


@pytest.fixture(autouse=True)
def _identity(ana: Path) -> None:
    """Everything here is signed by ``ana``."""


@pytest.fixture
def catalogue(album: Path) -> Path:
    """The catalogue of two of the album's tracks."""
    (album / "cd2").mkdir()
    shutil.move(album / "tune.ogg", album / "cd2")
    path = album / "catalogue.csv"
    path.write_bytes(b"\xef\xbb\xbf" + CATALOGUE.replace("\n", "\r\n").encode())
    return path


def marker(noai: Run, path: str | Path) -> dict[str, Any]:
    """The payload of the marker in a file, with what it says of uses."""
    (found,) = [f for f in noai("inspect", path, "--json").json["findings"] if f["source"] == "marker"]
    return {"uses": found["uses"], **found["marker"]}


def outcomes(done: Done) -> dict[str, str]:
    return {line["path"]: line["outcome"] for line in done.lines}


def test_each_track_says_what_its_row_says(installed: Run, noai: Run, album: Path, catalogue: Path) -> None:
    before = snapshot(album)
    done = installed(
        "mark", "--claims", catalogue, "-o", "out", "--holder", "Ana Lima", "--no-c2pa", "--json"
    )
    assert done.code == 0, done
    assert outcomes(done) == {"album/tune.mp3": "marked", "album/cd2/tune.ogg": "marked"}
    others = len(list(album.glob("tune*"))) - 1
    assert done.err == f"noai: {others} tracks not in the catalogue left alone\n"
    assert set(snapshot(Path("out"))) == {"tune.mp3", "cd2", "cd2/tune.ogg"}
    assert snapshot(album) == before
    first, second = marker(noai, "out/tune.mp3"), marker(noai, "out/cd2/tune.ogg")
    assert first["uses"] == {
        "cawg.ai_generative_training": "notAllowed",
        "cawg.ai_training": "notAllowed",
        "cawg.data_mining": "notAllowed",
        "org.noai.voice_likeness": "notAllowed",
    }
    assert first["work"] == {"title": "Première", "artist": "The Demonstrators", "isrc": "QZABC2600001"}
    assert first["rights"] == second["rights"] == {"holder": "Ana Lima"}
    assert second["uses"] == {use.value: "constrained" for use in Use}
    assert second["constraint_info"] == "Ask; then pay"
    verified = installed("verify", "out", "--format", "json")
    assert (verified.code, {each["decision"] for each in verified.json}) == (1, {"rejected"})


@pytest.mark.parametrize("where", [("-o", "out"), ("--in-place",)])
def test_running_it_again_changes_nothing(
    installed: Run, album: Path, catalogue: Path, where: tuple[str, ...]
) -> None:
    command = ("mark", "--claims", catalogue, *where, "--json")
    assert installed(*command).code == 0
    before = snapshot(Path())
    again = installed(*command)
    assert (again.code, set(outcomes(again).values())) == (0, {"unchanged"})
    assert snapshot(Path()) == before
    catalogue.write_text(CATALOGUE.replace("Première", "Seconda"), "utf-8")
    changed = installed(*command)
    assert outcomes(changed) == {"album/tune.mp3": "superseded", "album/cd2/tune.ogg": "unchanged"}


def test_nothing_is_touched_while_anything_is_wrong(installed: Run, album: Path, catalogue: Path) -> None:
    text = CATALOGUE.replace("00001", "1").replace(";;;Ask", ";no-fun;;Ask").replace('"Ask', '"As\x07k')
    catalogue.write_text(f"{text}tune.flac;no-fun;;;;;;\n", "utf-8")
    before = snapshot(Path())
    done = installed("mark", "--claims", catalogue, "--in-place")
    done.refuses("album/catalogue.csv has", "problems; nothing was marked")
    for words in ("noai: line 2: isrc: 'qz-abc-26-1' is no ISRC", "noai: line 4: profile: 'no-fun'"):
        assert words in done.err
    assert (done.out, snapshot(Path())) == ("", before)


def test_a_column_with_a_slip_in_it_is_refused(noai: Run, album: Path, catalogue: Path) -> None:
    catalogue.write_text(CATALOGUE.replace("isrc", "ircs"), "utf-8")
    noai("mark", "--claims", catalogue, "-o", "out").refuses("'ircs'", "x-", "nothing was marked")
    assert not Path("out").exists()


def test_a_track_that_is_missing_fails_alone(noai: Run, album: Path, catalogue: Path) -> None:
    catalogue.write_text(f"{CATALOGUE}gone.flac;;;;;;;\ncover.txt;;;;;;;\ncd2;;;;;;;\n", "utf-8")
    done = noai("mark", "--claims", catalogue, "-o", "out", "--json")
    assert done.code == 1
    errors = {line["path"]: line["error"] and line["error"]["code"] for line in done.lines}
    assert errors == {
        "album/tune.mp3": None,
        "album/cd2/tune.ogg": None,
        "album/gone.flac": "source_missing",
        "album/cover.txt": "container_unknown",
        "album/cd2": "source_not_a_file",
    }
    assert "line 4 of the catalogue" in done.lines[2]["error"]["message"]


def test_named_paths_narrow_what_is_marked(noai: Run, album: Path, catalogue: Path) -> None:
    done = noai("mark", album / "cd2", "--claims", catalogue, "-o", "out")
    assert done.code == 0, done
    assert "1 row of the catalogue outside the named paths" in done.out
    assert set(snapshot(Path("out"))) == {"tune.ogg"}


def test_the_catalogue_may_lie_elsewhere(noai: Run, album: Path, catalogue: Path) -> None:
    elsewhere = Path("lists")
    elsewhere.mkdir()
    shutil.move(catalogue, elsewhere)
    done = noai("mark", album, "--claims", elsewhere / "catalogue.csv", "-o", "out", "--json")
    assert (done.code, len(done.lines)) == (0, 2)
    assert set(snapshot(Path("out"))) == {"tune.mp3", "cd2", "cd2/tune.ogg"}


def test_one_row_is_one_file(noai: Run, album: Path, catalogue: Path) -> None:
    os.link(album / "tune.mp3", album / "same.mp3")
    os.symlink("tune.mp3", album / "link.mp3")
    catalogue.write_text("path,title\ntune.mp3,One\nlink.mp3,Two\n", "utf-8")
    noai("mark", "--claims", catalogue, "-o", "out").refuses("line 3", "same file as in line 2")
    Path("other").mkdir()
    shutil.copy(album / "tune.mp3", "other")
    catalogue.write_text("path,title\ntune.mp3,One\n", "utf-8")
    noai("mark", "--claims", catalogue, album, "other", "-o", "out").refuses("more than one of the folders")
    assert not Path("out").exists()


def test_tracks_in_no_row_take_no_part(noai: Run, album: Path, catalogue: Path) -> None:
    """Two of them would become one file, if they were marked."""
    Path("other").mkdir()
    shutil.copy(album / "tune.flac", "other")
    done = noai("mark", "--claims", catalogue, album, "other", "-o", "out", "--json")
    assert (done.code, len(done.lines)) == (0, 2)


def test_marked_copies_are_no_tracks_of_the_catalogue(noai: Run, album: Path, catalogue: Path) -> None:
    assert noai("mark", "--claims", catalogue, "-o", album / "out", "--json").code == 0
    catalogue.write_text("path\nout/tune.mp3\ntune.mp3\n", "utf-8")
    done = noai("mark", "--claims", catalogue, "-o", album / "out", "--json")
    assert [line["outcome"] for line in done.lines] == ["failed", "superseded"]
    assert "where marked files go" in done.lines[0]["error"]["message"]


def test_json_catalogues_say_the_same(noai: Run, track: Path) -> None:
    row = {"path": "tune.mp3", "profile": "no-generative", "deny": ["data_mining"], "iswc": "T-034.524.680-1"}
    for name, content in (("c.json", json.dumps([row])), ("c.jsonl", json.dumps(row))):
        Path(name).write_text(content)
        done = noai("mark", "--claims", name, "--in-place", "--no-c2pa", "--json")
        assert done.code == 0, done
    assert done.lines[0]["outcome"] == "unchanged"
    assert marker(noai, track)["work"]["iswc"] == "T0345246801"


def test_an_isrc_for_all_rows_is_refused(noai: Run, album: Path, catalogue: Path) -> None:
    noai("mark", "--claims", catalogue, "-o", "out", "--isrc", "QZABC2600009").refuses("one recording")
    catalogue.write_text("path,deny\ntune.mp3,\ntune.flac,ai_training\n", "utf-8")
    done = noai("mark", "--claims", catalogue, "-o", "out", "--allow", "ai_training", "--json")
    assert done.code == 0
    assert marker(noai, "out/tune.mp3")["uses"]["cawg.ai_training"] == "allowed"
    assert marker(noai, "out/tune.flac")["uses"]["cawg.ai_training"] == "notAllowed"


# -- a dry run ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [("-o", "out"), ("--in-place",)])
def test_a_dry_run_writes_nothing_and_says_what_comes(
    installed: Run, album: Path, where: tuple[str, ...]
) -> None:
    (album / "broken.mp3").write_text("no audio")
    before = snapshot(Path())
    foreseen = installed("mark", album, *where, "--receipt", "r.jws", "--dry-run", "--json")
    assert snapshot(Path()) == before
    done = installed("mark", album, *where, "--json")
    assert foreseen.code == done.code == 1
    for said, came in zip(foreseen.lines, done.lines, strict=True):
        assert said.pop("dry_run", came["error"] is not None)
        assert {**said, "id": came["id"]} == came
    again = installed("mark", album, *where, "--dry-run", "--json")
    assert {line["outcome"] for line in again.lines} == {"unchanged", "failed"}
    assert [line["id"] for line in again.lines] == [line["id"] for line in done.lines]


def test_a_dry_run_says_what_a_person_reads(noai: Run, album: Path, catalogue: Path) -> None:
    noai("mark", album / "tune.mp3", "-o", "out")
    before = snapshot(Path())
    done = noai("mark", "--claims", catalogue, "-o", "out", "--dry-run")
    assert done.code == 0
    assert "to renew   album/tune.mp3 -> out/tune.mp3" in done.out
    assert "to mark    album/cd2/tune.ogg -> out/cd2/tune.ogg" in done.out
    assert "2 files: 1 to renew, 1 to mark" in done.out
    assert "a dry run, nothing was written" in done.out
    assert snapshot(Path()) == before


def test_a_dry_run_sees_what_stands_in_the_way(noai: Run, track: Path) -> None:
    Path("out").mkdir()
    shutil.copy(SAMPLES / "unmarked" / "waltz.mp3", "out/tune.mp3")
    done = noai("mark", track, "-o", "out", "--dry-run", "--json")
    assert (done.code, done.lines[0]["error"]["code"]) == (1, "destination_exists")


# -- what is said ------------------------------------------------------------------------------------


def test_every_identifier_has_an_option(installed: Run, noai: Run, track: Path) -> None:
    done = installed(
        *("mark", track, "--in-place", "--no-c2pa", "--isrc", "QZ-ABC-26-00001", "--iswc", "T-034.524.680-1"),
        *("--upc", "0614141000036", "--isni", "0000 0001 2281 955X", "--ipi", "14107338"),
        *("--dpid", "PA-DPIDA-2013020802-I", "--title", "Première", "--artist", "Ana Lima"),
    )
    assert done.code == 0, done
    assert marker(noai, track)["work"] == {
        "title": "Première",
        "artist": "Ana Lima",
        "isrc": "QZABC2600001",
        "iswc": "T0345246801",
        "upc": "614141000036",
        "isni": "000000012281955X",
        "ipi": "00014107338",
        "dpid": "PADPIDA2013020802I",
    }
    shown = noai("inspect", track).out
    for words in ("QZ-ABC-26-00001", "T-034.524.680-1", "0000 0001 2281 955X", "PA-DPIDA-2013020802-I"):
        assert words in shown


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--upc", "614141000037"), "check digit"),
        (("--ipi", "I-000000229-7"), "name number"),
        (("--dpid", "2013020802"), "18 characters"),
        (("--iswc", "034.524.680-1"), "T-034.524.680-1"),
        (("--constrain", "data_mining"), "--constraint TEXT"),
        (("--constrain", "data_mining", "--constraint", "Ask", "--deny", "data_mining"), "cannot be both"),
    ],
)
def test_what_cannot_be_said_is_refused(noai: Run, track: Path, options: tuple[str, ...], words: str) -> None:
    before = track.read_bytes()
    noai("mark", track, "--in-place", *options).refuses(words)
    assert track.read_bytes() == before


def test_constrained_denies_whom_no_grant_names(installed: Run, noai: Run, track: Path) -> None:
    done = installed("mark", track, "-o", "out", "--constraint", "Training by agreement: rights@ana.example")
    assert done.code == 0, done
    said = marker(noai, "out/tune.mp3")
    assert said["uses"] == {use.value: "constrained" for use in Use}
    assert said["constraint_info"] == "Training by agreement: rights@ana.example"
    verified = installed("verify", "out/tune.mp3", "--format", "json")
    (record,) = verified.json
    assert (verified.code, record["decision"]) == (1, "rejected")
    assert record["uses"] == {use.value: "constrained" for use in Use}
    said_by = {signal["source"]: set(signal["uses"].values()) for signal in record["signals"]}
    assert said_by["c2pa"] == said_by["xmp"] == {"constrained"}
    others = installed("verify", "out/tune.mp3", "--policy", "opt-in", "--format", "json")
    assert others.json[0]["decision"] == "rejected"
