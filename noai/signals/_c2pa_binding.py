"""Binding a C2PA manifest to the bytes of a file: making the hash, and checking one.

Done here and not by the C2PA library, so that no file of a stranger ever reaches its parsers, memory
does not grow with the file (the library's own hasher takes 256 MiB), and every container is judged alike.

C2PA 2.x, "Data Hash" (``c2pa.hash.data``); BMFF: :mod:`noai.signals._c2pa_bmff`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from noai import cbor
from noai.c2pa_json import DATA_HASH, DataHash, HardBinding
from noai.codes import Code
from noai.containers.interface import ManifestStore
from noai.errors import ContainerError, ContainerMalformed, LimitExceeded
from noai.hashing import Ahead
from noai.jumbf import Manifest
from noai.limits import C2PA_EXCLUSIONS, HASH_ALONE
from noai.report import Check
from noai.signals import _c2pa_bmff as bmff
from noai.signals._ranges import Range, union, without
from noai.sources import ByteSource, chunks

_ALGORITHMS: Final = ("sha256", "sha384", "sha512")
#: Labels of all hard bindings start so.
_HASHES: Final = "c2pa.hash."
#: Formats that are bound box by box. All others are bound by ranges of bytes.
_BMFF_TYPES: Final = frozenset({"audio/mp4"})


@dataclass(frozen=True)
class Binding:
    """Whether a manifest was made for this file."""

    check: Check
    codes: tuple[Code, ...] = ()
    #: Why it could not be checked.
    message: str = ""


_BOUND: Final = Binding(Check.PASS)
_MISMATCH: Final = Binding(Check.FAIL, (Code.C2PA_HASH_MISMATCH,))
_EXCLUDED: Final = Binding(Check.NOT_RUN, (Code.C2PA_EXCLUSIONS,))


def _unread(message: str, code: Code = Code.C2PA_UNREAD) -> Binding:
    return Binding(Check.NOT_RUN, (code,), message)


# -- making ---------------------------------------------------------------------------------


def unbound(media_type: str) -> HardBinding:
    """Stands for :func:`bind` in a draft: it makes a store of the same length."""
    return bmff.UNBOUND if media_type in _BMFF_TYPES else DataHash(bytes(32), ((0, 0),))


def bind(source: ByteSource, media_type: str, exclusions: tuple[tuple[int, int], ...]) -> HardBinding:
    """The binding to ``source``, in which a store lies at ``exclusions``, as its format asks for it.

    Raises:
        SourceError, ContainerError: if the bytes cannot be had, or boxes not be walked.
    """
    return bmff.bmff_hash(source) if media_type in _BMFF_TYPES else data_hash(source, exclusions)


def data_hash(source: ByteSource, exclusions: tuple[tuple[int, int], ...] = ()) -> DataHash:
    """The binding to all bytes of ``source`` but those at ``exclusions``, offset and length."""
    ranges = union((start, start + length) for start, length in exclusions)
    return DataHash(_digest("sha256", source, ranges), exclusions)


# -- checking -------------------------------------------------------------------------------


def check_binding(source: ByteSource, manifest: Manifest, place: ManifestStore | None) -> Binding:
    """Whether ``manifest`` binds to ``source``. ``place`` is where its store lies, None if not in it.

    The caller has verified the manifest's signature, and the hashes of its assertions with it.

    Raises:
        SourceError: if the bytes cannot be had.
    """
    found = [assertion for assertion in manifest.assertions if assertion.label.startswith(_HASHES)]
    if len(found) != 1 or found[0].label not in manifest.claim.named:
        return _unread("it does not hold exactly one binding to a file")
    (assertion,) = found
    try:
        if len(assertion.contents) != 1 or assertion.contents[0].kind != b"cbor":
            raise ContainerMalformed("it is not one CBOR item")
        stated = cbor.decode(assertion.contents[0].data)
        if not isinstance(stated, cbor.Map) or stated.repeats_a_key:
            raise ContainerMalformed("it is not one map with distinct keys")
        if assertion.label == DATA_HASH:
            return _check_data_hash(source, stated, manifest.claim.alg, place)
        if assertion.label in bmff.LABELS:
            return _check_bmff_hash(source, stated, manifest.claim.alg)
    except LimitExceeded as error:
        return _unread(f"its binding is beyond the limits for checking it: {error}", Code.C2PA_TOO_COSTLY)
    except ContainerError as error:
        return _unread(f"its binding cannot be read: {error}", Code.C2PA_MALFORMED)
    return _unread(f"it binds with {assertion.label}, which noai does not check")


@contextmanager
def checking_binding(
    source: ByteSource, manifest: Manifest, place: ManifestStore | None
) -> Iterator[Callable[[], Binding]]:
    """:func:`check_binding`, begun while its caller verifies the signature, and given up where that fails.

    What is yielded waits for it, and is for who has verified the signature.
    """
    begun = None
    if source.size >= HASH_ALONE:
        begun = Ahead.begin(source, lambda shared: check_binding(shared, manifest, place))
    if begun is None:
        yield lambda: check_binding(source, manifest, place)
        return
    try:
        yield begun.result
    finally:
        begun.stop()


def _check_data_hash(
    source: ByteSource, stated: cbor.Map, alg: str | None, place: ManifestStore | None
) -> Binding:
    if stated.first("url") is not None:
        return _unread("it binds to a file elsewhere")
    algorithm, digest = _hash_of(stated, alg)
    left_out = union(_ranges(stated))
    pieces = () if place is None else place.pieces
    store = union((start, start + length) for start, length in pieces)
    # 1. The ranges lie in the file, and cover its own store: a hash that covers it is one of another file.
    if (left_out and left_out[-1][1] > source.size) or without(store, left_out):
        return _MISMATCH
    # 2. The bytes are those that were hashed.
    if _digest(algorithm, source, left_out) != digest:
        return _MISMATCH
    # 3. Nothing else was left out, where the audio could have been changed. A store outside the file
    # leaves nothing out.
    wrapping = () if place is None else place.wrapping
    allowed = union((*store, *((start, start + length) for start, length in wrapping)))
    if without(left_out, allowed):
        return _MISMATCH if place is None else _EXCLUDED
    return _BOUND


def _check_bmff_hash(source: ByteSource, stated: cbor.Map, alg: str | None) -> Binding:
    if stated.first("merkle") is not None:
        return _unread("it binds with a Merkle tree, which noai does not check")
    algorithm, digest = _hash_of(stated, alg)
    plan = bmff.plan(source, bmff.read_exclusions(stated))
    if not plan.is_understood:
        return _unread("it leaves out boxes by their version or flags, which noai does not check")
    if not plan.is_media_file:
        return _unread("it binds the boxes of a file that does not start with the type of one")
    if bmff.digest(algorithm, source, plan) != digest:
        return _MISMATCH
    return _BOUND if plan.harmless else _EXCLUDED


def _hash_of(stated: cbor.Map, default: str | None) -> tuple[str, bytes]:
    algorithm = stated.first("alg") if stated.first("alg") is not None else default or "sha256"
    digest = stated.first("hash")
    if algorithm not in _ALGORITHMS or not isinstance(algorithm, str):
        raise ContainerMalformed("it names no hash algorithm that C2PA knows")
    if not isinstance(digest, bytes) or not digest:
        raise ContainerMalformed("it holds no hash")
    return algorithm, digest


def _ranges(stated: cbor.Map) -> Iterator[Range]:
    listed = stated.first("exclusions")
    if listed is None:
        return
    if not isinstance(listed, tuple):
        raise ContainerMalformed("what it leaves out is no list")
    if len(listed) > C2PA_EXCLUSIONS:
        raise LimitExceeded(f"it leaves out more than {C2PA_EXCLUSIONS} ranges")
    for item in listed:
        start = item.first("start") if isinstance(item, cbor.Map) and not item.repeats_a_key else None
        length = item.first("length") if isinstance(item, cbor.Map) else None
        # A bool is an int in Python, not in CBOR.
        if type(start) is not int or type(length) is not int or start < 0 or length < 0:
            raise ContainerMalformed("a range that it leaves out is none")
        if length:
            yield start, start + length


def _digest(algorithm: str, source: ByteSource, left_out: Sequence[Range]) -> bytes:
    digest = hashlib.new(algorithm)
    for start, end in without(((0, source.size),), left_out):
        for block in chunks(source, start, end):
            digest.update(block)
    return digest.digest()
