"""Certificates, signers and forged tokens for tests, made without noai's own key generation."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from noai.algorithms import PrivateKey, sign
from noai.certificates import der, thumbprint
from noai.claim import Claim, Profile
from noai.encoding import b64url
from noai.essence import EssenceDigest
from noai.marker import Marker
from noai.signing import KeySigner
from noai.trust import May, TrustEntry, TrustList

#: A fixed clock for everything that has no file behind it.
NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=timezone.utc)
NOW_SECONDS = int(NOW.timestamp())
ESSENCE = EssenceDigest("mp3/1", bytes(range(32)))


@cache
def new_key(kind: str) -> PrivateKey:
    """One key a kind a run; ``kind`` may carry a suffix after a dash to ask for another one."""
    name = kind.split("-")[0]
    if name == "es256":
        return ec.generate_private_key(ec.SECP256R1())
    if name == "es384":
        return ec.generate_private_key(ec.SECP384R1())
    if name == "es512":
        return ec.generate_private_key(ec.SECP521R1())
    if name == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if name == "rsa1024":
        return rsa.generate_private_key(65537, 1024)
    if name == "rsa3":
        return rsa.generate_private_key(3, 2048)
    return rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True)
class Cert:
    """How to make one certificate. The defaults make a leaf that may sign marks."""

    name: str = "leaf"
    key: str = "es256"
    ca: bool = False
    path_length: int | None = None
    usages: tuple[x509.ObjectIdentifier, ...] | None = (ExtendedKeyUsageOID.EMAIL_PROTECTION,)
    digital_signature: bool = True
    key_cert_sign: bool = False
    key_usage: bool = True
    start: datetime = NOW - timedelta(days=30)
    end: datetime = NOW + timedelta(days=3650)
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = field(default=())
    serial: int | None = None

    def issue(self, issuer: Cert | None = None) -> x509.Certificate:
        issuer = issuer or self
        key = new_key(self.key)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(self.name))
            .issuer_name(_name(issuer.name))
            .public_key(key.public_key())
            .serial_number(self.serial or x509.random_serial_number())
            .not_valid_before(self.start)
            .not_valid_after(self.end)
            .add_extension(x509.BasicConstraints(self.ca, self.path_length), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(new_key(issuer.key).public_key()),
                critical=False,
            )
        )
        if self.key_usage:
            builder = builder.add_extension(
                x509.KeyUsage(
                    digital_signature=self.digital_signature,
                    key_cert_sign=self.key_cert_sign,
                    crl_sign=False,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
        if self.usages is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(self.usages), critical=False)
        for extension, critical in self.extra:
            builder = builder.add_extension(extension, critical=critical)
        signing_key = new_key(issuer.key)
        digest = None if issuer.key.startswith("ed25519") else hashes.SHA256()
        return builder.sign(signing_key, digest)


def authority(name: str = "root", key: str = "es256-root", **changes: Any) -> Cert:
    options: dict[str, Any] = {
        "ca": True,
        "usages": None,
        "digital_signature": False,
        "key_cert_sign": True,
        **changes,
    }
    return Cert(name, key, **options)


ROOT = authority()


def signer(key: str = "es256", *, leaf: Cert | None = None, root: Cert | None = ROOT) -> KeySigner:
    """A signer with the chain leaf, root (or a self-signed leaf alone)."""
    leaf = leaf or Cert(key=key)
    chain = (leaf.issue(root),) if root is None else (leaf.issue(root), root.issue())
    return KeySigner(new_key(leaf.key), chain)


def trusting(chain: tuple[x509.Certificate, ...], *may: May) -> TrustList:
    """A trust list with the chain's last certificate."""
    return TrustList((TrustEntry(chain[-1], frozenset({May.IDENTIFY, *may})),))


def marker(claim: Claim | None = None, **changes: Any) -> Marker:
    options: dict[str, Any] = {
        "id": "urn:uuid:00000000-0000-4000-8000-000000000001",
        "issued_at": NOW_SECONDS - 60,
        "essence": ESSENCE,
        "claim": claim or Claim.from_profile(Profile.NO_AI),
        **changes,
    }
    return Marker(**options)


def header(chain: tuple[x509.Certificate, ...], **changes: Any) -> dict[str, Any]:
    """A right protected header, with members changed; None takes one out."""
    members = {
        "alg": "ES256",
        "typ": "noai+jws",
        "kid": thumbprint(chain[0]),
        "x5c": [base64.b64encode(der(c)).decode() for c in chain],
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}


def forge(head: dict[str, Any] | bytes, payload: dict[str, Any] | bytes, key: PrivateKey | None) -> str:
    """A compact JWS of anything, rightly signed by ``key`` (or not at all)."""
    parts = [
        b64url(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in (head, payload)
    ]
    signing_input = ".".join(parts)
    signature = b64url(sign(key, signing_input.encode())) if key is not None else ""
    return f"{signing_input}.{signature}"


def key_pem(key: PrivateKey, passphrase: bytes | None = None) -> bytes:
    protection: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, common),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
