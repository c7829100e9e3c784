"""ID3: every version and quirk is read, and nothing unreadable is silent."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._id3 import locate_appended, locate_id3v1, locate_leading, read_id3v1, read_id3v2
from noai.containers.interface import FieldRole
from noai.errors import LimitExceeded, MarkError, NoaiError
from noai.limits import ID3_TAGS, TAG_ITEMS
from noai.sources import BytesSource
from tests.unit.id3_bytes import MARK, codes, edited, frame, inventory, read, said, syncsafe, tag

NAMES = (
    "TXXX", "COMM", "USLT", "APIC", "GEOB", "PRIV", "CHAP", "CTOC", "POPM", "PCNT", "SYLT", "WXXX", "USER",
    "UFID", "TXX", "COM",
)  # fmt: skip


# -- locating --------------------------------------------------------------------------------------


def test_several_tags_in_front_are_all_located() -> None:
    data = tag(4, frame(4, "TIT2", b"\0one")) + tag(3, frame(3, "TIT2", b"\0two")) + b"\xff\xfb\x90\x00"
    assert said(data) == [("TIT2", "one"), ("TIT2", "two")]


def test_more_tags_than_the_limit_are_refused() -> None:
    one = tag(4, frame(4, "TIT2", b"\0x"))
    assert len(locate_leading(BytesSource(one * ID3_TAGS))) == ID3_TAGS
    with pytest.raises(LimitExceeded):
        locate_leading(BytesSource(one * (ID3_TAGS + 1)))


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b"ID3\x04\x00\x00\x00\x00\x00\x9c", Code.ID3_SIZE),
        (b"ID3\x04\x00\x00\x00\x00\x7f\x7f", Code.ID3_SIZE),
        (b"ID3\x05\x00\x00\x00\x00\x00\x10", Code.ID3_VERSION),
    ],
    ids=["not syncsafe", "past the file", "version"],
)
def test_a_header_that_contradicts_the_file_is_a_note(header: bytes, code: Code) -> None:
    assert code in codes(header + frame(4, "TIT2", b"\0x") + bytes(30))


def test_an_appended_tag_is_found_by_its_footer() -> None:
    body = frame(4, "TXXX", b"\0NOAI\0a.b.c")
    head = b"\x04\x00\x10" + syncsafe(len(body))
    data = b"audio" + b"ID3" + head + body + b"3DI" + head
    source, area = BytesSource(data), AreaBuilder()
    found = locate_appended(source, len(data))
    assert found is not None
    read_id3v2(source, found, area)
    assert [field.value for field in area.build().fields] == ["a.b.c"]


# -- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "name", "payload", "expected"),
    [
        (2, "TXX", b"\0noai\0a.b.c", [("NOAI", "a.b.c")]),
        (2, "TCR", b"\x002004", [("TCOP", "2004")]),
        (2, "COM", b"\0eng\0remark", [("COMM", "remark")]),
        (3, "TXXX", b"\1\xff\xfeN\0O\0A\0I\0\0\0\xff\xfex\0.\0y\0.\0z\0", [("NOAI", "x.y.z")]),
        (3, "TXXX", b"\0NOAI\0a.b.c\0d.e.f\0", [("NOAI", "a.b.c"), ("NOAI", "d.e.f")]),
        (3, "TXXX", b"\0NOAI\0a.b.c/d.e.f", [("NOAI", "a.b.c"), ("NOAI", "d.e.f")]),
        (4, "TXXX", b"\3Key \xc3\xbc\0v\xc3\xa4l", [("KEY Ü", "väl")]),
        (4, "TXXX", b"\2\0k\0\0\xd8\x3d\xde\x00", [("K", "😀")]),
        (4, "TPE1", b"\3A\0B\0", [("TPE1", "A"), ("TPE1", "B")]),
        (4, "TIT2", b"\1\xfe\xff\0T", [("TIT2", "T")]),
        (4, "COMM", b"\0engshop\0text", [("COMM:SHOP", "text")]),
        (4, "USLT", b"\0eng\0la\nla", [("USLT", "la\nla")]),
        (4, "WOAR", b"https://example.org\0", [("WOAR", "https://example.org")]),
        (4, "WXXX", b"\0shop\0https://example.org", [("SHOP", "https://example.org")]),
        (4, "USER", b"\0engno training", [("USER", "no training")]),
        (4, "TXXX", b"\3bad\0\xff\xfe", [("BAD", "??")]),
        (3, "TT2\0", b"\0short name", [("TIT2", "short name")]),
        (4, "TIT2", b"", []),
        (4, "APIC", b"\0image/png\0\3\0NOAI", []),
    ],
)
def test_frames_are_read(version: int, name: str, payload: bytes, expected: list[tuple[str, str]]) -> None:
    data = tag(version, frame(version, name, payload), padding=bytes(12))
    assert said(data) == expected
    assert codes(data) == []


def test_roles_follow_the_key() -> None:
    data = tag(
        4,
        frame(4, "TXXX", b"\0Noai\0x"),
        frame(4, "TCOP", b"\0x"),
        frame(4, "COMM", b"\0engany\0x"),
        frame(4, "TXXX", b"\0comment\0x"),
        frame(4, "TXXX", b"\0noai2\0x"),
    )
    roles = [field.role for field in read(data).fields]
    expected = [FieldRole.MARKER, FieldRole.COPYRIGHT, FieldRole.COMMENT, FieldRole.COMMENT, FieldRole.OTHER]
    assert roles == expected


@pytest.mark.parametrize("version", [2, 3])
def test_an_unsynchronised_tag_is_decoded(version: int) -> None:
    name, picture = ("TXX", "PIC") if version == 2 else ("TXXX", "APIC")
    head = b"\0PNG\3\0" if version == 2 else b"\0image/png\0\3\0"
    body = frame(version, picture, head + b"\xff\x00\xff\xe0") + frame(version, name, b"\0NOAI\0\xff")
    encoded = body.replace(b"\xff", b"\xff\x00")
    data = b"ID3" + bytes((version, 0, 0x80)) + syncsafe(len(encoded)) + encoded
    assert said(data) == [("NOAI", "ÿ")]


def test_unsynchronised_frames_with_a_length_indicator_are_decoded() -> None:
    encoded = b"\0\0\0\x07" + b"\0NOAI\0\xff\0"
    assert said(tag(4, frame(4, "TXXX", encoded, flags=0x03))) == [("NOAI", "ÿ")]


@pytest.mark.parametrize("version", [3, 4])
def test_an_extended_header_is_skipped(version: int) -> None:
    extended = bytes((0, 0, 0, 6 if version == 3 else 10)) + bytes(6)
    data = tag(version, extended, frame(version, "TIT2", b"\0x"), flags=0x40)
    assert said(data) == [("TIT2", "x")]


def test_an_extended_header_that_is_announced_but_missing_hides_nothing() -> None:
    assert said(tag(3, frame(3, "TIT2", b"\0x"), flags=0x40)) == [("TIT2", "x")]


def test_sizes_that_itunes_wrote_plain_into_24_are_understood() -> None:
    plain = b"TIT2" + (200).to_bytes(4, "big") + b"\0\0" + b"\0" + b"t" * 199
    assert said(tag(4, plain, frame(4, "TXXX", b"\0NOAI\0x"), padding=bytes(20)))[1] == ("NOAI", "x")


def test_frames_inside_chapters_are_read() -> None:
    chapter = b"c1\0" + bytes(16) + frame(4, "TXXX", b"\0NOAI\0x")
    contents = b"toc\0\x03\x01c1\0" + frame(4, "TIT2", b"\0Contents")
    data = tag(4, frame(4, "CHAP", chapter), frame(4, "CTOC", contents))
    assert said(data) == [("NOAI", "x"), ("TIT2", "Contents")]


# -- what cannot be read is said -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (tag(4, frame(4, "TXXX", b"\0\0\0\x05" + zlib.compress(b"\0abcd"), 0x09)), Code.TAG_COMPRESSED),
        (tag(3, frame(3, "TXXX", bytes(20), 0x80)), Code.TAG_COMPRESSED),
        (tag(2, b"anything", flags=0x40), Code.TAG_COMPRESSED),
        (tag(4, frame(4, "TXXX", bytes(20), 0x04)), Code.TAG_ENCRYPTED),
        (tag(3, frame(3, "TXXX", bytes(20), 0x40)), Code.TAG_ENCRYPTED),
        (tag(4, frame(4, "TXXX", b"\x09NOAI\0x")), Code.TAG_UNREADABLE),
        (tag(4, frame(4, "TIT2", b"\0x"), padding=b"\0\0\0junk\0\0\0\0\0\0\0"), Code.TAG_UNREADABLE),
        (tag(4, b"TXXX" + syncsafe(90) + b"\0\0\0NOAI\0x"), Code.TAG_UNREADABLE),
        (tag(4, frame(4, "CHAP", b"no end of the id")), Code.TAG_UNREADABLE),
        (tag(4, frame(4, "TXXX", b"\0NOAI\0" + b"x" * 300_000)), Code.TAG_UNREADABLE),
        (tag(4, frame(4, "PRIV", b"XMP\0" + b" " * 300_000)), Code.LIMIT_EXCEEDED),
        (tag(4, frame(4, "GEOB", b"\0application/c2pa\0file")), Code.C2PA_UNREAD),
    ],
)
def test_what_cannot_be_read_is_a_note(data: bytes, code: Code) -> None:
    assert codes(data) == [code]
    assert code.blocks


def test_more_frames_than_the_limit_are_refused() -> None:
    with pytest.raises(LimitExceeded):
        read(tag(4, frame(4, "TXXX", b"\0k\0v") * (TAG_ITEMS + 1)))


@given(st.binary(max_size=300), st.sampled_from([2, 3, 4]), st.integers(0, 255))
def test_any_body_raises_only_typed_errors(body: bytes, version: int, flags: int) -> None:
    data = b"ID3" + bytes((version, 0, flags)) + syncsafe(len(body)) + body
    try:
        read(data)
        inventory(data)
        edited(data, MARK)
    except NoaiError:
        return


@given(
    st.sampled_from([2, 3, 4]),
    st.sampled_from(NAMES),
    st.binary(max_size=60),
    st.integers(0, 255),
)
def test_any_frame_raises_only_typed_errors(version: int, name: str, payload: bytes, flags: int) -> None:
    data = tag(version, frame(version, name[:3] if version == 2 else name, payload, flags))
    read(data)
    inventory(data)
    try:
        edited(data, MARK)
    except MarkError:
        return


# -- manifests and XMP -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mime", ["application/c2pa", "application/x-c2pa-manifest-store", "Application/C2PA"]
)
def test_a_manifest_store_is_located_byte_for_byte(mime: str) -> None:
    store = b"\0\0\0\x0cjumbdata"
    names = b"\1" + mime.encode() + b"\0" + "f".encode("utf-16") + b"\0\0" + "d".encode("utf-16") + b"\0\0"
    data = tag(3, frame(3, "TIT2", b"\0x"), frame(3, "GEOB", names + store))
    (manifest,) = read(data).manifests
    assert manifest.read(BytesSource(data)) == store


@pytest.mark.parametrize("store", [b"\0\0\0\x0cjumbdata", b"\0\0\0\x0cjumb\xff\xe0\0\0"])
def test_a_manifest_in_an_unsynchronised_tag_is_located_only_if_it_lies_in_one_piece(store: bytes) -> None:
    body = frame(3, "PRIV", b"x\0\xff\xe1\xff\xe2") + frame(3, "GEOB", b"\0application/c2pa\0\0\0" + store)
    encoded = body.replace(b"\xff", b"\xff\x00")
    data = b"ID3\x03\0\x80" + syncsafe(len(encoded)) + encoded
    area = read(data)
    if b"\xff" in store:
        assert [note.code for note in area.notes] == [Code.C2PA_UNREAD]
        assert not area.manifests
    else:
        (manifest,) = area.manifests
        assert manifest.read(BytesSource(data)) == store


def test_xmp_is_a_priv_of_adobes_owner() -> None:
    data = tag(4, frame(4, "PRIV", b"XMP\0<x/>"), frame(4, "PRIV", b"other\0<y/>"))
    assert [packet.data for packet in read(data).xmp] == [b"<x/>"]


# -- ID3v1 -----------------------------------------------------------------------------------------


def test_id3v1_fields_are_read() -> None:
    v1 = (
        b"TAG" + b"Title".ljust(30, b" ") + bytes(60) + b"2026" + b"a remark".ljust(28, b"\0") + b"\0\x07\xff"
    )
    extended = b"TAG+" + b"More".ljust(60, b"\0") + bytes(163)
    data = b"audio" + extended + v1
    source, area = BytesSource(data), AreaBuilder()
    offset = locate_id3v1(source, len(data))
    assert offset == 5
    read_id3v1(source, offset, area)
    expected = [("TITLE", "More"), ("TITLE", "Title"), ("YEAR", "2026"), ("COMMENT", "a remark")]
    assert [(field.key, field.value) for field in area.build().fields] == expected
