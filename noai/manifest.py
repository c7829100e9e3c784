"""C2PA manifests: validating and signing them. The only module that imports c2pa, and only when called."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO, Final

from cryptography import x509

from noai import certificates
from noai.algorithms import Algorithm
from noai.c2pa_json import ValidationFacts, definition, facts, settings
from noai.claim import Claim
from noai.errors import ManifestError, SigningError, SourceError
from noai.interrupts import interrupt_deferred
from noai.limits import C2PA_SIGN_BYTES
from noai.signing import Signer, sign_checked
from noai.sources import ByteSource, FileSource, as_file

#: The format under which a manifest lies beside a file: for MP3 and FLAC the native one would make
#: the library rewrite the tags that it hashes.
SIDECAR_TYPE: Final = "application/octet-stream"
_GOOD_STATES: Final = ("Trusted", "Valid")
_ALGORITHMS: Final = {
    Algorithm.ES256: "ES256",
    Algorithm.ES384: "ES384",
    Algorithm.ED25519: "ED25519",
    Algorithm.PS256: "PS256",
}


# -- reading --------------------------------------------------------------------------------


@interrupt_deferred()
def read_validation(
    source: ByteSource,
    media_type: str,
    *,
    store: bytes | None = None,
    anchors: tuple[x509.Certificate, ...] = (),
) -> ValidationFacts:
    """Validate the manifest ``store`` against ``source``, or the embedded one if none is given.

    Give the store that our own reader found: then what is validated is what was read, and a
    malformed tag before it, which makes the library see no manifest at all, hides nothing.
    The caller has checked sizes and counts: the library is slow on hostile input.

    Raises:
        ManifestError: if the library fails, or finds no manifest.
        SourceError: if the bytes cannot be had.
    """
    c2pa = _library()
    recorder = _Recorder(source)
    try:
        with _library_errors(c2pa, "the manifest cannot be read"):
            context = _context(c2pa, anchors)
            reader = c2pa.Reader.try_create(media_type, as_file(recorder), store, context=context)
            if reader is None:
                raise ManifestError("the C2PA library finds no manifest")
            with reader:
                return facts(reader.json())
    finally:
        # The library takes an unreadable source for one with another hash.
        if recorder.error is not None:
            raise recorder.error


class _Recorder:
    """Keeps the error of a source, which the library does not pass on."""

    def __init__(self, source: ByteSource) -> None:
        self.error: SourceError | None = None
        self.size = source.size
        self._source = source

    def read_at(self, offset: int, length: int) -> bytes:
        try:
            return self._source.read_at(offset, length)
        except SourceError as error:
            self.error = error
            raise


# -- signing --------------------------------------------------------------------------------


@interrupt_deferred()
def sign(
    source: BinaryIO,
    destination: BinaryIO,
    *,
    media_type: str,
    claim: Claim,
    signer: Signer,
    title: str | None = None,
    parent: tuple[str, BinaryIO] | None = None,
    replaces: bool = False,
) -> None:
    """Write ``source`` with a manifest for ``claim`` into the empty ``destination``.

    ``parent`` is the media type and content of the original, if it has a manifest: it becomes the
    manifest's parent ingredient, and its provenance is kept. Only with ``replaces`` is a manifest in
    ``source`` given up instead. The caller compares essence and tags
    afterwards: the library has been seen to lose both and to call the result trusted.

    Raises:
        ManifestError: if it fails; ``destination`` is then empty again.
        SigningError: if the signer fails; likewise.
    """
    _require_apart(source, destination)
    order = _Order(media_type, claim, signer, title, parent, replaces=replaces)
    try:
        _sign(source, destination, order)
        found = read_validation(FileSource(destination), media_type, anchors=_own_anchors(signer))
        _require_valid(found)
        if parent is not None and found.manifests == 1:
            raise ManifestError("the provenance that the original has would be lost")
    except BaseException:
        destination.seek(0)
        destination.truncate()
        raise


@interrupt_deferred()
def sign_sidecar(source: BinaryIO, *, claim: Claim, signer: Signer, title: str | None = None) -> bytes:
    """A manifest store for ``claim`` that lies beside ``source``, which stays as it is.

    Raises:
        ManifestError: if it fails.
        SigningError: if the signer fails.
    """
    order = _Order(SIDECAR_TYPE, claim, signer, title, embed=False)
    with tempfile.TemporaryFile() as scratch:
        store = _sign(source, scratch, order)
    anchors = _own_anchors(signer)
    _require_valid(read_validation(FileSource(source), SIDECAR_TYPE, store=store, anchors=anchors))
    return store


@dataclass(frozen=True)
class _Order:
    """One manifest to be made."""

    media_type: str
    claim: Claim
    signer: Signer
    title: str | None
    parent: tuple[str, BinaryIO] | None = None
    embed: bool = True
    replaces: bool = False


def _sign(source: BinaryIO, destination: BinaryIO, order: _Order) -> bytes:
    """Sign, and give the manifest store."""
    for file in (source, order.parent[1]) if order.parent else (source,):
        _require_size(file)
    c2pa = _library()
    key = _Key(order.signer)
    context = _context(c2pa, _own_anchors(order.signer))
    if order.embed and order.parent is None and not order.replaces:
        _require_unsigned(c2pa, source, order.media_type, context)
    algorithm = getattr(c2pa.C2paSigningAlg, _ALGORITHMS[order.signer.algorithm])
    text = definition(order.claim, order.media_type, order.title)
    try:
        with (
            _library_errors(c2pa, "the manifest cannot be signed"),
            c2pa.Builder.from_json(text, context=context) as builder,
            c2pa.Signer.from_callback(key, algorithm, certificates.pem(order.signer.chain)) as native,
        ):
            _set_history(c2pa, builder, order)
            if not order.embed:
                builder.set_no_embed()
            return bytes(builder.sign(native, order.media_type, source, destination))
    except ManifestError:
        if isinstance(key.error, Exception):
            raise SigningError(f"the signer failed: {key.error}") from key.error
        if key.error is not None:
            raise key.error from None
        raise


def _set_history(c2pa: Any, builder: Any, order: _Order) -> None:
    """The first action of a manifest is "created" or "opened" (C2PA 2.x, "Actions")."""
    if order.parent is None:
        builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.DIGITAL_CREATION)
        return
    builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
    ingredient = {"title": order.title or "original", "relationship": "parentOf"}
    builder.add_ingredient(json.dumps(ingredient), *order.parent)


def _require_unsigned(c2pa: Any, source: BinaryIO, media_type: str, context: Any) -> None:
    """A manifest that starts with "created" would silently take the place of one that is there."""
    with suppress(c2pa.C2paError):  # a link to a manifest elsewhere stays where it is
        reader = c2pa.Reader.try_create(media_type, source, context=context)
        if reader is not None:
            reader.close()
            raise ManifestError("the file has a manifest already, and no original to keep it from is given")
    source.seek(0)


def _require_size(file: BinaryIO) -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > C2PA_SIGN_BYTES:
        limit = C2PA_SIGN_BYTES // 2**20
        raise ManifestError(f"no manifest is made for a file larger than {limit} MiB")


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


def _own_anchors(signer: Signer) -> tuple[x509.Certificate, ...]:
    """The signer's root, if the chain ends with one: what was just signed must lead to it."""
    last = signer.chain[-1]
    return (last,) if certificates.issued_by(last, last) else ()


