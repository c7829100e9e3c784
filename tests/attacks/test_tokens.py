"""What somebody without the artist's key can do to a token: rejected or undecided, each with its own code.

Every attack is made twice: in the artist's marked file, and in a file that was never marked, so that no
statement, XMP or manifest helps.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from noai.certificates import der
from noai.claim import Claim, Permission, Superseded, Use
from noai.codes import Code
from noai.encoding import b64url, b64url_decode
from noai.envelope import parse, seal
from noai.marker import Marker
from noai.marking import mark
from noai.policy import Policy
from noai.report import Check, Depth
from noai.signing import KeySigner
from noai.trust import May, TrustList
from noai.verdict import Decision, Verdict
from noai.verifying import verify
from tests.manifests import live_signer
from tests.signers import NOW, NOW_SECONDS, ROOT, Cert, authority, forge, header, new_key, signer, trusting
from tests.tracks import each_track, plant, tokens, unmarked

ARTIST = signer()
STRANGER = signer(
    leaf=Cert("stranger", "es256-stranger"), root=authority("stranger root", "es256-stranger-root")
)
#: The verifier trusts the artist as far as it can, so that nothing below is refused for want of trust.
TRUST = trusting(ARTIST.chain, May.PERMIT)
BOTH = TrustList((*TRUST.entries, *trusting(STRANGER.chain, May.PERMIT).entries))
ALLOW_ALL = Claim(uses=dict.fromkeys(Use, Permission.ALLOWED))


def judge(data: bytes, trust: TrustList = TRUST) -> Verdict:
    return verify(data, trust=trust, now=NOW)


def codes(verdict: Verdict) -> set[Code]:
    found = {code for finding in verdict.signals for code in finding.codes}
    return found | {reason.code for reason in verdict.reasons}


def marked(track: str, claim: Claim | None = None) -> bytes:
    return mark(unmarked(track), signer=ARTIST, claim=claim, c2pa=False, now=NOW - timedelta(hours=1))


def spoiled(token: str, *, alg: str | None = None, payload: Callable[[str], str] = str) -> str:
    """``token`` with its ``alg`` or payload changed and its signature kept."""
    head, body, signature = token.split(".")
    if alg is not None:
        members = json.loads(b64url_decode(head))
        head = b64url(json.dumps({**members, "alg": alg}).encode())
    body = b64url(payload(b64url_decode(body).decode()).encode())
    return f"{head}.{body}.{signature}"


def swap(text: str) -> str:
    return text.replace('"notAllowed"', '"allowed"')


def hs256_with_the_public_key(token: str) -> str:
    signing_input = spoiled(token, alg="HS256", payload=swap).rpartition(".")[0]
    secret = der(ARTIST.chain[0])
    return f"{signing_input}.{b64url(hmac.new(secret, signing_input.encode(), hashlib.sha256).digest())}"


def with_chain_of_another(token: str) -> str:
    head, body, signature = token.split(".")
    members = json.loads(b64url_decode(head))
    members["x5c"] = [base64.b64encode(der(c)).decode() for c in STRANGER.chain]
    body = b64url(swap(b64url_decode(body).decode()).encode())
    return f"{b64url(json.dumps(members).encode())}.{body}.{signature}"


ATTACKS: dict[str, tuple[Callable[[str], str], Code]] = {
    "edit-one-payload-byte": (
        lambda t: spoiled(t, payload=lambda p: p.replace('"iat":1', '"iat":2', 1)),
        Code.SIGNATURE_INVALID,
    ),
    "swap-not-allowed-for-allowed": (lambda t: spoiled(t, payload=swap), Code.SIGNATURE_INVALID),
    "alg-none": (lambda t: spoiled(t, alg="none", payload=swap).rpartition(".")[0] + ".", Code.ALG_REFUSED),
    "hs256-with-the-public-key": (hs256_with_the_public_key, Code.ALG_REFUSED),
    "chain-that-does-not-match-kid": (with_chain_of_another, Code.KID_MISMATCH),
}


@pytest.mark.parametrize("attack", ATTACKS)
@each_track
def test_a_forged_token_in_the_marked_file(track: str, attack: str) -> None:
    forge_token, code = ATTACKS[attack]
    original = marked(track)
    (token,) = tokens(original)
    verdict = judge(plant(original, [forge_token(token)]))
    assert verdict.decision is Decision.REJECTED
    assert code in codes(verdict)


@pytest.mark.parametrize("attack", ATTACKS)
@each_track
def test_a_forged_token_in_a_file_that_was_never_marked(track: str, attack: str) -> None:
    forge_token, code = ATTACKS[attack]
    (token,) = tokens(marked(track))
    verdict = judge(plant(unmarked(track), [forge_token(token)]))
    assert verdict.decision in (Decision.REJECTED, Decision.UNDECIDED)
    assert not verdict.admitted
    assert code in codes(verdict)


@pytest.mark.parametrize("claim", [None, ALLOW_ALL], ids=["denial", "permission"])
@each_track
def test_a_marker_moved_onto_another_recording(track: str, claim: Claim | None) -> None:
    """A permission that was signed for one recording opens no other."""
    (token,) = tokens(marked(track, claim))
    other = "tune.flac" if track != "tune.flac" else "tune.wav"
    verdict = judge(plant(unmarked(other), [token]))
    assert verdict.decision is (Decision.REJECTED if claim is None else Decision.UNDECIDED)
    assert {Code.ESSENCE_MISMATCH, Code.SCHEME_MISMATCH} & codes(verdict)
    (finding,) = verdict.signals
    assert (finding.signature, finding.signer, finding.binding) == (Check.PASS, Check.PASS, Check.FAIL)


@each_track
def test_a_flipped_audio_byte(track: str) -> None:
    for claim, decision in ((None, Decision.REJECTED), (ALLOW_ALL, Decision.UNDECIDED)):
        data = bytearray(marked(track, claim))
        data[len(data) * 3 // 5] ^= 1
        verdict = judge(bytes(data))
        assert verdict.decision is decision
        binding = {finding.binding for finding in verdict.signals if finding.marker}
        assert binding == {Check.FAIL}


@each_track
def test_the_same_permission_untouched_is_allowed(track: str) -> None:
    """The witness of the tests above: without the attack the very same file is let in."""
    verdict = judge(marked(track, ALLOW_ALL))
    assert verdict.decision is Decision.ALLOWED
    assert verdict.reasons[0].code is Code.PERMITTED


@each_track
def test_a_valid_permission_by_an_unknown_key_counts_as_nothing(track: str) -> None:
    data = mark(unmarked(track), signer=STRANGER, claim=ALLOW_ALL, c2pa=False, now=NOW - timedelta(hours=1))
    verdict = judge(data)
    assert verdict.decision is Decision.UNRESERVED
    assert Code.PERMISSION_UNKNOWN_SIGNER in codes(verdict)


@each_track
def test_a_strangers_permission_beside_the_artists_denial(track: str) -> None:
    (theirs,) = tokens(mark(unmarked(track), signer=STRANGER, claim=ALLOW_ALL, c2pa=False, now=NOW))
    (mine,) = tokens(marked(track))
    for order in ([theirs, mine], [mine, theirs]):
        verdict = judge(plant(unmarked(track), order), BOTH)
        assert verdict.decision is Decision.REJECTED


def test_garbage_in_the_slot_is_never_nothing() -> None:
    for value in ("", "x", "no", "a.b.c", "0", "{}", "." * 20000):
        verdict = judge(plant(unmarked("tune.flac"), [value]))
        assert verdict.decision is Decision.UNDECIDED, value
        assert not verdict.admitted


def test_more_tokens_than_are_checked_are_still_searched_for_denials() -> None:
    allowing = [seal(_permission(f"urn:uuid:{i}").payload(), ARTIST) for i in range(9)]
    bare = unmarked("tune.flac")
    assert judge(plant(bare, allowing)).decision is Decision.UNDECIDED
    (denial,) = tokens(marked("tune.flac"))
    assert judge(plant(bare, [*allowing, denial])).decision is Decision.REJECTED


def test_signature_checks_are_bounded() -> None:
    """Long chains would otherwise buy forty signature checks with eight tokens."""
    middle = [authority(f"m{i}", f"es256-m{i}") for i in range(3)]
    chain = (
        Cert().issue(middle[0]),
        *(m.issue(n) for m, n in zip(middle, [*middle[1:], ROOT], strict=True)),
        ROOT.issue(),
    )
    long_chain = KeySigner(new_key("es256"), chain)
    values = [seal(_permission(f"urn:uuid:{i}").payload(), long_chain) for i in range(4)]
    verdict = judge(plant(unmarked("tune.flac"), values))
    assert Code.SIGNATURE_CHECKS_EXHAUSTED in codes(verdict)
    assert verdict.decision is Decision.UNDECIDED


def _permission(marker_id: str) -> Marker:
    (token,) = tokens(marked("tune.flac", ALLOW_ALL))
    return replace(Marker.from_token(parse(token)), id=marker_id)


# -- time and supersede ---------------------------------------------------------------------------


def test_a_marker_dated_in_the_future_permits_nothing() -> None:
    permission = replace(
        _permission("urn:uuid:1"), issued_at=NOW_SECONDS + 3600, expires_at=NOW_SECONDS + 7200
    )
    verdict = judge(plant(unmarked("tune.flac"), [seal(permission.payload(), ARTIST)]))
    assert verdict.decision is Decision.UNDECIDED
    assert Code.ISSUED_IN_FUTURE in codes(verdict)


def test_a_permission_that_lasts_for_ever_permits_nothing() -> None:
    for expires in (None, NOW_SECONDS + 91 * 86400):
        permission = replace(_permission("urn:uuid:1"), expires_at=expires)
        verdict = judge(plant(unmarked("tune.flac"), [seal(permission.payload(), ARTIST)]))
        assert verdict.decision is Decision.UNRESERVED
        assert Code.PERMISSION_STALE in codes(verdict)


def test_a_reservation_outlives_its_exp_and_its_signer() -> None:
    denying = replace(_permission("urn:uuid:1"), claim=Claim.from_profile(), expires_at=NOW_SECONDS - 1)
    data = plant(unmarked("tune.flac"), [seal(denying.payload(), ARTIST)])
    assert judge(data).decision is Decision.REJECTED
    later = verify(data, trust=TRUST, now=NOW + timedelta(days=20 * 365))
    assert later.decision is Decision.REJECTED
    assert Code.SIGNER_EXPIRED in codes(later)


def test_restoring_the_older_permission_beside_the_newer_denial() -> None:
    """The newer marker is the artist's last word; the older one, put back, opens nothing."""
    first = marked("tune.flac", ALLOW_ALL)
    second = mark(first, signer=ARTIST, c2pa=False, now=NOW)
    (old,), (new,) = tokens(first), tokens(second)
    for order in ([old, new], [new, old]):
        verdict = judge(plant(unmarked("tune.flac"), order))
        assert verdict.decision is Decision.REJECTED
        assert Code.SUPERSEDED in codes(verdict)


