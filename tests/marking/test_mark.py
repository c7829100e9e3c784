"""The main job, over every container: mark, verify, mark again, never harm the file."""

from __future__ import annotations

import io
import os
import shutil
import socket
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TXXX

from noai import planning
from noai.claim import Claim, Permission, Profile, Rights, Use, Work
from noai.codes import Code
from noai.containers.interface import Detected, TagEdit
from noai.containers.registry import CONTAINERS, detect
from noai.errors import (
    CertificateExpired,
    DestinationExists,
    EssenceChanged,
    EssenceUnbindable,
    MarkError,
    NoaiError,
    SourceMissing,
    TagsChanged,
    UsageError,
)
from noai.marking import Outcome, mark
from noai.policy import Policy
from noai.report import Check, Depth, SignalSource
from noai.signing import CallbackSigner
from noai.sources import ByteSource, BytesSource
from noai.trust import May, TrustList
from noai.verdict import Decision
from noai.verifying import Verifier, verify
from tests.audio import SAMPLES, decoded_md5, exif
from tests.signers import NOW, Cert, signer, trusting
from tests.tracks import TRACKS, each_track, plant, tokens, unmarked

ARTIST = signer()
TRUST = trusting(ARTIST.chain)
#: c2pa-rs judges validity by the wall clock, so marks with a manifest are made for real now.
EMBEDDING = [t for t in TRACKS if t.endswith((".mp3", ".flac", ".wav", ".m4a"))]
SIDECAR = [t for t in TRACKS if t not in EMBEDDING]


def check(path: Path | bytes):  # type: ignore[no-untyped-def]
    return verify(path, trust=TRUST)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    shutil.copytree(SAMPLES / "unmarked", tmp_path / "album")
    return tmp_path / "album"


@each_track
def test_a_marked_track_is_rejected_with_all_its_evidence(track: str, album: Path, tmp_path: Path) -> None:
    before = (album / track).read_bytes()
    result = mark(album / track, tmp_path / track, signer=ARTIST)
    verdict = check(tmp_path / track)
    assert result.outcome is Outcome.MARKED
    assert verdict.decision is Decision.REJECTED
    by_source = {finding.source: finding for finding in verdict.signals}
    marker = by_source[SignalSource.MARKER]
    assert marker.proven
    assert marker.id == result.id
    assert set(marker.uses) == set(Use)
    assert Code.COMPANION in by_source[SignalSource.STATEMENT].codes
    assert (SignalSource.C2PA in by_source) == (track in EMBEDDING) == result.c2pa
    if track in EMBEDDING:
        assert by_source[SignalSource.C2PA].proven
    assert (album / track).read_bytes() == before


@each_track
def test_marking_leaves_audio_and_tags_as_third_parties_see_them(
    track: str, album: Path, tmp_path: Path
) -> None:
    mark(album / track, tmp_path / track, signer=ARTIST)
    assert decoded_md5(album / track) == decoded_md5(tmp_path / track)
    before, after = shown(album / track), shown(tmp_path / track)
    changed = {key for key in before if before[key] != after.get(key)}
    assert all("Copyright" in key or "Comment" in key for key in changed)
    for key in changed:
        assert str(after[key]).startswith(f"{before[key]} | noai:")


def shown(path: Path) -> dict[str, object]:
    """What exiftool shows, without what the layout of the file, not its content, determines."""
    # Composite values are made up from others; its durations from the size of the file.
    layout = ("System:", "ExifTool:", "SourceFile", "File:ID3Size", "Composite:")
    moved = ("MediaDataOffset", "MediaDataSize")
    return {
        key: value
        for key, value in exif(path).items()
        if not key.startswith(layout) and not key.endswith(moved)
    }


@each_track
def test_every_container_says_it_in_the_copyright_field(track: str, album: Path, tmp_path: Path) -> None:
    mark(album / track, tmp_path / track, signer=ARTIST)
    found = exif(tmp_path / track)
    copyright_fields = [str(value) for key, value in found.items() if "Copyright" in key]
    assert any("No AI training without permission." in value for value in copyright_fields)
    if detect(BytesSource(unmarked(track))).container.has_xmp:
        assert found["XMP-plus:DataMining"] == "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"


