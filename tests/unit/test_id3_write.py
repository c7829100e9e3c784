"""ID3: edits keep foreign frames, and one item is described alike in every version."""

from __future__ import annotations

import io

import mutagen.id3
import pytest

from noai.containers.interface import TagEdit
from noai.errors import MarkError
from tests.encoders.id3 import ID3_ODDITIES
from tests.unit.id3_bytes import (
    LIFT,
    MARK,
    STATEMENT,
    codes,
    edited,
    frame,
    from_syncsafe,
    inventory,
    said,
    syncsafe,
    tag,
)

# -- writing ---------------------------------------------------------------------------------------


def oddities(version: int) -> bytes:
    tags = mutagen.id3.ID3()
    for each in ID3_ODDITIES:
        tags.add(each)
    if version == 3:
        tags.update_to_v23()
    file = io.BytesIO()
    tags.save(file, v2_version=version, padding=lambda _: 40)
    return file.getvalue()


@pytest.mark.parametrize("version", [3, 4])
def test_foreign_frames_stay_byte_for_byte(version: int) -> None:
    before = oddities(version)
    after = edited(before, MARK)
    assert after[3] == version
    extended = before.index(b"COMM")
    at = 10
    while before[at : at + 1] != b"\0":
        size = before[at + 4 : at + 8]
        end = at + 10 + (int.from_bytes(size, "big") if version == 3 else from_syncsafe(size))
        if at != extended:
            assert before[at:end] in after
        at = end


def test_the_marker_stands_before_all_other_frames() -> None:
    assert edited(oddities(4), MARK)[10:25] == b"TXXX" + syncsafe(11) + b"\0\0\0NOAI"


def test_a_tag_grows_only_where_its_padding_does_not_suffice() -> None:
    data = tag(4, frame(4, "TIT2", b"\0x"), padding=bytes(400)) + b"audio"
    once = edited(data, MARK)
    assert len(once) == len(data)
    large = TagEdit(markers=("a." + "b" * 900,))
    assert len(edited(data, large)) > len(data)
    assert len(edited(edited(data, large), TagEdit(markers=("c" * 950,)))) == len(edited(data, large))
    assert edited(data, large).endswith(b"audio")


def test_padding_that_is_not_zero_is_repaired() -> None:
    data = tag(4, frame(4, "TIT2", b"\0x"), padding=b"\0\0left over from a longer tag" + bytes(200))
    after = edited(data, MARK)
    assert codes(after) == []
    assert said(after)[-1] == ("TIT2", "x")


def test_frames_behind_a_damaged_one_are_never_cut_off() -> None:
    damaged = frame(4, "TIT2", b"\0x") + b"\x01\x02\x03\x04" + frame(4, "TALB", b"\0album")
    with pytest.raises(MarkError):
        edited(tag(4, damaged), MARK)


def test_several_markers_stand_in_one_frame() -> None:
    """c2pa-rs keeps only the last of several TXXX with one description."""
    for version in (3, 4):
        after = edited(tag(version, frame(version, "TIT2", b"\0x")), TagEdit(markers=("a.b.c", "d.e.f")))
        assert after.count(b"TXXX") == 1
        assert said(after)[:2] == [("NOAI", "a.b.c"), ("NOAI", "d.e.f")]


def test_markers_in_every_spelling_go() -> None:
    data = tag(3, frame(3, "TXXX", b"\0noai\0old"), frame(3, "TXXX", b"\1\xff\xfeN\0O\0A\0I\0\0\0o\0"))
    assert said(edited(data, TagEdit(markers=("new",)))) == [("NOAI", "new")]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([("TCOP", b"\0mine")], [("TCOP", f"mine | {STATEMENT}"), ("COMM", STATEMENT)]),
        ([("COMM", b"\0deu\0ja")], [("COMM", f"ja | {STATEMENT}"), ("TCOP", STATEMENT)]),
        (
            [("COMM", b"\0deu\0ja"), ("COMM", b"\0eng\0yes")],
            [("COMM", "ja"), ("COMM", f"yes | {STATEMENT}"), ("TCOP", STATEMENT)],
        ),
        (
            [("COMM", b"\0engiTunNORM\0 0000")],
            [("COMM", STATEMENT), ("COMM:ITUNNORM", " 0000"), ("TCOP", STATEMENT)],
        ),
        ([("TCOP", b"\1\xff\xfe\xe4\0")], [("TCOP", f"ä | {STATEMENT}"), ("COMM", STATEMENT)]),
        ([("TCOP", b"\0\xe4")], [("TCOP", f"ä | {STATEMENT}"), ("COMM", STATEMENT)]),
    ],
)
def test_the_statement_is_appended(frames: list[tuple[str, bytes]], expected: list[tuple[str, str]]) -> None:
    data = tag(3, *(frame(3, name, payload) for name, payload in frames))
    after = edited(data, MARK)
    assert sorted(pair for pair in said(after) if pair[0] != "NOAI") == sorted(expected)
    assert inventory(after) == inventory(data)
    assert sorted(said(edited(after, LIFT))) == sorted(said(data))


def test_a_lifted_statement_goes_from_where_other_tools_copied_it() -> None:
    data = tag(
        4,
        frame(4, "TXXX", b"\0comment\0" + STATEMENT.encode()),
        frame(4, "COMM", b"\0engx\0kept | " + STATEMENT.encode()),
    )
    assert said(edited(data, LIFT)) == [("COMM:X", "kept")]


