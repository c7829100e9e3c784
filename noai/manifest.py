"""C2PA manifest stores: validating and signing them.

The C2PA library reads and writes stores here, never files: binding a store to a file is
:mod:`noai.signals._c2pa_binding`, putting it into one is the container's. Signing runs in this
process, with the caller's key; validating, which meets what strangers made, in one of its own.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, BinaryIO, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from noai import _c2pa_process, certificates
from noai.algorithms import Algorithm
from noai.c2pa_json import UNTRUSTED, HardBinding, ValidationFacts, definition, facts, settings
from noai.claim import Claim
from noai.errors import ManifestError, SigningError
from noai.interrupts import interrupt_deferred
from noai.limits import C2PA_PARENT_BYTES
from noai.signing import Signer, sign_checked

#: What the library calls each algorithm, and how long its signatures are; RSA's are as long as the key.
_ALGORITHMS: Final = {
    Algorithm.ES256: ("ES256", 64),
    Algorithm.ES384: ("ES384", 96),
    Algorithm.ED25519: ("ED25519", 64),
    Algorithm.PS256: ("PS256", 0),
}
#: Files whose manifest the library reads, so that it can become the parent of another one.
PARENT_TYPES: Final = frozenset({"audio/mpeg", "audio/flac", "audio/wav", "audio/mp4"})
#: Under this type the library signs whatever it is given, and leaves it as it is.
_NO_FORMAT: Final = "application/octet-stream"


def read_validation(store: bytes, anchors: tuple[x509.Certificate, ...] = ()) -> ValidationFacts:
    """What the library says about ``store`` by itself: signatures, and hashes of what is in it.

    The caller has checked sizes and counts.

    Raises:
        ManifestError: if the library fails, or finds no manifest.
        ManifestStopped: if it crashed, or was stopped at a limit.
    """
    return facts(_c2pa_process.validate(settings(anchors), store))


@dataclass(frozen=True)
class Order:
    """A manifest to be made. ``parent``: media type and content of the original whose provenance it keeps.

    ``tsa`` is the address of the authority that timestamps its signature; the library asks it by itself.
    """

    claim: Claim
    signer: Signer
    title: str | None = None
    parent: tuple[str, BinaryIO] | None = None
    tsa: str | None = None


def draft(order: Order, binding: HardBinding) -> bytes:
    """A store as long as the one that :func:`sign` makes with a binding of the same kind, unsigned.

    Raises:
        ManifestError: if none can be made.
    """
    # The library reserves room for a timestamp whether or not there is one.
    return _sign(replace(order, tsa=None), binding, lambda _: bytes(_signature_bytes(order.signer)))


def sign(order: Order, binding: HardBinding) -> bytes:
    """The store that says what ``order`` says of the file that ``binding`` binds it to.

    Raises:
        ManifestError: if it fails, or would not validate.
        SigningError: if the signer fails.
    """
    key = _Key(order.signer)
    try:
        store = _sign(order, binding, key)
    except ManifestError:
        if isinstance(key.error, Exception):
            raise SigningError(f"the signer failed: {key.error}") from key.error
        if key.error is not None:
            raise key.error from None
        raise
    anchors = _own_anchors(order.signer)
    found = read_validation(store, anchors)
    problems = [status for status in found.problems if anchors or status.code != UNTRUSTED]
    if problems:
        reasons = "; ".join(f"{status.code}: {status.explanation}" for status in problems)
        raise ManifestError(f"the new manifest does not validate: {reasons}")
    if order.parent is not None and found.manifests == 1:
        raise ManifestError("the provenance that the original has would be lost")
    return store


@interrupt_deferred()
def _sign(order: Order, binding: HardBinding, key: Callable[[bytes], bytes]) -> bytes:
    c2pa = _library()
    name, _ = _ALGORITHMS[order.signer.algorithm]
    context = _context_of(os.getpid(), settings(_own_anchors(order.signer)), c2pa.Context.from_json)
    text = definition(order.claim, binding, order.title)
    try:
        with (
            _library_errors(c2pa),
            c2pa.Builder.from_json(text, context=context) as builder,
            c2pa.Signer.from_callback(
                key, getattr(c2pa.C2paSigningAlg, name), certificates.pem(order.signer.chain), order.tsa
            ) as native,
        ):
            _set_history(c2pa, builder, order)
            # A definition that holds a hard binding is signed as it is: nothing is hashed, nothing embedded.
            builder.set_no_embed()
            return bytes(builder.sign(native, _NO_FORMAT, io.BytesIO(b"\0"), io.BytesIO()))
    except MemoryError:
        raise ManifestError("the manifest cannot be signed: out of memory") from None


def _set_history(c2pa: Any, builder: Any, order: Order) -> None:
    """The first action of a manifest is "created" or "opened" (C2PA 2.x, "Actions")."""
    if order.parent is None:
        builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.DIGITAL_CREATION)
        return
    media_type, file = order.parent
    if file.seek(0, io.SEEK_END) > C2PA_PARENT_BYTES:
        limit = C2PA_PARENT_BYTES // 2**20
        raise ManifestError(f"the provenance of a file larger than {limit} MiB cannot be kept")
    file.seek(0)
    builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
    ingredient = {"title": order.title or "original", "relationship": "parentOf"}
    builder.add_ingredient(json.dumps(ingredient), media_type, file)


class _Key:
    """The signer as the library's callback, which would log an exception and forget it."""

    def __init__(self, signer: Signer) -> None:
        self.error: BaseException | None = None
        self._signer = signer

    def __call__(self, data: bytes) -> bytes:
        try:
            return sign_checked(self._signer, data)
        except BaseException as error:  # noqa: BLE001 - a key service may raise anything; it is raised again
            self.error = error
            return b""


def _signature_bytes(signer: Signer) -> int:
    key = signer.chain[0].public_key()
    return key.key_size // 8 if isinstance(key, RSAPublicKey) else _ALGORITHMS[signer.algorithm][1]


def _own_anchors(signer: Signer) -> tuple[x509.Certificate, ...]:
    """The signer's root, if the chain ends with one: what was just signed must lead to it."""
    last = signer.chain[-1]
    return (last,) if certificates.issued_by(last, last) else ()


# -- the library ----------------------------------------------------------------------------


def _library() -> Any:
    try:
        import c2pa
    except (ImportError, OSError) as error:
        raise ManifestError(f"the C2PA library cannot be loaded: {error}") from error
    return c2pa


@contextmanager
def _library_errors(c2pa: Any) -> Iterator[None]:
    try:
        yield
    except c2pa.C2paError as error:
        raise ManifestError(f"the manifest cannot be signed: {error}") from error


@lru_cache(maxsize=16)
def _context_of(_process: int, text: str, make: Callable[[str], Any]) -> Any:
    """One context a process and settings: costly to make, and not valid across ``fork``."""
    return make(text)
