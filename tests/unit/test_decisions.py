"""Combining and policy: the decision rules, on facts that are written down, without any file."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from noai.claim import ALL_USES, Claim, Permission, Profile, Use
from noai.codes import Code
from noai.combining import resolve
from noai.errors import UsageError
from noai.essence import EssenceDigest
from noai.marker import PERMISSION_LIFETIME, companion
from noai.policy import Admission, Policy
from noai.report import Check, Depth, Finding, Note, PermitProof, Report, SignalSource, SignedBy
from noai.verdict import Decision
from tests.signers import NOW, NOW_SECONDS, marker

P, F, N, U = Check.PASS, Check.FAIL, Check.NOT_RUN, Check.UNKNOWN
ALLOW = Permission.ALLOWED
DENY = Permission.NOT_ALLOWED
TRAINING = {Use.GENERATIVE_TRAINING: ALLOW, Use.TRAINING: ALLOW}
MAY = PermitProof(entry_permits=True, in_scope=True, fresh=True)


def found(uses=None, *, checks=(P, P, P, P), source=SignalSource.MARKER, **more) -> Finding:  # type: ignore[no-untyped-def]
    signature, signer, binding, time = checks
    more.setdefault("signed_by", SignedBy("k1", "artist"))
    return Finding(
        source, "place", uses or {}, signature, signer, binding, time, permit=more.pop("permit", MAY), **more
    )


def decide(*findings: Finding, notes: tuple[Note, ...] = (), error: Note | None = None, **policy) -> Decision:  # type: ignore[no-untyped-def]
    report = Report("x", "mp3", 1, 1, Depth.EVIDENCE, resolve(findings, NOW), notes, error)
    return Policy(**policy).decide(report).decision


def test_nothing_found_is_unreserved() -> None:
    assert decide() is Decision.UNRESERVED


def test_a_proven_permission_allows() -> None:
    assert decide(found(TRAINING)) is Decision.ALLOWED


def test_an_empty_policy_is_refused() -> None:
    with pytest.raises(UsageError):
        Policy(uses=())


def test_uses_outside_the_five_are_refused() -> None:
    with pytest.raises(UsageError):
        Policy(uses=("cawg.everything",))  # type: ignore[arg-type]


@pytest.mark.parametrize("checks", [(P, P, P, P), (F, N, N, N), (P, U, P, P), (P, F, F, F), (N, N, N, N)])
def test_denial_needs_no_trust(checks: tuple[Check, ...]) -> None:
    assert decide(found({Use.TRAINING: DENY}, checks=checks)) is Decision.REJECTED


def test_constrained_denies() -> None:
    assert decide(found({Use.TRAINING: Permission.CONSTRAINED})) is Decision.REJECTED


def test_a_denial_of_another_use_does_not_reject() -> None:
    assert decide(found({Use.DATA_MINING: DENY})) is Decision.UNRESERVED
    assert decide(found({Use.DATA_MINING: DENY}), uses=(Use.DATA_MINING,)) is Decision.REJECTED


def test_an_unstated_use_is_never_allowed() -> None:
    assert decide(found({Use.TRAINING: ALLOW})) is Decision.UNRESERVED
    assert decide(found({Use.TRAINING: ALLOW}), uses=(Use.TRAINING,)) is Decision.ALLOWED


@pytest.mark.parametrize(
    ("finding", "reason"),
    [
        (found(TRAINING, checks=(P, U, P, P)), Code.PERMISSION_UNKNOWN_SIGNER),
        (found(TRAINING, permit=replace(MAY, entry_permits=False)), Code.PERMISSION_NOT_TRUSTED),
        (found(TRAINING, permit=replace(MAY, in_scope=False)), Code.PERMISSION_OUT_OF_SCOPE),
        (found(TRAINING, permit=replace(MAY, fresh=False)), Code.PERMISSION_STALE),
        (
            found(TRAINING, source=SignalSource.XMP, checks=(N, N, N, N), signed_by=None),
            Code.PERMISSION_UNPROVEN,
        ),
    ],
)
def test_a_permission_that_is_not_proven_counts_as_nothing(finding: Finding, reason: Code) -> None:
    report = Report("x", "mp3", 1, 1, Depth.EVIDENCE, resolve([finding], NOW))
    verdict = Policy().decide(report)
    assert verdict.decision is Decision.UNRESERVED
    assert reason in {r.code for r in verdict.reasons}
    assert verdict.uses == {}


@pytest.mark.parametrize("code", [c for c in Code if c.blocks])
def test_every_blocking_code_forbids_admission(code: Code) -> None:
    assert decide(found(codes=(code,))) is Decision.UNDECIDED
    assert decide(found(TRAINING), notes=(Note(code, ""),)) is Decision.UNDECIDED
    assert decide(error=Note(code, "")) is Decision.UNDECIDED


def test_rejection_comes_before_doubt() -> None:
    note = Note(Code.LIMIT_EXCEEDED, "")
    assert decide(found({Use.TRAINING: DENY}), notes=(note,)) is Decision.REJECTED


@pytest.mark.parametrize(
    ("admission", "admitted"),
    [
        (Admission.OPT_OUT, {Decision.ALLOWED, Decision.UNRESERVED}),
        (Admission.OPT_IN, {Decision.ALLOWED}),
    ],
)
def test_admission(admission: Admission, admitted: set[Decision]) -> None:
    assert {decision for decision in Decision if admission.admits(decision)} == admitted


def test_a_verdict_is_true_exactly_when_admitted() -> None:
    empty = Report("x", "mp3", 1, 1, Depth.EVIDENCE)
    assert Policy().decide(empty)
    assert not Policy(admission=Admission.OPT_IN).decide(empty)


def test_the_strictest_statement_wins() -> None:
    assert decide(found(TRAINING), found({Use.TRAINING: DENY}, signed_by=SignedBy("k2"))) is Decision.REJECTED


# -- supersede -------------------------------------------------------------------------------

OLD = marker(issued_at=NOW_SECONDS - 100, id="urn:uuid:old", input_sha256="old-digest")
ALLOWING = Claim(uses=TRAINING)
NEW = marker(
    ALLOWING,
    issued_at=NOW_SECONDS - 50,
    id="urn:uuid:new",
    input_sha256="new-digest",
    expires_at=NOW_SECONDS + 1000,
    supersedes=(),
)


def as_finding(m, **more) -> Finding:  # type: ignore[no-untyped-def]
    return found(m.claim.uses, marker=m, id=m.id, **more)


def naming(old_id: str = "urn:uuid:old", sha256: str = "old-digest", **changes):  # type: ignore[no-untyped-def]
    from noai.claim import Superseded

    return replace(NEW, supersedes=(Superseded(old_id, sha256),), **changes)


def test_a_marker_that_keeps_the_rule_replaces_the_older_one() -> None:
    assert decide(as_finding(OLD), as_finding(naming())) is Decision.ALLOWED


@pytest.mark.parametrize(
    "checks", [(F, P, P, P), (P, F, P, P), (P, U, P, P), (P, P, F, P), (P, P, P, F), (N, N, N, N)]
)
def test_a_marker_whose_checks_fail_replaces_nothing(checks: tuple[Check, ...]) -> None:
    assert decide(as_finding(OLD), as_finding(naming(), checks=checks)) is Decision.REJECTED


@pytest.mark.parametrize(
    "new",
    [
        NEW,  # names nothing: iat alone orders nothing
        naming("urn:uuid:other"),
        naming(sha256="another-digest"),
        naming(issued_at=OLD.issued_at),
        naming(issued_at=OLD.issued_at - 1),
        naming(issued_at=NOW_SECONDS + 301),
        naming(essence=EssenceDigest("mp3/1", bytes(32))),
        naming(essence=EssenceDigest("aac/1", OLD.essence.digest)),
    ],
    ids=[
        "unnamed",
        "other-id",
        "other-digest",
        "same-iat",
        "earlier",
        "future",
        "other-essence",
        "other-scheme",
    ],
)
def test_both_stand_where_the_rule_is_not_kept(new) -> None:  # type: ignore[no-untyped-def]
    assert decide(as_finding(OLD), as_finding(new)) is Decision.REJECTED


def test_another_identity_replaces_nothing() -> None:
    thief = as_finding(naming(), signed_by=SignedBy("k2", "thief"))
    resolved = resolve([as_finding(OLD), thief], NOW)
    assert not resolved[0].lifted
    assert Code.SUPERSEDE_REFUSED in resolved[1].codes


def test_keys_grouped_by_a_single_party_are_one_identity() -> None:
    old = as_finding(OLD, signed_by=SignedBy("k1", identities=frozenset({"label"})))
    new = as_finding(naming(), signed_by=SignedBy("k2", identities=frozenset({"label"})))
    assert decide(old, new) is Decision.ALLOWED


def test_a_restored_older_marker_stays_replaced() -> None:
    assert decide(as_finding(naming()), as_finding(OLD), as_finding(OLD)) is Decision.ALLOWED


def test_contradicting_markers_are_a_finding() -> None:
    resolved = resolve([as_finding(OLD), as_finding(NEW)], NOW)
    assert all(Code.CONTRADICTION in finding.codes for finding in resolved)


# -- companions ------------------------------------------------------------------------------


def unsigned(source: SignalSource, value: str, *denies: Use) -> Finding:
    uses = dict.fromkeys(denies or ALL_USES, DENY)
    return found(uses, source=source, value=value, checks=(N, N, N, N), signed_by=None)


def test_a_listed_statement_speaks_through_its_marker() -> None:
    m = marker(companions=(companion("statement", "noai:x wording"),))
    (_, statement) = resolve([as_finding(m), unsigned(SignalSource.STATEMENT, "noai:x wording")], NOW)
    assert statement.lifted
    assert Code.COMPANION in statement.codes


@pytest.mark.parametrize("source", [SignalSource.XMP, SignalSource.STATEMENT])
def test_a_marker_cannot_list_away_what_it_does_not_say_itself(source: SignalSource) -> None:
    """Whoever may permit, or is an own identity, would otherwise lift anybody's statement."""
    listed = (companion(source.value, "DMI-PROHIBITED"),)
    theirs = unsigned(source, "DMI-PROHIBITED")
    assert decide(as_finding(marker(ALLOWING, companions=listed)), theirs) is Decision.REJECTED
    little = marker(Claim(uses={Use.DATA_MINING: DENY}), companions=listed)
    assert decide(as_finding(little), theirs) is Decision.REJECTED


