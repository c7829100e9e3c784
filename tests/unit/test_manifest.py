"""Signing and validating with the real C2PA library: each of its traps has a test named after it."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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

from noai import c2pa_json, manifest, mark
from noai.certificates import C2PA_CLAIM_SIGNING, DOCUMENT_SIGNING
from noai.claim import Claim, Permission, Rights, Use
from noai.errors import KeyFileError, ManifestError, SigningError, SourceChanged
from noai.jumbf import read_store
from noai.limits import C2PA_SIGN_BYTES
from noai.signing import CallbackSigner, KeySigner
from noai.sources import ByteSource, BytesSource
from noai.trust import entries_from_pem
from tests.audio import SAMPLES
from tests.manifests import (
    ALLOWED,
    NO_AI,
    TODAY,
    changed_audio,
    entries,
    foreign,
    fresh,
    live_signer,
    marked,
    media_type,
    resigned,
    store_of,
    with_malformed_frame,
)
from tests.signers import Cert, authority, new_key
from tests.signers import signer as make_signer

UNMARKED = SAMPLES / "unmarked"
EMBEDDING = [UNMARKED / name for name in ("tune.mp3", "tune.flac", "tune.wav", "tune.m4a", "tune-alac.m4a")]
MP3 = UNMARKED / "tune.mp3"
each_container = pytest.mark.parametrize("path", EMBEDDING, ids=lambda path: path.name)


def validate(data: bytes, kind: str = "audio/mpeg", **options: Any) -> c2pa_json.ValidationFacts:
    return manifest.read_validation(BytesSource(data), kind, **options)


def root_of(signer: KeySigner) -> dict[str, Any]:
    return {"anchors": signer.chain[-1:]}


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
def test_every_container_that_c2pa_writes_is_signed_and_trusted(path: Path) -> None:
    data = marked(path)
    assert validate(data, media_type(path), **root_of(live_signer())).state == "Trusted"
    assert validate(data, media_type(path), store=store_of(data)).state == "Valid"


@pytest.mark.parametrize("key", ["es256", "es384", "ed25519", "rsa"])
def test_every_algorithm_of_marks_signs_manifests(key: str) -> None:
    assert validate(marked(MP3, signer=live_signer(key)), **root_of(live_signer(key))).state == "Trusted"


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
    found = validate(data, kind, **root_of(live_signer()))
    assert (found.state, found.manifests, found.ingredient_failure) == ("Trusted", 2, ())
    (ingredient,) = active(data, kind)["ingredients"]
    assert ingredient["relationship"] == "parentOf"
    assert ingredient["active_manifest"] == validate(original, kind).active_label
    assert ingredient["validation_results"]["activeManifest"]["failure"] == []
    first, second = read_store(store_of(data)).manifests
    assert first == read_store(store_of(original)).active
    assert "c2pa.ingredient.v3" in second.claim.created


@each_container
def test_an_edit_of_a_stale_original_keeps_its_provenance_too(path: Path) -> None:
    kind = media_type(path)
    stale = changed_audio(marked(path))
    assert validate(stale, kind).state == "Invalid"
    found = validate(resigned(stale, kind, NO_AI), kind, **root_of(live_signer()))
    assert (found.state, found.manifests) == ("Trusted", 2)


def test_create_over_a_manifest_would_discard_it_and_is_refused() -> None:
    silently = foreign(MP3, [], created=())
    assert validate(silently).manifests == 1
    out = io.BytesIO()
    with pytest.raises(ManifestError, match="manifest already"):
        manifest.sign(io.BytesIO(silently), out, media_type="audio/mpeg", claim=NO_AI, signer=live_signer())
    assert out.getvalue() == b""


def test_a_parent_whose_manifest_the_library_does_not_see_is_refused() -> None:
    hidden = with_malformed_frame(marked(MP3))
    with pytest.raises(ManifestError, match="provenance"):
        resigned(hidden, "audio/mpeg", NO_AI)


def test_a_manifest_is_never_signed_in_place(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(MP3.read_bytes())
    with path.open("r+b") as one, path.open("r+b") as other:
        for destination in (one, other):
            with pytest.raises(ManifestError, match="in place"):
                manifest.sign(one, destination, media_type="audio/mpeg", claim=NO_AI, signer=live_signer())
    assert path.read_bytes() == MP3.read_bytes()


class KeyServiceDown(Exception):
    pass


def test_a_signer_that_raises_leaves_nothing_and_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    def refuse(_data: bytes) -> bytes:
        raise KeyServiceDown("no answer from the key service")

    out = io.BytesIO()
    signer = CallbackSigner(refuse, live_signer().chain)
    with MP3.open("rb") as source, pytest.raises(SigningError, match="no answer from the key") as caught:
        manifest.sign(source, out, media_type="audio/mpeg", claim=NO_AI, signer=signer)
    assert isinstance(caught.value.__cause__, KeyServiceDown)
    assert out.getvalue() == b""
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


def test_ctrl_c_while_a_manifest_is_read_is_raised_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    data = marked(MP3)

    class Interrupting(BytesSource):
        def read_at(self, offset: int, length: int) -> bytes:
            os.kill(os.getpid(), signal.SIGINT)
            return super().read_at(offset, length)

    with pytest.raises(KeyboardInterrupt):
        manifest.read_validation(Interrupting(data), "audio/mpeg")
    assert capfd.readouterr() == ("", "")


def test_an_answer_to_ctrl_c_of_ones_own_is_given_once_and_stays() -> None:
    answered: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: answered.append(number))
    try:
        with MP3.open("rb") as source:
            signer = CallbackSigner(interrupting, live_signer().chain)
            manifest.sign(source, io.BytesIO(), media_type="audio/mpeg", claim=NO_AI, signer=signer)
    finally:
        signal.signal(signal.SIGINT, before)
    assert answered == [signal.SIGINT]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_a_signer_leaves_with_is_not_lost(
    kind: type[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    def leave(_data: bytes) -> bytes:
        raise kind

    out = io.BytesIO()
    signer = CallbackSigner(leave, live_signer().chain)
    with MP3.open("rb") as source, pytest.raises(kind):
        manifest.sign(source, out, media_type="audio/mpeg", claim=NO_AI, signer=signer)
    assert out.getvalue() == b""
    assert capfd.readouterr() == ("", "")


def test_a_der_signature_is_refused_before_it_is_embedded() -> None:
    key = live_signer().key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signer = CallbackSigner(lambda data: key.sign(data, ec.ECDSA(hashes.SHA256())), live_signer().chain)
    with MP3.open("rb") as source, pytest.raises(SigningError, match="not DER"):
        manifest.sign(source, io.BytesIO(), media_type="audio/mpeg", claim=NO_AI, signer=signer)


@pytest.mark.parametrize("usage", [DOCUMENT_SIGNING, C2PA_CLAIM_SIGNING])
def test_usages_beyond_email_protection_work_on_signing_and_reading(usage: Any) -> None:
    signer = make_signer(leaf=fresh(Cert(usages=(usage,))), root=fresh(authority()))
    assert validate(marked(MP3, signer=signer), **root_of(signer)).state == "Trusted"


def test_a_self_signed_leaf_is_trusted_only_as_an_anchor_of_its_own() -> None:
    signer = make_signer(leaf=fresh(Cert("alone", "es256-alone")), root=None)
    data = marked(MP3, signer=signer)
    assert validate(data, **root_of(signer)).state == "Trusted"
    assert codes(validate(data).failure) == ["signingCredential.untrusted"]
    assert codes(validate(data, **root_of(live_signer())).failure) == ["signingCredential.untrusted"]


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
        marked(MP3, signer=KeySigner(key, (leaf, root)))


def test_an_expired_leaf_cannot_sign() -> None:
    expired = Cert(start=TODAY.replace(year=TODAY.year - 2), end=TODAY.replace(year=TODAY.year - 1))
    out = io.BytesIO()
    signer = make_signer(leaf=expired, root=fresh(authority()))
    with MP3.open("rb") as source, pytest.raises(ManifestError, match="not valid at time of signing"):
        manifest.sign(source, out, media_type="audio/mpeg", claim=NO_AI, signer=signer)
    assert out.getvalue() == b""


def test_a_file_beyond_the_named_size_gets_no_manifest() -> None:
    with tempfile.TemporaryFile() as large:
        large.truncate(C2PA_SIGN_BYTES + 1)
        with pytest.raises(ManifestError, match="larger than"):
            manifest.sign(large, io.BytesIO(), media_type="audio/wav", claim=NO_AI, signer=live_signer())


@pytest.mark.parametrize("kind", ["audio/ogg", "audio/aiff", "audio/x-ms-wma"])
def test_what_the_library_does_not_write_is_said_in_its_words(kind: str) -> None:
    out = io.BytesIO()
    with (UNMARKED / "tune.ogg").open("rb") as source, pytest.raises(ManifestError, match="type is"):
        manifest.sign(source, out, media_type=kind, claim=NO_AI, signer=live_signer())
    assert out.getvalue() == b""


# -- sidecars -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tune.ogg", "tune.opus", "tune.mp3", "tune.m4a"])
def test_a_sidecar_binds_to_a_file_that_stays_as_it_is(name: str) -> None:
    data = (UNMARKED / name).read_bytes()
    source = io.BytesIO(data)
    store = manifest.sign_sidecar(source, claim=NO_AI, signer=live_signer())
    assert source.getvalue() == data
    found = validate(data, manifest.SIDECAR_TYPE, store=store, **root_of(live_signer()))
    assert found.state == "Trusted"
    changed = validate(data[:-1] + b"\0", manifest.SIDECAR_TYPE, store=store)
    assert changed.state == "Invalid"


def test_an_embedded_store_beside_the_file_does_not_bind() -> None:
    """A store excludes its own place from its hash; as a sidecar that place would be free to change."""
    data = marked(MP3)
    found = validate(data, manifest.SIDECAR_TYPE, store=store_of(data))
    assert "assertion.dataHash.match" in codes(found.success)
    assert "assertion.dataHash.mismatch" in codes(found.failure)


# -- reading --------------------------------------------------------------------------------


@each_container
def test_a_changed_file_fails_its_hash_and_nothing_else(path: Path) -> None:
    found = validate(changed_audio(marked(path)), media_type(path))
    assert set(codes(found.failure)) - {"signingCredential.untrusted"} <= {
        "assertion.dataHash.mismatch",
        "assertion.bmffHash.mismatch",
    }
    assert "claimSignature.validated" in codes(found.success)


def test_a_malformed_id3_frame_hides_the_manifest_from_the_library_alone() -> None:
    data = with_malformed_frame(marked(MP3))
    with pytest.raises(ManifestError, match="no manifest"):
        validate(data)
    found = validate(data, store=store_of(data))
    assert "claimSignature.validated" in codes(found.success)
    assert "assertion.dataHash.mismatch" in codes(found.failure)


def test_a_store_that_is_cut_is_an_error_not_nothing() -> None:
    data = marked(MP3)
    with pytest.raises(ManifestError, match="cannot be read"):
        validate(data, store=store_of(data)[:-100])


def test_no_manifest_at_all_is_an_error_not_nothing() -> None:
    with pytest.raises(ManifestError, match="no manifest"):
        validate(MP3.read_bytes())


class Failing:
    """A source whose bytes end before its size says."""

    size = 1_000_000

    def read_at(self, offset: int, length: int) -> bytes:
        raise SourceChanged("the file became shorter while it was being read")


def test_the_error_of_a_source_is_not_lost_in_the_library() -> None:
    failing: ByteSource = Failing()
    with pytest.raises(SourceChanged):
        manifest.read_validation(failing, "audio/mpeg", store=store_of(marked(MP3)))


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
    data = marked(MP3)
    trusted = validate(data, **root_of(live_signer()))
    assert (trusted.state, trusted.trust_uri) == ("Trusted", c2pa_json.TRUST_URI)
    unknown = validate(data)
    assert (unknown.state, unknown.trust_uri) == ("Valid", None)
    assert codes(unknown.failure) == ["signingCredential.untrusted"]


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
        with pytest.raises(ManifestError, match="Remote"):
            validate(data, media_type(path))
        manifest.sign(
            io.BytesIO(data), io.BytesIO(), media_type=media_type(path), claim=NO_AI, signer=live_signer()
        )
        assert asked == []
        # The library by itself does fetch, which is what makes the lines above mean something.
        with pytest.raises(c2pa.C2paError):
            c2pa.Reader(media_type(path), io.BytesIO(data))
        assert asked == ["/m.c2pa"]


def test_signing_and_reading_open_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", forbidden)
    assert validate(marked(MP3)).state == "Valid"


def test_a_library_that_is_missing_is_an_error_of_ours() -> None:
    code = """
import sys
sys.modules["c2pa"] = None
from noai import manifest
from noai.errors import ManifestError
from noai.sources import BytesSource
try:
    manifest.read_validation(BytesSource(b""), "audio/mpeg", store=b"")
except ManifestError as error:
    assert "cannot be loaded" in str(error)
else:
    sys.exit(1)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- processes and threads ------------------------------------------------------------------

FORK = """
import os, sys
from noai import manifest
from noai.sources import BytesSource
data = open(sys.argv[1], "rb").read()
def state():
    return manifest.read_validation(BytesSource(data), "audio/mpeg").state
assert state() == "Valid"
child = os.fork()
if child == 0:
    os._exit(0 if state() == "Valid" else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_context_is_never_used_across_fork(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(marked(MP3))
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK, path], check=True, timeout=60)


def test_threads_share_a_context() -> None:
    data = marked(MP3)
    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(lambda _: validate(data).state, range(64)))
    assert set(states) == {"Valid"}
