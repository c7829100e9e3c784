"""Musepack: packets of version 8, the bit stream of version 7, chapters."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import LimitExceeded, MarkError
from noai.limits import MUSEPACK_FRAMES
from noai.sources import BytesSource
from tests.audio import run
from tests.encoders.musepack7_stream import stream
from tests.unit.id3_bytes import MARK
from tests.unit.stream_bytes import (
    AUDIO,
    MUSEPACK,
    chapter,
    essence,
    musepack,
    musepack7,
    notes,
    packet,
    stream_header,
    values,
    violations,
    written,
)

Files = Callable[..., Path]
SE = packet(b"SE")
NOAI = struct.pack("<II", 5, 0) + b"NOAI\0a.b.c"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (musepack(), set()),
        (musepack(end=b""), {Code.ESSENCE_TRUNCATED}),
        (musepack()[:-1], {Code.FRAME_SYNC}),
        (musepack(audio=AUDIO[:-1], end=b""), {Code.ESSENCE_TRUNCATED}),
        (musepack(audio=packet(b"AP", b"x")), {Code.ESSENCE_TRUNCATED}),
        (musepack(audio=AUDIO * 3), {Code.TRAILING_AUDIO}),
        (musepack() + AUDIO, {Code.TRAILING_AUDIO}),
        (musepack() + musepack(), {Code.TRAILING_AUDIO}),
        (musepack(audio=AUDIO + b"junk" + AUDIO), {Code.FRAME_SYNC}),
        (musepack(stream_header()), {Code.FRAME_HEADER}),
        (b"MPCK" + AUDIO + SE, {Code.FRAME_HEADER}),
        (b"MPCK" + AUDIO + stream_header() + SE, {Code.FRAME_HEADER}),
        (b"MPCK" + stream_header().replace(b"crc!\x08", b"crc!\x09") + AUDIO + SE, {Code.FRAME_HEADER}),
        (b"MPCK", {Code.ESSENCE_TRUNCATED, Code.FRAME_HEADER}),
        (b"MPCK" + b"AP\x00" + SE, {Code.FRAME_SYNC, Code.FRAME_HEADER}),
    ],
)
def test_what_is_not_one_stream_of_packets_forbids_binding(data: bytes, expected: set[Code]) -> None:
    assert violations(MUSEPACK, data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (musepack7(), set()),
        (musepack7() + bytes(8), set()),
        (musepack7() + bytes(12), {Code.TRAILING_AUDIO}),
        (musepack7()[:-4], {Code.ESSENCE_TRUNCATED}),
        (musepack7()[:24], {Code.ESSENCE_TRUNCATED}),
        (musepack7().replace(b"\x07\x03\0\0\0", b"\x07\x04\0\0\0"), {Code.ESSENCE_TRUNCATED}),
        (musepack7().replace(b"\x07\x03\0\0\0", b"\x07\x02\0\0\0"), {Code.TRAILING_AUDIO}),
        (musepack7().replace(b"\x07\x03\0\0\0", b"\x07\0\0\0\0"), {Code.ESSENCE_EMPTY, Code.TRAILING_AUDIO}),
        (musepack7() + musepack7(), {Code.TRAILING_AUDIO}),
        (stream(20), set()),
    ],
)
def test_what_is_not_one_stream_of_frames_forbids_binding(data: bytes, expected: set[Code]) -> None:
    assert violations(MUSEPACK, data) == expected


def test_more_frames_than_the_limit_are_not_walked() -> None:
    data = musepack7()[:4] + struct.pack("<I", MUSEPACK_FRAMES + 1) + musepack7()[8:]
    with pytest.raises(LimitExceeded, match="frames"):
        essence(MUSEPACK, data)


def test_gain_and_chapters_are_no_part_of_the_essence() -> None:
    plain = essence(MUSEPACK, musepack())
    assert essence(MUSEPACK, musepack(packet(b"RG", bytes(9)), chapter())) == plain
    assert essence(MUSEPACK, musepack(packet(b"XX", bytes(9)))).digest != plain.digest
    assert essence(MUSEPACK, musepack7(gain=b"\1\2\3\4\5\6\7\x08")) == essence(MUSEPACK, musepack7())
    data, loud = musepack(packet(b"RG", bytes(9))), musepack(packet(b"RG", b"\1" * 9))
    nothing = TagEdit(markers=())
    assert MUSEPACK.inventory(BytesSource(data), nothing) != MUSEPACK.inventory(BytesSource(loud), nothing)


@pytest.mark.parametrize("variant", ["plain", "tagged"])
def test_mpcgain_keeps_the_essence(fresh: Files, variant: str) -> None:
    path = fresh("musepack", variant)
    before = path.read_bytes()
    run("mpcgain", path)
    assert path.read_bytes() != before
    assert essence(MUSEPACK, path.read_bytes()) == essence(MUSEPACK, before)


def test_a_piece_cut_out_is_another_essence_and_a_whole_one(fresh: Files, tmp_path: Path) -> None:
    path, cut = fresh("musepack", "long"), tmp_path / "cut.mpc"
    run("mpccut", "-s", "300000", "-e", "900000", path, cut)
    assert violations(MUSEPACK, cut.read_bytes()) == set()
    assert essence(MUSEPACK, cut.read_bytes()).digest != essence(MUSEPACK, path.read_bytes()).digest


# -- chapters -----------------------------------------------------------------------------------


def test_tags_of_chapters_are_read_and_kept(fresh: Files) -> None:
    data = fresh("musepack", "chapters").read_bytes()
    fields = [(field.key, field.value) for field in MUSEPACK.read_tags(BytesSource(data)).fields]
    assert ("COMMENT", "in a chapter") in fields
    marked = written(MUSEPACK, data, MARK)
    assert data in marked


def test_a_marker_in_a_chapter_denies_and_is_not_written_over() -> None:
    data = musepack(chapter(NOAI))
    assert values(MUSEPACK, data, FieldRole.MARKER) == ["a.b.c"]
    assert notes(MUSEPACK, data) == []
    with pytest.raises(MarkError, match="chapter"):
        written(MUSEPACK, data, TagEdit(markers=("d.e.f",)))


@pytest.mark.parametrize(
    "damaged",
    [
        packet(b"CT", b"\x80"),
        packet(b"CT", b"\0" + bytes(4) + b"short"),
        chapter(NOAI[:-1]),
        chapter(NOAI).replace(b"\x05\0\0\0", b"\xff\0\0\0"),
    ],
)
def test_a_damaged_chapter_does_not_read_as_empty(damaged: bytes) -> None:
    assert notes(MUSEPACK, musepack(damaged)) == [Code.TAG_UNREADABLE]
