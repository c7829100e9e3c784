"""Sony Wave64: read as RIFF is, under GUIDs."""

from __future__ import annotations

import struct
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.interface import FieldRole
from noai.containers.w64 import W64, W64File
from noai.errors import ContainerMalformed, ContainerReadOnly, NoaiError
from noai.sources import BytesSource
from tests.audio import Studio, ffmpeg, run
from tests.unit import wav_bytes
from tests.unit.chunk_files import Under
from tests.unit.id3_bytes import MARK, frame, tag
from tests.unit.wav_bytes import SOUND

UNDER = Under(W64File())
_WAVE = UUID("00000000-acf3-11d3-8cd1-00c04f8edb8a").bytes_le[4:]
_LIST = UUID("00000000-912f-11cf-a5d6-28db04c10000").bytes_le[4:]
_RIFF = b"riff" + UUID("00000000-912e-11cf-a5d6-28db04c10000").bytes_le[4:]
SUMMARY = UUID("925f94bc-525a-11d2-86dc-00c04f8edb8a").bytes_le


def chunk(name: bytes, data: bytes, size: int | None = None) -> bytes:
    guid = name if len(name) == 16 else name + (_LIST if name == b"list" else _WAVE)
    length = 24 + len(data) if size is None else size
    return guid + struct.pack("<Q", length) + data + bytes(-len(data) % 8)


def w64(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"wave" + _WAVE + b"".join(chunks)
    return _RIFF + struct.pack("<Q", 24 + len(body) if size is None else size) + body


def summary(*entries: tuple[bytes, str], count: int | None = None) -> bytes:
    data = struct.pack("<I", len(entries) if count is None else count)
    for name, value in entries:
        text = value.encode("utf-16-le")
        data += name + struct.pack("<I", len(text)) + text
    return chunk(SUMMARY, data)


FMT = chunk(b"fmt ", wav_bytes.FMT[8:])
DATA = chunk(b"data", SOUND)


def test_only_w64_is_recognised() -> None:
    assert UNDER.container.detect(BytesSource(w64(FMT, DATA))) is W64
    for other in (b"RIFF" + w64(FMT, DATA)[4:], w64(FMT, DATA)[:30], wav_bytes.wave(wav_bytes.FMT)):
        assert UNDER.container.detect(BytesSource(other)) is None
        with pytest.raises(ContainerMalformed):
            UNDER.essence(other)


def test_the_digest_is_that_of_the_same_sound_in_riff() -> None:
    expected = wav_bytes.essence(wav_bytes.wave(wav_bytes.FMT, wav_bytes.DATA))
    assert UNDER.essence(w64(FMT, DATA)) == expected
    assert UNDER.essence(w64(FMT, chunk(b"fact", bytes(8)), summary((b"INAM", "x")), DATA)) == expected


@pytest.mark.parametrize("program", ["ffmpeg", "sox"])
def test_remuxing_from_riff_keeps_the_digest(studio: Studio, tmp_path: Path, program: str) -> None:
    wav, path = studio.materials.clip, tmp_path / "a.w64"
    if program == "ffmpeg":
        ffmpeg("-i", wav, "-c", "copy", path)
    else:
        run("sox", wav, path)
    assert UNDER.essence(path.read_bytes()) == wav_bytes.essence(wav.read_bytes())


def test_sizes_left_open_by_a_pipe_reach_to_the_end(studio: Studio) -> None:
    clip = studio.materials.clip
    data = run("ffmpeg", "-v", "error", "-i", clip, "-f", "w64", "-")
    assert UNDER.essence(data) == wav_bytes.essence(clip.read_bytes())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (w64(FMT, DATA, DATA), Code.CHUNK_DUPLICATE),
        (w64(FMT, FMT, DATA), Code.CHUNK_DUPLICATE),
        (w64(FMT, DATA) + DATA, Code.CHUNK_DUPLICATE),
        (w64(DATA, FMT), Code.CHUNK_SIZE),
        (w64(FMT, DATA)[:-1], Code.CHUNK_SIZE),
        (w64(FMT, DATA, size=400), Code.CHUNK_SIZE),
        (w64(FMT, DATA, size=1 << 60), Code.CHUNK_SIZE),
        (w64(FMT, DATA, bytes(64)), Code.CHUNK_SIZE),
        (w64(FMT, DATA) + bytes(24) + b"data" + SOUND, Code.TRAILING_AUDIO),
        (w64(FMT, DATA, chunk(b"junk", bytes(8))), Code.TRAILING_AUDIO),
        (w64(FMT, chunk(b"data", SOUND + b"x")[:-1] + b"\1"), Code.TRAILING_AUDIO),
        (w64(FMT), Code.ESSENCE_UNREADABLE),
        (w64(DATA), Code.ESSENCE_UNREADABLE),
        (w64(FMT, chunk(b"data", b"")), Code.ESSENCE_EMPTY),
    ],
)
def test_where_decoders_could_disagree_binding_is_forbidden(data: bytes, code: Code) -> None:
    assert code in UNDER.violations(data)


