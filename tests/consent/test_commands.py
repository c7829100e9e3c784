"""Consent through the installed command: an artist, and two laboratories that judge the same track."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.audio import SAMPLES
from tests.cli.conftest import COMMAND, Done

A, B = "https://a.example", "https://b.example"
STATUS_URL = "https://ana.example/status.jws"
GENERATIVE, TRAINING, MINING = "ai_generative_training", "ai_training", "data_mining"


@dataclass(frozen=True)
class Party:
    """Somebody with a configuration folder of their own; what is handed on lies in one folder."""

    folder: Path
    name: str

    def tries(self, *arguments: str) -> Done:
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env={**os.environ, "NOAI_HOME": str(self.home), "NO_COLOR": "1"},
            capture_output=True,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def runs(self, *arguments: str) -> Done:
        done = self.tries(*arguments)
        assert done.code == 0, done
        return done

    @property
    def home(self) -> Path:
        return self.folder / f"{self.name}-home"

    def grants(self, *arguments: str) -> str:
        """Grant A both kinds of training of the track, unless told otherwise; the grant's id."""
        scope = () if {"--all", "--isrc"} & set(arguments) else ("--track", "track.flac")
        uses = () if "--allow" in arguments else ("--allow", TRAINING, "--allow", GENERATIVE)
        self.runs("grant", "--licensee", A, *uses, *arguments, "-o", "grants.jsonl", *scope)
        return str(
            json.loads(self.runs("grants", "list", "grants.jsonl", "--json").out.splitlines()[-1])["id"]
        )

    def verdict(self, *arguments: str, licensee: str = A) -> dict[str, Any]:
        """The record of the track; the exit code fits the decision."""
        known = ("--licensee", licensee, "--grants", "grants.jsonl", "--format", "jsonl")
        done = self.tries("verify", "track.flac", *known, *arguments)
        record: dict[str, Any] = done.json
        assert done.code == (0 if record["admitted"] else 1), done
        return record


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A marked track, and the homes of those who have to do with it; never to be changed."""
    folder = tmp_path_factory.mktemp("consent")
    artist = Party(folder, "artist")
    artist.runs("keygen", "ana")
    for name, sample in (("track.flac", "tune.flac"), ("other.mp3", "tune.mp3")):
        shutil.copy(SAMPLES / "unmarked" / sample, folder / name)
    artist.runs("mark", "--in-place", "track.flac", "other.mp3")
    artist.runs("identity", "export", "ana", "-o", "artist.pem")
    for name in ("a", "b"):
        Party(folder, name).runs("trust", "add", "artist.pem", "--may", "grant")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "made"))


@pytest.fixture
def artist(folder: Path) -> Party:
    return Party(folder, "artist")


@pytest.fixture
def a(folder: Path) -> Party:
    return Party(folder, "a")


@pytest.fixture
def b(folder: Path) -> Party:
    return Party(folder, "b")


def reasons(record: dict[str, Any]) -> set[str]:
    return {reason["code"] for reason in record["reasons"]}


def test_a_track_that_is_granted_to_a_is_allowed_for_a_alone(artist: Party, a: Party, b: Party) -> None:
    artist.grants("--allow", TRAINING)
    allowed = a.verdict("--use", TRAINING)
    assert (allowed["decision"], allowed["admitted"], allowed["licensee"]) == ("allowed", True, "declared")
    assert reasons(allowed) == {"permitted"}
    for more in (("--use", GENERATIVE), ("--use", MINING), ("--use", TRAINING, "--use", GENERATIVE), ()):
        assert a.verdict(*more)["decision"] == "rejected"
    refused = b.verdict("--use", TRAINING, licensee=B)
    assert refused["decision"] == "rejected"
    assert "grant_other_licensee" in reasons(refused)
    # Without saying for whom, nobody is asked about.
    assert a.tries("verify", "track.flac").code == 1


def test_a_loose_revocation_ends_it_for_everybody(artist: Party, a: Party, b: Party) -> None:
    identifier = artist.grants()
    assert a.verdict()["decision"] == "allowed"
    artist.runs(
        "revoke", identifier, "--identity", "ana", "--grants", "grants.jsonl", "-o", "revocations.jsonl"
    )
    for party, licensee in ((a, A), (b, B)):
        record = party.verdict("--revocations", "revocations.jsonl", licensee=licensee)
        assert record["decision"] == "rejected"
        assert "grant_revoked" in reasons(record)


def test_a_status_list_ends_it_for_everybody(artist: Party, a: Party, b: Party) -> None:
    identifier = artist.grants("--status-list", STATUS_URL, "--until", "2120-01-01")
    assert "status_missing" in reasons(a.verdict())
    artist.runs("status", "--identity", "ana", "-o", "first.jws")
    assert a.verdict("--status", "first.jws")["decision"] == "allowed"
    artist.runs(
        "revoke", identifier, "--identity", "ana", "--grants", "grants.jsonl", "-o", "revocations.jsonl"
    )
    artist.runs("status", "--identity", "ana", "-o", "second.jws")
    for party, licensee in ((a, A), (b, B)):
        record = party.verdict("--status", "second.jws", licensee=licensee)
        assert record["decision"] == "rejected"
        assert "grant_revoked" in reasons(record)
    # The older list is not taken for the newest, here where a newer one was seen.
    assert "status_rollback" in reasons(a.verdict("--status", "first.jws"))


def test_without_may_grant_nobody_is_let_in(artist: Party, folder: Path) -> None:
    artist.grants()
    for may in ((), ("--may", "permit")):
        ingest = Party(folder, f"ingest-{len(may)}")
        record = ingest.verdict()
        assert (record["decision"], "grant_not_trusted" in reasons(record)) == ("rejected", True)
        ingest.runs("trust", "add", "artist.pem", *may)
        assert ingest.verdict()["decision"] == "rejected"
        assert ingest.verdict("--trust", "artist.pem")["decision"] == "rejected"
    # Own identities never let in, not even one's own.
    assert artist.verdict()["decision"] == "rejected"


def test_opt_in_admits_the_granted_file_alone(artist: Party, a: Party, folder: Path) -> None:
    artist.grants()
    shutil.copy(SAMPLES / "unmarked" / "tune.wav", folder / "plain.wav")
    known = ("--policy", "opt-in", "--licensee", A, "--grants", "grants.jsonl")
    for depth in ("evidence", "decision"):
        done = a.tries(
            "verify", "track.flac", "other.mp3", "plain.wav", *known, "--format", "jsonl", "--depth", depth
        )
        assert {line["path"]: line["admitted"] for line in done.lines} == {
            "track.flac": True,
            "other.mp3": False,
            "plain.wav": False,
        }
        assert done.code == 1
    a.runs("filter", "track.flac", "other.mp3", "plain.wav", *known, "-o", "admitted.txt")
    assert (folder / "admitted.txt").read_text() == "track.flac\n"


def test_it_is_told_to_people(artist: Party, a: Party) -> None:
    artist.grants("--agreement", "2026/17")
    shown = a.runs("verify", "track.flac", "--licensee", A, "--grants", "grants.jsonl").out
    assert "allowed    track.flac" in shown
    assert f"granted to {A} (declared), agreement 2026/17" in shown
    assert "grant      signed by ana (on the trust list): signature pass" in shown
    assert f"licensee   declared ({A})" in shown


def test_model_and_territory(artist: Party, a: Party) -> None:
    artist.grants("--model", "m/2", "--territory", "DE")
    assert a.verdict("--model", "m/2", "--territory", "DE")["decision"] == "allowed"
    assert "grant_other_model" in reasons(a.verdict("--model", "m/1", "--territory", "DE"))
    assert "grant_other_territory" in reasons(a.verdict("--model", "m/2"))


def test_a_key_that_is_delegated_to(artist: Party, a: Party, folder: Path) -> None:
    distributor = Party(folder, "distributor")
    distributor.runs("keygen", "dan")
    (dan,) = distributor.runs("identity", "list", "--json").json
    # By the certificate that signs, or its thumbprint; the exported root signs nothing.
    chain = str(distributor.home / "identities" / "dan" / "chain.pem")
    distributor.runs("identity", "export", "dan", "-o", "dan-root.pem")
    delegate = ("delegate", "--allow", TRAINING, "--all", "-o", "grants.jsonl", "--to")
    artist.tries(*delegate, "dan-root.pem").refuses("authority", "key id")
    distributor.grants("--allow", TRAINING)
    assert a.verdict("--use", TRAINING)["decision"] == "rejected"
    for to in (chain, dan["kid"]):
        artist.runs(*delegate, to)
    rows = artist.runs("grants", "list", "grants.jsonl", "--json").lines
    assert [row["kind"] for row in rows] == ["grant", "delegation", "delegation"]
    assert {row["to"] for row in rows[1:]} == {dan["kid"]}
    assert a.verdict("--use", TRAINING)["decision"] == "allowed"
    assert a.verdict()["decision"] == "rejected"
    # What was granted in one's name is one's own to end, and so is a delegation.
    artist.runs("revoke", rows[0]["id"], "--grants", "grants.jsonl", "-o", "revocations.jsonl")
    revoked = a.verdict("--use", TRAINING, "--revocations", "revocations.jsonl")
    assert "grant_revoked" in reasons(revoked)
    distributor.tries("revoke", rows[1]["id"], "--grants", "grants.jsonl", "-o", "more.jsonl").refuses(
        "not by dan"
    )


def test_a_revoked_delegation(artist: Party, a: Party, folder: Path) -> None:
    distributor = Party(folder, "distributor")
    distributor.runs("keygen", "dan")
    (dan,) = distributor.runs("identity", "list", "--json").json
    artist.runs("delegate", "--to", dan["kid"], "--allow", TRAINING, "--all", "-o", "grants.jsonl")
    (row,) = artist.runs("grants", "list", "grants.jsonl", "--json").lines
    distributor.grants("--allow", TRAINING)
    assert a.verdict("--use", TRAINING)["decision"] == "allowed"
    artist.runs("revoke", row["id"], "--grants", "grants.jsonl", "-o", "revocations.jsonl")
    assert a.verdict("--use", TRAINING, "--revocations", "revocations.jsonl")["decision"] == "rejected"


def test_a_marker_that_is_revoked_leaves_the_track_unreserved(artist: Party, a: Party, folder: Path) -> None:
    (folder / "grants.jsonl").touch()
    marker = next(s for s in a.verdict()["signals"] if s["source"] == "marker")
    artist.runs("revoke", marker["id"], "--track", "track.flac", "-o", "revocations.jsonl")
    assert a.verdict("--revocations", "revocations.jsonl")["decision"] == "unreserved"
    record = a.verdict("--revocations", "revocations.jsonl", "--policy", "opt-in")
    assert (record["decision"], record["admitted"]) == ("unreserved", False)
    # A status list says nothing of markers.
    told = artist.runs("status", "-o", "status.jws").out
    assert "0 statements ended" in told


def test_what_has_ended_is_remembered(artist: Party, folder: Path) -> None:
    first, second = artist.grants(), artist.grants()
    revoke = ("revoke", "--grants", "grants.jsonl", "-o", "revocations.jsonl")
    assert "number 1" in artist.runs("status", "-o", "status.jws").out
    assert "Revoked" in artist.runs(*revoke, first).out
    assert "already" in artist.runs(*revoke, first).out
    assert len((folder / "revocations.jsonl").read_text().splitlines()) == 1
    kept = artist.home / "identities" / "ana" / "ended.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "number 2" in (told := artist.runs("status", "-o", "status.jws").out)
    assert "1 statement ended" in told
    artist.runs(*revoke, second)
    # Moved without its memory, the identity goes on from the list that stands there.
    kept.unlink()
    assert "1 statement ended" in (told := artist.runs("status", "-o", "status.jws").out)
    assert "number 3" in told
    kept.write_text("{}")
    artist.tries("status", "-o", "status.jws").refuses("cannot be read as what has ended")
    assert len((folder / "status.jws").read_text().splitlines()) == 1


def test_a_status_list_replaces_nothing_else(artist: Party, folder: Path) -> None:
    artist.grants()
    for name, word in (
        ("grants.jsonl", "is a grant"),
        ("track.flac", "cannot be read"),
        ("artist.pem", "cannot be read"),
        ("artist-home", "Is a directory"),
    ):
        before = (folder / name).read_bytes() if (folder / name).is_file() else None
        artist.tries("status", "-o", name).refuses(word)
        assert before is None or (folder / name).read_bytes() == before
    artist.runs("keygen", "eve")
    artist.runs("status", "--identity", "ana", "-o", "status.jws")
    artist.tries("status", "--identity", "eve", "-o", "status.jws").refuses("another identity's status list")


def test_over_several_processes_and_all_outputs(artist: Party, a: Party, folder: Path) -> None:
    artist.grants()
    known = ("--licensee", A, "--grants", "grants.jsonl")
    (folder / "many").mkdir()
    for number in range(40):
        shutil.copy(folder / ("track.flac" if number % 2 else "other.mp3"), folder / "many" / f"{number:02}")
    decided = {f"many/{n:02}": "allowed" if n % 2 else "rejected" for n in range(40)}
    for depth in ("evidence", "decision"):
        done = a.tries("verify", "many", *known, "--jobs", "2", "--format", "jsonl", "--depth", depth)
        assert {line["path"]: line["decision"] for line in done.lines} == decided
        granted = [s["granted"] for line in done.lines for s in line["signals"] if s["source"] == "marker"]
        assert sum(map(bool, granted)) == 20
    run = ("verify", "many", *known, "--format", "parquet", "-o", "verdicts.parquet")
    assert a.tries(*run, "--run-receipt", "run.receipt").code == 2  # nobody to sign
    a.runs("keygen", "team")
    assert a.tries(*run, "--run-receipt", "run.receipt").code == 1
    told = a.runs("receipt", "verify", "run.receipt", "verdicts.parquet", "--json").json
    asked = told["receipt"]["question"]["consent"]
    assert (asked["licensee"], asked["model"], asked["territory"]) == (A, None, None)
    (named,) = asked["statements"]["first"]
    digest = subprocess.run(
        ["sha256sum", "grants.jsonl"], cwd=folder, capture_output=True, check=True, text=True
    )
    assert named == f"grants {digest.stdout.split()[0]}"
    assert f"licensee   declared ({A})" in a.runs("receipt", "verify", "run.receipt", "verdicts.parquet").out
    a.runs("report", "verdicts.parquet", "-o", "report.html")
    assert "<code>declared</code>" in (folder / "report.html").read_text()
    table = a.tries("verify", "many", *known, "--format", "csv").out.splitlines()
    assert table[0].endswith(",licensee")
    assert all(row.endswith(",declared") for row in table[1:])


def test_a_run_is_gone_on_with_only_for_the_same_consent(artist: Party, a: Party, folder: Path) -> None:
    identifier = artist.grants()
    run = ("verify", "track.flac", "other.mp3", "--format", "jsonl", "-o", "verdicts.jsonl", "--resume")
    known = ("--licensee", A, "--grants", "grants.jsonl")
    assert a.tries(*run, *known).code == 1
    before = (folder / "verdicts.jsonl").read_bytes()
    assert a.tries(*run, *known).code == 1
    # A void line counts as nothing, and the same grant twice as once.
    with (folder / "grants.jsonl").open("a") as stream:
        stream.write("nonsense\n" + (folder / "grants.jsonl").read_text())
    assert a.tries(*run, *known).code == 1
    a.tries(*run).refuses("another question", "consent")
    a.tries(*run, "--licensee", B, "--grants", "grants.jsonl").refuses("another question", "consent")
    a.tries(*run, "--licensee", A).refuses("another question", "consent")
    artist.runs("revoke", identifier, "--grants", "grants.jsonl", "-o", "revocations.jsonl")
    a.tries(*run, *known, "--revocations", "revocations.jsonl").refuses("another question", "consent")
    assert (folder / "verdicts.jsonl").read_bytes() == before


def test_shards_are_filtered_by_what_is_granted(artist: Party, a: Party, folder: Path) -> None:
    artist.grants()
    (folder / "shards").mkdir()
    for number in range(3):
        with tarfile.open(folder / "shards" / f"{number}.tar", "w") as shard:
            for name in ("track.flac", "other.mp3"):
                shard.add(folder / name, name)
    known = ("--licensee", A, "--grants", "grants.jsonl", "--policy", "opt-in")
    a.runs("filter", "shards", "--as", "shards", "-o", "kept", *known, "--jobs", "2")
    for number in range(3):
        with tarfile.open(folder / "kept" / f"{number}.tar") as shard:
            assert shard.getnames() == ["track.flac"]
    # What is not admitted says why.
    records = [json.loads(line) for line in (folder / "kept.rejected.jsonl").read_text().splitlines()]
    assert {record["member"] for record in records} == {"other.mp3"}
    assert all("grant_other_track" in reasons(record) for record in records)
