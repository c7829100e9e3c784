"""A glance at WAVE files: it tells of what programs write, and nothing but the truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers._riff import chunk
from noai.containers.glances import glance
from noai.containers.registry import detect
from noai.marking import mark
from noai.sources import BytesSource, open_path
from tests.audio import SAMPLES, ffmpeg, run
from tests.glances import assert_holds, mutations
from tests.signers import NOW, signer
from tests.tracks import plant, unmarked
from tests.unit.id3_bytes import frame, tag

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJub2FpIjoxfQ.AAAA"
FMT = chunk(b"fmt ", b"\x01\0\x02\0\x44\xac\0\0\x10\xb1\x02\0\x04\0\x10\0")
FLOAT = chunk(b"fmt ", b"\x03\0\x01\0\x44\xac\0\0\x10\xb1\x02\0\x04\0\x20\0\0\0")
SUBFORMAT = b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
EXTENSIBLE = chunk(
    b"fmt ", b"\xfe\xff\x02\0\x44\xac\0\0\x10\xb1\x02\0\x04\0\x10\0\x16\0\x10\0\x03\0\0\0" + SUBFORMAT
)
DATA = chunk(b"data", bytes(range(256)) * 80)
INFO = chunk(
    b"LIST", b"INFO" + chunk(b"INAM", b"A title\0") + chunk(b"IART", b"odd") + chunk(b"ICMT", b"x\0")
)
LABELS = chunk(b"LIST", b"adtl" + chunk(b"labl", b"\x01\0\0\0a mark\0"))
TITLE = frame(3, "TIT2", b"\0A title")


def wave(*chunks: bytes, form: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + (len(body) if form is None else form).to_bytes(4, "little") + body


def id3(*frames: bytes, behind: bytes = b"") -> bytes:
    return chunk(b"id3 ", tag(3, *frames) + behind)


PLAIN = [
    wave(FMT, DATA),
    wave(FLOAT, chunk(b"fact", bytes(4)), DATA),
    wave(EXTENSIBLE, chunk(b"JUNK", bytes(3000)), INFO, DATA),
    wave(FMT, DATA, INFO, LABELS, chunk(b"cue ", bytes(28))),
    wave(FMT, chunk(b"bext", b"a description".ljust(602, b"\0")), DATA, id3(TITLE)),
    wave(FMT, id3(TITLE, behind=bytes(10)), chunk(b"odd!", b"x"), DATA),
    wave(FMT, chunk(b"iXML", b"<x>Noah</x>"), DATA, chunk(b"ID3 ", tag(4, frame(4, "TIT2", b"\3x"))), INFO),
]
MARKER = frame(3, "TXXX", b"\0NOAI\0" + TOKEN.encode())
MARKED = [
    wave(FMT, DATA, id3(MARKER, TITLE)),
    wave(FMT, id3(frame(3, "TXXX", b"\0noai\0" + TOKEN.encode())), chunk(b"_PMX", b"<x/>"), DATA),
]
SPEAKING = [
    wave(FMT, DATA, chunk(b"_PMX", b"<x/>")), wave(FMT, DATA, chunk(b"C2PA", b"jumb")),
    wave(FMT, DATA, chunk(b"LIST", b"INFO" + chunk(b"NOAI", b"1\0"))),
    wave(FMT, DATA, chunk(b"LIST", b"INFO" + chunk(b"ICOP", b"noai:AAAA"))),
    wave(FMT, DATA, chunk(b"bext", b"noai:AAAA No AI")), wave(FMT, DATA, chunk(b"noai", b"1")),
    wave(FMT, DATA, chunk(b"junk", b"NOAI=1")), wave(FMT, DATA, id3(frame(3, "TXXX", b"\0No-AI\x001"))),
]  # fmt: skip
UNUSUAL = [
    wave(FMT, FMT, DATA), wave(FMT, DATA, DATA), wave(DATA), wave(FMT), wave(FMT, DATA) + b"x" * 20,
    wave(FMT, DATA, form=1 << 20), wave(FMT, DATA, id3(TITLE), id3(TITLE)), wave(FMT, DATA)[:-100],
    wave(FMT, DATA, id3(TITLE, behind=tag(3, TITLE))), wave(FMT, DATA, chunk(b"RIFF", bytes(8))),
    wave(FMT.replace(b"\x01\0\x02", b"\x55\0\x02"), DATA), wave(FMT, DATA, chunk(b"LIST", b"INFOabc")),
    wave(FMT, chunk(b"odd!", b"x")[:-1], DATA), wave(FMT, DATA, chunk(b"id3 ", b"nothing")),
    b"RF64" + wave(FMT, DATA)[4:], wave(FMT, DATA, *[chunk(b"C2PA", b"jumb")] * 5, id3(MARKER)),
    wave(FMT, DATA, *[chunk(b"LIST", b"INFO" + chunk(b"INAM", b"") * 50)] * 41),
]  # fmt: skip


@pytest.mark.parametrize("data", PLAIN)
def test_plain_files_are_told_by_a_glance(data: bytes) -> None:
    assert assert_holds(data)
    seen = glance(BytesSource(data))
    assert seen is not None
    assert not seen.markers


@pytest.mark.parametrize("data", MARKED)
def test_a_marker_is_seen(data: bytes) -> None:
    assert assert_holds(data)
    seen = glance(BytesSource(data))
    assert seen is not None
    assert [field.value for field in seen.markers] == [TOKEN]


@pytest.mark.parametrize("data", [*SPEAKING, *UNUSUAL])
def test_whatever_speaks_or_is_unusual_is_read(data: bytes) -> None:
    assert glance(BytesSource(data)) is None


def test_a_size_that_is_left_open_by_chance_is_read(tmp_path: Path) -> None:
    size, path = 0x7FFFF000, tmp_path / "x.wav"
    with path.open("wb") as file:
        file.write(wave(FMT, form=4 + len(FMT) + 8 + size + len(INFO)) + b"data" + size.to_bytes(4, "little"))
        file.seek(size, 1)
        file.write(INFO)
    with open_path(path) as (source, _):
        assert glance(source) is None
        assert [note.code for note in detect(source).container.read_tags(source).notes] == [
            Code.TAG_UNREADABLE
        ]


TUNE = SAMPLES / "unmarked" / "tune.flac"
PROGRAMS: dict[str, Callable[[Path], object]] = {
    "ffmpeg": lambda out: ffmpeg("-i", TUNE, "-metadata", "title=A song", "-metadata", "comment=x", out),
    "ffmpeg 24 bit": lambda out: ffmpeg("-i", TUNE, "-c:a", "pcm_s24le", "-write_bext", "1", out),
    "ffmpeg float": lambda out: ffmpeg("-i", TUNE, "-c:a", "pcm_f32le", out),
    "sox": lambda out: run("sox", TUNE, "--comment", "a comment", out),
    "sndfile": lambda out: run("sndfile-convert", TUNE, out),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_programs_write_is_told_by_a_glance(program: str, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    PROGRAMS[program](out)
    data = out.read_bytes()
    assert assert_holds(data)
    for token in (TOKEN, "1"):
        assert assert_holds(plant(data, [token]))


@cache
def seeds() -> list[bytes]:
    short = wave(FMT, chunk(b"data", unmarked("tune.wav")[44:20_044]), INFO)
    tracks = [mark(short, signer=signer(), c2pa=c2pa, now=NOW) for c2pa in (True, False)]
    return [*PLAIN, *MARKED, *SPEAKING, *UNUSUAL, *tracks]


def test_mutated_files_are_told_truly_or_not_at_all() -> None:
    told = [assert_holds(data) for data in mutations(seeds(), 2_000)]
    assert 75 < sum(told) < 1_700
