"""Signing and validating with the real C2PA library: each of its traps has a test named after it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from noai import c2pa_json, cbor, mark
from noai.c2pa_json import BmffHash, DataHash
from noai.certificates import C2PA_CLAIM_SIGNING, DOCUMENT_SIGNING
from noai.claim import Claim, Permission, Rights, Use
from noai.errors import KeyFileError, ManifestError, SigningError
from noai.jumbf import read_store
from noai.limits import C2PA_PARENT_BYTES
from noai.manifest import Order, draft, read_validation, sign
from noai.signals._c2pa_binding import unbound
from noai.signing import CallbackSigner, KeySigner, Signer
from noai.trust import entries_from_pem
from noai.verifying import verify
from tests.audio import SAMPLES
from tests.manifests import (
    ALLOWED,
    NO_AI,
    TODAY,
    changed_audio,
    embedded,
    entries,
    foreign,
    fresh,
    live_signer,
    marked,
    media_type,
    resigned,
    sidecar,
    store_of,
    with_malformed_frame,
    witness,
)
from tests.signers import Cert, authority, new_key
from tests.signers import signer as make_signer

UNMARKED = SAMPLES / "unmarked"
EMBEDDING = [UNMARKED / name for name in ("tune.mp3", "tune.flac", "tune.wav", "tune.m4a", "tune-alac.m4a")]
MP3 = UNMARKED / "tune.mp3"
each_container = pytest.mark.parametrize("path", EMBEDDING, ids=lambda path: path.name)


#: Stands for a file.
BINDING = DataHash(bytes(range(32)), ((100, 13_000),))


def root_of(signer: KeySigner) -> tuple[x509.Certificate, ...]:
    return signer.chain[-1:]


def order(signer: Signer | None = None, claim: Claim = NO_AI) -> Order:
    return Order(claim, signer or live_signer())


def codes(statuses: tuple[c2pa_json.Status, ...]) -> list[str]:
    return [status.code for status in statuses]


def report(data: bytes, kind: str = "audio/mpeg") -> dict[str, Any]:
    """What any other program sees, with the library's defaults but for the network."""
    settings = {"verify": {"remote_manifest_fetch": False}}
    reader = c2pa.Reader(kind, io.BytesIO(data), context=c2pa.Context.from_dict(settings))
    document: dict[str, Any] = json.loads(reader.json())
    return document


def active(data: bytes, kind: str = "audio/mpeg") -> dict[str, Any]:
    document = report(data, kind)
    found: dict[str, Any] = document["manifests"][document["active_manifest"]]
    return found


# -- writing --------------------------------------------------------------------------------


@each_container
def test_every_container_is_signed_and_trusted_by_the_library(path: Path) -> None:
    data = marked(path)
    found = witness(data, media_type(path), anchors=root_of(live_signer()))
    assert (found.state, found.failure) == ("Trusted", ())
    assert witness(data, media_type(path)).state == "Valid"
    validated = read_validation(store_of(data), root_of(live_signer()))
    assert validated.problems == ()
    assert {status.code for status in validated.failure} <= c2pa_json.UNBOUND


@pytest.mark.parametrize("key", ["es256", "es384", "ed25519", "rsa"])
def test_every_algorithm_of_marks_signs_manifests(key: str) -> None:
    found = witness(marked(MP3, signer=live_signer(key)), "audio/mpeg", anchors=root_of(live_signer(key)))
    assert found.state == "Trusted"


@pytest.mark.parametrize("key", ["es256", "es384", "ed25519", "rsa"])
def test_a_store_is_as_long_as_its_draft_wherever_it_lies(key: str) -> None:
    wanted = order(live_signer(key))
    length = len(draft(wanted, unbound("audio/mpeg")))
    for ranges in (((0, 0),), ((23, 24),), ((255, 256),), ((65_535, 65_536),), ((1 << 32, 1 << 40),)):
        assert len(sign(wanted, DataHash(bytes(32), ranges))) == length
    eight = tuple((number << 40, 1 << 33) for number in range(1, 9))
    assert len(sign(wanted, DataHash(bytes(32), eight))) == length
    with pytest.raises(ManifestError, match="more than 8 places"):
        sign(wanted, DataHash(bytes(32), (*eight, (1 << 50, 1))))
    boxed = unbound("audio/mp4")
    assert isinstance(boxed, BmffHash)
    assert len(sign(wanted, boxed)) == len(draft(wanted, boxed))