def test_a_replaced_marker_lists_nothing_away() -> None:
    """Deny and list, then supersede: the same attack in two steps."""
    listing = replace(OLD, companions=(companion("xmp", "DMI-PROHIBITED"),))
    theirs = unsigned(SignalSource.XMP, "DMI-PROHIBITED")
    assert decide(as_finding(listing), as_finding(naming()), theirs) is Decision.REJECTED


@pytest.mark.parametrize("value", ["noai:x other wording", "noai:y wording"])
def test_an_altered_or_orphaned_statement_is_a_reservation_of_its_own(value: str) -> None:
    m = marker(ALLOWING, companions=(companion("statement", "noai:x wording"),))
    statement = found({Use.TRAINING: DENY}, source=SignalSource.STATEMENT, value=value, checks=(N, N, N, N))
    (_, resolved) = resolve([as_finding(m), statement], NOW)
    assert Code.COMPANION_ALONE in resolved.codes
    assert decide(as_finding(m), statement) is Decision.REJECTED


@pytest.mark.parametrize("checks", [(P, U, P, P), (F, N, N, N), (P, P, F, P)])
def test_a_marker_by_anybody_cannot_lift_somebodys_statement(checks: tuple[Check, ...]) -> None:
    m = marker(ALLOWING, companions=(companion("xmp", "DMI-PROHIBITED"),))
    xmp = found({Use.TRAINING: DENY}, source=SignalSource.XMP, value="DMI-PROHIBITED", checks=(N, N, N, N))
    assert decide(as_finding(m, checks=checks), xmp) is Decision.REJECTED


