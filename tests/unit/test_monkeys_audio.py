"""Monkey's Audio: the header against the file, and what is kept of the original one."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import MarkError
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, ffmpeg
from tests.encoders.ape_frames import file, frame
from tests.unit import id3_bytes
from tests.unit.mp3_bytes import ape
from tests.unit.stream_bytes import MAC, essence, mac, notes, old_mac, values, violations, written
from tests.unit.test_wavpack import HEAD, ID3_CHUNK

WHOLE = mac()
OTHER = TagEdit(markers=("d.e.f",))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (WHOLE[:-1], Code.ESSENCE_TRUNCATED),
        (WHOLE[:-9], Code.ESSENCE_TRUNCATED),
        (WHOLE[:80], Code.ESSENCE_TRUNCATED),
        (WHOLE[:60], Code.ESSENCE_TRUNCATED),
        (WHOLE[:7], Code.ESSENCE_TRUNCATED),
        (mac(missing=1), Code.ESSENCE_TRUNCATED),
        (WHOLE + b"more", Code.TRAILING_AUDIO),
        (WHOLE + WHOLE, Code.TRAILING_AUDIO),
        (old_mac() + old_mac(), Code.TRAILING_AUDIO),
        (mac(offsets=(88, 87, 121)), Code.SEEK_TABLE),
        (mac(offsets=(89, 100, 121)), Code.SEEK_TABLE),
        (mac(offsets=(88, 100, 4000)), Code.SEEK_TABLE),
        (mac(()), Code.ESSENCE_EMPTY),
        (WHOLE.replace(b"\x0c\0\0\0\0\0\0\0", b"\x08\0\0\0\x04\0\0\0", 1), Code.SEEK_TABLE),
        (old_mac()[:40], Code.ESSENCE_TRUNCATED),
    ],
)
def test_what_contradicts_the_header_forbids_binding(data: bytes, expected: Code) -> None:
    """Decoders play what the table points to; some go by the header, others by the size of the file."""
    assert expected in violations(MAC, data)


def test_a_table_that_points_into_a_tag_forbids_binding() -> None:
    tag = ape(("Cover Art (Front)", b"x\0" + bytes(99)))
    assert violations(MAC, mac(offsets=(88, 100, len(WHOLE) + 40)) + tag) == {Code.SEEK_TABLE}


def test_a_header_in_a_tag_forbids_binding() -> None:
    """The decoder skips one ID3v2 tag and searches for a header behind it."""
    front = id3_bytes.tag(3, id3_bytes.frame(3, "PRIV", b"x\0" + WHOLE))
    assert violations(MAC, front + WHOLE) == {Code.AUDIO_IN_TAG}


@pytest.mark.parametrize("make", [mac, old_mac])
def test_tags_of_the_original_wave_file_are_read(make: object) -> None:
    assert callable(make)
    data = make(header=HEAD, trailer=ID3_CHUNK)
    assert violations(MAC, data) == set()
    assert values(MAC, data, FieldRole.MARKER) == ["a.b.c"]
    assert values(MAC, data, FieldRole.COPYRIGHT) == ["me"]
    assert notes(MAC, data) == []
    with pytest.raises(MarkError, match="inside the stream"):
        written(MAC, data, OTHER)


def test_a_cut_header_does_not_read_as_empty() -> None:
    assert notes(MAC, WHOLE[:60]) == [Code.TAG_UNREADABLE]


def test_versions_that_no_decoder_knows_are_not_claimed() -> None:
    for version in (3700, 5000):
        data = b"MAC " + struct.pack("<H", version) + WHOLE[6:]
        assert MAC.detect(BytesSource(data)) is None


def test_the_encoder_of_the_tests_is_played_bit_for_bit(studio: Studio, tmp_path: Path) -> None:
    """Frames of a size that is no multiple of four, silence, and values that need the escape code."""
    loud = struct.pack("<999h", *(32_767 if index % 7 else -32_768 for index in range(999)))
    pcm = bytes(1998) + loud + bytes(1998)
    frames = [(frame(pcm[at : at + 1998]), 999) for at in range(0, len(pcm), 1998)]
    path, wav = tmp_path / "a.ape", tmp_path / "a.wav"
    path.write_bytes(file(8000, frames, b""))
    ffmpeg("-f", "s16le", "-ar", "8000", "-ac", "1", "-i", _stored(tmp_path / "a.raw", pcm), wav)
    assert decoded_md5(path) == decoded_md5(wav)
    assert essence(MAC, path.read_bytes()).violations == ()


def _stored(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
