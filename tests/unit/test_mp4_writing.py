"""Writing into MP4: what changes, what never does, and when it is refused."""

from __future__ import annotations

import io
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import mutagen.mp4
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noai.containers._mp4_uuid import C2PA_UUID, XMP_UUID
from noai.containers.interface import FieldRole, TagArea, TagEdit
from noai.containers.mp4 import Mp4
from noai.errors import (
    ContainerMalformed,
    ContainerReadOnly,
    EssenceUnbindable,
    XmpUnwritable,
)
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, exif, ffmpeg
from tests.contract.edits import (
    DATA_MINING,
    LIFT,
    MARK,
    MARKER,
    OTHER_DATA_MINING,
    OTHER_STATEMENT,
    REPLACE,
    STATEMENT,
)
from tests.manifests import NO_AI, resigned
from tests.manifests import marked as signed_file
from tests.unit.mp4_files import (
    FTYP,
    VIDEO,
    Track,
    box,
    data,
    freeform,
    full,
    hdlr,
    item,
    keyed,
    meta,
    movie,
    string,
    u32,
    u64,
    with_offsets,
)

MP4 = Mp4()
#: Takes out what REPLACE wrote.
UNMARK = TagEdit((), lifted_statements=(OTHER_STATEMENT,), lifted_data_mining=OTHER_DATA_MINING)
NOTHING = TagEdit(markers=())
WIDE = Track(sizes=tuple(range(100, 160)), per_chunk=7, wide=True)


def read(content: bytes) -> TagArea:
    return MP4.read_tags(BytesSource(content))


def written(content: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(content)
    MP4.write_tags(file, edit)
    return file.getvalue()


def said(content: bytes, role: FieldRole) -> list[str]:
    return [field.value for field in read(content).fields if field.role is role]


def inventory(content: bytes, edit: TagEdit = NOTHING) -> Counter[str]:
    return MP4.inventory(BytesSource(content), edit)


def edited(content: bytes, edit: TagEdit = MARK) -> bytes:
    """``content`` with ``edit``, after everything that a marking checks."""
    changed = written(content, edit)
    assert MP4.read_essence(BytesSource(changed)) == MP4.read_essence(BytesSource(content))
    assert inventory(changed, edit) == inventory(content, edit)
    return changed


PACKET = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
    b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    b"<rdf:Description xmlns:dc='http://purl.org/dc/elements/1.1/' dc:source='somebody'/>"
    b"</rdf:RDF></x:xmpmeta>"
)
XMP = box(b"uuid", XMP_UUID + PACKET)


# -- layouts --------------------------------------------------------------------------------------

TAGS = meta(item(b"\xa9nam", "title"), box(b"covr", data(bytes(5_000), 13)), item(b"\xa9cmt", "mine"))
PADDED = box(b"meta", TAGS[8:] + box(b"free", bytes(500)))
FREE = box(b"free", bytes(99))
WIDE_UDTA = u32(1) + b"udta" + u64(16 + len(meta())) + meta()
ENDLESS = movie(Track())
ENDLESS = ENDLESS.replace(u32(len(ENDLESS) - ENDLESS.index(b"moov") + 4) + b"moov", u32(0) + b"moov")

