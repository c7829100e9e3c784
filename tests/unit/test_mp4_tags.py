"""Reading the tag area of MP4: every place, every form, and every limit."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers._mp4_uuid import C2PA_UUID, XMP_UUID
from noai.containers.interface import ContainerName, FieldRole, TagArea, TagEdit
from noai.containers.mp4 import Mp4
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import BOX_DEPTH, BOXES, MANIFESTS_PER_FILE, TAG_ITEMS, TAG_VALUE_BYTES, XMP_BYTES
from noai.planning import examine
from noai.sidecars import Sidecars
from noai.sources import BytesSource
from tests.signers import NOW, signer
from tests.unit.mp4_files import (
    FTYP,
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
)

MP4 = Mp4()


def read(content: bytes) -> TagArea:
    return MP4.read_tags(BytesSource(content))


def said(content: bytes, role: FieldRole) -> list[str]:
    return [field.value for field in read(content).fields if field.role is role]


def tagged(*items: bytes) -> bytes:
    return movie(udta=meta(*items))


# -- detection --------------------------------------------------------------------------------


@pytest.mark.parametrize("brand", [b"M4A ", b"M4B ", b"mp42", b"isom", b"qt  ", b"3gp4", b"dash", b"abcd"])
def test_any_brand_of_moving_media_is_recognised(brand: bytes) -> None:
    assert MP4.detect(BytesSource(box(b"ftyp", brand + bytes(4)))) == ContainerName("mp4")


@pytest.mark.parametrize("kind", [b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"])
def test_old_quicktime_without_ftyp_is_recognised(kind: bytes) -> None:
    assert MP4.detect(BytesSource(box(kind, b"") + movie())) == ContainerName("mp4")
    assert MP4.detect(BytesSource(u32(1) + kind + u64(24) + bytes(8))) == ContainerName("mp4")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"moov",
        b"The free encyclopedia that anyone can edit",
        b"\x00\x00\x00\x07free\x00\x00\x00\x00",
        box(b"ftyp", b"heic" + bytes(4)),
        box(b"ftyp", b"avif" + bytes(4)),
        box(b"JXL ", bytes(4)),
    ],
)
def test_other_content_is_not_recognised(content: bytes) -> None:
    assert MP4.detect(BytesSource(content)) is None


# -- where statements can stand -----------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        tagged(freeform("NOAI", data(b"x"))),
        tagged(freeform("noai", data(b"x"))),
        tagged(freeform("NoAi", data(b"x"), mean="org.example")),
        tagged(item(b"NOAI", "x")),
        movie(udta=keyed([("title", "t"), ("NOAI", "x")])),
        movie(udta=keyed([("com.apple.iTunes.NOAI", "x")])),
        movie(udta=keyed([("org.example.noai", "x")])),
        movie(inner=keyed([("noai", "x")])),
        movie(Track(in_trak=box(b"udta", meta(freeform("NOAI", data(b"x")))))),
        movie(Track(in_trak=keyed([("NOAI", "x")]))),
        movie(Track(in_mdia=box(b"udta", meta(freeform("NOAI", data(b"x")))))),
        movie(after=box(b"udta", meta(freeform("NOAI", data(b"x"))))),
        movie(after=meta(freeform("NOAI", data(b"x")))),
        movie(udta=meta() + meta(freeform("NOAI", data(b"x")))),
        movie(inner=box(b"udta", b"") + box(b"udta", meta(freeform("NOAI", data(b"x"))))),
        movie(after=movie(udta=meta(freeform("NOAI", data(b"x"))))),
        movie(udta=box(b"meta", hdlr() + box(b"ilst", freeform("NOAI", data(b"x"))))),
        movie(udta=box(b"meta", bytes(4) + box(b"ilst", freeform("NOAI", data(b"x"))))),
        movie(udta=meta(freeform("NOAI", data(b"x"))) + bytes(4)),
        movie(Track(in_stbl=box(b"udta", meta(freeform("NOAI", data(b"x")))))),
        movie(Track(in_stbl=meta(freeform("NOAI", data(b"x"))))),
        movie(after=box(b"moof", box(b"udta", meta(freeform("NOAI", data(b"x")))))),
        movie(after=box(b"moof", box(b"traf", box(b"udta", meta(freeform("NOAI", data(b"x"))))))),
        movie(after=box(b"moof", meta(freeform("NOAI", data(b"x"))))),
        movie(udta=box(b"ilst", freeform("NOAI", data(b"x")))),
        movie(udta=freeform("NOAI", data(b"x"))),
        movie(udta=box(b"udta", meta(freeform("NOAI", data(b"x"))))),
        movie(inner=box(b"ilst", freeform("NOAI", data(b"x")))),
        movie(udta=keyed([("NOAI\0", "x")])),
    ],
)
def test_a_marker_is_found_wherever_it_stands(content: bytes) -> None:
    assert said(content, FieldRole.MARKER) == ["x"]


def test_duplicates_are_kept_in_file_order() -> None:
    content = tagged(
        freeform("NOAI", data(b"1"), data(b"2")),
        item(b"\xa9nam", "title"),
        freeform("noai", data(b"3")),
        freeform("NOAI", data(b"1")),
    )
    assert said(content, FieldRole.MARKER) == ["1", "2", "3", "1"]


def test_several_lists_are_all_read_and_noted() -> None:
    content = movie(udta=meta(item(b"cprt", "a")) + meta(item(b"cprt", "b")))
    assert said(content, FieldRole.COPYRIGHT) == ["a", "b"]
    assert [note.code for note in read(content).notes] == [Code.TAG_DUPLICATE]


@pytest.mark.parametrize(
    ("udta", "role"),
    [
        (meta(item(b"cprt", "said")), FieldRole.COPYRIGHT),
        (meta(item(b"\xa9cpy", "said")), FieldRole.COPYRIGHT),
        (meta(item(b"\xa9cmt", "said")), FieldRole.COMMENT),
        (meta(item(b"desc", "said")), FieldRole.COMMENT),
        (meta(item(b"ldes", "said")), FieldRole.COMMENT),
        (meta(freeform("Copyright", data(b"said"))), FieldRole.COPYRIGHT),
        (keyed([("copyright", "said")]), FieldRole.COPYRIGHT),
        (keyed([("com.apple.quicktime.copyright", "said")]), FieldRole.COPYRIGHT),
        (keyed([("com.apple.quicktime.comment", "said")]), FieldRole.COMMENT),
        (keyed([("Description", "said")]), FieldRole.COMMENT),
        (string(b"\xa9cpy", (b"said", 0x55C4)), FieldRole.COPYRIGHT),
        (string(b"\xa9cmt", (b"said", 0)), FieldRole.COMMENT),
        (string(b"\xa9inf", (b"said", 0)), FieldRole.COMMENT),
        (full(b"cprt", b"\x55\xc4said\x00"), FieldRole.COPYRIGHT),
        (full(b"cprt", b"\x55\xc4\xfe\xff" + "said\x00".encode("utf-16-be")), FieldRole.COPYRIGHT),
        (full(b"dscp", b"\x55\xc4said"), FieldRole.COMMENT),
        (meta(item(b"\xa9nam", "said")), FieldRole.OTHER),
        (keyed([("copyrights", "said")]), FieldRole.OTHER),
    ],
)
def test_copyright_and_comment_in_every_dialect(udta: bytes, role: FieldRole) -> None:
    (found,) = read(movie(udta=udta)).fields
    assert (found.value, found.role, found.key) == ("said", role, found.key.upper())


def test_every_language_of_a_quicktime_string_is_read() -> None:
    strings = string(b"\xa9cmt", (b"english", 0), ("für".encode("mac_roman"), 2), ("né".encode(), 0x1A2B))
    assert said(movie(udta=strings), FieldRole.COMMENT) == ["english", "für", "né"]


def test_a_quicktime_string_longer_than_its_atom_is_read_as_players_do() -> None:
    assert said(movie(udta=box(b"\xa9cmt", b"\xff\xff\x00\x00noai: cut")), FieldRole.COMMENT) == ["noai: cut"]


# -- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "kind", "text"),
    [
        ("ä".encode(), 1, "ä"),
        ("ä".encode(), 4, "ä"),
        ("ä".encode(), 0, "ä"),
        ("ä".encode("utf-16-be"), 2, "ä"),
        (b"\xd8\x00", 2, "\ufffd"),
        (b"caf\xe9", 1, "café"),
        (b"\x01", 21, "1"),
        (b"\xff\xff", 21, "-1"),
        (b"\xff\xff", 22, "65535"),
        (b"\x89PNG\x00", 14, "\x89PNG\x00"),
        (b"", 1, ""),
    ],
)
def test_a_marker_has_a_text_whatever_its_type(payload: bytes, kind: int, text: str) -> None:
    assert said(tagged(freeform("NOAI", data(payload, kind))), FieldRole.MARKER) == [text]


@pytest.mark.parametrize("kind", [0, 3, 6, 13, 21, 65, 99, 0x01000001])
@pytest.mark.parametrize("payload", [b"\x00\x01\x00\x0c", b"text\x00", b"", b"\x00" + b"\xff" * 400_000])
def test_a_named_item_is_a_field_whatever_its_value_is(payload: bytes, kind: int) -> None:
    """Its name alone may be an opt-out, and mutagen shows it whatever its value and type are."""
    for udta in (meta(freeform("x", data(payload, kind))), with_value(keyed([("x", "")]), payload, kind)):
        area = read(movie(udta=udta))
        assert ([field.key for field in area.fields], area.notes) == (["X"], ())


def with_value(keyed: bytes, payload: bytes, kind: int) -> bytes:
    """``keyed``, a ``meta`` box with one item, with another value in that item."""
    at = keyed.index(b"ilst") - 4
    return box(b"meta", keyed[8:at] + box(b"ilst", box(u32(1), data(payload, kind))))


def test_a_named_item_without_value_is_a_field() -> None:
    for items, key in (
        ([freeform("NO_AI_TRAINING")], "NO_AI_TRAINING"),
        ([freeform("NOAI")], "NOAI"),
        ([box(b"NOAI", b"")], "NOAI"),
    ):
        (field,) = read(tagged(*items)).fields
        assert (field.key, field.value) == (key, "")
    (field,) = read(movie(udta=meta(box(u32(1), b""), before=full(b"keys", u32(1, 9) + b"mdtax")))).fields
    assert (field.key, field.value) == ("X", "")


def test_binary_values_of_plain_items_are_no_fields() -> None:
    area = read(tagged(box(b"trkn", data(bytes(8), 0)), box(b"tmpo", data(b"x", 99)), box(b"trkn", b"")))
    assert area == TagArea()


def test_a_freeform_item_with_two_names_is_noted() -> None:
    named = freeform("x", data(b"1"))
    item = box(b"----", named[8:] + full(b"name", b"NOAI"))
    assert [note.code for note in read(tagged(item)).notes] == [Code.TAG_UNREADABLE]


class Recording(BytesSource):
    """Knows which bytes were read."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.total = 0

    def read_at(self, offset: int, length: int) -> bytes:
        self.total += length
        return super().read_at(offset, length)