def test_a_draft_costs_the_signer_no_signature() -> None:
    asked: list[bytes] = []

    def count(data: bytes) -> bytes:
        asked.append(data)
        return live_signer().sign(data)

    counting = order(CallbackSigner(count, live_signer().chain))
    draft(counting, BINDING)
    assert asked == []
    sign(counting, BINDING)
    assert len(asked) == 1


def test_the_hash_that_is_given_is_the_hash_that_is_signed() -> None:
    found = read_store(sign(order(), BINDING)).active
    assert found is not None
    (assertion,) = (a for a in found.assertions if a.label == "c2pa.hash.data")
    stated = cbor.decode(assertion.contents[0].data)
    assert isinstance(stated, cbor.Map)
    assert (stated.first("alg"), stated.first("hash")) == ("sha256", BINDING.digest)
    assert stated.first("exclusions") == (cbor.Map((("start", 100), ("length", 13_000))),)
    assert "c2pa.hash.data" in found.claim.created


def test_uses_are_written_as_cawg_entries_voice_likeness_too() -> None:
    rights = Rights(contact="mailto:ask@example.org")
    claim = Claim({**NO_AI.uses, Use.INFERENCE: Permission.CONSTRAINED}, rights=rights)
    (written,) = [a for a in active(marked(MP3, claim))["assertions"] if a["label"] == "cawg.training-mining"]
    assert written["data"]["entries"] == {
        "cawg.ai_generative_training": {"use": "notAllowed"},
        "cawg.ai_training": {"use": "notAllowed"},
        "cawg.data_mining": {"use": "notAllowed"},
        "cawg.ai_inference": {"use": "constrained", "constraint_info": "mailto:ask@example.org"},
        "org.noai.voice_likeness": {"use": "notAllowed"},
    }


def test_constrained_is_never_written_without_information() -> None:
    claim = Claim({Use.TRAINING: Permission.CONSTRAINED})
    (written,) = [a for a in active(marked(MP3, claim))["assertions"] if a["label"] == "cawg.training-mining"]
    assert written["data"]["entries"]["cawg.ai_training"]["constraint_info"]


def test_the_training_assertion_is_created_not_gathered() -> None:
    found = read_store(store_of(marked(MP3))).active
    assert found is not None
    assert "cawg.training-mining" in found.claim.created
    assert found.claim.gathered == ()


def test_a_label_that_is_not_listed_is_gathered() -> None:
    data = foreign(MP3, [{"label": "cawg.training-mining", "data": entries()}], created=())
    found = read_store(store_of(data)).active
    assert found is not None
    assert found.claim.gathered == ("cawg.training-mining",)


def test_the_first_action_is_created_and_there_is_no_thumbnail() -> None:
    found = active(marked(MP3))
    (actions,) = [a["data"]["actions"] for a in found["assertions"] if a["label"].startswith("c2pa.actions")]
    assert [action["action"] for action in actions] == ["c2pa.created"]
    assert "thumbnail" not in found


@each_container
def test_an_edit_keeps_the_provenance_that_the_original_has(path: Path) -> None:
    kind = media_type(path)
    original = marked(path, ALLOWED)
    data = resigned(original, kind, NO_AI)
    found = witness(data, kind, anchors=root_of(live_signer()))
    assert (found.state, found.manifests) == ("Trusted", 2)
    validated = read_validation(store_of(data), root_of(live_signer()))
    assert (validated.manifests, validated.ingredient_failure) == (2, ())
    (ingredient,) = active(data, kind)["ingredients"]
    assert ingredient["relationship"] == "parentOf"
    assert ingredient["active_manifest"] == read_validation(store_of(original)).active_label
    assert ingredient["validation_results"]["activeManifest"]["failure"] == []
    first, second = read_store(store_of(data)).manifests
    assert first == read_store(store_of(original)).active
    assert "c2pa.ingredient.v3" in second.claim.created


@each_container
def test_an_edit_of_a_stale_original_keeps_its_provenance_too(path: Path) -> None:
    kind = media_type(path)
    stale = changed_audio(marked(path))
    assert witness(stale, kind).state == "Invalid"
    found = witness(resigned(stale, kind, NO_AI), kind, anchors=root_of(live_signer()))
    assert (found.state, found.manifests) == ("Trusted", 2)


