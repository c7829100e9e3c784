"""``noai mark --tsa --terms --receipt``, ``noai trust add --tsa`` and ``noai receipts verify``."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from noai.encoding import b64url
from noai.trust import TrustList
from tests.audio import run as tool
from tests.cli.conftest import Run
from tests.tracks import TRACKS, tokens
from tests.tsa import Authority, make_authority, serving


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with serving(make_authority(tmp_path_factory.mktemp("tsa"))) as authority:
        yield authority


@pytest.fixture
def site() -> Iterator[str]:
    """The folder ``site`` as a site on this machine."""
    Path("site").mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), partial(Quiet, directory="site"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def payload(path: Path) -> Any:
    """What the one marker in a file says."""
    (token,) = tokens(path.read_bytes())
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def marker_record(done: Any) -> Any:
    (signal,) = (signal for signal in done.lines[0]["signals"] if signal["source"] == "marker")
    return signal


# -- --tsa ------------------------------------------------------------------------------------------


def test_a_track_is_dated_and_the_listed_authority_proves_it(
    installed: Run, ana: Path, track: Path, tsa: Authority
) -> None:
    done = installed("mark", track, "-o", "out", "--tsa", tsa.url)
    assert done.code == 0, done.err
    marked = Path("out") / track.name
    verify = ("verify", marked, "--format", "jsonl")
    before = marker_record(installed(*verify))
    assert {"time_unproven", "timestamp_untrusted"} <= set(before["codes"])
    added = installed("trust", "add", tsa.root_pem, "--tsa")
    assert added.code == 0, added.err
    assert "its timestamps date what was signed" in added.out
    after = marker_record(installed(*verify))
    assert "time_proven" in after["codes"]
    assert after["time"] == "pass"


def test_many_workers_know_the_authority_too(noai: Run, ana: Path, album: Path, tsa: Authority) -> None:
    assert noai("mark", album, "--in-place", "--tsa", tsa.url, "--no-c2pa").code == 0
    noai("trust", "add", tsa.root_pem, "--tsa")
    done = noai("verify", album, "--format", "jsonl", "--jobs", "2")
    codes = [s["codes"] for line in done.lines for s in line["signals"] if s["source"] == "marker"]
    assert len(codes) == len(TRACKS)
    assert all("time_proven" in each for each in codes)


def test_an_authority_that_is_not_there_fails_each_file(noai: Run, ana: Path, track: Path) -> None:
    done = noai("mark", track, "-o", "out", "--tsa", "http://127.0.0.1:1/", "--json")
    assert done.code == 1
    assert done.lines[0]["error"]["code"] == "timestamp_failed"
    assert not list(Path().glob("out/*"))


def test_no_address_is_a_usage_error_before_any_file(noai: Run, ana: Path, track: Path) -> None:
    noai("mark", track, "-o", "out", "--tsa", "tsa.example").refuses("https://")
    assert not Path("out").exists()


def test_an_authority_is_listed_apart_and_does_nothing_but_date(noai: Run, tsa: Authority, ana: Path) -> None:
    noai("trust", "add", tsa.root_pem, "--tsa")
    noai("trust", "add", tsa.root_pem, "--tsa")
    (row,) = (row for row in noai("trust", "list", "--json").json if not row["own"])
    assert (row["kind"], row["may"], row["name"]) == ("timestamp authority", [], "TSA root")
    assert "timestamp authority" in noai("trust", "list").out
    listed = TrustList.load(ana)
    assert (listed.entries, listed.tsa_anchors) == ((), (tsa.root,))
    for more in (("--may", "permit"), ("--kind", "authority"), ("--key", "k")):
        noai("trust", "add", tsa.root_pem, "--tsa", *more).refuses("--tsa alone")
    assert noai("trust", "remove", row["sha256"]).code == 0
    assert TrustList.load(ana).tsa_anchors == ()


def test_a_list_without_authorities_is_what_it_always_was(noai: Run, ana: Path, tsa: Authority) -> None:
    noai("trust", "add", tsa.root_pem)
    document = json.loads((ana / "trust.json").read_text())
    assert set(document) == {"schema", "entries"}
    before = TrustList.load(ana)
    after = before.with_tsa_anchors([tsa.root])
    assert before.digest == hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    assert after.digest != before.digest


# -- --terms ------------------------------------------------------------------------------------------

TERMS = b"<p>No training. Version of May.</p>\n"
DIGEST = b64url(hashlib.sha256(TERMS).digest())


def test_terms_in_a_file_are_recorded_by_their_digest(noai: Run, ana: Path, track: Path) -> None:
    Path("terms.html").write_bytes(TERMS)
    assert noai("mark", track, "-o", "out", "--terms", "terms.html").code == 0
    assert payload(Path("out") / track.name)["rights"] == {"terms_sha256": DIGEST}


def test_terms_at_an_address_are_fetched_and_recorded_with_it(
    noai: Run, ana: Path, track: Path, site: str
) -> None:
    (Path("site") / "terms.html").write_bytes(TERMS)
    assert noai("mark", track, "-o", "out", "--terms", f"{site}/terms.html").code == 0
    rights = payload(Path("out") / track.name)["rights"]
    assert rights == {"terms_url": f"{site}/terms.html", "terms_sha256": DIGEST}


def test_of_a_copy_with_its_address_nothing_is_fetched(noai: Run, ana: Path, track: Path) -> None:
    Path("terms.html").write_bytes(TERMS)
    address = "https://noai.invalid/terms"
    assert noai("mark", track, "-o", "out", "--terms", address, "--terms", "terms.html").code == 0
    rights = payload(Path("out") / track.name)["rights"]
    assert rights == {"terms_url": address, "terms_sha256": DIGEST}


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (["missing.html"], "missing.html"),
        (["http://example.org/terms"], "https"),
        (["http://127.0.0.1:1/terms"], "cannot be had"),
        (["a.html", "b.html"], "one file"),
        (["https://noai.invalid/a", "https://noai.invalid/b"], "one file"),
    ],
)
def test_terms_that_cannot_be_had_stop_the_run(
    noai: Run, ana: Path, track: Path, terms: list[str], words: str
) -> None:
    options = [part for value in terms for part in ("--terms", value)]
    noai("mark", track, "-o", "out", *options).refuses(words)
    assert not Path("out").exists()


# -- --receipt ----------------------------------------------------------------------------------------


def test_each_marked_track_gets_a_line_and_only_once(noai: Run, ana: Path, album: Path) -> None:
    assert noai("mark", album, "-o", "out", "--receipt", "kept.receipts").code == 0
    kept = Path("kept.receipts").read_text()
    assert len(kept.splitlines()) == len(TRACKS)
    noai("mark", album, "-o", "out", "--receipt", "kept.receipts")
    assert Path("kept.receipts").read_text() == kept
    noai("mark", album, "-o", "out", "--receipt", "kept.receipts", "--holder", "Ana Lima")
    assert len(Path("kept.receipts").read_text().splitlines()) == 2 * len(TRACKS)


def test_receipts_say_essence_marker_time_and_identity(installed: Run, ana: Path, track: Path) -> None:
    installed("mark", track, "-o", "out", "--receipt", "kept.receipts")
    done = installed("receipts", "verify", "kept.receipts", "--json")
    assert done.code == 0, done.err
    (line,) = done.json["receipts"]
    said = payload(Path("out") / track.name)
    assert (line["signature"], line["signer"], line["time"]) == ("pass", "pass", "pass")
    assert line["signed_by"]["subject"] == "ana"
    assert line["receipt"]["essence"] == said["essence"]
    assert line["receipt"]["marker"]["id"] == said["id"]
    assert line["receipt"]["marker"]["iat"] == said["iat"] <= line["receipt"]["iat"]


def test_a_track_is_known_by_its_audio_also_where_the_mark_is_gone(noai: Run, ana: Path, album: Path) -> None:
    noai("mark", album / "tune.mp3", "-o", "out", "--receipt", "kept.receipts")
    tool("ffmpeg", "-v", "error", "-i", "out/tune.mp3", "-map_metadata", "-1", "-c", "copy", "stripped.mp3")
    assert tokens(Path("stripped.mp3").read_bytes()) == []
    done = noai("receipts", "verify", "kept.receipts", "stripped.mp3", album / "tune.mp3")
    assert (done.code, done.out.count("known  ")) == (0, 2)
    done = noai("receipts", "verify", "kept.receipts", "stripped.mp3", album / "tune.flac", "--json")
    assert done.code == 1
    assert [track["receipts"] for track in done.json["tracks"]] == [[1], []]
    assert "not known" in noai("receipts", "verify", "kept.receipts", album / "cover.txt").out


def test_somebody_else_knows_the_signer_by_the_certificate(
    noai: Run, ana: Path, track: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noai("mark", track, "-o", "out", "--receipt", "kept.receipts")
    noai("identity", "export", "ana", "-o", "ana.pem")
    monkeypatch.setenv("NOAI_HOME", "elsewhere")
    assert noai("receipts", "verify", "kept.receipts").code == 1
    assert noai("receipts", "verify", "kept.receipts", "--trust", "ana.pem").code == 0


def test_a_line_that_was_altered_does_not_hold(noai: Run, ana: Path, track: Path) -> None:
    noai("mark", track, "-o", "out", "--receipt", "kept.receipts")
    (line,) = Path("kept.receipts").read_text().splitlines()
    head, said, signature = line.split(".")
    other = b64url(json.dumps({**json.loads(base64.urlsafe_b64decode(said + "==")), "iat": 1}).encode())
    run_receipt = line.replace(head, b64url(b"{}"))
    (marker,) = tokens((Path("out") / track.name).read_bytes())
    lines = [line, f"{head}.{other}.{signature}", run_receipt, marker, "é" * 99_999]
    Path("kept.receipts").write_text("\n".join(lines))
    done = noai("receipts", "verify", "kept.receipts", "--json")
    assert done.code == 1
    assert [each["holds"] for each in done.json["receipts"]] == [True, False, False, False, False]
    assert done.json["receipts"][1]["signature"] == "fail"
    assert done.json["receipts"][3]["error"]["code"] == "type_mismatch"
    shown = noai("receipts", "verify", "kept.receipts").out
    assert shown.count("does not hold") == 4


def test_what_a_killed_run_left_is_no_line_of_the_next(noai: Run, ana: Path, album: Path) -> None:
    noai("mark", album / "tune.mp3", "-o", "out", "--receipt", "kept.receipts")
    kept = Path("kept.receipts")
    kept.write_text(kept.read_text() + kept.read_text()[:100])
    noai("mark", album / "tune.flac", "-o", "out", "--receipt", "kept.receipts")
    holds = [line["holds"] for line in noai("receipts", "verify", "kept.receipts", "--json").json["receipts"]]
    assert holds == [True, False, True]


@pytest.mark.parametrize("name", ["album/tune.mp3", "kept.mp3", "verdicts.jsonl", "ana.pem", "folder"])
def test_nothing_else_is_written_to(noai: Run, ana: Path, album: Path, name: str) -> None:
    Path("verdicts.jsonl").write_text("{}\n")
    Path("folder").mkdir()
    noai("identity", "export", "ana", "-o", "ana.pem")
    shutil.copy(album / "tune.mp3", "kept.mp3")
    before = Path(name).read_bytes() if Path(name).is_file() else None
    done = noai("mark", album, "-o", "out", "--receipt", name)
    done.refuses(name)
    assert before is None or Path(name).read_bytes() == before
    assert not Path("out").exists()


def test_a_file_without_receipts_is_a_usage_error(noai: Run, track: Path) -> None:
    Path("empty").write_text("\n")
    noai("receipts", "verify", "empty").refuses("holds no receipts")
    noai("receipts", "verify", "missing").refuses("missing")
