"""``noai keygen`` and ``noai identity``."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.cli.conftest import Run


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_makes_an_identity_that_only_its_owner_can_read(installed: Run, home: Path) -> None:
    done = installed("keygen", "ana")
    assert done.code == 0, done.err
    folder = home / "identities" / "ana"
    assert {path.name: mode(path) for path in folder.iterdir()} == {
        "key.pem": 0o600,
        "root-key.pem": 0o600,
        "chain.pem": 0o600,
    }
    assert mode(folder) == mode(home / "identities") == 0o700
    (row,) = installed("identity", "list", "--json").json
    assert row["name"] == "ana"
    assert row["algorithm"] == "ES256"
    assert row["encrypted"] is False
    # What was made, where, and how to go on.
    for told in (row["kid"], str(folder), "noai mark", "noai identity export ana"):
        assert told in done.out


def test_ed25519_on_request(noai: Run) -> None:
    assert noai("keygen", "ana", "--alg", "ed25519").code == 0
    assert noai("identity", "list", "--json").json[0]["algorithm"] == "Ed25519"


def test_a_passphrase_from_the_environment(noai: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOAI_PASSPHRASE", "öffne dich")
    done = noai("keygen", "ana")
    assert done.code == 0
    assert "encrypted with your passphrase" in done.out
    assert noai("identity", "list", "--json").json[0]["encrypted"] is True
    for name in ("key.pem", "root-key.pem"):
        data = (home / "identities" / "ana" / name).read_bytes()
        assert load_pem_private_key(data, "öffne dich".encode())
        with pytest.raises(TypeError):
            load_pem_private_key(data, None)


def test_a_passphrase_needs_a_terminal_or_the_variable(noai: Run, home: Path) -> None:
    noai("keygen", "ana", "--passphrase").refuses("no terminal", "NOAI_PASSPHRASE")
    assert not home.exists()


def test_a_passphrase_that_no_key_file_takes(noai: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOAI_PASSPHRASE", "x" * 1024)
    noai("keygen", "ana").refuses("1023 bytes")


@pytest.mark.parametrize("name", ["", "../ana", "a/b", ".hidden", "x" * 65, "ana\n", "-"])
def test_names_that_are_no_plain_file_names(noai: Run, home: Path, name: str) -> None:
    noai("keygen", "--", name).refuses("not a name for an identity")
    assert not home.exists()


def test_an_identity_is_never_overwritten(noai: Run, ana: Path) -> None:
    before = (ana / "identities" / "ana" / "key.pem").read_bytes()
    noai("keygen", "ana").refuses("exists already")
    assert (ana / "identities" / "ana" / "key.pem").read_bytes() == before


def test_a_folder_that_cannot_be_written(noai: Run, home: Path) -> None:
    home.write_text("a file, not a folder")
    noai("keygen", "ana").refuses("is not a folder", "NOAI_HOME")


def test_no_identity_yet(noai: Run) -> None:
    assert "noai keygen NAME" in noai("identity", "list").out
    assert noai("identity", "list", "--json").json == []


def test_a_damaged_identity_does_not_hide_the_others(noai: Run, ana: Path) -> None:
    noai("keygen", "bo")
    (ana / "identities" / "ana" / "chain.pem").write_text("damaged")
    done = noai("identity", "list", "--json")
    assert done.code == 1
    assert "error" in done.json[0]
    assert done.json[1]["name"] == "bo"
    shown = noai("identity", "list")
    assert shown.code == 1
    assert "no readable PEM certificate" in shown.out


def test_the_export_is_the_root_certificate_alone(noai: Run, ana: Path) -> None:
    done = noai("identity", "export", "ana")
    assert done.code == 0
    (certificate,) = x509.load_pem_x509_certificates(done.out.encode())
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert "PRIVATE" not in done.out
    assert noai("identity", "export", "ana", "-o", "ana.pem").code == 0
    assert Path("ana.pem").read_text() == done.out


def test_the_export_overwrites_nothing_but_certificates(noai: Run, ana: Path) -> None:
    key = ana / "identities" / "ana" / "key.pem"
    before = key.read_bytes()
    for target in (key, ana / "identities" / "ana" / "chain.pem"):
        done = noai("identity", "export", "ana", "-o", target)
        assert (done.code == 2) is (target == key)
    assert key.read_bytes() == before
    Path("track.mp3").write_bytes(b"audio")
    noai("identity", "export", "ana", "-o", "track.mp3").refuses("not a certificate")
    noai("identity", "export", "ana", "-o", "no/such/folder.pem").refuses("cannot be written")


def test_an_unknown_identity(noai: Run, ana: Path) -> None:
    noai("identity", "export", "bo").refuses("no identity 'bo'", "known: ana", "noai keygen")
