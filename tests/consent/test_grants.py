"""Grants: they open what they name, to whom they name, and nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from noai.claim import ALL_USES, Permission, Use
from noai.codes import Code
from noai.consent import Scope, StatusMemory
from noai.consent.statements import Kind
from noai.containers.interface import TagEdit
from noai.containers.registry import detect
from noai.envelope import parse
from noai.essence import EssenceDigest
from noai.policy import Admission
from noai.report import Check, SignalSource
from noai.sources import BytesSource
from noai.trust import Kind as TrustKind
from noai.trust import May, TrustEntry, TrustList
from noai.verdict import Decision
from tests.consent.studio import (
    ARTIST,
    BOTH,
    DAY,
    GENERATIVE,
    HOUR,
    ISRC,
    LABEL,
    OTHER_TRACK,
    SIBLING,
    STATUS_URL,
    TRACK,
    TRAINING,
    TRUST,
    A,
    B,
    Ingest,
    changed,
    codes,
    essence,
    grant,
    marked,
    on,
    revocation,
    status,
)  # fmt: skip
from tests.signers import NOW, NOW_SECONDS, trusting
from tests.tracks import TRACKS, plant, tokens, unmarked

REJECTED, ALLOWED, UNRESERVED = Decision.REJECTED, Decision.ALLOWED, Decision.UNRESERVED


def test_nobody_is_let_in_without_a_grant() -> None:
    verdict = Ingest().judge(marked())
    assert verdict.decision is REJECTED
    assert verdict.record()["licensee"] == "declared"


@pytest.mark.parametrize("track", TRACKS)
@pytest.mark.parametrize("c2pa", [False, True])
def test_a_grant_opens_the_track_to_its_licensee(track: str, c2pa: bool) -> None:
    data = marked(track, c2pa=c2pa)
    verdict = Ingest().judge(data, grant(scope=Scope(tracks=frozenset({essence(data)}))))
    assert verdict.decision is ALLOWED
    assert verdict.admitted
    (granted,) = [finding for finding in verdict.signals if finding.source is SignalSource.GRANT]
    assert set(granted.uses) == BOTH
    assert granted.signed_by is not None
    assert granted.signed_by.kid == parse(tokens(data)[0]).kid
    assert all(
        finding.granted == BOTH for finding in verdict.signals if finding.source is SignalSource.MARKER
    )


@pytest.mark.parametrize(
    "scope", [on(), on(TRACK, OTHER_TRACK), Scope(isrcs=frozenset({ISRC})), Scope(everything=True)]
)
@pytest.mark.parametrize("c2pa", [False, True])
def test_every_way_of_naming_the_track(scope: Scope, c2pa: bool) -> None:
    assert Ingest().judge(marked(c2pa=c2pa), grant(scope=scope)).decision is ALLOWED


def test_only_the_granted_use_is_opened() -> None:
    token = grant(uses={GENERATIVE})
    assert Ingest(uses=(GENERATIVE,)).judge(marked(), token).decision is ALLOWED
    for uses in ((GENERATIVE, TRAINING), (TRAINING,), (Use.DATA_MINING,)):
        verdict = Ingest(uses=uses).judge(marked(), token)
        assert verdict.decision is REJECTED
        assert verdict.uses[TRAINING] is Permission.NOT_ALLOWED
    assert {f"{use}" for use in ALL_USES} - {f"{GENERATIVE}"} == {
        f"{use}" for use, said in verdict.uses.items() if said.denies
    }


def test_opt_in_admits_what_is_granted_and_nothing_else() -> None:
    ingest = Ingest(admission=Admission.OPT_IN)
    assert ingest.judge(marked(), grant()).admitted
    assert not ingest.judge(marked(OTHER_TRACK), grant()).admitted
    assert not ingest.judge(unmarked(TRACK), grant()).admitted


def test_a_second_grant_adds_to_the_first() -> None:
    assert Ingest().judge(marked(), grant(uses={GENERATIVE}), grant(uses={TRAINING})).decision is ALLOWED


def trust_of(kind: TrustKind, *may: May, keys: tuple[str, ...] = ()) -> TrustList:
    return TrustList((TrustEntry(ARTIST.chain[-1], frozenset({May.IDENTIFY, *may}), kind, keys),))


AUTHORITY = trust_of(TrustKind.AUTHORITY, May.GRANT)
ARTIST_ONLY = trust_of(TrustKind.SINGLE_PARTY, May.GRANT, keys=(parse(tokens(marked())[0]).kid,))
OTHER = EssenceDigest("mp3/1", bytes(32))

#: What somebody who wants the track tries with a grant, who asks, and what the verdict must say of it.
ATTACKS: dict[str, tuple[Callable[[], list[str]], Ingest, Code]] = {
    "another licensee": (lambda: [grant()], Ingest(B), Code.GRANT_OTHER_LICENSEE),
    "a licensee that looks alike": (lambda: [grant()], Ingest(f"{A}/"), Code.GRANT_OTHER_LICENSEE),
    "another track": (lambda: [grant(scope=on(OTHER_TRACK))], Ingest(), Code.GRANT_OTHER_TRACK),
    "the scheme of another codec": (
        lambda: [grant(scope=Scope(tracks=frozenset({OTHER})))], Ingest(), Code.GRANT_OTHER_TRACK
    ),
    "another ISRC": (
        lambda: [grant(scope=Scope(isrcs=frozenset({"QZABC2600002"})))], Ingest(), Code.GRANT_OTHER_TRACK
    ),
    "a marker that is younger than the grant for all": (
        lambda: [grant(scope=Scope(everything=True), now=NOW - 2 * HOUR)], Ingest(), Code.GRANT_OTHER_TRACK
    ),
    "another use": (lambda: [grant(uses={Use.DATA_MINING})], Ingest(), Code.GRANT_OTHER_USE),
    "another model": (lambda: [grant(model="m/1")], Ingest(model="m/2"), Code.GRANT_OTHER_MODEL),
    "no model declared": (lambda: [grant(model="m/1")], Ingest(), Code.GRANT_OTHER_MODEL),
    "another territory": (
        lambda: [grant(territory="DE")], Ingest(territory="FR"), Code.GRANT_OTHER_TERRITORY
    ),
    "no territory declared": (lambda: [grant(territory="DE")], Ingest(), Code.GRANT_OTHER_TERRITORY),
    "before its start": (lambda: [grant(starts=NOW + DAY)], Ingest(), Code.GRANT_NOT_BEGUN),
    "at its end": (lambda: [grant(ends=NOW + DAY)], Ingest(now=NOW + DAY), Code.GRANT_ENDED),
    "after its end": (lambda: [grant(ends=NOW + DAY)], Ingest(now=NOW + 2 * DAY), Code.GRANT_ENDED),
    "after a month without a list": (lambda: [grant()], Ingest(now=NOW + 31 * DAY), Code.GRANT_ENDED),
    "longer than a month without a list": (
        lambda: [changed(grant(), ARTIST, until=NOW_SECONDS + 40 * 86_400)], Ingest(), Code.GRANT_TOO_LONG
    ),
    "begun late to last longer": (
        lambda: [changed(grant(), ARTIST, **{"from": NOW_SECONDS, "until": NOW_SECONDS + 30 * 86_400})],
        Ingest(),
        Code.GRANT_TOO_LONG,
    ),
    "no end and no list": (lambda: [changed(grant(), ARTIST, until=None)], Ingest(), Code.GRANT_TOO_LONG),
    "dated in the future": (lambda: [grant(now=NOW + HOUR)], Ingest(), Code.GRANT_IN_FUTURE),
    "its status list missing": (lambda: [grant(status_url=STATUS_URL)], Ingest(), Code.STATUS_MISSING),
    "by somebody else": (lambda: [grant(LABEL)], Ingest(), Code.GRANT_OTHER_IDENTITY),
    "by somebody else who may grant": (
        lambda: [grant(LABEL)],
        Ingest(trust=TrustList((*TRUST.entries[:1], *trusting(LABEL.chain, May.GRANT).entries))),
        Code.GRANT_OTHER_IDENTITY,
    ),
    "by a sibling key": (lambda: [grant(SIBLING)], Ingest(trust=AUTHORITY), Code.GRANT_OTHER_IDENTITY),
    "by a sibling key that the entry leaves out": (
        lambda: [grant(SIBLING)], Ingest(trust=ARTIST_ONLY), Code.GRANT_OTHER_IDENTITY
    ),
    "no trust entry": (lambda: [grant()], Ingest(trust=TrustList()), Code.GRANT_NOT_TRUSTED),
    "a trust entry that only identifies": (
        lambda: [grant()], Ingest(trust=trusting(ARTIST.chain)), Code.GRANT_NOT_TRUSTED
    ),
    "a trust entry that only permits": (
        lambda: [grant()], Ingest(trust=trusting(ARTIST.chain, May.PERMIT)), Code.GRANT_NOT_TRUSTED
    ),
    "the ingest's own identity": (
        lambda: [grant()],
        Ingest(trust=TrustList((), trusting(ARTIST.chain, May.GRANT).entries)),
        Code.GRANT_NOT_TRUSTED,
    ),
    "ISRCs that the entry leaves out": (
        lambda: [grant()],
        Ingest(trust=TrustList((TrustEntry(ARTIST.chain[-1], frozenset(May), isrc_prefixes=("FR",)),))),
        Code.GRANT_OUT_OF_SCOPE,
    ),
    "an unknown member": (lambda: [changed(grant(), ARTIST, but="Sundays")], Ingest(), Code.GRANT_MEMBER),
    "an unknown member of the scope": (
        lambda: [changed(grant(), ARTIST, scope={"all": True, "but": []})], Ingest(), Code.GRANT_MEMBER
    ),
    "a missing member": (lambda: [changed(grant(), ARTIST, territory=...)], Ingest(), Code.GRANT_MEMBER),
    "an unknown use": (lambda: [changed(grant(), ARTIST, uses=["cawg.all"])], Ingest(), Code.GRANT_MEMBER),
    "no use": (lambda: [changed(grant(), ARTIST, uses=[])], Ingest(), Code.GRANT_MEMBER),
    "an empty scope": (lambda: [changed(grant(), ARTIST, scope={"tracks": []})], Ingest(), Code.GRANT_MEMBER),
    "no scope": (lambda: [changed(grant(), ARTIST, scope={})], Ingest(), Code.GRANT_MEMBER),
    "all, but false": (lambda: [changed(grant(), ARTIST, scope={"all": False})], Ingest(), Code.GRANT_MEMBER),
    "another version": (lambda: [changed(grant(), ARTIST, noai_grant=2)], Ingest(), Code.GRANT_VERSION),
    "version true": (lambda: [changed(grant(), ARTIST, noai_grant=True)], Ingest(), Code.GRANT_VERSION),
    "an empty text as end": (lambda: [changed(grant(), ARTIST, until="")], Ingest(), Code.GRANT_MEMBER),
    "a signature cut off": (lambda: [grant()[:-9]], Ingest(), Code.GRANT_VOID),
    "another signature": (lambda: [_resigned(grant(), grant())], Ingest(), Code.GRANT_SIGNATURE),
    "its members changed": (lambda: [_spoiled()], Ingest(), Code.GRANT_SIGNATURE),
    "a marker in place of a grant": (lambda: tokens(marked()), Ingest(), Code.GRANT_VOID),
    "nonsense": (lambda: ["yes, please"], Ingest(), Code.GRANT_VOID),
}  # fmt: skip


def _resigned(token: str, other: str) -> str:
    return ".".join([*token.split(".")[:2], other.split(".")[2]])


def _spoiled() -> str:
    """A's payload under the signature that B's has."""
    head, body, _ = grant().split(".")
    return ".".join([head, body, grant(licensee=B).split(".")[2]])


@pytest.mark.parametrize("attack", ATTACKS)
def test_everybody_else_is_rejected_and_told_why(attack: str) -> None:
    make, ingest, code = ATTACKS[attack]
    verdict = ingest.judge(marked(), *make())
    assert verdict.decision is REJECTED
    assert code in codes(verdict)
    assert not ingest.judge(marked(c2pa=True), *make()).admitted


def test_one_that_is_void_does_not_take_others_along() -> None:
    assert Ingest().judge(marked(), "nonsense", changed(grant(), ARTIST, x=1), grant()).decision is ALLOWED


def test_void_statements_do_not_touch_files_without_a_marker() -> None:
    verdict = Ingest().judge(unmarked(TRACK), "nonsense", grant())
    assert verdict.decision is UNRESERVED
    assert not verdict.signals


# -- the file --------------------------------------------------------------------------------


def test_a_stripped_marker_leaves_nothing_to_grant() -> None:
    """Where nothing is left in the file it is unreserved, granted or not; never allowed."""
    assert Ingest().judge(unmarked(TRACK), grant()).decision is UNRESERVED
    without = plant(marked(), [])
    left = Ingest().judge(without, grant())
    assert left.decision is REJECTED  # the statement and XMP stand without their marker
    assert Code.COMPANION_ALONE in codes(left)


def test_other_audio_under_the_marker_is_not_granted() -> None:
    moved = plant(unmarked("tune.wav"), tokens(marked()))
    verdict = Ingest().judge(moved, grant(), grant(scope=Scope(everything=True)))
    assert verdict.decision is REJECTED
    assert {Code.GRANT_MARKER, Code.SCHEME_MISMATCH} <= codes(verdict)


def test_a_spoiled_marker_is_not_granted() -> None:
    (token,) = tokens(marked())
    verdict = Ingest().judge(plant(marked(), [token[:-4] + "AAAA"]), grant())
    assert verdict.decision is REJECTED


def test_foreign_reservations_stand() -> None:
    both = plant(marked(), [*tokens(marked()), *tokens(marked(by=LABEL))])
    verdict = Ingest().judge(both, grant())
    assert verdict.decision is REJECTED
    assert verdict.uses[GENERATIVE] is Permission.NOT_ALLOWED
    granted = {f.signed_by.subject: f.granted for f in verdict.signals if f.marker and f.signed_by}
    assert granted == {"leaf": BOTH, "label": frozenset()}


def test_a_foreign_flag_stands() -> None:
    (token,) = tokens(marked())
    assert Ingest().judge(plant(marked(), [token, "1"]), grant()).decision is REJECTED


def test_native_tags_do_not_say_the_isrc() -> None:
    """Only the ISRC inside the signed marker counts: anybody can write the other one."""
    unnamed = marked(isrc=None)
    verdict = Ingest().judge(unnamed, grant(scope=Scope(isrcs=frozenset({ISRC}))))
    assert verdict.decision is REJECTED
    assert Code.GRANT_OTHER_TRACK in codes(verdict)


# -- ends ------------------------------------------------------------------------------------


def test_a_revocation_ends_a_grant_for_everybody() -> None:
    token = grant()
    verdict = Ingest().judge(marked(), token, revocations=[revocation(token)])
    assert verdict.decision is REJECTED
    assert Code.GRANT_REVOKED in codes(verdict)


def test_a_revocation_by_somebody_else_ends_nothing() -> None:
    token = grant()
    for by in (LABEL, SIBLING):
        consent = {"revocations": [revocation(token, by)]}
        assert Ingest(trust=AUTHORITY).judge(marked(), token, **consent).decision is ALLOWED


def test_a_revocation_names_the_grant_it_ends() -> None:
    assert Ingest().judge(marked(), grant(), revocations=[revocation(grant())]).decision is ALLOWED


@pytest.mark.parametrize("members", [{"x": 1}, {"noai_revocation": 2}, {"iat": None}])
def test_a_void_revocation_leaves_what_it_names_in_doubt(members: dict[str, Any]) -> None:
    token = grant()
    void = changed(revocation(token), ARTIST, **members)
    verdict = Ingest().judge(marked(), token, revocations=[void])
    assert verdict.decision is REJECTED
    assert Code.GRANT_REVOKED in codes(verdict)
    assert Ingest().judge(marked(), grant(), revocations=[void]).decision is ALLOWED


def test_a_grant_with_a_list_lasts_as_long_as_the_list_is_fresh() -> None:
    token = grant(status_url=STATUS_URL)
    for later in (0 * DAY, 3 * DAY):
        ingest = Ingest(now=NOW + later)
        assert ingest.judge(marked(), token, statuses=[status()]).decision is ALLOWED
    year = status(sequence=9, now=NOW + 365 * DAY - HOUR)
    assert Ingest(now=NOW + 365 * DAY).judge(marked(), token, statuses=[year]).decision is ALLOWED


def listed(**changes: Any) -> str:
    return grant(status_url=STATUS_URL, **changes)


def test_a_list_that_ends_the_grant() -> None:
    token = listed()
    verdict = Ingest().judge(marked(), token, statuses=[status(token)])
    assert verdict.decision is REJECTED
    assert Code.GRANT_REVOKED in codes(verdict)


def test_what_ended_once_never_comes_back() -> None:
    token = listed()
    verdict = Ingest().judge(marked(), token, statuses=[status(token), status(sequence=2)])
    assert verdict.decision is REJECTED
    assert Code.GRANT_REVOKED in codes(verdict)


def test_a_stale_list() -> None:
    ingest = Ingest(now=NOW + 8 * DAY)
    verdict = ingest.judge(marked(), listed(), statuses=[status()])
    assert verdict.decision is REJECTED
    assert Code.STATUS_STALE in codes(verdict)


@pytest.mark.parametrize("by", [LABEL, SIBLING])
def test_somebody_elses_list_is_none(by: Any) -> None:
    forged = changed(status(by=by), by, list=json_of(listed())["status_list"]["id"])
    verdict = Ingest(trust=AUTHORITY).judge(marked(), listed(), statuses=[forged])
    assert verdict.decision is REJECTED
    assert Code.STATUS_MISSING in codes(verdict)


def test_an_older_list_than_was_seen_before() -> None:
    memory, token = StatusMemory(), listed()
    assert Ingest().judge(marked(), token, statuses=[status(sequence=5)], memory=memory).decision is ALLOWED
    assert Ingest().judge(marked(), token, statuses=[status(sequence=5)], memory=StatusMemory()).admitted
    verdict = Ingest().judge(marked(), token, statuses=[status(sequence=4)], memory=memory)
    assert verdict.decision is REJECTED
    assert Code.STATUS_ROLLBACK in codes(verdict)


def test_two_lists_of_one_number() -> None:
    memory, token = StatusMemory(), listed()
    Ingest().judge(marked(), token, statuses=[status()], memory=memory)
    other = status(grant())
    assert Code.STATUS_ROLLBACK in codes(Ingest().judge(marked(), token, statuses=[other], memory=memory))


def test_a_list_from_the_future() -> None:
    verdict = Ingest().judge(marked(), listed(), statuses=[status(now=NOW + DAY)])
    assert verdict.decision is REJECTED
    assert Code.GRANT_IN_FUTURE in codes(verdict)


def test_clocks_may_differ_by_five_minutes() -> None:
    soon = NOW + HOUR / 13
    assert Ingest().judge(marked(), grant(now=soon, starts=NOW - HOUR)).decision is ALLOWED


def json_of(token: str) -> dict[str, Any]:
    payload: dict[str, Any] = dict(parse(token, Kind.GRANT.value).payload)
    return json.loads(json.dumps(payload))


def test_edits_keep_grants_in_force() -> None:
    """What is granted is the recording, however it is tagged."""
    file = io.BytesIO(marked())
    edit = TagEdit(markers=tuple(tokens(marked())), statement="noai:AbCdEfGhIjKlMnOpQrStUv No.")
    detect(BytesSource(marked())).container.write_tags(file, edit)
    verdict = Ingest().judge(file.getvalue(), grant())
    assert verdict.decision is REJECTED  # a statement that no marker lists is somebody else's
    assert any(f.binding is Check.PASS and f.granted == BOTH for f in verdict.signals)
