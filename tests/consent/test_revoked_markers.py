"""Revoked markers: their identity takes them back, and nobody else."""

from __future__ import annotations

import pytest

from noai.codes import Code
from noai.consent import Ended, issuing
from noai.consent.statements import Named
from noai.envelope import parse
from noai.signing import KeySigner
from noai.trust import May, TrustList
from noai.verdict import Decision
from tests.consent.studio import (
    ARTIST,
    DAY,
    LABEL,
    SIBLING,
    TRACK,
    TRUST,
    Ingest,
    changed,
    codes,
    grant,
    marked,
)
from tests.signers import NOW, trusting
from tests.tracks import plant, tokens, unmarked


def taken_back(by: KeySigner = ARTIST, data: bytes | None = None, **members: object) -> str:
    (token,) = tokens(data or marked())
    opened = parse(token)
    named = Named(str(opened.payload["id"]), opened.input_sha256)
    return issuing.revoke(by, Ended.MARKER, named, members.pop("now", NOW))  # type: ignore[arg-type]


@pytest.mark.parametrize("c2pa", [False, True])
def test_a_revoked_marker_leaves_the_file_unreserved_at_best(c2pa: bool) -> None:
    data = marked(c2pa=c2pa)
    verdict = Ingest().judge(data, revocations=[taken_back(data=data)])
    assert verdict.decision is Decision.UNRESERVED
    assert Code.MARKER_REVOKED in codes(verdict)
    assert not verdict.uses


def test_a_grant_for_a_revoked_marker_allows_nothing() -> None:
    assert Ingest().judge(marked(), grant(), revocations=[taken_back()]).decision is Decision.UNRESERVED


@pytest.mark.parametrize("by", [LABEL, SIBLING])
def test_somebody_elses_revocation_takes_nothing_back(by: KeySigner) -> None:
    trust = TrustList((*trusting(LABEL.chain, *May).entries,))
    verdict = Ingest(trust=trust).judge(marked(), revocations=[taken_back(by)])
    assert verdict.decision is Decision.REJECTED
    assert Code.REVOCATION_REFUSED in codes(verdict)


def test_nobody_known_takes_nothing_back() -> None:
    verdict = Ingest(trust=TrustList()).judge(marked(), revocations=[taken_back()])
    assert verdict.decision is Decision.REJECTED
    assert Code.REVOCATION_REFUSED in codes(verdict)


@pytest.mark.parametrize("members", [{"x": 1}, {"noai_revocation": 2}])
def test_a_void_revocation_takes_nothing_back(members: dict[str, object]) -> None:
    void = changed(taken_back(), ARTIST, **members)
    assert Ingest().judge(marked(), revocations=[void]).decision is Decision.REJECTED


def test_one_from_the_future_takes_nothing_back_yet() -> None:
    later = taken_back(now=NOW + DAY)
    assert Ingest().judge(marked(), revocations=[later]).decision is Decision.REJECTED
    assert Ingest(now=NOW + DAY).judge(marked(), revocations=[later]).decision is Decision.UNRESERVED


def test_it_names_one_marker() -> None:
    other = taken_back(data=marked("tune.flac"))
    assert Ingest().judge(marked(), revocations=[other]).decision is Decision.REJECTED


def test_what_others_say_stands() -> None:
    both = plant(marked(), [*tokens(marked()), *tokens(marked(by=LABEL))])
    assert Ingest().judge(both, revocations=[taken_back()]).decision is Decision.REJECTED
    flagged = plant(marked(), [*tokens(marked()), "1"])
    assert Ingest().judge(flagged, revocations=[taken_back()]).decision is Decision.REJECTED


def test_a_marker_on_other_audio_cannot_be_taken_back() -> None:
    moved = plant(unmarked("tune.wav"), tokens(marked(TRACK)))
    assert Ingest(trust=TRUST).judge(moved, revocations=[taken_back()]).decision is Decision.REJECTED
