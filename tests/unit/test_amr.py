"""AMR: frames walked to their end, and nothing else believed."""

from __future__ import annotations

import hashlib
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.amr import Amr
from noai.containers.interface import TagArea, TagEdit
from noai.containers.registry import detect
from noai.errors import ContainerError, ContainerMalformed
from noai.limits import OPAQUE_BYTES, READ_SIZE
from noai.sources import BytesSource
from tests.unit.mp3_bytes import ape, id3v1

AMR = Amr()
NARROW, WIDE = b"#!AMR\n", b"#!AMR-WB\n"
#: 12.2 kbit/s, comfort noise, no data.
FRAMES = b"\x3c" + bytes(range(31)) + b"\x44" + bytes(5) + b"\x7c"
WIDE_FRAMES = b"\x14" + bytes(range(32)) + b"\x4c" + bytes(5) + b"\x74\x7c"


def tags(content: bytes) -> TagArea:
    return AMR.read_tags(BytesSource(content))


def violations(content: bytes) -> list[Code]:
    return [violation.code for violation in AMR.read_essence(BytesSource(content)).violations]


@pytest.mark.parametrize("magic", [NARROW, WIDE, b"#!AMR_MC1.0\n\0\0\0\2", b"#!AMR-WB_MC1.0\n\0\0\0\2"])
def test_all_four_kinds_are_recognised(magic: bytes) -> None:
    frames = WIDE_FRAMES if b"WB" in magic else FRAMES
    assert detect(BytesSource(magic + frames)).name == "amr"
    assert violations(magic + frames) == []
    assert tags(magic + frames) == TagArea()


def test_other_content_is_not_recognised() -> None:
    for other in (b"#!AMR", b"#!AMR \n", b"#!/bin/sh\n"):
        assert AMR.detect(BytesSource(other)) is None
        for read in (AMR.read_tags, AMR.read_essence):
            with pytest.raises(ContainerMalformed):
                read(BytesSource(other))


@pytest.mark.parametrize(
    ("magic", "codec", "config"),
    [(NARROW, b"amr", b""), (b"#!AMR_MC1.0\n\0\0\0\2", b"amr", b"\0\0\0\2"), (WIDE, b"amr-wb", b"")],
)
def test_the_digest_is_the_one_that_is_specified(magic: bytes, codec: bytes, config: bytes) -> None:
    frames = WIDE_FRAMES if codec == b"amr-wb" else FRAMES
    record = bytes([len(codec)]) + codec + struct.pack("<I", len(config)) + config
    record += struct.pack("<Q", len(frames)) + hashlib.sha256(frames).digest() + b"\0"
    expected = hashlib.sha256(b"noai-essence/1\0" + struct.pack("<I", 1) + record).digest()
    reading = AMR.read_essence(BytesSource(magic + frames))
    assert (reading.digest.scheme, reading.digest.digest) == (f"{codec.decode()}/1", expected)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (NARROW + FRAMES[:-3], Code.ESSENCE_TRUNCATED),
        (NARROW + b"\x64" + FRAMES, Code.FRAME_SYNC),
        (NARROW + FRAMES + b"\xff", Code.FRAME_SYNC),
        (NARROW + b"\x3d" + FRAMES[1:], Code.FRAME_SYNC),
        (WIDE + b"\x54" + WIDE_FRAMES, Code.FRAME_SYNC),
        (NARROW + FRAMES + id3v1(), Code.FRAME_SYNC),
        (NARROW, Code.ESSENCE_EMPTY),
    ],
)
def test_what_is_no_whole_frame_does_not_bind(content: bytes, code: Code) -> None:
    assert code in violations(content)


def test_frames_go_on_over_the_ends_of_reads() -> None:
    whole = NARROW + b"\x3c" + bytes(31)
    many = whole + (b"\x3c" + bytes(31)) * (READ_SIZE // 32 + 3)
    assert violations(many) == []
    assert violations(many[:-1]) == [Code.ESSENCE_TRUNCATED]


def test_tags_at_the_end_are_read() -> None:
    assert [field.value for field in tags(NARROW + FRAMES + ape(("NOAI", b"1"))).fields] == ["1"]


@pytest.mark.parametrize(
    ("behind", "code"),
    [
        (b"\xffNOAI=1" + bytes(9000), Code.TAG_UNREADABLE),
        (bytes(5000) + b"TXXX\0NOAI\0a.b.c", Code.TAG_UNREADABLE),
        (b"\xff" * (OPAQUE_BYTES + 1), Code.LIMIT_EXCEEDED),
    ],
    ids=["junk", "behind frames of zeros", "too much"],
)
def test_what_stands_behind_the_frames_is_a_note(behind: bytes, code: Code) -> None:
    assert code in [note.code for note in tags(NARROW + FRAMES + behind).notes]


@given(st.binary(max_size=300), st.sampled_from([NARROW, WIDE, b"#!AMR_MC1.0\n"]))
def test_any_frames_raise_only_container_errors(data: bytes, magic: bytes) -> None:
    source = BytesSource(magic + data)
    for read in (AMR.read_tags, AMR.read_essence):
        with suppress(ContainerError):
            read(source)
    with suppress(ContainerError):
        AMR.inventory(source, TagEdit(markers=()))
