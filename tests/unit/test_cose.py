"""COSE signatures: made here with an encoder that is not ours, and those of real manifests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from noai import certificates
from noai.cbor import Budget, decode
from noai.cose import CoseSign1
from noai.errors import ContainerMalformed
from noai.jumbf import read_store
from tests.audio import SAMPLES
from tests.manifests import Pairs, cbor_bytes, marked, store_of
from tests.signers import ROOT, Cert, new_key
from tests.tracks import TRACKS

PAYLOAD = bytes(range(256)) * 3

#: Algorithm, kind of key, hash.
ALGORITHMS = [
    (-7, "es256", hashes.SHA256()),
    (-35, "es384", hashes.SHA384()),
    (-36, "es512", hashes.SHA512()),
    (-37, "rsa2048", hashes.SHA256()),
    (-38, "rsa2048", hashes.SHA384()),
    (-39, "rsa2048", hashes.SHA512()),
    (-8, "ed25519", hashes.SHA256()),
]
each_algorithm = pytest.mark.parametrize(
    ("alg", "kind", "digest"), ALGORITHMS, ids=[str(a[0]) for a in ALGORITHMS]
)


def signed(alg: int, kind: str, digest: hashes.HashAlgorithm) -> tuple[CoseSign1, x509.Certificate]:
    leaf = Cert(key=kind).issue(ROOT)
    protected = cbor_bytes(Pairs((1, alg), (33, certificates.der(leaf))))
    data = cbor_bytes(["Signature1", protected, b"", PAYLOAD])
    value = cbor_bytes([protected, Pairs(), None, sign(kind, digest, data)])
    return CoseSign1.parse(decode(value), Budget()), leaf


def sign(kind: str, digest: hashes.HashAlgorithm, data: bytes) -> bytes:
    key = new_key(kind)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        width = (key.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(width, "big") + s.to_bytes(width, "big")
    if kind == "ed25519":
        return key.sign(data)  # type: ignore[call-arg, return-value]
    scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
    return key.sign(data, scheme, digest)  # type: ignore[call-arg, arg-type, return-value]


@each_algorithm
def test_a_signature_holds_for_its_payload_and_key_alone(
    alg: int, kind: str, digest: hashes.HashAlgorithm
) -> None:
    cose, leaf = signed(alg, kind, digest)
    assert cose.covers(PAYLOAD, leaf)
    assert not cose.covers(PAYLOAD + b"x", leaf)
    assert not replace(cose, protected=cose.protected + b"x").covers(PAYLOAD, leaf)
    assert not replace(cose, signature=cose.signature[:-1]).covers(PAYLOAD, leaf)
    for other, _, _ in ALGORITHMS:
        if other != alg:
            assert not replace(cose, algorithm=other).covers(PAYLOAD, leaf)
    assert not replace(cose, algorithm=None).covers(PAYLOAD, leaf)


def test_a_certificate_with_the_same_names_and_another_key_does_not_fit() -> None:
    cose, _ = signed(*ALGORITHMS[0])
    assert not cose.covers(PAYLOAD, Cert(key="es256-other").issue(ROOT))


@pytest.mark.parametrize("track", [track for track in TRACKS if not track.endswith((".ogg", ".opus"))])
def test_the_signature_of_a_real_manifest_holds(track: str) -> None:
    manifest = read_store(store_of(marked(SAMPLES / "unmarked" / track))).active
    assert manifest is not None
    assert manifest.signature is not None
    leaf = certificates.load_der(manifest.chain[0])
    assert manifest.signature.covers(manifest.claim_data, leaf)
    assert not manifest.signature.covers(manifest.claim_data[:-1], leaf)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [b"", Pairs(), None],
        [b"", Pairs(), b"attached", b"signature"],
        [Pairs(), Pairs(), None, b"signature"],
        [b"", Pairs(), None, "text"],
    ],
    ids=["nothing", "three parts", "attached payload", "bare header", "text"],
)
def test_what_is_no_detached_signature_is_refused(value: object) -> None:
    with pytest.raises(ContainerMalformed):
        CoseSign1.parse(decode(cbor_bytes(value)), Budget())


def test_two_algorithms_are_none() -> None:
    protected = cbor_bytes(Pairs((1, -7), (1, -35)))
    cose = CoseSign1.parse(decode(cbor_bytes([protected, Pairs(), None, b"s"])), Budget())
    assert cose.algorithm is None
    assert cose.chain == ()
