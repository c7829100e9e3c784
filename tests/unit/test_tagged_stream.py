"""Streams with tags around them: the same bodies over WavPack, Monkey's Audio, Musepack, TrueAudio, ADTS."""

from __future__ import annotations

import io
import random
from contextlib import suppress

import mutagen.apev2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers._tagged_stream import TaggedStream
from noai.containers.interface import FieldRole, TagEdit
from noai.containers.registry import detect
from noai.errors import ContainerError, ContainerMalformed, MarkError
from noai.limits import ID3_TAGS
from noai.sources import BytesSource
from tests.unit.id3_bytes import LIFT, MARK, STATEMENT, frame, syncsafe, tag
from tests.unit.mp3_bytes import ape, id3v1, lyrics3, sound
from tests.unit.stream_bytes import STREAMS, essence, notes, values, violations, written

EVERY = pytest.mark.parametrize(("container", "stream"), STREAMS.values(), ids=STREAMS)
IN_FRONT = pytest.mark.parametrize(
    ("container", "stream"), [STREAMS[name] for name in ("tta", "adts")], ids=["tta", "adts"]
)
BEHIND = pytest.mark.parametrize(
    ("container", "stream"),
    [pair for name, pair in STREAMS.items() if name not in ("tta", "adts")],
    ids=[name for name in STREAMS if name not in ("tta", "adts")],
)
NOTHING, OTHER = TagEdit(markers=()), TagEdit(markers=("d.e.f",))
ID3 = tag(3, frame(3, "TIT2", b"\0x"), frame(3, "TXXX", b"\0NOAI\0a.b.c"))
APE = ape(("Title", b"x"), ("noai", b"a.b.c"))
APPENDED_BODY = frame(4, "TXXX", b"\0NOAI\0a.b.c") + frame(4, "TIT2", b"\0kept")
APPENDED_HEAD = b"\x04\0\x10" + syncsafe(len(APPENDED_BODY))
APPENDED = b"ID3" + APPENDED_HEAD + APPENDED_BODY + b"3DI" + APPENDED_HEAD


def inventory(container: TaggedStream, data: bytes, edit: TagEdit = NOTHING) -> list[str]:
    return sorted(container.inventory(BytesSource(data), edit).elements())


# -- where tags stand ---------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize(
    ("front", "behind"),
    [
        (ID3, b""),
        (tag(4, frame(4, "TIT2", b"\0x"), padding=bytes(9)) + ID3, b""),
        (b"", APE),
        (b"", APE + id3v1(b"old")),
        (b"", ape(("NOAI", b"a.b.c"), header=False, version=1000)),
        (b"", lyrics3(("LYR", "la")) + APE),
        (b"", APPENDED),
        (b"", APE + ape(("Title", b"second"))),
    ],
    ids=["id3", "two-id3", "ape", "ape-id3v1", "apev1", "lyrics3", "appended-id3", "two-ape"],
)
def test_a_marker_is_found_and_replaced_wherever_it_stands(
    container: TaggedStream, stream: bytes, front: bytes, behind: bytes
) -> None:
    data = front + stream + behind
    assert detect(BytesSource(data)).name == container.names[0]
    assert values(container, data, FieldRole.MARKER) == ["a.b.c"]
    assert essence(container, data) == essence(container, stream)
    replaced = written(container, data, OTHER)
    assert values(container, replaced, FieldRole.MARKER) == ["d.e.f"]
    assert essence(container, replaced) == essence(container, stream)
    assert inventory(container, replaced) == inventory(container, data)
    taken_out = written(container, replaced, NOTHING)
    assert values(container, taken_out, FieldRole.MARKER) == []


@BEHIND
def test_without_a_tag_an_ape_tag_is_made_behind(container: TaggedStream, stream: bytes) -> None:
    marked = written(container, stream, MARK)
    assert marked.startswith(stream)
    tags = mutagen.apev2.APEv2(io.BytesIO(marked))
    assert list(tags.items()) == [("NOAI", "a.b.c"), ("Copyright", STATEMENT), ("Comment", STATEMENT)]
    assert written(container, marked, LIFT) == stream