@pytest.mark.parametrize("kind", [0, 1, 13, 14])
def test_pictures_are_skipped(kind: int) -> None:
    picture = box(b"covr", data(bytes(2_000_000), kind))
    source = Recording(tagged(item(b"cprt", "a"), picture, freeform("NOAI", data(b"x"))))
    area = MP4.read_tags(source)
    assert [field.value for field in area.fields] == ["a", "x"]
    assert source.total < 64_000


# -- XMP and C2PA -------------------------------------------------------------------------------


def test_xmp_is_found_in_its_three_places() -> None:
    inner = box(b"uuid", XMP_UUID + b"<movie/>")
    content = movie(inner=inner, udta=box(b"XMP_", b"<udta/>"), after=box(b"uuid", XMP_UUID + b"<file/>"))
    assert [packet.data for packet in read(content).xmp] == [b"<movie/>", b"<udta/>", b"<file/>"]


def test_xmp_and_manifests_in_a_fragment_are_found() -> None:
    inner = box(b"uuid", XMP_UUID + b"<moof/>") + box(b"traf", box(b"uuid", C2PA_UUID + bytes(40)))
    area = read(movie(after=box(b"moof", inner)))
    assert ([packet.data for packet in area.xmp], len(area.manifests)) == ([b"<moof/>"], 1)


