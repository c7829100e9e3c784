"""Signal × checks × use × policy × grant: what each comes to, as ``decisions.txt`` has it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from noai.claim import Claim, Permission, Profile, Use
from noai.codes import Code
from noai.combining import resolve
from noai.consent import Consent, Declared, Grant, Scope
from noai.consent.held import HeldGrant, Window
from noai.consent.lifting import lift
from noai.consent.statements import Named
from noai.policy import Admission, Policy
from noai.report import Check, Depth, Finding, Note, PermitProof, Report, SignalSource, SignedBy
from tests.signers import ESSENCE, NOW, NOW_SECONDS, marker

GENERATIVE, TRAINING = Use.GENERATIVE_TRAINING, Use.TRAINING
USES: Final = {
    "gen": (GENERATIVE,),
    "train": (TRAINING,),
    "both": (GENERATIVE, TRAINING),
    "mine": (Use.DATA_MINING,),
}
ALLOWED = dict.fromkeys(Use, Permission.ALLOWED)
SAID: Final = {
    **{profile.value: profile.uses for profile in Profile},
    "constrained": dict.fromkeys(Use, Permission.CONSTRAINED),
    "allow": ALLOWED,
    "deny": Profile.NO_AI.uses,
    "strange": {},
}
P, F, N, U = Check.PASS, Check.FAIL, Check.NOT_RUN, Check.UNKNOWN
MAY = PermitProof(entry_permits=True, fresh=True)
#: Signature, signer, binding and time, what a permission can lean on, and what else is said of it.
CHECKS: Final = {
    "ok": ((P, P, P, P), MAY, ()),
    "unknown": ((P, U, P, P), PermitProof(fresh=True), (Code.SIGNER_UNKNOWN,)),
    "untrusted": ((P, P, P, P), PermitProof(fresh=True), ()),
    "late": ((P, P, P, P), PermitProof(entry_permits=True), (Code.EXPIRED,)),
    "expired": ((P, F, P, F), MAY, (Code.SIGNER_EXPIRED,)),
    "spoiled": ((F, N, N, N), PermitProof(), (Code.SIGNATURE_INVALID,)),
    "moved": ((P, P, F, P), MAY, (Code.ESSENCE_MISMATCH,)),
}
FIRST, SECOND = SignedBy("k1", "artist"), SignedBy("k2", "label")
ASKING = "https://a.example"


def found(signal: str) -> Finding:
    source, _, rest = signal.partition(":")
    what, _, checks = rest.partition("/")
    if not checks:
        codes = (Code.UNKNOWN_VALUE,) if what == "strange" else ()
        return Finding(SignalSource(source), "a tag", SAID[what], codes=codes, value=what)
    (signature, signer, binding, time), permit, codes = CHECKS[checks]
    is_marker = source != "c2pa"
    if not is_marker and Code.ESSENCE_MISMATCH in codes:
        codes = (Code.C2PA_HASH_MISMATCH,)
    return Finding(
        SignalSource.MARKER if is_marker else SignalSource.C2PA,
        signal,
        SAID[what],
        signature,
        signer,
        binding,
        time,
        codes,
        signed_by=SECOND if source == "other" else FIRST,
        marker=marker(Claim(SAID[what]), id=f"urn:x:{source}", input_sha256=source) if is_marker else None,
        permit=permit,
    )


def held(granted: str) -> tuple[HeldGrant, ...]:
    if granted == "-":
        return ()
    by, to = SECOND if granted == "foreign" else FIRST, "b" if granted == "stranger" else ASKING
    uses = frozenset(USES.get(granted, USES["both"]))
    grant = Grant("urn:x:g", NOW_SECONDS, Scope(tracks=frozenset({ESSENCE})), to, uses, NOW_SECONDS, None)
    refusals = () if to == ASKING else (Code.GRANT_OTHER_LICENSEE,)
    window = Window(NOW_SECONDS, NOW_SECONDS, None, None)
    return (HeldGrant(Named("urn:x:g", "s"), "grants", by, window, refusals, ((),), grant),)


ROWS: Final = [
    tuple(column.strip() for column in line.split("|"))
    for line in Path(__file__).with_name("decisions.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def test_the_table_has_no_row_twice() -> None:
    assert len({row[:4] for row in ROWS}) == len(ROWS) >= 150


@pytest.mark.parametrize("row", ROWS, ids=" | ".join)
def test_every_combination_comes_to_what_is_written(row: tuple[str, ...]) -> None:
    what, asked, policy, granted, decision, admitted = row
    signals = [] if what == "none" else what.split(" + ")
    notes = tuple(Note(Code.TAG_UNREADABLE, "") for signal in signals if signal.startswith("note:"))
    findings = resolve([found(signal) for signal in signals if not signal.startswith("note:")], NOW)
    findings = lift(findings, Consent(Declared(ASKING), held(granted)), lambda: ESSENCE, NOW)
    report = Report("x", "mp3", 1, 1, Depth.EVIDENCE, findings, notes)
    verdict = Policy(USES[asked], Admission(policy)).decide(report)
    assert (verdict.decision.value, verdict.admitted) == (decision, admitted == "yes")
