"""Local identities: keys that ``noai keygen`` makes, kept in the configuration folder.

An identity is a folder ``identities/NAME`` with ``key.pem`` (the leaf's key, 0600),
``root-key.pem`` (0600), and ``chain.pem`` (leaf, then root).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import platformdirs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from noai import certificates
from noai.algorithms import Algorithm, PrivateKey
from noai.errors import IdentityExists, IdentityUnknown, KeyFileError, UsageError
from noai.files import PRIVATE_FOLDER, sync_folder, write_private
from noai.signing import KeySigner
from noai.trust import Kind, May, TrustEntry

FOLDER: Final = "identities"
#: A mark should outlive its maker's next computer; expiry ends permissions, never reservations.
LEAF_LIFETIME: Final = timedelta(days=365 * 10)
ROOT_LIFETIME: Final = timedelta(days=365 * 30)
#: Clocks of machines that check a fresh mark may be behind.
BACKDATE: Final = timedelta(hours=1)
#: The environment variable with a passphrase.
PASSPHRASE: Final = "NOAI_PASSPHRASE"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def home() -> Path:
    """The configuration folder: ``NOAI_HOME``, else the platform's own place."""
    chosen = os.environ.get("NOAI_HOME")
    return Path(chosen) if chosen else Path(platformdirs.user_config_dir("noai", appauthor=False))


def passphrase_in_environment() -> bytes | None:
    """The passphrase for keys where nobody can be asked: what :data:`PASSPHRASE` is, None if nothing."""
    text = os.environ.get(PASSPHRASE)
    return text.encode("utf-8", "surrogateescape") if text else None


@dataclass(frozen=True)
class Identity:
    """A local identity; its key stays on disk until :meth:`signer` is asked for."""

    name: str
    folder: Path
    chain: tuple[x509.Certificate, ...]

    @property
    def kid(self) -> str:
        return certificates.thumbprint(self.chain[0])

    @property
    def root(self) -> x509.Certificate:
        return self.chain[-1]

    @property
    def algorithm(self) -> Algorithm:
        return Algorithm.for_key(self.chain[0].public_key())

    @property
    def expires(self) -> datetime:
        return self.chain[0].not_valid_after_utc

    def signer(self, passphrase: bytes | Callable[[], bytes] | None = None) -> KeySigner:
        """Raises: KeyFileError, PassphraseRequired, PassphraseWrong, KeyMismatch."""
        return KeySigner.from_files(self.folder / "key.pem", self.folder / "chain.pem", passphrase)

    def as_trust(self) -> TrustEntry:
        """The entry that this identity is for its own verifier: it identifies, nothing more."""
        return TrustEntry(self.root, frozenset({May.IDENTIFY}), Kind.SINGLE_PARTY)


class IdentityStore:
    """The identities in one configuration folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = (folder or home()) / FOLDER

    def names(self) -> tuple[str, ...]:
        """Names in order; an empty tuple where there is no folder yet.

        Raises:
            KeyFileError: if the folder cannot be read.
        """
        try:
            return tuple(sorted(p.name for p in self._folder.iterdir() if _NAME.fullmatch(p.name)))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise KeyFileError(f"{self._folder}: cannot be read: {error.strerror}") from None

    def load(self, name: str) -> Identity:
        """Raises: IdentityUnknown, KeyFileError."""
        if not _NAME.fullmatch(name) or not (self._folder / name).is_dir():
            known = ", ".join(self.names()) or "none yet"
            raise IdentityUnknown(
                f"there is no identity {name!r} (known: {known}); make one with: noai keygen NAME"
            )
        path = self._folder / name / "chain.pem"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from None
        return Identity(name, self._folder / name, certificates.load_pem_chain(data, str(path)))

    def only(self) -> Identity:
        """The identity, where there is exactly one.

        Raises:
            IdentityUnknown: where there is none, or several and none was named.
        """
        names = self.names()
        if not names:
            raise IdentityUnknown("there is no identity yet; make one with: noai keygen NAME")
        if len(names) > 1:
            raise IdentityUnknown(
                f"there are {len(names)} identities ({', '.join(names)}); name one with --identity"
            )
        return self.load(names[0])

    def trusted(self) -> tuple[TrustEntry, ...]:
        """All local identities as trust entries that identify.

        Raises:
            KeyFileError: if one cannot be read.
        """
        return tuple(self.load(name).as_trust() for name in self.names())

    def create(
        self, name: str, algorithm: Algorithm, at: datetime, passphrase: bytes | None = None
    ) -> Identity:
        """Make a root and a leaf with new keys, whole or not at all.

        Raises:
            UsageError: for a name that is no plain file name.
            IdentityExists: an identity is never overwritten.
            KeyFileError: if it cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is not a name for an identity; use letters, digits, '.', '_' and '-'")
        folder = self._folder / name
        if folder.exists():
            raise IdentityExists(f"the identity {name!r} exists already; it is never overwritten")
        root_key, leaf_key = _new_key(algorithm), _new_key(algorithm)
        root = _root(name, root_key, at)
        leaf = _leaf(name, leaf_key, root, root_key, at)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
            temporary = Path(tempfile.mkdtemp(dir=self._folder, prefix=".new-"))
            try:
                write_private(temporary / "root-key.pem", _key_pem(root_key, passphrase))
                write_private(temporary / "key.pem", _key_pem(leaf_key, passphrase))
                write_private(temporary / "chain.pem", certificates.pem([leaf, root]).encode())
                os.rename(temporary, folder)
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise
            sync_folder(self._folder)
        except OSError as error:
            raise KeyFileError(f"{folder}: cannot be written: {error.strerror}") from None
        return self.load(name)


def _new_key(algorithm: Algorithm) -> PrivateKey:
    if algorithm is Algorithm.ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm is Algorithm.ES384:
        return ec.generate_private_key(ec.SECP384R1())
    if algorithm is Algorithm.ES256:
        return ec.generate_private_key(ec.SECP256R1())
    raise UsageError(f"keygen makes no {algorithm} keys; bring your own with --key and --cert")


def _key_pem(key: PrivateKey, passphrase: bytes | None) -> bytes:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def _root(name: str, key: PrivateKey, at: datetime) -> x509.Certificate:
    subject = _name(f"{name} root", name)
    return (
        _builder(subject, subject, key, at, ROOT_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, _digest(key))
    )


def _leaf(
    name: str, key: PrivateKey, root: x509.Certificate, root_key: PrivateKey, at: datetime
) -> x509.Certificate:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    return (
        _builder(_name(name, name), root.subject, key, at, LEAF_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        # The usage under which c2pa signs without further trust configuration.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(authority, critical=False)
        .sign(root_key, _digest(root_key))
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, at: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - BACKDATE)
        .not_valid_after(at + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _digest(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | None:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    return hashes.SHA384() if Algorithm.for_key(key) is Algorithm.ES384 else hashes.SHA256()


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
