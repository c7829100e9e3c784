"""Joined files: what a file says itself of its length is believed, and everything else is searched."""

from __future__ import annotations

import pytest

from noai.codes import Code
from noai.containers import _flac_joined, _mp3_joined
from noai.containers._flac_blocks import read_layout as read_flac
from noai.containers._mp3_layout import read_layout as read_mp3
from noai.containers.flac import Flac
from noai.containers.mp3 import Mp3
from noai.limits import KIB
from noai.sources import BytesSource
from tests.audio import Studio
from tests.unit.id3_bytes import frame, tag
from tests.unit.mp3_bytes import HEADER, ID3, info, sound

MARK = tag(4, frame(4, "TXXX", b"\3NOAI\x001"))
#: Padding keeps the bit rate: 417 bytes, now and then 418.
PADDED = bytes((*HEADER[:2], HEADER[2] | 2, *HEADER[3:]))


class CountingSource(BytesSource):
    """Counts the bytes that are read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.read = 0

    def read_at(self, offset: int, length: int) -> bytes:
        data = super().read_at(offset, length)
        self.read += len(data)
        return data


def mp3(data: bytes) -> tuple[_mp3_joined.Joined, int]:
    """What is found, and how many bytes of the audio were read for it."""
    layout = read_mp3(BytesSource(data))
    source = CountingSource(data)
    return _mp3_joined.find_joined(source, layout), source.read


def constant(count: int) -> bytes:
    """Frames of 128 kbit/s at 44.1 kHz, padded as encoders do it."""
    frames, length = b"", 0
    for number in range(1, count + 1):
        padded = number * 144 * 128_000 // 44_100 - length > 417
        frames += sound(1, PADDED if padded else HEADER)
        length = len(frames)
    return frames


def counted(frames: bytes, own: bool = True) -> bytes:
    """``frames`` behind an Info frame that counts them, and itself."""
    head = bytearray(info(b"Xing", count=len(frames) // 417))
    head[48:52] = (len(frames) + own * len(head)).to_bytes(4, "big")
    return bytes(head) + frames


LONG = constant(2_000)


@pytest.mark.parametrize("own", [True, False])
def test_what_an_info_frame_counts_is_not_searched(own: bool) -> None:
    joined, read = mp3(counted(LONG, own))
    assert joined == _mp3_joined.Joined((), ((0, len(LONG) + 417),))
    assert read < 8 * KIB


def test_a_constant_bit_rate_is_not_searched() -> None:
    joined, read = mp3(LONG)
    assert joined == _mp3_joined.Joined((), ((0, len(LONG)),))
    assert read < 8 * KIB


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("first", [MARK, ID3 + MARK, ID3])
def test_the_seam_of_joined_files_costs_little(own: bool, first: bytes) -> None:
    joined, read = mp3(counted(LONG, own) + first + counted(LONG, own))
    assert next(tag.offset for tag in joined.tags) == len(LONG) + 417
    assert len(joined.declared) == 2
    assert read < 40 * KIB


@pytest.mark.parametrize(
    "data",
    [
        LONG + MARK + LONG,
        counted(LONG)[:-100_000] + MARK + counted(LONG),
        counted(LONG[:-100_000]) + LONG[-100_000:] + MARK + LONG,
        sound(500) + MARK + sound(500),
        LONG[: 417 * 700] + MARK + LONG[417 * 700 :],
        counted(LONG)[:100_000] + MARK + counted(LONG)[100_000:],
        sound(3, b"\xff\xfb\x92\x40") + LONG + MARK + LONG,
    ],
    ids=["no info", "cut off", "counts too little", "drifting", "inside", "inside, counted", "other frames"],
)
def test_what_the_file_says_nothing_of_is_searched(data: bytes) -> None:
    joined, _ = mp3(data)
    assert [tag.offset for tag in joined.tags] == [data.index(MARK)]


def test_an_info_frame_whose_frames_and_bytes_disagree_is_not_believed() -> None:
    """ffmpeg counts a tag as audio: the bytes fit the file, the frames do not fit the bytes."""
    data = bytearray(counted(LONG + MARK + LONG))
    data[36:40] = b"Info"
    data[44:48] = (2_000 * 2).to_bytes(4, "big")
    joined, _ = mp3(bytes(data))
    assert [tag.offset for tag in joined.tags] == [data.index(MARK)]


def test_hashing_finds_a_tag_that_reading_passed_over() -> None:
    data = counted(LONG + MARK + LONG)
    assert mp3(data)[0].tags == ()
    codes = [violation.code for violation in Mp3().read_essence(BytesSource(data)).violations]
    assert codes == [Code.TAG_IN_AUDIO]


# -- FLAC -----------------------------------------------------------------------------------


def test_a_flac_that_ends_as_promised_is_not_searched(studio: Studio) -> None:
    for variant in ("plain", "long", "tagged", "cover", "24bit", "ffmpeg"):
        data = studio.encoded("flac", variant).read_bytes()
        layout, source = read_flac(BytesSource(data)), CountingSource(data)
        assert _flac_joined.find_joined(source, layout, len(data)) == _flac_joined.Joined(searched=False)
        assert source.read < 64 * KIB


@pytest.mark.parametrize("second", ["plain", "cover", "24bit"])
def test_a_second_flac_is_found_with_its_blocks(studio: Studio, second: str) -> None:
    data, other = (studio.encoded("flac", variant).read_bytes() for variant in ("plain", second))
    both = data + other
    found = _flac_joined.find_joined(BytesSource(both), read_flac(BytesSource(both)), len(both))
    assert [stream.offset for stream in found.streams] == [len(data)]
    assert len(found.streams[0].blocks) == len(read_flac(BytesSource(other)).blocks)


def test_the_file_may_end_within_its_first_block() -> None:
    data = b"fLaC\0\0\0\x22" + bytes(9)
    area = Flac().read_tags(BytesSource(data))
    assert [note.code for note in area.notes if note.code.blocks]
