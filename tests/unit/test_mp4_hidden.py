"""Statements in MP4 padding, in boxes of unknown kinds, and in ID3 tags: found, never taken for nothing."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers._mp4_uuid import XMP_UUID
from noai.containers.interface import FieldRole, TagArea, TagEdit
from noai.containers.mp4 import Mp4
from noai.errors import ContainerReadOnly
from noai.limits import ID3_TAGS, MP4_HIDDEN_BYTES, READ_SIZE
from noai.sources import BytesSource
from tests.contract.edits import LIFT, MARK, MARKER, STATEMENT
from tests.unit.id3_bytes import frame, tag
from tests.unit.mp4_files import (
    THREE,
    Fragment,
    Track,
    box,
    data,
    fragmented,
    freeform,
    full,
    hdlr,
    item,
    keyed,
    meta,
    movie,
    string,
    u32,
)

MP4 = Mp4()
TOKEN = MARKER
NOTHING = TagEdit(markers=())


def read(content: bytes) -> TagArea:
    return MP4.read_tags(BytesSource(content))


def said(content: bytes) -> list[str]:
    return [field.value for field in read(content).fields if field.role is FieldRole.MARKER]


def codes(content: bytes) -> list[Code]:
    return [note.code for note in read(content).notes]


def written(content: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(content)
    MP4.write_tags(file, edit)
    return file.getvalue()


def inventory(content: bytes, edit: TagEdit = NOTHING) -> Counter[str]:
    return MP4.inventory(BytesSource(content), edit)


ATOM = freeform("NOAI", data(TOKEN.encode()))
LIST = meta(item(b"\xa9nam", "title"), ATOM)

PLACES = {
    "at the top": lambda padding: movie(after=padding),
    "in front": lambda padding: movie(before=padding),
    "behind the movie": lambda padding: movie(first=True, between=padding),
    "in the movie": lambda padding: movie(inner=padding),
    "in a track": lambda padding: movie(Track(in_trak=padding)),
    "in a sample table": lambda padding: movie(Track(in_stbl=padding)),
    "in user data": lambda padding: movie(udta=padding),
    "in meta": lambda padding: movie(udta=box(b"meta", bytes(4) + hdlr() + padding)),
    "in a list": lambda padding: movie(udta=meta(item(b"\xa9nam", "t"), padding)),
    "in an item": lambda padding: movie(udta=meta(box(b"\xa9nam", data(b"t") + padding))),
    "in a fragment": lambda padding: fragmented(Fragment(in_moof=padding)),
    "in a track fragment": lambda padding: fragmented(Fragment(in_traf=padding)),
    "between fragments": lambda padding: fragmented(*THREE, between=padding),
}


@pytest.mark.parametrize("kind", [b"free", b"skip", b"wide"])
@pytest.mark.parametrize("place", PLACES)
def test_a_marker_that_was_freed_is_found_and_wiped(place: str, kind: bytes) -> None:
    for freed in (box(kind, ATOM[8:]), box(kind, LIST[8:]), box(kind, bytes(9) + ATOM + bytes(50))):
        content = PLACES[place](freed)
        assert said(content) == [TOKEN]
        assert Code.TAG_HIDDEN in codes(content)
        for edit, left in ((MARK, list(MARK.markers)), (LIFT, [])):
            changed = written(content, edit)
            assert said(changed) == left
            assert TOKEN.encode() not in changed or edit is MARK
            assert Code.TAG_HIDDEN not in codes(changed)
            assert inventory(changed, edit) == inventory(content, edit)


@pytest.mark.parametrize("kind", [b"abcd", b"uuid", b"PICT", b"junk"])
@pytest.mark.parametrize("place", [place for place in PLACES if place != "in a list"])
def test_a_marker_in_a_box_of_unknown_kind_is_found_and_never_touched(place: str, kind: bytes) -> None:
    content = PLACES[place](box(kind, bytes(16) + ATOM))
    assert said(content) == [TOKEN]
    assert Code.TAG_HIDDEN in codes(content)
    with pytest.raises(ContainerReadOnly):
        written(content, MARK)


@pytest.mark.parametrize(
    ("hidden", "values"),
    [
        (ATOM, [TOKEN]),
        (freeform("noai", data(b"1")), ["1"]),
        (freeform("NoAi", data(b"a"), data(b"b")), ["a", "b"]),
        (freeform("com.example.NOAI", data(b"1")), ["1"]),
        (item(b"NOAI", "1"), ["1"]),
        (b"NOAI=1", ["1"]),
        (b"noai=" + TOKEN.encode() + b"\x00more", [TOKEN]),
        (frame(4, "TXXX", b"\x03NOAI\x001"), ["1"]),
        (tag(4, frame(4, "TXXX", b"\x03NOAI\x00" + TOKEN.encode())), [TOKEN]),
        (keyed([("title", "t"), ("NOAI", TOKEN)]), [TOKEN]),
        (b"NOAI" + bytes(9), [""]),
        (b"name" + bytes(4) + b"NOAI\x00\x00\x00\x0cdata", [""]),
        (b"NOAI\x00\xff\xff\xffdata", [""]),
        (ATOM + b"\x00" + ATOM, [TOKEN, TOKEN]),
    ],
)
def test_every_form_of_a_marker_in_padding(hidden: bytes, values: list[str]) -> None:
    content = movie(after=box(b"free", hidden))
    assert said(content) == values
    assert set(codes(content)) == {Code.TAG_HIDDEN}
    assert said(written(content, MARK)) == list(MARK.markers)


@pytest.mark.parametrize(
    "hidden",
    [
        STATEMENT.encode(),
        b"x | " + STATEMENT.encode(),
        b"<plus:DataMining>http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED</plus:DataMining>",
        b"\x00\x00\x00\x30jumdcbor\x00\x11\x00\x10\x80\x00\x00\xaa\x00cawg.training-mining\x00",
        b"TDM-Reservation: 1",
    ],
)
def test_other_statements_in_padding_are_noted_and_left_alone(hidden: bytes) -> None:
    content = movie(before=box(b"free", hidden))
    assert set(codes(content)) == {Code.TAG_HIDDEN}
    marked = written(content, TagEdit(markers=(TOKEN,)))
    assert hidden in marked
    assert set(codes(marked)) == {Code.TAG_HIDDEN}


def test_what_stands_in_its_place_too_is_not_hidden() -> None:
    """Taggers that write the movie box anew elsewhere leave the old one as padding."""
    udta = meta(ATOM, item(b"\xa9cmt", f"mine | {STATEMENT}"))
    xmp = b"<x plus:DataMining='http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED'/>"
    after = box(b"uuid", XMP_UUID + xmp)
    for freed in (movie(udta=udta)[100:], udta, xmp):
        content = movie(udta=udta, before=box(b"free", freed), after=after)
        assert (said(content), codes(content)) == ([TOKEN], [])
    other = movie(udta=udta, before=box(b"free", freeform("NOAI", data(b"x"), data(TOKEN.encode()))))
    assert said(other) == [TOKEN, "x", TOKEN]


ORDINARY = [
    bytes(5000),
    b"\x01" * 4000,
    meta(item(b"\xa9nam", "title"), freeform("iTunNORM", data(b" 00000A6B"))),
    meta(freeform("Encoding Params", data(b"vers\x00", 0)), box(b"covr", data(bytes(range(256)) * 20, 13))),
    movie(Track(sizes=(9,) * 500))[40:],
    b"Kanoai and noaidi, NOAI, noai.",
    string(b"\xa9cmt", (b"about data mining and reservations", 0)),
    b"iTunes 12.9, QuickTime 7.7.1" + bytes(30),
]


@pytest.mark.parametrize("stale", ORDINARY)
def test_ordinary_remains_in_padding_are_nothing(stale: bytes) -> None:
    for content in (
        movie(after=box(b"free", stale)),
        movie(udta=meta(item(b"\xa9nam", "t"), box(b"free", stale)) + box(b"skip", stale)),
        movie(after=box(b"uuid", bytes(16) + stale) + box(b"wide", stale)),
    ):
        assert codes(content) == []
        assert said(written(content, MARK)) == list(MARK.markers)


@given(stale=st.binary(max_size=300))
def test_any_padding_is_read(stale: bytes) -> None:
    content = movie(udta=meta(ATOM, box(b"free", stale)), after=box(b"free", stale))
    assert TOKEN in said(content)


def test_a_marker_across_the_edge_of_a_read_is_found_once() -> None:
    for place in range(READ_SIZE - 30, READ_SIZE + 10, 3):
        content = movie(after=box(b"free", bytes(place) + b"NOAI=1" + bytes(40)))
        assert said(content) == ["1"]


class Virtual(BytesSource):
    """A file with a hole of zeros behind its content."""

    def __init__(self, content: bytes, hole: int) -> None:
        super().__init__(content)
        self._content, self.size = content, len(content) + hole

    def read_at(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        return self._content[offset : offset + length].ljust(length, b"\x00")


def test_padding_beyond_the_limit_is_noted() -> None:
    hole = MP4_HIDDEN_BYTES + 1
    source = Virtual(movie(udta=meta(ATOM)) + u32(8 + hole) + b"free", hole)
    area = MP4.read_tags(source)
    assert [note.code for note in area.notes] == [Code.LIMIT_EXCEEDED]
    assert [field.value for field in area.fields] == [TOKEN]


# -- ID3 in MP4 -------------------------------------------------------------------------------------


def id32(*tags: bytes) -> bytes:
    return box(b"meta", bytes(4) + hdlr(b"ID32") + full(b"ID32", b"\x15\xc7" + b"".join(tags)))


TXXX = b"\x03NOAI\x00" + TOKEN.encode()
TAGS = {
    "2.4": tag(4, frame(4, "TIT2", b"\x03t"), frame(4, "TXXX", TXXX)),
    "2.3": tag(3, frame(3, "TXXX", b"\x00noai\x00" + TOKEN.encode()), padding=bytes(50)),
    "2.2": tag(2, frame(2, "TXX", b"\x00NOAI\x00" + TOKEN.encode()), frame(2, "TT2", b"\x00t")),
    "UTF-16": tag(3, frame(3, "TXXX", b"\x01" + f"NOAI\x00{TOKEN}".encode("utf-16"))),
    "unsynchronised": tag(3, frame(3, "TXXX", TXXX.replace(b"\x03", b"\x00", 1)), flags=0x80),
}
WHERE = {
    "file": lambda box: movie(after=box),
    "movie": lambda box: movie(inner=box),
    "user data": lambda box: movie(udta=box),
    "track": lambda box: movie(Track(in_trak=box)),
    "fragment": lambda box: fragmented(Fragment(in_moof=box)),
}


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("version", TAGS)
def test_a_marker_in_an_id3_tag_is_read_and_taken_out(version: str, where: str) -> None:
    content = WHERE[where](id32(TAGS[version]))
    assert (said(content), codes(content)) == ([TOKEN], [])
    marked = written(content, MARK)
    assert said(marked) == list(MARK.markers)
    lifted = written(content, NOTHING)
    assert (said(lifted), codes(lifted)) == ([], [])
    assert MP4.read_essence(BytesSource(lifted)) == MP4.read_essence(BytesSource(content))
    assert inventory(lifted) == inventory(content)


def test_statements_in_an_id3_tag_are_lifted() -> None:
    texts = [frame(4, "TCOP", f"\x03me | {STATEMENT}".encode()), frame(4, "TIT2", b"\x03t")]
    lifted = written(movie(inner=id32(tag(4, *texts))), LIFT)
    assert [field.value for field in read(lifted).fields] == ["me", "t"]


def test_a_tag_with_nothing_but_the_marker_leaves_padding() -> None:
    content = movie(inner=id32(tag(4, frame(4, "TXXX", TXXX))))
    lifted = written(content, NOTHING)
    assert (len(lifted), said(lifted), codes(lifted)) == (len(content), [], [])
    assert lifted.count(b"ID32") == content.count(b"ID32") - 1


def test_several_tags_in_one_box_are_all_read() -> None:
    content = movie(inner=id32(tag(4, frame(4, "TIT2", b"\x03t")), TAGS["2.4"]))
    assert said(content) == [TOKEN]
    alone = movie(inner=id32(tag(4, frame(4, "TIT2", b"\x03t")), tag(4, frame(4, "TXXX", TXXX))))
    assert said(alone) == [TOKEN]
    with pytest.raises(ContainerReadOnly):
        written(alone, NOTHING)


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([b""], Code.TAG_UNREADABLE),
        ([b"NOID3 at all"], Code.TAG_UNREADABLE),
        ([tag(4, frame(4, "TIT2", b"\x03t")), b"behind"], Code.TAG_UNREADABLE),
        ([tag(9, b"")], Code.ID3_VERSION),
        ([b"ID3\x04\x00\x00\x00\x00\x0f\x00"], Code.ID3_SIZE),
        ([tag(4, frame(4, "TXXX", b"\x00", flags=0x0004))], Code.TAG_ENCRYPTED),
        ([tag(4, frame(4, "TXXX", b"\x00\x00\x00\x01x", flags=0x0009))], Code.TAG_COMPRESSED),
        ([tag(4, frame(4, "TIT2", b"\x03t"))] * (ID3_TAGS + 1), Code.LIMIT_EXCEEDED),
    ],
)
def test_what_cannot_be_read_in_an_id3_tag_is_noted(tags: list[bytes], code: Code) -> None:
    assert code in codes(movie(inner=id32(*tags)))


# -- several of one kind ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "notes"),
    [
        (movie(inner=box(b"udta", meta()) + box(b"udta", b"")), [Code.TAG_DUPLICATE]),
        (movie(udta=meta() + meta()), [Code.TAG_DUPLICATE]),
        (movie(udta=box(b"meta", bytes(4) + hdlr() + box(b"ilst", b"") * 2)), [Code.TAG_DUPLICATE]),
        (movie(Track(in_trak=box(b"udta", box(b"name", b"x"))), udta=meta()), []),
    ],
)
def test_several_areas_of_one_kind_are_noted(content: bytes, notes: list[Code]) -> None:
    assert codes(content) == notes
