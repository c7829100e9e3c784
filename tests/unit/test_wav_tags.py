"""WAV: every place for text is read, and chunks of others survive an edit."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import LimitExceeded, MarkError, NoaiError
from noai.limits import BOXES
from noai.sources import BytesSource
from tests.unit.id3_bytes import LIFT, MARK, STATEMENT, frame, tag
from tests.unit.wav_bytes import (
    DATA,
    DATA_MINING,
    FMT,
    WAV,
    chunk,
    essence,
    id3,
    info,
    tags,
    values,
    wave,
    written,
)

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
    assert manifest.read(BytesSource(data)) == b"store"


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
