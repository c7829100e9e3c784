"""How far the checks of an active manifest get, from what the C2PA library says and our own judgement.

The library is believed about signatures, and about the hashes of what is in the store. Whom to trust, and
whether a certificate is valid at the judged time, is decided here: it judges by the wall clock, and says
``claimSignature.insideValidity`` of expired certificates too. So is the binding to the file, which it
is never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509

from noai import certificates
from noai.c2pa_json import TRUST_URI, UNBOUND, UNTRUSTED, Status, ValidationFacts
from noai.codes import Code
from noai.errors import KeyFileError
from noai.jumbf import Manifest
from noai.report import Check, PermitProof, SignedBy
from noai.signals._c2pa_binding import Binding
from noai.signals.interface import Evidence

_VALIDATED: Final = "claimSignature.validated"
_EXPIRED: Final = "signingCredential.expired"
_HASHED_URI_MATCH: Final = "assertion.hashedURI.match"
#: Failures that are judged here.
_TOLERATED: Final = UNBOUND | {UNTRUSTED, _EXPIRED}


@dataclass(frozen=True)
class Checks:
    """The checks of one manifest and what goes with them into its findings."""

    signature: Check = Check.NOT_RUN
    signer: Check = Check.NOT_RUN
    binding: Check = Check.NOT_RUN
    time: Check = Check.NOT_RUN
    codes: tuple[Code, ...] = ()
    signed_by: SignedBy | None = None
    #: For permissions among the created assertions.
    permit: PermitProof = field(default_factory=PermitProof)
    #: Why something could not be checked.
    message: str = ""


def claimed_signer(manifest: Manifest) -> SignedBy | None:
    """Whom the certificate of a manifest names; nothing is verified."""
    try:
        leaf = certificates.load_der(manifest.chain[0])
        return SignedBy(certificates.thumbprint(leaf), certificates.subject(leaf))
    except (IndexError, KeyFileError):
        return None


def check_active(
    manifest: Manifest, facts: ValidationFacts, evidence: Evidence, check_binding: Callable[[], Binding]
) -> Checks:
    """The checks of the active manifest; ``check_binding`` is called if its signature holds."""
    chain = _certificates(manifest.chain)
    signed_by = claimed_signer(manifest)
    # 1. Signature: over the claim, and through it over every assertion that the claim names.
    if not chain or signed_by is None or not _signature_holds(manifest, facts, chain[0]):
        return Checks(signature=Check.FAIL, codes=(Code.C2PA_INVALID,), signed_by=signed_by)
    # 2. Signer: the chain, by our own trust list, at the judged time.
    judgement = evidence.trust.judge(chain, evidence.now)
    # 3. Binding to the bytes of this very file.
    binding = check_binding()
    # 4. Time.
    expired = Code.SIGNER_EXPIRED in judgement.codes
    # 5. What came before: an earlier manifest that was altered could have held a denial.
    broken = {status.code for status in facts.ingredient_failure} - _TOLERATED
    entry_permits, in_scope = judgement.permits(signed_by.kid, None)
    return Checks(
        signature=Check.PASS,
        signer=judgement.check,
        binding=binding.check,
        time=Check.FAIL if expired else Check.PASS,
        codes=(*judgement.codes, *binding.codes, *((Code.C2PA_INVALID,) if broken else ())),
        signed_by=judgement.signed_by(signed_by.kid, signed_by.subject),
        permit=PermitProof(entry_permits, in_scope, fresh=True),
        message=binding.message,
    )


def _certificates(chain: Sequence[bytes]) -> tuple[x509.Certificate, ...]:
    """The whole chain, or nothing where a part of it cannot be read."""
    try:
        return tuple(certificates.load_der(certificate) for certificate in chain)
    except KeyFileError:
        return ()


def _signature_holds(manifest: Manifest, facts: ValidationFacts, leaf: x509.Certificate) -> bool:
    # By our own reading. The library finds claim and signature by other means than we do, and tells of the
    # certificate no more than its serial number: without this, it could judge others than those we show.
    if manifest.signature is None or not manifest.signature.covers(manifest.claim_data, leaf):
        return False
    # What the library judged is what our reader read: same manifest, same certificate.
    if facts.active_label != manifest.label or facts.serial != leaf.serial_number:
        return False
    if facts.trust_uri not in (None, TRUST_URI):
        return False
    if {status.code for status in facts.failure} - _TOLERATED:
        return False
    own = f"/c2pa/{manifest.label}/"
    validated = any(status.code == _VALIDATED and own in status.url for status in facts.success)
    matched = {_label(status) for status in facts.success if status.code == _HASHED_URI_MATCH}
    return validated and matched.issuperset(manifest.claim.named)


def _label(status: Status) -> str:
    return status.url.rsplit("/", 1)[-1]
