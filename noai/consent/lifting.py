"""What consent does to the findings of one file. Pure.

A grant lifts a reservation that is present, by the identity that made it, use by use, and only where the
reservation's own signature, signer and binding hold. Everybody else's reservations stand. A revocation takes
one marker away altogether, and with it what its marking wrote beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import islice

from noai.claim import Permission, Use
from noai.codes import Code
from noai.consent.delegations import Delegable
from noai.consent.grants import Scope
from noai.consent.held import BySigner, Consent, HeldDelegation, HeldGrant, names_of
from noai.essence import EssenceDigest
from noai.limits import CONSENT_SHOWN
from noai.marker import Marker
from noai.report import Check, Finding, PermitProof, SignalSource, SignedBy

#: The essence of the file at hand, read when it is asked for; None if it cannot be bound to.
Essence = Callable[[], "EssenceDigest | None"]


def lift(
    findings: Sequence[Finding], consent: Consent, essence: Essence, now: datetime
) -> tuple[Finding, ...]:
    """``findings`` with what ``consent`` lifts of them, and a finding for every grant that matters here."""
    granting: dict[int, tuple[HeldGrant, set[Use], tuple[Code, ...]]] = {}
    refused: dict[int, tuple[HeldGrant, tuple[Code, ...]]] = {}
    lifted: list[Finding] = []
    for finding in findings:
        if finding.lifted or finding.signed_by is None or not finding.denies:
            lifted.append(finding)
            continue
        uses: set[Use] = set()
        recording = _Recording(finding, findings, essence)
        for held, delegation in _by_the_same(finding, consent, recording):
            if uses >= finding.denies:
                break
            codes = _refusals(held, delegation, finding, recording, consent, now.timestamp())
            granted = held.grant.uses & finding.denies
            if not codes and granted:
                how = () if delegation is None else (Code.DELEGATED,)
                granting.setdefault(id(held), (held, set(), how))[1].update(granted)
                uses |= granted
            elif id(held) not in refused and len(refused) < CONSENT_SHOWN:
                refused[id(held)] = held, codes or (Code.GRANT_OTHER_USE,)
        if uses:
            said = (*finding.codes, Code.GRANTED)
            finding = replace(finding, granted=finding.granted | frozenset(uses), codes=said)
        lifted.append(finding)
    counting = [_granting(held, frozenset(uses), how) for held, uses, how in granting.values()]
    shown = [_refused(held, codes) for key, (held, codes) in refused.items() if key not in granting]
    others = islice(_others(findings, consent), CONSENT_SHOWN - len(shown))
    return (*lifted, *counting, *shown, *others)


class _Recording:
    """Which recording a reservation is about.

    A manifest says neither its ISRC nor, to be relied on, when it was made: a marker of the same identity
    says it, if there is one that is bound to this file, too.
    """

    def __init__(self, finding: Finding, findings: Sequence[Finding], essence: Essence) -> None:
        self._marker = finding.marker or next(_markers_by_the_same(finding, findings), None)
        self._is_bound = finding.binding is Check.PASS
        self._essence = essence

    @property
    def isrc(self) -> str | None:
        return None if self._marker is None else self._marker.claim.work.isrc

    def among(self, grants: BySigner) -> Iterator[HeldGrant]:
        """Those of ``grants`` that are for this recording; of those that cannot count, a few."""
        for some in (grants.counting, grants.refused):
            yield from some.for_everything
            if self._marker is not None:
                yield from some.naming(self._marker.essence, self.isrc)
            elif some.name_tracks and self._is_bound:
                yield from some.naming(self._essence(), None)

    def named_by(self, consent: Consent) -> Iterator[HeldGrant]:
        """A few grants by anybody that name the marker's recording."""
        if self._marker is not None:
            yield from consent.named.naming(self._marker.essence, self.isrc)

    def is_in(self, scope: Scope, issued_at: int) -> bool:
        """Whether the scope of a statement that was issued then covers it."""
        if self._marker is None:
            return bool(scope.tracks) and scope.covers(self._essence(), None, False)
        return scope.covers(self._marker.essence, self.isrc, self._marker.issued_at <= issued_at)

    def is_within(self, reach: tuple[tuple[str, ...], ...]) -> bool:
        """Whether a trust entry lets grants be made for it."""
        isrc = self.isrc
        return any(not prefixes or (isrc is not None and isrc.startswith(prefixes)) for prefixes in reach)


def _markers_by_the_same(finding: Finding, findings: Sequence[Finding]) -> Iterator[Marker]:
    signer = finding.signed_by
    for other in findings:
        if other.marker is None or other.lifted or not other.proven or other.signed_by is None:
            continue
        if signer is not None and other.signed_by.same_identity(signer):
            yield other.marker