def test_sox_plays_what_stands_behind_the_audio(tmp_path: Path) -> None:
    """The reason why it is a violation: seen with libsndfile 1.2."""
    path = tmp_path / "a.w64"
    path.write_bytes(w64(FMT, DATA, chunk(b"junk", bytes(40))))
    assert len(run("sox", path, "-t", "raw", "-")) > len(SOUND)


def test_every_place_for_text_is_read() -> None:
    data = w64(
        FMT,
        chunk(b"list", b"INFO" + wav_bytes.chunk(b"ICOP", b"me\0")),
        chunk(b"bext", b"take 3".ljust(602, b"\0")),
        DATA,
        summary((b"ICMT", "größe\0"), (b"INAM", "x")),
        chunk(b"id3 ", tag(4, frame(4, "TXXX", b"\0NOAI\0a.b.c"))),
    )
    assert sorted((field.key, field.value) for field in UNDER.tags(data).fields) == [
        ("BEXT", "take 3"),
        ("ICMT", "größe"),
        ("ICOP", "me"),
        ("INAM", "x"),
        ("NOAI", "a.b.c"),
    ]
    assert UNDER.values(data, FieldRole.COPYRIGHT) == ["me"]
    assert UNDER.values(data, FieldRole.COMMENT) == ["größe"]
    assert UNDER.codes(data) == []


@pytest.mark.parametrize(
    "data",
    [
        w64(FMT, DATA, summary((b"INAM", "x"), count=2)),
        w64(FMT, DATA, summary((b"INAM", "x"), count=0)),
        w64(FMT, DATA, chunk(SUMMARY, b"\1\0\0\0INAM\xff\0\0\0x")),
        w64(FMT, DATA, chunk(SUMMARY, bytes(1 << 21))),
        w64(FMT, DATA, chunk(b"list", b"INFO\1\2\3\4\5\6\7\x08\x09")),
        w64(FMT, DATA) + bytes(24) + b"ID3\4",
    ],
)
def test_what_cannot_be_read_is_a_note(data: bytes) -> None:
    assert {note.code for note in UNDER.tags(data).notes} == {Code.TAG_UNREADABLE}


def test_nothing_is_written() -> None:
    with pytest.raises(ContainerReadOnly):
        UNDER.written(w64(FMT, DATA), MARK)


@given(data=st.binary(max_size=400))
def test_any_bytes_in_a_form_raise_only_named_errors(data: bytes) -> None:
    for content in (w64(FMT, data), w64(FMT, DATA, chunk(SUMMARY, data)), w64() + data):
        for read in (UNDER.tags, UNDER.essence):
            try:
                read(content)
            except NoaiError:
                continue
        try:
            UNDER.container.inventory(BytesSource(content), MARK)
        except NoaiError:
            continue