# -- C2PA --------------------------------------------------------------------------------------


def manifest(uses=None, *codes: Code, checks=(P, P, F, P), kid: str = "k1") -> Finding:  # type: ignore[no-untyped-def]
    return found(uses, source=SignalSource.C2PA, checks=checks, codes=codes, signed_by=SignedBy(kid))


def test_a_stale_manifest_beside_its_signers_marker_is_harmless() -> None:
    stale = manifest({Use.DATA_MINING: DENY}, Code.C2PA_HASH_MISMATCH)
    mine = as_finding(marker(Claim(uses={Use.DATA_MINING: DENY})))
    assert decide(mine, stale) is Decision.UNRESERVED
    assert Code.C2PA_STALE in resolve([mine, stale], NOW)[1].codes


def test_an_older_milder_marker_does_not_speak_for_a_newer_manifest() -> None:
    """Put back by anybody, it would otherwise lift the artist's last word."""
    newer = manifest(dict.fromkeys(ALL_USES, DENY), Code.C2PA_HASH_MISMATCH)
    for older in (Claim(uses={Use.DATA_MINING: DENY}), ALLOWING):
        assert decide(as_finding(marker(older)), newer) is Decision.REJECTED


def test_a_gathered_assertion_is_not_its_signers_to_lift() -> None:
    gathered = manifest({}, Code.C2PA_HASH_MISMATCH, Code.C2PA_GATHERED)
    assert decide(as_finding(marker(Claim(uses={Use.DATA_MINING: DENY}))), gathered) is Decision.UNDECIDED