def _by_the_same(
    finding: Finding, consent: Consent, recording: _Recording
) -> Iterator[tuple[HeldGrant, HeldDelegation | None]]:
    """Grants by the identity that made ``finding``, or by a key that it delegates to.

    First all that are for this recording, then a few others, of which can be said why they are not.
    """
    signer = finding.signed_by
    assert signer is not None, "only what is signed is asked about"
    groups: list[tuple[BySigner, HeldDelegation | None]] = []
    for name in names_of(signer):
        groups.append((consent.by(name), None))
        groups += [(consent.by(held.delegation.to), held) for held in consent.delegated_by(name)]
    seen: set[tuple[int, int]] = set()
    for pick in (recording.among, lambda grants: grants.first):
        for grants, delegation in groups:
            for held in pick(grants):
                if (id(held), id(delegation)) not in seen:
                    seen.add((id(held), id(delegation)))
                    yield held, delegation


def _refusals(
    held: HeldGrant,
    delegation: HeldDelegation | None,
    finding: Finding,
    recording: _Recording,
    consent: Consent,
    now: float,
) -> tuple[Code, ...]:
    """Why a grant does not lift ``finding``; nothing if it does, for the uses that it names."""
    grant, reach = held.grant, held.reach
    codes = [*held.refusals, *held.window.refusals(now)]
    if delegation is not None:
        said, reach = delegation.delegation, delegation.reach
        faults = [*delegation.refusals, *delegation.window.refusals(now)]
        covers = Delegable.GRANT in said.types and grant.uses <= said.uses
        if faults or not covers or not recording.is_in(said.scope, said.issued_at):
            codes += [Code.DELEGATION_REFUSED, *faults]
        if consent.has_ended(held.named, delegation.signed_by):
            codes.append(Code.GRANT_REVOKED)
    elif not reach:
        codes.append(Code.GRANT_NOT_TRUSTED)
    if reach and not recording.is_within(reach):
        codes.append(Code.GRANT_OUT_OF_SCOPE)
    is_bound = finding.signature is finding.signer is finding.binding is Check.PASS
    if not is_bound or Code.C2PA_GATHERED in finding.codes:
        codes.append(Code.GRANT_MARKER)
    # Last, since it may take reading the audio.
    if not codes and not recording.is_in(grant.scope, grant.issued_at):
        codes.append(Code.GRANT_OTHER_TRACK)
    return tuple(dict.fromkeys(codes))


def _others(findings: Sequence[Finding], consent: Consent) -> Iterator[Finding]:
    """What else could have been meant for this file: grants by others for this recording, and void ones."""
    reservations = [f for f in findings if not f.lifted and f.signed_by is not None and f.denies]
    for finding in reservations:
        for held in _Recording(finding, findings, lambda: None).named_by(consent):
            if not _speaks_for(held, finding.signed_by, consent):
                yield _refused(held, tuple(dict.fromkeys((Code.GRANT_OTHER_IDENTITY, *held.refusals))))
    for void in consent.void if reservations else ():
        yield Finding(SignalSource.GRANT, void.place, codes=(void.code,), message=void.message)


def _speaks_for(held: HeldGrant, signer: SignedBy | None, consent: Consent) -> bool:
    """Whether a grant is by this identity, or by a key that it delegates to."""
    if signer is None:
        return False
    above = (delegation for name in names_of(signer) for delegation in consent.delegated_by(name))
    return held.signed_by.same_identity(signer) or any(d.delegation.to == held.signed_by.kid for d in above)


def _granting(held: HeldGrant, uses: frozenset[Use], how: tuple[Code, ...]) -> Finding:
    grant = held.grant
    agreement = "" if grant.agreement is None else f", agreement {grant.agreement}"
    return replace(
        _finding(held, f"granted to {grant.licensee} (declared){agreement}", how),
        uses={use: Permission.ALLOWED for use in Use if use in uses},
        signature=Check.PASS,
        signer=Check.PASS,
        binding=Check.PASS,
        time=Check.PASS,
        permit=PermitProof(entry_permits=True, in_scope=True, fresh=True),
        granted=grant.uses,
    )


def _refused(held: HeldGrant, codes: tuple[Code, ...]) -> Finding:
    what = "; ".join(code.meaning for code in codes)
    signature = Check.FAIL if Code.GRANT_SIGNATURE in held.refusals else Check.PASS
    return replace(_finding(held, f"a grant that does not count: {what}", codes), signature=signature)


def _finding(held: HeldGrant, message: str, codes: tuple[Code, ...]) -> Finding:
    return Finding(
        SignalSource.GRANT,
        held.place,
        codes=codes,
        message=message,
        signed_by=held.signed_by,
        signed_at=datetime.fromtimestamp(held.grant.issued_at, timezone.utc),
        id=held.grant.id,
    )
