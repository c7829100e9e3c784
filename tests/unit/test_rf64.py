"""RF64 and BW64: sizes of 64 bits, and what they contradict."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.interface import Container, FieldRole, TagEdit
from noai.containers.wav import BW64, RF64, Bw64, Rf64, Wav
from noai.errors import ContainerMalformed, MarkError, NoaiError
from noai.limits import RF64_TABLE_ENTRIES
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, ffmpeg, run
from tests.unit import wav_bytes
from tests.unit.chunk_files import Under
from tests.unit.id3_bytes import LIFT, MARK, frame
from tests.unit.wav_bytes import DATA, DATA_MINING, FMT, SOUND, chunk, id3, info

UNDER = Under(Rf64())
OPEN = b"\xff\xff\xff\xff"
LONG_DATA = b"data" + OPEN + SOUND


def ds64(form: int, data: int = len(SOUND), table: bytes = b"", entries: int | None = None) -> bytes:
    count = len(table) // 12 if entries is None else entries
    return chunk(b"ds64", struct.pack("<QQQI", form, data, data // 2, count) + table)


def rf64(
    *chunks: bytes, data: int = len(SOUND), form: int | None = None, table: bytes = b"", size: bytes = OPEN
) -> bytes:
    body = b"".join(chunks)
    length = 4 + 36 + len(table) + len(body)
    head = ds64(length if form is None else form, data, table)
    return b"RF64" + size + b"WAVE" + head + body


@pytest.mark.parametrize(
    ("container", "head", "name"),
    [
        (Rf64(), b"RF64", RF64),
        (Bw64(), b"BW64", BW64),
        (Rf64(), b"BW64", None),
        (Bw64(), b"RF64", None),
        (Wav(), b"RF64", None),
        (Rf64(), b"RIFF", None),
    ],
)
def test_each_is_recognised_by_its_own_letters(container: Container, head: bytes, name: str | None) -> None:
    data = head + rf64(FMT, LONG_DATA)[4:]
    assert container.detect(BytesSource(data)) is name
    if name is None:
        with pytest.raises(ContainerMalformed):
            container.read_tags(BytesSource(data))


# -- the digest -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        rf64(FMT, LONG_DATA),
        rf64(info(INAM=b"x"), FMT, DATA),
        rf64(FMT, LONG_DATA, size=struct.pack("<I", 900)),
    ],
    ids=["open", "both sizes", "a form size as TagLib leaves it"],
)
def test_the_digest_is_that_of_the_same_sound_in_riff(data: bytes) -> None:
    assert UNDER.essence(data) == wav_bytes.essence(wav_bytes.wave(FMT, DATA))
    other = Bw64().read_essence(BytesSource(b"BW64" + data[4:]))
    assert other == UNDER.essence(data)


@pytest.mark.parametrize("encoder", ["pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_alaw"])
def test_remuxing_from_riff_and_back_keeps_the_digest(studio: Studio, tmp_path: Path, encoder: str) -> None:
    wav, long, back = tmp_path / "a.wav", tmp_path / "b.wav", tmp_path / "c.wav"
    ffmpeg("-i", studio.materials.clip, "-c:a", encoder, wav)
    ffmpeg("-i", wav, "-c", "copy", "-rf64", "always", long)
    assert UNDER.essence(long.read_bytes()) == wav_bytes.essence(wav.read_bytes())
    long.write_bytes(UNDER.written(long.read_bytes(), MARK))
    ffmpeg("-i", long, "-c", "copy", back)
    assert wav_bytes.essence(back.read_bytes()) == wav_bytes.essence(wav.read_bytes())


# -- what forbids binding ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (rf64(FMT, b"data" + struct.pack("<I", 600) + SOUND), Code.CHUNK_SIZE),
        (rf64(FMT, DATA, data=600), Code.CHUNK_SIZE),
        (rf64(FMT, LONG_DATA, data=len(SOUND) + 2), Code.CHUNK_SIZE),
        (rf64(FMT, LONG_DATA, data=1 << 63), Code.CHUNK_SIZE),
        (rf64(FMT, LONG_DATA, data=0), Code.ESSENCE_EMPTY),
        (rf64(FMT, LONG_DATA, form=100), Code.CHUNK_SIZE),
        (rf64(FMT, LONG_DATA, form=1 << 40), Code.CHUNK_SIZE),
        (rf64(FMT, LONG_DATA, LONG_DATA), Code.CHUNK_DUPLICATE),
        (rf64(FMT, LONG_DATA, ds64(0, 600)), Code.CHUNK_DUPLICATE),
        (rf64(FMT, LONG_DATA, chunk(b"XMA2", bytes(40))), Code.CHUNK_DUPLICATE),
        (rf64(FMT, LONG_DATA, b"bext" + OPEN + bytes(40)), Code.CHUNK_SIZE),
        (rf64(FMT, LONG_DATA, table=struct.pack("<4sQ", b"data", 600)), Code.CHUNK_SIZE),
        (rf64(FMT, LONG_DATA, table=struct.pack("<4sQ", b"bext", 600) * 2), Code.CHUNK_SIZE),
        (b"RF64" + OPEN + b"WAVE" + ds64(0, entries=9) + FMT + DATA, Code.CHUNK_SIZE),
        (b"RF64" + OPEN + b"WAVE" + ds64(0, entries=RF64_TABLE_ENTRIES + 1) + FMT + DATA, Code.CHUNK_SIZE),
        (b"RF64" + OPEN + b"WAVE" + FMT + LONG_DATA, Code.CHUNK_SIZE),
        (b"RF64" + OPEN + b"WAVE" + chunk(b"JUNK", bytes(28)) + ds64(0) + FMT + LONG_DATA, Code.CHUNK_SIZE),
        (b"RF64" + OPEN + b"WAVE" + chunk(b"ds64", bytes(20)) + FMT + DATA, Code.CHUNK_SIZE),
        (b"RF64" + OPEN + b"WAVE" + chunk(b"ds64", ds64(0)[8:] + b"x") + FMT + LONG_DATA, Code.CHUNK_SIZE),
        (b"RF64" + OPEN + b"WAVEds64", Code.CHUNK_SIZE),
    ],
)
def test_sizes_that_contradict_each_other_forbid_binding(data: bytes, code: Code) -> None:
    assert code in UNDER.violations(data)
    assert Code.TAG_UNREADABLE in UNDER.codes(data) or code is not Code.CHUNK_SIZE


@pytest.mark.parametrize("data", [rf64(FMT, DATA, data=600), rf64(FMT, LONG_DATA, form=100), rf64(FMT)])
def test_contradictions_are_refused(data: bytes) -> None:
    with pytest.raises(MarkError):
        UNDER.written(data, MARK)


def test_a_chunk_may_have_its_size_in_the_table() -> None:
    bext = bytes(602)
    data = rf64(FMT, b"bext" + OPEN + bext, LONG_DATA, table=struct.pack("<4sQ", b"bext", len(bext)))
    assert UNDER.violations(data) == []
    marked = UNDER.written(data, MARK)
    assert UNDER.essence(marked) == UNDER.essence(data)
    assert UNDER.same_items(marked, data, MARK)


def test_tags_whose_size_stands_in_the_table_are_not_edited() -> None:
    content = info(ICOP=b"me")[8:]
    data = rf64(FMT, b"LIST" + OPEN + content, LONG_DATA, table=struct.pack("<4sQ", b"LIST", len(content)))
    assert UNDER.values(data, FieldRole.COPYRIGHT) == ["me"]
    with pytest.raises(MarkError, match="ds64"):
        UNDER.written(data, MARK)


def test_a_riff_file_may_keep_room_for_ds64() -> None:
    data = wav_bytes.wave(chunk(b"JUNK", bytes(28)), FMT, DATA)
    marked = wav_bytes.written(data, MARK)
    assert marked.startswith(b"WAVE" + chunk(b"JUNK", bytes(28)), 8)
    assert wav_bytes.essence(marked) == wav_bytes.essence(wav_bytes.wave(FMT, DATA))


# -- tags -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [OPEN, None])
def test_a_mark_updates_the_sizes_and_comes_off_again(size: bytes | None) -> None:
    plain = rf64(chunk(b"JUNK", bytes(4)), FMT, LONG_DATA, chunk(b"cue ", b"\1\2\3"))
    if size is None:
        plain = plain[:4] + struct.pack("<I", len(plain) - 8) + plain[8:]
    edit = TagEdit(MARK.markers, MARK.statement, data_mining=DATA_MINING)
    marked = UNDER.written(plain, edit)
    assert UNDER.values(marked, FieldRole.MARKER) == ["a.b.c"]
    assert UNDER.codes(marked) == []
    assert int.from_bytes(marked[20:28], "little") == len(marked) - 8
    assert marked[4:8] == (size or struct.pack("<I", len(marked) - 8))
    assert marked[28:36] == plain[28:36]
    lifting = TagEdit((), None, (MARK.statement or "",), None, DATA_MINING)
    assert UNDER.written(marked, lifting) == plain


def test_bw64_gets_no_xmp() -> None:
    under, edit = Under(Bw64()), TagEdit(MARK.markers, MARK.statement, data_mining=DATA_MINING)
    data = b"BW64" + rf64(FMT, LONG_DATA)[4:]
    marked = under.written(data, edit)
    assert under.values(marked, FieldRole.MARKER) == ["a.b.c"]
    assert b"_PMX" not in marked
    assert under.written(marked, LIFT) == data


def test_all_markers_are_found() -> None:
    mark = b"\0NOAI\0%s"
    data = rf64(
        id3(frame(3, "TXXX", mark % b"one")),
        FMT,
        LONG_DATA,
        id3(frame(3, "TXXX", mark % b"two")),
    ) + id3(frame(3, "TXXX", mark % b"three"))
    assert UNDER.values(data, FieldRole.MARKER) == ["one", "two", "three"]
    assert UNDER.values(UNDER.written(data, TagEdit(("a.b.c",))), FieldRole.MARKER) == ["a.b.c"]


def test_libsndfile_and_ffmpeg_play_a_marked_file_alike(studio: Studio, tmp_path: Path) -> None:
    for container, variant in (("rf64", "plain"), ("rf64", "tagged"), ("bw64", "adm")):
        original, marked = studio.encoded(container, variant), tmp_path / f"{container}-{variant}.wav"
        under = Under(Rf64() if container == "rf64" else Bw64())
        marked.write_bytes(under.written(original.read_bytes(), MARK))
        assert decoded_md5(marked) == decoded_md5(original)
        if container == "rf64":
            assert _sndfile(marked, tmp_path) == _sndfile(original, tmp_path)


def _sndfile(path: Path, folder: Path) -> bytes:
    run("sndfile-convert", "-pcm16", path, folder / "out.raw")
    return (folder / "out.raw").read_bytes()


def test_a_mark_survives_kid3(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(UNDER.written(studio.encoded("rf64", "tagged").read_bytes(), MARK))
    before = UNDER.essence(path.read_bytes())
    run("kid3-cli", "-c", "set title Neu", "-c", "save", path)
    assert UNDER.essence(path.read_bytes()) == before
    assert UNDER.values(path.read_bytes(), FieldRole.MARKER) == ["a.b.c"]


@given(data=st.binary(max_size=400))
def test_any_bytes_in_a_form_raise_only_named_errors(data: bytes) -> None:
    for content in (rf64(FMT, data), rf64(FMT, LONG_DATA, data), b"RF64" + OPEN + b"WAVEds64" + data):
        for read in (UNDER.tags, UNDER.essence):
            try:
                read(content)
            except NoaiError:
                continue
        try:
            UNDER.written(content, MARK)
        except NoaiError:
            continue
