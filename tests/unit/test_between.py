"""Tags among the frames of a stream: found by how they begin, and held to what else a tag must have."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._between import MarkScan, Unreadable, find_tags, marks, read_stretch, tag_at
from noai.containers._tails import Tail, TailKind
from noai.containers.interface import TagArea
from noai.errors import ContainerError, LimitExceeded
from noai.limits import READ_SIZE, TAG_MARKS, TAGS_BETWEEN
from noai.sources import BytesSource
from tests.unit.id3_bytes import frame, tag
from tests.unit.mp3_bytes import ape, id3v1, lyrics3, sound

#: Bytes that look like nothing.
NOISE = random.Random(5).randbytes(20_000).replace(b"TAG", b"tag")
ID3 = tag(4, frame(4, "TXXX", b"\3NOAI\x001"))


def found(data: bytes) -> list[tuple[str, int, int]]:
    each = find_tags(BytesSource(data), 0, len(data))
    return [(f.kind.value if isinstance(f, Tail) else "unreadable", f.offset, f.end) for f in each]


def stretch(data: bytes) -> TagArea:
    area = AreaBuilder()
    read_stretch(BytesSource(data), 0, len(data), "the stretch", area)
    return area.build()


@pytest.mark.parametrize(
    ("piece", "kind"),
    [
        (ID3, "ID3v2"),
        (tag(2, frame(2, "TT2", b"\0x")), "ID3v2"),
        (tag(3, bytes(10)), "ID3v2"),
        (tag(4, bytes((0, 0, 0, 6, 1, 0)), frame(4, "TIT2", b"\3x"), flags=0x40), "ID3v2"),
        (ape(("NOAI", b"1")), "APE"),
        (ape(("NOAI", b"1"), header=False), "APE"),
        (lyrics3(("INF", "text")), "Lyrics3"),
        (b"LYRICSBEGIN text LYRICSEND", "Lyrics3"),
    ],
    ids=["2.4", "2.2", "empty", "extended", "ape", "ape footer", "lyrics 2", "lyrics 1"],
)
@pytest.mark.parametrize("at", [0, 1, 4_090, 4_096, 20_000])
def test_a_tag_is_found_wherever_it_stands(piece: bytes, kind: str, at: int) -> None:
    data = NOISE[:at] + piece + NOISE[at:]
    assert found(data) == [(kind, at, at + len(piece))]


def test_a_tag_is_found_across_the_edge_of_a_read() -> None:
    for at in range(READ_SIZE - 12, READ_SIZE + 2):
        data = bytes(at) + ID3 + bytes(100)
        assert found(data) == [("ID3v2", at, at + len(ID3))]


def test_an_id3v1_tag_counts_between_two_things() -> None:
    v1 = id3v1()
    assert found(v1 + NOISE) == [("ID3v1", 0, 128)]
    assert found(ID3 + v1 + NOISE)[1:] == [("ID3v1", len(ID3), len(ID3) + 128)]
    assert found(NOISE + v1) == [("ID3v1", len(NOISE), len(NOISE) + 128)]
    assert found(NOISE + v1 + sound(2)) == [("ID3v1", len(NOISE), len(NOISE) + 128)]
    assert found(NOISE + v1 + b"audio" * 9) == []


def test_an_extended_id3v1_tag_is_one_and_a_title_that_begins_with_a_plus_is_none() -> None:
    extended = b"TAG+" + bytes(223) + id3v1()
    assert found(extended + NOISE) == [("ID3v1", 0, 355)]
    plus = b"TAG+" + bytes(124)
    assert found(plus + NOISE) == [("ID3v1", 0, 128)]
    assert [field.value for field in stretch(b"TAG+one".ljust(128, b"\0")).fields] == ["+one"]


@pytest.mark.parametrize(
    "piece",
    [
        b"ID3\4\0\0\0\0\1\0" + b"noise" * 40,
        b"ID3\4\xff\0\0\0\0\0",
        b"ID3\1\0\0\0\0\0\0",
        b"ID3 is what this text is about",
    ],
)
def test_what_only_begins_like_a_tag_is_none(piece: bytes) -> None:
    assert found(NOISE + piece + NOISE) == []


@pytest.mark.parametrize(
    "piece",
    [
        b"APETAGEX" + b"\xff" * 24,
        b"APETAGEX",
        b"LYRICSBEGIN without an end",
        b"ID3\4\0\0\0\0\2\0" + b"\xff" * 20 + frame(4, "TXXX", b"\3NOAI\x001"),
    ],
    ids=["ape", "cut", "lyrics", "id3"],
)
def test_a_damaged_tag_is_a_note(piece: bytes) -> None:
    assert [name for name, _, _ in found(bytes(99) + piece)] == ["unreadable"]
    assert Code.TAG_UNREADABLE in [note.code for note in stretch(bytes(99) + piece).notes]


def test_what_stands_in_a_stretch_is_read_once() -> None:
    area = stretch(NOISE + ID3 + NOISE + ape(("NOAI", b"no")) + NOISE)
    assert [(field.key, field.value) for field in area.fields] == [("NOAI", "1"), ("NOAI", "no")]
    assert [note.code for note in area.notes] == [Code.TAG_DUPLICATE]


def test_a_marker_outside_of_tags_is_a_note() -> None:
    area = stretch(NOISE + ID3 + NOISE + b"NoAI=1" + NOISE)
    assert [note.code for note in area.notes] == [Code.TAG_DUPLICATE, Code.TAG_UNREADABLE]


@pytest.mark.parametrize("piece", [ID3, b"ID3\4\0\0\0\0\1\0" + b"x" * 16, b"ID3\4", b"TAG."])
def test_too_many_tags_or_what_looks_like_them_is_a_limit(piece: bytes) -> None:
    data = (b"\xff" + piece) * (max(TAG_MARKS, TAGS_BETWEEN) + 1)
    with pytest.raises(LimitExceeded):
        found(data)


def test_places_of_tags_are_collected_block_by_block() -> None:
    data = NOISE + ID3 + NOISE + ape(("A1", b"x")) + NOISE[:7]
    expected = [len(NOISE), *(at for at in marks(data) if at > len(NOISE))]
    for size in (1, 2, 3, 7, 10, 4096, len(data)):
        scan = MarkScan(100)
        for at in range(0, len(data), size):
            scan.feed(data[at : at + size])
        assert sorted(set(scan.offsets)) == [100 + at for at in expected]


pieces = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [ID3, ID3[:14], ape(("A1", b"x")), id3v1(), lyrics3(("INF", "x")), b"ID3\4\0", b"APETAGEX"]
    ),
)


@given(st.lists(pieces, max_size=12))
def test_tags_lie_behind_one_another_and_reading_raises_only_limits(parts: list[bytes]) -> None:
    data = b"".join(parts)
    source = BytesSource(data)
    try:
        tags = list(find_tags(source, 0, len(data)))
        stretch(data)
    except ContainerError:
        return
    assert all(0 <= each.offset < each.end <= len(data) for each in tags)
    ends = [each.end for each in tags]
    assert ends == sorted(set(ends))


@given(st.binary(max_size=80), st.sampled_from([b"ID3\4\0\0", b"APETAGEX", b"LYRICSBEGIN", b"TAG"]))
def test_any_bytes_behind_a_mark_are_a_tag_or_none(rest: bytes, mark: bytes) -> None:
    data = mark + rest
    tag_found = tag_at(BytesSource(data), 0, 0, len(data))
    assert tag_found is None or isinstance(tag_found, (Tail, Unreadable))
    if isinstance(tag_found, Tail) and tag_found.kind is TailKind.ID3V1:
        assert tag_found.end in (128, 355)
