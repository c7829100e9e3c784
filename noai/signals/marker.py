"""noai's own marker: reading every slot, then checking signature, signer, binding and time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Optional

from noai import certificates
from noai.claim import Permission
from noai.codes import Code
from noai.containers.interface import FieldRole, TagField
from noai.envelope import Token, parse, salvage
from noai.errors import TokenRefused
from noai.essence import Violation
from noai.limits import SIGNATURE_CHECKS, TOKENS_PER_FILE
from noai.marker import CLOCK_SKEW, Marker, is_flag
from noai.report import Check, Finding, PermitProof, SignalSource, SignedBy
from noai.signals.interface import Evidence
from noai.trust import SignerJudgement


class MarkerReader:
    """Reads the ``NOAI`` slots of a file that hold a token, or should."""

    source = SignalSource.MARKER

    def read(self, evidence: Evidence) -> Iterable[Finding]:
        slots = [
            slot for slot in evidence.area.fields if slot.role is FieldRole.MARKER and not is_flag(slot.value)
        ]
        # All slots are searched for reservations before any cryptography.
        read = [_read_slot(slot, position) for position, slot in enumerate(slots)]
        if not evidence.checks:
            return [finding for finding, _ in read]
        signed = list(_signed(read))
        if any(finding.signature is Check.PASS for finding, _ in signed):
            evidence.begin_essence()
        return _checked(signed, evidence)


#: What a slot says; with the token as long as there is something left to check.
_Slot = tuple[Finding, Optional[Token]]


def _read_slot(slot: TagField, position: int) -> _Slot:
    text = slot.value.strip()
    base = Finding(SignalSource.MARKER, slot.place, value=slot.value)
    try:
        if position >= TOKENS_PER_FILE:
            raise TokenRefused(Code.TOKEN_TOO_MANY, f"only {TOKENS_PER_FILE} tokens are checked")
        token = parse(text)
        marker = Marker.from_token(token)
    except TokenRefused as refusal:
        denied = salvage(text)
        return (
            replace(
                base,
                uses=denied,
                codes=(refusal.rule,),
                message=f"a marker that breaks the format: {refusal}",
            ),
            None,
        )
    subject = certificates.subject(token.chain[0])
    return (
        replace(
            base,
            uses=marker.claim.uses,
            codes=(Code.USE_UNKNOWN,) if marker.denies_unknown else (),
            message=_sentence(marker, subject),
            signed_by=SignedBy(token.kid, subject),
            signed_at=datetime.fromtimestamp(marker.issued_at, timezone.utc),
            id=marker.id,
            marker=marker,
        ),
        token,
    )


def _sentence(marker: Marker, subject: str) -> str:
    said = {
        permission: [use.value for use, p in marker.claim.uses.items() if p is permission]
        for permission in Permission
    }
    parts = [f"{p.value}: {', '.join(uses)}" for p, uses in said.items() if uses]
    return f"signed as {subject}: {'; '.join(parts)}"


def _signed(read: Iterable[_Slot]) -> Iterator[_Slot]:
    """1. Signature, by the key of x5c alone, which parse() matched with kid and alg."""
    budget = SIGNATURE_CHECKS
    for finding, token in read:
        if token is None or finding.marker is None:
            yield finding, None
            continue
        # A certificate in the chain costs one signature check, as does the token itself.
        budget -= len(token.chain)
        if budget < 0:
            yield replace(finding, codes=(*finding.codes, Code.SIGNATURE_CHECKS_EXHAUSTED)), None
        elif token.verifies():
            yield replace(finding, signature=Check.PASS), token
        else:
            codes = (*finding.codes, Code.SIGNATURE_INVALID)
            yield replace(finding, signature=Check.FAIL, codes=codes), None


def _checked(signed: Iterable[_Slot], evidence: Evidence) -> Iterator[Finding]:
    for finding, token in signed:
        if token is None or finding.marker is None:
            yield finding
        else:
            yield _check(finding, finding.marker, token, evidence)


def _check(finding: Finding, marker: Marker, token: Token, evidence: Evidence) -> Finding:
    """What remains to be checked where the signature is right."""
    # 2. Signer: the chain, at the judged time. No trusted timestamp exists in version 0.1.
    judgement = evidence.trust.judge(token.chain, evidence.now)
    # 3. Binding to the essence of this very file.
    binding, binding_codes = _binding(marker, evidence)
    # 4. Time.
    time, time_codes = _time(marker, judgement, evidence)
    entry_permits, in_scope = judgement.permits(token.kid, marker.claim.work.isrc)
    return replace(
        finding,
        signer=judgement.check,
        binding=binding,
        time=time,
        codes=(*finding.codes, *judgement.codes, *binding_codes, *time_codes),
        signed_by=SignedBy(
            token.kid,
            certificates.subject(token.chain[0]),
            judgement.name,
            judgement.identity(token.kid),
        ),
        permit=PermitProof(entry_permits, in_scope, marker.is_fresh(evidence.now.timestamp())),
    )


def _binding(marker: Marker, evidence: Evidence) -> tuple[Check, tuple[Code, ...]]:
    essence = evidence.essence
    if isinstance(essence, Violation):
        return Check.FAIL, (essence.code,)
    codes = [violation.code for violation in essence.violations]
    if essence.digest.scheme != marker.essence.scheme:
        codes.append(Code.SCHEME_MISMATCH)
    elif essence.digest != marker.essence:
        codes.append(Code.ESSENCE_MISMATCH)
    return (Check.FAIL if codes else Check.PASS), tuple(dict.fromkeys(codes))


def _time(marker: Marker, judgement: SignerJudgement, evidence: Evidence) -> tuple[Check, tuple[Code, ...]]:
    now = evidence.now.timestamp()
    codes = [Code.TIME_UNPROVEN]
    failed = Code.SIGNER_EXPIRED in judgement.codes
    if marker.issued_at > now + CLOCK_SKEW:
        codes.append(Code.ISSUED_IN_FUTURE)
        failed = True
    if marker.expires_at is not None and now >= marker.expires_at:
        codes.append(Code.EXPIRED)
    return (Check.FAIL if failed else Check.PASS), tuple(codes)
