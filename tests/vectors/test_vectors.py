"""Frozen vectors: what version 1 signed must verify for ever, here and in a JOSE library that is not ours."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from noai import certificates
from noai.claim import Use
from noai.containers.interface import ContainerName, Detected, FieldRole, TagArea, TagField
from noai.encoding import b64url_decode
from noai.essence import EssenceDigest, EssenceReading
from noai.report import Finding
from noai.signals.interface import Evidence
from noai.signals.marker import MarkerReader
from noai.sources import BytesSource
from noai.trust import TrustEntry, TrustList

FILE = Path(__file__).parent / "marker-v1.json"
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))["vectors"]


class LongHeaders(jws.JWSRegistry):
    """joserfc's own limit of 512 bytes is below any header that carries a certificate."""

    max_header_length = 16 * 1024


KEY_TYPES = {"ES256": "EC", "ES384": "EC", "Ed25519": "OKP", "EdDSA": "OKP", "PS256": "RSA"}

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])


class FixedContainer:
    """Stands where a file would be: its essence is the one that the vector gives."""

    def __init__(self, essence: dict[str, str]) -> None:
        digest = EssenceDigest(essence["scheme"], b64url_decode(essence["digest"]))
        self._reading = EssenceReading(digest, payload_bytes=1)

    def read_essence(self, source: BytesSource) -> EssenceReading:
        return self._reading


def judged(vector: dict[str, Any]) -> Finding:
    anchors = certificates.load_pem_chain(vector["anchors"].encode(), "anchors") if vector["anchors"] else ()
    evidence = Evidence(
        BytesSource(b""),
        Detected(ContainerName("mp3"), FixedContainer(vector["essence"])),  # type: ignore[arg-type]
        TagArea((TagField("vector", "NOAI", vector["token"], FieldRole.MARKER),)),
        TrustList(tuple(TrustEntry(certificate) for certificate in anchors)),
        datetime.fromtimestamp(vector["now"], timezone.utc),
    )
    (finding,) = MarkerReader().read(evidence)
    return finding


@each_vector
def test_noai_judges_as_frozen(vector: dict[str, Any]) -> None:
    finding, expected = judged(vector), vector["expected"]
    checks = {
        "signature": finding.signature.value,
        "signer": finding.signer.value,
        "binding": finding.binding.value,
        "time": finding.time.value,
    }
    assert checks == expected["checks"]
    assert {use.value: p.value for use, p in finding.uses.items()} == expected["uses"]
    if expected["code"] is not None:
        assert expected["code"] in [code.value for code in finding.codes]
    else:
        assert not any(code.blocks for code in finding.codes)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@each_vector
def test_another_jose_library_agrees_about_the_signature(vector: dict[str, Any]) -> None:
    assert theirs(vector["token"]) is vector["expected"]["jose_valid"]


def theirs(token: str) -> bool:
    """Whether joserfc, given only the leaf of ``x5c``, accepts the token as a marker's envelope."""
    try:
        protected = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
        leaf = certificates.load_der(base64.b64decode(protected["x5c"][0]))
        key = import_key(certificates.pem([leaf]), KEY_TYPES[protected["alg"]])
        # What a marker asks beyond a right signature; a JOSE library leaves these to its caller.
        if set(protected) != {"alg", "typ", "kid", "x5c"} or protected["typ"] != "noai+jws":
            return False
        if protected["kid"] != key.thumbprint() or token.endswith("="):
            return False
        found = jws.deserialize_compact(token, key, registry=LongHeaders(algorithms=list(KEY_TYPES)))
        payload = json.loads(found.payload, object_pairs_hook=_unique, parse_float=_refuse)
    except (JoseError, KeyError, IndexError, ValueError):
        return False
    return type(payload["noai"]) is int and payload["noai"] == 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("duplicate")
    return dict(pairs)


def _refuse(text: str) -> float:
    raise ValueError(text)


def test_every_use_and_algorithm_is_covered() -> None:
    names = {vector["name"] for vector in VECTORS}
    assert {"valid-es256", "valid-es384", "valid-ed25519", "valid-ps256"} <= names
    said = {use for vector in VECTORS for use in vector["expected"]["uses"]}
    assert said == {use.value for use in Use}