def test_a_parent_whose_manifest_the_library_does_not_see_is_refused() -> None:
    hidden = with_malformed_frame(marked(MP3))
    with pytest.raises(ManifestError, match="provenance"):
        sign(Order(NO_AI, live_signer(), parent=("audio/mpeg", io.BytesIO(hidden))), BINDING)


def test_a_parent_that_the_library_would_read_into_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.wav"
    with path.open("w+b") as large:
        large.truncate(C2PA_PARENT_BYTES + 1)
        with pytest.raises(ManifestError, match="larger than"):
            sign(Order(NO_AI, live_signer(), parent=("audio/wav", large)), BINDING)


class KeyServiceDown(Exception):
    pass


def test_a_signer_that_raises_leaves_nothing_and_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    def refuse(_data: bytes) -> bytes:
        raise KeyServiceDown("no answer from the key service")

    with pytest.raises(SigningError, match="no answer from the key") as caught:
        sign(order(CallbackSigner(refuse, live_signer().chain)), BINDING)
    assert isinstance(caught.value.__cause__, KeyServiceDown)
    assert capfd.readouterr() == ("", "")


def interrupting(data: bytes) -> bytes:
    """A key at which somebody presses Ctrl-C once the library, not noai itself, asks for it."""
    if not data.startswith(b"eyJ"):
        os.kill(os.getpid(), signal.SIGINT)
    return live_signer().sign(data)


def test_ctrl_c_in_the_library_stops_a_marking_and_leaves_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tune.mp3"
    path.write_bytes(MP3.read_bytes())
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        mark(path, in_place=True, signer=CallbackSigner(interrupting, live_signer().chain))
    assert path.read_bytes() == MP3.read_bytes()
    assert list(tmp_path.iterdir()) == [path]
    assert signal.getsignal(signal.SIGINT) is before
    assert capfd.readouterr() == ("", "")