def test_the_artists_own_permission_replaces_the_older_denial() -> None:
    first = marked("tune.flac")
    second = mark(first, signer=ARTIST, claim=ALLOW_ALL, c2pa=False, now=NOW)
    assert judge(second).decision is Decision.ALLOWED
    (old,), (new,) = tokens(first), tokens(second)
    assert judge(plant(second, [new, old])).decision is Decision.ALLOWED


def test_a_strangers_marker_cannot_supersede_the_artists() -> None:
    old = Marker.from_token(parse(tokens(marked("tune.flac"))[0]))
    theirs = replace(
        _permission("urn:uuid:9"),
        issued_at=NOW_SECONDS,
        supersedes=(Superseded(old.id, old.input_sha256 or ""),),
    )
    values = [tokens(marked("tune.flac"))[0], seal(theirs.payload(), STRANGER)]
    assert judge(plant(unmarked("tune.flac"), values), BOTH).decision is Decision.REJECTED


def test_own_identities_never_open_a_track() -> None:
    """``noai keygen && noai mark --allow …`` by the ingest's own operator."""
    own = TrustList(own=trusting(STRANGER.chain).entries)
    data = mark(unmarked("tune.flac"), signer=STRANGER, claim=ALLOW_ALL, c2pa=False, now=NOW)
    verdict = judge(data, own)
    assert verdict.decision is Decision.UNRESERVED
    assert Code.PERMISSION_NOT_TRUSTED in codes(verdict)
    opt_in = Policy(admission="opt-in")  # type: ignore[arg-type]
    assert not verify(data, trust=own, now=NOW, policy=opt_in).admitted