@BEHIND
def test_it_stands_in_front_of_id3v1_where_readers_look(container: TaggedStream, stream: bytes) -> None:
    marked = written(container, stream + id3v1(b"old"), MARK)
    assert marked.endswith(id3v1(b"old"))
    assert marked[:-160].startswith(stream)
    assert marked[-160:-128].startswith(b"APETAGEX")


@BEHIND
def test_an_id3_tag_in_front_is_not_written_to(container: TaggedStream, stream: bytes) -> None:
    front = tag(3, frame(3, "TCOP", b"\0me"), padding=bytes(30))
    marked = written(container, front + stream, MARK)
    assert marked.startswith(front + stream)
    assert values(container, marked, FieldRole.COPYRIGHT) == ["me", STATEMENT]


@IN_FRONT
def test_without_a_tag_an_id3_tag_is_made_in_front(container: TaggedStream, stream: bytes) -> None:
    marked = written(container, stream, MARK)
    assert marked.startswith(b"ID3")
    assert marked.endswith(stream)
    assert values(container, marked, FieldRole.MARKER) == ["a.b.c"]


@IN_FRONT
def test_where_only_an_ape_tag_stands_it_is_the_one(container: TaggedStream, stream: bytes) -> None:
    marked = written(container, stream + ape(("Comment", b"mine")), MARK)
    assert marked.startswith(stream)
    assert values(container, marked, FieldRole.COMMENT) == [f"mine | {STATEMENT}"]
    both = tag(4, frame(4, "TIT2", b"\0x")) + stream + ape(("Comment", b"mine"), ("NOAI", b"1"))
    marked = written(container, both, MARK)
    assert values(container, marked, FieldRole.COMMENT) == [STATEMENT, "mine"]
    assert values(container, marked, FieldRole.MARKER) == ["a.b.c"]


# -- writing APE --------------------------------------------------------------------------------


def marked_items(*items: tuple[str, bytes], edit: TagEdit = MARK) -> dict[str, list[str]]:
    container, stream = STREAMS["wavpack"]
    marked = written(container, stream + ape(*items), edit)
    tags = mutagen.apev2.APEv2(io.BytesIO(marked))
    return {
        key: list(value) if value.kind == mutagen.apev2.TEXT else [value.value] for key, value in tags.items()
    }


def test_statements_are_appended_to_the_first_value() -> None:
    items = marked_items(("COPYRIGHT", b"me\0you"), ("Description", b"d"), ("Title", b"x"))
    assert items["COPYRIGHT"] == [f"me | {STATEMENT}", "you"]
    assert items["Comment"] == [STATEMENT]
    assert items["Description"] == ["d"]
    assert items["Title"] == ["x"]


def test_several_markers_are_one_item() -> None:
    edit = TagEdit(markers=("a.b.c", "d.e.f"))
    assert marked_items(("Title", b"x"), ("Noai", b"1"), edit=edit) == {
        "NOAI": ["a.b.c", "d.e.f"],
        "Title": ["x"],
    }


def test_a_link_is_no_place_for_a_statement() -> None:
    container, stream = STREAMS["ape"]
    link = ape(("Copyright", b"https://example.org"))
    link = link.replace(b"\0\0\0\0Copyright", b"\x04\0\0\0Copyright")
    marked = written(container, stream + link, MARK)
    assert values(container, marked, FieldRole.COPYRIGHT) == [STATEMENT, "https://example.org"]


@BEHIND
@pytest.mark.parametrize(
    "damaged",
    [
        APE.replace(b"\x01\0\0\0\0\0\0\0Title", b"\xff\0\0\0\0\0\0\0Title"),
        ape(("Comment", b"\xff\xfe"), ("Title", b"x")),
        ape(("Copyright", b"x" * 300_000)),
    ],
    ids=["size", "encoding", "length"],
)
def test_what_cannot_be_rewritten_without_loss_is_not(
    container: TaggedStream, stream: bytes, damaged: bytes
) -> None:
    with pytest.raises(MarkError):
        written(container, stream + damaged, MARK)