@each_track
def test_marking_twice_changes_nothing(track: str, album: Path) -> None:
    path = album / track
    first = mark(path, in_place=True, signer=ARTIST, sidecar=True)
    status, data = path.stat(), path.read_bytes()
    second = mark(path, in_place=True, signer=ARTIST, sidecar=True)
    assert second.outcome is Outcome.UNCHANGED
    assert second.id == first.id
    assert path.read_bytes() == data
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (status.st_mtime_ns, status.st_ino)


@each_track
def test_marking_into_a_folder_twice_changes_nothing(track: str, album: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / track
    target.parent.mkdir()
    mark(album / track, target, signer=ARTIST)
    written = target.stat().st_mtime_ns
    assert mark(album / track, target, signer=ARTIST).outcome is Outcome.UNCHANGED
    assert target.stat().st_mtime_ns == written


@each_track
def test_another_claim_supersedes(track: str, album: Path) -> None:
    path = album / track
    mark(path, in_place=True, signer=ARTIST)
    result = mark(path, in_place=True, signer=ARTIST, profile="no-generative")
    assert result.outcome is Outcome.SUPERSEDED
    verdict = check(path)
    assert set(verdict.uses) == Profile.NO_GENERATIVE.denied
    assert len(tokens(path.read_bytes())) == 1
    statements = [f for f in verdict.signals if f.source is SignalSource.STATEMENT]
    assert all("No generative AI training" in (f.value or "") for f in statements)
    assert all(f.lifted for f in statements)


@each_track
def test_changing_ones_mind_entirely_opens_the_track(track: str, album: Path) -> None:
    path = album / track
    mark(path, in_place=True, signer=ARTIST)
    mark(path, in_place=True, signer=ARTIST, allow=Use)
    assert verify(path, trust=trusting(ARTIST.chain, May.PERMIT)).decision is Decision.ALLOWED
    assert verify(path, trust=TrustList()).decision in (Decision.UNRESERVED, Decision.REJECTED)


@pytest.mark.parametrize("track", EMBEDDING)
def test_a_stale_manifest_alone_is_signed_again(track: str, album: Path) -> None:
    path = album / track
    first = mark(path, in_place=True, signer=ARTIST)
    retagged = plant(path.read_bytes(), [*tokens(path.read_bytes()), "1"])
    path.write_bytes(retagged)
    stale = [f for f in check(path).signals if f.source is SignalSource.C2PA]
    assert [f.binding for f in stale] == [Check.FAIL]
    assert Code.C2PA_STALE in stale[0].codes
    result = mark(path, in_place=True, signer=ARTIST)
    assert result.outcome is Outcome.RESIGNED
    assert result.id == first.id
    active = [f for f in check(path).signals if f.source is SignalSource.C2PA]
    assert active[0].proven


@pytest.mark.parametrize("track", EMBEDDING)
def test_no_c2pa_leaves_it_out(track: str, album: Path) -> None:
    result = mark(album / track, in_place=True, signer=ARTIST, c2pa=False)
    assert not result.c2pa
    assert not any(f.source is SignalSource.C2PA for f in check(album / track).signals)


@pytest.mark.parametrize("track", EMBEDDING)
def test_the_provenance_of_a_signed_source_is_kept(track: str, album: Path) -> None:
    studio = signer(leaf=Cert("studio", "es256-studio"))
    mark(album / track, in_place=True, signer=studio, profile="no-generative")
    mark(album / track, in_place=True, signer=ARTIST)
    manifests = [f for f in check(album / track).signals if f.source is SignalSource.C2PA]
    assert [f.signed_by.subject for f in manifests if f.signed_by] == ["leaf", "studio"]
    assert manifests[0].proven
    assert Code.C2PA_INGREDIENT in manifests[1].codes


@pytest.mark.parametrize("track", EMBEDDING)
def test_manifests_of_earlier_markings_are_not_carried_along(track: str, album: Path) -> None:
    """An artist who takes a denial back would otherwise have it in the provenance for ever."""
    for profile in ("no-ai", "no-training", "no-generative"):
        mark(album / track, in_place=True, signer=ARTIST, profile=profile)
    (manifest,) = (f for f in check(album / track).signals if f.source is SignalSource.C2PA)
    assert manifest.proven
    assert manifest.denies == Profile.NO_GENERATIVE.denied


def test_what_still_denies_more_than_the_mark_is_said(album: Path) -> None:
    path = album / "tune.mp3"
    mark(path, in_place=True, signer=ARTIST)
    result = mark(path, in_place=True, signer=ARTIST, profile="no-generative", c2pa=False)
    assert any("C2PA manifest, active also denies cawg.ai_training" in n for n in result.notices)
    assert verify(path, trust=TRUST, policy=Policy(uses=(Use.TRAINING,))).decision is Decision.REJECTED
    replaced = mark(path, in_place=True, signer=ARTIST, profile="no-generative")
    assert replaced.outcome is Outcome.RESIGNED
    assert replaced.notices == ()
    assert verify(path, trust=TRUST, policy=Policy(uses=(Use.TRAINING,))).admitted


@pytest.mark.parametrize("track", SIDECAR)
def test_a_sidecar_on_request(track: str, album: Path) -> None:
    assert not mark(album / track, in_place=True, signer=ARTIST).c2pa
    result = mark(album / track, in_place=True, signer=ARTIST, sidecar=True)
    assert result.outcome is Outcome.RESIGNED
    assert result.sidecar == Path(f"{album / track}.c2pa")
    manifest_found = [f for f in check(album / track).signals if f.source is SignalSource.C2PA]
    assert manifest_found[0].proven
    superseded = mark(album / track, in_place=True, signer=ARTIST, profile="no-training")
    assert superseded.sidecar is not None
    assert all(f.proven for f in check(album / track).signals if f.source is SignalSource.C2PA)


@each_track
def test_other_peoples_marks_and_statements_stay(track: str, album: Path) -> None:
    path = album / track
    label = signer(leaf=Cert("label", "es256-label"))
    mark(path, in_place=True, signer=label, c2pa=False)
    (theirs,) = tokens(path.read_bytes())
    mark(path, in_place=True, signer=ARTIST, c2pa=False)
    assert theirs in tokens(path.read_bytes())
    statements = {f.value for f in check(path).signals if f.source is SignalSource.STATEMENT}
    assert len(statements) == 2
    assert mark(path, in_place=True, signer=ARTIST, c2pa=False).outcome is Outcome.UNCHANGED


@each_track
def test_a_hobby_flag_stays_beside_the_marker(track: str, album: Path) -> None:
    path = album / track
    path.write_bytes(plant(path.read_bytes(), ["1"]))
    assert {f.source for f in check(path).signals} == {SignalSource.TAG}
    mark(path, in_place=True, signer=ARTIST, c2pa=False)
    assert {"1"} < set(tokens(path.read_bytes()))


@pytest.mark.parametrize("track", SIDECAR)
def test_somebody_elses_sidecar_is_left_alone(track: str, album: Path) -> None:
    path, beside = album / track, Path(f"{album / track}.c2pa")
    label = signer(leaf=Cert("label", "es256-label"))
    mark(path, in_place=True, signer=label, sidecar=True, profile="no-ai")
    for theirs in (beside.read_bytes(), b"precious"):
        beside.write_bytes(theirs)
        result = mark(path, in_place=True, signer=ARTIST, sidecar=True, profile="no-generative")
        assert result.sidecar is None
        assert any("left alone" in notice for notice in result.notices)
        assert beside.read_bytes() == theirs


@pytest.mark.parametrize("track", SIDECAR)
def test_a_sidecar_that_cannot_be_written_leaves_the_track_as_it_was(track: str, album: Path) -> None:
    Path(f"{album / track}.c2pa").mkdir()
    before = (album / track).read_bytes()
    with pytest.raises(MarkError):
        mark(album / track, in_place=True, signer=ARTIST, sidecar=True)
    assert (album / track).read_bytes() == before


def test_a_copy_elsewhere_is_told_what_it_lacks(album: Path, tmp_path: Path) -> None:
    (album / "tune.mp3.xmp").write_text(exif_packet("http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"))
    result = mark(album / "tune.mp3", tmp_path / "copy.mp3", signer=ARTIST, profile="no-generative")
    assert any("beside the original" in notice for notice in result.notices)
    assert any(f.source is SignalSource.XMP for f in check(tmp_path / "copy.mp3").signals)


def test_a_copy_that_has_tags_of_its_own_is_not_written_over(album: Path, tmp_path: Path) -> None:
    target = tmp_path / "tune.flac"
    mark(album / "tune.flac", target, signer=ARTIST)
    tagged = FLAC(target)
    tagged["title"] = "My new title"
    tagged.save()
    before = target.read_bytes()
    with pytest.raises(DestinationExists, match="--in-place"):
        mark(album / "tune.flac", target, signer=ARTIST)
    assert target.read_bytes() == before


@pytest.mark.parametrize("c2pa", [False, True])
def test_a_copy_that_somebody_else_marked_is_not_written_over(
    c2pa: bool, album: Path, tmp_path: Path
) -> None:
    target = tmp_path / "tune.mp3"
    mark(album / "tune.mp3", target, signer=signer(leaf=Cert("label", "es256-label")), c2pa=c2pa)
    before = target.read_bytes()
    with pytest.raises(DestinationExists):
        mark(album / "tune.mp3", target, signer=ARTIST, profile="no-generative")
    assert target.read_bytes() == before


@each_track
def test_another_claim_supersedes_the_copy_too(track: str, album: Path, tmp_path: Path) -> None:
    target = tmp_path / track
    first = mark(album / track, target, signer=ARTIST)
    second = mark(album / track, target, signer=ARTIST, profile="no-generative")
    assert second.outcome is Outcome.SUPERSEDED
    (marker,) = [f.marker for f in check(target).signals if f.marker]
    assert [old.id for old in marker.supersedes] == [first.id]


def test_a_disk_that_is_full_leaves_the_original_and_nothing_else(album: Path) -> None:
    before = {p.name: p.read_bytes() for p in album.iterdir()}
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000));"
        "from tests.marking.test_mark import ARTIST, mark; from noai.errors import MarkError\n"
        "try: mark(sys.argv[1], in_place=True, signer=ARTIST)\n"
        "except MarkError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, album / "tune.mp3"], capture_output=True, text=True, check=True
    )
    assert "File too large" in done.stdout
    assert {p.name: p.read_bytes() for p in album.iterdir()} == before


