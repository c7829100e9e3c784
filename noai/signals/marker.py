"""noai's own marker: reading every slot, then checking signature, signer, binding and time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import chain
from typing import Optional

from noai import certificates, timestamps
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
        stamps = _timestamps(evidence)
        return chain(_checked(signed, stamps, evidence), _alone(signed, stamps, evidence))


_Stamps = tuple[timestamps.Timestamp, ...]
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


def _checked(signed: Iterable[_Slot], stamps: _Stamps, evidence: Evidence) -> Iterator[Finding]:
    for finding, token in signed:
        if token is None or finding.marker is None:
            yield finding
        else:
            yield _check(finding, finding.marker, token, stamps, evidence)


def _check(finding: Finding, marker: Marker, token: Token, stamps: _Stamps, evidence: Evidence) -> Finding:
    """What remains to be checked where the signature is right."""
    # 2. Signer: the chain, at the judged time, which is that of a trusted timestamp if there is one.
    anchors, now = evidence.trust.tsa_anchors, evidence.now
    dating = timestamps.date(_text(finding), marker.issued_at, stamps, anchors, now)
    judgement = evidence.trust.judge(token.chain, dating.at or now)
    # 3. Binding to the essence of this very file.
    binding, binding_codes = _binding(marker, evidence)
    # 4. Time.
    time, time_codes = _time(marker, judgement, dating, evidence)
    entry_permits, in_scope = judgement.permits(token.kid, marker.claim.work.isrc)
    seen = "" if dating.at is None else f"; timestamped {dating.at:%Y-%m-%dT%H:%M:%SZ}"
    return replace(
        finding,
        message=f"{finding.message}{seen}",
        signer=judgement.check,
        binding=binding,
        time=time,
        codes=(*finding.codes, *judgement.codes, *binding_codes, *time_codes),
        signed_by=judgement.signed_by(token.kid, certificates.subject(token.chain[0])),
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


def _time(
    marker: Marker, judgement: SignerJudgement, dating: timestamps.Dating, evidence: Evidence
) -> tuple[Check, tuple[Code, ...]]:
    now = evidence.now.timestamp()
    codes = list(dating.codes)
    failed = Code.SIGNER_EXPIRED in judgement.codes
    if marker.issued_at > now + CLOCK_SKEW:
        codes.append(Code.ISSUED_IN_FUTURE)
        failed = True
    if marker.expires_at is not None and now >= marker.expires_at:
        codes.append(Code.EXPIRED)
    return (Check.FAIL if failed else Check.PASS), tuple(codes)


def _text(finding: Finding) -> str:
    """The marker as it was signed."""
    return (finding.value or "").strip()


def _timestamps(evidence: Evidence) -> _Stamps:
    fields = evidence.area.fields
    return timestamps.read_values(field.value for field in fields if field.role is FieldRole.TIMESTAMP)


def _alone(signed: Sequence[_Slot], stamps: _Stamps, evidence: Evidence) -> Iterator[Finding]:
    """Timestamps that date no marker here. They say nothing, so they neither mark a file nor block it."""
    imprints = [timestamps.imprint(_text(finding)) for finding, _ in signed]
    strangers = [stamp for stamp in stamps if not any(imprint in stamp.data for imprint in imprints)]
    if strangers:
        place = next(f.place for f in evidence.area.fields if f.role is FieldRole.TIMESTAMP)
        message = f"{len(strangers)} of {len(stamps)} timestamps belong to no marker in this file"
        yield Finding(SignalSource.TAG, place, codes=(Code.TIMESTAMP_ALONE,), message=message)