def test_text_that_cannot_be_decoded_is_not_altered() -> None:
    with pytest.raises(MarkError):
        edited(tag(3, frame(3, "TCOP", b"\1\xff\xfea\0b")), MARK)


def test_a_tag_without_frames_goes() -> None:
    data = edited(
        tag(4, frame(4, "TXXX", b"\0NOAI\0a.b.c"), padding=bytes(50)) + b"audio", TagEdit(markers=())
    )
    assert data == b"audio"


def test_a_22_tag_becomes_23_with_the_same_items() -> None:
    picture = frame(2, "PIC", b"\0JPG\x03front\0\xff\xd8data")
    old = tag(2, frame(2, "TT2", b"\0t"), frame(2, "COM", b"\0eng\0c"), picture, frame(2, "CNT", b"\0\0\0\1"))
    after = edited(old, MARK)
    assert after[3] == 3
    assert inventory(after) == inventory(old)
    assert mutagen.id3.ID3(io.BytesIO(after)).getall("APIC")[0].data == b"\xff\xd8data"


def test_a_22_tag_with_a_frame_that_later_versions_do_not_have_is_left_alone() -> None:
    with pytest.raises(MarkError):
        edited(tag(2, frame(2, "XYZ", b"x")), MARK)


@pytest.mark.parametrize("version", [2, 3])
def test_an_unsynchronised_tag_is_written_plain(version: int) -> None:
    name = "PRV" if version == 2 else "PRIV"
    body = frame(version, "UFI" if version == 2 else name, b"owner\0\xff\xe0\xff\0") * 1
    encoded = body.replace(b"\xff", b"\xff\x00")
    old = b"ID3" + bytes((version, 0, 0x80)) + syncsafe(len(encoded)) + encoded
    after = edited(old, MARK)
    assert after[5] & 0x80 == 0
    assert inventory(after) == inventory(old)


def test_sizes_that_are_not_syncsafe_are_repaired() -> None:
    plain = b"TIT2" + (200).to_bytes(4, "big") + b"\0\0" + b"\0" + b"t" * 199
    after = edited(tag(4, plain, frame(4, "TALB", b"\0a"), padding=bytes(20)), MARK)
    assert b"TIT2" + syncsafe(200) in after
    assert ("TALB", "a") in said(after)


# -- the inventory across versions -----------------------------------------------------------------


def test_the_inventory_is_the_same_in_both_versions() -> None:
    assert inventory(oddities(3)) == inventory(oddities(4).replace(b"One\0Two", b"One/Two"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (frame(3, "TIT2", b"\1\xff\xfe\xe4\0\0\0"), frame(4, "TIT2", b"\3\xc3\xa4")),
        (frame(3, "POPM", b"a@b\0\xc4\0\0\0\5"), frame(4, "POPM", b"a@b\0\xc4\5")),
        (frame(3, "PCNT", b"\0\0\0\5"), frame(4, "PCNT", b"\0\0\0\0\0\5")),
        (frame(3, "SYLT", b"\0eng\2\1d\0la\0\0\0\0\1"), frame(4, "SYLT", b"\3eng\2\1d\0la\0\0\0\0\1\0")),
        (
            frame(3, "CHAP", b"c\0" + bytes(16) + frame(3, "TIT2", b"\1\xff\xfe\xe4\0")),
            frame(4, "CHAP", b"c\0" + bytes(16) + frame(4, "TIT2", b"\3\xc3\xa4")),
        ),
        (frame(3, "APIC", b"\0image/png\0\3\xe4\0data"), frame(4, "APIC", b"\3image/png\0\3\xc3\xa4\0data")),
    ],
)
def test_one_item_reads_the_same_in_every_form(one: bytes, other: bytes) -> None:
    assert inventory(tag(3, one, padding=bytes(30))) == inventory(tag(4, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("TIT2", b"\0a"), ("TIT2", b"\0b")),
        (("TIT2", b"\0a"), ("TIT3", b"\0a")),
        (("COMM", b"\0eng\0a"), ("COMM", b"\0deu\0a")),
        (("APIC", b"\0image/png\0\3\0a"), ("APIC", b"\0image/png\0\3\0b")),
        (("APIC", b"\0image/png\0\3\0a"), ("APIC", b"\0image/png\0\4\0a")),
        (("UFID", b"o\0a"), ("UFID", b"o\0b")),
        (("XYZW", b"a"), ("XYZW", b"b")),
        (("GEOB", b"\0a/b\0f\0d\0x"), ("GEOB", b"\0a/b\0f\0d\0y")),
        (("POPM", b"a\0\1\1"), ("POPM", b"a\0\1\2")),
        (("CHAP", b"c\0" + bytes(16)), ("CHAP", b"c\0" + bytes(15) + b"\1")),
    ],
)
def test_different_items_read_differently(one: tuple[str, bytes], other: tuple[str, bytes]) -> None:
    assert inventory(tag(4, frame(4, *one))) != inventory(tag(4, frame(4, *other)))


def test_a_manifest_is_no_foreign_item() -> None:
    assert inventory(tag(4, frame(4, "GEOB", b"\0application/c2pa\0\0\0data"))) == []
