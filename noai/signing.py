"""Signers: whoever can sign a mark with a certificate chain, wherever the key lives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from noai import algorithms, certificates
from noai.algorithms import Algorithm, PrivateKey
from noai.codes import Code
from noai.errors import (
    CertificateExpired,
    CertificateInvalid,
    KeyFileError,
    KeyMismatch,
    PassphraseRequired,
    PassphraseWrong,
    SigningError,
    TokenRefused,
)
from noai.limits import CHAIN_CERTIFICATES

__all__ = ["Algorithm", "CallbackSigner", "KeySigner", "Signer", "check_signer", "load_key", "now"]


class Signer(Protocol):
    """Signs marks and manifests. A cloud KMS, a PKCS#11 token or an HSM fits behind it."""

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Leaf first, then intermediates in issuing order; a root may follow."""

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm of :meth:`sign`; it must be the one of the leaf's key."""

    def sign(self, data: bytes) -> bytes:
        """A signature over ``data`` in JOSE form: for ECDSA r and s side by side, never DER.

        Raises:
            SigningError: if it cannot be made.
        """


@dataclass(frozen=True)
class KeySigner:
    """A private key in memory with its chain."""

    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...]

    @property
    def algorithm(self) -> Algorithm:
        return Algorithm.for_key(self.key)

    def sign(self, data: bytes) -> bytes:
        return algorithms.sign(self.key, data)

    @classmethod
    def from_files(
        cls,
        key: Path,
        certificate: Path,
        passphrase: bytes | Callable[[], bytes] | None = None,
    ) -> KeySigner:
        """A caller's own key and chain, both PEM.

        ``passphrase`` may be a callable, which is asked only where the key is encrypted.

        Raises:
            KeyFileError, PassphraseRequired, PassphraseWrong, KeyMismatch: by cause.
        """
        private = load_key(_read(key), str(key), passphrase)
        chain = certificates.load_pem_chain(_read(certificate), str(certificate))
        signer = cls(private, chain)
        if certificates.key_thumbprint(private.public_key()) != certificates.thumbprint(chain[0]):
            raise KeyMismatch(
                f"{key} is not the key of the first certificate in {certificate}; "
                "give the two that belong together, the leaf certificate first"
            )
        return signer


@dataclass(frozen=True)
class CallbackSigner:
    """A key that is elsewhere: ``callback`` takes the bytes to sign and gives a JOSE signature."""

    callback: Callable[[bytes], bytes] = field(repr=False)
    chain: tuple[x509.Certificate, ...]

    @property
    def algorithm(self) -> Algorithm:
        return Algorithm.for_key(self.chain[0].public_key())

    def sign(self, data: bytes) -> bytes:
        return self.callback(data)

    @classmethod
    def from_pem(cls, callback: Callable[[bytes], bytes], chain: bytes | str) -> CallbackSigner:
        """Raises: KeyFileError if ``chain`` holds no readable PEM certificate."""
        data = chain.encode("ascii", "replace") if isinstance(chain, str) else chain
        return cls(callback, certificates.load_pem_chain(data, "the certificate chain"))


def check_signer(signer: Signer, at: datetime) -> None:
    """Refuse a signer whose marks could never pass.

    Raises:
        CertificateExpired, CertificateInvalid, KeyMismatch: by cause.
    """
    chain = signer.chain
    if not 1 <= len(chain) <= CHAIN_CERTIFICATES:
        raise CertificateInvalid(f"a chain of one to {CHAIN_CERTIFICATES} certificates is needed")
    leaf = certificates.subject(chain[0])
    faults = certificates.chain_faults(chain, at)
    if Code.SIGNER_EXPIRED in faults:
        raise CertificateExpired(
            f"the certificate of {leaf!r} is not valid on {at:%Y-%m-%d}; renew it or make a new identity"
        )
    if faults:
        reasons = "; ".join(code.meaning for code in faults)
        raise CertificateInvalid(f"the certificate of {leaf!r} cannot sign marks: {reasons}")
    try:
        signer.algorithm.require_key(chain[0].public_key())
    except TokenRefused as error:
        raise KeyMismatch(f"the signer's algorithm does not fit its certificate: {error}") from None


def sign_checked(signer: Signer, data: bytes) -> bytes:
    """A signature that was verified with the leaf's key before it is used.

    Raises:
        SigningError: if the signer's signature does not verify: a wrong key or a DER signature.
    """
    signature = signer.sign(data)
    key = signer.algorithm.require_key(signer.chain[0].public_key())
    if not algorithms.verify(signer.algorithm, key, signature, data):
        raise SigningError(
            "the signer's signature does not verify with its certificate; "
            "is it the right key, and is ECDSA given as r and s, not DER?"
        )
    return signature


def load_key(data: bytes, name: str, passphrase: bytes | Callable[[], bytes] | None = None) -> PrivateKey:
    """A PEM private key.

    Raises:
        KeyFileError: if it is no private key, or of a kind that cannot sign marks.
        PassphraseRequired, PassphraseWrong: for encrypted keys.
    """
    key: object
    try:
        key = serialization.load_pem_private_key(data, None)
    except TypeError:
        if passphrase is None:
            raise PassphraseRequired(
                f"{name}: is encrypted; give its passphrase at the prompt or in NOAI_PASSPHRASE"
            ) from None
        key = _load_encrypted(data, name, passphrase() if callable(passphrase) else passphrase)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{name}: holds no readable PEM private key") from None
    Algorithm.for_key(key)
    return _require_private(key)


def _load_encrypted(data: bytes, name: str, passphrase: bytes) -> object:
    try:
        return serialization.load_pem_private_key(data, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PassphraseWrong(f"{name}: the passphrase is wrong") from None


def _require_private(key: object) -> PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey)):
        return key
    raise KeyFileError("this kind of key cannot sign marks")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from None


def now() -> datetime:
    """The one place where the clock is read."""
    return datetime.now(timezone.utc)
