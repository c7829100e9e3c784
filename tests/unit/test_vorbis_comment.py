"""The comment block that Vorbis, Opus and FLAC share: read within limits, rewritten byte for byte."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._inventory import Foreign
from noai.containers._vorbis import collect, parse
from noai.containers._vorbis_edit import edited, inventory, new_block
from noai.containers.interface import FieldRole, TagArea, TagEdit
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import TAG_BYTES, TAG_ITEMS, TAG_VALUE_BYTES
from noai.sources import BytesSource

STATEMENT = "noai:AbCdEfGhIjKlMnOpQrStUv No AI training without permission."
MARK = TagEdit(markers=("one.two.three",), statement=STATEMENT)
LIFT = TagEdit(markers=(), lifted_statements=(STATEMENT,))


def block(*comments: bytes, vendor: bytes = b"an encoder", count: int | None = None) -> bytes:
    number = len(comments) if count is None else count
    sized = b"".join(struct.pack("<I", len(comment)) + comment for comment in comments)
    return struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", number) + sized


def read(data: bytes, framing: int = 0) -> TagArea:
    area = AreaBuilder()
    collect(BytesSource(data), 0, len(data), "here", area, framing)
    return area.build()


def raw_comments(data: bytes) -> list[bytes]:
    found = parse(BytesSource(data), 0, len(data), AreaBuilder())
    assert found.damage is None
    assert not any(data[found.end :])
    return [data[comment.start :][: comment.length] for comment in found.comments]


def edit_of(data: bytes, edit: TagEdit, *, first: bool = True) -> bytes:
    source = BytesSource(data)
    return edited(source, parse(source, 0, len(data), AreaBuilder()), edit, first=first)


def inventory_of(data: bytes, edit: TagEdit) -> list[str]:
    source = BytesSource(data)
    return sorted(inventory(source, parse(source, 0, len(data), AreaBuilder()), Foreign(edit)))


# -- reading --------------------------------------------------------------------------------


def test_fields_keep_order_and_duplicates_and_know_their_role() -> None:
    area = read(
        block(
            b"Artist=A",
            b"ARTIST=B",
            b"noai=x",
            b"Copyright=c",
            b"comment=d",
            b"Description=e",
            b"loose",
            b"A==",
        )
    )
    assert [(field.key, field.value, field.role) for field in area.fields] == [
        ("ARTIST", "A", FieldRole.OTHER),
        ("ARTIST", "B", FieldRole.OTHER),
        ("NOAI", "x", FieldRole.MARKER),
        ("COPYRIGHT", "c", FieldRole.COPYRIGHT),
        ("COMMENT", "d", FieldRole.COMMENT),
        ("DESCRIPTION", "e", FieldRole.COMMENT),
        ("", "loose", FieldRole.COMMENT),
        ("LOOSE", "", FieldRole.OTHER),
        ("A", "=", FieldRole.OTHER),
    ]
    assert area.notes == ()


def test_pictures_are_skipped_and_not_read() -> None:
    class Counting(BytesSource):
        taken = 0

        def read_at(self, offset: int, length: int) -> bytes:
            data = super().read_at(offset, length)
            self.taken += len(data)
            return data

    picture = b"metadata_block_picture=" + b"A" * 3_000_000
    source = Counting(block(picture, b"COVERART=" + b"B" * 3_000_000, b"NOAI=behind"))
    area = AreaBuilder()
    collect(source, 0, source.size, "here", area, 0)
    assert [field.key for field in area.build().fields] == ["NOAI"]
    assert area.build().notes == ()
    assert source.taken < 100_000


def test_a_marker_that_is_not_utf8_is_a_note_and_still_a_field() -> None:
    area = read(block(b"NOAI=\xff.a.b", b"TITLE=\xe9t\xe9"))
    assert [(field.key, field.value) for field in area.fields] == [("NOAI", "�.a.b"), ("TITLE", "�t�")]
    assert [note.code for note in area.notes] == [Code.TAG_UNREADABLE]


@pytest.mark.parametrize(
    ("data", "left"),
    [
        (b"", 0),
        (b"\x00\x00\x00", 0),
        (struct.pack("<I", 999) + b"short", 0),
        (block(vendor=b"v")[:-2], 0),
        (block(b"NOAI=a", b"TITLE=b", count=3), 2),
        (block(b"NOAI=a", b"TITLE=b")[:-1], 1),
        (block(b"NOAI=a", count=2) + b"\xff\xff\xff\xff", 1),
    ],
)
def test_damage_is_a_note_and_what_stands_before_it_counts(data: bytes, left: int) -> None:
    area = read(data)
    assert len(area.fields) == left
    assert [note.code for note in area.notes] == [Code.TAG_UNREADABLE]
    with pytest.raises(ContainerMalformed):
        edit_of(data, MARK)
    with pytest.raises(ContainerMalformed):
        inventory_of(data, MARK)


def test_what_hides_behind_the_comments_is_a_note() -> None:
    hidden = block(b"NOAI=a", count=0)
    assert [note.code for note in read(hidden).notes] == [Code.TAG_UNREADABLE]
    assert read(block(b"NOAI=a") + bytes(500)).notes == ()
    assert read(block(b"NOAI=a") + b"\x01" + bytes(500), framing=1).notes == ()
    assert read(block(b"NOAI=a") + b"\x01").notes != ()


def test_a_comment_that_is_too_long_is_a_note() -> None:
    area = read(block(b"COMMENT=" + b"x" * TAG_VALUE_BYTES, b"NOAI=a"))
    assert [field.key for field in area.fields] == ["NOAI"]
    assert [note.code for note in area.notes] == [Code.TAG_UNREADABLE]


@pytest.mark.parametrize(
    "data",
    [
        block(*[b"A=b"] * (TAG_ITEMS + 1)),
        block(*[b"A=" + b"b" * (TAG_VALUE_BYTES - 2)] * (TAG_BYTES // TAG_VALUE_BYTES + 1)),
        block(vendor=b"v" * (TAG_BYTES + 1)),
    ],
    ids=["items", "bytes", "vendor"],
)
def test_limits_hold(data: bytes) -> None:
    with pytest.raises(LimitExceeded):
        read(data)


@given(data=st.binary(max_size=300))
def test_random_bytes_never_raise_anything_else(data: bytes) -> None:
    try:
        area = read(data)
    except LimitExceeded:
        return
    if not area.notes:
        raw_comments(data)


# -- rewriting ------------------------------------------------------------------------------


def test_what_is_new_comes_last_and_foreign_comments_keep_bytes_case_and_order() -> None:
    foreign = [b"tItLe=\xe9", b"ARTIST=A", b"no equals sign", b"ARTIST=A", b"EMPTY=", b"=v"]
    data = edit_of(block(foreign[0], b"noai=old", *foreign[1:], b"NoAI=older"), MARK)
    new = [b"COPYRIGHT=" + STATEMENT.encode(), b"COMMENT=" + STATEMENT.encode(), b"NOAI=one.two.three"]
    assert raw_comments(data) == [*foreign, *new]
    assert data.startswith(struct.pack("<I", 10) + b"an encoder")


def test_the_statement_is_appended_in_place_once() -> None:
    data = edit_of(block(b"Comment=a", b"COPYRIGHT=\xa9 b", b"COMMENT=c", b"DESCRIPTION=d"), MARK)
    assert raw_comments(data)[:-1] == [
        b"Comment=a | " + STATEMENT.encode(),
        b"COPYRIGHT=\xa9 b | " + STATEMENT.encode(),
        b"COMMENT=c",
        b"DESCRIPTION=d",
    ]
    assert edit_of(data, MARK) == data


def test_lifting_takes_everything_out_again() -> None:
    before = block(b"Comment=a", b"TITLE=t", b"DESCRIPTION=d")
    assert edit_of(edit_of(before, MARK), LIFT) == before
    moved = block(b"TITLE=t", b"DESCRIPTION=" + STATEMENT.encode(), b"x | " + STATEMENT.encode())
    assert raw_comments(edit_of(moved, LIFT)) == [b"TITLE=t", b"x"]


def test_only_the_first_block_gets_what_is_new() -> None:
    data = edit_of(block(b"NOAI=theirs", b"TITLE=t", b"COMMENT=c"), MARK, first=False)
    assert raw_comments(data) == [b"TITLE=t", b"COMMENT=c"]


def test_a_new_block_has_no_vendor() -> None:
    data = new_block(MARK)
    assert data.startswith(bytes(4))
    assert len(raw_comments(data)) == 3
    assert inventory_of(data, MARK) == []


names = st.sampled_from(
    ["TITLE", "title", "COMMENT", "Comment", "COPYRIGHT", "DESCRIPTION", "NOAI", "noai", ""]
)
texts = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([STATEMENT.encode(), b"a | " + STATEMENT.encode(), b"a", b"", b" | "]),
)
comments = st.lists(
    st.one_of(texts, st.tuples(names, texts).map(lambda pair: pair[0].encode() + b"=" + pair[1])), max_size=8
)


@given(comments=comments, edit=st.sampled_from([MARK, LIFT, TagEdit(markers=("a.b.c", "d.e.f"))]))
def test_nothing_foreign_is_lost_whatever_stands_there(comments: list[bytes], edit: TagEdit) -> None:
    before = block(*comments)
    after = edit_of(before, edit)
    assert inventory_of(after, edit) == inventory_of(before, edit)
    assert edit_of(after, edit) == after
    markers = [field.value for field in read(after).fields if field.role is FieldRole.MARKER]
    assert markers == list(edit.markers)
    assert edit.statement is None or raw_comments(after).count(b"COPYRIGHT=" + edit.statement.encode()) <= 1
    untouched = [raw for raw in comments if raw.partition(b"=")[0].upper() == b"TITLE" and b"=" in raw]
    assert [raw for raw in raw_comments(after) if raw in untouched] == untouched
