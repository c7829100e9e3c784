"""Where somebody tries to keep an end from being heard, or to open more than was said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from noai.claim import Claim, Permission, Superseded, Use, Work
from noai.codes import Code
from noai.consent import Declared, Ended, Line, Scope, StatusMemory, issuing, judge
from noai.consent.statements import Kind, Named
from noai.encoding import b64url
from noai.envelope import parse, seal
from noai.errors import ConsentError, UsageError
from noai.marker import Marker
from noai.marking import mark
from noai.policy import Policy
from noai.report import Depth
from noai.signing import KeySigner
from noai.trust import Kind as TrustKind
from noai.trust import May, TrustEntry, TrustList
from noai.verdict import Decision
from noai.verifying import Verifier
from tests.consent.studio import (
    ARTIST,
    BOTH,
    DAY,
    HOUR,
    ISRC,
    LABEL,
    SIBLING,
    STATUS_URL,
    TRACK,
    TRUST,
    A,
    B,
    Ingest,
    changed,
    codes,
    essence,
    grant,
    marked,
    name_of,
    on,
    revocation,
    status,
)  # fmt: skip
from tests.signers import NOW, NOW_SECONDS, ROOT, Cert, thumbprint, trusting
from tests.tracks import plant, tokens, unmarked

REJECTED, ALLOWED, UNRESERVED = Decision.REJECTED, Decision.ALLOWED, Decision.UNRESERVED
PERMITTING = TrustList((*trusting(ARTIST.chain, May.GRANT, May.PERMIT).entries,))
ALLOWING = replace(Claim(dict.fromkeys(Use, Permission.ALLOWED)), work=Work(isrc=ISRC))
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"><plus:DataMining>'
    b"http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED</plus:DataMining></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def named(token: str) -> Named:
    opened = parse(token)
    return Named(str(opened.payload["id"]), opened.input_sha256)


def taken_back(token: str, by: KeySigner = ARTIST, **changes: Any) -> str:
    return issuing.revoke(by, Ended.MARKER, named(token), changes.get("now", NOW))


def flipped(token: str) -> str:
    """The same statement with another signature."""
    return token[:-6] + ("B" if token[-6] != "B" else "C") + token[-5:]


# -- companions ------------------------------------------------------------------------------


def test_a_sidecar_that_says_the_same_is_somebody_elses(tmp_path: Path) -> None:
    track = tmp_path / "a.mp3"
    track.write_bytes(marked())
    (token,) = tokens(marked())
    for held in ({"grants": [grant()]}, {"revocations": [taken_back(token)]}):
        consent = Ingest().consent(**held)
        verifier = Verifier(Policy(), TRUST, NOW, consent=consent)
        assert verifier.verify(track).decision in (ALLOWED, UNRESERVED)
        (tmp_path / "a.xmp").write_bytes(XMP)
        for depth in Depth:
            assert replace(verifier, depth=depth).verify(track).decision is REJECTED
        (tmp_path / "a.xmp").unlink()


# -- revoked permissions ---------------------------------------------------------------------


@pytest.mark.parametrize("track", ["tune.mp3", "tune.wav", "tune.flac"])
@pytest.mark.parametrize("c2pa", [False, True])
def test_a_revoked_permission_permits_nothing(track: str, c2pa: bool) -> None:
    data = mark(unmarked(track), signer=ARTIST, claim=ALLOWING, c2pa=c2pa, now=NOW - HOUR)
    (token,) = tokens(data)
    ingest = Ingest(trust=PERMITTING)
    assert ingest.judge(data).decision is ALLOWED
    expired = KeySigner(ARTIST.key, (Cert("leaf", "es256", end=NOW - HOUR / 2).issue(ROOT), ROOT.issue()))
    for ended in (
        taken_back(token),
        taken_back(token, by=expired),
        taken_back(token, now=NOW + HOUR),
        changed(taken_back(token), ARTIST, noai_revocation=2),
        flipped(taken_back(token)),
    ):
        assert ingest.judge(data, revocations=[ended]).decision is UNRESERVED
    assert ingest.judge(data, revocations=[taken_back(token, LABEL)]).decision is ALLOWED


def sealed(claim: Claim, iat: int, **more: Any) -> str:
    marker = Marker(issuing.new_id(), iat, essence(unmarked(TRACK)), claim, **more)
    return seal(marker.payload(), ARTIST)


def test_a_revoked_marker_replaces_none() -> None:
    """The older denial stands again: whoever takes back a permission has not said anything else."""
    old = sealed(replace(Claim.from_profile(), work=Work(isrc=ISRC)), NOW_SECONDS - 7200)
    names = named(old)
    new = sealed(
        ALLOWING,
        NOW_SECONDS - 3600,
        expires_at=NOW_SECONDS + 86_400,
        supersedes=(Superseded(names.id, names.sha256),),
    )
    both = plant(unmarked(TRACK), [old, new])
    ingest = Ingest(trust=PERMITTING)
    assert ingest.judge(both).decision is ALLOWED
    assert ingest.judge(both, revocations=[taken_back(new)]).decision is REJECTED


# -- ends that somebody damaged --------------------------------------------------------------


def test_a_damaged_signature_leaves_an_end_in_doubt() -> None:
    token = grant()
    assert Ingest().judge(marked(), token, revocations=[flipped(revocation(token))]).decision is REJECTED
    token = grant(status_url=STATUS_URL)
    lists = [status(sequence=4), flipped(status(token, sequence=5))]
    assert Ingest().judge(marked(), token, statuses=lists).decision is REJECTED


@pytest.mark.parametrize("spelling", ["urn\\u003a", "urn:"])
def test_however_a_void_end_spells_what_it_names(spelling: str) -> None:
    token = grant()
    head, body, signature = revocation(token).split(".")
    payload = json.loads(_plain(body)) | {"x": 1}
    text = json.dumps(payload).replace("urn:", spelling)
    void = ".".join([head, b64url(text.encode()), signature])
    assert Ingest().judge(marked(), token, revocations=[void]).decision is REJECTED


def test_a_void_end_that_names_by_digest_alone() -> None:
    token = grant()
    ends = {"what": "grant", "sha256": name_of(token).sha256}
    void = changed_raw(revocation(token), ends=ends)
    assert Ingest().judge(marked(), token, revocations=[void]).decision is REJECTED


def test_a_void_list_leaves_everything_under_it_in_doubt() -> None:
    token = grant(status_url=STATUS_URL)
    void = changed_raw(status(sequence=5), seq="five")
    lists = [status(sequence=4), void]
    assert Ingest().judge(marked(), token, statuses=lists).decision is REJECTED


def _plain(part: str) -> bytes:
    from noai.encoding import b64url_decode

    return b64url_decode(part)


def changed_raw(token: str, **members: Any) -> str:
    """A statement with members changed, under the signature that it had."""
    head, body, signature = token.split(".")
    return ".".join([head, b64url(json.dumps(json.loads(_plain(body)) | members).encode()), signature])


@pytest.mark.parametrize("line", ["nonsense", "a.b.c", f"{b64url(b'{}')}.{b64url(b'nothing')}.x"])
@pytest.mark.parametrize("where", ["revocations", "statuses"])
def test_an_end_that_cannot_be_read_stops_everything(line: str, where: str) -> None:
    with pytest.raises(ConsentError):
        Ingest().consent([grant()], **{where: [line]})


@pytest.mark.parametrize("uses", [["cawg.ai_training", 7], ["cawg.ai_training", {"except": "x"}], [None]])
def test_a_use_that_is_no_text_makes_a_grant_void(uses: list[object]) -> None:
    verdict = Ingest(uses=(Use.TRAINING,)).judge(marked(), changed(grant(), ARTIST, uses=uses))
    assert verdict.decision is REJECTED
    assert Code.GRANT_MEMBER in codes(verdict)


# -- lists and memory ------------------------------------------------------------------------


def test_rollback_within_a_group_of_keys() -> None:
    """Seen of one key of the party, held against the other's."""
    token, memory = grant(status_url=STATUS_URL), StatusMemory()
    same_list = json.loads(_plain(token.split(".")[1]))["status_list"]["id"]
    newer = changed(status(token, by=SIBLING, sequence=9), SIBLING, list=same_list)
    Ingest().judge(marked(), token, statuses=[newer], memory=memory)
    verdict = Ingest().judge(marked(), token, statuses=[status(sequence=5)], memory=memory)
    assert verdict.decision is REJECTED