def _require_valid(found: ValidationFacts) -> None:
    if found.state not in _GOOD_STATES:
        raise ManifestError(f"the new manifest does not validate: {found.reasons or found.state}")


def _require_apart(source: BinaryIO, destination: BinaryIO) -> None:
    """Signing a file onto itself would truncate it to nothing."""
    if source is destination or _same_file(source, destination):
        raise ManifestError("a manifest is never signed in place")


def _same_file(source: BinaryIO, destination: BinaryIO) -> bool:
    try:
        return os.path.sameopenfile(source.fileno(), destination.fileno())
    except (OSError, AttributeError):
        return False  # at least one is in memory


# -- the library ----------------------------------------------------------------------------


def _library() -> Any:
    try:
        import c2pa
    except (ImportError, OSError) as error:
        raise ManifestError(f"the C2PA library cannot be loaded: {error}") from error
    return c2pa


@contextmanager
def _library_errors(c2pa: Any, doing: str) -> Iterator[None]:
    try:
        yield
    except c2pa.C2paError as error:
        raise ManifestError(f"{doing}: {error}") from error


def _context(c2pa: Any, anchors: tuple[x509.Certificate, ...]) -> Any:
    return _context_of(os.getpid(), settings(anchors), c2pa.Context.from_json)


@lru_cache(maxsize=16)
def _context_of(_process: int, text: str, make: Callable[[str], Any]) -> Any:
    """One context a process and settings: costly to make, and not valid across ``fork``."""
    return make(text)
