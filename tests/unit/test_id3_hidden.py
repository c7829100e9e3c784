"""ID3: what some reader would show is never silent, however it is hidden."""

from __future__ import annotations

import pytest

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._id3_frames import Encoded, from_unsynchronised
from noai.errors import LimitExceeded, MarkError
from noai.limits import AREA_NOTES, MANIFESTS_PER_FILE
from tests.unit.id3_bytes import MARK, codes, edited, frame, read, said, syncsafe, tag

HIDDEN = frame(4, "TXXX", b"\3NOAI\x001")
STATEMENT = b"noai:AbCdEfGhIjKlMnOpQrStUv No AI training without permission."


def _ambiguous(last: bytes) -> bytes:
    """A frame of 128 bytes if its size is syncsafe, in front of HIDDEN; of 256 if it is plain."""
    first = b"TIT2" + bytes((0, 0, 1, 0)) + b"\0\0" + b"\3" + b"x" * 127
    filler = frame(4, "TALB", b"\3" + b"y" * (128 - len(HIDDEN) - 11))
    return tag(4, first, HIDDEN, filler, last)


def test_frames_that_only_syncsafe_sizes_show_are_read_where_plain_ones_fit_better() -> None:
    data = _ambiguous(b"TCON" + bytes((0, 0, 1, 0)) + b"\0\0" + b"\3" + b"z" * 255)
    assert ("NOAI", "1") in said(data)
    assert codes(data) == [Code.TAG_UNREADABLE]
    with pytest.raises(MarkError):
        edited(data, MARK)


def test_frames_that_only_plain_sizes_show_are_read_where_syncsafe_ones_fit() -> None:
    first = b"TIT2" + bytes((0, 0, 1, 0)) + b"\0\0" + b"\3" + b"x" * 127
    inner = b"\3" + b"y" * 117 + HIDDEN * 2
    data = tag(4, first, frame(4, "TALB", inner))
    assert said(data).count(("NOAI", "1")) == 2
    assert codes(data) == [Code.TAG_UNREADABLE]


def test_a_size_that_readers_choose_frame_by_frame_hides_nothing() -> None:
    """Neither all syncsafe nor all plain: the second frame hides another behind its syncsafe end."""
    plain = b"TIT2" + (200).to_bytes(4, "big") + b"\0\0" + b"\3" + b"x" * 199
    second = b"TPE1" + bytes((0, 0, 1, 0)) + b"\0\0" + b"\3" + b"x" * 127
    filler = b"y" * (128 - len(HIDDEN))
    data = tag(4, plain, second, HIDDEN, filler, padding=bytes(20))
    assert ("NOAI", "1") in said(data)
    assert codes(data) == [Code.TAG_UNREADABLE]


def test_ordinary_sizes_are_not_in_doubt() -> None:
    frames = [frame(4, "TXXX", b"\3NOAI\0" + b"e" * size) for size in range(120, 400, 7)]
    data = tag(4, *frames, frame(4, "GEOB", b"\0x\0\0\0" + bytes(range(256)) * 40), padding=bytes(1024))
    assert codes(data) == []
    assert len(said(data)) == len(frames) + 1


@pytest.mark.parametrize("name", [b"NOAI", b"NO_AI_TRAINING_MARKER"])
def test_a_description_without_a_value_is_a_name_and_a_remark(name: bytes) -> None:
    assert said(tag(4, frame(4, "TXXX", b"\3" + name))) == [(name.decode(), ""), ("TXXX", name.decode())]


def test_a_chapter_in_a_chapter_is_read_and_deeper_ones_are_a_note() -> None:
    inner = HIDDEN
    for _ in range(2):
        inner = frame(4, "CHAP", b"c\0" + bytes(16) + inner)
    assert said(tag(4, inner)) == [("NOAI", "1")]
    for _ in range(4):
        inner = frame(4, "CHAP", b"c\0" + bytes(16) + inner)
    assert codes(tag(4, inner)) == [Code.TAG_UNREADABLE]


