"""CAF: what its chunks say, what is in its digest, and what forbids binding to it."""

from __future__ import annotations

import hashlib
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.caf import Caf
from noai.containers.interface import FieldRole, TagArea, TagEdit
from noai.containers.registry import detect
from noai.errors import ContainerError, ContainerMalformed
from noai.essence import EssenceReading
from noai.limits import TAG_VALUE_BYTES
from noai.sources import BytesSource
from tests.audio import SAMPLES, Studio, decoded_md5, ffmpeg

CAF = Caf()
SOUND = bytes(range(250))


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return name + struct.pack(">q", len(content) if size is None else size) + content


def desc(form: bytes = b"lpcm", **changes: float) -> bytes:
    said = {"rate": 8000.0, "flags": 2, "size": 2, "frames": 1, "channels": 1, "bits": 16, **changes}
    numbers = [int(said[name]) for name in ("flags", "size", "frames", "channels", "bits")]
    return chunk(b"desc", struct.pack(">d4sIIIII", said["rate"], form, *numbers))


def info(*strings: str, count: int | None = None) -> bytes:
    number = len(strings) // 2 if count is None else count
    return chunk(b"info", struct.pack(">I", number) + b"".join(each.encode() + b"\0" for each in strings))


def pakt(
    *sizes: int, valid: int | None = None, priming: int = 0, remainder: int = 0, frames: int = 100
) -> bytes:
    numbers = b"".join(bytes([0x80 | size >> 7, size & 0x7F]) for size in sizes)
    played = len(sizes) * frames - priming - remainder if valid is None else valid
    return chunk(b"pakt", struct.pack(">qqii", len(sizes), played, priming, remainder) + numbers)


DATA = chunk(b"data", bytes(4) + SOUND)
VARIABLE = desc(b"ilbc", flags=0, size=0, frames=100, bits=0)


def caf(*chunks: bytes) -> bytes:
    return b"caff\0\1\0\0" + b"".join(chunks)


def essence(content: bytes) -> EssenceReading:
    return CAF.read_essence(BytesSource(content))


def violations(content: bytes) -> list[Code]:
    return [violation.code for violation in essence(content).violations]


def tags(content: bytes) -> TagArea:
    return CAF.read_tags(BytesSource(content))


def codes(content: bytes) -> list[Code]:
    return [note.code for note in tags(content).notes]


def digest_of(content: bytes) -> tuple[str, bytes]:
    source = BytesSource(content)
    reading = detect(source).container.read_essence(source)
    assert reading.violations == ()
    return reading.digest.scheme, reading.digest.digest


def specified(codec: str, config: bytes, sound: bytes, packets: bytes = b"\0") -> tuple[str, bytes]:
    record = bytes([len(codec)]) + codec.encode() + struct.pack("<I", len(config)) + config
    record += struct.pack("<Q", len(sound)) + hashlib.sha256(sound).digest() + packets
    return f"{codec}/1", hashlib.sha256(b"noai-essence/1\0" + struct.pack("<I", 1) + record).digest()


def test_only_caf_is_recognised() -> None:
    assert CAF.detect(BytesSource(caf(desc(), DATA))) == "caf"
    assert CAF.detect(BytesSource(b"caff\0\2\0\0" + desc() + DATA)) is None
    for read in (CAF.read_tags, CAF.read_essence):
        with pytest.raises(ContainerMalformed):
            read(BytesSource(b"caff"))


# -- the digest -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("description", "codec", "tag", "container"),
    [
        (desc(), "pcm", 1, 16),
        (desc(flags=0), "pcm-be", 1, 16),
        (desc(flags=3, size=4, bits=32), "pcm", 3, 32),
        (desc(flags=2, size=1, bits=8), "pcm-be", 1, 8),
        (desc(b"ulaw", size=1, bits=8), "pcm", 7, 8),
        (desc(b"alaw", size=1, bits=8), "pcm", 6, 8),
    ],
)
def test_pcm_is_that_of_wave_and_aiff(description: bytes, codec: str, tag: int, container: int) -> None:
    config = struct.pack("<HHIHH", tag, 1, 8000, container, container)
    sound = SOUND[:248]
    content = caf(description, chunk(b"data", bytes(4) + sound))
    assert digest_of(content) == specified(codec, config, sound)


