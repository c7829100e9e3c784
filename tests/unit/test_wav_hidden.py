"""WAV: chunks that some reader would show are never silent."""

from __future__ import annotations

import pytest

from noai.codes import Code
from noai.containers.interface import FieldRole, TagEdit
from noai.limits import OPAQUE_BYTES
from noai.sources import BytesSource
from tests.unit.id3_bytes import frame, tag
from tests.unit.wav_bytes import DATA, FMT, WAV, chunk, tags, values, wave, written

MARKED = tag(4, frame(4, "TXXX", b"\0NOAI\0a.b.c"))
ENTRY = chunk(b"ICOP", b"all rights reserved")


def codes(data: bytes) -> list[Code]:
    return [note.code for note in tags(data).notes]


@pytest.mark.parametrize("name", [b"id3 ", b"ID3 ", b"Id3 ", b"iD3 "])
def test_an_id3_chunk_counts_in_any_letter_case(name: bytes) -> None:
    data = wave(FMT, DATA, chunk(name, MARKED))
    assert values(data, FieldRole.MARKER) == ["a.b.c"]
    replaced = written(data, TagEdit(markers=("d.e.f",)))
    assert values(replaced, FieldRole.MARKER) == ["d.e.f"]
    nothing = TagEdit(markers=())
    assert WAV.inventory(BytesSource(replaced), nothing) == WAV.inventory(BytesSource(data), nothing)


def test_the_usual_spelling_of_the_id3_chunk_is_written_to() -> None:
    other = tag(4, frame(4, "TIT2", b"\0x"))
    replaced = written(
        wave(FMT, DATA, chunk(b"Id3 ", other), chunk(b"id3 ", other)), TagEdit(markers=("d.e.f",))
    )
    assert replaced.index(b"d.e.f") > replaced.index(b"id3 ")


@pytest.mark.parametrize(("name", "place"), [(b"_pmx", "xmp"), (b"xmp ", "xmp"), (b"c2pa", "manifests")])
def test_other_chunks_count_in_any_letter_case(name: bytes, place: str) -> None:
    assert len(getattr(tags(wave(FMT, DATA, chunk(name, b"<x/>"))), place)) == 1


@pytest.mark.parametrize(
    "content",
    [tag(4) + bytes(4) + MARKED, MARKED + b"\0" + MARKED, b"\0" + MARKED],
    ids=["behind an empty tag", "behind a tag", "behind junk"],
)
def test_what_stands_out_of_place_in_an_id3_chunk_is_a_note(content: bytes) -> None:
    assert Code.TAG_UNREADABLE in codes(wave(FMT, DATA, chunk(b"id3 ", content)))


def test_zeros_behind_a_tag_in_an_id3_chunk_are_no_note() -> None:
    assert codes(wave(FMT, DATA, chunk(b"id3 ", MARKED + bytes(64)))) == []


@pytest.mark.parametrize(
    "chunk_",
    [
        chunk(b"LIST", b"info" + ENTRY),
        chunk(b"list", b"INFO" + ENTRY),
        chunk(b"LIST", b"XXXX" + ENTRY),
        chunk(b"LIST", b"XXXX" + chunk(b"LIST", b"INFO" + ENTRY)),
        chunk(b"LIST", b"INFO" + chunk(b"list", b"INFO" + ENTRY)),
    ],
)
def test_lists_of_any_kind_and_in_each_other_are_read(chunk_: bytes) -> None:
    data = wave(FMT, DATA, chunk_)
    assert [(field.key, field.value) for field in tags(data).fields] == [("ICOP", "all rights reserved")]
    assert codes(data) == []


def test_lists_that_lie_too_deep_in_each_other_are_a_note() -> None:
    inner = ENTRY
    for _ in range(9):
        inner = chunk(b"LIST", b"INFO" + inner)
    assert codes(wave(FMT, DATA, inner)) == [Code.TAG_UNREADABLE]


def test_a_tag_behind_junk_behind_the_last_chunk_is_read() -> None:
    data = wave(FMT, DATA) + bytes(9) + chunk(b"id3 ", MARKED)
    assert values(data, FieldRole.MARKER) == ["a.b.c"]
    # What is around the tag is a chunk that nothing leads to.
    assert codes(data) == [Code.TAG_DUPLICATE, Code.TAG_UNREADABLE]
    assert codes(wave(FMT, DATA) + bytes(9)) == []


def test_a_chunk_for_no_text_is_searched_up_to_a_limit_and_is_otherwise_no_matter() -> None:
    assert codes(wave(FMT, chunk(b"abcd", bytes(OPAQUE_BYTES - 20) + b"NOAI=x"), DATA)) == [
        Code.TAG_UNREADABLE
    ]
    assert codes(wave(FMT, chunk(b"abcd", bytes(OPAQUE_BYTES) + b"NOAI=x"), DATA)) == []


def test_another_file_in_a_file_is_a_note_and_a_violation() -> None:
    for inner in (wave(FMT, DATA), b"RIFX" + wave(FMT, DATA)[4:], chunk(b"FORM", bytes(20))):
        data = wave(FMT, DATA, inner)
        assert codes(data) == [Code.TAG_UNREADABLE]
        assert Code.TRAILING_AUDIO in [each.code for each in WAV.read_essence(BytesSource(data)).violations]
