"""What a file already says, seen by the signer who is about to mark it, and what has to change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from noai import certificates, statement, timestamps
from noai.claim import Claim, Permission, Superseded, Use
from noai.codes import Code
from noai.combining import resolve
from noai.containers.interface import Detected, FieldRole, TagEdit
from noai.containers.registry import detect
from noai.envelope import new_id, parse, seal
from noai.errors import ContainerMalformed, EssenceUnbindable
from noai.essence import EssenceReading, Violation
from noai.marker import PERMISSION_LIFETIME, Marker, companion
from noai.report import Finding, SignalSource
from noai.sidecars import Sidecars
from noai.signals.interface import Evidence
from noai.signing import Signer
from noai.sources import ByteSource
from noai.trust import TrustEntry, TrustList
from noai.verifying import all_findings, gather
from noai.vocabulary import data_mining_value

#: Violations that writing the tags repairs.
REPAIRED: Final = frozenset({Code.ID3_PADDING})
_UNREAD: Final = frozenset({Code.LIMIT_EXCEEDED, Code.CONTAINER_MALFORMED, Code.SOURCE_CHANGED})


@dataclass(frozen=True)
class Situation:
    """One source with everything that it says, judged as the signer's own verifier would."""

    data: ByteSource
    detected: Detected
    evidence: Evidence
    findings: tuple[Finding, ...]
    essence: EssenceReading
    kid: str

    @property
    def own(self) -> tuple[Finding, ...]:
        """Findings that name the signer's key, whether or not their checks pass."""
        return tuple(f for f in self.findings if f.signed_by is not None and f.signed_by.kid == self.kid)

    @property
    def own_markers(self) -> tuple[Finding, ...]:
        """Markers that name the signer's key."""
        return tuple(finding for finding in self.own if finding.marker is not None)

    @property
    def own_manifests(self) -> tuple[Finding, ...]:
        """What C2PA manifests that name the signer's key say."""
        return tuple(finding for finding in self.own if finding.source is SignalSource.C2PA)

    @property
    def has_own_sidecar(self) -> bool:
        """Whether a C2PA sidecar by the signer's key stands beside the file."""
        return bool(self.evidence.sidecar_manifests and self.own_manifests)

    def own_manifest_holds(self, claim: Claim) -> bool:
        """Whether an active C2PA manifest by the signer's key says the same and is intact."""
        return any(f.intact and dict(f.uses) == dict(claim.uses) for f in self.own_manifests)

    def standing_marker(self, claim: Claim, now: datetime) -> Marker | None:
        """The signer's own marker, if it is the only one, says the same, holds, and is complete."""
        if len(self.own_markers) != 1:
            return None
        (finding,) = self.own_markers
        marker = finding.marker
        if marker is None or not finding.proven or finding.lifted or marker.claim != claim:
            return None
        if marker.expires_at is not None and not marker.is_fresh(now.timestamp()):
            return None
        beside = {
            companion(f.source.value, f.value)
            for f in self.findings
            if f.value is not None and Code.COMPANION in f.codes
        }
        return marker if set(marker.companions) <= beside else None


def lifting_edit(situation: Situation) -> TagEdit:
    """The edit that takes out everything that the signer's own markings wrote, markers apart."""
    lifted = _written_beside(situation)
    return TagEdit(
        markers=(),
        lifted_statements=tuple(v for s, v in lifted if s is SignalSource.STATEMENT),
        lifted_data_mining=next((v for s, v in lifted if s is SignalSource.XMP), None),
    )


def foreign_slots(situation: Situation) -> tuple[str, ...]:
    """``NOAI`` values that are not markers by the signer's key, in file order."""
    own = {finding.value for finding in situation.own_markers}
    slots = (f.value for f in situation.evidence.area.fields if f.role is FieldRole.MARKER)
    return tuple(value for value in slots if value not in own)


def foreign_timestamps(situation: Situation) -> tuple[str, ...]:
    """Timestamps that are not of markers by the signer's key, in file order."""
    own = [finding.value.strip() for finding in situation.own_markers if finding.value is not None]
    return tuple(t.value for t in _timestamps(situation) if not any(map(t.is_of, own)))


def is_timestamped(situation: Situation, marker: Marker) -> bool:
    """Whether a timestamp of ``marker`` stands in the file, by whomever it is."""
    tokens = [f.value.strip() for f in situation.own_markers if f.id == marker.id and f.value is not None]
    return any(t.is_of(token) for t in _timestamps(situation) for token in tokens)


def _timestamps(situation: Situation) -> tuple[timestamps.Timestamp, ...]:
    fields = situation.evidence.area.fields
    return timestamps.read_values(f.value for f in fields if f.role is FieldRole.TIMESTAMP)


def stricter_statements(situation: Situation, claim: Claim) -> tuple[str, ...]:
    """What else in the file denies more than ``claim`` does, so that the mark alone will not count."""
    return tuple(
        dict.fromkeys(
            f"{finding.place} also denies {', '.join(use.value for use in Use if use in more)}, which counts"
            for finding in situation.findings
            if not finding.lifted and (more := finding.denies - claim.denied)
        )
    )