def test_fragments_have_a_limit_of_their_own() -> None:
    fragment = box(b"moof", full(b"mfhd", bytes(4)) + box(b"traf", box(b"tfhd", b"") + box(b"trun", b"")))
    content = movie(udta=meta(freeform("NOAI", data(b"x"))), after=fragment * (BOXES // 2))
    area = read(content)
    assert [field.value for field in area.fields] == ["x"]
    assert area.notes == ()


def test_two_lists_of_keys_are_noted() -> None:
    keys = full(b"keys", u32(1, 12) + b"mdtaNOAI") + full(b"keys", u32(1, 13) + b"mdtaalbum")
    area = read(movie(udta=meta(box(u32(1), data(b"x")), before=keys)))
    assert ([field.key for field in area.fields], [note.code for note in area.notes]) == (
        ["NOAI"],
        [Code.TAG_UNREADABLE],
    )


@pytest.mark.parametrize("index", [1, 2, 300])
def test_a_keyed_item_without_key_is_noted(index: int) -> None:
    for keys in (b"", full(b"keys", u32(0))):
        area = read(movie(udta=meta(box(u32(index), data(b"x")), before=keys)))
        assert [note.code for note in area.notes] == [Code.TAG_UNREADABLE]


def test_a_user_data_box_named_like_the_marker_is_noted() -> None:
    assert [note.code for note in read(movie(udta=box(b"NOAI", b"1"))).notes] == [Code.TAG_UNREADABLE]


@pytest.mark.parametrize("purpose", [b"manifest\x00", b"update\x00", b"unheard of\x00"])
def test_a_c2pa_box_yields_the_place_of_its_store(purpose: bytes) -> None:
    store = b"\x00\x00\x00\x14jumb" + bytes(12)
    content = movie(before=box(b"uuid", C2PA_UUID + bytes(4) + purpose + bytes(8) + store))
    (manifest,) = read(content).manifests
    assert manifest.read(BytesSource(content)) == store


def test_merkle_trees_are_no_manifests() -> None:
    assert not read(movie(after=box(b"uuid", C2PA_UUID + bytes(4) + b"merkle\x00" + bytes(40)))).manifests


@pytest.mark.parametrize("rest", [b"", bytes(4), bytes(4) + b"manifest", bytes(4) + b"manifest\x00\x00"])
def test_a_broken_c2pa_box_is_still_a_manifest(rest: bytes) -> None:
    assert len(read(movie(after=box(b"uuid", C2PA_UUID + rest))).manifests) == 1


def test_other_uuid_boxes_are_nothing() -> None:
    area = read(movie(after=box(b"uuid", bytes(16) + b"anything")))
    assert area == TagArea()


# -- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        box(b"\xa9nam", b"\x00\x00\x00\x40data"),
        box(b"\xa9nam", b"\x00\x00\x00\x00data\x00\x00\x00\x01"),
        box(b"\xa9nam", box(b"data", b"\x00")),
        box(b"----", b"\x00\x00\x00\x07mean"),
    ],
)
def test_damage_in_one_item_is_noted_and_the_others_are_read(broken: bytes) -> None:
    area = read(tagged(freeform("NOAI", data(b"x")), broken, item(b"cprt", "a")))
    assert [field.value for field in area.fields] == ["x", "a"]
    assert [note.code for note in area.notes] == [Code.TAG_UNREADABLE]


