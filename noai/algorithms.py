"""The signature algorithms of marker v1, and nothing else (RFC 7518, RFC 8037, RFC 9864)."""

from __future__ import annotations

from typing import Final, Union

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from noai.codes import Code
from noai.errors import KeyFileError, TokenRefused
from noai.words import Word

PublicKey = Union[ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, rsa.RSAPublicKey]
PrivateKey = Union[ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey]

_RSA_BITS: Final = range(2048, 4096 + 1)
_RSA_EXPONENT: Final = 65537
_PSS_SALT: Final = 32


class Algorithm(Word):
    """A signature algorithm; the value is its JOSE name, as writers emit it."""

    ES256 = "ES256"
    ES384 = "ES384"
    ED25519 = "Ed25519"
    PS256 = "PS256"

    @classmethod
    def from_header(cls, name: object) -> Algorithm:
        """The algorithm that a protected header names. ``EdDSA`` is read as Ed25519.

        Raises:
            TokenRefused: for anything else, ``none`` and HMAC included, before a key is touched.
        """
        if name == "EdDSA":
            return cls.ED25519
        for algorithm in cls:
            if name == algorithm.value:
                return algorithm
        raise TokenRefused(Code.ALG_REFUSED, f"alg {str(name)[:40]!r} is never accepted")

    @classmethod
    def for_key(cls, key: object) -> Algorithm:
        """The algorithm that a public or private key signs with.

        Raises:
            KeyFileError: for keys that marker v1 has no algorithm for.
        """
        if isinstance(key, (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey)):
            if isinstance(key.curve, ec.SECP256R1):
                return cls.ES256
            if isinstance(key.curve, ec.SECP384R1):
                return cls.ES384
            raise KeyFileError(f"curve {key.curve.name} cannot sign marks; use P-256 or P-384")
        if isinstance(key, (ed25519.Ed25519PublicKey, ed25519.Ed25519PrivateKey)):
            return cls.ED25519
        if isinstance(key, (rsa.RSAPublicKey, rsa.RSAPrivateKey)):
            return cls.PS256
        raise KeyFileError("this kind of key cannot sign marks; use P-256, P-384, Ed25519 or RSA")

    def require_key(self, key: object) -> PublicKey:
        """``key``, once it is of the kind, curve and size that the algorithm asks for.

        Raises:
            TokenRefused: otherwise.
        """
        try:
            fits = Algorithm.for_key(key) is self
        except KeyFileError:
            fits = False
        if not fits or not isinstance(
            key, (ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, rsa.RSAPublicKey)
        ):
            raise TokenRefused(Code.KEY_MISMATCH, f"the leaf's key is not one for {self}")
        if isinstance(key, rsa.RSAPublicKey) and (
            key.key_size not in _RSA_BITS or key.public_numbers().e != _RSA_EXPONENT
        ):
            raise TokenRefused(Code.KEY_WEAK, "an RSA key must have 2048 to 4096 bits and exponent 65537")
        return key


def verify(algorithm: Algorithm, key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether ``signature``, in JOSE form (ECDSA: r and s side by side, never DER), is right."""
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            width, digest = _ecdsa(algorithm)
            if len(signature) != 2 * width:
                return False
            r, s = (int.from_bytes(part, "big") for part in (signature[:width], signature[width:]))
            key.verify(encode_dss_signature(r, s), data, ec.ECDSA(digest))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        else:
            key.verify(signature, data, _pss(), hashes.SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def sign(key: PrivateKey, data: bytes) -> bytes:
    """A signature in JOSE form by the algorithm of ``key``."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        width, digest = _ecdsa(Algorithm.for_key(key))
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(width, "big") + s.to_bytes(width, "big")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    return key.sign(data, _pss(), hashes.SHA256())


def _ecdsa(algorithm: Algorithm) -> tuple[int, hashes.HashAlgorithm]:
    if algorithm is Algorithm.ES384:
        return 48, hashes.SHA384()
    return 32, hashes.SHA256()


def _pss() -> padding.PSS:
    return padding.PSS(padding.MGF1(hashes.SHA256()), _PSS_SALT)