@dataclass(frozen=True)
class Plan:
    """A marker, signed, and the edit that puts it into the file."""

    marker: Marker
    #: The marker as it is signed.
    token: str
    edit: TagEdit
    notices: tuple[str, ...]

    def timestamped(self, timestamp: str) -> Plan:
        """This plan with a timestamp of its marker, which is written beside it."""
        return replace(self, edit=replace(self.edit, timestamps=(timestamp, *self.edit.timestamps)))


def examine(data: ByteSource, sidecars: Sidecars, signer: Signer, now: datetime) -> Situation:
    """Read all of ``data``.

    Raises:
        ContainerError: if it is no audio that noai knows, or cannot be read to its end.
        EssenceUnbindable: if its audio cannot be bound to.
    """
    detected = detect(data)
    trust = TrustList((TrustEntry(signer.chain[0]),))
    evidence, notes = gather(data, detected, sidecars, trust, now)
    unread = next((note for note in notes if note.code in _UNREAD), None)
    if unread is not None:
        # What cannot be read to its end must not be written.
        raise ContainerMalformed(unread.message)
    essence = evidence.essence
    if isinstance(essence, Violation):
        raise EssenceUnbindable(f"the audio cannot be read to its end: {essence.message}")
    findings = resolve(all_findings(evidence), now)
    kid = certificates.thumbprint(signer.chain[0])
    return Situation(data, detected, evidence, findings, essence, kid)


def require_bindable(situation: Situation) -> None:
    """Raises: EssenceUnbindable, where a mark on this file could never pass."""
    violations = [v for v in situation.essence.violations if v.code not in REPAIRED]
    if violations:
        reasons = "; ".join(f"{v.message} ({v.code})" for v in violations)
        raise EssenceUnbindable(f"a mark on this file could never pass: {reasons}")


def predecessors(situation: Situation) -> list[Marker]:
    """Valid markers by the signer's key on this essence, which a new one supersedes."""
    return [
        finding.marker
        for finding in situation.own_markers
        if finding.proven
        and finding.marker is not None
        and finding.marker.essence == situation.essence.digest
    ]


def plan_marking(situation: Situation, claim: Claim, signer: Signer, now: datetime) -> Plan:
    """Sign a marker for ``claim`` and say what has to be written.

    Markers by the same key go: valid ones on this essence are named in ``supersedes``, broken ones
    (made for other audio, or damaged) are simply replaced. Everybody else's stay.

    Raises:
        SigningError, TokenRefused: if the marker cannot be signed.
    """
    replaced = predecessors(situation)
    issued_at = max([int(now.timestamp()), *(m.issued_at + 1 for m in replaced)])
    marker_id = new_id()
    lifting = lifting_edit(situation)
    sentence = statement.render(marker_id, claim)
    data_mining, notices = _data_mining(situation, claim)
    marker = Marker(
        id=marker_id,
        issued_at=issued_at,
        essence=situation.essence.digest,
        claim=claim,
        expires_at=issued_at + PERMISSION_LIFETIME if Permission.ALLOWED in claim.uses.values() else None,
        supersedes=tuple(Superseded(m.id, m.input_sha256 or "") for m in replaced),
        companions=tuple(
            companion(source.value, value)
            for source, value in (
                (SignalSource.STATEMENT, sentence),
                (SignalSource.XMP, data_mining),
            )
            if value is not None
        ),
    )
    token = seal(marker.payload(), signer)
    edit = replace(
        lifting,
        markers=tuple(dict.fromkeys([token, *foreign_slots(situation)])),
        timestamps=tuple(dict.fromkeys(foreign_timestamps(situation))),
        statement=sentence,
        data_mining=data_mining,
    )
    return Plan(replace(marker, input_sha256=parse(token).input_sha256), token, edit, tuple(notices))


def _written_beside(situation: Situation) -> list[tuple[SignalSource, str]]:
    """The unsigned statements in the file that the signer's own markers list as written beside them."""
    listed = {item for f in situation.own_markers if f.marker is not None for item in f.marker.companions}
    found = [
        (finding.source, finding.value)
        for finding in situation.findings
        if finding.value is not None and companion(finding.source.value, finding.value) in listed
    ]
    return list(dict.fromkeys(found))


def _data_mining(situation: Situation, claim: Claim) -> tuple[str | None, list[str]]:
    """The XMP value to write beside the marker; none where somebody else's stands already."""
    value = data_mining_value(claim)
    if value is None or not situation.detected.container.has_xmp:
        return None, []
    lifted = _written_beside(situation)
    foreign = [
        finding.value
        for finding in situation.findings
        if finding.source is SignalSource.XMP and (finding.source, finding.value) not in lifted
    ]
    if not foreign:
        return value, []
    stands = next((text for text in foreign if text is not None), None)
    if stands is None:
        return None, ["the XMP packet cannot be read; it was left as it is"]
    return None, [f"XMP says plus:DataMining={stands} already; it was left as it is"]
