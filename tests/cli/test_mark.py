"""``noai mark``: where marked files go, what is said, and what is reported."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from noai.claim import ALL_USES, Use
from tests.audio import SAMPLES
from tests.cli.conftest import Run, snapshot
from tests.signers import key_pem, signer

CONTAINERS = {"mp3", "flac", "ogg-vorbis", "ogg-opus", "mp4", "wav"}


@pytest.fixture(autouse=True)
def _identity(ana: Path) -> None:
    """Everything here is signed by ``ana``."""


def says(noai: Run, path: str | Path) -> dict[str, str]:
    """What the marker in a file says."""
    (marker,) = [f for f in noai("inspect", path, "--json").json["findings"] if f["source"] == "marker"]
    uses: dict[str, str] = marker["uses"]
    return uses


def test_an_album_is_marked_and_verified(installed: Run, album: Path) -> None:
    before = snapshot(album)
    done = installed("mark", album, "-o", "marked", "--json")
    assert done.code == 0, done
    assert {line["outcome"] for line in done.lines} == {"marked"}
    assert {line["container"] for line in done.lines} == CONTAINERS
    assert snapshot(album) == before
    assert {path.name for path in Path("marked").iterdir()} == set(before) - {"cover.txt"}
    verified = installed("verify", "marked", "--format", "json")
    assert verified.code == 1
    assert {record["decision"] for record in verified.json} == {"rejected"}
    for record in verified.json:
        (marker,) = [signal for signal in record["signals"] if signal["source"] == "marker"]
        assert [marker[check] for check in ("signature", "signer", "binding", "time")] == ["pass"] * 4


def test_the_text_says_what_happened_to_each_file(noai: Run, album: Path) -> None:
    Path(album, "broken.mp3").write_text("no audio")
    done = noai("mark", album, "-o", "marked")
    assert done.code == 1
    assert "marked     album/tune.mp3 -> marked/tune.mp3" in done.out
    assert "failed     album/broken.mp3: the content is not audio" in done.out
    assert "in ogg-opus some programs do not take one" in done.out
    count = len(list(album.glob("tune*")))
    assert f"{count + 1} files: 1 failed, {count} marked; 1 other file passed over" in done.out
    assert done.err == ""


def test_the_json_names_everything(noai: Run, track: Path) -> None:
    done = noai("mark", track, "missing.mp3", "-o", "out", "--no-tags", "--json")
    assert done.code == 1
    good, bad = done.lines
    assert good.pop("id").startswith("urn:uuid:")
    assert good == {
        "path": "tune.mp3",
        "destination": "out/tune.mp3",
        "outcome": "marked",
        "container": "mp3",
        "c2pa": True,
        "sidecar": None,
        "notices": [],
        "error": None,
    }
    assert (bad["outcome"], bad["error"]["code"]) == ("failed", "source_missing")


def test_marking_again_changes_nothing(noai: Run, track: Path) -> None:
    assert noai("mark", "--in-place", track).code == 0
    before = track.read_bytes()
    done = noai("mark", "--in-place", track, "--json")
    assert (done.code, done.lines[0]["outcome"]) == (0, "unchanged")
    assert track.read_bytes() == before


def test_another_claim_supersedes(noai: Run, track: Path) -> None:
    noai("mark", "--in-place", track, "--no-c2pa")
    done = noai("mark", "--in-place", track, "--profile", "no-generative", "--no-c2pa", "--json")
    assert (done.code, done.lines[0]["outcome"]) == (0, "superseded")
    assert says(noai, track) == {
        Use.GENERATIVE_TRAINING.value: "notAllowed",
        Use.VOICE_LIKENESS.value: "notAllowed",
    }


def test_folders_keep_their_tree(noai: Run, track: Path) -> None:
    for name in ("cd1/a.mp3", "cd2/deep/a.mp3"):
        Path("album", name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(track, Path("album", name))
    assert noai("mark", "album", track, "-o", "out/new", "--no-c2pa").code == 0
    assert set(snapshot(Path("out/new"))) == {
        *("cd1", "cd1/a.mp3", "cd2", "cd2/deep", "cd2/deep/a.mp3"),
        "tune.mp3",
    }


def test_two_tracks_for_one_place_are_refused_before_anything_is_written(noai: Run, track: Path) -> None:
    for folder in ("one", "two"):
        Path(folder).mkdir()
        shutil.copy(track, folder)
        Path(folder, "cover.jpg").write_text("not audio, so it goes nowhere")
    noai("mark", "one", "two", "-o", "out").refuses("one/tune.mp3", "two/tune.mp3", "out/tune.mp3")
    assert not Path("out").exists()


def test_a_path_given_twice_is_marked_once(noai: Run, track: Path) -> None:
    done = noai("mark", track, f"./{track}", "-o", "out", "--no-c2pa", "--json")
    assert (done.code, len(done.lines)) == (0, 1)
    done = noai("mark", track, track.resolve(), "--in-place", "--no-c2pa", "--json")
    assert (done.code, len(done.lines)) == (0, 1)


def test_the_output_folder_is_not_read_again(noai: Run, album: Path) -> None:
    for _ in range(2):
        done = noai("mark", album, "-o", album / "marked", "--no-c2pa", "--json")
        assert done.code == 0
        assert {os.path.dirname(line["path"]) for line in done.lines} == {"album"}
    assert {line["outcome"] for line in done.lines} == {"unchanged"}
    assert not (album / "marked" / "marked").exists()


def test_an_original_is_only_replaced_when_that_was_said(noai: Run, album: Path) -> None:
    before = snapshot(album)
    noai("mark", album, "-o", album).refuses("--in-place")
    noai("mark", album / "tune.mp3", "-o", album).refuses("--in-place")
    noai("mark", album).refuses("-o DIR", "--in-place")
    noai("mark", album, "-o", "out", "--in-place").refuses("-o DIR", "--in-place")
    assert snapshot(album) == before


def test_other_audio_is_never_overwritten(noai: Run, track: Path) -> None:
    Path("out").mkdir()
    shutil.copy(SAMPLES / "unmarked" / "waltz.mp3", "out/tune.mp3")
    before = snapshot(Path("out"))
    done = noai("mark", track, "-o", "out", "--json")
    assert (done.code, done.lines[0]["error"]["code"]) == (1, "destination_exists")
    assert snapshot(Path("out")) == before


def test_a_folder_is_needed_for_copies(noai: Run, track: Path) -> None:
    Path("file").touch()
    noai("mark", track, "-o", "file").refuses("not a folder")
    noai("mark", track, "-o", "").refuses("empty")


def test_a_folder_that_cannot_be_made(noai: Run, album: Path) -> None:
    Path("out").mkdir()
    Path("out/sub").touch()
    Path(album, "sub").mkdir()
    (album / "tune.mp3").rename(album / "sub" / "tune.mp3")
    done = noai("mark", album, "-o", "out", "--json")
    assert done.code == 1
    failed = [line for line in done.lines if line["outcome"] == "failed"]
    assert [line["path"] for line in failed] == ["album/sub/tune.mp3"]
    assert Path("out/sub").read_bytes() == b""


def test_a_failure_leaves_no_empty_folder(noai: Run, track: Path) -> None:
    Path("album/sub").mkdir(parents=True)
    Path("album/sub/tune.ogg").write_bytes((SAMPLES / "unmarked" / "tune.ogg").read_bytes()[:-1000])
    assert noai("mark", "album", "-o", "out").code == 1
    assert not Path("out").exists()


def test_what_is_said(noai: Run, track: Path) -> None:
    noai("mark", track, "-o", "a", "--no-c2pa")
    assert says(noai, "a/tune.mp3") == {use.value: "notAllowed" for use in ALL_USES}
    done = noai(
        *("mark", track, "-o", "b", "--no-c2pa", "--profile", "no-generative"),
        *("--deny", "data_mining", "--allow", "cawg.ai_inference"),
    )
    assert done.code == 0, done
    assert says(noai, "b/tune.mp3") == {
        "cawg.ai_generative_training": "notAllowed",
        "cawg.data_mining": "notAllowed",
        "cawg.ai_inference": "allowed",
        "org.noai.voice_likeness": "notAllowed",
    }


def test_rights_and_work(noai: Run, track: Path) -> None:
    done = noai(
        *("mark", track, "-o", "out", "--no-c2pa", "--holder", " Ana Lima ", "--contact", "ana@example.org"),
        *("--licence-url", "https://example.org/licence", "--isrc", "qz-abc-26-00001", "--no-tags"),
    )
    assert done.code == 0, done
    (finding,) = [
        f for f in noai("inspect", "out/tune.mp3", "--json").json["findings"] if f["source"] == "marker"
    ]
    assert finding["marker"]["rights"] == {
        "holder": "Ana Lima",
        "contact": "ana@example.org",
        "licence_url": "https://example.org/licence",
    }
    assert finding["marker"]["work"] == {"isrc": "QZABC2600001"}


def test_an_isrc_is_for_one_recording(noai: Run, album: Path) -> None:
    noai("mark", album, "-o", "out", "--isrc", "QZABC2600001").refuses("one recording")
    noai("mark", album / "tune.mp3", "-o", "out", "--isrc", "QZ-ABC").refuses("12 characters")
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--deny", "everything"), ("everything", "cawg.ai_training")),
        (("--deny", "ai_training", "--allow", "ai_training"), ("cannot be both",)),
        (("--profile", "no-fun"), ("no-fun",)),
        (("--holder", ""), ("empty",)),
        (("--holder", "a\x1b[31mb"), ("control characters",)),
        (("--holder", os.fsdecode(b"\xff")), ("UTF-8",)),
        (("--no-c2pa", "--c2pa-sidecar"), ("--c2pa-sidecar",)),
        (("--key", "k.pem"), ("--key", "--cert")),
        (("--identity", "ana", "--key", "k.pem", "--cert", "c.pem"), ("either",)),
        (("--frobnicate",), ("--frobnicate",)),
    ],
)
def test_requests_that_make_no_sense(
    noai: Run, track: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    noai("mark", track, "-o", "out", *options).refuses(*words)
    assert not Path("out").exists()


def test_no_path(noai: Run) -> None:
    noai("mark", "--in-place").refuses("name the files")


def test_a_c2pa_sidecar_where_the_file_cannot_carry_one(noai: Run, album: Path) -> None:
    done = noai("mark", album / "tune.ogg", "-o", "out", "--c2pa-sidecar", "--json")
    assert done.code == 0, done
    assert (done.lines[0]["c2pa"], done.lines[0]["sidecar"]) == (True, "out/tune.ogg.c2pa")
    assert Path("out/tune.ogg.c2pa").stat().st_size
    # The sidecar of a track is no track.
    done = noai("mark", "out", "--in-place", "--c2pa-sidecar", "--json")
    assert (done.code, len(done.lines)) == (0, 1)


def test_several_identities_must_be_chosen_from(noai: Run, track: Path) -> None:
    noai("keygen", "bo")
    noai("mark", track, "-o", "out").refuses("2 identities", "--identity")
    assert noai("mark", track, "-o", "out", "--identity", "bo").code == 0


def test_own_key_and_chain(noai: Run, track: Path) -> None:
    given = signer()
    Path("key.pem").write_bytes(key_pem(given.key))
    Path("chain.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in given.chain))
    assert noai("mark", track, "-o", "out", "--key", "key.pem", "--cert", "chain.pem").code == 0
    assert (
        noai("verify", "out", "--trust", "chain.pem", "--format", "json").json[0]["signals"][0]["signer"]
        == "pass"
    )


def test_copies_of_a_run_that_was_killed_are_no_tracks(noai: Run, album: Path) -> None:
    left = album / ".noai-0123456789abcdef.tmp"
    shutil.copy(album / "tune.mp3", left)
    done = noai("mark", album, "-o", "out", "--json")
    assert done.code == 0
    assert str(left) not in {line["path"] for line in done.lines}


def test_a_link_is_marked_at_its_target(noai: Run, track: Path) -> None:
    Path("links").mkdir()
    Path("links/song.mp3").symlink_to(track.resolve())
    Path("links/again").symlink_to(".", target_is_directory=True)
    done = noai("mark", "links", "--in-place", "--no-c2pa")
    assert done.code == 0
    assert "1 link to folders not followed" in done.out
    assert Path("links/song.mp3").is_symlink()
    assert noai("verify", track).code == 1