# -- what a source can be ---------------------------------------------------------------------------


@each_track
def test_bytes_in_bytes_out(track: str) -> None:
    data = unmarked(track)
    marked = mark(data, signer=ARTIST)
    assert check(marked).decision is Decision.REJECTED
    assert mark(marked, signer=ARTIST) == marked
    assert data == unmarked(track)


@each_track
def test_an_upload_never_touches_the_disk(track: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upload, target = io.BytesIO(unmarked(track)), io.BytesIO()
    opened = os.open

    def refuse(path, flags, *args, **kwargs):  # type: ignore[no-untyped-def]
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise AssertionError(f"{path} would be written")
        return opened(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    mark(upload, target, signer=ARTIST)
    assert verify(target, trust=TRUST).decision is Decision.REJECTED
    assert upload.getvalue() == unmarked(track)


def test_arguments_that_do_not_fit_together(album: Path) -> None:
    path, data = album / "tune.flac", unmarked("tune.flac")
    for call in (
        lambda: mark(path, signer=ARTIST),
        lambda: mark(path, album / "x.flac", in_place=True, signer=ARTIST),
        lambda: mark(path, io.BytesIO(), signer=ARTIST),
        lambda: mark(io.BytesIO(data), signer=ARTIST),
        lambda: mark(data, album / "x", signer=ARTIST),  # type: ignore[call-overload]
        lambda: mark(data, signer=ARTIST, in_place=True),  # type: ignore[call-overload]
        lambda: mark(data, signer=ARTIST, profile="no-everything"),
        lambda: mark(data, signer=ARTIST, deny=["everything"]),
        lambda: mark(data, signer=ARTIST, deny=["ai_training"], allow=["ai_training"]),
    ):
        with pytest.raises(UsageError):
            call()
    assert path.read_bytes() == data


def test_a_callback_signs_marks(album: Path) -> None:
    remote = CallbackSigner(ARTIST.sign, ARTIST.chain)
    mark(album / "tune.flac", in_place=True, signer=remote)
    assert all(f.proven for f in check(album / "tune.flac").signals if f.source is SignalSource.C2PA)


def test_a_callback_that_fails_leaves_everything_as_it_was(album: Path) -> None:
    def unplugged(data: bytes) -> bytes:
        raise ConnectionError("the HSM is gone")

    before = sorted((p.name, p.read_bytes()) for p in album.iterdir())
    with pytest.raises(ConnectionError):
        mark(album / "tune.flac", in_place=True, signer=CallbackSigner(unplugged, ARTIST.chain))
    assert sorted((p.name, p.read_bytes()) for p in album.iterdir()) == before


@pytest.mark.parametrize("key", ["es256", "es384", "ed25519", "rsa2048"])
def test_every_algorithm_signs_both_layers(key: str, album: Path) -> None:
    mine = signer(key, leaf=Cert(key=key))
    mark(album / "tune.flac", in_place=True, signer=mine)
    verdict = verify(album / "tune.flac", trust=trusting(mine.chain))
    assert all(f.proven for f in verdict.signals if f.signed_by)
    assert {f.source for f in verdict.signals} >= {SignalSource.MARKER, SignalSource.C2PA}


def test_rights_and_work_travel_inside_the_marker(album: Path) -> None:
    rights = Rights(holder="Übung & Co", contact="r@example.org", licence_url="https://example.org")
    mark(album / "tune.flac", in_place=True, signer=ARTIST, rights=rights, work=Work(isrc="DEAB12600001"))
    (marker,) = [f.marker for f in check(album / "tune.flac").signals if f.marker]
    assert marker.claim.rights == rights
    assert marker.claim.work.isrc == "DEAB12600001"


def test_a_permission_gets_an_end(album: Path) -> None:
    mark(album / "tune.flac", in_place=True, signer=ARTIST, allow=["data_mining"])
    (marker,) = [f.marker for f in check(album / "tune.flac").signals if f.marker]
    assert marker.expires_at == marker.issued_at + 90 * 86400


# -- never harm the file ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["empty.mp3", "text.mp3", "garbage.flac"])
def test_what_is_not_audio_is_refused_and_left(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes({"empty.mp3": b"", "text.mp3": b"hello world\n" * 200}.get(name, os.urandom(5000)))
    before = path.read_bytes()
    with pytest.raises(NoaiError):
        mark(path, in_place=True, signer=ARTIST)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [name]


@each_track
def test_a_truncated_file_is_refused_and_left_or_marked_for_what_it_is(track: str, tmp_path: Path) -> None:
    whole = unmarked(track)
    for share in (0.02, 0.3, 0.9):
        path = tmp_path / track
        path.write_bytes(whole[: int(len(whole) * share)])
        before = path.read_bytes()
        try:
            mark(path, in_place=True, signer=ARTIST, c2pa=False)
        except NoaiError:
            assert path.read_bytes() == before
        else:
            assert check(path).signals[0].proven
        assert os.listdir(tmp_path) == [track]


def test_an_expired_certificate_writes_nothing(album: Path) -> None:
    old = signer(leaf=Cert(end=NOW - timedelta(days=1)))
    before = (album / "tune.flac").read_bytes()
    with pytest.raises(CertificateExpired):
        mark(album / "tune.flac", in_place=True, signer=old)
    assert (album / "tune.flac").read_bytes() == before


def test_a_destination_that_is_something_else_is_not_overwritten(album: Path) -> None:
    for other in ("tune.mp3", "notes.txt"):
        (album / "notes.txt").write_text("mine")
        before = (album / other).read_bytes()
        with pytest.raises(DestinationExists):
            mark(album / "tune.flac", album / other, signer=ARTIST)
        assert (album / other).read_bytes() == before


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        mark(tmp_path / "no.mp3", in_place=True, signer=ARTIST)


class Damaging:
    """A container whose writer does harm: what a bug in a tag writer would look like."""

    def __init__(self, real, harm) -> None:  # type: ignore[no-untyped-def]
        self._real, self._harm = real, harm

    def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
        return getattr(self._real, name)

    def write_tags(self, file: io.BytesIO, edit: TagEdit) -> None:
        self._real.write_tags(file, edit)
        self._harm(file)


def flip_audio(file: io.BytesIO) -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(size * 3 // 5)
    byte = file.read(1)[0]
    file.seek(size * 3 // 5)
    file.write(bytes([byte ^ 1]))


def drop_a_tag(file: io.BytesIO) -> None:
    file.seek(0)
    audio = FLAC(file)
    del audio["title"]
    file.seek(0)
    audio.save(file)


@pytest.mark.parametrize(("harm", "error"), [(flip_audio, EssenceChanged), (drop_a_tag, TagsChanged)])
def test_a_writer_that_does_harm_is_found_out(
    harm, error, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    from noai.containers.interface import Detected

    def detect_damaging(source: ByteSource) -> Detected:
        found = detect(source)
        return Detected(found.name, Damaging(found.container, harm))

    monkeypatch.setattr(planning, "detect", detect_damaging)
    before = {p.name: p.read_bytes() for p in album.iterdir()}
    with pytest.raises(error):
        mark(album / "tune.flac", in_place=True, signer=ARTIST, c2pa=False)
    assert {p.name: p.read_bytes() for p in album.iterdir()} == before


def test_mode_links_and_neighbours_are_kept(album: Path) -> None:
    path, link = album / "tune.flac", album / "link.flac"
    path.chmod(0o640)
    link.symlink_to("tune.flac")
    names = sorted(os.listdir(album))
    mark(link, in_place=True, signer=ARTIST)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert check(path).decision is Decision.REJECTED
    assert sorted(os.listdir(album)) == names


def test_audio_that_cannot_be_bound_is_refused(album: Path) -> None:
    """A second FLAC stream behind the first: some decoders play it, the digest cannot cover it."""
    path = album / "tune.flac"
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises((EssenceUnbindable, MarkError)):
        mark(path, in_place=True, signer=ARTIST)


# -- verifying --------------------------------------------------------------------------------------


@each_track
def test_nothing_found_is_unreserved(track: str) -> None:
    verdict = check(unmarked(track))
    assert verdict.decision is Decision.UNRESERVED
    assert verdict.admitted
    assert not verdict.marked
    assert verdict.reasons[0].code is Code.NOTHING_FOUND


@each_track
def test_both_depths_decide_alike(track: str) -> None:
    allowing = Claim(uses=dict.fromkeys(Use, Permission.ALLOWED))
    first = mark(unmarked(track), signer=ARTIST, c2pa=track in EMBEDDING)
    versions = [unmarked(track), first, mark(first, signer=ARTIST, claim=allowing)]
    versions += [plant(unmarked(track), values) for values in (["1"], ["x"], tokens(first) * 2)]
    for data in versions:
        for trust in (TrustList(), TRUST, trusting(ARTIST.chain, May.PERMIT)):
            deep = Verifier(trust=trust).verify(data)
            quick = Verifier(trust=trust, depth=Depth.DECISION).verify(data)
            assert (quick.decision, quick.admitted) == (deep.decision, deep.admitted)


def test_decision_depth_reads_no_audio_to_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    marked = mark(unmarked("tune.flac"), signer=ARTIST)
    for container in CONTAINERS:
        monkeypatch.setattr(type(container), "read_essence", None)
    verdict = verify(marked, trust=TRUST, depth=Depth.DECISION)
    assert verdict.decision is Decision.REJECTED
    assert {f.signature for f in verdict.signals} == {Check.NOT_RUN}


def test_sources_that_cannot_be_read_are_undecided(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "text.mp3").write_text("hello " * 500)
    os.mkfifo(tmp_path / "fifo.mp3")
    for name, code in (
        ("missing.mp3", Code.SOURCE_MISSING),
        ("empty.mp3", Code.SOURCE_EMPTY),
        ("text.mp3", Code.CONTAINER_UNKNOWN),
        ("fifo.mp3", Code.SOURCE_NOT_A_FILE),
        (".", Code.SOURCE_NOT_A_FILE),
    ):
        verdict = check(tmp_path / name)
        assert verdict.decision is Decision.UNDECIDED
        assert not verdict.admitted
        assert verdict.report.error is not None
        assert verdict.report.error.code is code
        assert verdict.error


@each_track
def test_no_socket_is_ever_opened(track: str, album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(socket, "create_connection", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    mark(album / track, in_place=True, signer=ARTIST, sidecar=True)
    assert check(album / track).decision is Decision.REJECTED


def test_sidecars_are_signals_of_their_track(album: Path) -> None:
    packet = exif_packet("http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED")
    for sidecar in ("tune.flac.xmp", "tune.xmp"):
        (album / sidecar).write_text(packet)
        assert check(album / "tune.flac").decision is Decision.REJECTED
        (album / sidecar).unlink()
    (album / "tune.flac.c2pa").write_bytes(b"garbage")
    assert check(album / "tune.flac").decision is Decision.UNDECIDED
    (album / "tune.flac.c2pa").unlink()
    os.mkfifo(album / "tune.flac.xmp")
    assert check(album / "tune.flac").decision is Decision.UNDECIDED


def exif_packet(value: str) -> str:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" '
        f'plus:DataMining="{value}"/></rdf:RDF></x:xmpmeta>'
    )


def id3_in_front(tag: bytes) -> bytes:
    return tag + (SAMPLES / "unmarked" / "waltz.mp3").read_bytes()[-20000:]


def test_a_file_that_the_c2pa_library_would_harm_keeps_all_its_frames(tmp_path: Path) -> None:
    """Of two equal frames the library keeps one; it is not let near them."""
    tags = ID3()
    tags.add(TXXX(encoding=3, desc="MOOD", text="calm"))
    frame = b"TXXX" + (13).to_bytes(4, "big") + b"\x00\x00" + b"\x03MOOD\x00restles"
    rendered = io.BytesIO()
    tags.save(rendered, v1=0, padding=lambda info: 0)
    body = rendered.getvalue()[10:] + frame
    path = tmp_path / "twice.mp3"
    path.write_bytes(
        id3_in_front(b"ID3\x04\x00\x00" + bytes([0, 0, len(body) >> 7, len(body) & 0x7F]) + body)
    )
    result = mark(path, in_place=True, signer=ARTIST)
    assert result.c2pa
    assert path.read_bytes().count(b"MOOD\x00") == 2


@pytest.mark.parametrize("in_place", [True, False])
def test_a_file_that_can_hold_no_manifest_is_marked_without_it(in_place: bool, tmp_path: Path) -> None:
    """In an unsynchronised tag a store does not lie byte by byte, as its readers look for it."""
    frame = b"TIT2" + (5).to_bytes(4, "big") + b"\x00\x00" + b"\x03Song"
    path = tmp_path / "unsynchronised.mp3"
    path.write_bytes(id3_in_front(b"ID3\x04\x00\x80" + bytes([0, 0, 0, len(frame)]) + frame))
    target = None if in_place else tmp_path / "out.mp3"
    result = mark(path, target, in_place=in_place, signer=ARTIST)
    assert result.outcome is Outcome.MARKED
    assert not result.c2pa
    assert any("no C2PA manifest" in notice for notice in result.notices)
    assert check(target or path).signals[0].proven
    again = mark(path, target, in_place=in_place, signer=ARTIST)
    assert (again.outcome, again.id) == (Outcome.UNCHANGED, result.id)