def test_other_formats_have_their_description_and_cookie() -> None:
    config = VARIABLE[12:20] + VARIABLE[24:44] + b"cookie"
    packets = b"\1" + struct.pack("<Q", 2) + hashlib.sha256(struct.pack("<II", 200, 50)).digest()
    content = caf(VARIABLE, chunk(b"kuki", b"cookie"), pakt(200, 50), DATA)
    assert digest_of(content) == specified("caf-ilbc", config, SOUND, packets)
    assert digest_of(caf(VARIABLE, DATA, chunk(b"kuki", b"cookie"), pakt(200, 50))) == digest_of(content)
    steady = desc(b"ima4", flags=0, size=50, frames=64, bits=0)
    assert digest_of(caf(steady, DATA))[0] == "caf-ima4/1"


def test_frames_of_packets_that_differ_stand_in_the_table() -> None:
    description = desc(b"x y!", flags=0, size=0, frames=0, bits=0)
    pairs = bytes([0x81, 0x48, 60, 50, 40])
    table = chunk(b"pakt", struct.pack(">qqii", 2, 100, 0, 0) + pairs)
    assert digest_of(caf(description, table, DATA))[0] == "caf-78207921/1"


def test_audio_of_open_size_reaches_to_the_end() -> None:
    content = caf(desc(), chunk(b"data", bytes(4) + SOUND, size=-1))
    assert digest_of(content) == digest_of(caf(desc(), DATA))


@pytest.mark.parametrize("track", ["tune-alac.m4a", "tune.mp3"])
def test_a_copy_from_mp4_has_its_digest(tmp_path: Path, track: str) -> None:
    copied, again = tmp_path / "copied.caf", tmp_path / "again.mp4"
    ffmpeg("-i", SAMPLES / "unmarked" / track, "-map", "0:a", "-c", "copy", copied)
    ffmpeg("-i", SAMPLES / "unmarked" / track, "-map", "0:a", "-c", "copy", again)
    assert digest_of(copied.read_bytes()) == digest_of(again.read_bytes())


def test_aac_has_the_digest_that_it_has_in_mp4(tmp_path: Path) -> None:
    """ffmpeg reads AAC in CAF and does not write it, so it is put together from ADTS here."""
    m4a, adts = SAMPLES / "unmarked" / "tune.m4a", tmp_path / "t.aac"
    ffmpeg("-i", m4a, "-map", "0:a", "-c", "copy", adts)
    stream, blocks, at = adts.read_bytes(), [], 0
    while at < len(stream):
        length = (stream[at + 3] & 3) << 11 | stream[at + 4] << 3 | stream[at + 5] >> 5
        blocks.append(stream[at + 7 : at + length])
        at += length
    specific = b"\x05\x80\x80\x80\x02\x12\x10"  # AAC LC, 44,100 Hz, stereo
    decoder = b"\x04\x80\x80\x80" + bytes([13 + len(specific)]) + b"\x40\x15" + bytes(11) + specific
    cookie = b"\x03\x80\x80\x80" + bytes([3 + len(decoder)]) + b"\0\0\0" + decoder
    path = tmp_path / "t.caf"
    path.write_bytes(
        caf(
            desc(b"aac ", flags=0, size=0, frames=1024, bits=0, channels=2, rate=44_100),
            chunk(b"kuki", cookie),
            pakt(*map(len, blocks), frames=1024),
            chunk(b"data", bytes(4) + b"".join(blocks)),
        )
    )
    assert digest_of(path.read_bytes()) == digest_of(m4a.read_bytes())
    assert decoded_md5(path) == decoded_md5(adts)
    boxed = path.read_bytes().replace(chunk(b"kuki", cookie), chunk(b"kuki", bytes(4) + cookie))
    assert digest_of(boxed) == digest_of(path.read_bytes())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (caf(desc(), desc(), DATA), Code.CHUNK_DUPLICATE),
        (caf(desc(), DATA, DATA), Code.CHUNK_DUPLICATE),
        (caf(desc(), DATA[:-10]), Code.CHUNK_SIZE),
        (caf(desc(), DATA, b"\0data"), Code.TRAILING_AUDIO),
        (caf(desc()), Code.ESSENCE_UNREADABLE),
        (caf(desc(), chunk(b"data", b"")), Code.ESSENCE_UNREADABLE),
        (caf(desc(size=4), DATA), Code.ESSENCE_TRUNCATED),
        (caf(VARIABLE, DATA), Code.ESSENCE_UNREADABLE),
        (caf(VARIABLE, pakt(200, 49), DATA), Code.SEEK_TABLE),
        (caf(VARIABLE, pakt(200, 50, valid=50), DATA), Code.EDIT_HIDES_AUDIO),
        (caf(VARIABLE, pakt(200, 50, remainder=101), DATA), Code.EDIT_HIDES_AUDIO),
        (caf(VARIABLE, pakt(*[1] * 250, priming=8001), DATA), Code.EDIT_HIDES_AUDIO),
        (caf(desc(), chunk(b"data", bytes(4))), Code.ESSENCE_EMPTY),
    ],
)
def test_what_decoders_could_play_differently_does_not_bind(content: bytes, code: Code) -> None:
    assert code in violations(content)


