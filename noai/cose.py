"""COSE_Sign1 as C2PA uses it (RFC 9052 section 4.2; C2PA 2.x, "Signing a claim"): read, and checked.

The payload is detached: it is the claim that stands beside the signature.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from noai import cbor
from noai.certificates import public_key
from noai.errors import ContainerError, ContainerMalformed, KeyFileError
from noai.limits import CERTIFICATE_BYTES, CHAIN_CERTIFICATES

#: Header parameters that hold the chain: RFC 9360, and the text that C2PA 1.x wrote.
_X5CHAIN: Final[tuple[int | str, ...]] = (33, "x5chain")
_ALG: Final = 1
_TAG: Final = 18

#: RFC 9053 section 2, RFC 8230 section 2, RFC 9864 section 2.
_ECDSA: Final[dict[int, hashes.HashAlgorithm]] = {
    -7: hashes.SHA256(),
    -9: hashes.SHA256(),
    -35: hashes.SHA384(),
    -51: hashes.SHA384(),
    -36: hashes.SHA512(),
    -52: hashes.SHA512(),
}
_PSS: Final[dict[int, hashes.HashAlgorithm]] = {
    -37: hashes.SHA256(),
    -38: hashes.SHA384(),
    -39: hashes.SHA512(),
}
_EDDSA: Final = frozenset({-8, -19})


@dataclass(frozen=True)
class CoseSign1:
    #: The header that is signed, as encoded.
    protected: bytes
    #: Identifier of the algorithm in the IANA registry; None where the protected header names none.
    algorithm: int | None
    #: The signer's certificates, DER, leaf first; empty if it does not hold one chain within limits.
    chain: tuple[bytes, ...]
    signature: bytes
    #: An error behind which another chain could stand, which then is the one that signed.
    damage: ContainerError | None = None

    @classmethod
    def parse(cls, value: cbor.Value, budget: cbor.Budget) -> CoseSign1:
        """
        Raises:
            ContainerMalformed: if ``value`` is no COSE_Sign1 with a detached payload.
        """
        if isinstance(value, cbor.Tagged) and value.number == _TAG:
            value = value.value
        if not isinstance(value, tuple) or len(value) != 4:
            raise ContainerMalformed("the signature is not a COSE_Sign1")
        encoded, unprotected, payload, signature = value
        if not isinstance(encoded, bytes) or not isinstance(signature, bytes) or payload is not None:
            raise ContainerMalformed("the signature is not a COSE_Sign1 with a detached payload")
        header = cbor.salvage(encoded, budget)
        signed = header.value if isinstance(header.value, cbor.Map) else cbor.Map()
        algorithms = signed.all(_ALG)
        algorithm = algorithms[0] if len(algorithms) == 1 else None
        return cls(
            encoded,
            algorithm if type(algorithm) is int else None,
            _chain(signed, unprotected),
            signature,
            header.error,
        )

    def covers(self, payload: bytes, leaf: x509.Certificate) -> bool:
        """Whether this is the signature of ``leaf``'s key over ``payload``."""
        # Sig_structure of RFC 9052 section 4.4, without external data.
        signed = b"\x84" + b"\x6aSignature1" + _encoded(self.protected) + _encoded(b"") + _encoded(payload)
        try:
            return self._is_signature_by(public_key(leaf), signed)
        except (InvalidSignature, UnsupportedAlgorithm, KeyFileError, ValueError):
            return False

    def _is_signature_by(self, key: object, signed: bytes) -> bool:
        alg = self.algorithm
        if isinstance(key, ec.EllipticCurvePublicKey) and alg in _ECDSA:
            width = (key.key_size + 7) // 8
            if len(self.signature) != 2 * width:
                return False
            r, s = (int.from_bytes(part, "big") for part in (self.signature[:width], self.signature[width:]))
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(_ECDSA[alg]))
        elif isinstance(key, ed25519.Ed25519PublicKey) and alg in _EDDSA:
            key.verify(self.signature, signed)
        elif isinstance(key, rsa.RSAPublicKey) and alg in _PSS:
            digest = _PSS[alg]
            scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
            key.verify(self.signature, signed, scheme, digest)
        else:
            return False
        return True


def _chain(*headers: cbor.Value) -> tuple[bytes, ...]:
    held = [
        chain
        for header in headers
        if isinstance(header, cbor.Map)
        for name in _X5CHAIN
        for chain in header.all(name)
    ]
    certificates = held[0] if len(held) == 1 else None
    if isinstance(certificates, bytes):
        certificates = (certificates,)
    if not isinstance(certificates, tuple) or not 1 <= len(certificates) <= CHAIN_CERTIFICATES:
        return ()
    chain = tuple(item for item in certificates if isinstance(item, bytes) and len(item) <= CERTIFICATE_BYTES)
    return chain if len(chain) == len(certificates) else ()


def _encoded(data: bytes) -> bytes:
    """A CBOR byte string in its shortest form (RFC 8949 section 3.1)."""
    length = len(data)
    if length < 24:
        return bytes((0x40 | length,)) + data
    for head, form, limit in ((0x58, ">B", 1 << 8), (0x59, ">H", 1 << 16), (0x5A, ">I", 1 << 32)):
        if length < limit:
            return bytes((head,)) + struct.pack(form, length) + data
    raise ValueError("longer than any claim")