LAYOUTS = {
    "movie last": movie(Track(), udta=TAGS),
    "movie first": movie(Track(), udta=TAGS, first=True),
    "movie first, 64-bit offsets": movie(WIDE, VIDEO, udta=TAGS, first=True),
    "room behind the movie": movie(Track(), udta=TAGS, first=True, between=box(b"free", bytes(9_000))),
    "little room behind the movie": movie(Track(), first=True, between=box(b"free", bytes(50))),
    "two free boxes": movie(Track(), first=True, between=FREE + box(b"skip", bytes(9_000))),
    "movie between": movie(Track(), udta=TAGS, after=FREE + box(b"mdat", bytes(70))),
    "no user data": movie(Track()),
    "empty user data": movie(Track(), inner=box(b"udta", b"")),
    "user data without meta": movie(Track(), udta=box(b"chpl", bytes(9)) + bytes(4)),
    "meta without list": movie(Track(), udta=box(b"meta", bytes(4) + hdlr())),
    "meta with nothing but zeros": movie(Track(), udta=box(b"meta", bytes(40))),
    "user data with nothing but zeros": movie(Track(), inner=box(b"udta", bytes(12))),
    "meta of another handler": movie(Track(), udta=box(b"meta", bytes(4) + hdlr(b"ID33"))),
    "QuickTime meta": movie(Track(), udta=box(b"meta", hdlr() + box(b"ilst", b""))),
    "padding in meta": movie(Track(), udta=PADDED, first=True),
    "to the end": ENDLESS,
    "mdat to the end": movie(Track(), first=True, mdat_head=u32(0) + b"mdat"),
    "zeros at the end": movie(Track(), first=True) + bytes(5),
    "sizes of 64 bits": movie(Track(), inner=WIDE_UDTA),
    "a manifest first": movie(Track(), first=True, before=box(b"uuid", C2PA_UUID + bytes(60))),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_marked_replaced_and_lifted(layout: str) -> None:
    content = LAYOUTS[layout]
    marked = edited(content, MARK)
    assert said(marked, FieldRole.MARKER) == [MARKER]
    assert [DATA_MINING.encode() in packet.data for packet in read(marked).xmp] == [True]
    replaced = edited(marked, REPLACE)
    assert said(replaced, FieldRole.MARKER) == list(REPLACE.markers)
    lifted = edited(replaced, UNMARK)
    assert (said(lifted, FieldRole.MARKER), read(lifted).xmp) == ([], ())
    assert inventory(lifted) == inventory(content)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_marking_twice_changes_no_byte(layout: str) -> None:
    once = written(LAYOUTS[layout], MARK)
    assert written(once, MARK) == once


def test_samples_keep_their_bytes_wherever_they_move() -> None:
    for content in LAYOUTS.values():
        marked = written(content, MARK)
        payload = b"".join((WIDE if b"co64" in content else Track()).samples)
        assert payload in content
        assert payload in marked


def test_padding_behind_the_movie_is_used_before_anything_moves() -> None:
    content = movie(Track(), first=True, between=box(b"free", bytes(9_000)))
    marked = written(content, TagEdit(markers=(MARKER,)))
    assert len(marked) == len(content)
    assert marked.index(b"mdat") == content.index(b"mdat")


def test_the_marker_stands_in_front_of_pictures() -> None:
    marked = edited(LAYOUTS["movie last"])
    assert marked.index(b"NOAI") < marked.index(b"covr")


def test_only_the_tag_area_changes() -> None:
    content = LAYOUTS["movie last"]
    marked = written(content, TagEdit(markers=(MARKER,)))
    at = content.index(b"ilst") + 4
    grown = len(marked) - len(content)
    assert marked[at + grown :] == content[at:]
    heads = [content.index(kind) - 4 for kind in (b"moov", b"udta", b"meta", b"ilst")]
    sizes = {head + byte for head in heads for byte in range(4)}
    assert {place for place in range(at) if marked[place] != content[place]} <= sizes


# -- fields ---------------------------------------------------------------------------------------


def test_several_markers_are_values_of_one_item() -> None:
    marked = edited(movie(), TagEdit(markers=("a", "b")))
    assert said(marked, FieldRole.MARKER) == ["a", "b"]
    assert mutagen.mp4.MP4(io.BytesIO(marked)).tags["----:com.apple.iTunes:NOAI"] == [b"a", b"b"]


@pytest.mark.parametrize(
    "udta",
    [
        meta(freeform("noai", data(b"old"), mean="org.example"), freeform("NOAI", data(b"older", 0))),
        keyed([("title", "t"), ("noai", "old"), ("com.apple.iTunes.NOAI", "older")]),
        meta(item(b"\xa9nam", "t")) + meta(freeform("NOAI", data(b"old"))),
    ],
)
def test_markers_in_every_place_are_replaced(udta: bytes) -> None:
    content = movie(Track(in_trak=box(b"udta", meta(freeform("Noai", data(b"oldest"))))), udta=udta)
    assert said(edited(content), FieldRole.MARKER) == [MARKER]
    assert said(edited(content, NOTHING), FieldRole.MARKER) == []


@pytest.mark.parametrize(
    ("udta", "comments", "copyrights"),
    [
        (meta(item(b"\xa9cmt", "c"), item(b"cprt", "r")), ["c+"], ["r+"]),
        (meta(item(b"\xa9cmt", "c", "d")), ["c+", "d"], ["+"]),
        (meta(item(b"\xa9cmt", "c"), item(b"\xa9cmt", "d")), ["c+", "d"], ["+"]),
        (meta(item(b"\xa9cmt", "")), ["+"], ["+"]),
        (meta(item(b"desc", "c"), item(b"\xa9cpy", "r")), ["+", "c"], ["+", "r"]),
        (keyed([("comment", "c"), ("copyright", "r")]), ["c+"], ["r+"]),
        (keyed([("com.apple.quicktime.comment", "c")]), ["c+"], ["+"]),
        (string(b"\xa9cmt", (b"c", 0), (b"d", 1)) + string(b"\xa9cpy", (b"r", 0x55C4)), ["c+", "d"], ["r+"]),
        (full(b"cprt", b"\x55\xc4r\x00"), ["+"], ["r+"]),
        (full(b"cprt", b"\x55\xc4\xfe\xff\x00r"), ["+"], ["r+"]),
        (meta(box(b"\xa9cmt", data("ü".encode("utf-16-be"), 2))), ["ü+"], ["+"]),
        (meta(box(b"\xa9cmt", data(b"c", 21) + data(b"\x00\x07", 21))), ["99+", "7"], ["+"]),
    ],
)
def test_the_statement_goes_where_players_look(
    udta: bytes, comments: list[str], copyrights: list[str]
) -> None:
    def expected(texts: list[str], statement: str) -> list[str]:
        return [text.replace("+", f" | {statement}" if len(text) > 1 else statement) for text in texts]

    content = movie(udta=udta)
    marked = edited(content)
    assert said(marked, FieldRole.COMMENT) == expected(comments, STATEMENT)
    assert said(marked, FieldRole.COPYRIGHT) == expected(copyrights, STATEMENT)
    replaced = edited(marked, REPLACE)
    assert said(replaced, FieldRole.COMMENT) == expected(comments, OTHER_STATEMENT)
    assert said(replaced, FieldRole.COPYRIGHT) == expected(copyrights, OTHER_STATEMENT)
    assert inventory(edited(replaced, UNMARK), UNMARK) == inventory(content, UNMARK)


def test_statements_are_lifted_from_every_text_field() -> None:
    udta = meta(item(b"desc", f"d | {STATEMENT}"), item(b"ldes", STATEMENT), item(b"\xa9nam", STATEMENT))
    udta += string(b"\xa9des", (f"e | {STATEMENT}".encode(), 0)) + string(b"\xa9inf", (STATEMENT.encode(), 0))
    lifted = edited(movie(udta=udta), LIFT)
    assert [field.value for field in read(lifted).fields] == ["d", STATEMENT, "e"]


def test_a_string_without_room_is_refused() -> None:
    content = movie(udta=string(b"\xa9cmt", (b"x" * 0xFFF0, 0)))
    with pytest.raises(ContainerReadOnly):
        written(content, MARK)


def test_other_atoms_stay_byte_for_byte() -> None:
    odd = [
        box(b"covr", data(b"\x89PNG", 14) + box(b"name", b"\x00\x00\x00\x00a") + data(b"\xff\xd8", 13)),
        freeform("Encoding Params", data(b"vers\x00\x01", 0)),
        freeform("MOOD", data(b"a"), data(b"b")),
        freeform("MOOD", data(b"c")),
        box(b"xid ", data(b"x")),
        box(b"\xa9nam", b""),
        box(b"free", bytes(9)),
    ]
    marked = edited(movie(udta=meta(*odd) + box(b"chpl", bytes(30)) + box(b"name", b"track")))
    assert b"".join(odd) in marked


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (item(b"\xa9nam", "a"), item(b"\xa9nam", "b")),
        (item(b"\xa9nam", "a"), b""),
        (item(b"\xa9cmt", "a"), item(b"\xa9cmt", "ab")),
        (box(b"covr", data(b"a", 13)), box(b"covr", data(b"b", 13))),
        (box(b"covr", data(b"a", 13)), box(b"covr", data(b"a", 14))),
        (freeform("X", data(b"a")), freeform("X", data(b"a"), mean="other")),
        (freeform("X", data(b"a"), data(b"b")), freeform("X", data(b"a"))),
        (box(b"covr", box(b"name", b"a")), box(b"covr", box(b"name", b"b"))),
    ],
)
def test_the_inventory_sees_every_change(before: bytes, after: bytes) -> None:
    assert inventory(movie(udta=meta(before))) != inventory(movie(udta=meta(after)))


