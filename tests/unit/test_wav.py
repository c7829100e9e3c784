"""WAV: what is in its digest, what forbids binding to it, and that chunks survive an edit."""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers._riff import chunk
from noai.containers.interface import ContainerName, FieldRole, TagArea, TagEdit
from noai.containers.wav import Wav
from noai.errors import ContainerMalformed, LimitExceeded, MarkError, NoaiError
from noai.essence import EssenceReading
from noai.limits import BOXES
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, ffmpeg, run
from tests.unit.id3_bytes import LIFT, MARK, STATEMENT, frame, tag

WAV = Wav()
DATA_MINING = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"
SOUND = bytes(range(256)) * 4


def wave(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def fmt(form: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16, extension: bytes = b"") -> bytes:
    block = channels * ((bits + 7) // 8)
    data = struct.pack("<HHIIHH", form, channels, rate, rate * block, block, bits)
    return chunk(b"fmt ", data + (struct.pack("<H", len(extension)) + extension if extension else b""))


def extensible(form: int, bits: int, valid: int, mask: int = 4) -> bytes:
    subtype = struct.pack("<H", form) + bytes.fromhex("000000001000800000aa00389b71")
    return fmt(0xFFFE, bits=bits, extension=struct.pack("<HI", valid, mask) + subtype)


FMT, DATA = fmt(), chunk(b"data", SOUND)


def info(**entries: bytes) -> bytes:
    return chunk(b"LIST", b"INFO" + b"".join(chunk(key.encode(), value) for key, value in entries.items()))


def id3(*frames: bytes) -> bytes:
    return chunk(b"id3 ", tag(3, *frames))


def essence(data: bytes) -> EssenceReading:
    return WAV.read_essence(BytesSource(data))


def violations(data: bytes) -> list[Code]:
    return [violation.code for violation in essence(data).violations]


def tags(data: bytes) -> TagArea:
    return WAV.read_tags(BytesSource(data))


def values(data: bytes, role: FieldRole) -> list[str]:
    return [field.value for field in tags(data).fields if field.role is role]


def written(data: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(data)
    WAV.write_tags(file, edit)
    return file.getvalue()


# -- detection ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"RIFF", ContainerName.WAV), (b"RF64", None), (b"BW64", None), (b"RIFX", None), (b"riff", None)],
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


# -- tags ---------------------------------------------------------------------------------------


def test_every_place_for_text_is_read() -> None:
    adtl = chunk(b"LIST", b"adtl" + chunk(b"labl", b"\1\0\0\0label\0"))
    data = wave(
        info(ICOP=b"me\0", ICMT="ü".encode(), INAM=b"\xfc\0", ISFT=b""),
        FMT,
        chunk(b"bext", b"take 3".ljust(602, b"\0") + b"A=PCM"),
        id3(frame(3, "TXXX", b"\0NOAI\0a.b.c")),
        DATA,
        chunk(b"_PMX", b"<x/>"),
        chunk(b"iXML", b"<BWFXML/>"),
        adtl,
        chunk(b"C2PA", b"store"),
        chunk(b"ID3 ", tag(4, frame(4, "TIT2", b"\0t"))),
    )
    area = tags(data)
    assert sorted((field.key, field.value) for field in area.fields) == [
        ("BEXT", "take 3 A=PCM"),
        ("ICMT", "ü"),
        ("ICOP", "me"),
        ("INAM", "ü"),
        ("ISFT", ""),
        ("IXML", "<BWFXML/>"),
        ("LABL", "label"),
        ("NOAI", "a.b.c"),
        ("TIT2", "t"),
    ]
    assert values(data, FieldRole.COPYRIGHT) == ["me"]
    assert [packet.data for packet in area.xmp] == [b"<x/>"]
    (manifest,) = area.manifests
    assert data[manifest.offset : manifest.offset + manifest.length] == b"store"


@pytest.mark.parametrize(
    "data",
    [
        wave(FMT, DATA, chunk(b"id3 ", b"no tag here")),
        wave(FMT, DATA, chunk(b"LIST", b"INFO\1\2\3\4\5\6\7\x08\x09")),
        wave(FMT, DATA, chunk(b"LIST", b"INFOICOP\xff\0\0\0me")),
        wave(FMT, DATA, b"\1\2\3\4" + bytes(60)),
        wave(FMT, DATA, b"LIST\xff\0\0\0INFO"),
        wave(FMT, DATA, chunk(b"iXML", b"x" * 300_000)),
    ],
)
def test_what_cannot_be_read_is_a_note(data: bytes) -> None:
    assert {note.code for note in tags(data).notes} == {Code.TAG_UNREADABLE}


def test_more_chunks_than_the_limit_are_a_note_and_refused_for_writing() -> None:
    data = wave(FMT, DATA, chunk(b"note", b"") * BOXES)
    assert [note.code for note in tags(data).notes] == [Code.LIMIT_EXCEEDED]
    with pytest.raises(LimitExceeded):
        WAV.inventory(BytesSource(data), MARK)
    with pytest.raises(MarkError):
        written(data, MARK)


# -- writing --------------------------------------------------------------------------------------


def test_new_chunks_stand_before_the_audio_and_all_others_stay() -> None:
    cue, bext = chunk(b"cue ", b"\1\2\3"), chunk(b"bext", bytes(602))
    edit = TagEdit(MARK.markers, STATEMENT, data_mining=DATA_MINING)
    marked = written(wave(chunk(b"JUNK", bytes(4)), FMT, bext, DATA, cue), edit)
    at = [
        marked.index(name)
        for name in (b"JUNK", b"fmt ", b"bext", b"id3 ", b"LIST", b"_PMX", b"data", b"cue ")
    ]
    assert at == sorted(at)
    assert marked.startswith(b"WAVE" + chunk(b"JUNK", bytes(4)) + FMT + bext, 8)
    assert marked.endswith(DATA + cue)
    assert int.from_bytes(marked[4:8], "little") == len(marked) - 8
    assert written(marked, TagEdit((), None, (STATEMENT,), None, DATA_MINING)) == wave(
        chunk(b"JUNK", bytes(4)), FMT, bext, DATA, cue
    )


def test_info_entries_of_others_stay_byte_for_byte() -> None:
    data = wave(FMT, info(IART=b"\xe4\xff\0\0\0", ICOP=b"\xe4\0", ISFT=b"Lavf"), DATA)
    marked = written(data, MARK)
    assert chunk(b"IART", b"\xe4\xff\0\0\0") in marked
    assert chunk(b"ICOP", b"\xe4 | " + STATEMENT.encode() + b"\0") in marked
    assert chunk(b"ICMT", STATEMENT.encode() + b"\0") in marked
    lifted = written(marked, LIFT)
    assert WAV.inventory(BytesSource(lifted), LIFT) == WAV.inventory(BytesSource(data), LIFT)
    assert b"ICMT" not in lifted


@pytest.mark.parametrize("where", ["before", "behind"])
@pytest.mark.parametrize("size", [0, 1, 2, 399, 400])
def test_an_id3_chunk_grows_where_it_is(where: str, size: int) -> None:
    old = id3(frame(3, "TIT2", b"\0" + b"x" * size))
    data = wave(FMT, *((old, DATA) if where == "before" else (DATA, old)), chunk(b"cue ", b"abcd"))
    marked = written(data, MARK)
    assert (marked.index(b"id3 ") < marked.index(b"data")) is (where == "before")
    assert values(marked, FieldRole.MARKER) == ["a.b.c"]
    assert WAV.inventory(BytesSource(marked), MARK) == WAV.inventory(BytesSource(data), MARK)
    assert essence(marked) == essence(data)
    assert marked[marked.index(b"id3 ") + 11] == 3


def test_markers_and_statements_go_from_every_tag() -> None:
    copied = b"\0" + STATEMENT.encode()
    first = id3(frame(3, "TXXX", b"\0NOAI\0old"), frame(3, "TCOP", copied))
    second = id3(frame(3, "TXXX", b"\0noai\0older"), frame(3, "TIT2", b"\0kept"))
    data = wave(first, info(ICMT=STATEMENT.encode()), FMT, DATA, info(ICOP=copied[1:]), second)
    lifted = written(data, LIFT)
    assert [(field.key, field.value) for field in tags(lifted).fields] == [("TIT2", "kept")]
    assert b"LIST" not in lifted


@pytest.mark.parametrize(
    "data",
    [
        wave(FMT, DATA, DATA),
        wave(FMT, DATA)[:-1],
        wave(FMT, DATA, size=0),
        wave(FMT),
        wave(FMT, DATA, chunk(b"LIST", b"INFO\1\2\3\4\5\6\7\x08\x09")),
    ],
)
def test_contradictions_are_refused(data: bytes) -> None:
    with pytest.raises(MarkError):
        written(data, MARK)


def test_more_than_riff_can_count_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "large.wav"
    length = 0xFFFFFFFF - 200
    head = b"RIFF" + struct.pack("<I", length + 36) + b"WAVE" + FMT + b"data" + struct.pack("<I", length)
    with path.open("w+b") as file:
        file.write(head)
        file.truncate(len(head) + length + 1)
        with pytest.raises(MarkError):
            WAV.write_tags(file, MARK)
        file.seek(0)
        assert file.read(len(head) + 8) == head + bytes(8)


@given(st.binary(max_size=200), st.integers(0, 2**32 - 1))
def test_any_bytes_raise_only_typed_errors(body: bytes, size: int) -> None:
    form = chunk(b"fmt ", body)
    for data in (wave(FMT, body, DATA, size=size), wave(FMT, DATA, body), wave(form, DATA), wave(body)):
        tags(data)
        essence(data)
        for act in (lambda data: WAV.inventory(BytesSource(data), MARK), lambda data: written(data, MARK)):
            try:
                act(data)
            except NoaiError:
                continue
