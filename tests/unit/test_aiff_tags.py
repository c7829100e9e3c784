"""AIFF: every place for text is read, and chunks of others survive an edit."""

from __future__ import annotations

import struct
from pathlib import Path

import mutagen.aiff
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.aiff import Aiff
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import LimitExceeded, MarkError, NoaiError
from noai.limits import BOXES
from noai.sources import BytesSource
from tests.audio import Studio, run
from tests.unit.chunk_files import SOUND, Under, aiff, chunk, comm, ssnd
from tests.unit.id3_bytes import LIFT, MARK, STATEMENT, frame, tag

UNDER = Under(Aiff())
COMM, SSND = comm(), ssnd()
MARKED = tag(4, frame(4, "TXXX", b"\0NOAI\0a.b.c"))


def comments(*texts: bytes) -> bytes:
    data = struct.pack(">H", len(texts))
    for text in texts:
        data += struct.pack(">IHH", 0, 0, len(text)) + text + bytes(len(text) % 2)
    return chunk(b"COMT", data)


# -- reading ----------------------------------------------------------------------------------


def test_every_place_for_text_is_read() -> None:
    data = aiff(
        COMM,
        chunk(b"NAME", b"title"),
        chunk(b"AUTH", "Søn".encode()),
        chunk(b"(c) ", b"me\0"),
        chunk(b"ANNO", b"\xfc"),
        chunk(b"ANNO", b"second"),
        comments(b"odd", b"even"),
        chunk(b"APPL", b"pdos\x06hello\x01"),
        chunk(b"APPL", b"XMP <x/>"),
        SSND,
        chunk(b"ID3 ", MARKED),
        chunk(b"iXML", b"<x/>"),
    )
    area = UNDER.tags(data)
    assert sorted((field.key, field.value) for field in area.fields) == [
        ("(C) ", "me"),
        ("ANNO", "second"),
        ("ANNO", "ü"),
        ("APPL:PDOS", "hello"),
        ("AUTH", "Søn"),
        ("COMT", "even"),
        ("COMT", "odd"),
        ("IXML", "<x/>"),
        ("NAME", "title"),
        ("NOAI", "a.b.c"),
    ]
    assert UNDER.values(data, FieldRole.COPYRIGHT) == ["me"]
    assert UNDER.values(data, FieldRole.COMMENT) == ["ü", "second", "odd", "even"]
    assert [packet.data for packet in area.xmp] == [b"<x/>"]
    assert area.notes == ()


@pytest.mark.parametrize("name", [b"ID3 ", b"id3 ", b"Id3 "])
@pytest.mark.parametrize("where", ["before", "behind", "outside"])
def test_markers_are_found_in_id3_chunks_anywhere(name: bytes, where: str) -> None:
    marked = chunk(name, MARKED)
    before, behind = (marked, b"") if where == "before" else (b"", marked)
    data = aiff(COMM, before, SSND) + behind if where == "outside" else aiff(COMM, before, SSND, behind)
    assert UNDER.values(data, FieldRole.MARKER) == ["a.b.c"]
    replaced = UNDER.written(data, TagEdit(markers=("d.e.f",)))
    assert UNDER.values(replaced, FieldRole.MARKER) == ["d.e.f"]


def test_all_markers_of_several_chunks_are_found() -> None:
    other = chunk(b"ID3 ", MARKED.replace(b"a.b.c", b"d.e.f"))
    data = aiff(COMM, chunk(b"ID3 ", MARKED), SSND, other)
    assert UNDER.values(data, FieldRole.MARKER) == ["a.b.c", "d.e.f"]
    assert UNDER.codes(data) == [Code.TAG_DUPLICATE]


@pytest.mark.parametrize(
    "data",
    [
        aiff(COMM, SSND, chunk(b"ID3 ", b"no tag here")),
        aiff(COMM, SSND, chunk(b"ID3 ", MARKED + b"\0" + MARKED)),
        aiff(COMM, SSND, chunk(b"COMT", struct.pack(">HIHH", 1, 0, 0, 50) + b"short")),
        aiff(COMM, SSND, chunk(b"COMT", struct.pack(">H", 7))),
        aiff(COMM, SSND, chunk(b"COMT", struct.pack(">H", 0) + b"hidden")),
        aiff(COMM, SSND, chunk(b"ANNO", b"x" * 300_000)),
        aiff(COMM, SSND, b"\1\2\3\4" + bytes(60)),
    ],
)
def test_what_cannot_be_read_is_a_note(data: bytes) -> None:
    assert {note.code for note in UNDER.tags(data).notes} == {Code.TAG_UNREADABLE}


def test_a_tag_behind_junk_behind_the_last_chunk_is_read() -> None:
    data = aiff(COMM, SSND) + bytes(9) + chunk(b"ID3 ", MARKED)
    assert UNDER.values(data, FieldRole.MARKER) == ["a.b.c"]
    assert UNDER.codes(data) == [Code.TAG_DUPLICATE, Code.TAG_UNREADABLE]