def test_the_inventory_sees_changes_outside_the_list() -> None:
    plain = movie(Track(), VIDEO)
    for other in (
        movie(Track(), VIDEO, udta=box(b"chpl", b"a")),
        movie(Track(), replace(VIDEO, seed=4)),
        movie(Track(edits=((1000, 0, 0x10000),)), VIDEO),
        movie(Track(in_trak=box(b"tref", box(b"chap", u32(9)))), VIDEO),
        movie(Track(), VIDEO, after=box(b"uuid", bytes(20))),
        movie(Track(), VIDEO, after=XMP),
        movie(Track(), VIDEO, before=box(b"pdin", bytes(8))),
        movie(Track(), VIDEO, inner=box(b"iods", bytes(8))),
    ):
        assert inventory(other) != inventory(plain)


# -- XMP ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", XMP), (XMP, b""), (XMP, box(b"free", b"")), (XMP, box(b"uuid", bytes(20))), (XMP, XMP)],
)
def test_xmp_that_stands_there_is_extended(before: bytes, after: bytes, first: bool) -> None:
    content = movie(Track(), first=first, before=before, after=after)
    had = len(read(content).xmp)
    now = content
    for edit, value in ((MARK, DATA_MINING), (REPLACE, OTHER_DATA_MINING)):
        now = edited(now, edit)
        packets = [packet.data for packet in read(now).xmp]
        assert len(packets) == had
        assert sum(f'"{value}"'.encode() in packet for packet in packets) == 1
        assert all(b"somebody" in packet for packet in packets)
    lifted = edited(now, UNMARK)
    assert inventory(lifted) == inventory(content)
    assert b"DMI-" not in lifted


