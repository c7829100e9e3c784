"""X.509 for marks: thumbprints, loading, and the rules that a signer's chain must keep.

The rules are those of marker v1 ("Chain"), a small profile of RFC 5280: the chain is given
whole and in order, so nothing is searched for and nothing is fetched.

A corpus is marked with few keys. What follows from the bytes of certificates alone is worked out once for
each of them and kept, by their whole content; what depends on a clock or on whom somebody trusts never is.
"""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

from noai.codes import Code
from noai.encoding import b64url, json_bytes
from noai.errors import KeyFileError
from noai.limits import CERTIFICATE_BYTES, CERTIFICATES_KEPT

#: C2PA 2.x claim signing, the usage of the C2PA trust list.
C2PA_CLAIM_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
DOCUMENT_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
#: Extended key usages of which a leaf needs one. anyExtendedKeyUsage is not among them on purpose.
LEAF_USAGES: Final = frozenset({ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING, C2PA_CLAIM_SIGNING})
_SIGNATURE_ALGORITHMS: Final = frozenset(
    {
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
        SignatureAlgorithmOID.RSASSA_PSS,
        SignatureAlgorithmOID.ED25519,
    }
)
_DIGESTS: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
#: Extensions that these rules process, so that they may be critical.
_PROCESSED: Final = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.ExtendedKeyUsage,
    x509.SubjectAlternativeName,
    x509.AuthorityKeyIdentifier,
    x509.SubjectKeyIdentifier,
)
#: What cryptography raises on certificates that parse only in part.
_PARSE_ERRORS: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    x509.InvalidVersion,
)


def key_thumbprint(key: object) -> str:
    """The RFC 7638 SHA-256 thumbprint of a public key, base64url.

    Raises:
        KeyFileError: for keys without a JWK form here.
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        numbers, width = key.public_numbers(), (key.key_size + 7) // 8
        curve = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}.get(key.curve.name)
        if curve is None:
            raise KeyFileError(f"curve {key.curve.name} has no JWK name")
        x, y = (b64url(number.to_bytes(width, "big")) for number in (numbers.x, numbers.y))
        jwk = {"crv": curve, "kty": "EC", "x": x, "y": y}
    elif isinstance(key, ed25519.Ed25519PublicKey):
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": b64url(key.public_bytes_raw())}
    elif isinstance(key, rsa.RSAPublicKey):
        public = key.public_numbers()
        e, n = (b64url(i.to_bytes((i.bit_length() + 7) // 8, "big")) for i in (public.e, public.n))
        jwk = {"e": e, "kty": "RSA", "n": n}
    else:
        raise KeyFileError("this kind of key has no JWK form")
    return b64url(hashlib.sha256(json_bytes(jwk)).digest())


@lru_cache(maxsize=CERTIFICATES_KEPT)
def public_key(certificate: x509.Certificate) -> object:
    """Raises: KeyFileError, for a key that cannot be read or is on an unknown curve."""
    try:
        return certificate.public_key()
    except _PARSE_ERRORS as error:
        raise KeyFileError(f"the certificate's key cannot be read: {error}") from None


@lru_cache(maxsize=CERTIFICATES_KEPT)
def thumbprint(certificate: x509.Certificate) -> str:
    """The RFC 7638 thumbprint of a certificate's public key: the ``kid`` of its holder.

    Raises:
        KeyFileError: for keys without a JWK form here.
    """
    return key_thumbprint(public_key(certificate))


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER, lower-case hex: how trust entries name a certificate."""
    return hashlib.sha256(der(certificate)).hexdigest()


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def pem(certificates: Sequence[x509.Certificate]) -> str:
    return "".join(c.public_bytes(serialization.Encoding.PEM).decode("ascii") for c in certificates)


@lru_cache(maxsize=CERTIFICATES_KEPT)
def spki(certificate: x509.Certificate) -> bytes:
    """The certificate's SubjectPublicKeyInfo, DER, as it stands in it; empty if it cannot be read."""
    try:
        return certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    except _PARSE_ERRORS:
        return b""


#: Warning filters belong to the process, so only one thread may change them at a time.
_WARNINGS: Final = threading.Lock()


def load_der(data: bytes) -> x509.Certificate:
    """A certificate out of untrusted bytes.

    Raises:
        KeyFileError: if it is none, or one of those that cryptography reads only with a warning
            (a serial number that is not positive, …).
    """
    return _load_kept(data) if len(data) <= CERTIFICATE_BYTES else _load(data)


def _load(data: bytes) -> x509.Certificate:
    try:
        with _WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            return x509.load_der_x509_certificate(data)
    except (*_PARSE_ERRORS, CryptographyDeprecationWarning) as error:
        raise KeyFileError(f"not a certificate: {error}") from None


_load_kept: Final = lru_cache(maxsize=CERTIFICATES_KEPT)(_load)


def is_readable(certificate: x509.Certificate) -> bool:
    """Whether its names and extensions can be read, which cryptography does when they are asked for."""
    try:
        with without_warnings():
            _ = certificate.issuer, certificate.subject, certificate.extensions
    except _PARSE_ERRORS:
        return False
    return True


