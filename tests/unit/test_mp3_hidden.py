"""MP3: tags that some reader would show are never silent."""

from __future__ import annotations

import io
import struct
import tarfile

import pytest

from noai.codes import Code
from noai.containers.glances import glance
from noai.containers.interface import FieldRole, TagArea, TagEdit
from noai.containers.registry import detect
from noai.errors import ContainerUnknown
from noai.limits import ID3_TAGS
from noai.sources import BytesSource
from tests.unit.id3_bytes import frame, tag
from tests.unit.mp3_bytes import ID3, MP3, ape, id3v1, info, sound, values, written

SOUND = sound(9)


def area(data: bytes) -> TagArea:
    return MP3.read_tags(BytesSource(data))


def codes(data: bytes) -> list[Code]:
    return [note.code for note in area(data).notes]


def footer(items: bytes, count: int, flags: int, size: int | None = None) -> bytes:
    length = len(items) + 32 if size is None else size
    return items + b"APETAGEX" + struct.pack("<IIII8x", 2000, length, count, flags)


def item(key: bytes, value: bytes, flags: int = 0) -> bytes:
    return struct.pack("<II", len(value), flags) + key + b"\0" + value


@pytest.mark.parametrize("flags", [1 << 31, 1 << 29, 1 << 31 | 1 << 29, 1 << 30])
@pytest.mark.parametrize("behind", [b"", id3v1()])
def test_an_ape_footer_with_odd_flags_hides_nothing(flags: int, behind: bytes) -> None:
    data = SOUND + footer(item(b"NOAI", b"a.b.c"), 1, flags) + behind
    assert values(data, FieldRole.MARKER) == ["a.b.c"]
    assert values(written(data, TagEdit(markers=())), FieldRole.MARKER) == []


@pytest.mark.parametrize("size", [0, 31, 1 << 20])
def test_an_ape_footer_whose_size_makes_no_sense_is_a_note(size: int) -> None:
    assert codes(SOUND + footer(item(b"NOAI", b"1"), 1, 0, size)) == [Code.TAG_UNREADABLE]


@pytest.mark.parametrize("flags", [0, 1 << 31])
def test_an_ape_header_without_its_flag_is_read(flags: int) -> None:
    items = item(b"NOAI", b"a.b.c")
    header = b"APETAGEX" + struct.pack("<IIII8x", 2000, len(items) + 32, 1, flags)
    assert values(header + footer(items, 1, flags) + SOUND, FieldRole.MARKER) == ["a.b.c"]


def test_an_ape_header_whose_size_runs_past_the_file_is_a_note() -> None:
    header = b"APETAGEX" + struct.pack("<IIII8x", 2000, 1 << 20, 1, 1 << 29)
    assert Code.TAG_UNREADABLE in codes(header + SOUND)


def test_binary_ape_items_named_like_text_are_fields() -> None:
    items = item(b"NO_AI_TRAINING", b"\xff1", 2) + item(b"Cover Art (Front)", b"a.png\0PNG", 2)
    found = area(SOUND + footer(items, 2, 0))
    assert [(field.key, field.value) for field in found.fields] == [("NO_AI_TRAINING", "\ufffd1")]


@pytest.mark.parametrize("behind", [b"\0", bytes(128), b"\n", bytes(2000) + id3v1()])
@pytest.mark.parametrize("hidden", [ape(("NOAI", b"1")), tag(4, frame(4, "TXXX", b"\0NOAI\x001"))])
def test_a_tag_that_does_not_end_where_tags_end_is_read(hidden: bytes, behind: bytes) -> None:
    assert values(SOUND + hidden + behind, FieldRole.MARKER) == ["1"]
    assert codes(SOUND + hidden + behind) == [Code.TAG_DUPLICATE]


def test_an_id3_tag_at_the_end_without_a_footer_is_read() -> None:
    data = SOUND + tag(4, frame(4, "TXXX", b"\0NOAI\x001"))
    assert values(data, FieldRole.MARKER) == ["1"]
    assert codes(data) == [Code.TAG_DUPLICATE]


def test_a_tag_behind_junk_whose_size_is_not_syncsafe_is_read_and_noted() -> None:
    hidden = bytearray(tag(4, frame(4, "TXXX", b"\0NOAI\x001"), padding=bytes(200)))
    hidden[6:10] = (len(hidden) - 10).to_bytes(4, "big")
    data = b"\0" + bytes(hidden) + SOUND
    assert values(data, FieldRole.MARKER) == ["1"]
    assert Code.ID3_SIZE in codes(data)


def test_more_detached_tags_than_the_limit_are_one_note() -> None:
    data = ID3 + b"\0" + tag(4, b"x") * 2_000 + SOUND
    found = codes(data)
    assert Code.LIMIT_EXCEEDED in found
    assert len(found) <= ID3_TAGS + 1


@pytest.mark.parametrize("counted", [0, 1])
def test_an_info_frame_that_counts_what_there_is_is_no_note(counted: int) -> None:
    """With or without itself."""
    length = len(sound(9 + counted))
    first = bytearray(info(count=10))
    first[48:52] = length.to_bytes(4, "big")
    assert codes(ID3 + bytes(first) + SOUND + id3v1()) == []
    assert codes(ID3 + bytes(first) + sound(20)) == [Code.XING_COUNT]
    assert not Code.XING_COUNT.blocks


def tar_of(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        tar_of("a.mp3", sound(60)), tar_of("x" * 99, sound(60)),
        *(start + sound(60) for start in (b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff", b"\x1f\x8b\x08")),
        *(start + sound(60) for start in (b"(\xb5/\xfd", b"PK\5\6", b"\x89HDF\r\n", b"SQLite format 3\0")),
    ],
)  # fmt: skip
def test_what_holds_other_files_is_not_one_of_them(data: bytes) -> None:
    """Its audio is that of its members, each with tags of its own, which nobody has read."""
    with pytest.raises(ContainerUnknown):
        detect(BytesSource(data))
    assert glance(BytesSource(data)) is None
