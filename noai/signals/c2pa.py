"""C2PA manifests: every training-and-data-mining assertion in every manifest of every store.

C2PA 2.x for the store; CAWG training and data mining 1.1, and C2PA 1.x, for what it says. Reading
is our own, so that nothing which the C2PA library does not see or accept goes unseen. The library is given
the bytes of the store alone, and asked about signatures and about hashes inside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from noai.cbor import Budget
from noai.codes import Code
from noai.containers.interface import ManifestStore
from noai.errors import ManifestError, ManifestStopped
from noai.jumbf import Manifest, Store, read_store
from noai.limits import C2PA_PARSED_BYTES, MANIFEST_BYTES, MANIFESTS_PER_FILE
from noai.manifest import read_validation
from noai.report import Check, Finding, PermitProof, SignalSource, SignedBy
from noai.signals._c2pa_binding import checking_binding
from noai.signals._c2pa_checks import Checks, check_active, claimed_signer
from noai.signals._reading import bounded, plain_namespace
from noai.signals._training_mining import Statement, is_training_label, read_assertion
from noai.signals.interface import Evidence

_DCTERMS: Final = plain_namespace("http://purl.org/dc/terms/")
_SHOWN_URL: Final = 200
#: The content box of an embedded file, a picture most often, which the library takes as it is.
_EMBEDDED: Final = b"bidb"


class C2paReader:
    """Reads the manifest stores in a file, those beside it, and links to manifests elsewhere."""

    source = SignalSource.C2PA

    def read(self, evidence: Evidence) -> Iterable[Finding]:
        return bounded(self.source, _findings(evidence))


@dataclass(frozen=True)
class _Held:
    """One manifest store: how people call it, its bytes, and where in the file they lie."""

    name: str
    data: bytes
    #: None for a store that stands beside the file.
    place: ManifestStore | None = None


def _findings(evidence: Evidence) -> Iterator[Finding]:
    embedded = evidence.area.manifests
    several = (Code.C2PA_DUPLICATE,) if len(embedded) > 1 else ()
    for position, place in enumerate(embedded):
        if place.length > MANIFEST_BYTES or position >= MANIFESTS_PER_FILE:
            message = f"{place.place}: a store of {place.length} bytes was not read"
            yield _finding("C2PA manifest", (Code.C2PA_TOO_COSTLY,), message)
            continue
        data = place.read(evidence.source)
        held = _Held("C2PA manifest", data, place)
        for finding in _read_store(held, evidence):
            yield replace(finding, codes=(*finding.codes, *several))
    for data in evidence.sidecar_manifests:
        yield from _read_store(_Held("C2PA sidecar manifest", data), evidence)
    if not embedded:
        yield from _remote(evidence)


def _finding(place: str, codes: tuple[Code, ...], message: str) -> Finding:
    return Finding(SignalSource.C2PA, place, codes=codes, message=message)


# -- one store ------------------------------------------------------------------------------


def _read_store(held: _Held, evidence: Evidence) -> Iterator[Finding]:
    store = read_store(held.data)
    if store.faults:
        codes = tuple(dict.fromkeys(fault.code for fault in store.faults))
        yield _finding(held.name, codes, "; ".join(dict.fromkeys(f.message for f in store.faults)))
    budget = Budget()
    for manifest in reversed(store.manifests):
        is_active = manifest is store.active
        statements = _statements(manifest, budget)
        found = _stated(manifest, statements, held.name, is_active)
        if not evidence.checks:
            yield from found
        elif is_active:
            checks = _check(manifest, store, held, evidence)
            yield from (_with_checks(finding, checks, silent=not statements) for finding in found)
        else:
            yield from (_with_claimant(finding, claimed_signer(manifest)) for finding in found)


_Statements = list[tuple[str, Statement]]


def _statements(manifest: Manifest, budget: Budget) -> _Statements:
    """What each training assertion says, with its label."""
    return [
        (assertion.label, read_assertion(assertion.contents, budget))
        for assertion in manifest.assertions
        if is_training_label(assertion.label)
    ]


def _stated(manifest: Manifest, statements: _Statements, name: str, is_active: bool) -> list[Finding]:
    """Unchecked findings: one an assertion; for the active manifest at least one."""
    faults = tuple(dict.fromkeys(fault.code for fault in manifest.faults))
    if _lacks_an_assertion(manifest):
        faults += (Code.C2PA_REDACTED,)
    earlier = () if is_active else (Code.C2PA_INGREDIENT, Code.C2PA_UNBOUND)
    base = Finding(
        SignalSource.C2PA,
        f"{name}, {'active' if is_active else 'ingredient'}",
        codes=(*faults, *earlier),
        message="; ".join(fault.message for fault in manifest.faults) or "says nothing about training",
        id=manifest.label,
    )
    if not statements:
        return [base] if is_active or faults else []
    return [
        replace(
            base,
            uses=statement.uses,
            codes=tuple(dict.fromkeys((*base.codes, *statement.codes, *_attribution(manifest, label)))),
            message=statement.text or f"{label} cannot be read whole",
            value=statement.text or None,
        )
        for label, statement in statements
    ]


def _attribution(manifest: Manifest, label: str) -> tuple[Code, ...]:
    return () if label in manifest.claim.created else (Code.C2PA_GATHERED,)


def _lacks_an_assertion(manifest: Manifest) -> bool:
    """Whether a training assertion was redacted, here or in an earlier manifest, or is missing."""
    present = {assertion.label for assertion in manifest.assertions}
    missing = set(manifest.claim.named) - present
    return any(is_training_label(label) for label in (*manifest.claim.redacted, *missing))


# -- checks ---------------------------------------------------------------------------------


def _check(manifest: Manifest, store: Store, held: _Held, evidence: Evidence) -> Checks:
    signer = claimed_signer(manifest)
    if _is_too_costly(store, len(held.data)):
        return Checks(codes=(Code.C2PA_TOO_COSTLY,), signed_by=signer)
    with checking_binding(evidence.source, manifest, held.place) as binding:
        try:
            facts = read_validation(held.data, evidence.trust.anchors)
        except ManifestError as error:
            code = Code.C2PA_STOPPED if isinstance(error, ManifestStopped) else Code.C2PA_UNREAD
            return Checks(codes=(code,), signed_by=signer, message=str(error))
        return check_active(manifest, facts, evidence, binding)


def _is_too_costly(store: Store, size: int) -> bool:
    """Whether the library is not asked, because of what it would take: it has no bounds of its own."""
    if any(fault.code is Code.LIMIT_EXCEEDED for fault in store.all_faults):
        return True
    for manifest in store.manifests:
        # For each time that a claim names an assertion the library holds all of it.
        if len(set(manifest.claim.named)) != len(manifest.claim.named):
            return True
        contents = (content for assertion in manifest.assertions for content in assertion.contents)
        size -= sum(len(content.data) for content in contents if content.kind == _EMBEDDED)
    return size > C2PA_PARSED_BYTES


def _with_claimant(finding: Finding, signer: SignedBy | None, *, verified: bool = False) -> Finding:
    """Whom the certificate names. Unless the signature was verified, anybody could have put it there."""
    if signer is None:
        return finding
    how = "signed as" if verified else "claimed by"
    return replace(
        finding, signed_by=signer, message=f"{how} {signer.subject or signer.kid}: {finding.message}"
    )


def _with_checks(finding: Finding, checks: Checks, *, silent: bool) -> Finding:
    codes = dict.fromkeys((*finding.codes, *checks.codes))
    if silent and Code.C2PA_HASH_MISMATCH in codes and checks.signature is Check.PASS:
        codes = {Code.C2PA_STALE_SILENT if c is Code.C2PA_HASH_MISMATCH else c: None for c in codes}
    finding = _with_claimant(finding, checks.signed_by, verified=checks.signature is Check.PASS)
    return replace(
        finding,
        signature=checks.signature,
        signer=checks.signer,
        binding=checks.binding,
        time=checks.time,
        codes=tuple(codes),
        message=f"{finding.message}; {checks.message}" if checks.message else finding.message,
        # Gathered assertions are not attributed to the signer, so they cannot permit in its name.
        permit=PermitProof() if Code.C2PA_GATHERED in codes else checks.permit,
    )


# -- manifests elsewhere --------------------------------------------------------------------


def _remote(evidence: Evidence) -> Iterator[Finding]:
    """Links in XMP (C2PA 2.x, "Embedding a reference to an external manifest"), never followed."""
    for read in evidence.xmp:
        # XmpReader reports those that cannot be read.
        for item in read.properties:
            is_link = item.value.casefold().startswith(("http://", "https://"))
            if is_link and item.name == "provenance" and plain_namespace(item.namespace) == _DCTERMS:
                place, message = read.packet.place, "a manifest elsewhere, not fetched"
                finding = _finding(place, (Code.REMOTE_MANIFEST,), message)
                yield replace(finding, value=item.value[:_SHOWN_URL])
