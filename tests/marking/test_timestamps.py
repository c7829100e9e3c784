"""Dated evidence: markers timestamped by a real authority, and what a timestamp changes."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import mutagen
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from noai import certificates, signing, timestamps
from noai.claim import Permission, Use
from noai.codes import Code
from noai.containers.interface import FieldRole, TagEdit
from noai.containers.registry import detect
from noai.errors import TimestampError, UsageError
from noai.marking import Outcome, mark
from noai.policy import Policy
from noai.report import Check, Depth, Finding, SignalSource
from noai.sidecars import NO_SIDECARS
from noai.sources import BytesSource
from noai.timestamping import stamp
from noai.trust import May, TrustList
from noai.verdict import Decision, Verdict
from noai.verifying import Verifier, gather
from tests.audio import run
from tests.signers import Cert, authority, signer, trusting
from tests.tracks import TRACKS, each_track, tokens, unmarked
from tests.tsa import LEAF, ROOT, Authority, make_authority, serving

#: When the tests are collected. What an authority stamps minutes later is judged by the clock of then.
NOW = signing.now()
LATER = NOW + timedelta(days=30)
#: Its certificate ends two days after the marking.
ARTIST = signer(leaf=Cert(start=NOW - timedelta(days=1), end=NOW + timedelta(days=2)))


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with serving(make_authority(tmp_path_factory.mktemp("tsa"))) as authority:
        yield authority


@pytest.fixture(scope="module")
def other_tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """Another authority, under another root of the same name."""
    root, leaf = replace(ROOT, key="es256-tsa-root-2"), replace(LEAF, key="es256-tsa-2")
    with serving(make_authority(tmp_path_factory.mktemp("other"), root, leaf)) as authority:
        yield authority


def dated(track: str, tsa: Authority | None, **options: object) -> bytes:
    """A track marked now, by a marker alone."""
    address = None if tsa is None else tsa.url
    return mark(unmarked(track), signer=ARTIST, c2pa=False, tsa=address, **options)  # type: ignore[call-overload, no-any-return]


def trust(*authorities: Authority, may: tuple[May, ...] = ()) -> TrustList:
    return trusting(ARTIST.chain, *may).with_tsa_anchors(authority.root for authority in authorities)


def judged(data: bytes, trust: TrustList, now: datetime = LATER, depth: Depth = Depth.EVIDENCE) -> Verdict:
    return Verifier(Policy(), trust, now, depth).verify(data)


def marker_in(verdict: Verdict) -> Finding:
    (found,) = (finding for finding in verdict.signals if finding.marker is not None)
    return found


def stamps(data: bytes) -> list[str]:
    fields = detect(BytesSource(data)).container.read_tags(BytesSource(data)).fields
    return [field.value for field in fields if field.role is FieldRole.TIMESTAMP]


def restamped(data: bytes, *values: str) -> bytes:
    """``data`` with exactly these timestamps."""
    file = io.BytesIO(data)
    edit = TagEdit(tuple(tokens(data)), timestamps=values)
    detect(BytesSource(data)).container.write_tags(file, edit)
    return file.getvalue()


# -- what a timestamp is for ----------------------------------------------------------------------


@each_track
def test_a_timestamped_marker_outlives_its_certificate(track: str, tsa: Authority) -> None:
    verdict = judged(dated(track, tsa), trust(tsa))
    marker = marker_in(verdict)
    assert marker.proven
    assert Code.TIME_PROVEN in marker.codes
    assert not {Code.TIME_UNPROVEN, Code.SIGNER_EXPIRED} & set(marker.codes)
    assert verdict.decision is Decision.REJECTED


@each_track
def test_without_one_it_is_a_finding_that_still_rejects(track: str) -> None:
    verdict = judged(dated(track, None), trust())
    marker = marker_in(verdict)
    assert (marker.signature, marker.signer, marker.binding, marker.time) == (
        *(Check.PASS, Check.FAIL, Check.PASS, Check.FAIL),
    )
    assert {Code.TIME_UNPROVEN, Code.SIGNER_EXPIRED} <= set(marker.codes)
    assert verdict.decision is Decision.REJECTED


def test_a_dated_permission_by_an_expired_certificate_counts_and_an_undated_one_does_not(
    tsa: Authority,
) -> None:
    allowing = trust(tsa, may=(May.PERMIT,))
    allow = {"allow": [Use.GENERATIVE_TRAINING, Use.TRAINING]}
    assert judged(dated("tune.flac", tsa, **allow), allowing).decision is Decision.ALLOWED
    assert judged(dated("tune.flac", None, **allow), allowing).decision is not Decision.ALLOWED


def test_the_certificate_has_to_be_valid_when_it_was_stamped(tsa: Authority) -> None:
    """Stamped today, which is before a certificate begins that the marker was signed with."""
    early = signer(leaf=Cert(start=NOW + timedelta(hours=2), end=NOW + timedelta(days=9)))
    marked = mark(unmarked("tune.mp3"), signer=early, c2pa=False, now=NOW + timedelta(hours=3), tsa=tsa.url)
    marker = marker_in(judged(marked, trust(tsa), NOW + timedelta(days=1)))
    assert {Code.TIME_PROVEN, Code.SIGNER_EXPIRED} <= set(marker.codes)
    assert marker.time is Check.FAIL


@pytest.mark.parametrize(
    "track", [track for track in TRACKS if track.endswith(("mp3", "flac", "wav", "m4a"))]
)
def test_the_manifest_is_stamped_too(track: str, tsa: Authority) -> None:
    marked = mark(unmarked(track), signer=ARTIST, tsa=tsa.url)
    source = BytesSource(marked)
    (place,) = detect(source).container.read_tags(source).manifests
    store = place.read(source)
    assert b"sigTst2" in store
    assert timestamps_in(store) == 1
    verdict = judged(marked, trust(tsa), signing.now())
    (manifest,) = (finding for finding in verdict.signals if finding.source is SignalSource.C2PA)
    assert manifest.proven
    assert marker_in(verdict).proven


def timestamps_in(store: bytes) -> int:
    """How many times the object identifier of a TSTInfo (1.2.840.113549.1.9.16.1.4) names what was signed."""
    return store.count(bytes.fromhex("060b2a864886f70d0109100104a0"))


# -- whom and what it takes -----------------------------------------------------------------------


def test_an_authority_that_is_not_listed_proves_nothing(tsa: Authority, other_tsa: Authority) -> None:
    marked = dated("tune.mp3", tsa)
    for listed in (trust(), trust(other_tsa)):
        verdict = judged(marked, listed)
        assert {Code.TIME_UNPROVEN, Code.TIMESTAMP_UNTRUSTED} <= set(marker_in(verdict).codes)
        assert marker_in(verdict).time is Check.FAIL
        assert verdict.decision is Decision.REJECTED


def test_trust_in_a_signer_is_none_in_a_timestamp_and_the_other_way_round(tsa: Authority) -> None:
    marked = dated("tune.mp3", tsa)
    as_signer = TrustList((*trust().entries, *trusting((tsa.root,), May.PERMIT, May.GRANT).entries))
    assert Code.TIME_UNPROVEN in marker_in(judged(marked, as_signer)).codes
    only_dates = TrustList(tsa_anchors=(tsa.root, ARTIST.chain[-1]))
    assert marker_in(judged(marked, only_dates, NOW)).signer is Check.UNKNOWN


def test_a_certificate_for_mail_under_the_same_root_cannot_stamp(tmp_path: Path) -> None:
    """Its holder puts one of his own making beside it: same issuer, same number, the right usage."""
    made = make_authority(tmp_path / "tsa")
    forged = LEAF.issue(replace(ROOT, key="es256-forger"))
    mail = replace(LEAF, usages=(ExtendedKeyUsageOID.EMAIL_PROTECTION,), extra=())
    mail = replace(mail, serial=forged.serial_number)
    (made.folder / "tsa.pem").write_text(certificates.pem([forged]))
    (made.folder / "chain.pem").write_text(certificates.pem([mail.issue(ROOT)]))
    with serving(made):
        marked = dated("tune.mp3", made)
    codes = marker_in(judged(marked, trust(made))).codes
    assert {Code.TIME_UNPROVEN, Code.TIMESTAMP_UNTRUSTED} <= set(codes)


def test_a_timestamp_far_from_iat_proves_nothing(tsa: Authority) -> None:
    for days in (-2, 2):
        at = NOW + timedelta(days=days)
        long_lived = signer(leaf=Cert(start=NOW - timedelta(days=9), end=NOW + timedelta(days=9)))
        marked = mark(unmarked("tune.mp3"), signer=long_lived, c2pa=False, now=at)
        (token,) = tokens(marked)
        value = stamp(tsa.url, token, int(NOW.timestamp()))
        marker = marker_in(judged(restamped(marked, value), trust(tsa), at))
        assert {Code.TIME_UNPROVEN, Code.TIMESTAMP_APART} <= set(marker.codes)


def test_a_timestamp_from_the_future_proves_nothing(tsa: Authority) -> None:
    marker = marker_in(judged(dated("tune.mp3", tsa), trust(tsa), NOW - timedelta(hours=1)))
    assert {Code.TIMESTAMP_APART, Code.ISSUED_IN_FUTURE} <= set(marker.codes)


def test_the_timestamp_of_another_marker_dates_nothing(tsa: Authority) -> None:
    (value,) = stamps(dated("tune.flac", tsa))
    verdict = judged(restamped(dated("tune.mp3", None), value), trust(tsa))
    assert Code.TIME_PROVEN not in marker_in(verdict).codes
    assert any(Code.TIMESTAMP_ALONE in finding.codes for finding in verdict.signals)
    assert verdict.decision is Decision.REJECTED


@pytest.mark.parametrize("value", ["", "x", "MIIB", "é" * 9, "A" * 60_000, "noai: AI", "1"], ids=repr)
@pytest.mark.parametrize("depth", list(Depth))
def test_garbage_neither_blocks_nor_opens(value: str, depth: Depth, tsa: Authority) -> None:
    plain = restamped(unmarked("tune.flac"), value)
    verdict = judged(plain, trust(tsa), depth=depth)
    assert (verdict.decision, verdict.marked) == (Decision.UNRESERVED, False)
    marked = dated("tune.flac", tsa)
    verdict = judged(restamped(marked, value, *stamps(marked)), trust(tsa))
    assert marker_in(verdict).proven
    verdict = judged(restamped(marked, value), trust(tsa), depth=depth)
    assert verdict.decision is Decision.REJECTED


def test_no_altered_byte_gives_another_time(tsa: Authority) -> None:
    marked = dated("tune.mp3", tsa)
    (token,), (value,) = tokens(marked), stamps(marked)
    data = base64.b64decode(value)
    issued_at = int(NOW.timestamp())
    right = timestamps.date(token, issued_at, timestamps.read_values([value]), [tsa.root], LATER).at
    assert right is not None
    proven = 0
    for position in range(len(data)):
        for change in (0x01, 0x80):
            altered = bytearray(data)
            altered[position] ^= change
            text = base64.b64encode(altered).decode()
            found = timestamps.date(token, issued_at, timestamps.read_values([text]), [tsa.root], LATER).at
            assert found in (None, right)
            proven += found is not None
    # The rest is outside of the signatures: numbers of versions, and the copy of the root.
    assert proven < len(data)


def test_the_order_of_the_certificates_in_it_does_not_matter(tsa: Authority) -> None:
    """OpenSSL leaves them as they were configured, DER has them sorted; nobody signs their order."""
    marked = dated("tune.mp3", tsa)
    (data,) = map(base64.b64decode, stamps(marked))
    pair = [certificates.der(tsa.root), certificates.der(tsa.leaf)]
    one, other = (b"".join(order) for order in (pair, pair[::-1]))
    assert (one in data) != (other in data)
    for order in (one, other):
        swapped = base64.b64encode(data.replace(one, order).replace(other, order)).decode()
        assert Code.TIME_PROVEN in marker_in(judged(restamped(marked, swapped), trust(tsa))).codes


def test_of_many_only_some_are_checked_and_none_of_them_blocks(tsa: Authority) -> None:
    marked = dated("tune.mp3", tsa)
    (value,) = stamps(marked)
    data = base64.b64decode(value)
    broken = [base64.b64encode(data[:-1] + bytes((last,))).decode() for last in range(8)]
    marker = marker_in(judged(restamped(marked, *broken, value), trust(tsa)))
    assert {Code.TIME_UNPROVEN, Code.TIMESTAMP_TOO_MANY} <= set(marker.codes)
    assert not any(code.blocks for code in marker.codes)


def test_where_the_package_is_missing_a_code_says_so(tsa: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = dated("tune.mp3", tsa)
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    verdict = judged(marked, trust(tsa))
    assert {Code.TIME_UNPROVEN, Code.TIMESTAMP_UNCHECKED} <= set(marker_in(verdict).codes)
    assert verdict.decision is Decision.REJECTED
    with pytest.raises(TimestampError, match=r"noai\[tsa\]"):
        dated("tune.mp3", tsa)


def test_values_that_a_writer_joined_are_told_apart(tsa: Authority) -> None:
    marked = dated("tune.mp3", tsa)
    (value,) = stamps(marked)
    for joined in (f"{value}/{value}", f"MIIB;{value}", f"{value}; {value}"):
        found = [stamp.value for stamp in timestamps.read_values([joined])]
        assert value in found or joined.startswith("MIIB")
    assert marker_in(judged(restamped(marked, f"{value}/{value}"), trust(tsa))).proven
    assert timestamps.read_values([" a/b;c "]) == (("a/b;c", b""),)


# -- marking ----------------------------------------------------------------------------------------


def test_marking_again_changes_nothing_and_an_undated_marker_is_made_anew(
    tmp_path: Path, tsa: Authority
) -> None:
    path = tmp_path / "tune.flac"
    path.write_bytes(unmarked("tune.flac"))
    assert mark(path, in_place=True, signer=ARTIST).outcome is Outcome.MARKED
    assert mark(path, in_place=True, signer=ARTIST, tsa=tsa.url).outcome is Outcome.SUPERSEDED
    asked = tsa.asked
    assert mark(path, in_place=True, signer=ARTIST, tsa=tsa.url).outcome is Outcome.UNCHANGED
    assert mark(path, in_place=True, signer=ARTIST).outcome is Outcome.UNCHANGED
    assert tsa.asked == asked
    assert len(stamps(path.read_bytes())) == 1


@each_track
def test_own_timestamps_go_with_their_markers_and_foreign_ones_stay(track: str, tsa: Authority) -> None:
    label = signer("es256-label", root=authority("label", "es256-label-root"))
    first = mark(unmarked(track), signer=label, c2pa=False, tsa=tsa.url)
    both = mark(first, signer=ARTIST, c2pa=False, tsa=tsa.url)
    assert set(stamps(first)) < set(stamps(both))
    again = mark(both, signer=ARTIST, c2pa=False, profile="no-training", tsa=tsa.url)
    assert len(stamps(again)) == 2
    assert set(stamps(again)) & set(stamps(both)) == set(stamps(first))
    undated = mark(again, signer=ARTIST, c2pa=False, profile="no-ai")
    assert stamps(undated) == stamps(first)


@each_track
def test_what_somebody_else_keeps_under_the_key_stays(track: str, tsa: Authority) -> None:
    theirs = restamped(unmarked(track), "schön", "日本")
    assert set(stamps(mark(theirs, signer=ARTIST, c2pa=False))) == {"schön", "日本"}
    assert set(stamps(dated_bytes := mark(theirs, signer=ARTIST, c2pa=False, tsa=tsa.url))) > {
        "schön",
        "日本",
    }
    assert marker_in(judged(dated_bytes, trust(tsa))).proven


@pytest.mark.parametrize("answer", [b"", b"no", b"0\x030\x01\x02", bytes.fromhex("30053003020102")], ids=repr)
def test_an_authority_that_gives_no_timestamp_stops_the_marking(
    answer: bytes, tmp_path: Path, tsa: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, destination = tmp_path / "in.mp3", tmp_path / "out.mp3"
    source.write_bytes(unmarked("tune.mp3"))
    monkeypatch.setattr(tsa, "broken", answer)
    with pytest.raises(TimestampError):
        mark(source, destination, signer=ARTIST, tsa=tsa.url)
    assert not destination.exists()


def test_the_timestamp_of_something_else_is_not_taken(
    tsa: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = tsa.folder / "query.tsq"
    stamp(tsa.url, "a.b.c", int(NOW.timestamp()))
    monkeypatch.setattr(tsa, "broken", tsa.stamp(query.read_bytes()))
    with pytest.raises(TimestampError, match="something else"):
        stamp(tsa.url, "a.b.d", int(NOW.timestamp()))
    with pytest.raises(TimestampError, match="something else"):  # the same, but an answer of yesterday's
        stamp(tsa.url, "a.b.c", int(NOW.timestamp()))


def test_nobody_there_and_no_address() -> None:
    with pytest.raises(TimestampError, match=r"127\.0\.0\.1:1"):
        stamp("http://127.0.0.1:1/tsa", "a.b.c", 0)
    for address in ("file:///etc/passwd", "ftp://example.org/", "tsa.example.org", "https://", "http://a b/"):
        with pytest.raises(UsageError):
            stamp(address, "a.b.c", 0)


def test_a_wrong_clock_is_told_when_it_can_be_put_right(tsa: Authority) -> None:
    with pytest.raises(TimestampError, match="clock"):
        stamp(tsa.url, "a.b.c", int((NOW - timedelta(days=2)).timestamp()))


def test_a_dated_marker_still_supersedes_after_its_certificate_ended(tsa: Authority) -> None:
    first = dated("tune.flac", tsa)
    second = mark(first, signer=ARTIST, c2pa=False, profile="no-generative", tsa=tsa.url, now=signing.now())
    file = io.BytesIO(second)
    edit = TagEdit((*tokens(second), *tokens(first)), timestamps=(*stamps(second), *stamps(first)))
    detect(BytesSource(second)).container.write_tags(file, edit)
    for depth in Depth:
        verdict = judged(file.getvalue(), trust(tsa), depth=depth)
        asked_training = Verifier(Policy((Use.TRAINING,)), trust(tsa), LATER, depth).verify(file.getvalue())
        assert verdict.decision is Decision.REJECTED
        assert asked_training.decision is Decision.UNRESERVED
    undated = restamped(file.getvalue())
    for depth in Depth:
        stands = Verifier(Policy((Use.TRAINING,)), trust(tsa), LATER, depth).verify(undated)
        assert stands.decision is Decision.REJECTED
        assert stands.uses[Use.TRAINING] is Permission.NOT_ALLOWED


#: Where ffmpeg keeps tags that it does not know.
each_kept = pytest.mark.parametrize("track", ["tune.mp3", "tune.flac", "tune.ogg", "tune.opus"])


@each_kept
def test_it_survives_a_remux_that_its_marker_survives(track: str, tmp_path: Path, tsa: Authority) -> None:
    (tmp_path / track).write_bytes(dated(track, tsa))
    remuxed = tmp_path / f"remuxed-{track}"
    run("ffmpeg", "-v", "error", "-i", tmp_path / track, "-c", "copy", "-metadata", "title=Dusk", remuxed)
    marker = marker_in(judged(remuxed.read_bytes(), trust(tsa)))
    assert marker.proven
    assert "; timestamped 2" in marker.message


@each_kept
def test_two_survive_a_tagger_as_their_markers_do(track: str, tmp_path: Path, tsa: Authority) -> None:
    label = signer("es256-label", root=authority("label", "es256-label-root"))
    path = tmp_path / track
    path.write_bytes(mark(dated(track, tsa), signer=label, c2pa=False, tsa=tsa.url))
    tags = mutagen.File(path, easy=True)
    tags["title"] = "Dusk"
    tags.save(path)
    markers = [
        found for found in judged(path.read_bytes(), trust(tsa), signing.now()).signals if found.marker
    ]
    assert len(markers) == 2
    assert all(Code.TIME_PROVEN in found.codes for found in markers)


def test_it_is_read_without_a_network(tsa: Authority) -> None:
    marked = dated("tune.mp3", tsa)
    asked = tsa.asked
    source = BytesSource(marked)
    gather(source, detect(source), NO_SIDECARS, trust(tsa), LATER)
    judged(marked, trust(tsa))
    assert tsa.asked == asked
