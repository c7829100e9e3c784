"""Keys: made, kept, loaded, refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from noai import certificates
from noai.algorithms import Algorithm
from noai.certificates import chain_faults
from noai.errors import (
    CertificateExpired,
    CertificateInvalid,
    IdentityExists,
    IdentityUnknown,
    KeyFileError,
    KeyMismatch,
    NoaiError,
    PassphraseRequired,
    PassphraseWrong,
    UsageError,
)
from noai.identities import IdentityStore, home
from noai.report import Check
from noai.signing import CallbackSigner, KeySigner, check_signer, load_key
from noai.trust import TrustList
from tests.signers import NOW, Cert, authority, key_pem, new_key, signer

Writer = Callable[[bytes, bytes], tuple[Path, Path]]


@pytest.fixture
def store(tmp_path: Path) -> IdentityStore:
    return IdentityStore(tmp_path)


@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.ES384, Algorithm.ED25519])
def test_a_new_identity_can_sign(store: IdentityStore, algorithm: Algorithm) -> None:
    identity = store.create("artist", algorithm, NOW)
    check_signer(identity.signer(), NOW)
    assert identity.algorithm is algorithm
    assert chain_faults(identity.chain, NOW) == ()
    assert store.only() == identity
    assert store.load("artist").kid == identity.kid


def test_an_identity_outlives_ten_years_of_computers(store: IdentityStore) -> None:
    identity = store.create("artist", Algorithm.ES256, NOW)
    check_signer(identity.signer(), NOW + timedelta(days=3600))


def test_key_files_are_private(store: IdentityStore, tmp_path: Path) -> None:
    identity = store.create("artist", Algorithm.ES256, NOW, b"secret")
    files = sorted(path.name for path in identity.folder.iterdir())
    assert files == ["chain.pem", "key.pem", "root-key.pem"]
    assert {path.stat().st_mode & 0o777 for path in identity.folder.iterdir()} == {0o600}
    assert identity.folder.stat().st_mode & 0o077 == 0
    assert b"ENCRYPTED" in (identity.folder / "key.pem").read_bytes()
    assert b"ENCRYPTED" in (identity.folder / "root-key.pem").read_bytes()


def test_a_passphrase_is_asked_for_only_where_it_is_needed(store: IdentityStore) -> None:
    def never() -> bytes:
        raise AssertionError("asked")

    store.create("plain", Algorithm.ES256, NOW).signer(never)
    locked = store.create("locked", Algorithm.ES256, NOW, b"secret")
    locked.signer(lambda: b"secret")
    with pytest.raises(PassphraseRequired):
        locked.signer()
    with pytest.raises(PassphraseWrong):
        locked.signer(b"wrong")


def test_an_identity_is_never_overwritten(store: IdentityStore) -> None:
    before = store.create("artist", Algorithm.ES256, NOW)
    with pytest.raises(IdentityExists):
        store.create("artist", Algorithm.ES256, NOW)
    assert store.load("artist") == before


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", ".hidden", "a b", "x" * 65, "ä", "a\n"])
def test_names_are_plain_file_names(store: IdentityStore, name: str) -> None:
    with pytest.raises(UsageError):
        store.create(name, Algorithm.ES256, NOW)
    with pytest.raises(IdentityUnknown):
        store.load(name)


def test_which_identity_must_be_clear(store: IdentityStore) -> None:
    with pytest.raises(IdentityUnknown, match="keygen"):
        store.only()
    store.create("one", Algorithm.ES256, NOW)
    store.create("two", Algorithm.ES256, NOW)
    with pytest.raises(IdentityUnknown, match="--identity"):
        store.only()
    with pytest.raises(IdentityUnknown, match="one, two"):
        store.load("three")


def test_own_identities_identify_their_marks(store: IdentityStore) -> None:
    identity = store.create("artist", Algorithm.ES256, NOW)
    judgement = TrustList(own=store.trusted()).judge(identity.chain, NOW)
    assert judgement.check is Check.PASS
    assert judgement.own


def test_a_damaged_identity_is_an_error(store: IdentityStore) -> None:
    identity = store.create("artist", Algorithm.ES256, NOW)
    (identity.folder / "chain.pem").write_text("garbage")
    with pytest.raises(KeyFileError):
        store.trusted()


def test_noai_home_is_where_identities_live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOAI_HOME", str(tmp_path / "here"))
    assert home() == tmp_path / "here"
    monkeypatch.delenv("NOAI_HOME")
    assert home().name == "noai"


# -- a caller's own key and chain --------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> Writer:
    def write(key: bytes, chain: bytes) -> tuple[Path, Path]:
        (tmp_path / "key.pem").write_bytes(key)
        (tmp_path / "chain.pem").write_bytes(chain)
        return tmp_path / "key.pem", tmp_path / "chain.pem"

    return write


CHAIN = certificates.pem(signer().chain).encode()


@pytest.mark.parametrize("kind", ["es256", "es384", "ed25519", "rsa2048"])
def test_every_kind_of_key_is_loaded(files: Writer, kind: str) -> None:
    mine = signer(kind, leaf=Cert(key=kind))
    chain = certificates.pem(mine.chain).encode()
    loaded = KeySigner.from_files(*files(key_pem(mine.key, b"pass"), chain), b"pass")
    assert loaded.chain == mine.chain
    check_signer(loaded, NOW)


def test_a_key_that_does_not_match_the_certificate(
    files: Writer,
) -> None:
    with pytest.raises(KeyMismatch, match="belong together"):
        KeySigner.from_files(*files(key_pem(new_key("es256-other")), CHAIN))


@pytest.mark.parametrize(
    ("key", "chain", "error"),
    [
        (b"", CHAIN, KeyFileError),
        (b"garbage", CHAIN, KeyFileError),
        (CHAIN, CHAIN, KeyFileError),
        (key_pem(new_key("es512")), CHAIN, KeyFileError),
        (key_pem(new_key("es256")), b"", KeyFileError),
        (key_pem(new_key("es256")), b"garbage", KeyFileError),
        (key_pem(new_key("es256"), b"pass"), CHAIN, PassphraseRequired),
    ],
)
def test_unusable_files_are_named(files: Writer, key: bytes, chain: bytes, error: type[NoaiError]) -> None:
    with pytest.raises(error):
        KeySigner.from_files(*files(key, chain))


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"none\.pem"):
        KeySigner.from_files(tmp_path / "none.pem", tmp_path / "none.pem")


LEAF = Cert()


@pytest.mark.parametrize(
    ("leaf", "error"),
    [
        (replace(LEAF, end=NOW - timedelta(days=1)), CertificateExpired),
        (replace(LEAF, start=NOW + timedelta(days=1)), CertificateExpired),
        (replace(LEAF, usages=None), CertificateInvalid),
        (replace(LEAF, ca=True), CertificateInvalid),
    ],
)
def test_a_signer_whose_marks_could_never_pass_is_refused(leaf: Cert, error: type[NoaiError]) -> None:
    with pytest.raises(error):
        check_signer(signer(leaf=leaf), NOW)


def test_a_chain_of_another_authority_is_refused() -> None:
    wrong = (LEAF.issue(authority()), authority("root", "es256-impostor").issue())
    with pytest.raises(CertificateInvalid):
        check_signer(KeySigner(new_key("es256"), wrong), NOW)


def test_a_chain_is_one_to_five_certificates() -> None:
    with pytest.raises(CertificateInvalid):
        check_signer(KeySigner(new_key("es256"), ()), NOW)
    with pytest.raises(CertificateInvalid):
        check_signer(KeySigner(new_key("es256"), signer().chain[:1] * 6), NOW)


def test_a_weak_rsa_key_is_refused() -> None:
    with pytest.raises(KeyMismatch, match="2048"):
        check_signer(signer("rsa1024", leaf=Cert(key="rsa1024")), NOW)


def test_a_callback_signer_takes_a_pem_chain() -> None:
    mine = signer()
    remote = CallbackSigner.from_pem(mine.sign, certificates.pem(mine.chain))
    assert remote.chain == mine.chain
    check_signer(remote, NOW)
    with pytest.raises(KeyFileError):
        CallbackSigner.from_pem(mine.sign, "nothing")


def test_private_keys_do_not_show_in_a_signers_repr() -> None:
    assert "key" not in repr(signer()).lower().replace("keysigner", "")


def test_load_key_refuses_kinds_that_cannot_sign() -> None:
    from cryptography.hazmat.primitives.asymmetric import x25519

    pem = key_pem(x25519.X25519PrivateKey.generate())  # type: ignore[arg-type]
    with pytest.raises(KeyFileError):
        load_key(pem, "x")
