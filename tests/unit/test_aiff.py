"""AIFF: what is in its digest, and what forbids binding to it."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers.aiff import AIFF, Aiff
from noai.containers.wav import Wav
from noai.errors import ContainerMalformed
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, ffmpeg, run
from tests.unit.chunk_files import RATE, SOUND, Under, aiff, chunk, comm, ssnd
from tests.unit.id3_bytes import MARK, tag

UNDER = Under(Aiff())
COMM, SSND = comm(), ssnd()
VERSION = chunk(b"FVER", bytes.fromhex("a2805140"))


def aifc(compression: bytes, bits: int = 16, frames: int = 512, *more: bytes) -> bytes:
    common = comm(frames, bits=bits, compression=compression)
    return aiff(VERSION, common, *more, SSND, kind=b"AIFC")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (aiff(COMM, SSND), AIFF),
        (aifc(b"sowt"), AIFF),
        (aiff(COMM, SSND, kind=b"8SVX"), None),
        (b"form" + aiff(COMM, SSND)[4:], None),
    ],
)
def test_only_aiff_and_aiff_c_are_recognised(data: bytes, name: str | None) -> None:
    assert UNDER.container.detect(BytesSource(data)) is name


def test_other_content_raises() -> None:
    for read in (UNDER.tags, UNDER.essence):
        with pytest.raises(ContainerMalformed):
            read(b"FORM\0\0\0\0ILBM")


# -- the digest -------------------------------------------------------------------------------


def expected(codec: str, config: bytes, payload: bytes = SOUND) -> bytes:
    record = struct.pack("<B", len(codec)) + codec.encode() + struct.pack("<I", len(config)) + config
    record += struct.pack("<Q", len(payload)) + hashlib.sha256(payload).digest() + b"\0"
    return hashlib.sha256(b"noai-essence/1\0" + struct.pack("<I", 1) + record).digest()


def pcm(tag: int, bits: int, valid: int | None = None) -> bytes:
    return struct.pack("<HHIHH", tag, 1, 8000, bits, bits if valid is None else valid)


@pytest.mark.parametrize(
    ("data", "codec", "config"),
    [
        (aiff(COMM, SSND), "pcm-be", pcm(1, 16)),
        (aiff(SSND, COMM), "pcm-be", pcm(1, 16)),
        (aiff(comm(1024, bits=8), SSND), "pcm-be", pcm(1, 8)),
        (aiff(comm(bits=12), SSND), "pcm-be", pcm(1, 16, 12)),
        (aifc(b"NONE"), "pcm-be", pcm(1, 16)),
        (aifc(b"twos"), "pcm-be", pcm(1, 16)),
        (aifc(b"in32", 32, 256), "pcm-be", pcm(1, 32)),
        (aifc(b"fl32", 32, 256), "pcm-be", pcm(3, 32)),
        (aifc(b"FL64", 64, 128), "pcm-be", pcm(3, 64)),
        (aifc(b"sowt"), "pcm", pcm(1, 16)),
        (aifc(b"sowt", 8, 1024), "pcm-be", pcm(1, 8)),
        (aifc(b"42ni", 24, 341), "pcm", pcm(1, 24)),
        (aifc(b"raw ", 8, 1024), "pcm", pcm(1, 8)),
        (aifc(b"alaw", 16, 1024), "pcm", pcm(6, 8)),
        (aifc(b"ULAW", 16, 1024), "pcm", pcm(7, 8)),
        (aifc(b"ima4", 16, 15), "aiff-ima4", struct.pack("<HHI", 1, 16, 15) + RATE),
        (aifc(b"GSM ", 16, 15), "aiff-GSM", struct.pack("<HHI", 1, 16, 15) + RATE),
        (aifc(b"Qc\xf4\0", 16, 15), "aiff-5163f400", struct.pack("<HHI", 1, 16, 15) + RATE),
        (
            aifc(b"QDM2", 16, 15, chunk(b"wave", b"config")),
            "aiff-QDM2",
            struct.pack("<HHI", 1, 16, 15) + RATE + b"config",
        ),
    ],
)
def test_the_digest_is_the_one_that_is_specified(data: bytes, codec: str, config: bytes) -> None:
    found = UNDER.essence(data)
    assert (found.digest.scheme, found.digest.digest) == (f"{codec}/1", expected(codec, config))
    assert found.violations == ()


def test_a_rate_that_is_no_whole_number_is_hashed_as_it_stands() -> None:
    """22,254.54 Hz, that of the first Macs, and 8,000 Hz in a number that is not normalised."""
    old = bytes.fromhex("400dadd5be6c00000000")
    odd = UNDER.essence(aiff(comm(rate=old), SSND))
    assert odd.digest.digest == expected("pcm-be", struct.pack("<HHIHH", 1, 1, 0, 16, 16) + old)
    wide = bytes.fromhex("400c7d00000000000000")
    assert UNDER.essence(aiff(comm(rate=wide), SSND)) == UNDER.essence(aiff(COMM, SSND))


def test_an_offset_in_front_of_the_sound_is_left_out() -> None:
    assert UNDER.essence(aiff(COMM, ssnd(offset=16))) == UNDER.essence(aiff(COMM, SSND))


@pytest.mark.parametrize("encoder", ["pcm_s16le", "pcm_alaw", "pcm_mulaw"])
def test_what_wave_has_byte_for_byte_yields_what_wave_yields(
    studio: Studio, tmp_path: Path, encoder: str
) -> None:
    wav, other = tmp_path / "a.wav", tmp_path / "a.aifc"
    ffmpeg("-i", studio.materials.clip, "-c:a", encoder, wav)
    ffmpeg("-i", wav, "-c", "copy", other)
    assert UNDER.essence(other.read_bytes()) == Wav().read_essence(BytesSource(wav.read_bytes()))


@pytest.mark.parametrize("encoder", ["pcm_s16be", "pcm_s24be", "pcm_s8", "pcm_f64be", "pcm_s16le"])
def test_ffmpegs_stream_copy_keeps_the_digest(studio: Studio, tmp_path: Path, encoder: str) -> None:
    path, copied = tmp_path / "a.aiff", tmp_path / "b.aiff"
    ffmpeg("-i", studio.materials.clip, "-c:a", encoder, path)
    path.write_bytes(UNDER.written(path.read_bytes(), MARK))
    ffmpeg("-i", path, "-c", "copy", copied)
    assert UNDER.essence(copied.read_bytes()) == UNDER.essence(path.read_bytes())


# -- what forbids binding ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (aiff(COMM, SSND, SSND), Code.CHUNK_DUPLICATE),
        (aiff(COMM, COMM, SSND), Code.CHUNK_DUPLICATE),
        (aiff(COMM, SSND) + SSND, Code.CHUNK_DUPLICATE),
        (aiff(COMM, SSND, chunk(b"APCM", bytes(8) + SOUND)), Code.CHUNK_DUPLICATE),
        (aiff(COMM, SSND) + b"\1\2\3\4\5SSND" + SOUND, Code.TRAILING_AUDIO),
        (aiff(COMM, SSND)[:-1], Code.CHUNK_SIZE),
        (aiff(COMM, SSND, size=0), Code.CHUNK_SIZE),
        (aiff(COMM, SSND, size=500), Code.CHUNK_SIZE),
        (aiff(COMM, SSND, size=5000), Code.CHUNK_SIZE),
        (aiff(COMM, SSND, b"\1\2\3\4" + bytes(60)), Code.CHUNK_SIZE),
        (aiff(COMM, b"NAME\0\0\0\x03abc" + SSND), Code.CHUNK_SIZE),
        (aiff(comm(511), SSND), Code.CHUNK_SIZE),
        (aiff(comm(513), SSND), Code.CHUNK_SIZE),
        (aiff(comm(channels=0), SSND), Code.CHUNK_SIZE),
        (aiff(comm(rate=bytes(10)), SSND), Code.CHUNK_SIZE),
        (aiff(comm(0, bits=0), SSND), Code.CHUNK_SIZE),
        (aiff(comm(128, bits=64), SSND), Code.CHUNK_SIZE),
        (aifc(b"fl32", 16, 256), Code.CHUNK_SIZE),
        (aiff(COMM, chunk(b"SSND", struct.pack(">II", 5000, 0) + SOUND)), Code.CHUNK_SIZE),
        (aiff(comm(compression=b"sowt"), SSND), Code.CHUNK_SIZE),
        (aiff(VERSION, COMM, SSND), Code.CHUNK_SIZE),
        (aifc(b"sowt", 16, 512, chunk(b"FVER", bytes.fromhex("a2805140") + bytes(8))), Code.CHUNK_SIZE),
        (aiff(COMM, chunk(b"CHAN", struct.pack(">III", 0, 0, 0) + bytes(4)), SSND), Code.CHUNK_SIZE),
        (aiff(COMM[:7] + b"\x13" + COMM[8:] + b"\0\0", SSND), Code.CHUNK_SIZE),
        (aiff(COMM, b"NAME\0\0\0\x03abcS", SSND), Code.CHUNK_SIZE),
        (aiff(COMM, chunk(b"INST", bytes(22)), SSND), Code.CHUNK_SIZE),
        (aiff(COMM, chunk(b"ALCH", b"ENVS" + bytes(8)), SSND), Code.CHUNK_SIZE),
        (aiff(COMM, chunk(b"COMT", struct.pack(">HIHH", 1, 0, 0, 50) + b"short"), SSND), Code.CHUNK_SIZE),
        (aiff(COMM, chunk(b"COMT", struct.pack(">H", 0) + bytes(8)), SSND), Code.CHUNK_SIZE),
        (aiff(COMM, chunk(b"COMT", struct.pack(">H", 1)), SSND), Code.CHUNK_SIZE),
        (aiff(COMM, chunk(b"ID3 ", tag(4)[:9] + b"\x30" + bytes(20)), SSND), Code.ID3_SIZE),
        (aiff(COMM, SSND, chunk(b"ID3 ", b"ID3\5\0\0" + bytes(24))), Code.ID3_VERSION),
        (
            aiff(chunk(b"FVER", bytes(4)), comm(compression=b"sowt"), SSND, kind=b"AIFC"),
            Code.CHUNK_SIZE,
        ),
        (aiff(COMM), Code.ESSENCE_UNREADABLE),
        (aiff(SSND), Code.ESSENCE_UNREADABLE),
        (aiff(comm(), SSND, kind=b"AIFC"), Code.ESSENCE_UNREADABLE),
        (aiff(chunk(b"COMM", b"\1\0"), SSND), Code.ESSENCE_UNREADABLE),
        (aiff(comm(0), ssnd(b"")), Code.ESSENCE_EMPTY),
    ],
)
def test_where_decoders_could_disagree_binding_is_forbidden(data: bytes, code: Code) -> None:
    assert code in UNDER.violations(data)


@pytest.mark.parametrize(
    "data",
    [
        aiff(COMM, SSND) + bytes(40),
        aiff(COMM, SSND) + b"TAG" + bytes(125),
        aiff(COMM, SSND) + chunk(b"ID3 ", b"outside"),
        aiff(chunk(b"FLLR", bytes(28)), COMM, chunk(b"ssnd", SOUND), SSND),
        aiff(COMM, SSND, chunk(b"MARK", bytes(2)), chunk(b"NAME", b"odd")),
        aiff(COMM, chunk(b"CHAN", struct.pack(">III", 0x640001, 0, 1) + bytes(20)), SSND),
    ],
    ids=[
        "zeros",
        "ID3v1",
        "chunk behind the form",
        "filler, foreign name",
        "chunks behind the sound",
        "CHAN",
    ],
)
def test_what_is_common_and_harmless_is_none(data: bytes) -> None:
    assert UNDER.essence(data) == UNDER.essence(aiff(COMM, SSND))


def test_what_sox_plays_instead_is_a_violation(tmp_path: Path) -> None:
    """Seen with sox 14.4.2: a comment that is longer than its chunk leads into another one."""
    hidden = ssnd(SOUND[::-1]) + b"zzzz" + struct.pack(">I", len(SSND))
    inside = chunk(b"APPL", b"stoc" + bytes(30) + hidden)
    reaching = chunk(b"COMT", struct.pack(">HIHH", 1, 0, 0, 4 + 8 + 4 + 30) + b"abcd")
    data, path = aiff(COMM, reaching, inside, SSND), tmp_path / "a.aiff"
    path.write_bytes(data)
    assert run("sox", path, "-t", "raw", "-B", "-") == SOUND[::-1]
    assert Code.CHUNK_SIZE in UNDER.violations(data)


def test_what_ffmpeg_plays_instead_is_a_violation(tmp_path: Path) -> None:
    """Seen with ffmpeg 5.1: an ID3 size beyond its chunk leads into the middle of another one."""
    hidden = ssnd(SOUND[::-1]) + b"zzzz" + struct.pack(">I", len(SSND))
    inside = chunk(b"APPL", b"stoc" + bytes(30) + hidden)
    reaching = chunk(b"ID3 ", b"ID3\4\0\0\0\0\0" + bytes((10 + 8 + 4 + 30,)) + bytes(10))
    data, path = aiff(COMM, reaching, inside, SSND), tmp_path / "a.aiff"
    path.write_bytes(data)
    played = run("ffmpeg", "-v", "error", "-i", path, "-f", "s16be", "-")
    assert played == SOUND[::-1]
    assert Code.ID3_SIZE in UNDER.violations(data)


def test_an_odd_last_chunk_needs_no_padding() -> None:
    data = aiff(comm(3, bits=8), ssnd(b"abc")[:-1])
    assert UNDER.violations(data) == []
    marked = UNDER.written(data, MARK)
    assert UNDER.essence(marked) == UNDER.essence(data)
    assert marked.endswith(b"abc\0")
    assert int.from_bytes(marked[4:8], "big") == len(marked) - 8


def test_sizes_left_open_by_a_pipe_are_refused(studio: Studio) -> None:
    """ffmpeg writes zeros, and then plays nothing."""
    data = run("ffmpeg", "-v", "error", "-i", studio.materials.clip, "-f", "aiff", "-")
    assert UNDER.violations(data)


@pytest.mark.parametrize("variant", ["plain", "odd", "sox24"])
def test_sox_plays_a_marked_file_alike(studio: Studio, tmp_path: Path, variant: str) -> None:
    original, marked = studio.encoded("aiff", variant), tmp_path / "marked.aiff"
    marked.write_bytes(UNDER.written(original.read_bytes(), MARK))
    assert run("sox", marked, "-t", "raw", "-") == run("sox", original, "-t", "raw", "-")
    assert decoded_md5(marked) == decoded_md5(original)
