"""What a file's own tags say of the work goes into what is signed, where the caller leaves it open."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mutagen.flac import FLAC
from mutagen.id3 import CHAP, ID3, TIT2, TPE1, TSRC, TXXX
from mutagen.mp4 import MP4

from noai.claim import Claim, Work
from noai.errors import IdentifierChecksum
from noai.marking import MarkResult, Outcome, mark
from noai.verifying import verify
from tests.audio import SAMPLES, run
from tests.signers import NOW, signer, trusting

ARTIST = signer()
TAGGED = Work("Four Bars", "Ana Lima", "QZABC2600001", upc="614141000036")


def marked(path: Path, **options: object) -> MarkResult:
    result = mark(path, in_place=True, signer=ARTIST, c2pa=False, now=NOW, **options)  # type: ignore[call-overload]
    assert isinstance(result, MarkResult)
    return result


@pytest.mark.parametrize("extension", ["mp3", "flac", "ogg", "mka", "wma", "wv", "tta", "aiff", "wav"])
def test_common_tags_are_taken_from_every_container(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"track.{extension}"
    isrc = "TSRC" if extension in ("mp3", "aiff") else "ISRC"
    tags = {"title": "Four Bars", "artist": "Ana Lima", isrc: "QZ-ABC-26-00001", "BARCODE": "0614141000036"}
    if extension == "wav":
        del tags["BARCODE"]  # RIFF INFO has none
    options = [part for name, value in tags.items() for part in ("-metadata", f"{name}={value}")]
    source = SAMPLES / "unmarked" / "tune.flac"
    clean = (
        ("-map_metadata", "-1", "-t", "2", "-write_id3v2", "1")
        if extension == "aiff"
        else ("-map_metadata", "-1", "-t", "2")
    )
    run("ffmpeg", "-v", "error", "-i", str(source), *clean, *options, str(path))
    result = marked(path)
    expected = TAGGED if extension != "wav" else Work("Four Bars", "Ana Lima", "QZABC2600001")
    assert result.marker.claim.work == expected
    names = "title, artist, isrc" + (", upc" if extension != "wav" else "")
    assert f"taken from the file's own tags: {names}" in result.notices


def test_freeform_items_of_mp4_are_taken(sample) -> None:  # type: ignore[no-untyped-def]
    path = sample("unmarked/tune.m4a")
    tags = MP4(path)
    tags["----:com.apple.iTunes:ISRC"] = [b"QZABC2600001"]
    tags["----:com.apple.iTunes:BARCODE"] = [b"614141000036"]
    tags.save()
    work = marked(path).marker.claim.work
    assert (work.isrc, work.upc, work.title) == ("QZABC2600001", "614141000036", "Four Bars at Dusk")


@pytest.fixture
def track(tmp_path: Path) -> Path:
    """An MP3 without a tag."""
    path = Path(shutil.copy(SAMPLES / "unmarked" / "tune.mp3", tmp_path / "tune.mp3"))
    ID3(path).delete(path)
    return path


def tag(path: Path, *frames: object) -> None:
    tags = ID3()
    for frame in frames:
        tags.add(frame)
    tags.save(path, v2_version=4)


def test_what_the_caller_says_is_not_looked_up(track: Path) -> None:
    tag(track, TIT2(text="Tagged"), TPE1(text=["Ana", "Bo"]), TSRC(text="QZABC2600001"))
    result = marked(track, work=Work(title="Given", isrc="qz-abc-26-00009"))
    assert result.marker.claim.work == Work("Given", "Ana; Bo", "QZABC2600009")
    assert result.notices == ("taken from the file's own tags: artist",)


def test_tags_are_left_alone_on_request_and_beside_a_whole_claim(track: Path) -> None:
    tag(track, TIT2(text="Tagged"))
    assert marked(track, from_tags=False).marker.claim.work == Work()
    assert marked(track, claim=Claim.from_profile()).outcome is Outcome.UNCHANGED
    assert marked(track, claim=Claim.from_profile(), from_tags=True).marker.claim.work == Work("Tagged")


def test_marking_again_changes_nothing_until_the_tags_change(track: Path) -> None:
    tag(track, TIT2(text="Before"))
    assert marked(track).outcome is Outcome.MARKED
    again = marked(track)
    assert (again.outcome, again.notices) == (Outcome.UNCHANGED, ())
    tags = ID3(track)
    tags.add(TIT2(text="After"))
    tags.save()
    assert marked(track).outcome is Outcome.SUPERSEDED


def test_an_identifier_that_is_none_is_not_taken(track: Path) -> None:
    tag(track, TSRC(text="unknown"), TXXX(desc="BARCODE", text="614141000037"))
    result = marked(track)
    assert result.marker.claim.work == Work()
    malformed, checksum = result.notices
    assert malformed.startswith("a tag was not taken: 'unknown' is no ISRC")
    assert "check digit" in checksum
    tag(track, *(TXXX(desc="ISRC", text=[f"none {n}" for n in range(1_000)]),))
    assert len(marked(track).notices) == 1


def test_two_identifiers_of_a_kind_are_none(track: Path) -> None:
    tag(track, TSRC(text=["QZABC2600001", "QZABC2600002"]))
    result = marked(track)
    assert result.marker.claim.work.isrc is None
    assert "more than one ISRC (QZABC2600001, QZABC2600002)" in result.notices[0]
    tag(track, TSRC(text="QZABC2600001"), TXXX(desc="ISRC", text="qz-abc-26-00001"))
    assert marked(track).marker.claim.work.isrc == "QZABC2600001"


def test_a_chapter_is_not_the_track(track: Path) -> None:
    chapter = CHAP("c1", 0, 1000, 0xFFFFFFFF, 0xFFFFFFFF, sub_frames=[TIT2(text="Chapter one")])
    tag(track, chapter)
    assert marked(track).marker.claim.work == Work()


@pytest.mark.parametrize("title", ["x" * 301, "a\x07b", "  "])
def test_text_that_is_not_plain_is_not_signed(track: Path, title: str) -> None:
    tag(track, TIT2(text=title))
    assert marked(track).marker.claim.work == Work()


def test_verifying_asks_the_marker_and_never_the_tags(sample) -> None:  # type: ignore[no-untyped-def]
    path = sample("unmarked/tune.flac")
    mark(path, in_place=True, signer=ARTIST, c2pa=False, work=Work(isrc="QZABC2600001"), now=NOW)
    tags = FLAC(path)
    tags["ISRC"], tags["TITLE"] = "DEAB12600001", "Another"
    tags.save()
    verdict = verify(path, trust=trusting(ARTIST.chain), now=NOW)
    (marker,) = [signal.marker for signal in verdict.signals if signal.marker is not None]
    assert marker.claim.work == Work("Four Bars at Dusk", "The Demonstrators", "QZABC2600001")


def test_what_the_caller_gives_is_checked(track: Path) -> None:
    before = track.read_bytes()
    for options in (
        {"work": Work(upc="614141000037")},
        {"claim": Claim.from_profile(work=Work(upc="614141000037"))},
    ):
        with pytest.raises(IdentifierChecksum):
            marked(track, **options)
    assert track.read_bytes() == before