def test_what_a_list_has_ended_stays_so_in_later_runs() -> None:
    token, memory = grant(status_url=STATUS_URL), StatusMemory()
    assert Ingest().judge(marked(), token, statuses=[status(token)], memory=memory).decision is REJECTED
    shrunk = status(sequence=2)
    assert Ingest().judge(marked(), token, statuses=[shrunk], memory=memory).decision is REJECTED


def test_what_was_seen_is_kept_in_a_file(tmp_path: Path) -> None:
    token, memory = grant(status_url=STATUS_URL), StatusMemory.load(tmp_path)
    Ingest().consent([token], statuses=[status(token, sequence=3)], memory=memory)
    memory.save(tmp_path)
    other = StatusMemory()
    Ingest().consent([token], statuses=[status(sequence=2)], memory=other)
    other.save(tmp_path)  # an older one, seen by another process, changes nothing
    again = StatusMemory.load(tmp_path)
    verdict = Ingest().judge(marked(), token, statuses=[status(sequence=4)], memory=again)
    assert verdict.decision is REJECTED
    assert Code.GRANT_REVOKED in codes(verdict)
    (tmp_path / "status-lists.json").write_text("{}")
    with pytest.raises(ConsentError):
        StatusMemory.load(tmp_path)


def test_two_lists_of_one_number_in_one_run() -> None:
    token = grant(status_url=STATUS_URL)
    verdict = Ingest().judge(marked(), token, statuses=[status(), status(grant())])
    assert verdict.decision is REJECTED
    assert Code.STATUS_ROLLBACK in codes(verdict)


