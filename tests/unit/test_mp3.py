"""MP3: what counts as one, what is in its digest, and what forbids binding to it."""

from __future__ import annotations

import hashlib
import random
import struct
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers.interface import ContainerName
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5
from tests.unit.id3_bytes import frame, tag
from tests.unit.mp3_bytes import (
    HEADER,
    ID3,
    MP3,
    ape,
    essence,
    id3v1,
    info,
    lyrics3,
    sound,
    vbri,
    violations,
)

# -- detection ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        sound(3),
        sound(1),
        sound(2)[:-100],
        ID3 + sound(2),
        ID3,
        ID3 + b"nothing that is known",
        ID3 + b"nothing that is known" * 9000,
        ID3 + ID3 + sound(3),
        sound(1) + id3v1(),
        bytes(500) + sound(5),
        b"\x17" * 5000 + sound(20),
        ape(("Title", b"x")) + sound(3),
        sound(9, b"\xff\xfd\x90\x00"),
        sound(9, b"\xff\xff\x90\x00"),
        sound(9, b"\xff\xf3\x80\x00"),
        sound(9, b"\xff\xe3\x80\x00"),
        (b"\xff\xfb\x00\x40" + bytes(600)) * 4,
    ],
)
def test_mpeg_audio_is_recognised(data: bytes) -> None:
    assert MP3.detect(BytesSource(data)) == ContainerName("mp3")


@pytest.mark.parametrize(
    "data",
    [
        ID3 + b"fLaC" + bytes(9000),
        ID3 + b"OggS" + bytes(9000),
        ID3 + b"\xff\xf1\x50\x80" + bytes(9000),
        ID3 + b"RIFF\x00\x00\x00\x00WAVE" + sound(9),
        b"RIFF\x00\x00\x00\x00WAVE" + sound(9),
        b"\x00\x00\x00\x18ftypM4A " + sound(9),
        b"\x1aE\xdf\xa3" + sound(9),
        b"\x17" * 200_000 + sound(20),
        b"\x17" * 5000 + sound(3),
        (b"\xff\xf1\x50\x80\x0c\x9f\xfc" + bytes(93)) * 30,
        HEADER + bytes(400),
        b"ID3 is what this text is about." * 40,
        b"TAG" + bytes(125),
    ],
)
def test_other_content_is_not(data: bytes) -> None:
    assert MP3.detect(BytesSource(data)) is None


# -- the digest -----------------------------------------------------------------------------


def test_the_digest_is_the_one_that_is_specified() -> None:
    payload = sound(7)
    config = struct.pack("<BBI", 1, 3, 44100)
    record = b"\x03mp3" + struct.pack("<I", 6) + config
    record += struct.pack("<Q", len(payload)) + hashlib.sha256(payload).digest() + b"\0"
    expected = hashlib.sha256(b"noai-essence/1\0" + struct.pack("<I", 1) + record).digest()
    found = essence(ID3 + info() + payload + id3v1())
    assert (found.digest.scheme, found.digest.digest) == ("mp3/1", expected)
    assert found.payload_bytes == len(payload)
    assert found.violations == ()


def test_layers_have_schemes_of_their_own() -> None:
    schemes = [essence(sound(5, bytes((0xFF, byte, 0x90, 0)))).digest.scheme for byte in (0xFB, 0xFD, 0xFF)]
    assert schemes == ["mp3/1", "mp2/1", "mp1/1"]


@pytest.mark.parametrize(
    "data",
    [
        ID3 + sound(9),
        ID3 + ID3 + sound(9),
        info() + sound(9),
        info(b"Xing") + sound(9),
        vbri() + sound(9),
        sound(9) + id3v1(),
        sound(9) + b"TAG+" + bytes(223) + id3v1(),
        sound(9) + ape(("Title", b"x")) + id3v1(),
        sound(9) + ape(("Title", b"x"), header=False),
        sound(9) + lyrics3(("LYR", "la la")) + id3v1(),
        sound(9) + b"LYRICSBEGIN la la LYRICSEND" + id3v1(),
        sound(9) + ID3[:5] + b"\x10" + ID3[6:] + b"3DI" + ID3[3:5] + b"\x10" + ID3[6:10],
        ape(("Title", b"x")) + sound(9),
        ID3 + bytes(50) + sound(9),
        ID3 + b"3DI\x04\0\x10\0\0\0\x10" + sound(9),
    ],
)
def test_tags_and_one_info_frame_are_not_in_the_digest(data: bytes) -> None:
    assert essence(data).digest == essence(sound(9)).digest
    assert violations(data) == []


