"""A bounded reader for C2PA manifest stores: JUMBF superboxes (ISO 19566-5) as C2PA 2.x lays them out.

It locates claims, assertions and certificates; it checks no signature and no hash. It never raises
on any content: what cannot be read becomes a fault beside everything that could.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from noai import cbor
from noai.codes import Code
from noai.cose import CoseSign1
from noai.errors import ContainerError, ContainerMalformed, LimitExceeded
from noai.limits import BOX_DEPTH, JUMBF_BOXES

#: First four bytes of the superbox UUIDs (C2PA 2.x, "Use of JUMBF"); all end in the same twelve.
_STORE: Final = b"c2pa"
_COMPRESSED: Final = b"c2cm"
_BROTLI: Final = b"brob"

_CLAIMS: Final = frozenset({"c2pa.claim", "c2pa.claim.v2"})
_SIGNATURE: Final = "c2pa.signature"
#: What the C2PA library knows these two by, whatever their labels are.
_CLAIM_UUID: Final = b"c2cl"
_SIGNATURE_UUID: Final = b"c2cs"

_HEADER: Final = 8
_LARGE_HEADER: Final = 16
_UUID_BYTES: Final = 16
_HAS_LABEL: Final = 0x02


@dataclass(frozen=True)
class Fault:
    """Something in a store that is not as the standard says, or was not read."""

    code: Code
    message: str


@dataclass(frozen=True)
class Content:
    """One content box: ``kind`` is its four-letter type."""

    kind: bytes
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Assertion:
    """One labelled box of a manifest that is neither its claim nor its signature."""

    label: str
    contents: tuple[Content, ...]


@dataclass(frozen=True)
class Claim:
    """Which assertions a claim names, by label. In a 1.x claim all of them are created ones."""

    created: tuple[str, ...] = ()
    gathered: tuple[str, ...] = ()
    #: Declared removed, from this or from earlier manifests.
    redacted: tuple[str, ...] = ()
    instance_id: str | None = None
    #: The hash algorithm of assertions that name none.
    alg: str | None = None
    #: The program that made the claim, as it calls itself.
    generator: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        return self.created + self.gathered


@dataclass(frozen=True)
class Manifest:
    label: str
    claim: Claim
    assertions: tuple[Assertion, ...]
    #: None where there is none, or none that could be read.
    signature: CoseSign1 | None = None
    #: What the signature is over: the claim as it is encoded.
    claim_data: bytes = field(default=b"", repr=False)
    faults: tuple[Fault, ...] = ()

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The signer's certificates, DER, leaf first; empty where they could not be read."""
        return self.signature.chain if self.signature is not None else ()


@dataclass(frozen=True)
class Store:
    """Manifests in order; the last one is the active manifest."""

    manifests: tuple[Manifest, ...]
    #: Faults that belong to no single manifest.
    faults: tuple[Fault, ...] = ()

    @property
    def active(self) -> Manifest | None:
        return self.manifests[-1] if self.manifests else None

    @property
    def all_faults(self) -> tuple[Fault, ...]:
        return (*self.faults, *(fault for manifest in self.manifests for fault in manifest.faults))


def read_store(data: bytes) -> Store:
    """Everything readable in a manifest store, of a length that the caller bounds."""
    outside = _BoxReader(data).superbox(0, len(data), described=False)
    faults, manifests, budget = list(outside.faults), [], cbor.Budget()
    for store in outside.superboxes:
        faults += store.faults
        if store.uuid != _STORE or store.contents:
            faults.append(Fault(Code.C2PA_MALFORMED, "a box of the manifest store is of a foreign kind"))
        manifests += [_manifest(box, budget) for box in store.superboxes]
    if outside.contents or len(outside.superboxes) != 1:
        faults.append(Fault(Code.C2PA_MALFORMED, "not exactly one manifest store"))
    if not manifests:
        faults.append(Fault(Code.C2PA_MALFORMED, "the manifest store holds no manifest"))
    return Store(tuple(manifests), tuple(faults))


# -- boxes ----------------------------------------------------------------------------------


