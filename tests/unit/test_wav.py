"""WAV: what is in its digest, and what forbids binding to it."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers.interface import ContainerName
from noai.errors import ContainerMalformed
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, ffmpeg, run
from tests.unit.id3_bytes import MARK
from tests.unit.wav_bytes import (
    DATA,
    FMT,
    SOUND,
    WAV,
    chunk,
    essence,
    extensible,
    fmt,
    info,
    violations,
    wave,
    written,
)

# -- detection ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"RIFF", ContainerName("wav")), (b"RF64", None), (b"BW64", None), (b"RIFX", None), (b"riff", None)],
)
def test_only_riff_wave_is_recognised(head: bytes, name: ContainerName | None) -> None:
    assert WAV.detect(BytesSource(head + wave(FMT, DATA)[4:])) is name


def test_other_content_raises() -> None:
    for read in (WAV.read_tags, WAV.read_essence):
        with pytest.raises(ContainerMalformed):
            read(BytesSource(b"RIFF\0\0\0\0AVI "))


# -- the digest -----------------------------------------------------------------------------


def test_the_digest_is_the_one_that_is_specified() -> None:
    config = struct.pack("<HHIHH", 1, 1, 8000, 16, 16)
    record = b"\x03pcm" + struct.pack("<I", 12) + config
    record += struct.pack("<Q", len(SOUND)) + hashlib.sha256(SOUND).digest() + b"\0"
    expected = hashlib.sha256(b"noai-essence/1\0" + struct.pack("<I", 1) + record).digest()
    found = essence(wave(FMT, info(INAM=b"x"), DATA))
    assert (found.digest.scheme, found.digest.digest, found.violations) == ("pcm/1", expected, ())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (fmt(bits=24), extensible(1, 24, 24), True),
        (fmt(3, bits=32), extensible(3, 32, 32), True),
        (extensible(1, 24, 24, mask=4), extensible(1, 24, 24, mask=0), True),
        (extensible(1, 24, 24), extensible(1, 24, 0), True),
        (extensible(1, 24, 24), extensible(1, 24, 20), False),
        (fmt(bits=32), fmt(3, bits=32), False),
        (fmt(6, bits=8), fmt(7, bits=8), False),
        (fmt(rate=8000), fmt(rate=8001), False),
        (fmt(channels=1, bits=16), fmt(channels=2, bits=8), False),
        (fmt(0x11, bits=4, extension=b"\1\2"), fmt(0x11, bits=4, extension=b"\1\3"), False),
    ],
)
def test_the_configuration_is_canonical(one: bytes, other: bytes, same: bool) -> None:
    assert (essence(wave(one, DATA)).digest == essence(wave(other, DATA)).digest) is same


def test_other_codecs_have_schemes_of_their_own() -> None:
    assert essence(wave(fmt(0x55, bits=0, extension=bytes(12)), DATA)).digest.scheme == "wave-0055/1"


@pytest.mark.parametrize("encoder", ["pcm_s24le", "pcm_f32le", "pcm_mulaw", "adpcm_ima_wav"])
def test_ffmpegs_stream_copy_keeps_the_digest(studio: Studio, tmp_path: Path, encoder: str) -> None:
    path, copied = tmp_path / "a.wav", tmp_path / "b.wav"
    ffmpeg("-i", studio.materials.clip, "-c:a", encoder, path)
    path.write_bytes(written(path.read_bytes(), MARK))
    ffmpeg("-i", path, "-c", "copy", copied)
    assert essence(copied.read_bytes()) == essence(path.read_bytes())


# -- what forbids binding ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (wave(FMT, DATA, DATA), Code.CHUNK_DUPLICATE),
        (wave(FMT, FMT, DATA), Code.CHUNK_DUPLICATE),
        (wave(FMT, DATA) + DATA, Code.CHUNK_DUPLICATE),
        (wave(DATA, FMT), Code.CHUNK_SIZE),
        (wave(FMT, DATA)[:-1], Code.CHUNK_SIZE),
        (wave(FMT, DATA, size=0), Code.CHUNK_SIZE),
        (wave(FMT, DATA, size=500), Code.CHUNK_SIZE),
        (wave(FMT, DATA, size=5000), Code.CHUNK_SIZE),
        (wave(FMT, DATA, b"\1\2\3\4" + bytes(60)), Code.CHUNK_SIZE),
        (wave(FMT, DATA) + b"\1\2\3\4\5data" + SOUND, Code.TRAILING_AUDIO),
        (wave(FMT, b"note\x03\0\0\0abc" + DATA), Code.CHUNK_SIZE),
        (wave(fmt(channels=0), DATA), Code.CHUNK_SIZE),
        (wave(fmt(rate=0), DATA), Code.CHUNK_SIZE),
        (wave(extensible(1, 16, 24), DATA), Code.CHUNK_SIZE),
        (wave(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 8000, 16000, 2, 16)), DATA), Code.CHUNK_SIZE),
        (wave(FMT), Code.ESSENCE_UNREADABLE),
        (wave(DATA), Code.ESSENCE_UNREADABLE),
        (wave(chunk(b"fmt ", b"\1\0"), DATA), Code.ESSENCE_UNREADABLE),
        (wave(FMT, chunk(b"data", b"")), Code.ESSENCE_EMPTY),
    ],
)
def test_where_decoders_could_disagree_binding_is_forbidden(data: bytes, code: Code) -> None:
    assert code in violations(data)


@pytest.mark.parametrize(
    "data",
    [
        wave(FMT, DATA, size=len(wave(FMT, DATA))),
        wave(FMT, DATA) + bytes(40),
        wave(FMT, DATA) + b"TAG" + bytes(125),
        wave(FMT, DATA) + chunk(b"C2PA", b"outside"),
        wave(chunk(b"JUNK", bytes(28)), FMT, DATA),
        wave(FMT, DATA, info(INAM=b"x"), chunk(b"cue ", bytes(4))),
    ],
    ids=["size with header", "zeros", "ID3v1", "chunk behind the form", "JUNK", "chunks behind data"],
)
def test_what_is_common_and_harmless_is_none(data: bytes) -> None:
    assert essence(data) == essence(wave(FMT, DATA))


def test_an_odd_last_chunk_needs_no_padding() -> None:
    data = wave(fmt(bits=8), chunk(b"data", b"abc")[:-1])
    assert violations(data) == []
    marked = written(data, MARK)
    assert essence(marked) == essence(data)
    assert marked.endswith(b"data\x03\0\0\0abc\0")
    assert int.from_bytes(marked[4:8], "little") == len(marked) - 8


@pytest.mark.parametrize("program", ["ffmpeg", "sox"])
def test_sizes_left_open_by_a_pipe_are_read_to_the_end_and_repaired(
    studio: Studio, tmp_path: Path, program: str
) -> None:
    clip = studio.materials.clip
    if program == "ffmpeg":
        data = run("ffmpeg", "-v", "error", "-i", clip, "-f", "wav", "-")
    else:
        data = run("sox", clip, "-t", "wav", "-")
    path, marked = tmp_path / "a.wav", tmp_path / "b.wav"
    path.write_bytes(data)
    assert violations(data) == []
    assert essence(data).digest == essence(clip.read_bytes()).digest
    marked.write_bytes(written(data, MARK))
    assert essence(marked.read_bytes()) == essence(data)
    assert decoded_md5(marked) == decoded_md5(path)
    assert int.from_bytes(marked.read_bytes()[4:8], "little") == marked.stat().st_size - 8
