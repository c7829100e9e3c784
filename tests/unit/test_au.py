"""AU: its annotation, its digest, and what forbids binding to it."""

from __future__ import annotations

import hashlib
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.au import Au
from noai.containers.interface import FieldRole, TagArea, TagEdit
from noai.containers.registry import detect
from noai.errors import ContainerError, ContainerMalformed
from noai.limits import TAG_VALUE_BYTES
from noai.sources import BytesSource
from tests.unit.mp3_bytes import ape, id3v1

AU = Au()
SOUND = bytes(range(200))


def au(
    annotation: bytes = b"",
    *,
    sound: bytes = SOUND,
    encoding: int = 3,
    size: int | None = None,
    rate: int = 8000,
    channels: int = 1,
) -> bytes:
    length = len(sound) if size is None else size
    head = struct.pack(">4sIIIII", b".snd", 24 + len(annotation), length, encoding, rate, channels)
    return head + annotation + sound


def tags(content: bytes) -> TagArea:
    return AU.read_tags(BytesSource(content))


def fields(content: bytes) -> list[tuple[str, str, FieldRole]]:
    return [(field.key, field.value, field.role) for field in tags(content).fields]


def codes(content: bytes) -> list[Code]:
    return [note.code for note in tags(content).notes]


def violations(content: bytes) -> list[Code]:
    return [violation.code for violation in AU.read_essence(BytesSource(content)).violations]


def test_only_au_is_recognised() -> None:
    assert detect(BytesSource(au())).name == "au"
    for other in (b".snd", b".snd is text" * 9, b"dns." + au()[4:], au()[:23]):
        assert AU.detect(BytesSource(other)) is None
        with pytest.raises(ContainerMalformed):
            AU.read_essence(BytesSource(other))


@pytest.mark.parametrize(
    ("encoding", "codec", "tag", "bits"),
    [
        (1, "pcm", 7, 8),
        (2, "pcm-be", 1, 8),
        (3, "pcm-be", 1, 16),
        (4, "pcm-be", 1, 24),
        (5, "pcm-be", 1, 32),
        (6, "pcm-be", 3, 32),
        (7, "pcm-be", 3, 64),
        (27, "pcm", 6, 8),
    ],
)
def test_the_digest_is_the_one_that_is_specified(encoding: int, codec: str, tag: int, bits: int) -> None:
    config = struct.pack("<HHIHH", tag, 1, 8000, bits, bits)
    assert digest_of(au(encoding=encoding)) == specified(codec, config)


def test_other_encodings_have_their_number() -> None:
    assert digest_of(au(encoding=23)) == specified("au-23", struct.pack("<II", 8000, 1))


def specified(codec: str, config: bytes) -> tuple[str, bytes]:
    record = bytes([len(codec)]) + codec.encode() + struct.pack("<I", len(config)) + config
    record += struct.pack("<Q", len(SOUND)) + hashlib.sha256(SOUND).digest() + b"\0"
    return f"{codec}/1", hashlib.sha256(b"noai-essence/1\0" + struct.pack("<I", 1) + record).digest()


def digest_of(content: bytes) -> tuple[str, bytes]:
    reading = AU.read_essence(BytesSource(content))
    assert reading.violations == ()
    return reading.digest.scheme, reading.digest.digest


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (au(size=300), Code.ESSENCE_TRUNCATED),
        (au(size=100), Code.TRAILING_AUDIO),
        (au() + id3v1(), Code.TRAILING_AUDIO),
        (au(sound=SOUND + id3v1(), size=0xFFFFFFFF), Code.TRAILING_AUDIO),
        (au(rate=0), Code.ESSENCE_UNREADABLE),
        (au(channels=0), Code.ESSENCE_UNREADABLE),
        (au(sound=b""), Code.ESSENCE_EMPTY),
    ],
)
def test_what_decoders_could_play_differently_does_not_bind(content: bytes, code: Code) -> None:
    assert code in violations(content)


def test_audio_of_unknown_size_reaches_to_the_end() -> None:
    assert digest_of(au(size=0xFFFFFFFF)) == digest_of(au(b"an annotation\0\0"))


def test_the_annotation_is_read_line_by_line() -> None:
    content = au(b"noai=1\nTitle = a = b\nCopyright=me\n\nwords of mine\0more\0\0\0")
    assert fields(content) == [
        ("NOAI", "1", FieldRole.MARKER),
        ("TITLE", "a = b", FieldRole.OTHER),
        ("COPYRIGHT", "me", FieldRole.COPYRIGHT),
        ("ANNOTATION", "words of mine", FieldRole.COMMENT),
        ("ANNOTATION", "more", FieldRole.COMMENT),
    ]
    assert codes(content) == []


def test_tags_behind_the_audio_are_read() -> None:
    assert ("NOAI", "1", FieldRole.MARKER) in fields(au() + ape(("NOAI", b"1")))


@pytest.mark.parametrize(
    "content",
    [
        au(b"said by me; NOAI=1"),
        au(b"x" * (TAG_VALUE_BYTES + 1)),
        au() + b"NOAI=1" + bytes(9000),
        au(sound=SOUND + b"NOAI=1" + bytes(9000), size=0xFFFFFFFF),
    ],
    ids=["within a line", "long", "behind the audio", "in audio without size"],
)
def test_what_does_not_belong_is_a_note(content: bytes) -> None:
    assert Code.TAG_UNREADABLE in codes(content)


@given(st.binary(max_size=300))
def test_any_header_raises_only_container_errors(data: bytes) -> None:
    for content in (b".snd" + data, b".snd\0\0\0\x1c" + data):
        source = BytesSource(content)
        for read in (AU.read_tags, AU.read_essence):
            with suppress(ContainerError):
                read(source)
        with suppress(ContainerError):
            AU.inventory(source, TagEdit(markers=()))