def test_an_ingredients_denial_stands_beside_its_own_signers_permission_too() -> None:
    """Whose certificate stands in an ingredient is only claimed."""
    earlier = manifest({Use.TRAINING: DENY}, Code.C2PA_INGREDIENT, checks=(N, N, N, N))
    assert decide(as_finding(marker(ALLOWING)), earlier) is Decision.REJECTED


@pytest.mark.parametrize(
    "stale",
    [
        manifest({}, Code.C2PA_HASH_MISMATCH, kid="k2"),
        manifest({}, Code.C2PA_HASH_MISMATCH, checks=(F, P, F, P)),
        manifest({}, Code.C2PA_HASH_MISMATCH, checks=(P, F, F, P)),
        manifest({}, Code.C2PA_HASH_MISMATCH, checks=(P, P, F, F)),
        manifest({}, Code.C2PA_HASH_MISMATCH, Code.C2PA_INVALID),
    ],
    ids=["other-key", "signature", "signer", "time", "invalid-otherwise"],
)
def test_any_other_broken_manifest_forbids_admission(stale: Finding) -> None:
    assert decide(as_finding(marker(Claim(uses={Use.DATA_MINING: DENY}))), stale) is Decision.UNDECIDED


def test_a_stale_manifest_without_a_marker_keeps_its_denial() -> None:
    assert decide(manifest({Use.TRAINING: DENY}, Code.C2PA_HASH_MISMATCH)) is Decision.REJECTED


def test_an_ingredients_denial_stands_against_anybody_elses_permission() -> None:
    ingredient = manifest({Use.TRAINING: DENY}, Code.C2PA_INGREDIENT, checks=(N, N, N, N), kid="artist")
    active = manifest(TRAINING, checks=(P, P, P, P), kid="launderer")
    assert decide(ingredient, active) is Decision.REJECTED


# -- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires", "fresh"),
    [
        (None, False),
        (NOW_SECONDS + 1, True),
        (NOW_SECONDS, False),
        (NOW_SECONDS - 60 + PERMISSION_LIFETIME, True),
        (NOW_SECONDS - 60 + PERMISSION_LIFETIME + 1, False),
    ],
)
def test_a_permission_is_fresh_for_at_most_90_days(expires: int | None, fresh: bool) -> None:
    assert marker(ALLOWING, expires_at=expires).is_fresh(NOW_SECONDS) is fresh


def test_profiles_deny_what_the_design_says() -> None:
    assert Profile.NO_AI.denied == set(Use)
    assert Profile.NO_TRAINING.denied == {Use.GENERATIVE_TRAINING, Use.TRAINING, Use.VOICE_LIKENESS}
    assert Profile.NO_GENERATIVE.denied == {Use.GENERATIVE_TRAINING, Use.VOICE_LIKENESS}


def test_the_record_has_the_fixed_members() -> None:
    report = Report("a\\b\udcff.mp3", "mp3", 1, 2, Depth.EVIDENCE, resolve([as_finding(OLD)], NOW))
    record = Policy().decide(report).record()
    assert list(record)[:16] == [
        "schema",
        "path",
        "member",
        "container",
        "size",
        "mtime_ns",
        "noai",
        "depth",
        "policy",
        "decision",
        "admitted",
        "marked",
        "requested",
        "uses",
        "reasons",
        "signals",
    ]
    assert record["path"] == "a\\\\b\\xff.mp3"
    assert record["decision"] == "rejected"
    assert record["marked"] is True
    assert record["signals"][0]["signed_by"]["kid"] == "k1"  # type: ignore[index]


def test_the_clock_of_the_tests_is_fixed() -> None:
    assert datetime(2026, 6, 1, 12, tzinfo=timezone.utc) == NOW
