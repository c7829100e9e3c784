"""The verification receipt: a signed statement of what a run was asked, and what it came to.

A receipt names the run's output by its digest, so that whoever keeps both can show later what was
checked, with which noai, against which trust list, and when (docs/format/receipt-v1.md). It is a compact
JWS by the rules of the marker's envelope, with a ``typ`` of its own: neither can be replayed as the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from noai import certificates
from noai._version import __version__
from noai.attestation import Attestation, attest
from noai.claim import Use
from noai.codes import Code
from noai.corpus._receipt_members import (
    Consulted,
    FileDigest,
    Listed,
    as_consulted,
    as_count,
    as_digest,
    as_instant,
    as_listed,
    as_object,
    as_sha256,
    as_strings,
    as_word,
)
from noai.corpus.tallying import Tally
from noai.encoding import json_bytes
from noai.envelope import Token, identifier, new_id, parse, require_version, seal
from noai.errors import TokenRefused
from noai.policy import Admission, Policy
from noai.report import Check, Depth
from noai.signing import Signer
from noai.trust import TrustList
from noai.verdict import Decision

__all__ = [
    "RECEIPT_TYPE",
    "Consulted",
    "FileDigest",
    "Listed",
    "Receipt",
    "ReceiptCheck",
    "Run",
    "make_receipt",
    "read_receipt",
    "trust_digest",
]

RECEIPT_TYPE: Final = "noai-receipt+jws"
VERSION: Final = 1


@dataclass(frozen=True)
class Run:
    """What a finished run was asked, and what it came to."""

    #: Paths as they were given on the command line.
    paths: Sequence[str]
    policy: Policy
    depth: Depth
    trust: TrustList
    started: datetime
    finished: datetime
    tally: Tally
    #: The format of the output, as ``--format`` names it.
    format: str
    #: The whole output; ``FileDigest.of(path)`` once it is closed.
    output: FileDigest
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    #: The list behind ``--files-from``, every byte of it as it was read.
    files_from: FileDigest | None = None
    #: Whether archives were looked into.
    archives: bool = True
    #: None if it was made for nobody in particular.
    consent: Consulted | None = None


@dataclass(frozen=True)
class ReceiptCheck(Attestation):
    """How far each check of a receipt got.

    ``output`` is ``not_run`` where no output was given to compare. ``holds`` says that nothing failed
    and that the signer is known: a receipt by somebody unknown proves nothing to its reader.
    """

    output: Check
    #: Of the output that was compared.
    found: FileDigest | None = None

    @property
    def holds(self) -> bool:
        return super().holds and self.output in (Check.PASS, Check.NOT_RUN)


@dataclass(frozen=True)
class Receipt:
    """What a receipt says. Nothing of it is proven before :meth:`check`."""

    id: str
    issued_at: datetime
    #: The version of noai that ran.
    noai: str
    started: datetime
    finished: datetime
    uses: tuple[Use, ...]
    policy: Admission
    depth: Depth
    trust_sha256: str
    consent: Consulted | None
    paths: Listed
    include: Listed
    exclude: Listed
    files_from: FileDigest | None
    records: int
    decisions: dict[Decision, int]
    admitted: int
    skipped: int
    unreadable: int
    format: str
    output: FileDigest
    token: Token

    @property
    def claimed_signer(self) -> str:
        """What the certificate claims; not proven, not escaped."""
        return certificates.subject(self.token.chain[0])

    def check(self, output: str | None, trust: TrustList, now: datetime) -> ReceiptCheck:
        """Whether this receipt was signed by somebody whom ``trust`` knows, and is about ``output``.

        Raises:
            SourceError: if ``output`` cannot be read.
        """
        # 1. The output: compared whatever the signature says, so that each difference is told.
        found = None if output is None else FileDigest.of(output)
        same = Check.NOT_RUN if found is None else Check.PASS if found == self.output else Check.FAIL
        # 2. Who signed it.
        attested = attest(self.token, self.issued_at, trust, now)
        return ReceiptCheck(**vars(attested), output=same, found=found)


def make_receipt(run: Run, signer: Signer) -> str:
    """A receipt of ``run`` as a compact JWS, in ASCII, without a line break.

    Raises:
        SigningError: if the signer fails or its signature does not verify.
        TokenRefused: if its certificates leave no room in a token.
    """
    started = int(run.started.timestamp())
    # A clock that was set back meanwhile must not cost the receipt.
    finished = max(started, int(run.finished.timestamp()))
    tally = run.tally
    payload: dict[str, object] = {
        "noai_receipt": VERSION,
        "id": new_id(),
        "iat": finished,
        "noai": __version__,
        "started": started,
        "finished": finished,
        "question": {
            "uses": [use.value for use in run.policy.uses],
            "policy": run.policy.admission.value,
            "depth": run.depth.value,
            "trust_sha256": trust_digest(run.trust),
            "consent": None if run.consent is None else run.consent.members(),
        },
        "input": {
            "paths": Listed.of(run.paths).members(),
            "include": Listed.of(run.include).members(),
            "exclude": Listed.of(run.exclude).members(),
            "files_from": None if run.files_from is None else run.files_from.members(),
            "archives": run.archives,
        },
        "counts": {
            "records": tally.records,
            **{decision.value: tally.decisions[decision] for decision in Decision},
            "admitted": tally.admitted,
            "skipped": tally.skipped,
            "unreadable": tally.records - tally.readable,
        },
        "output": {"format": run.format, **run.output.members()},
    }
    return seal(payload, signer, RECEIPT_TYPE)


def read_receipt(text: str) -> Receipt:
    """The receipt in a compact JWS; white space around it is ignored, and so are unknown members.

    Raises:
        TokenRefused: ``rule`` says which rule of the format is broken.
    """
    token = parse(text.strip(" \t\r\n"), RECEIPT_TYPE)
    payload = token.payload
    require_version(payload, "noai_receipt", VERSION)
    question, given = as_object(payload.get("question"), "question"), as_object(payload.get("input"), "input")
    counts, output = as_object(payload.get("counts"), "counts"), as_object(payload.get("output"), "output")
    uses = tuple(as_word(use, Use, "uses") for use in as_strings(question.get("uses"), "uses"))
    if not uses:
        raise TokenRefused(Code.USES_EMPTY, "uses is empty")
    listed = given.get("files_from")
    receipt = Receipt(
        id=identifier(payload.get("id"), "id"),
        issued_at=as_instant(payload.get("iat"), "iat"),
        noai=identifier(payload.get("noai"), "noai"),
        started=as_instant(payload.get("started"), "started"),
        finished=as_instant(payload.get("finished"), "finished"),
        uses=uses,
        policy=as_word(question.get("policy"), Admission, "policy"),
        depth=as_word(question.get("depth"), Depth, "depth"),
        trust_sha256=as_sha256(question.get("trust_sha256"), "trust_sha256"),
        consent=as_consulted(question.get("consent")),
        paths=as_listed(given.get("paths"), "paths"),
        include=as_listed(given.get("include"), "include"),
        exclude=as_listed(given.get("exclude"), "exclude"),
        files_from=None if listed is None else as_digest(as_object(listed, "files_from"), "files_from"),
        records=as_count(counts.get("records"), "records"),
        decisions={decision: as_count(counts.get(decision.value), decision.value) for decision in Decision},
        admitted=as_count(counts.get("admitted"), "admitted"),
        skipped=as_count(counts.get("skipped"), "skipped"),
        unreadable=as_count(counts.get("unreadable"), "unreadable"),
        format=identifier(output.get("format"), "format"),
        output=as_digest(output, "output"),
        token=token,
    )
    if not receipt.started <= receipt.finished <= receipt.issued_at:
        raise TokenRefused(Code.PAYLOAD_MEMBERS, "the times are not in order")
    if sum(receipt.decisions.values()) != receipt.records:
        raise TokenRefused(Code.PAYLOAD_MEMBERS, "the decisions do not add up to the records")
    return receipt


def trust_digest(trust: TrustList) -> str:
    """SHA-256, hex, over what a trust list says; the same for the same entries in any order."""
    entries: list[dict[str, object]] = [
        {
            "isrc_prefixes": sorted(entry.isrc_prefixes),
            "keys": sorted(entry.keys),
            "kind": entry.kind.value,
            "may": sorted(may.value for may in entry.may),
            "own": own,
            "sha256": entry.fingerprint,
        }
        for own, group in ((False, trust.entries), (True, trust.own))
        for entry in group
    ]
    entries += [
        {"kind": "timestamp-authority", "sha256": certificates.fingerprint(anchor)}
        for anchor in trust.tsa_anchors
    ]
    lines = sorted(json_bytes(entry) + b"\n" for entry in entries)
    return hashlib.sha256(b"".join(lines)).hexdigest()
