"""What somebody without the artist's key can do to a marker token: the attacks in ``tampered/``."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def header_of(token: str) -> dict[str, Any]:
    header = json.loads(_decode(token.split(".")[0]))
    assert isinstance(header, dict)
    return header


def with_payload(token: str, old: bytes, new: bytes) -> str:
    """``token`` with ``old`` replaced in its payload and everything else, the signature too, kept."""
    header, payload, signature = token.split(".")
    changed = _decode(payload).replace(old, new)
    if changed == _decode(payload):
        raise ValueError(f"{old!r} is not in the payload")
    return f"{header}.{_encode(changed)}.{signature}"


def with_allowed(token: str) -> str:
    """Every denial turned into a permission."""
    return with_payload(token, b'"notAllowed"', b'"allowed"')


def with_alg_none(token: str) -> str:
    """RFC 7515's unsecured form: no algorithm, no signature, and everything allowed."""
    header = {**header_of(token), "alg": "none"}
    payload = with_allowed(token).split(".")[1]
    return f"{_encode(_json(header))}.{payload}."


def with_hs256(token: str) -> str:
    """Signed with HMAC, the artist's public key as its secret: what confused verifiers accept."""
    header = {**header_of(token), "alg": "HS256"}
    leaf = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    secret = leaf.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signing_input = f"{_encode(_json(header))}.{with_allowed(token).split('.')[1]}"
    signature = hmac.new(secret, signing_input.encode("ascii"), hashlib.sha256).digest()
    return f"{signing_input}.{_encode(signature)}"


def with_chain_of(token: str, other: str) -> str:
    """The certificate chain of ``other`` under the ``kid`` of ``token``."""
    header = {**header_of(token), "x5c": header_of(other)["x5c"]}
    _, payload, signature = token.split(".")
    return f"{_encode(_json(header))}.{payload}.{signature}"
