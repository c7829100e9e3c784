"""ASF: what its tags say, in every place, and what marking does to them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import mutagen.asf
import pytest

from noai.codes import Code
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import MarkError
from noai.limits import OPAQUE_BYTES, TAG_ITEMS, TAG_VALUE_BYTES
from noai.sources import BytesSource
from tests.unit.asf_bytes import (
    ASF,
    NOTHING,
    PACKETS,
    asf,
    attribute,
    codes,
    data,
    description,
    descriptor,
    descriptors,
    essence,
    extension,
    guid_object,
    header,
    library,
    obj,
    properties,
    stream,
    tags,
    text,
    values,
    written,
)
from tests.unit.id3_bytes import frame, tag

Encoded = Callable[..., Path]
MARKED = TagEdit(markers=("a.b.c",))
RESERVED = bytes(16)
ID3 = tag(4, frame(4, "TXXX", b"\0NOAI\0x.y.z"), frame(4, "TIT2", b"\0Kept"))


def fields(content: bytes) -> list[tuple[str, str]]:
    return [(field.key, field.value) for field in tags(content).fields]


# -- reading --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("NOAI", 0, text("1")),
        ("noai", 0, text("1")),
        ("WM/NoAI", 0, text("1")),
        ("foobar2000/NOAI", 0, b"1\0"),
        ("NOAI\0behind", 0, text("1")),
        ("\ufeffNOAI", 0, text("1")),
        ("NOAI", 3, b"\1\0\0\0"),
        ("NOAI", 4, b"\1" + bytes(7)),
        ("NOAI", 5, b"\1\0"),
        ("NOAI", 1, b"1"),
        ("NOAI", 1, text("1")),
        ("NOAI", 9, text("1")),
    ],
)
def test_a_marker_counts_by_its_name_in_any_case_and_of_any_type(name: str, kind: int, value: bytes) -> None:
    for content in (
        asf(descriptors(descriptor(name, value, kind))),
        asf(extension(library(attribute(name, value, kind=kind, stream=3, language=1)))),
        asf(extension(library(attribute(name, value, kind=kind), name=obj.METADATA))),
    ):
        assert values(content) == ["1"]
        assert values(written(content, MARKED)) == ["a.b.c"]
        assert values(written(content, NOTHING)) == []


def test_a_marker_that_is_a_boolean_is_a_yes_or_a_no() -> None:
    content = asf(descriptors(descriptor("NOAI", b"\1\0\0\0", 2), descriptor("NOAI", bytes(4), 2)))
    assert values(content) == ["true", "false"]


def test_attributes_of_every_type_are_shown() -> None:
    records = [
        descriptor("Text", "ä"),
        descriptor("Several", text("one") + text("two")),
        descriptor("Bool", b"\1\0\0\0", 2),
        descriptor("DWord", b"\7\0\0\0", 3),
        descriptor("QWord", b"\0\0\0\0\1\0\0\0", 4),
        descriptor("Word", b"\7\0", 5),
        descriptor("Guid", bytes(range(16)), 6),
    ]
    assert fields(asf(descriptors(*records))) == [
        ("TEXT", "ä"),
        ("SEVERAL", "one"),
        ("SEVERAL", "two"),
        ("BOOL", "true"),
        ("DWORD", "7"),
        ("QWORD", str(2**32)),
        ("WORD", "7"),
        ("GUID", "03020100-0504-0706-0809-0a0b0c0d0e0f"),
    ]


def test_texts_of_other_objects_are_shown() -> None:
    script = RESERVED + struct.pack("<HHH", 1, 1, 4) + text("URL") + bytes(6) + struct.pack("<H", 4)
    markers = RESERVED + struct.pack("<IHH", 1, 0, 10) + text("Name") + bytes(26) + struct.pack("<I", 6)
    codecs = RESERVED + struct.pack("<IHH", 1, 2, 4) + text("WMA") + struct.pack("<H", 3) + text("64")
    branding = struct.pack("<II2sI2sI2s", 0, 2, b"xx", 2, b"b", 2, b"c")
    named = bytes(60) + struct.pack("<HHHH", 1, 0, 0, 10) + text("main")
    content = asf(
        guid_object(obj.SCRIPT, script + text("x/y")),
        guid_object(obj.MARKERS, markers + text("first")),
        guid_object(obj.CODEC_LIST, codecs + b"\0\0"),
        guid_object(obj.BRANDING, branding),
        description("t", "a", "c", "d", "r"),
        extension(guid_object(obj.EXTENDED_STREAM, named + stream(7))),
    )
    assert dict(fields(content)) == {
        "SCRIPTTYPE": "URL",
        "SCRIPTCOMMAND": "x/y",
        "MARKERNAME": "Name",
        "MARKERDESCRIPTION": "first",
        "CODECNAME": "WMA",
        "CODECDESCRIPTION": "64",
        "BANNERIMAGEURL": "b",
        "COPYRIGHTURL": "c",
        "TITLE": "t",
        "AUTHOR": "a",
        "COPYRIGHT": "c",
        "DESCRIPTION": "d",
        "RATING": "r",
        "STREAMNAME": "main",
    }
    assert codes(content) == []


@pytest.mark.parametrize(
    "damaged",
    [
        guid_object(obj.DESCRIPTION, b"\xff\0" + bytes(8)),
        guid_object(obj.DESCRIPTION, bytes(10) + b"x"),
        guid_object(obj.MARKERS, bytes(9)),
        guid_object(obj.CODEC_LIST, bytes(16) + b"\1\0\0\0"),
        guid_object(obj.EXTENDED_DESCRIPTION, b"\2\0" + descriptor("a", "b")),
        guid_object(obj.EXTENDED_DESCRIPTION, b"\0\0" + descriptor("a", "b")),
        guid_object(obj.EXTENDED_DESCRIPTION, b""),
        guid_object(obj.LIBRARY, b"\1\0" + attribute("a", "b")[:-1]),
        guid_object(obj.EXTENSION, bytes(5)),
        guid_object(obj.EXTENSION, bytes(18) + b"\1\0\0\0"),
        extension(b"x" * 9),
        b"x" * 16 + b"\x17" + bytes(7),
    ],
    ids=lambda damaged: f"{damaged[:4].hex()}-{len(damaged)}",
)
def test_damaged_objects_are_a_note_and_not_written_to(damaged: bytes) -> None:
    content = asf(descriptors(descriptor("NOAI", "1")), damaged)
    assert Code.TAG_UNREADABLE in codes(content)
    if damaged[:16] != obj.MARKERS and damaged[:16] != obj.CODEC_LIST:
        with pytest.raises(MarkError):
            written(content, TagEdit(markers=("a.b.c",), statement="noai:x", lifted_statements=("b",)))


def test_lengths_that_old_libavformat_counted_one_short_are_understood() -> None:
    name, value = text("NOAI"), text("1")
    odd = struct.pack("<H", len(name) - 1) + name + struct.pack("<HH", 0, len(value) - 1) + value
    content = asf(descriptors(odd, descriptor("after", "this")))
    assert fields(content) == [("NOAI", "1"), ("AFTER", "this")]
    assert codes(content) == []
    assert fields(written(content, NOTHING)) == [("AFTER", "this")]


def test_an_id3_tag_in_an_attribute_is_read_and_loses_its_marker() -> None:
    content = asf(descriptors(descriptor("ID3", ID3, 1)))
    assert ("NOAI", "x.y.z") in fields(content)
    after = written(content, MARKED)
    assert values(after) == ["a.b.c"]
    assert ("TIT2", "Kept") in fields(after)
    assert ASF.inventory(BytesSource(after), MARKED) == ASF.inventory(BytesSource(content), MARKED)


def test_xmp_is_read_as_an_object_anywhere_and_as_an_attribute() -> None:
    packet = "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    content = asf(
        guid_object(obj.XMP, packet.encode()),
        descriptors(descriptor("xmp", packet)),
        extension(library(attribute("XMP", packet.encode(), kind=1))),
        behind=guid_object(obj.XMP, packet.encode()),
    )
    assert [each.data.decode() for each in tags(content).xmp] == [packet] * 4


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (asf(descriptors(*[descriptor("a", "b")] * (TAG_ITEMS + 1))), Code.LIMIT_EXCEEDED),
        (asf(extension(library(attribute("a", "b" * TAG_VALUE_BYTES)))), Code.LIMIT_EXCEEDED),
        (asf(guid_object(obj.PADDING, bytes(OPAQUE_BYTES + 1))), Code.LIMIT_EXCEEDED),
        (asf(behind=guid_object(obj.XMP, b"<" * 300_000)), Code.LIMIT_EXCEEDED),
    ],
    ids=["attributes", "value", "padding", "XMP"],
)
def test_limits_are_notes(content: bytes, code: Code) -> None:
    assert code in codes(content)


# -- writing --------------------------------------------------------------------------------


def test_sizes_counts_and_the_size_of_the_file_follow() -> None:
    content = asf(extension(library(attribute("NOAI", "1"), attribute("kept", "x"))), description("t"))
    after = written(content, TagEdit(markers=("a.b.c", "d.e.f"), statement="noai:x", data_mining="http://x"))
    assert codes(after) == []
    assert values(after) == ["a.b.c", "d.e.f"]
    at = after.index(obj.FILE_PROPERTIES) + 40
    assert int.from_bytes(after[at : at + 8], "little") == len(after)
    assert int.from_bytes(after[24:28], "little") == 5
    assert essence(after) == essence(content)


def test_a_live_stream_keeps_its_size() -> None:
    content = header(properties(2, flags=1), stream()) + data(*PACKETS)
    after = written(content, MARKED)
    at = after.index(obj.FILE_PROPERTIES) + 40
    assert after[at : at + 8] == bytes(8)


def test_a_value_too_long_for_a_descriptor_goes_to_the_library() -> None:
    long = "x" * 40_000
    content = asf(extension())
    after = written(content, TagEdit(markers=("a.b.c", long)))
    assert sorted(values(after)) == ["a.b.c", long]
    assert values(written(after, TagEdit(markers=(long,)))) == [long]
    with pytest.raises(MarkError):
        written(asf(), TagEdit(markers=(long,)))


def test_markers_and_statements_leave_every_object() -> None:
    ours = "noai:AbCdEfGhIjKlMnOpQrStUv No AI training without permission."
    content = asf(
        descriptors(descriptor("Copyright", f"me | {ours}"), descriptor("NOAI", "1")),
        descriptors(descriptor("noai", "2"), descriptor("Description", ours)),
        description("t", "", ours, f"hello | {ours}"),
        description("", "", ours),
        extension(
            description("", "", f"you | {ours}"),
            library(attribute("NOAI", "3"), attribute("copyright", f"he | {ours}")),
            extension(library(attribute("WM/NOAI", "4"), name=obj.METADATA)),
        ),
        behind=descriptors(descriptor("NOAI", "5")),
    )
    assert values(content) == ["1", "2", "3", "4", "5"]
    after = written(content, TagEdit(markers=("a.b.c",), lifted_statements=(ours,)))
    assert values(after) == ["a.b.c"]
    assert ours not in str(fields(after))
    assert values(after, FieldRole.COPYRIGHT) == ["me", "you", "he"]
    assert codes(after) == []


@pytest.mark.parametrize(
    "content",
    [
        asf(guid_object(obj.SIGNATURE, bytes(20))),
        asf() + asf(),
        asf() + data(*PACKETS),
        asf(description("", "", "x" * 32_760)),
        asf(descriptors(descriptor("Copyright", "x" * 32_760))),
        asf(guid_object(obj.DESCRIPTION, struct.pack("<5H", 0, 0, 2, 0, 0) + b"\0\xd8")),
        asf(descriptors(descriptor("ID3", ID3[:20], 1))),
    ],
    ids=["signed", "two files", "two data", "full", "full attribute", "no text", "cut ID3"],
)
def test_what_cannot_be_written_safely_is_refused(content: bytes) -> None:
    with pytest.raises(MarkError):
        written(content, TagEdit(markers=("a.b.c",), statement="noai:" + "x" * 60))


def test_mutagen_reads_several_markers_and_keeps_them(encoded: Encoded, tmp_path: Path) -> None:
    path = tmp_path / "two.wma"
    content = written(encoded("asf", "mutagen").read_bytes(), TagEdit(markers=("a.b.c", "d.e.f")))
    path.write_bytes(content)
    file = mutagen.asf.ASF(path)
    assert [str(value) for value in file["NOAI"]] == ["a.b.c", "d.e.f"]
    file["Title"] = "Other"
    file.save()
    assert sorted(values(path.read_bytes())) == ["a.b.c", "d.e.f"]
    assert essence(path.read_bytes()) == essence(content)