@pytest.mark.parametrize(
    "content",
    [
        caf(DATA),
        caf(chunk(b"desc", bytes(8)), DATA),
        caf(VARIABLE, chunk(b"pakt", bytes(9)), DATA),
        caf(VARIABLE, chunk(b"pakt", struct.pack(">qqii", 9, 0, 0, 0) + b"\1"), DATA),
        caf(VARIABLE, chunk(b"pakt", struct.pack(">qqii", -1, 0, 0, 0)), DATA),
        caf(desc(b"alac", size=0, frames=100), chunk(b"kuki", b"short"), pakt(250), DATA),
    ],
)
def test_without_a_description_there_is_no_essence(content: bytes) -> None:
    with pytest.raises(ContainerMalformed):
        essence(content)


# -- tags -----------------------------------------------------------------------------------


def test_the_info_chunk_is_read() -> None:
    content = caf(desc(), info("noai", "1", "Copyright", "©", "comments", "c", "title", "t"), DATA)
    assert [(field.key, field.value, field.role) for field in tags(content).fields] == [
        ("NOAI", "1", FieldRole.MARKER),
        ("COPYRIGHT", "©", FieldRole.COPYRIGHT),
        ("COMMENTS", "c", FieldRole.COMMENT),
        ("TITLE", "t", FieldRole.OTHER),
    ]
    assert codes(content) == []


def test_a_marker_comes_along_when_ffmpeg_copies_a_marked_file(studio: Studio, tmp_path: Path) -> None:
    copied = tmp_path / "copied.caf"
    ffmpeg("-i", studio.encoded("asf-pcm"), "-metadata", "NOAI=a.b.c", "-c", "copy", copied)
    assert [field.value for field in tags(copied.read_bytes()).fields if field.key == "NOAI"] == ["a.b.c"]


def test_other_places_are_read_and_searched() -> None:
    xmp = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
    content = caf(
        desc(),
        chunk(b"strg", struct.pack(">I", 1) + bytes(12) + b"a name\0"),
        chunk(b"uuid", xmp + b"<x/>"),
        DATA,
    )
    assert [field.value for field in tags(content).fields] == ["a name"]
    assert [packet.data for packet in tags(content).xmp] == [b"<x/>"]
    assert codes(content) == []


@pytest.mark.parametrize(
    "content",
    [
        caf(desc(), info("a", "b", count=2), DATA),
        caf(desc(), chunk(b"info", b"\0"), DATA),
        caf(desc(), info("a", "x" * TAG_VALUE_BYTES), DATA),
        caf(desc(), chunk(b"strg", b"\0\0\0\\9" + bytes(9)), DATA),
        caf(desc(), chunk(b"free", b"NOAI=1"), DATA),
        caf(desc(), chunk(b"midi", b"..noai\0"), DATA),
        caf(desc(), chunk(b"uuid", bytes(16) + "NOAI=1".encode("utf-16-le")), DATA),
        caf(desc(), chunk(b"uuid", bytes(16) + b"cawg.training-mining"), DATA),
        caf(desc(), DATA, b"\0" * 9 + b"NOAI=1"),
        caf(desc(), chunk(b"data", bytes(4) + SOUND + b"TXXX\0NOAI\0a.b.c", size=-1)),
    ],
)
def test_what_cannot_be_read_or_does_not_belong_is_a_note(content: bytes) -> None:
    assert Code.TAG_UNREADABLE in codes(content)


@given(st.lists(st.tuples(st.integers(0, 420), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4))
def test_damaged_chunks_raise_only_container_errors(changes: list[tuple[int, bytes]]) -> None:
    content = bytearray(caf(VARIABLE, info("a", "b"), chunk(b"kuki", bytes(24)), pakt(200, 50), DATA))
    for at, piece in changes:
        content[at : at + len(piece)] = piece
    source = BytesSource(bytes(content))
    for read in (CAF.read_tags, CAF.read_essence):
        with suppress(ContainerError):
            read(source)
    with suppress(ContainerError):
        CAF.inventory(source, TagEdit(markers=()))