@pytest.mark.parametrize(
    "broken",
    [
        b"\x00\x00\xff\xffABCD",
        b"\x00\x00\x00\x03ABCD",
        b"\x00\x00\x00\x00ABCD",
        b"\x00\x00\x00\x01ABCD\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x00\x00\x00\x01ABCD",
        b"junk",
        box(b"uuid", b"short"),
        box(b"meta", bytes(4) + full(b"keys", u32(9))),
        box(b"meta", bytes(4) + full(b"keys", u32(1, 4) + b"mdta")),
    ],
)
def test_damage_in_user_data_is_noted_and_the_rest_is_read(broken: bytes) -> None:
    area = read(movie(udta=string(b"\xa9cpy", (b"a", 0)) + broken, after=meta(item(b"cprt", "b"))))
    assert [field.value for field in area.fields] == ["a", "b"]
    assert [note.code for note in area.notes] == [Code.TAG_UNREADABLE]


def test_a_compressed_movie_is_noted() -> None:
    area = read(FTYP + box(b"moov", box(b"cmov", bytes(40))))
    assert [note.code for note in area.notes] == [Code.TAG_COMPRESSED]


def test_an_id3_tag_in_mp4_is_noted() -> None:
    area = read(movie(inner=box(b"meta", bytes(4) + hdlr(b"ID32") + full(b"ID32", b"\x15\xc7ID3"))))
    assert [note.code for note in area.notes] == [Code.TAG_UNREADABLE]


