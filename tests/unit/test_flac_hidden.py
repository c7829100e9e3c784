"""FLAC: what comments without a value and kept foreign chunks say is heard."""

from __future__ import annotations

import struct

import pytest

from noai.codes import Code
from noai.containers.flac import Flac
from noai.containers.interface import FieldRole, TagArea
from noai.sources import BytesSource
from tests.unit.id3_bytes import frame, tag
from tests.unit.mp3_bytes import ape
from tests.unit.wav_bytes import chunk

STREAMINFO = b"\x00\x00\x00\x22" + bytes(34)


def block(kind: int, data: bytes, *, last: bool = False) -> bytes:
    return bytes((kind | (0x80 if last else 0),)) + len(data).to_bytes(3, "big") + data


def comments(*values: bytes) -> bytes:
    packed = b"".join(struct.pack("<I", len(value)) + value for value in values)
    return block(4, struct.pack("<II", 0, len(values)) + packed)


def read(*blocks: bytes, behind: bytes = b"") -> TagArea:
    data = b"fLaC" + STREAMINFO + b"".join(blocks) + block(1, bytes(4), last=True) + b"\xff\xf8" + behind
    return Flac().read_tags(BytesSource(data))


def said(area: TagArea) -> list[tuple[str, str]]:
    return [(field.key, field.value) for field in area.fields]


def codes(area: TagArea) -> list[Code]:
    return [note.code for note in area.notes]


def test_a_marker_comment_without_a_value_is_a_marker() -> None:
    (field,) = read(comments(b"NoAI")).fields
    assert (field.key, field.value, field.role) == ("NOAI", "", FieldRole.MARKER)


def test_a_comment_without_a_value_is_a_name_and_a_remark() -> None:
    assert said(read(comments(b"NO_AI_TRAINING"))) == [("", "NO_AI_TRAINING"), ("NO_AI_TRAINING", "")]


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (chunk(b"LIST", b"INFO" + chunk(b"ICOP", b"mine")), [("ICOP", "mine")]),
        (chunk(b"id3 ", tag(4, frame(4, "TXXX", b"\0NOAI\x001"))), [("NOAI", "1")]),
        (b"RIFF" + bytes(4) + b"WAVE", []),
        (b"data\xff\xff\0\0", []),
        (chunk(b"fmt ", bytes(16)), []),
    ],
)
def test_riff_chunks_that_flac_keeps_are_read(kept: bytes, expected: list[tuple[str, str]]) -> None:
    area = read(block(2, b"riff" + kept))
    assert said(area) == expected
    assert codes(area) == []


def test_a_riff_chunk_that_runs_past_its_block_is_a_note() -> None:
    assert codes(read(block(2, b"riff" + b"LIST\xff\0\0\0INFO"))) == [Code.TAG_UNREADABLE]


def test_aiff_chunks_that_flac_keeps_are_shown_as_text() -> None:
    assert said(read(block(2, b"aiff" + b"ANNO\0\0\0\x04mine"))) == [("AIFF", "ANNO mine")]
    assert codes(read(block(2, b"aiff" + b"ID3 \0\0\0\x04" + tag(4)))) == [Code.TAG_UNREADABLE]


@pytest.mark.parametrize("name", [b"", b"abc", b"riff", b"aiff", b"riffLIST"])
def test_short_application_blocks_raise_nothing(name: bytes) -> None:
    read(block(2, name))


def test_an_ape_tag_behind_which_a_byte_stands_is_read() -> None:
    area = read(behind=bytes(64) + ape(("NOAI", b"1")) + b"\0")
    assert said(area) == [("NOAI", "1")]
    assert codes(area) == [Code.TAG_DUPLICATE]
