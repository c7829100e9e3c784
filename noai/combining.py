"""What findings do to one another, before anything is decided. Pure.

Only a valid marker makes another finding step back: the marker that it replaces by name, and what
says no more than itself, namely the unsigned companions that it lists and a C2PA manifest by its own
key that retagging broke. So apart from superseding, stepping back never opens anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from noai.claim import Companion
from noai.codes import Code
from noai.marker import CLOCK_SKEW, Marker, companion
from noai.report import Check, Finding, SignalSource

#: Sources whose statements a marking writes beside its marker, unsigned.
COMPANION_SOURCES = (SignalSource.STATEMENT, SignalSource.XMP)


def resolve(findings: Sequence[Finding], now: datetime) -> tuple[Finding, ...]:
    """``findings`` with ``lifted`` set, and codes added, where a valid marker speaks for them."""
    markers = [finding for finding in findings if finding.marker is not None and not finding.lifted]
    spoken: set[Companion] = set()
    superseded = {
        id(old) for new in markers for old in markers if new is not old and supersedes(new, old, now)
    }
    resolved = []
    for finding in findings:
        if finding.lifted:
            pass
        elif id(finding) in superseded:
            finding = _lift(finding, Code.SUPERSEDED)
        elif finding.marker is not None:
            finding = _note_refused(finding, markers, superseded)
        elif finding.source in COMPANION_SOURCES:
            finding = _companion(finding, markers, superseded, spoken)
        elif finding.source is SignalSource.C2PA:
            finding = _manifest(finding, [m for m in markers if id(m) not in superseded])
        resolved.append(finding)
    return _note_contradictions(resolved)


def supersedes(new: Finding, old: Finding, now: datetime) -> bool:
    """The rule of marker v1, "Supersede"; in every other case both markers count."""
    if new.marker is None or old.marker is None or new.signed_by is None or old.signed_by is None:
        return False
    return (
        new.proven
        and names(new.marker, old.marker)
        and new.signed_by.same_identity(old.signed_by)
        and new.marker.essence == old.marker.essence
        and old.marker.issued_at < new.marker.issued_at <= now.timestamp() + CLOCK_SKEW
    )


def names(new: Marker, old: Marker) -> bool:
    """Whether ``new`` lists ``old``, by its id and the digest of its signing input."""
    return any(item.id == old.id and item.sha256 == old.input_sha256 for item in new.supersedes)


def _lift(finding: Finding, code: Code) -> Finding:
    return replace(finding, lifted=True, codes=(*finding.codes, code))


def _note_refused(finding: Finding, markers: Iterable[Finding], superseded: set[int]) -> Finding:
    refused = any(
        finding.marker is not None
        and other.marker is not None
        and other is not finding
        and id(other) not in superseded
        and names(finding.marker, other.marker)
        for other in markers
    )
    if not refused or finding.signature is Check.NOT_RUN:
        return finding
    return replace(finding, codes=(*finding.codes, Code.SUPERSEDE_REFUSED))


def _companion(
    finding: Finding, markers: Iterable[Finding], superseded: set[int], spoken: set[Companion]
) -> Finding:
    """Lift an unsigned statement that a standing, proven marker lists and whose denials it makes itself.

    A marker that lists more than it says, or that has been replaced, lifts nothing: otherwise
    anybody's marker could list somebody else's statement away. XMP says the same whoever wrote it, so that of
    two packets only one, ``spoken`` for, can be the marker's, and none that stands in a file of its own.
    """
    if finding.value is None or not finding.denies or finding.beside:
        return finding
    entry = companion(finding.source.value, finding.value)
    listing = [m for m in markers if m.marker is not None and entry in m.marker.companions]
    if any(m.proven and id(m) not in superseded and finding.denies <= m.denies for m in listing):
        if entry in spoken:
            return finding
        if finding.source is SignalSource.XMP:
            spoken.add(entry)
        return _lift(finding, Code.COMPANION)
    if listing:
        return finding
    return replace(finding, codes=(*finding.codes, Code.COMPANION_ALONE))


def _manifest(finding: Finding, standing: Iterable[Finding]) -> Finding:
    """Retagging breaks a manifest's file hash; beside its signer's own marker that is harmless.

    The marker has to make the manifest's denials itself: an older, milder marker that is put back
    must not speak for a newer manifest.
    """
    stale = Code.C2PA_HASH_MISMATCH in finding.codes and is_sound_but_for_its_hash(finding)
    signer = finding.signed_by
    speaks = any(
        marker.intact
        and signer is not None
        and marker.signed_by is not None
        and marker.signed_by.kid == signer.kid
        and finding.denies <= marker.denies
        for marker in standing
    )
    if not (stale and speaks):
        return finding
    codes = tuple(code for code in finding.codes if code is not Code.C2PA_HASH_MISMATCH)
    return _lift(replace(finding, codes=codes), Code.C2PA_STALE)


def is_sound_but_for_its_hash(finding: Finding) -> bool:
    """Whether a manifest is its signer's own word, but for the hash of the file, which retagging breaks."""
    blocks = any(code.blocks for code in finding.codes if code is not Code.C2PA_HASH_MISMATCH)
    return (
        not blocks
        and Code.C2PA_GATHERED not in finding.codes
        and finding.signature is Check.PASS
        and finding.signer in (Check.PASS, Check.UNKNOWN)
        and finding.time is Check.PASS
    )


def _note_contradictions(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    standing = [f for f in findings if f.marker is not None and not f.lifted]
    if len({tuple(f.uses.items()) for f in standing}) < 2:
        return tuple(findings)
    return tuple(replace(f, codes=(*f.codes, Code.CONTRADICTION)) if f in standing else f for f in findings)