@dataclass
class _SuperBox:
    uuid: bytes = b""
    label: str = ""
    contents: list[Content] = field(default_factory=list)
    superboxes: list[_SuperBox] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def walk(self) -> Iterator[_SuperBox]:
        yield self
        for box in self.superboxes:
            yield from box.walk()

    def malformed(self, message: str) -> None:
        self.faults.append(Fault(Code.C2PA_MALFORMED, message))


class _BoxReader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._boxes = 0

    def superbox(self, start: int, end: int, depth: int = 0, *, described: bool = True) -> _SuperBox:
        """The superbox whose content lies between ``start`` and ``end``."""
        superbox = _SuperBox()
        for kind, body, body_end in self._children(superbox, start, end):
            if kind == b"jumb" and depth < BOX_DEPTH:
                superbox.superboxes.append(self.superbox(body, body_end, depth + 1))
            elif kind == b"jumb":
                superbox.faults.append(Fault(Code.LIMIT_EXCEEDED, "manifest boxes nest too deep"))
            elif described:
                self._describe(superbox, kind, self._data[body:body_end])
                described = False
            else:
                superbox.contents.append(Content(kind, self._data[body:body_end]))
        if described:
            superbox.malformed("a manifest box has no description")
        return superbox

    def _children(self, parent: _SuperBox, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Type, first and last byte of each box; a box that runs past its parent ends with it."""
        while start < end:
            size = int.from_bytes(self._data[start : start + 4], "big")
            kind = self._data[start + 4 : start + _HEADER]
            header = _HEADER
            if size == 1:
                header = _LARGE_HEADER
                size = int.from_bytes(self._data[start + _HEADER : start + header], "big")
            elif size == 0:
                size = end - start
                if not any(self._data[start:end]):
                    return  # padding
            self._boxes += 1
            if self._boxes > JUMBF_BOXES:
                parent.faults.append(Fault(Code.LIMIT_EXCEEDED, f"more than {JUMBF_BOXES} manifest boxes"))
                return
            if size < header or start + header > end:
                parent.malformed("a manifest box is shorter than its header")
                return
            if start + size > end:
                parent.malformed("a manifest box runs past the box around it")
            yield kind, start + header, min(start + size, end)
            start += size

    def _describe(self, superbox: _SuperBox, kind: bytes, data: bytes) -> None:
        """ISO 19566-5, section 5.2: UUID, toggles, and here always a label up to a NUL."""
        if kind != b"jumd" or len(data) <= _UUID_BYTES or not data[_UUID_BYTES] & _HAS_LABEL:
            superbox.malformed("a manifest box does not start with its description")
            return
        superbox.uuid = data[:4]
        label, nul, _ = data[_UUID_BYTES + 1 :].partition(b"\0")
        superbox.label = label.decode("utf-8", "replace")
        if not nul or "\ufffd" in superbox.label:
            superbox.malformed("the label of a manifest box is damaged")


# -- manifests ------------------------------------------------------------------------------


def _manifest(box: _SuperBox, budget: cbor.Budget) -> Manifest:
    claims = [child for child in box.superboxes if child.label in _CLAIMS]
    signatures = [child for child in box.superboxes if child.label == _SIGNATURE]
    faults: list[Fault] = []
    claim, claim_data = Claim(), b""
    if any(content.kind == _BROTLI for part in box.walk() for content in part.contents):
        faults.append(Fault(Code.C2PA_UNREAD, "a compressed manifest was not inflated"))
    elif len(claims) != 1 or len(signatures) != 1:
        faults.append(Fault(Code.C2PA_MALFORMED, "a manifest has not exactly one claim and one signature"))
    if claims:
        claim = _claim(_cbor_map(claims[-1], budget, faults), faults)
        claim_data = b"".join(content.data for content in claims[-1].contents)
    signature = _signature(signatures[-1], budget, faults) if signatures else None
    assertions = tuple(
        Assertion(part.label, tuple(part.contents))
        for child in box.superboxes
        if child.label != _SIGNATURE and child.label not in _CLAIMS
        for part in child.walk()
        if part.contents
    )
    faults += _misplaced(box)
    faults += [fault for part in box.walk() for fault in part.faults]
    return Manifest(box.label, claim, assertions, signature, claim_data, tuple(dict.fromkeys(faults)))


def _misplaced(box: _SuperBox) -> Iterator[Fault]:
    """What other readers of a manifest could take for something else, or not see at all.

    The C2PA library hashes of an assertion what it understands, so that a box which somebody put inside
    one later leaves the signature valid; and it knows claim and signature by their UUIDs.
    """
    labels: list[str] = []
    for child in box.superboxes:
        is_claim, is_signature = child.label in _CLAIMS, child.label == _SIGNATURE
        if is_claim != (child.uuid == _CLAIM_UUID) or is_signature != (child.uuid == _SIGNATURE_UUID):
            yield Fault(Code.C2PA_MALFORMED, "the label and the kind of a manifest box contradict each other")
        leaves = [child] if is_claim or is_signature else child.superboxes
        if any(leaf.superboxes for leaf in leaves):
            yield Fault(Code.C2PA_MALFORMED, "a box stands inside a claim, a signature or an assertion")
        labels += [leaf.label for leaf in leaves]
    if len(set(labels)) != len(labels):
        yield Fault(Code.C2PA_MALFORMED, "two boxes of a manifest have the same label")


def _cbor(box: _SuperBox, budget: cbor.Budget, faults: list[Fault]) -> cbor.Value:
    contents = [content.data for content in box.contents if content.kind == b"cbor"]
    if len(contents) != 1:
        faults.append(Fault(Code.C2PA_MALFORMED, f"{box.label} does not hold exactly one CBOR box"))
        return None
    result = cbor.salvage(contents[0], budget)
    if result.error is not None:
        faults.append(fault_of(result.error))
    return result.value


def fault_of(error: ContainerError) -> Fault:
    limit = isinstance(error, LimitExceeded)
    return Fault(Code.LIMIT_EXCEEDED if limit else Code.C2PA_MALFORMED, str(error))


def _cbor_map(box: _SuperBox, budget: cbor.Budget, faults: list[Fault]) -> cbor.Map:
    value = _cbor(box, budget, faults)
    if isinstance(value, cbor.Map) and not value.repeats_a_key:
        return value
    faults.append(Fault(Code.C2PA_MALFORMED, f"{box.label} is not one map with distinct keys"))
    return value if isinstance(value, cbor.Map) else cbor.Map()


def _signature(box: _SuperBox, budget: cbor.Budget, faults: list[Fault]) -> CoseSign1 | None:
    try:
        signature = CoseSign1.parse(_cbor(box, budget, faults), budget)
    except ContainerMalformed as error:
        faults.append(Fault(Code.C2PA_MALFORMED, str(error)))
        return None
    if signature.damage is not None:
        faults.append(fault_of(signature.damage))
    if not signature.chain:
        faults.append(Fault(Code.CHAIN_MALFORMED, "the signature does not hold one chain of certificates"))
    return signature


def _claim(claim: cbor.Map, faults: list[Fault]) -> Claim:
    instance = claim.first("instanceID")
    generator = claim.first("claim_generator_info")
    if isinstance(generator, tuple) and generator:
        generator = generator[0]
    alg = claim.first("alg")
    name = generator.first("name") if isinstance(generator, cbor.Map) else claim.first("claim_generator")
    return Claim(
        created=_labels(claim, "created_assertions", faults) + _labels(claim, "assertions", faults),
        gathered=_labels(claim, "gathered_assertions", faults),
        redacted=_labels(claim, "redacted_assertions", faults),
        instance_id=instance if isinstance(instance, str) else None,
        alg=alg if isinstance(alg, str) else None,
        generator=name if isinstance(name, str) else None,
    )


def _labels(claim: cbor.Map, key: str, faults: list[Fault]) -> tuple[str, ...]:
    """Labels of the assertions in one list of hashed URIs, or of plain URIs."""
    labels = []
    for value in claim.all(key):
        for item in value if isinstance(value, tuple) else (value,):
            url = item.first("url") if isinstance(item, cbor.Map) else item
            if isinstance(url, str):
                labels.append(url.rsplit("/", 1)[-1])
            elif item is not None:
                faults.append(Fault(Code.C2PA_MALFORMED, f"{key} of a claim is damaged"))
    return tuple(labels)