def test_a_freed_packet_leaves_nothing_behind() -> None:
    marked = written(movie(before=XMP, first=True), MARK)
    assert marked.count(b"somebody") == 1


def test_xmp_in_the_movie_is_left_alone() -> None:
    content = movie(udta=box(b"XMP_", PACKET), inner=XMP)
    marked = edited(content)
    assert [packet.data for packet in read(marked).xmp][:2] == [packet.data for packet in read(content).xmp]


def test_a_packet_that_cannot_be_extended_is_refused() -> None:
    with pytest.raises(XmpUnwritable):
        written(movie(after=box(b"uuid", XMP_UUID + b"<not xml")), MARK)


# -- refusals -------------------------------------------------------------------------------------

REFUSED = {
    "two movies": (movie() + movie()[len(FTYP) :], EssenceUnbindable),
    "a misplaced table": (movie(udta=box(b"stco", bytes(8))), EssenceUnbindable),
    "item locations": (
        movie(after=box(b"meta", bytes(4) + hdlr() + box(b"iloc", bytes(8)))), ContainerReadOnly,
    ),
    "encryption offsets": (movie(Track(in_stbl=box(b"saio", bytes(8))), first=True), ContainerReadOnly),
    "samples in the movie": (
        movie(with_offsets(Track(sizes=(8,)), len(FTYP) + 20), first=True), EssenceUnbindable,
    ),
    "a damaged tag area": (movie(udta=meta(box(b"\xa9nam", b"\x00\x00\x00\x99data"))), ContainerMalformed),
    "a marker in a box of unknown kind": (
        movie(after=box(b"uuid", bytes(16) + freeform("NOAI", data(b"x")))), ContainerReadOnly,
    ),
    "no movie": (FTYP, ContainerMalformed),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_safely_is_refused(case: str) -> None:
    content, error = REFUSED[case]
    file = io.BytesIO(content)
    with pytest.raises(error):
        MP4.write_tags(file, MARK)
    assert file.getvalue() == content


def test_offsets_that_would_no_longer_fit_are_refused(tmp_path: Path) -> None:
    """A sparse file of almost 4 GiB; nothing is moved before the offsets are known to fit."""
    path = tmp_path / "large.m4a"
    last = 0xFFFF_FF00
    content = movie(with_offsets(Track(sizes=(8,)), last), first=True)
    start = content.index(b"mdat") - 4
    with path.open("w+b") as file:
        file.write(content[:start] + u32(last + 8 - start) + b"mdat")
        file.truncate(last + 8)
        with pytest.raises(ContainerReadOnly):
            MP4.write_tags(file, MARK)
        file.seek(0)
        assert file.read(start) == content[:start]


pieces = st.sampled_from(
    [
        item(b"\xa9cmt", "a"),
        item(b"cprt", f"b | {STATEMENT}"),
        item(b"desc", STATEMENT, "c"),
        item(b"\xa9nam", "title"),
        freeform("noai", data(b"1"), data(b"2")),
        freeform("MOOD", data(b"blue")),
        box(b"covr", data(bytes(40), 13)),
        box(b"free", bytes(12)),
    ]
)
areas = st.lists(
    st.one_of(
        st.lists(pieces, max_size=5).map(lambda items: meta(*items)),
        st.just(keyed([("comment", "k"), ("noai", "x"), ("mood", "blue")])),
        st.just(string(b"\xa9cmt", (b"s", 0), (STATEMENT.encode(), 0))),
        st.just(full(b"cprt", b"\x55\xc4g\x00")),
        st.just(box(b"chpl", bytes(20))),
    ),
    max_size=3,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    udta=areas,
    first=st.booleans(),
    between=st.one_of(st.just(b""), st.integers(0, 6_000).map(lambda size: box(b"free", bytes(size)))),
    xmp=st.sampled_from([b"", XMP]),
    edits=st.lists(st.sampled_from([MARK, REPLACE, LIFT, NOTHING]), min_size=1, max_size=3),
)
def test_any_tag_area_survives_any_edits(
    udta: list[bytes], first: bool, between: bytes, xmp: bytes, edits: list[TagEdit]
) -> None:
    content = movie(Track(), VIDEO, udta=b"".join(udta), first=first, between=between, before=xmp)
    for edit in edits:
        content = edited(content, edit)
        assert said(content, FieldRole.MARKER) == list(edit.markers)
        texts = said(content, FieldRole.COPYRIGHT) + said(content, FieldRole.COMMENT)
        for lifted in edit.lifted_statements:
            assert not any(lifted in text for text in texts)


# -- with the C2PA library, and real files ----------------------------------------------------------


@pytest.mark.parametrize("variant", ["cover", "chapters", "faststart", "mdta", "freeform"])
def test_a_manifest_on_top_changes_nothing_else(studio: Studio, variant: str) -> None:
    path = studio.encoded("mp4", variant)
    content = path.read_bytes()
    signed = signed_file(path)
    for edit in (MARK, REPLACE):
        signed = resigned(edited(signed, edit), "audio/mp4", NO_AI)
        assert MP4.read_essence(BytesSource(signed)) == MP4.read_essence(BytesSource(content))
        (store,) = read(signed).manifests
        data = store.read(BytesSource(signed))
        assert data[4:8] == b"jumb"
        assert int.from_bytes(data[:4], "big") == store.length
    assert inventory(signed, REPLACE) == inventory(content, REPLACE)


@pytest.mark.parametrize("name", ["x.mov", "x.mp4", "x.3gp", "x.m4b"])
def test_other_brands_play_as_before(studio: Studio, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    tags = ("-metadata", "comment=mine", "-metadata", "copyright=me")
    video = (
        () if name in ("x.3gp", "x.m4b") else ("-f", "lavfi", "-i", "testsrc=s=64x64:d=2", "-c:v", "mpeg4")
    )
    ffmpeg("-i", studio.materials.clip, *video, "-c:a", "aac", *tags, "-movflags", "+faststart", path)
    played, before = decoded_md5(path), path.read_bytes()
    path.write_bytes(edited(before))
    assert decoded_md5(path) == played
    shown = exif(path)
    assert shown["XMP-plus:DataMining"] == DATA_MINING
    assert MARKER in shown.values()
    if name != "x.3gp":
        assert f"mine | {STATEMENT}" in shown.values()


def test_large_files_are_written_in_bounded_memory() -> None:
    """Media data is moved in blocks, from its end, so that nothing is overwritten before it is copied."""
    chance = random.Random(5)
    samples = tuple(chance.randrange(50_000, 90_000) for _ in range(60))
    content = movie(Track(sizes=samples, per_chunk=3), first=True)
    assert len(content) > 4_000_000
    edited(content)