@contextmanager
def without_warnings() -> Iterator[None]:
    """While cryptography reads certificates of which it says that they are odd. Not to be nested."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def load_pem_chain(data: bytes, name: str) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM file, in its order.

    Raises:
        KeyFileError: if there is none or one is malformed.
    """
    try:
        chain = tuple(x509.load_pem_x509_certificates(data))
    except _PARSE_ERRORS:
        raise KeyFileError(f"{name}: holds no readable PEM certificate") from None
    if not chain:
        raise KeyFileError(f"{name}: holds no PEM certificate")
    return chain


@lru_cache(maxsize=CERTIFICATES_KEPT)
def subject(certificate: x509.Certificate) -> str:
    """A name for people: the common name, else the organisation, else the whole subject."""
    try:
        with _WARNINGS, warnings.catch_warnings():
            # Names that are longer or shorter than X.520 has it are still names.
            warnings.simplefilter("ignore", UserWarning)
            for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
                for attribute in certificate.subject.get_attributes_for_oid(oid):
                    return str(attribute.value)
            return certificate.subject.rfc4514_string()
    except _PARSE_ERRORS:
        return "(unreadable name)"


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate may issue others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *_PARSE_ERRORS):
        return False


@lru_cache(maxsize=CERTIFICATES_KEPT)
def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ``issuer`` signed ``certificate`` and bears the name that it gives."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *_PARSE_ERRORS):
        return False
    return True


def may_issue_chain(anchor: x509.Certificate, chain: Sequence[x509.Certificate], at: datetime) -> bool:
    """Whether ``anchor``, itself not in ``chain``, rightly issued its last certificate."""
    return not any(_certificate_faults(anchor, len(chain), at)) and issued_by(chain[-1], anchor)


def chain_faults(chain: Sequence[x509.Certificate], at: datetime) -> tuple[Code, ...]:
    """The rules of marker v1 that ``chain`` (leaf first) breaks at the time ``at``; empty if none."""
    faults: dict[Code, None] = {}
    for position, certificate in enumerate(chain):
        for code in _certificate_faults(certificate, position, at):
            faults[code] = None
    for certificate, issuer in pairwise(chain):
        if not issued_by(certificate, issuer):
            faults[Code.CHAIN_BROKEN] = None
    return tuple(faults)


def valid_at(certificate: x509.Certificate, at: datetime) -> bool:
    try:
        return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
    except _PARSE_ERRORS:
        return False


def _certificate_faults(certificate: x509.Certificate, position: int, at: datetime) -> Iterator[Code]:
    if not valid_at(certificate, at):
        yield Code.SIGNER_EXPIRED
    yield from _lasting_faults(certificate, position)


@lru_cache(maxsize=CERTIFICATES_KEPT)
def _lasting_faults(certificate: x509.Certificate, position: int) -> tuple[Code, ...]:
    """The rules that a certificate breaks in this place of a chain, whatever the time."""
    faults: list[Code] = []
    try:
        if not is_strong(certificate):
            faults.append(Code.CERTIFICATE_WEAK)
        extensions = certificate.extensions
    except _PARSE_ERRORS:
        return (*faults, Code.CERTIFICATE_EXTENSION)
    if any(e.critical and not isinstance(e.value, _PROCESSED) for e in extensions):
        faults.append(Code.CERTIFICATE_EXTENSION)
    if not (_may_sign_marks(extensions) if position == 0 else _may_issue(extensions, position)):
        faults.append(Code.CERTIFICATE_USAGE)
    return tuple(faults)


def is_strong(certificate: x509.Certificate) -> bool:
    """Whether the algorithm is a listed one; RSASSA-PSS names its digest apart, which may be SHA-1."""
    if certificate.signature_algorithm_oid not in _SIGNATURE_ALGORITHMS:
        return False
    digest = certificate.signature_hash_algorithm
    return digest is None or isinstance(digest, _DIGESTS)


def _may_sign_marks(extensions: x509.Extensions) -> bool:
    constraints = _value(extensions, x509.BasicConstraints)
    usage = _value(extensions, x509.KeyUsage)
    purposes = _value(extensions, x509.ExtendedKeyUsage)
    return (
        (constraints is None or not constraints.ca)
        and usage is not None
        and usage.digital_signature
        and purposes is not None
        and not LEAF_USAGES.isdisjoint(purposes)
    )


def _may_issue(extensions: x509.Extensions, position: int) -> bool:
    constraints = _value(extensions, x509.BasicConstraints)
    usage = _value(extensions, x509.KeyUsage)
    return (
        constraints is not None
        and constraints.ca
        # RFC 5280, section 4.2.1.9: intermediates below this one, the leaf not counted.
        and (constraints.path_length is None or constraints.path_length >= position - 1)
        and usage is not None
        and usage.key_cert_sign
    )


def _value(
    extensions: x509.Extensions, kind: type[x509.extensions.ExtensionTypeVar]
) -> x509.extensions.ExtensionTypeVar | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
