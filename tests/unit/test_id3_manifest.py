"""A C2PA manifest store in ID3 tags: where it goes, and what stays as it is."""

from __future__ import annotations

import io
from itertools import pairwise

import mutagen.id3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.containers import _id3_manifest
from noai.containers._id3 import locate_appended, locate_leading
from noai.containers._splices import apply
from noai.errors import ContainerError, MarkError
from noai.sources import BytesSource
from tests.unit.id3_bytes import codes, frame, inventory, read, tag

STORE = b"\0\0\0\x20jumb" + bytes(range(200, 224))
AUDIO = b"audio" * 100
OLD = b"\0application/c2pa\0c2pa\0c2pa manifest store\0" + b"old"


def with_store(data: bytes, store: bytes = STORE) -> bytes:
    source = BytesSource(data)
    behind = locate_appended(source, source.size)
    file = io.BytesIO(data)
    appended = () if behind is None else (behind,)
    apply(file, _id3_manifest.plan(source, locate_leading(source), store, appended))
    return file.getvalue()


def stores(data: bytes) -> list[bytes]:
    return [store.read(BytesSource(data)) for store in read(data).manifests]


@pytest.mark.parametrize("version", [3, 4])
def test_it_stands_behind_all_other_frames_and_the_version_is_kept(version: int) -> None:
    frames = [
        frame(version, "TPE1", b"\0AC/DC"),
        frame(version, "XYZW", b"?"),
        frame(version, "TYER", b"\x002004"),
    ]
    old = tag(version, *frames, padding=bytes(500))
    new = with_store(old + AUDIO)
    assert new[3] == version
    assert new.endswith(AUDIO)
    assert new[10:].startswith(b"".join(frames))
    assert inventory(new) == inventory(old)
    assert stores(new) == [STORE]
    assert codes(new) == []
    # The padding had room for it, so the audio stayed where it was.
    assert len(new) == len(old + AUDIO)


@pytest.mark.parametrize("version", [3, 4])
def test_other_readers_find_it_and_everything_else(version: int) -> None:
    old = tag(version, frame(version, "TPE1", b"\0AC/DC"), frame(version, "TIT2", b"\0t"))
    new = mutagen.id3.ID3(io.BytesIO(with_store(old)), translate=False)
    (found,) = new.getall("GEOB")
    assert (found.mime, found.filename, found.desc) == ("application/c2pa", "c2pa", "c2pa manifest store")
    assert found.data == STORE
    assert new.version == (2, version, 0)
    assert (str(new["TPE1"]), str(new["TIT2"])) == ("AC/DC", "t")


def test_the_whole_frame_around_it_is_named() -> None:
    new = with_store(tag(3, frame(3, "TIT2", b"\0t")))
    (store,) = read(new).manifests
    ((start, length),) = store.wrapping
    assert new[start : start + 4] == b"GEOB"
    assert new[start : start + length].endswith(STORE)


@pytest.mark.parametrize("version", [3, 4])
def test_an_old_one_goes_wherever_it_stands(version: int) -> None:
    other = frame(version, "GEOB", b"\0text/plain\0f\0d\0x")
    old = tag(version, frame(version, "GEOB", OLD), frame(version, "TIT2", b"\0t"), other)
    new = with_store(old)
    assert stores(new) == [STORE]
    assert inventory(new) == inventory(old)
    other = b"\x7f" * len(STORE)
    again = with_store(new, other)
    assert (len(again), stores(again)) == (len(new), [other])
    assert again.replace(other, STORE) == new


def test_old_ones_in_other_tags_go_too() -> None:
    first, second = (tag(3, frame(3, "TIT2", b"\0t"), frame(3, "GEOB", OLD)) for _ in range(2))
    alone = tag(3, frame(3, "GEOB", OLD))
    new = with_store(first + second + alone + AUDIO)
    assert stores(new) == [STORE]
    assert new.startswith(b"ID3\x03")
    assert inventory(new) == inventory(first + second)


def test_an_old_one_behind_the_audio_goes_too() -> None:
    body = frame(4, "TIT2", b"\0t") + frame(4, "GEOB", OLD)
    head = b"ID3\x04\0\x10" + bytes((0, 0, len(body) >> 7, len(body) & 127))
    new = with_store(tag(3, frame(3, "TIT2", b"\0t")) + AUDIO + head + body + b"3DI" + head[3:])
    assert b"old" not in new
    behind = locate_appended(BytesSource(new), len(new))
    assert behind is not None
    assert new[behind.offset + 10 : behind.end - 10] == frame(4, "TIT2", b"\0t")


def test_a_file_without_a_tag_gets_one_that_old_programs_read() -> None:
    new = with_store(AUDIO)
    assert new[:5] == b"ID3\x03\0"
    assert new.endswith(AUDIO)
    assert stores(new) == [STORE]


@pytest.mark.parametrize(
    "old",
    [
        tag(2, frame(2, "TT2", b"\0t"), frame(2, "PIC", b"\0PNG\x03\0data")),
        tag(3, frame(3, "TIT2", b"\x01\xff\xfet\0").replace(b"\xff", b"\xff\0"), flags=0x80),
    ],
    ids=["2.2", "unsynchronised"],
)
def test_a_tag_that_has_to_be_written_anew_becomes_a_plain_23(old: bytes) -> None:
    new = with_store(old + AUDIO)
    assert new[3:6] == b"\x03\0\0"
    assert stores(new) == [STORE]
    assert inventory(new) == inventory(old)


@pytest.mark.parametrize(
    "old",
    [
        tag(4, frame(4, "TIT2", b"\0t"), flags=0x80),
        tag(2, frame(2, "XYZ", b"x")),
        tag(3, b"TIT2" + (90).to_bytes(4, "big") + b"\0\0TALB\0\0\0\2\0\0\0x"),
        b"ID3\x05\0\0\0\0\0\x0a" + bytes(10),
    ],
    ids=["unsynchronised 2.4", "unknown 2.2 frame", "damaged", "unknown version"],
)
def test_a_tag_that_cannot_take_it_is_refused(old: bytes) -> None:
    with pytest.raises(MarkError):
        with_store(old + AUDIO)


@given(st.lists(st.binary(max_size=60), max_size=6), st.binary(max_size=40), st.sampled_from([2, 3, 4]))
def test_any_tag_keeps_its_items_or_is_refused(texts: list[bytes], padding: bytes, version: int) -> None:
    name = "TT2" if version == 2 else "TIT2"
    old = tag(version, *(frame(version, name, text) for text in texts), padding=padding) + AUDIO
    try:
        new = with_store(old)
    except (MarkError, ContainerError):
        return
    assert stores(new) == [STORE]
    assert inventory(new) == inventory(old)
    assert new.endswith(AUDIO)
    offsets = [each.offset for each in locate_leading(BytesSource(new))]
    assert all(before < after for before, after in pairwise(offsets))
