"""Who signed a receipt, and how far that holds: signature, signer and time, by one rule for every kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from noai import certificates
from noai.codes import Code
from noai.envelope import Token
from noai.marker import CLOCK_SKEW
from noai.report import Check, SignedBy
from noai.trust import TrustList


@dataclass(frozen=True)
class Attestation:
    """How far each check got. ``holds``: none failed, and the signer is known."""

    signature: Check
    signer: Check
    time: Check
    codes: tuple[Code, ...]
    signed_by: SignedBy

    @property
    def holds(self) -> bool:
        return all(check is Check.PASS for check in (self.signature, self.signer, self.time))


def attest(token: Token, issued_at: datetime, trust: TrustList, now: datetime) -> Attestation:
    """Whether ``token``, which says that it was issued then, was signed by somebody whom ``trust`` knows."""
    # 1. Signature, by the key of x5c alone, which parse() matched with kid and alg.
    subject = certificates.subject(token.chain[0])
    if not token.verifies():
        codes = (Code.SIGNATURE_INVALID,)
        return Attestation(Check.FAIL, Check.NOT_RUN, Check.NOT_RUN, codes, SignedBy(token.kid, subject))
    # 2. Signer: the chain, now. Receipts have no timestamp.
    judgement = trust.judge(token.chain, now)
    # 3. Time.
    ahead = issued_at.timestamp() > now.timestamp() + CLOCK_SKEW
    late = Code.SIGNER_EXPIRED in judgement.codes
    return Attestation(
        Check.PASS,
        judgement.check,
        Check.FAIL if ahead or late else Check.PASS,
        (*judgement.codes, *((Code.ISSUED_IN_FUTURE,) if ahead else ())),
        judgement.signed_by(token.kid, subject),
    )
