"""What revocations do to the markers of one file, before anything else is made of them. Pure.

A marker that its identity has revoked says nothing any more: it neither denies nor permits, and replaces no
other. To take its denials away a revocation has to be proven; to end its permissions a doubt is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from noai.claim import Permission
from noai.codes import Code
from noai.combining import COMPANION_SOURCES, is_sound_but_for_its_hash
from noai.consent.held import Consent
from noai.consent.statements import Named
from noai.marker import companion
from noai.report import Finding, SignalSource


def take_back(findings: Sequence[Finding], consent: Consent) -> tuple[Finding, ...]:
    """``findings`` without the markers that their identities have revoked, and what was beside them."""
    gone = [finding for finding in findings if _is_revoked(finding, consent, proven=True)]
    doubtful = [f for f in findings if f not in gone and _is_in_doubt(f, consent)]
    left = list(dict.fromkeys(_name(marker) for marker in gone))
    return tuple(_without(finding, gone, doubtful, left, consent) for finding in findings)


def _without(
    finding: Finding, gone: list[Finding], doubtful: list[Finding], left: list[Named | None], consent: Consent
) -> Finding:
    """``finding`` without what is ``gone``, and without permissions that are ``doubtful``."""
    if finding in gone or any(_goes_with(finding, marker, left) for marker in gone):
        return replace(finding, lifted=True, codes=(*finding.codes, Code.MARKER_REVOKED))
    if finding in doubtful:
        return _without_permission(finding, Code.REVOCATION_REFUSED)
    if _permits_with(finding, (*gone, *doubtful)):
        return _without_permission(finding, Code.MARKER_REVOKED)
    named = _name(finding)
    if named is not None and consent.revocations_of(named):
        return replace(finding, codes=(*finding.codes, Code.REVOCATION_REFUSED))
    return finding


def _is_revoked(finding: Finding, consent: Consent, *, proven: bool) -> bool:
    """Whether its identity has revoked this marker."""
    named, signer = _name(finding), finding.signed_by
    if named is None or signer is None or (proven and not finding.proven):
        return False
    by_the_same = [r for r in consent.revocations_of(named) if r.signed_by.same_identity(signer)]
    return any(revocation.proven or not proven for revocation in by_the_same)


def _is_in_doubt(finding: Finding, consent: Consent) -> bool:
    """Whether its identity may have meant to revoke this marker."""
    named = _name(finding)
    return named is not None and (_is_revoked(finding, consent, proven=False) or consent.doubts(named))


def _name(finding: Finding) -> Named | None:
    marker = finding.marker
    return None if marker is None or marker.input_sha256 is None else Named(marker.id, marker.input_sha256)


def _goes_with(finding: Finding, gone: Finding, left: list[Named | None]) -> bool:
    """Whether a finding was written beside a marker that is gone, and says no more than that did.

    Of XMP each marking writes one packet: ``left`` are the markers whose packet has not been met yet.
    """
    if gone.marker is None or not finding.denies or not finding.denies <= gone.denies:
        return False
    if finding.source in COMPANION_SOURCES:
        if finding.beside or finding.value is None:
            return False
        if companion(finding.source.value, finding.value) not in gone.marker.companions:
            return False
        if finding.source is SignalSource.XMP:
            if _name(gone) not in left:
                return False
            left.remove(_name(gone))
        return True
    return (
        finding.source is SignalSource.C2PA and _is_by(finding, gone) and is_sound_but_for_its_hash(finding)
    )


def _permits_with(finding: Finding, markers: Iterable[Finding]) -> bool:
    """Whether a manifest permits by the key of a marker whose permissions have ended."""
    is_manifest = finding.source is SignalSource.C2PA
    permits = Permission.ALLOWED in finding.uses.values()
    signers = [marker.signed_by for marker in markers if marker.signed_by is not None]
    by = finding.signed_by
    return is_manifest and permits and by is not None and any(by.same_identity(each) for each in signers)


def _is_by(finding: Finding, marker: Finding) -> bool:
    one, other = finding.signed_by, marker.signed_by
    return one is not None and other is not None and one.kid == other.kid


def _without_permission(finding: Finding, code: Code) -> Finding:
    return replace(finding, permit=replace(finding.permit, fresh=False), codes=(*finding.codes, code))
