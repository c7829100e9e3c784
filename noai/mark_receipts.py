"""Receipts of marking: a signed line a marked track, for whoever marked it to keep.

A receipt names essence and marker, so that its keeper can show later what was marked, when and by whom, also
where the mark was stripped (docs/format/mark-receipt-v1.md). It is a compact JWS by the rules of the marker's
envelope, with a ``typ`` of its own: neither can be replayed as the other.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from noai import certificates
from noai.claim import Superseded
from noai.codes import Code
from noai.encoding import Json, b64url
from noai.envelope import Token, identifier, parse, seal
from noai.errors import TokenRefused
from noai.essence import EssenceDigest
from noai.marker import CLOCK_SKEW, Marker, read_essence_member, read_instant
from noai.report import Check, SignedBy
from noai.signing import Signer
from noai.trust import TrustList

MARK_RECEIPT_TYPE: Final = "noai-mark+jws"
VERSION: Final = 1


@dataclass(frozen=True)
class MarkReceiptCheck:
    """How far each check of a receipt got. ``holds``: none failed, and the signer is known."""

    signature: Check
    signer: Check
    time: Check
    codes: tuple[Code, ...]
    signed_by: SignedBy

    @property
    def holds(self) -> bool:
        return all(check is Check.PASS for check in (self.signature, self.signer, self.time))


@dataclass(frozen=True)
class MarkReceipt:
    """What a receipt says. Nothing of it is proven before :meth:`check`."""

    id: str
    #: When the receipt was signed.
    issued_at: datetime
    #: The marker, by its id and the digest of its signing input.
    marker: Superseded
    #: The ``iat`` of the marker.
    marked_at: datetime
    essence: EssenceDigest
    token: Token

    def check(self, trust: TrustList, now: datetime) -> MarkReceiptCheck:
        """Whether this receipt was signed by somebody whom ``trust`` knows. Raises nothing."""
        # 1. Signature, by the key of x5c alone, which parse() matched with kid and alg.
        subject = certificates.subject(self.token.chain[0])
        if not self.token.verifies():
            claimed = SignedBy(self.token.kid, subject)
            codes = (Code.SIGNATURE_INVALID,)
            return MarkReceiptCheck(Check.FAIL, Check.NOT_RUN, Check.NOT_RUN, codes, claimed)
        # 2. Signer: the chain, now. A receipt has no timestamp; the marker that it names may have one.
        judgement = trust.judge(self.token.chain, now)
        # 3. Time.
        ahead = self.issued_at.timestamp() > now.timestamp() + CLOCK_SKEW
        late = Code.SIGNER_EXPIRED in judgement.codes
        return MarkReceiptCheck(
            Check.PASS,
            judgement.check,
            Check.FAIL if ahead or late else Check.PASS,
            (*judgement.codes, *((Code.ISSUED_IN_FUTURE,) if ahead else ())),
            judgement.signed_by(self.token.kid, subject),
        )


def make_mark_receipt(marker: Marker, signer: Signer, now: datetime) -> str:
    """A receipt of ``marker``, which has been signed, as a compact JWS in ASCII without a line break.

    Raises:
        SigningError: if the signer fails or its signature does not verify.
        TokenRefused: if its certificates leave no room in a token.
    """
    assert marker.input_sha256 is not None
    payload: dict[str, object] = {
        "noai_mark": VERSION,
        "id": f"urn:uuid:{uuid.uuid4()}",
        # Not before the marker, which may be dated behind the one that it replaces.
        "iat": max(int(now.timestamp()), marker.issued_at),
        "marker": {"id": marker.id, "sha256": marker.input_sha256, "iat": marker.issued_at},
        "essence": {
            "alg": marker.essence.alg,
            "scheme": marker.essence.scheme,
            "digest": b64url(marker.essence.digest),
        },
    }
    return seal(payload, signer, MARK_RECEIPT_TYPE)


def read_mark_receipt(text: str) -> MarkReceipt:
    """The receipt in a compact JWS; white space around it is ignored, and so are unknown members.

    Raises:
        TokenRefused: ``rule`` says which rule of the format is broken.
    """
    token = parse(text.strip(" \t\r\n"), MARK_RECEIPT_TYPE)
    payload = token.payload
    # ``true`` is not 1.
    if type(payload.get("noai_mark")) is not int or payload["noai_mark"] != VERSION:
        raise TokenRefused(Code.PAYLOAD_VERSION, f"noai_mark is not {VERSION}")
    named = payload.get("marker")
    if not isinstance(named, dict):
        raise TokenRefused(Code.PAYLOAD_MEMBERS, "marker is not an object")
    return MarkReceipt(
        id=identifier(payload.get("id"), "id"),
        issued_at=_moment(payload.get("iat")),
        marker=Superseded(identifier(named.get("id"), "id"), identifier(named.get("sha256"), "sha256")),
        marked_at=_moment(named.get("iat")),
        essence=read_essence_member(payload.get("essence")),
        token=token,
    )


def _moment(value: Json) -> datetime:
    return datetime.fromtimestamp(read_instant(value, "iat"), timezone.utc)
