"""``noai trust``."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.cli.conftest import Run
from tests.signers import ROOT, Cert, key_pem, new_key


@pytest.fixture
def label() -> Path:
    """The root certificate of somebody else."""
    path = Path("label.pem")
    path.write_bytes(ROOT.issue().public_bytes(Encoding.PEM))
    return path


def test_an_entry_identifies_and_does_no_more_than_was_said(installed: Run, label: Path) -> None:
    done = installed("trust", "add", label)
    assert done.code == 0, done.err
    assert "it may identify." in done.out
    (row,) = installed("trust", "list", "--json").json
    assert row["may"] == ["identify"]
    assert row["kind"] == "single-party"
    assert row["own"] is False


def test_what_an_entry_may_do_and_for_what(noai: Run, label: Path) -> None:
    done = noai(
        *("trust", "add", label, "--may", "permit", "--may", "grant", "--kind", "authority"),
        *("--key", "kid1", "--isrc", "qz-abc"),
    )
    assert done.code == 0, done.err
    (row,) = noai("trust", "list", "--json").json
    assert row["may"] == ["identify", "permit", "grant"]
    assert (row["kind"], row["keys"], row["isrc_prefixes"]) == ("authority", ["kid1"], ["QZABC"])
    shown = noai("trust", "list").out
    assert "identify, permit, grant" in shown
    assert "key kid1; ISRC QZABC" in shown


def test_adding_again_changes_the_entry(noai: Run, label: Path) -> None:
    noai("trust", "add", label, "--may", "permit")
    assert "Changed" in noai("trust", "add", label).out
    (row,) = noai("trust", "list", "--json").json
    assert row["may"] == ["identify"]


def test_a_pinned_leaf_is_called_one(noai: Run) -> None:
    Path("leaf.pem").write_bytes(Cert().issue(ROOT).public_bytes(Encoding.PEM))
    assert "its own key alone" in noai("trust", "add", "leaf.pem").out


def test_own_identities_are_listed_and_identify_only(noai: Run, ana: Path) -> None:
    (row,) = noai("trust", "list", "--json").json
    assert row["own"] is True
    assert row["may"] == ["identify"]
    assert "own identity" in noai("trust", "list").out


def test_an_empty_list(noai: Run) -> None:
    assert "noai trust add" in noai("trust", "list").out
    assert noai("trust", "list", "--json").json == []


@pytest.mark.parametrize("spelled", ["{}", "sha256:{}", "{:.6}"])
def test_removing_by_the_beginning_of_the_fingerprint(noai: Run, label: Path, spelled: str) -> None:
    noai("trust", "add", label)
    fingerprint = noai("trust", "list", "--json").json[0]["sha256"]
    assert noai("trust", "remove", spelled.format(fingerprint)).code == 0
    assert noai("trust", "list", "--json").json == []


def test_removing_as_other_tools_spell_a_fingerprint(noai: Run, label: Path) -> None:
    noai("trust", "add", label)
    fingerprint = noai("trust", "list", "--json").json[0]["sha256"].upper()
    colons = ":".join(fingerprint[i : i + 2] for i in range(0, 64, 2))
    assert noai("trust", "remove", colons).code == 0


def test_removing_what_is_not_there(noai: Run, label: Path) -> None:
    noai("trust", "add", label)
    noai("trust", "remove", "ffffffffffff").refuses("no entry")
    noai("trust", "remove", "ff").refuses("at least 6 characters")
    noai("trust", "remove", "").refuses("at least 6 characters")
    assert len(noai("trust", "list", "--json").json) == 1


def test_several_certificates_in_a_file_are_refused(noai: Run, ana: Path) -> None:
    noai("trust", "add", ana / "identities" / "ana" / "chain.pem").refuses(
        "2 certificates", "the one to trust"
    )
    assert not (ana / "trust.json").exists()


def test_files_that_are_no_certificate(noai: Run, home: Path) -> None:
    noai("trust", "add", "missing.pem").refuses("missing.pem", "no such file")
    noai("trust", "add", ".").refuses("folder")
    noai("trust", "add", "").refuses("empty")
    Path("text.pem").write_text("hello")
    noai("trust", "add", "text.pem").refuses("no", "PEM certificate")
    Path("key.pem").write_bytes(key_pem(new_key("es256")))
    noai("trust", "add", "key.pem").refuses("PEM certificate")
    with Path("huge.pem").open("wb") as file:
        file.truncate(2**21)
    noai("trust", "add", "huge.pem").refuses("too large")
    assert not home.exists()


def test_a_scope_without_a_permission_is_no_request(noai: Run, label: Path) -> None:
    noai("trust", "add", label, "--isrc", "QZ").refuses("--may")
    noai("trust", "add", label, "--may", "permit", "--isrc", "").refuses("ISRC")
    noai("trust", "add", label, "--may", "everything").refuses("everything")


def test_a_damaged_list_stops_every_command_that_needs_it(noai: Run, home: Path, track: Path) -> None:
    home.mkdir()
    (home / "trust.json").write_text('{"schema": "noai.trust/1", "entries": [{}]}')
    for command in (("trust", "list"), ("verify", track), ("inspect", track)):
        noai(*command).refuses("trust.json", "damaged")