@pytest.mark.parametrize(
    "data",
    [
        sound(10),
        sound(8),
        sound(9) + b"\0",
        sound(4) + b"junk" + sound(5),
        info() + info() + sound(9),
        info(flags=0) + sound(9),
        info(count=0) + sound(9),
        sound(9) + id3v1() + b"\0",
    ],
    ids=lambda data: str(len(data)),
)
def test_everything_else_is(data: bytes) -> None:
    assert essence(data).digest != essence(sound(9)).digest
    assert violations(data) == []


@pytest.mark.parametrize("missing", [1, 100, 300, 410])
def test_a_last_frame_that_is_cut_off_is_a_truncated_file(missing: int) -> None:
    cut = sound(9)[:-missing]
    assert essence(cut).digest != essence(sound(9)).digest
    assert violations(cut) == [Code.ESSENCE_TRUNCATED]


# -- what forbids binding ---------------------------------------------------------------------

RANDOM = random.Random(7).randbytes(400_000)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (ID3, Code.ESSENCE_EMPTY),
        (ID3 + info(), Code.ESSENCE_EMPTY),
        (ID3 + b"no frames", Code.ESSENCE_UNREADABLE),
        (b"ID3\x04\0\0\0\0\0\x80" + bytes(128) + sound(9), Code.ID3_SIZE),
        (b"ID3\x04\0\0\x0f\0\0\0" + sound(9), Code.ID3_SIZE),
        (ID3[:5] + b"\x10" + ID3[6:] + sound(9), Code.ID3_SIZE),
        (tag(3, frame(3, "TIT2", b"\0x"), flags=0x10) + sound(9), Code.ID3_SIZE),
        (b"ID3\x05\0\0\0\0\0\x08" + bytes(8) + sound(9), Code.ID3_VERSION),
        (tag(4, frame(4, "TIT2", b"\0x"), padding=bytes(9) + b"\1" + bytes(9)) + sound(9), Code.ID3_PADDING),
        (tag(4, padding=sound(3)) + sound(9), Code.ID3_PADDING),
        ((b"\xff\xfb\x00\x40" + bytes(600)) * 9, Code.MP3_FREE_FORMAT),
        (ID3 + HEADER + b"junk" + sound(9), Code.MP3_SYNC),
        (ID3 + bytes(9) + info() + sound(9), Code.MP3_SYNC),
        (ape(("Title", b"x")) + info() + sound(9), Code.MP3_SYNC),
        (sound(9) + ape(("Cover", sound(5))), Code.AUDIO_IN_TAG),
        (sound(9) + ape(("Cover", sound(5, b"\xff\xfd\x90\x00"))), Code.AUDIO_IN_TAG),
        (sound(9) + ape(("Cover", (sound(1) + b"gap") * 60)), Code.AUDIO_IN_TAG),
        (sound(9) + ape(("Cover", HEADER[:3] * 3000)), Code.AUDIO_IN_TAG),
        (sound(9) + lyrics3(("LYR", "x")).replace(b"x", b"") + id3v1(), None),
        (sound(9) + b"LYRICSBEGIN" + sound(4) + b"LYRICSEND", Code.AUDIO_IN_TAG),
        (ape(("Cover", sound(5))) + sound(9), Code.AUDIO_IN_TAG),
        (sound(9) + ape(("Cover", RANDOM)), None),
        (sound(4) + RANDOM[:3000] + sound(9) + bytes(700), None),
    ],
)
def test_where_decoders_could_disagree_binding_is_forbidden(data: bytes, code: Code | None) -> None:
    assert (code is None and not violations(data)) or code in violations(data)


def test_ffmpeg_plays_what_is_hidden_in_an_ape_tag(studio: Studio, tmp_path: Path) -> None:
    """Why the tags behind the audio are searched for frames."""
    real = studio.encoded("mp3", "plain").read_bytes()
    other = studio.encoded("mp3", "long").read_bytes()
    start = other.index(b"\xff\xfb", 2000)
    hidden = real + ape(("Cover", other[start : start + 40_000]))
    plain, path = tmp_path / "plain.mp3", tmp_path / "hidden.mp3"
    plain.write_bytes(real)
    path.write_bytes(hidden)
    assert decoded_md5(path) != decoded_md5(plain)
    assert essence(hidden).digest == essence(real).digest
    assert violations(hidden) == [Code.AUDIO_IN_TAG]
