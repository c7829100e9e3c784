"""Matroska: which files are known, and where tags and other text are found."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.interface import FieldRole, TagArea, TagEdit
from noai.containers.matroska import MATROSKA, WEBM, Matroska
from noai.errors import ContainerError, ContainerMalformed
from noai.sources import BytesSource
from tests.unit.mkv_files import (
    HEAD,
    cluster,
    clusters,
    element,
    info,
    matroska,
    open_element,
    segment,
    simple_block,
    simple_tag,
    tag,
    tags,
    text,
    track,
    tracks,
    uint,
    void,
)

MKV = Matroska()
PARTS = (info(), tracks(), *clusters())


def read(data: bytes) -> TagArea:
    return MKV.read_tags(BytesSource(data))


def area(*parts: bytes) -> TagArea:
    """The tag area of a file with ``parts`` behind its clusters."""
    return read(matroska(*PARTS, *parts))


def fields(found: TagArea, place: str = "Matroska tag") -> list[tuple[str, str]]:
    return [(field.key, field.value) for field in found.fields if field.place.startswith(place)]


def notes(found: TagArea) -> set[Code]:
    return {note.code for note in found.notes}


# -- which files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"), [("matroska", MATROSKA), ("webm", WEBM), ("matroska\0\0", MATROSKA), ("doc", None)]
)
def test_the_document_type_decides(kind: str, name: str | None) -> None:
    assert MKV.detect(BytesSource(element(0x1A45DFA3, text(0x4282, kind)) + segment())) == name


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x1a\x45\xdf",
        b"\x1a\x45\xdf\xa3",
        b"\x1a\x45\xdf\xa3\x84\x42\x82\x81",
        b"\x1a\x45\xdf\xa3\xff" + text(0x4282, "webm"),
        element(0x1A45DFA3, uint(0x4286, 1)),
        element(0x1A45DFA3, void(5_000), text(0x4282, "webm")),
        b"x" + matroska(*PARTS),
    ],
    ids=range(8),
)
def test_a_header_that_does_not_say_it_is_not_one(data: bytes) -> None:
    assert MKV.detect(BytesSource(data)) is None


@pytest.mark.parametrize("version", [(0x42F7, 2), (0x42F2, 5), (0x42F3, 9), (0x4285, 9)])
def test_other_versions_are_not_read(version: tuple[int, int]) -> None:
    data = element(0x1A45DFA3, text(0x4282, "matroska"), uint(*version)) + segment(*PARTS)
    with pytest.raises(ContainerMalformed):
        read(data)
    with pytest.raises(ContainerMalformed):
        MKV.read_essence(BytesSource(data))


# -- tags -----------------------------------------------------------------------------------


def test_roles_and_keys() -> None:
    found = area(
        tags(
            tag(
                simple_tag("noai", "1"),
                simple_tag("Copyright", "c"),
                simple_tag("COMMENT", "d"),
                simple_tag("description", "e"),
                simple_tag("LICENSE", "f"),
            )
        )
    )
    assert [(field.key, field.role) for field in found.fields if field.place == "Matroska tag"] == [
        ("NOAI", FieldRole.MARKER),
        ("COPYRIGHT", FieldRole.COPYRIGHT),
        ("COMMENT", FieldRole.COMMENT),
        ("DESCRIPTION", FieldRole.COMMENT),
        ("LICENSE", FieldRole.OTHER),
    ]
    assert found.notes == ()


def test_tags_are_found_in_file_order_wherever_they_stand() -> None:
    entry = [tags(tag(simple_tag("NOAI", str(n)))) for n in range(4)]
    data = matroska(entry[0], info(), tracks(), entry[1], *clusters(1), entry[2], *clusters(1), entry[3])
    assert [value for key, value in fields(read(data)) if key == "NOAI"] == ["0", "1", "2", "3"]
    unsized = HEAD + open_element(
        0x18538067,
        info(),
        tracks(),
        open_element(0x1F43B675, uint(0xE7, 0), simple_block(0, b"x")),
        entry[0],
        open_element(0x1F43B675, uint(0xE7, 20), simple_block(0, b"y")),
        entry[1],
    )
    assert [value for key, value in fields(read(unsized)) if key == "NOAI"] == ["0", "1"]
    assert read(unsized).notes == ()


def test_values_of_one_tag_become_fields_of_their_own() -> None:
    several = element(0x67C8, text(0x45A3, "ARTIST"), text(0x4487, "a"), text(0x4487, "b"))
    assert fields(area(tags(tag(several)))) == [("ARTIST", "a"), ("ARTIST", "b")]


def test_nested_tags_and_tags_about_parts_are_read() -> None:
    inner = simple_tag("URL", "u", simple_tag("NOAI", "1"))
    found = area(tags(tag(simple_tag("ARTIST", "a", inner), targets=uint(0x63C5, 1))))
    assert fields(found) == [("ARTIST", "a"), ("URL", "u"), ("NOAI", "1")]
    assert {field.place for field in found.fields if field.key == "NOAI"} == {"Matroska tag of a part"}


def test_a_marker_without_a_value_is_a_marker() -> None:
    assert fields(area(tags(tag(element(0x67C8, text(0x45A3, "NOAI")))))) == [("NOAI", "")]


def test_pictures_in_tags_are_skipped_and_text_in_them_is_read() -> None:
    picture = element(0x67C8, text(0x45A3, "COVER"), element(0x4485, b"\x89PNG\xff"))
    words = element(0x67C8, text(0x45A3, "WORDS"), element(0x4485, b"noai"))
    large = element(0x67C8, text(0x45A3, "COVER"), element(0x4485, b"\x89" * 400_000))
    found = area(tags(tag(picture, words, large)))
    assert fields(found) == [("WORDS", "noai")]
    assert found.notes == ()


def test_text_that_is_not_utf8_is_shown_and_noted_in_a_marker() -> None:
    latin = element(0x67C8, text(0x45A3, "ARTIST"), element(0x4487, b"S\xf8n"))
    assert fields(area(tags(tag(latin)))) == [("ARTIST", "S�n")]
    assert not area(tags(tag(latin))).notes
    marker = element(0x67C8, text(0x45A3, "NOAI"), element(0x4487, b"S\xf8n"))
    assert notes(area(tags(tag(marker)))) == {Code.TAG_UNREADABLE}


def test_other_text_is_read_where_a_statement_could_stand() -> None:
    chapters = element(
        0x1043A770,
        element(0x45B9, element(0xB6, uint(0x73C4, 1), element(0x80, text(0x85, "Dusk")))),
    )
    files = element(0x1941A469, element(0x61A7, text(0x467E, "what"), text(0x466E, "a.png")))
    data = matroska(info(text(0x7BA9, "title")), tracks(track(text(0x536E, "name"))), chapters, files)
    found = {(field.place, field.key): field.value for field in read(data).fields}
    assert found["Matroska Info", "TITLE"] == "title"
    assert found["Matroska Tracks", "NAME"] == "name"
    assert found["Matroska Chapters", "CHAPSTRING"] == "Dusk"
    assert found["Matroska Attachments", "FILEDESCRIPTION"] == "what"
    assert found["Matroska Attachments", "FILENAME"] == "a.png"


@pytest.mark.parametrize("media", ["application/c2pa", "APPLICATION/X-C2PA-MANIFEST-STORE"])
def test_an_attached_manifest_is_located(media: str) -> None:
    data = matroska(
        *PARTS, element(0x1941A469, element(0x61A7, text(0x4660, media), element(0x465C, b"jumb")))
    )
    source = BytesSource(data)
    (manifest,) = MKV.read_tags(source).manifests
    assert manifest.read(source) == b"jumb"


def test_attached_xmp_is_read_and_other_files_are_not() -> None:
    def attached(name: str, content: bytes) -> bytes:
        return element(0x61A7, text(0x466E, name), element(0x465C, content))

    files = attached("a.XMP", b"<x/>"), attached("a.png", b"<x/>"), attached("b.xmp", b"x" * 300_000)
    found = area(element(0x1941A469, *files))
    assert [packet.data for packet in found.xmp] == [b"<x/>"]
    assert notes(found) == {Code.LIMIT_EXCEEDED}


# -- what cannot be read is said ------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [
        tags(tag(simple_tag("A", "b")), b"\x81"),
        tags(tag(simple_tag("A", "b"), b"\x67\xc8\x9f")),
        tags(tag(simple_tag("A", "b")), element(0x4A4A)),
        tags(element(0xBF, bytes(4)), tag(simple_tag("A", "b"))),
        tags(tag(simple_tag("A", "b", element(0xD7, b"x")))),
        tags(tag(simple_tag("A", "b", b"\xff"))),
        tags(tag(simple_tag("A", "b"), simple_tag("C", "x" * 300_000))),
        tags(tag(simple_tag("A", "b"), simple_tag("n" * 2_000, "x"))),
        element(0x4A4A, b"x") + tags(tag(simple_tag("A", "b"))),
        element(0x7373) + tags(tag(simple_tag("A", "b"))),
        info(b"\xff\xff") + tags(tag(simple_tag("A", "b"))),
        element(0x114D9B74, b"\xff") + tags(tag(simple_tag("A", "b"))),
        element(0xEC, b"...\x45\xa3\x84noai") + tags(tag(simple_tag("A", "b"))),
        element(0xEC, b"..." + b"noai:AbCdEf") + tags(tag(simple_tag("A", "b"))),
    ],
    ids=range(14),
)
def test_damage_is_noted_and_the_rest_counts(part: bytes) -> None:
    found = area(part)
    assert ("A", "b") in fields(found)
    assert notes(found) == {Code.TAG_UNREADABLE}


@pytest.mark.parametrize(
    "data",
    [
        matroska(*PARTS)[:-1],
        matroska(*PARTS) + b"\x01",
        matroska(*PARTS) + void(4),
        matroska(*PARTS) + bytes(2_000_000),
        HEAD + void(9) + segment(*PARTS),
        HEAD,
        matroska(*PARTS, b"\x00" * 20),
        HEAD + open_element(0x18538067, info(), open_element(0x1654AE6B, track())),
        HEAD + segment(info(), tracks(), open_element(0x1F43B675, uint(0xE7, 0))),
    ],
    ids=range(9),
)
def test_a_file_that_players_read_differently_is_noted(data: bytes) -> None:
    expected = data != matroska(*PARTS) + void(4)
    assert bool(read(data).notes) is expected


def test_zeros_behind_the_end_are_padding() -> None:
    assert read(matroska(*PARTS) + bytes(5_000)).notes == ()


def test_deep_nesting_is_a_limit() -> None:
    inner = simple_tag("A", "b")
    for _ in range(20):
        inner = simple_tag("A", "b", inner)
    found = area(tags(tag(simple_tag("NOAI", "1"))), tags(tag(inner)))
    assert ("NOAI", "1") in fields(found)
    assert notes(found) == {Code.LIMIT_EXCEEDED}


def test_many_tags_are_a_limit() -> None:
    found = area(tags(tag(*[simple_tag("A", "b")] * 2_100)))
    assert notes(found) == {Code.LIMIT_EXCEEDED}
    assert len(fields(found)) > 1_000


# -- inventory ------------------------------------------------------------------------------


def inventory(data: bytes, edit: TagEdit | None = None) -> dict[str, int]:
    return dict(MKV.inventory(BytesSource(data), edit or TagEdit(markers=())))


ARTIST = simple_tag("ARTIST", "a", simple_tag("URL", "u"))
BASE = matroska(*PARTS, tags(tag(ARTIST)))


@pytest.mark.parametrize(
    "other",
    [
        matroska(*PARTS),
        matroska(*PARTS, tags(tag(simple_tag("ARTIST", "b", simple_tag("URL", "u"))))),
        matroska(*PARTS, tags(tag(simple_tag("ARTIST", "a", simple_tag("URL", "v"))))),
        matroska(*PARTS, tags(tag(simple_tag("ARTIST", "a"), simple_tag("URL", "u")))),
        matroska(*PARTS, tags(tag(ARTIST, targets=uint(0x63C5, 1)))),
        matroska(*PARTS, tags(tag(simple_tag("ARTIST", "a", text(0x447A, "fra"), simple_tag("URL", "u"))))),
        matroska(info(text(0x7BA9, "t")), *PARTS[1:], tags(tag(ARTIST))),
        matroska(info(), tracks(track(text(0x536E, "n"))), *PARTS[2:], tags(tag(ARTIST))),
        matroska(*PARTS[:-1], tags(tag(ARTIST))),
        matroska(*PARTS, element(0x4A4A, b"x"), tags(tag(ARTIST))),
    ],
    ids=range(10),
)
def test_every_loss_and_change_shows_in_the_inventory(other: bytes) -> None:
    assert inventory(other) != inventory(BASE)


def test_the_inventory_leaves_out_what_noai_writes_and_free_space() -> None:
    statement = "noai:AbCdEfGhIjKlMnOpQrStUv No AI training without permission."
    edit = TagEdit(markers=(), lifted_statements=(statement,))
    with_ours = matroska(
        *PARTS,
        void(100),
        tags(
            tag(
                simple_tag("NOAI", "token"),
                simple_tag("COPYRIGHT", statement),
                simple_tag("COMMENT", f"me | {statement}"),
            )
        ),
    )
    without = matroska(*PARTS, tags(tag(simple_tag("COMMENT", "me"))))
    assert inventory(with_ours, edit) == inventory(without, edit)


def test_the_inventory_names_index_entries_by_cluster() -> None:
    def indexed(position: int) -> bytes:
        entry = element(0xBB, uint(0xB3, 0), element(0xB7, uint(0xF7, 1), uint(0xF1, position)))
        return matroska(*PARTS, element(0x1C53BB6B, entry))

    first = len(info()) + len(tracks())
    assert inventory(indexed(first)) != inventory(indexed(first + len(clusters(1)[0])))
    assert inventory(indexed(first)) != inventory(indexed(first + 1))


def test_damaged_tags_have_no_inventory() -> None:
    with pytest.raises(ContainerMalformed):
        inventory(matroska(*PARTS, tags(b"\xff")))
    with pytest.raises(ContainerMalformed):
        inventory(matroska(*PARTS)[:-3])


# -- anything -------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        bytes.fromhex("1254c367"),
        bytes.fromhex("1f43b675"),
        bytes.fromhex("114d9b74"),
        bytes.fromhex("1549a966"),
        bytes.fromhex("1654ae6b"),
        bytes.fromhex("18538067"),
        bytes.fromhex("01ffffffffffffff"),
        b"\xff",
        b"\x00",
        b"\xec\x80",
        b"\x67\xc8",
        b"\xa3\x85",
        b"\xa0\x8f",
        b"\xbf\x84",
        simple_tag("NOAI", "x"),
        cluster(0),
    ]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 900), st.integers(0, 9), PIECES | st.binary(max_size=6)), max_size=4
    )
)
def test_damaged_files_raise_only_typed_errors(changes: list[tuple[int, int, bytes]]) -> None:
    data = matroska(tags(tag(simple_tag("COPYRIGHT", "c"))), *PARTS)
    for at, gone, piece in changes:
        data = data[:at] + piece + data[at + gone :]
    source = BytesSource(data)
    MKV.detect(source)
    for action in (
        lambda: MKV.read_tags(source),
        lambda: MKV.read_essence(source),
        lambda: MKV.inventory(source, TagEdit(markers=())),
    ):
        try:
            action()
        except ContainerError:
            continue
