"""AAC in ADTS: the same essence as in MP4, and what is not one stream of frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers._adts_pce import element_at_start
from noai.containers.mp4 import Mp4
from noai.containers.registry import detect
from noai.errors import ContainerUnknown
from noai.sources import BytesSource
from tests.audio import Studio, ffmpeg
from tests.unit.id3_bytes import frame, tag
from tests.unit.mp3_bytes import ape, sound
from tests.unit.stream_bytes import ADTS, adts, adts_frame, essence, violations

ID3 = tag(4, frame(4, "TIT2", b"\0x"))


# -- the same audio in MP4 ------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["plain", "tagged", "cover", "surround", "program-config"])
def test_the_essence_is_that_of_the_same_packets_in_mp4(studio: Studio, tmp_path: Path, variant: str) -> None:
    path = studio.encoded("adts", variant)
    boxed, back = tmp_path / "boxed.m4a", tmp_path / "back.aac"
    ffmpeg("-i", path, "-map", "0:a", "-c", "copy", boxed)
    ffmpeg("-i", boxed, "-c", "copy", back)
    reading = essence(ADTS, path.read_bytes())
    assert reading.violations == ()
    assert reading.digest == Mp4().read_essence(BytesSource(boxed.read_bytes())).digest
    assert reading == essence(ADTS, back.read_bytes())


@pytest.mark.parametrize("options", [(), ("-ac", "1", "-ar", "8000"), ("-ar", "96000", "-b:a", "320k")])
def test_what_was_encoded_into_mp4_keeps_its_essence_in_adts(
    studio: Studio, tmp_path: Path, options: tuple[str, ...]
) -> None:
    boxed, bare = tmp_path / "a.m4a", tmp_path / "a.aac"
    ffmpeg("-i", studio.materials.clip, "-t", "1", "-c:a", "aac", *options, boxed)
    ffmpeg("-i", boxed, "-c", "copy", bare)
    expected = Mp4().read_essence(BytesSource(boxed.read_bytes())).digest
    assert essence(ADTS, bare.read_bytes()).digest == expected


def test_a_checksum_in_the_frames_is_no_part_of_the_essence() -> None:
    protected = b"".join(adts_frame(b"raw data block %d" % number, crc=True) for number in range(8))
    assert violations(ADTS, protected) == set()
    assert essence(ADTS, protected) == essence(ADTS, adts())


def test_what_the_channels_are_is_read_from_the_first_frame(studio: Studio) -> None:
    """Element 5; two front and two back channels, none else; no mixdown; a comment of three bytes."""
    bits = (
        "101" + "0000" + "01" + "0100" + "0001" + "0000" + "0001" + "00" + "000" + "0000" + "000" + "1" * 10
    )
    padded = bits + "0" * (-len(bits) % 8)
    block = int(padded, 2).to_bytes(len(padded) // 8, "big") + b"\x03abc" + b"audio"
    element = element_at_start(block)
    assert element is not None
    assert block[element.length :] == b"audio"
    shifted = bits[3:] + "0" * (-(len(bits) - 3) % 8)
    assert element.data == int(shifted, 2).to_bytes(len(shifted) // 8, "big") + b"\x03abc"
    for length in range(element.length):
        assert element_at_start(block[:length]) is None
    assert violations(ADTS, adts_frame(block, channels=0) * 4) == set()
    assert violations(ADTS, adts_frame(channels=0) * 4) == {Code.ESSENCE_UNSUPPORTED}


# -- what is not one stream ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (adts()[:-1], {Code.ESSENCE_TRUNCATED}),
        (adts() + adts_frame()[:5], {Code.ESSENCE_TRUNCATED}),
        (adts() + b"\0\0\0", {Code.FRAME_SYNC}),
        (adts() + b"junk" + adts(), {Code.FRAME_SYNC}),
        (adts() + ID3 + adts(), {Code.FRAME_SYNC}),
        (b"junk" + adts(), {Code.FRAME_SYNC}),
        (ID3 + bytes(9) + adts(), {Code.FRAME_SYNC}),
        (adts_frame()[9:] + adts(), {Code.FRAME_SYNC}),
        (adts() + adts_frame(rate=3) * 4, {Code.FRAME_HEADER}),
        (adts() + adts_frame(channels=1) * 4, {Code.FRAME_HEADER}),
        (adts() + adts_frame(crc=True) * 4, {Code.FRAME_HEADER}),
        (adts() + adts_frame(blocks=2) + adts(), {Code.ESSENCE_UNSUPPORTED}),
        (adts() + ape(("Cover Art (Front)", b"x\0" + adts(2))), {Code.AUDIO_IN_TAG}),
        (adts() + ape(("Cover Art (Front)", b"x\0" + adts_frame(bytes(20)) * 4)), {Code.AUDIO_IN_TAG}),
        (tag(3, frame(3, "APIC", b"\0image/png\0\3\0" + adts(2))) + adts(), {Code.AUDIO_IN_TAG}),
        (adts() + ape(("Cover Art (Front)", b"x\0" + adts_frame(rate=3) * 9)), set()),
    ],
)
def test_what_is_not_one_stream_of_frames_forbids_binding(data: bytes, expected: set[Code]) -> None:
    assert violations(ADTS, data) == expected


def test_frames_scattered_in_a_tag_are_audio_too() -> None:
    scattered = b"x\0" + b"".join(adts_frame(bytes(20)) + b"apart" for _ in range(9))
    assert violations(ADTS, adts() + ape(("Cover Art (Front)", scattered))) == {Code.AUDIO_IN_TAG}


# -- detection ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [adts(1), adts(2), adts(1) + ape(("Title", b"x")), ID3 + adts(1), adts_frame(bytes(8000)) * 3]
)
def test_short_files_are_recognised(data: bytes) -> None:
    assert detect(BytesSource(data)).name == "adts"


@pytest.mark.parametrize(
    "data",
    [
        adts(1) + b"junk",
        adts(2)[:-20] + bytes(99),
        b"\xff\xf1" * 5000,
        b"ADIF" + bytes(5000),
        b"".join(b"\x56\xe0\x20" + bytes(32) for _ in range(99)),
        b"junk" + adts(5),
        bytes(13_000) + adts(),
    ],
    ids=["one-frame", "no-third", "sync-words", "adif", "latm", "few-behind-junk", "too-much-junk"],
)
def test_other_content_is_not_claimed(data: bytes) -> None:
    assert ADTS.detect(BytesSource(data)) is None
    with pytest.raises(ContainerUnknown):
        detect(BytesSource(data))


def test_mpeg_audio_is_left_to_its_own_container() -> None:
    assert ADTS.detect(BytesSource(sound(9))) is None
    assert ADTS.detect(BytesSource(ID3 + sound(9))) is None