@pytest.mark.parametrize("first", [True, False])
def test_a_truncated_file_never_reads_as_empty(first: bool) -> None:
    content = movie(udta=meta(freeform("NOAI", data(b"x" * 50)), item(b"cprt", "c")), first=first)
    whole = read(content)
    assert len(whole.fields) == 2
    for length in range(len(content)):
        area = read(content[:length])
        assert area == whole or Code.CONTAINER_MALFORMED in [note.code for note in area.notes]


@pytest.mark.parametrize(
    "content",
    [
        FTYP,
        FTYP + box(b"mdat", bytes(100)),
        FTYP + box(b"moof", b"") + box(b"mdat", b""),
        movie() + b"TAG and more",
        movie(after=b"\x00\x00\x00\x07free"),
        movie(after=b"\x00\x00\x00\x01free\x00\x00\x00\x00\x00\x00\x00\x0f"),
    ],
)
def test_contradictions_at_the_top_are_noted(content: bytes) -> None:
    assert [note.code for note in read(content).notes] == [Code.CONTAINER_MALFORMED]


def test_junk_behind_the_boxes_does_not_hide_what_was_read() -> None:
    content = tagged(freeform("NOAI", data(b"x"))) + b"junk of any kind"
    assert said(content, FieldRole.MARKER) == ["x"]
    broken = movie(inner=b"\x00\x00\xff\xffjunk", after=box(b"udta", meta(freeform("NOAI", data(b"x")))))
    assert said(broken, FieldRole.MARKER) == ["x"]
    assert [note.code for note in read(broken).notes] == [Code.CONTAINER_MALFORMED]


@pytest.mark.parametrize("size", [TAG_VALUE_BYTES + 1, 4 * TAG_VALUE_BYTES])
def test_a_value_that_is_too_long_does_not_hide_those_behind_it(size: int) -> None:
    for long in (item(b"\xa9lyr", "t" * size), freeform("x", data(b"t" * size))):
        area = read(tagged(long, freeform("NOAI", data(b"x"))))
        assert [field.value for field in area.fields if field.role is FieldRole.MARKER] == ["x"]
        assert [note.code for note in area.notes] == [Code.LIMIT_EXCEEDED]