def test_a_filler_is_kept_and_a_marker_in_it_is_a_note() -> None:
    for filling, noted in ((b"anything", []), (MARKED, [Code.TAG_UNREADABLE])):
        data = aiff(COMM, chunk(b"FLLR", filling), SSND)
        assert UNDER.tags(data).fields == ()
        assert UNDER.codes(data) == noted
        assert UNDER.same_items(UNDER.written(data, MARK), data, MARK)


def test_more_chunks_than_the_limit_are_a_note_and_refused_for_writing() -> None:
    data = aiff(COMM, SSND, chunk(b"MIDI", b"") * BOXES)
    assert UNDER.codes(data) == [Code.LIMIT_EXCEEDED]
    with pytest.raises(LimitExceeded):
        UNDER.container.inventory(BytesSource(data), MARK)
    with pytest.raises(MarkError):
        UNDER.written(data, MARK)


# -- writing ----------------------------------------------------------------------------------


def test_new_chunks_stand_before_the_audio_and_all_others_stay() -> None:
    cue, anno = chunk(b"MARK", b"\1\2\3"), chunk(b"AUTH", b"odd")
    data = aiff(chunk(b"FLLR", bytes(4)), COMM, anno, SSND, cue)
    marked = UNDER.written(data, MARK)
    names = (b"FLLR", b"COMM", b"AUTH", b"ID3 ", b"(c) ", b"ANNO", b"SSND", b"MARK")
    at = [marked.index(name) for name in names]
    assert at == sorted(at)
    assert marked.endswith(SSND + cue)
    assert int.from_bytes(marked[4:8], "big") == len(marked) - 8
    assert UNDER.written(marked, LIFT) == data


def test_text_of_others_stays_byte_for_byte() -> None:
    data = aiff(COMM, chunk(b"(c) ", b"\xa9 me"), chunk(b"ANNO", b"one"), chunk(b"ANNO", b"two"), SSND)
    marked = UNDER.written(data, MARK)
    sentence = STATEMENT.encode()
    assert chunk(b"(c) ", b"\xa9 me | " + sentence) in marked
    assert chunk(b"ANNO", b"one | " + sentence) in marked
    assert chunk(b"ANNO", b"two") in marked
    assert UNDER.written(marked, LIFT) == data


@pytest.mark.parametrize("size", [0, 1, 2, 399, 400])
@pytest.mark.parametrize("where", ["before", "behind"])
def test_an_id3_chunk_grows_where_it_is(where: str, size: int) -> None:
    old = chunk(b"ID3 ", tag(3, frame(3, "TIT2", b"\0" + b"x" * size)))
    data = aiff(COMM, *((old, SSND) if where == "before" else (SSND, old)), chunk(b"MARK", b"\0\0"))
    marked = UNDER.written(data, MARK)
    assert (marked.index(b"ID3 ") < marked.index(b"SSND")) is (where == "before")
    assert UNDER.values(marked, FieldRole.MARKER) == ["a.b.c"]
    assert UNDER.same_items(marked, data, MARK)
    assert UNDER.essence(marked) == UNDER.essence(data)
    assert marked[marked.index(b"ID3 ") + 11] == 3


@pytest.mark.parametrize(
    "data",
    [
        aiff(COMM, SSND, SSND),
        aiff(COMM, SSND)[:-1],
        aiff(COMM, SSND, size=0),
        aiff(COMM),
        aiff(COMM, chunk(b"ANNO", b"x" * 300_000), SSND),
    ],
)
def test_contradictions_are_refused(data: bytes) -> None:
    with pytest.raises(MarkError):
        UNDER.written(data, MARK)


def test_more_than_aiff_can_count_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "large.aiff"
    length = 0xFFFFFFFF - 300
    head = b"FORM" + struct.pack(">I", length + 46) + b"AIFF" + COMM + b"SSND" + struct.pack(">I", length)
    with path.open("w+b") as file:
        file.write(head)
        file.truncate(len(head) + length)
        with pytest.raises(MarkError):
            Aiff().write_tags(file, MARK)
        file.seek(0)
        assert file.read(len(head)) == head
    assert path.stat().st_size == len(head) + length


def test_mutagen_and_kid3_see_the_marker(studio: Studio, tmp_path: Path) -> None:
    for variant in ("plain", "tagged", "id3"):
        path = tmp_path / f"{variant}.aiff"
        path.write_bytes(UNDER.written(studio.encoded("aiff", variant).read_bytes(), MARK))
        assert mutagen.aiff.AIFF(path).tags["TXXX:NOAI"].text == ["a.b.c"]
        assert b"a.b.c" in run("kid3-cli", "-c", "get all", path)


@given(data=st.binary(max_size=600))
def test_any_bytes_in_a_form_raise_only_named_errors(data: bytes) -> None:
    for content in (aiff(COMM, data), aiff(COMM, SSND, data), aiff(chunk(b"COMT", data), SOUND)):
        for read in (UNDER.tags, UNDER.essence):
            try:
                read(content)
            except NoaiError:
                continue
        try:
            UNDER.written(content, MARK)
        except NoaiError:
            continue
