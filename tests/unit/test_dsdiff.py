"""DSDIFF: a digest over its audio, and ID3 in a chunk of its own or among the properties."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import mutagen.dsdiff
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.dsdiff import DSDIFF, Dsdiff
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import ContainerMalformed, MarkError, NoaiError
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, run
from tests.encoders.dsdiff import chunk, compressed, form, properties
from tests.unit.chunk_files import SOUND, Under
from tests.unit.id3_bytes import LIFT, MARK, frame, tag

UNDER = Under(Dsdiff())
PROP, DSD = properties(), chunk(b"DSD ", SOUND)
DST = compressed(SOUND * 20)
MARKED = chunk(b"ID3 ", tag(4, frame(4, "TXXX", b"\0NOAI\0a.b.c")))
PLAIN = form(PROP, DSD)


def sized(data: bytes, size: int) -> bytes:
    return data[:4] + struct.pack(">Q", size) + data[12:]


def property_chunk(*local: bytes) -> bytes:
    return chunk(b"PROP", b"SND " + b"".join(local))


FS = chunk(b"FS  ", struct.pack(">I", 2_822_400))
CHNL = chunk(b"CHNL", struct.pack(">H", 2) + b"SLFTSRGT")
CMPR = chunk(b"CMPR", b"DSD \x0enot compressed\0")


def test_only_dsdiff_is_recognised() -> None:
    assert UNDER.container.detect(BytesSource(PLAIN)) is DSDIFF
    for other in (b"FORM" + PLAIN[4:], PLAIN[:12] + b"DSDX" + PLAIN[16:], PLAIN[:15]):
        assert UNDER.container.detect(BytesSource(other)) is None
        for read in (UNDER.tags, UNDER.essence):
            with pytest.raises(ContainerMalformed):
                read(other)


# -- the digest -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "codec", "payload"),
    [
        (PLAIN, "dsdiff", SOUND),
        (form(DSD, chunk(b"COMT", bytes(2)), PROP), "dsdiff", SOUND),
        (form(property_chunk(CMPR, CHNL, chunk(b"ABSS", bytes(8)), FS), DSD), "dsdiff", SOUND),
        (form(properties(b"DST "), DST), "dst", DST[12:]),
    ],
)
def test_the_digest_is_the_one_that_is_specified(data: bytes, codec: str, payload: bytes) -> None:
    config = struct.pack("<IH", 2_822_400, 2) + b"SLFTSRGT"
    record = bytes((len(codec),)) + codec.encode() + struct.pack("<I", len(config)) + config
    record += struct.pack("<Q", len(payload)) + hashlib.sha256(payload).digest() + b"\0"
    expected = hashlib.sha256(b"noai-essence/1\0" + struct.pack("<I", 1) + record).digest()
    found = UNDER.essence(data)
    assert (found.digest.scheme, found.digest.digest, found.violations) == (f"{codec}/1", expected, ())


def test_channels_in_another_order_are_another_essence() -> None:
    swapped = chunk(b"CHNL", struct.pack(">H", 2) + b"SRGTSLFT")
    assert UNDER.essence(form(property_chunk(FS, swapped, CMPR), DSD)).digest != UNDER.essence(PLAIN).digest


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (form(PROP, DSD, DSD), Code.CHUNK_DUPLICATE),
        (form(PROP, DSD, DST), Code.CHUNK_DUPLICATE),
        (form(PROP, PROP, DSD), Code.CHUNK_DUPLICATE),
        (form(PROP, DSD) + DSD, Code.CHUNK_DUPLICATE),
        (form(property_chunk(FS, FS, CHNL, CMPR), DSD), Code.CHUNK_DUPLICATE),
        (form(PROP, DSD, chunk(b"BODY", SOUND)), Code.CHUNK_DUPLICATE),
        (form(PROP, DSD, chunk(b"VHDR", bytes(20))), Code.CHUNK_DUPLICATE),
        (form(PROP, DSD) + b"\1\2\3\4\5DSD " + SOUND, Code.TRAILING_AUDIO),
        (form(PROP, DSD)[:-1], Code.CHUNK_SIZE),
        (sized(PLAIN, 100), Code.CHUNK_SIZE),
        (sized(PLAIN, 1 << 50), Code.CHUNK_SIZE),
        (sized(PLAIN, (1 << 64) - 1), Code.CHUNK_SIZE),
        (form(PROP, b"DSD " + b"\xff" * 8 + SOUND), Code.CHUNK_SIZE),
        (form(PROP, DSD, b"\1\2\3\4" + bytes(60)), Code.CHUNK_SIZE),
        (form(properties(b"DST "), DSD), Code.CHUNK_SIZE),
        (form(PROP), Code.ESSENCE_UNREADABLE),
        (form(DSD), Code.ESSENCE_UNREADABLE),
        (form(chunk(b"PROP", b"XXX "), DSD), Code.ESSENCE_UNREADABLE),
        (form(property_chunk(FS, CMPR), DSD), Code.ESSENCE_UNREADABLE),
        (form(property_chunk(FS, CMPR, chunk(b"CHNL", b"\0\3SLFT")), DSD), Code.ESSENCE_UNREADABLE),
        (form(PROP, chunk(b"DSD ", b"")), Code.ESSENCE_EMPTY),
    ],
)
def test_where_decoders_could_disagree_binding_is_forbidden(data: bytes, code: Code) -> None:
    assert code in UNDER.violations(data)


# -- tags -------------------------------------------------------------------------------------


def comment(text: bytes) -> bytes:
    return struct.pack(">HBBBBHHI", 2026, 1, 2, 3, 4, 0, 0, len(text)) + text + bytes(len(text) % 2)


def test_every_place_for_text_is_read() -> None:
    edited = chunk(b"DIIN", chunk(b"DIAR", struct.pack(">I", 3) + b"One") + chunk(b"EMID", b"0001"))
    data = form(
        properties(b"DSD ", MARKED),
        DSD,
        chunk(b"COMT", struct.pack(">H", 2) + comment(b"odd") + comment(b"even")),
        edited,
        chunk(b"(c) ", b"me"),
        chunk(b"ANNO", b"note"),
        MARKED.replace(b"a.b.c", b"d.e.f"),
    )
    assert sorted((field.key, field.value) for field in UNDER.tags(data).fields) == [
        ("(C) ", "me"),
        ("ANNO", "note"),
        ("COMT", "even"),
        ("COMT", "odd"),
        ("DIAR", "One"),
        ("EMID", "0001"),
        ("NOAI", "a.b.c"),
        ("NOAI", "d.e.f"),
    ]
    assert UNDER.values(data, FieldRole.COMMENT) == ["odd", "even", "note"]
    assert UNDER.codes(data) == [Code.TAG_DUPLICATE]


@pytest.mark.parametrize(
    "data",
    [
        form(PROP, DSD, chunk(b"ID3 ", b"no tag")),
        form(PROP, DSD, chunk(b"COMT", struct.pack(">H", 3))),
        form(PROP, DSD, chunk(b"COMT", struct.pack(">H", 1) + comment(b"abcd")[:-2])),
        form(PROP, DSD, chunk(b"DIIN", b"DITI" + struct.pack(">Q", 500) + bytes(20))),
    ],
)
def test_what_cannot_be_read_is_a_note(data: bytes) -> None:
    assert {note.code for note in UNDER.tags(data).notes} == {Code.TAG_UNREADABLE}


@pytest.mark.parametrize(
    "data",
    [form(properties(b"DSD ", b"\1\2\3\4" + MARKED), DSD), form(PROP, DSD) + bytes(9) + MARKED],
)
def test_a_tag_behind_the_last_chunk_is_read_and_cannot_be_taken_out(data: bytes) -> None:
    assert UNDER.values(data, FieldRole.MARKER) == ["a.b.c"]
    assert Code.TAG_DUPLICATE in UNDER.codes(data)
    with pytest.raises(MarkError, match="behind the last chunk"):
        UNDER.written(data, TagEdit(markers=("d.e.f",)))


@pytest.mark.parametrize(
    "data",
    [
        form(PROP, DSD, MARKED),
        form(PROP, MARKED, DSD),
        form(properties(b"DSD ", MARKED), DSD),
        form(properties(b"DSD ", MARKED), DSD, MARKED),
        form(PROP, DSD, chunk(b"DIIN", MARKED)),
        form(PROP, DSD) + MARKED,
    ],
    ids=["last", "first", "among properties", "twice", "among titles", "behind the form"],
)
def test_markers_are_replaced_wherever_they_stand(data: bytes) -> None:
    assert set(UNDER.values(data, FieldRole.MARKER)) == {"a.b.c"}
    replaced = UNDER.written(data, TagEdit(markers=("d.e.f",)))
    assert UNDER.values(replaced, FieldRole.MARKER) == ["d.e.f"]
    assert UNDER.essence(replaced) == UNDER.essence(PLAIN)
    assert UNDER.same_items(data, replaced, TagEdit(markers=()))


def test_a_new_chunk_stands_last_and_comes_off_again() -> None:
    edited = chunk(b"DIIN", chunk(b"DIAR", struct.pack(">I", 3) + b"One"))
    data = form(PROP, DSD, edited)
    marked = UNDER.written(data, MARK)
    assert marked[16:].startswith(data[16:])
    assert marked[len(data) :].startswith(b"ID3 ")
    assert int.from_bytes(marked[4:12], "big") == len(marked) - 12
    assert UNDER.written(marked, LIFT) == data


@pytest.mark.parametrize("data", [form(PROP, DSD, DSD), sized(PLAIN, 100), form(PROP), PLAIN[:-1]])
def test_contradictions_are_refused(data: bytes) -> None:
    with pytest.raises(MarkError):
        UNDER.written(data, MARK)


def test_mutagen_and_kid3_see_the_marker(studio: Studio, tmp_path: Path) -> None:
    for container, variant in (("dsdiff", "plain"), ("dsdiff", "tagged"), ("dst", "plain")):
        original, path = studio.encoded(container, variant), tmp_path / f"{container}-{variant}.dff"
        path.write_bytes(UNDER.written(original.read_bytes(), MARK))
        assert mutagen.dsdiff.DSDIFF(path).tags["TXXX:NOAI"].text == ["a.b.c"]
        assert b"a.b.c" in run("kid3-cli", "-c", "get all", path)
        assert decoded_md5(path) == decoded_md5(original)


@given(data=st.binary(max_size=300))
def test_any_bytes_raise_only_named_errors(data: bytes) -> None:
    for content in (
        form(data),
        form(PROP, DSD, data),
        form(chunk(b"PROP", b"SND " + data), DSD, chunk(b"COMT", data), chunk(b"DIIN", data)),
    ):
        for read in (UNDER.tags, UNDER.essence):
            try:
                read(content)
            except NoaiError:
                continue
        try:
            UNDER.written(content, MARK)
        except NoaiError:
            continue