def test_what_was_read_before_a_limit_counts() -> None:
    content = tagged(freeform("NOAI", data(b"x")), *[item(b"\xa9nam", "t")] * TAG_ITEMS)
    assert said(content, FieldRole.MARKER) == ["x"]


@pytest.mark.parametrize("content", [tagged() + b"junk of any kind", movie(after=box(b"free", b"") * BOXES)])
def test_a_file_that_was_not_read_to_its_end_is_not_marked(content: bytes) -> None:
    with pytest.raises((ContainerMalformed, LimitExceeded)):
        MP4.inventory(BytesSource(content), TagEdit(markers=("x",)))
    with pytest.raises((ContainerMalformed, LimitExceeded)):
        MP4.write_tags(io.BytesIO(content), TagEdit(markers=("x",)))
    with pytest.raises(ContainerMalformed):
        examine(BytesSource(content), Sidecars(), signer(), NOW)


def test_large_sizes_and_sizes_to_the_end_are_understood() -> None:
    inner = box(b"udta", meta(freeform("NOAI", data(b"x"))))
    content = movie(inner=inner)
    start = content.index(b"moov") - 4
    wide = content[:start] + u32(1) + b"moov" + u64(len(content) - start + 8) + content[start + 8 :]
    to_the_end = content[:start] + u32(0) + content[start + 4 :]
    assert said(wide, FieldRole.MARKER) == said(to_the_end, FieldRole.MARKER) == ["x"]


def test_zeros_behind_the_last_box_are_padding() -> None:
    for number in (1, 7, 8, 100):
        assert said(tagged(item(b"cprt", "a")) + bytes(number), FieldRole.COPYRIGHT) == ["a"]


# -- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        movie(after=box(b"free", b"") * BOXES),
        tagged(*[item(b"\xa9nam", "t")] * (TAG_ITEMS + 1)),
        movie(udta=string(b"\xa9nam", (b"t", 0)) * (TAG_ITEMS + 1)),
        movie(udta=box(b"xxxx", b"") * (TAG_ITEMS + 1)),
        tagged(item(b"\xa9nam", "t" * (TAG_VALUE_BYTES + 1))),
        tagged(*[freeform("x", data(bytes([65]) * TAG_VALUE_BYTES, 0))] * 5),
        movie(udta=keyed([("k", "v")] * (TAG_ITEMS + 1))),
        movie(after=box(b"uuid", XMP_UUID + bytes(XMP_BYTES + 1))),
        movie(after=box(b"uuid", C2PA_UUID + bytes(40)) * (MANIFESTS_PER_FILE + 1)),
    ],
    ids=["boxes", "items", "strings", "unknown", "value", "bytes", "keys", "xmp", "manifests"],
)
def test_limits(content: bytes) -> None:
    assert Code.LIMIT_EXCEEDED in [note.code for note in read(content).notes]


def test_nesting_is_limited() -> None:
    content = b""
    for _ in range(BOX_DEPTH + 2):
        content = box(b"moov", content)
    assert Code.LIMIT_EXCEEDED in [note.code for note in read(content).notes]


@given(junk=st.binary(max_size=200), place=st.sampled_from(["udta", "inner", "after", "item"]))
def test_junk_never_hides_what_stands_in_front_of_it(junk: bytes, place: str) -> None:
    marker = freeform("NOAI", data(b"x"))
    content = {
        "udta": movie(udta=meta(marker) + junk),
        "inner": movie(inner=box(b"udta", meta(marker)) + junk),
        "after": movie(udta=meta(marker), after=junk),
        "item": movie(udta=meta(marker, junk)),
    }[place]
    fields = read(content).fields
    assert "x" in [field.value for field in fields if field.role is FieldRole.MARKER]
