"""ID3v2 tags in front of containers that know nothing of them, and a source as detection sees it."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers._head import Head
from noai.containers._prefixed import Prefixed, Shifted, behind_tags
from noai.containers.interface import FieldRole, TagEdit
from noai.containers.mp4 import Mp4
from noai.containers.registry import detect
from noai.containers.wav import Wav
from noai.errors import MarkError
from noai.limits import ID3_TAGS
from noai.sources import BytesSource
from tests.audio import Studio
from tests.unit.id3_bytes import MARK, frame, tag
from tests.unit.mp3_bytes import sound
from tests.unit.wav_bytes import DATA, FMT, chunk, essence, wave

TITLE = tag(4, frame(4, "TIT2", b"\3Front"), frame(4, "TXXX", b"\3NOAI\x001"))
STORE = chunk(b"C2PA", b"a manifest store")
WAVE = wave(FMT, DATA, STORE)
CONTAINER = Prefixed(Wav())


def written(data: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(data)
    CONTAINER.write_tags(file, edit)
    return file.getvalue()


@pytest.mark.parametrize("front", [TITLE, TITLE * 3, tag(2, frame(2, "TT2", b"\0x")), tag(3, bytes(20))])
def test_a_container_is_recognised_behind_tags(front: bytes) -> None:
    found = detect(BytesSource(front + WAVE))
    assert (found.name, type(found.container)) == ("wav", Prefixed)


@pytest.mark.parametrize(
    "data", [sound(4), b"", b"ID3", TITLE, TITLE + sound(4), TITLE * (ID3_TAGS + 1) + WAVE, tag(7) + WAVE]
)
def test_nothing_is_looked_for_where_no_tag_or_mpeg_audio_stands(data: bytes) -> None:
    assert behind_tags(BytesSource(data)) is None


def test_fields_of_both_are_read_and_manifests_lie_where_they_lie() -> None:
    data = TITLE + WAVE
    area = CONTAINER.read_tags(BytesSource(data))
    assert [field.value for field in area.fields] == ["Front", "1"]
    (store,) = area.manifests
    assert store.read(BytesSource(data)) == b"a manifest store"
    assert CONTAINER.c2pa_type is None


def test_what_the_tags_say_counts_where_the_rest_cannot_be_read() -> None:
    area = CONTAINER.read_tags(BytesSource(TITLE + b"RIFF"))
    assert [field.role for field in area.fields] == [FieldRole.OTHER, FieldRole.MARKER]
    assert [note.code for note in area.notes] == [Code.CONTAINER_MALFORMED]


def test_more_in_the_tags_than_the_limit_is_a_note() -> None:
    area = CONTAINER.read_tags(BytesSource(tag(4, *[frame(4, "TIT2", b"\3x")] * 2_001) + WAVE))
    assert Code.LIMIT_EXCEEDED in [note.code for note in area.notes]


def test_the_essence_is_that_of_the_file_behind() -> None:
    assert CONTAINER.read_essence(BytesSource(TITLE + WAVE)) == essence(WAVE)


@pytest.mark.parametrize(
    ("front", "code"),
    [
        (tag(4, frame(4, "PRIV", b"x\0" + sound(4))), Code.AUDIO_IN_TAG),
        (b"ID3\4\0\0\0\0\0\xff" + bytes(255), Code.ID3_SIZE),
    ],
)
def test_tags_that_decoders_read_differently_forbid_binding(front: bytes, code: Code) -> None:
    reading = CONTAINER.read_essence(BytesSource(front + WAVE))
    assert [violation.code for violation in reading.violations] == [code]


def test_a_writer_writes_into_the_file_behind_and_takes_markers_out_of_the_tag() -> None:
    data = written(TITLE + WAVE, MARK)
    front = data[: data.index(b"RIFF")]
    assert b"Front" in front
    assert b"NOAI" not in front
    area = CONTAINER.read_tags(BytesSource(data))
    assert [field.value for field in area.fields if field.role is FieldRole.MARKER] == ["a.b.c"]
    assert CONTAINER.read_essence(BytesSource(data)).digest == essence(WAVE).digest
    nothing = TagEdit(markers=())
    before, after = BytesSource(TITLE + WAVE), BytesSource(written(data, TagEdit(markers=())))
    assert CONTAINER.inventory(before, MARK) == CONTAINER.inventory(BytesSource(data), MARK)
    assert not CONTAINER.inventory(before, nothing) - CONTAINER.inventory(after, nothing)


def test_a_tag_that_held_nothing_but_a_marker_goes() -> None:
    front = tag(4, frame(4, "TXXX", b"\3NOAI\x001"))
    assert written(front + WAVE, TagEdit(markers=())) == WAVE


def test_a_tag_that_is_damaged_is_not_rewritten() -> None:
    front = tag(4, frame(4, "TXXX", b"\3NOAI\x001"), b"\xff" * 9, frame(4, "TIT2", b"\3x"))
    with pytest.raises(MarkError):
        written(front + WAVE, MARK)


def test_what_is_found_by_offsets_is_neither_bound_nor_written(studio: Studio) -> None:
    data = TITLE + studio.encoded("mp4").read_bytes()
    container = Prefixed(Mp4())
    assert [v.code for v in container.read_essence(BytesSource(data)).violations] == [Code.AUDIO_SHIFTED]
    with pytest.raises(MarkError):
        container.write_tags(io.BytesIO(data), MARK)


# -- sources --------------------------------------------------------------------------------

NOISE = random.Random(7).randbytes(40_000)


@given(st.lists(st.tuples(st.integers(0, 45_000), st.integers(0, 20_000)), max_size=6), st.integers(0, 3))
def test_a_head_and_a_shifted_source_read_like_the_source(reads: list[tuple[int, int]], cut: int) -> None:
    data = NOISE[: (40_000, 9_000, 100, 0)[cut]]
    head, shifted = Head(BytesSource(b"xy" + data)), Shifted(BytesSource(b"xy" + data), 2)
    assert shifted.size == len(data)
    for offset, length in reads:
        assert head.read_at(offset, length) == (b"xy" + data)[offset : offset + length]
        assert shifted.read_at(offset, length) == data[offset : offset + length]