# -- what forbids binding -----------------------------------------------------------------------


@EVERY
def test_tags_that_hold_mpeg_audio_forbid_binding(container: TaggedStream, stream: bytes) -> None:
    picture = tag(3, frame(3, "APIC", b"\0image/png\0\3\0" + sound(9)))
    assert violations(container, picture + stream) == {Code.AUDIO_IN_TAG}
    assert violations(container, stream + ape(("Cover Art (Front)", b"x\0" + sound(9)))) == {
        Code.AUDIO_IN_TAG
    }
    assert violations(container, stream + ape(("Cover Art (Front)", b"x\0" + bytes(9000)))) == set()


@EVERY
def test_a_header_that_readers_see_differently_forbids_binding(
    container: TaggedStream, stream: bytes
) -> None:
    front = tag(4, frame(4, "TIT2", b"\0x"), padding=bytes(118))
    assert front[9] & 0x80 == 0
    size = (len(front) - 10).to_bytes(4, "big")
    assert size[3] & 0x80
    assert Code.ID3_SIZE in violations(container, front[:6] + size + front[10:] + stream)
    assert Code.ID3_VERSION in violations(container, b"ID3\x05" + front[4:] + stream)


@EVERY
@pytest.mark.parametrize(
    "between", [APE, APE + id3v1(b"old"), APPENDED], ids=["ape", "id3v1", "appended-id3"]
)
def test_tags_between_joined_files_are_read_and_forbid_binding(
    container: TaggedStream, stream: bytes, between: bytes
) -> None:
    joined = stream + between + stream
    assert values(container, joined, FieldRole.MARKER) == ["a.b.c"]
    assert violations(container, joined)
    with pytest.raises(MarkError, match="inside the stream"):
        written(container, joined, OTHER)
    kept = written(container, joined, TagEdit(markers=("a.b.c",), statement=STATEMENT))
    assert set(values(container, kept, FieldRole.MARKER)) == {"a.b.c"}


@EVERY
def test_bytes_behind_an_ape_tag_do_not_hide_it(container: TaggedStream, stream: bytes) -> None:
    data = stream + APE + b"more"
    assert values(container, data, FieldRole.MARKER) == ["a.b.c"]
    with pytest.raises(MarkError, match="inside the stream"):
        written(container, data, OTHER)


@EVERY
def test_a_statement_behind_the_stream_is_a_finding(container: TaggedStream, stream: bytes) -> None:
    assert notes(container, stream + b"NOAI=a.b.c, in a tag that nobody knows") == [Code.TAG_UNREADABLE]


@EVERY
def test_more_tags_than_the_limit_are_a_finding(container: TaggedStream, stream: bytes) -> None:
    assert notes(container, stream + id3v1() * (ID3_TAGS + 1)) == [Code.LIMIT_EXCEEDED]


# -- any bytes ----------------------------------------------------------------------------------


@EVERY
def test_another_kind_of_file_is_refused(container: TaggedStream, stream: bytes) -> None:
    for name, (other, data) in STREAMS.items():
        if other is container:
            continue
        assert container.detect(BytesSource(data)) is None, name
        with pytest.raises(ContainerMalformed):
            container.read_essence(BytesSource(data))
        with pytest.raises(MarkError):
            written(container, data, MARK)


@EVERY
@given(chance=st.randoms(use_true_random=False))
def test_damage_raises_only_typed_errors(
    container: TaggedStream, stream: bytes, chance: random.Random
) -> None:
    data = bytearray(ID3 + stream + APE if chance.random() < 0.5 else stream + APE)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        piece = chance.choice([b"\xff" * 4, bytes(4), b"\x80", chance.randbytes(3)])
        data[at : at + chance.choice([0, len(piece)])] = piece
    source = BytesSource(data)
    for read in (container.read_tags, container.read_essence, lambda s: container.inventory(s, MARK)):
        with suppress(ContainerError):
            read(source)
    with suppress(MarkError):
        written(container, bytes(data), MARK)