def test_xmp_counts_whatever_the_case_of_its_owner() -> None:
    assert [packet.data for packet in read(tag(3, frame(3, "PRIV", b"xmp\0<x/>"))).xmp] == [b"<x/>"]


@pytest.mark.parametrize("mime", [b"application/c2pa; v=1", b"APPLICATION/C2PA ;x", b" application/c2pa"])
def test_a_manifest_store_counts_whatever_the_spelling_of_its_type(mime: bytes) -> None:
    assert len(read(tag(4, frame(4, "GEOB", b"\0" + mime + b"\0f\0d\0store"))).manifests) == 1


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("SYLT", b"\0eng\2\1\0" + STATEMENT + b"\0\0\0\0\1"),
        ("OWNE", b"\0EUR1\x0020260101" + STATEMENT),
        ("OWNE", b"\1EUR1\x0020260101\xff\xfe" + STATEMENT.decode().encode("utf-16-le")),
        ("COMR", b"\0EUR1\x0020260101http://x\0\0seller\0" + STATEMENT + b"\0"),
        ("APIC", b"\0image/png\0\3" + STATEMENT + b"\0PNG"),
        ("GEOB", b"\0text/plain\0file\0" + STATEMENT + b"\0object"),
        ("PRIV", b"owner\0" + STATEMENT),
        ("UFID", b"owner\0" + STATEMENT),
        ("XSOP", b"\0" + STATEMENT),
        ("XDOR", b"\0" + STATEMENT),
        ("ZZZZ", STATEMENT),
    ],
)
def test_text_in_frames_that_are_no_text_frames_is_read(name: str, payload: bytes) -> None:
    data = tag(4, frame(4, name, payload))
    assert any(STATEMENT.decode() in text for field in said(data) for text in field)
    assert codes(data) == []


@pytest.mark.parametrize("name", ["PRIV", "UFID"])
def test_an_owner_is_a_key(name: str) -> None:
    assert said(tag(4, frame(4, name, b"NO_AI_TRAINING\x001"))) == [("NO_AI_TRAINING", "1")]


def test_an_extended_header_that_swallows_frames_is_a_note() -> None:
    data = tag(4, bytes((0, 0, 0, 0x40, 1, 0)) + HIDDEN + bytes(64), flags=0x40)
    assert codes(data) == [Code.TAG_UNREADABLE]


def test_the_place_of_a_byte_in_an_unsynchronised_tag_is_found_in_blocks() -> None:
    data = (b"ab\xff\x00" * 5 + b"c" * 9_000 + b"\xff\x00\xff\x00") * 4
    decoded = from_unsynchronised(data)
    encoded = Encoded(data, 0)
    for at in (
        *range(30),
        *range(8_170, 8_210),
        *range(9_000, 9_040),
        *range(16_370, 16_400),
        len(decoded) - 1,
    ):
        position = encoded.position(at)
        assert data[position] == decoded[at]
        assert len(from_unsynchronised(data[:position])) == at


def test_manifest_stores_that_cannot_be_located_count_against_the_limit() -> None:
    store = frame(3, "GEOB", b"\0application/c2pa\0\0c2pa\0\xff\x01abc")
    body = store.replace(b"\xff", b"\xff\x00") * (MANIFESTS_PER_FILE + 1)
    with pytest.raises(LimitExceeded):
        read(b"ID3\x03\0\x80" + syncsafe(len(body)) + body)


def test_notes_beyond_the_limit_are_summed_up_in_one_that_blocks() -> None:
    area = AreaBuilder()
    for _ in range(AREA_NOTES * 3):
        area.note(Code.TAG_DUPLICATE, "again")
    notes = area.build().notes
    assert len(notes) == AREA_NOTES + 1
    assert notes[-1].code is Code.LIMIT_EXCEEDED