def test_an_answer_to_ctrl_c_of_ones_own_is_given_once_and_stays() -> None:
    answered: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: answered.append(number))
    try:
        sign(order(CallbackSigner(interrupting, live_signer().chain)), BINDING)
    finally:
        signal.signal(signal.SIGINT, before)
    assert answered == [signal.SIGINT]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_a_signer_leaves_with_is_not_lost(
    kind: type[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    def leave(_data: bytes) -> bytes:
        raise kind

    with pytest.raises(kind):
        sign(order(CallbackSigner(leave, live_signer().chain)), BINDING)
    assert capfd.readouterr() == ("", "")


def test_a_der_signature_is_refused_before_it_is_embedded() -> None:
    key = live_signer().key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signer = CallbackSigner(lambda data: key.sign(data, ec.ECDSA(hashes.SHA256())), live_signer().chain)
    with pytest.raises(SigningError, match="not DER"):
        sign(order(signer), BINDING)


@pytest.mark.parametrize("usage", [DOCUMENT_SIGNING, C2PA_CLAIM_SIGNING])
def test_usages_beyond_email_protection_work_on_signing_and_reading(usage: Any) -> None:
    signer = make_signer(leaf=fresh(Cert(usages=(usage,))), root=fresh(authority()))
    data = marked(MP3, signer=signer)
    assert witness(data, "audio/mpeg", anchors=root_of(signer)).state == "Trusted"
    assert read_validation(store_of(data), root_of(signer)).problems == ()


def test_a_self_signed_leaf_is_trusted_only_as_an_anchor_of_its_own() -> None:
    signer = make_signer(leaf=fresh(Cert("alone", "es256-alone")), root=None)
    store = sign(order(signer), BINDING)
    assert read_validation(store, root_of(signer)).problems == ()
    assert [status.code for status in read_validation(store).problems] == ["signingCredential.untrusted"]
    others = read_validation(store, root_of(live_signer()))
    assert [status.code for status in others.problems] == ["signingCredential.untrusted"]


def test_a_leaf_without_authority_key_identifier_cannot_sign() -> None:
    key, root_key = new_key("es256-bare"), new_key("es256-bare-root")
    root = fresh(authority("bare root", "es256-bare-root")).issue()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bare")])
    usage = x509.KeyUsage(True, *[False] * 8)
    leaf = (
        x509.CertificateBuilder(root.subject, name, key.public_key(), 1)
        .not_valid_before(TODAY - timedelta(days=1))
        .not_valid_after(TODAY + timedelta(days=1))
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    with pytest.raises(ManifestError, match="certificate is invalid"):
        sign(order(KeySigner(key, (leaf, root))), BINDING)


def test_an_expired_leaf_cannot_sign() -> None:
    expired = Cert(start=TODAY.replace(year=TODAY.year - 2), end=TODAY.replace(year=TODAY.year - 1))
    signer = make_signer(leaf=expired, root=fresh(authority()))
    with pytest.raises(ManifestError, match="not valid at time of signing"):
        sign(order(signer), BINDING)


# -- sidecars -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tune.ogg", "tune.opus", "tune.mp3", "tune.m4a"])
def test_the_library_takes_a_sidecar_for_its_file_and_no_other(name: str) -> None:
    data = (UNMARKED / name).read_bytes()
    store = sidecar(data)
    kind = "application/octet-stream"
    assert witness(data, kind, store, root_of(live_signer())).state == "Trusted"
    assert witness(data[:-1] + b"\0", kind, store).state == "Invalid"


# -- reading --------------------------------------------------------------------------------


def test_a_malformed_id3_frame_hides_the_manifest_from_the_library_alone() -> None:
    data = with_malformed_frame(marked(MP3))
    with pytest.raises(c2pa.C2paError):
        witness(data, "audio/mpeg")
    assert "claimSignature.validated" in {s.code for s in read_validation(store_of(data)).success}


def test_a_store_that_is_cut_is_an_error_not_nothing() -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        read_validation(store_of(marked(MP3))[:-100])


@pytest.mark.parametrize("store", [b"", b"\0", b"no store at all"])
def test_no_manifest_at_all_is_an_error_not_nothing(store: bytes) -> None:
    with pytest.raises(ManifestError):
        read_validation(store)


def test_a_report_of_unknown_form_is_an_error() -> None:
    for text in ("", "{}", "[]", '{"active_manifest": 1, "manifests": {}, "validation_results": null}'):
        with pytest.raises(ManifestError, match="unknown form"):
            c2pa_json.facts(text)


# -- trust settings -------------------------------------------------------------------------


def test_garbage_for_pem_is_taken_by_the_library_and_refused_by_us() -> None:
    anchor = {"trust_kind": "manifest", "trust_uri": "urn:x", "trust_anchors": "garbage"}
    c2pa.Context.from_dict({"trust": {"anchors": [anchor]}, "no such key": 1}).close()
    with pytest.raises(KeyFileError):
        entries_from_pem(b"garbage", "anchors.pem")


def test_trust_is_ours_and_says_so() -> None:
    store = sign(order(), BINDING)
    assert read_validation(store, root_of(live_signer())).trust_uri == c2pa_json.TRUST_URI
    unknown = read_validation(store)
    assert unknown.trust_uri is None
    assert [status.code for status in unknown.problems] == ["signingCredential.untrusted"]


# -- network --------------------------------------------------------------------------------


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine, and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/m.c2pa", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@each_container
def test_a_remote_manifest_is_never_fetched(path: Path) -> None:
    with listening() as (url, asked):
        data = foreign(path, [{"label": "cawg.training-mining", "data": entries()}], remote_url=url)
        verify(data)
        embedded(data, NO_AI, live_signer())
        assert asked == []
        # The library by itself does fetch, which is what makes the lines above mean something.
        with pytest.raises(c2pa.C2paError):
            c2pa.Reader(media_type(path), io.BytesIO(data))
        assert asked == ["/m.c2pa"]


def test_a_library_that_is_missing_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "c2pa.py").write_text("raise ImportError('not here')")
    code = """
import sys
import tests.manifests  # which uses the library itself
del sys.modules["c2pa"]
sys.path.insert(0, sys.argv[1])
from noai import manifest
from noai.c2pa_json import DataHash
from noai.errors import ManifestError
from tests.manifests import NO_AI, live_signer
for call in (
    lambda: manifest.read_validation(b""),
    lambda: manifest.sign(manifest.Order(NO_AI, live_signer()), DataHash(bytes(32))),
):
    try:
        call()
    except ManifestError as error:
        assert str(error) == "the C2PA library cannot be loaded: not here", error
    else:
        sys.exit(1)
"""
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, timeout=60)
