"""Delegations: somebody else's key grants in the artist's name, as far as it was told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from noai.codes import Code
from noai.consent import Ended, Scope, StatusMemory, issuing
from noai.consent.statements import Kind
from noai.report import SignalSource
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
    B,
    Ingest,
    changed,
    codes,
    grant,
    marked,
    name_of,
    on,
    revocation,
    status,
)  # fmt: skip
from tests.signers import NOW, thumbprint, trusting

KID = thumbprint(LABEL.chain[0])


def delegation(**changes: Any) -> str:
    options: dict[str, Any] = {"to": KID, "uses": BOTH, "scope": on(), "now": NOW - HOUR, **changes}
    return issuing.delegate(changes.pop("by", ARTIST), **{k: v for k, v in options.items() if k != "by"})


@pytest.mark.parametrize(
    "scope", [on(), on(TRACK, OTHER_TRACK), Scope(isrcs=frozenset({ISRC})), Scope(everything=True)]
)
@pytest.mark.parametrize("c2pa", [False, True])
def test_a_delegate_grants_in_the_artists_name(scope: Scope, c2pa: bool) -> None:
    verdict = Ingest().judge(marked(c2pa=c2pa), delegation(scope=scope), grant(LABEL))
    assert verdict.decision is Decision.ALLOWED
    (granted,) = [finding for finding in verdict.signals if finding.source is SignalSource.GRANT]
    assert granted.codes == (Code.DELEGATED,)


def test_the_delegate_need_not_be_known() -> None:
    trust = trusting(ARTIST.chain, May.GRANT)
    assert Ingest(trust=trust).judge(marked(), delegation(), grant(LABEL)).decision is Decision.ALLOWED


ATTACKS: dict[str, tuple[Callable[[], list[str]], Ingest, Code]] = {
    "no delegation": (lambda: [grant(LABEL)], Ingest(), Code.GRANT_OTHER_IDENTITY),
    "to another key": (
        lambda: [delegation(to=thumbprint(SIBLING.chain[0])), grant(LABEL)],
        Ingest(),
        Code.GRANT_OTHER_IDENTITY,
    ),
    "by the delegate itself": (
        lambda: [delegation(by=LABEL), grant(LABEL)], Ingest(), Code.GRANT_OTHER_IDENTITY
    ),
    "by somebody who may not grant": (
        lambda: [delegation(), grant(LABEL)], Ingest(trust=trusting(ARTIST.chain)), Code.GRANT_NOT_TRUSTED
    ),
    "the delegate alone may grant": (
        lambda: [delegation(), grant(LABEL)],
        Ingest(
            trust=TrustList(
                (*trusting(ARTIST.chain).entries, *trusting(LABEL.chain, May.GRANT).entries)
            )
        ),
        Code.GRANT_NOT_TRUSTED,
    ),
    "more uses than delegated": (
        lambda: [delegation(uses={GENERATIVE}), grant(LABEL)], Ingest(), Code.DELEGATION_REFUSED
    ),
    "another track than delegated": (
        lambda: [delegation(scope=on(OTHER_TRACK)), grant(LABEL)], Ingest(), Code.DELEGATION_REFUSED
    ),
    "after its end": (
        lambda: [delegation(ends=NOW + DAY), grant(LABEL)], Ingest(now=NOW + DAY), Code.GRANT_ENDED
    ),
    "before its start": (
        lambda: [delegation(starts=NOW + DAY), grant(LABEL)], Ingest(), Code.GRANT_NOT_BEGUN
    ),
    "an unknown member": (
        lambda: [changed(delegation(), ARTIST, x=1), grant(LABEL)], Ingest(), Code.GRANT_OTHER_IDENTITY
    ),
    "an unknown type": (
        lambda: [changed(delegation(), ARTIST, types=["grant", "mark"]), grant(LABEL)],
        Ingest(),
        Code.GRANT_MEMBER,
    ),
    "without its status list": (
        lambda: [delegation(status_url=STATUS_URL), grant(LABEL)], Ingest(), Code.STATUS_MISSING
    ),
    "a grant for another licensee": (
        lambda: [delegation(), grant(LABEL, licensee=B)], Ingest(), Code.GRANT_OTHER_LICENSEE
    ),
    "a grant for another track": (
        lambda: [delegation(scope=Scope(everything=True)), grant(LABEL, scope=on(OTHER_TRACK))],
        Ingest(),
        Code.GRANT_OTHER_TRACK,
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_not_delegated_is_not_granted(attack: str) -> None:
    make, ingest, code = ATTACKS[attack]
    verdict = ingest.judge(marked(), *make())
    assert verdict.decision is Decision.REJECTED
    assert code in codes(verdict)


def test_the_artist_ends_what_was_granted_in_its_name() -> None:
    token = grant(LABEL)
    for by in (ARTIST, LABEL):
        verdict = Ingest().judge(marked(), delegation(), token, revocations=[revocation(token, by)])
        assert verdict.decision is Decision.REJECTED
        assert Code.GRANT_REVOKED in codes(verdict)


def test_a_revoked_delegation_ends_every_grant_under_it() -> None:
    above = delegation()
    ended = issuing.revoke(ARTIST, Ended.DELEGATION, name_of(above, Kind.DELEGATION), NOW)
    verdict = Ingest().judge(marked(), above, grant(LABEL), revocations=[ended])
    assert verdict.decision is Decision.REJECTED
    assert Code.GRANT_REVOKED in codes(verdict)


def test_a_delegation_with_a_status_list() -> None:
    above = delegation(status_url=STATUS_URL)
    assert Ingest().judge(marked(), above, grant(LABEL), statuses=[status()]).decision is Decision.ALLOWED
    ended = issuing.status_list(ARTIST, [name_of(above, Kind.DELEGATION)], 2, NOW)
    verdict = Ingest().judge(marked(), above, grant(LABEL), statuses=[ended], memory=StatusMemory())
    assert verdict.decision is Decision.REJECTED


def test_a_delegate_delegates_nothing_further() -> None:
    further = delegation(by=LABEL, to=thumbprint(SIBLING.chain[0]), scope=Scope(everything=True))
    only = TrustEntry(ARTIST.chain[-1], frozenset(May), keys=(thumbprint(ARTIST.chain[0]),))
    verdict = Ingest(trust=TrustList((only,))).judge(marked(), delegation(), further, grant(SIBLING))
    assert verdict.decision is Decision.REJECTED
