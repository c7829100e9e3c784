"""Both depths reach the same decision, whatever stands in a file's slots and whoever is trusted."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noai.claim import ALL_USES, Claim, Permission, Profile, Use
from noai.marking import mark
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.signing import KeySigner
from noai.trust import May, TrustList
from noai.verifying import Verifier
from tests.glances import mutations
from tests.signers import NOW, Cert, authority, signer, trusting
from tests.tracks import TRACKS, plant, tokens, unmarked

ARTIST = signer()
OTHER = signer(leaf=Cert("other", "es256-other"), root=authority("other", "es256-other-root"))
ALLOWING = Claim(uses=dict.fromkeys(Use, Permission.ALLOWED))
CLAIMS = (*(Claim.from_profile(profile) for profile in Profile), ALLOWING)
SIGNERS = (ARTIST, OTHER)


@cache
def history(which: int) -> list[str]:
    """Tokens of one signer that supersede one another, claim by claim."""
    data, found = unmarked("tune.flac"), []
    for age, claim in enumerate(reversed(CLAIMS)):
        data = mark(data, signer=SIGNERS[which], claim=claim, c2pa=False, now=NOW - timedelta(hours=9 - age))
        found += tokens(data)
    return found


@cache
def moved(which: int) -> list[str]:
    data = mark(unmarked("tune.opus"), signer=SIGNERS[which], claim=ALLOWING, c2pa=False, now=NOW)
    return tokens(data)


@cache
def bases() -> list[bytes]:
    """Files whose statements and XMP are already of some kind."""
    marked = [
        mark(unmarked(track), signer=signer_, claim=claim, c2pa=False, now=NOW - timedelta(hours=10))
        for track in ("tune.flac",)
        for signer_ in SIGNERS
        for claim in (CLAIMS[0], CLAIMS[2])
    ]
    return [unmarked("tune.flac"), *marked]


def pool() -> list[str]:
    valid = [*history(0), *history(1)]
    damaged = [token[:-4] + "AAAA" for token in valid[:4]] + [token + "=" for token in valid[:2]]
    return [*valid, *moved(0), *moved(1), *damaged, "1", "garbage"]


slots = st.lists(st.integers(0, 200), max_size=4)
trusts = st.sampled_from(
    [
        TrustList(),
        trusting(ARTIST.chain),
        trusting(ARTIST.chain, May.PERMIT),
        TrustList((*trusting(ARTIST.chain, May.PERMIT).entries, *trusting(OTHER.chain, May.PERMIT).entries)),
        TrustList(own=trusting(ARTIST.chain).entries),
    ]
)
policies = st.builds(
    Policy,
    st.lists(st.sampled_from(ALL_USES), min_size=1, max_size=3).map(tuple),
    st.sampled_from(Admission),
)


@settings(max_examples=300)
@given(st.integers(0, 4), st.booleans(), slots, trusts, policies)
def test_both_depths_decide_alike(
    base: int, keep: bool, drawn: list[int], trust: TrustList, policy: Policy
) -> None:
    choices = pool()
    values = [choices[number % len(choices)] for number in drawn]
    data = bases()[base]
    data = plant(data, [*(tokens(data) if keep else []), *values])
    deep = Verifier(policy, trust, NOW, Depth.EVIDENCE).verify(data)
    quick = Verifier(policy, trust, NOW, Depth.DECISION).verify(data)
    assert (quick.decision, quick.admitted) == (deep.decision, deep.admitted)


def test_the_pool_reaches_every_decision() -> None:
    """The property above says nothing if every drawn file is rejected."""
    assert isinstance(ARTIST, KeySigner)
    trust = trusting(ARTIST.chain, May.PERMIT)
    decisions = {
        Verifier(Policy(), trust, NOW).verify(plant(unmarked("tune.flac"), values)).decision.value
        for values in ([], [history(0)[0]], [history(0)[-1]], moved(0))
    }
    assert decisions == {"unreserved", "allowed", "rejected", "undecided"}


@cache
def files() -> list[bytes]:
    """Of every sample container: unmarked, marked by either signer, permitted, and with an opt-out tag."""
    found: list[bytes] = []
    for track in TRACKS:
        data = unmarked(track)
        for number, claim in enumerate((CLAIMS[0], ALLOWING)):
            found.append(
                mark(data, signer=SIGNERS[number], claim=claim, c2pa=False, now=NOW - timedelta(hours=1))
            )
        found += [data, plant(data, ["1"])]
    return found


@pytest.mark.parametrize(
    "trust", [TrustList(), trusting(OTHER.chain, May.PERMIT)], ids=["nobody", "who permits"]
)
def test_both_depths_decide_alike_on_damaged_files(trust: TrustList) -> None:
    decisions = set()
    for data in mutations(files(), 3_000, seed=4):
        deep = Verifier(Policy(), trust, NOW, Depth.EVIDENCE).verify(data)
        quick = Verifier(Policy(), trust, NOW, Depth.DECISION).verify(data)
        assert (quick.decision, quick.admitted) == (deep.decision, deep.admitted)
        decisions.add(deep.decision.value)
    allowed = {"allowed"} if trust.entries else set()
    assert decisions == {"unreserved", "rejected", "undecided"} | allowed