def test_header_and_payload_rules_hold_inside_a_file_too() -> None:
    payload = _permission("urn:uuid:1").payload()
    for changes in ({"jwk": {}}, {"jku": "https://evil.example/"}, {"crit": ["b64"]}, {"typ": "JWT"}):
        token = forge(header(ARTIST.chain, **changes), payload, ARTIST.key)
        assert judge(plant(unmarked("tune.flac"), [token])).decision is Decision.UNDECIDED


def test_an_older_marker_put_back_over_a_newer_manifest() -> None:
    """The attacker strips marker and statement of the last marking and restores the first token."""
    live = live_signer()
    milder = mark(unmarked("tune.mp3"), signer=live, profile="no-generative", c2pa=False)
    newest = mark(milder, signer=live)
    attacked = plant(newest, tokens(milder))
    for trust in (TrustList(), trusting(live.chain), trusting(live.chain, May.PERMIT)):
        for depth in Depth:
            verdict = verify(attacked, trust=trust, depth=depth, policy=Policy(uses=(Use.TRAINING,)))
            assert verdict.decision is Decision.REJECTED


def test_a_denial_under_a_name_that_nobody_knows_is_no_silence() -> None:
    for name in ("CAWG.AI_TRAINING", "cawg.ai_training ", "c2pa.ai_training", "org.example.future"):
        payload = _permission("urn:uuid:1").payload()
        payload["uses"] = {**payload["uses"], name: "notAllowed"}  # type: ignore[dict-item]
        token = forge(header(ARTIST.chain), payload, ARTIST.key)
        verdict = judge(plant(unmarked("tune.flac"), [token]))
        assert verdict.decision is Decision.UNDECIDED
        assert Code.USE_UNKNOWN in codes(verdict)


def test_a_token_made_of_quotes_costs_no_time() -> None:
    """Strings that are never closed must not be looked at again from every quote in them."""
    payload = b'{"noai": 1, "x": "' + b'\\"' * 5500
    token = f"{b64url(json.dumps(header(ARTIST.chain)).encode())}.{b64url(payload)}.AAAA"
    assert judge(plant(unmarked("tune.flac"), [token])).decision is Decision.UNDECIDED


def test_contradictory_tokens_by_one_key_count_as_the_stricter() -> None:
    """Neither names the other, whichever is the younger: time alone orders nothing."""
    denial, permission = marked("tune.flac"), marked("tune.flac", ALLOW_ALL)
    later = mark(unmarked("tune.flac"), signer=ARTIST, claim=ALLOW_ALL, c2pa=False, now=NOW)
    for values in (tokens(denial) + tokens(permission), tokens(later) + tokens(denial)):
        verdict = judge(plant(unmarked("tune.flac"), values))
        assert verdict.decision is Decision.REJECTED
        assert Code.CONTRADICTION in codes(verdict)
