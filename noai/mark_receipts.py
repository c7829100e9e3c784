"""Receipts of marking: a signed line a marked track, for whoever marked it to keep.

A receipt names essence and marker, so that its keeper can show later what was marked, when and by whom, also
where the mark was stripped (docs/format/mark-receipt-v1.md). It is a compact JWS by the rules of the marker's
envelope, with a ``typ`` of its own: neither can be replayed as the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from noai.attestation import Attestation, attest
from noai.claim import Superseded
from noai.codes import Code
from noai.encoding import Json
from noai.envelope import Token, identifier, new_id, parse, require_version, seal
from noai.errors import TokenRefused
from noai.essence import EssenceDigest
from noai.marker import Marker, read_essence_member, read_instant
from noai.signing import Signer
from noai.trust import TrustList

MARK_RECEIPT_TYPE: Final = "noai-mark+jws"
VERSION: Final = 1


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

    def check(self, trust: TrustList, now: datetime) -> Attestation:
        """Whether this receipt was signed by somebody whom ``trust`` knows. Raises nothing.

        The marker that it names may have a timestamp; a receipt has none.
        """
        return attest(self.token, self.issued_at, trust, now)


def make_mark_receipt(marker: Marker, signer: Signer, now: datetime) -> str:
    """A receipt of ``marker``, which has been signed, as a compact JWS in ASCII without a line break.

    Raises:
        SigningError: if the signer fails or its signature does not verify.
        TokenRefused: if its certificates leave no room in a token.
    """
    assert marker.input_sha256 is not None
    payload: dict[str, object] = {
        "noai_mark": VERSION,
        "id": new_id(),
        # Not before the marker, which may be dated behind the one that it replaces.
        "iat": max(int(now.timestamp()), marker.issued_at),
        "marker": {"id": marker.id, "sha256": marker.input_sha256, "iat": marker.issued_at},
        "essence": marker.essence.members(),
    }
    return seal(payload, signer, MARK_RECEIPT_TYPE)


def read_mark_receipt(text: str) -> MarkReceipt:
    """The receipt in a compact JWS; white space around it is ignored, and so are unknown members.

    Raises:
        TokenRefused: ``rule`` says which rule of the format is broken.
    """
    token = parse(text.strip(" \t\r\n"), MARK_RECEIPT_TYPE)
    payload = token.payload
    require_version(payload, "noai_mark", VERSION)
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