def test_no_list_is_good_for_longer_than_a_month() -> None:
    token = grant(status_url=STATUS_URL)
    forever = changed(status(), ARTIST, next_update=NOW_SECONDS + 10**8)
    assert Ingest().judge(marked(), token, statuses=[forever]).decision is ALLOWED
    verdict = Ingest(now=NOW + 40 * DAY).judge(marked(), token, statuses=[forever])
    assert Code.STATUS_STALE in codes(verdict)


# -- identities ------------------------------------------------------------------------------


def test_the_party_ends_what_another_of_its_keys_granted() -> None:
    """Also where a pinned leaf is what may grant."""
    root = TrustEntry(ARTIST.chain[-1])
    leaf = TrustEntry(ARTIST.chain[0], frozenset({May.IDENTIFY, May.GRANT}))
    token = grant()
    for entries in ((root, leaf), (leaf, root)):
        ingest = Ingest(trust=TrustList(entries))
        assert ingest.judge(marked(), token).decision is ALLOWED
        assert ingest.judge(marked(), token, revocations=[revocation(token, SIBLING)]).decision is REJECTED


def test_entries_may_together_what_each_may() -> None:
    granting = TrustEntry(ARTIST.chain[-1], frozenset({May.IDENTIFY, May.GRANT}))
    permitting = TrustEntry(ARTIST.chain[0], frozenset({May.IDENTIFY, May.PERMIT}), TrustKind.AUTHORITY)
    for entries in ((granting, permitting), (permitting, granting)):
        assert Ingest(trust=TrustList(entries)).judge(marked(), grant()).decision is ALLOWED


def test_strangers_end_nothing() -> None:
    token = grant()
    above = issuing.delegate(
        LABEL, to=thumbprint(ARTIST.chain[0]), uses=BOTH, scope=Scope(everything=True), now=NOW - HOUR
    )
    ended = {"revocations": [revocation(token, LABEL)]}
    assert Ingest().judge(marked(), token, above, **ended).decision is ALLOWED
    pretender = KeySigner(LABEL.key, (LABEL.chain[0], ARTIST.chain[-1]))
    assert Ingest().judge(marked(), token, revocations=[revocation(token, pretender)]).decision is ALLOWED


# -- time and terms --------------------------------------------------------------------------


def test_time_goes_on_after_judging() -> None:
    consent = Ingest().consent([grant(ends=NOW + DAY)])
    listed = Ingest().consent([grant(status_url=STATUS_URL)], statuses=[status()])
    for held, code in ((consent, Code.GRANT_ENDED), (listed, Code.STATUS_STALE)):
        verifier = Verifier(Policy(), TRUST, NOW, consent=held)
        assert verifier.verify(marked()).decision is ALLOWED
        later = replace(verifier, now=NOW + 20 * DAY).verify(marked())
        assert later.decision is REJECTED
        assert code in codes(later)


def test_consent_is_for_one_trust_list_and_one_licensee() -> None:
    consent = Ingest().consent([grant()])
    with pytest.raises(UsageError):
        Verifier(Policy(), TrustList(), NOW, consent=consent).verify(marked())
    with pytest.raises(UsageError):
        Verifier(Policy(licensee=B), TRUST, NOW, consent=consent)
    assert Verifier(Policy(licensee=A), TRUST, NOW, consent=consent).verify(marked()).licensee == A


def test_a_manifest_alone_is_decided_alike_at_both_depths() -> None:
    data = marked("tune.wav", c2pa=True)
    Ingest().judge(plant(data, []), grant(scope=on("tune.wav")))  # compares them


def test_a_hundred_thousand_grants_to_others_are_no_work() -> None:
    """What cannot count is not looked at one by one for every file."""
    token = grant(licensee=B, scope=Scope(everything=True))
    (held,) = judge(Declared(A), TRUST, NOW, grants=[Line("x", token)]).grants
    many = replace(Ingest().consent([grant()]), grants=(held,) * 100_000 + Ingest().consent([grant()]).grants)
    verifier = Verifier(Policy(), TRUST, NOW, consent=many)
    verdict = verifier.verify(marked())
    assert verdict.decision is ALLOWED
    assert len(verdict.signals) < 20
    assert len(many.by(thumbprint(ARTIST.chain[0])).refused.for_everything) < 20
    assert name_of(token, Kind.GRANT).id == held.grant.id
