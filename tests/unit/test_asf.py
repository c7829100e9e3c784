"""ASF: what is in its digest, and what forbids binding to it."""

from __future__ import annotations

import hashlib
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.registry import detect
from noai.errors import ContainerError, ContainerMalformed, LimitExceeded, NoaiError
from noai.limits import BOX_DEPTH, BOXES
from noai.sources import BytesSource
from tests.audio import SAMPLES, Studio, ffmpeg
from tests.unit.asf_bytes import (
    ASF,
    NOTHING,
    PACKETS,
    SOUND,
    WMA2,
    asf,
    data,
    descriptors,
    essence,
    extension,
    guid_object,
    header,
    obj,
    packet,
    payload,
    properties,
    several,
    stream,
    tags,
    text,
    violations,
    written,
)


def digest_of(content: bytes) -> tuple[str, bytes]:
    source = BytesSource(content)
    reading = detect(source).container.read_essence(source)
    assert reading.violations == ()
    return reading.digest.scheme, reading.digest.digest


def test_only_asf_is_recognised() -> None:
    assert ASF.detect(BytesSource(asf())) == "asf"
    assert ASF.detect(BytesSource(asf()[1:])) is None
    for read in (ASF.read_tags, ASF.read_essence):
        with pytest.raises(ContainerMalformed):
            read(BytesSource(b"\x30\x26\xb2\x75"))


# -- the digest -----------------------------------------------------------------------------


def test_the_digest_is_the_one_that_is_specified() -> None:
    config = struct.pack("<HIIHH", 1, 22_050, 4000, 300, 16) + bytes(range(10))
    sound = b"".join(SOUND)
    lengths = struct.pack("<II", 150, 100)
    record = b"\x08acm-0161" + struct.pack("<I", len(config)) + config
    record += struct.pack("<Q", 250) + hashlib.sha256(sound).digest()
    record += b"\x01" + struct.pack("<Q", 2) + hashlib.sha256(lengths).digest()
    expected = hashlib.sha256(b"noai-essence/1\0" + struct.pack("<I", 1) + record).digest()
    assert digest_of(asf()) == ("acm-0161/1", expected)


@pytest.mark.parametrize(
    "packets",
    [
        (several((payload(b"", size=150)[:17], SOUND[0])), packet(payload(SOUND[1], number=1, time=100))),
        (
            packet(payload(SOUND[0][:100], size=150)),
            several(
                (payload(b"", offset=100, size=150), SOUND[0][100:]),
                (payload(b"", number=1, size=100, time=9), SOUND[1]),
            ),
        ),
        tuple(packet(payload(each, number=n), correction=b"") for n, each in enumerate(SOUND)),
        (
            packet(payload(SOUND[0])),
            packet(payload(b"video", on=2)),
            packet(payload(SOUND[1], number=1)),
        ),
    ],
    ids=["several payloads", "objects in pieces", "no error correction", "with video between"],
)
def test_how_the_objects_lie_in_packets_plays_no_part(packets: tuple[bytes, ...]) -> None:
    content = header(properties(len(packets)), stream(), stream(2, kind=obj.VIDEO)) + data(*packets)
    assert digest_of(content) == digest_of(asf())


def test_parts_of_a_compressed_payload_are_objects() -> None:
    first, second = (bytes([len(each)]) + each for each in SOUND)
    head = struct.pack("<BBIB", 1, 0, 40, 1) + b"\x05"
    packed = packet(head + first + second, length=300)
    assert digest_of(header(properties(1, least=300, largest=300), stream()) + data(packed)) == digest_of(
        asf()
    )


def test_ffmpeg_reads_compressed_payloads_alike(tmp_path: Path) -> None:
    """Frames of 24 bytes, several in a payload, by hand; ffmpeg copies them into packets of its own."""
    mp3 = tmp_path / "low.mp3"
    ffmpeg("-i", SAMPLES / "unmarked" / "tune.wav", "-ar", "8000", "-ac", "1", "-b:a", "8k",
           "-write_xing", "0", "-id3v2_version", "0", mp3)  # fmt: skip
    sound = mp3.read_bytes()
    frames = [sound[at : at + 72] for at in range(0, 72 * 60, 72)]
    form = struct.pack("<HHIIHHH", 0x55, 1, 8000, 1000, 1, 0, 12) + struct.pack("<HIHHH", 1, 2, 72, 1, 1393)
    packets = []
    for number in range(0, 60, 4):
        parts = b"".join(b"\x48" + frame for frame in frames[number : number + 4])
        head = struct.pack("<BBIB", 0x81, number % 256, 1000 + 72 * number, 1) + b"\x48"
        packets.append(packet(head + parts, length=400))
    props = properties(len(packets), least=400, largest=400)
    path, copied = tmp_path / "packed.asf", tmp_path / "copied.asf"
    path.write_bytes(header(props, stream(form=form)) + data(*packets))
    ffmpeg("-i", path, "-c", "copy", copied)
    assert digest_of(path.read_bytes()) == digest_of(copied.read_bytes())


@pytest.mark.parametrize("variant", ["tagged", "wmav1", "chapters", "video"])
def test_a_copy_by_ffmpeg_has_the_same_digest(studio: Studio, tmp_path: Path, variant: str) -> None:
    path, copied = studio.encoded("asf", variant), tmp_path / "copied.wma"
    ffmpeg("-i", path, "-map", "0:a", "-c", "copy", "-packet_size", "900", copied)
    assert digest_of(copied.read_bytes()) == digest_of(path.read_bytes())


@pytest.mark.parametrize("track", ["tune.wav", "tune.m4a"])
def test_other_containers_yield_the_same(tmp_path: Path, track: str) -> None:
    path, copied = SAMPLES / "unmarked" / track, tmp_path / "copied.asf"
    ffmpeg("-i", path, "-map", "0:a", "-c", "copy", copied)
    assert digest_of(copied.read_bytes()) == digest_of(path.read_bytes())


def test_every_stream_of_audio_counts_in_the_order_of_its_number() -> None:
    packets = (packet(payload(SOUND[0])), packet(payload(SOUND[1], on=2)))
    both = header(properties(2), stream(2), stream(1)) + data(*packets)
    other = header(properties(2), stream(1), stream(2)) + data(*packets)
    assert digest_of(both) == digest_of(other)
    swapped = (packet(payload(SOUND[0], on=2)), packet(payload(SOUND[1], on=1)))
    assert digest_of(header(properties(2), stream(1), stream(2)) + data(*swapped)) != digest_of(both)


# -- what forbids binding -------------------------------------------------------------------


SECOND = packet(payload(SOUND[1], number=1, time=100))
#: Packets that decoders read in different ways, or that nobody can play.
PACKETS_AT_ODDS = {
    "unknown stream": (PACKETS[0], packet(payload(SOUND[1], number=0, on=9))),
    "object missing": (PACKETS[0], packet(payload(SOUND[1], number=2))),
    "object twice": (PACKETS[0], packet(payload(SOUND[1], number=0))),
    "object never complete": (packet(payload(SOUND[0], size=400)), SECOND),
    "piece in the wrong place": (packet(payload(SOUND[0], offset=3, size=400)), SECOND),
    "pieces overlap": (
        packet(payload(SOUND[0], size=200)),
        packet(payload(SOUND[1], offset=100, size=200)),
    ),
    "last object cut off": (PACKETS[0], packet(payload(SOUND[1], number=1, size=400))),
    "time runs back": (packet(payload(SOUND[0], time=9)), packet(payload(SOUND[1], number=1, time=8))),
    "no size": (packet(struct.pack("<BBIB", 1, 0, 0, 0) + SOUND[0]), SECOND),
    "empty payload": (several((payload(b"", size=9), b"")), SECOND),
    "other flags": (PACKETS[0][:4] + b"\x5c" + PACKETS[0][5:], SECOND),
    "other error correction": (b"\x82\x01\0" + PACKETS[0][3:], SECOND),
    "error correction in one packet": (packet(payload(SOUND[0]), correction=b""), SECOND),
    "padding too long": (PACKETS[0][:5] + b"\xff\xff" + PACKETS[0][7:], SECOND),
    "compressed from 0": (
        packet(struct.pack("<BBIB", 1, 0, 0, 1) + b"\0" + b"\x05abcde\x06fghijk"),
        SECOND,
    ),
    "compressed does not fill": (packet(struct.pack("<BBIB", 1, 0, 5, 1) + b"\0" + b"\x09abcde"), SECOND),
    "short last part": (packet(struct.pack("<BBIB", 1, 0, 5, 1) + b"\0" + b"\x06abcdef\x02gh"), SECOND),
}


@pytest.mark.parametrize("name", PACKETS_AT_ODDS)
def test_packets_that_decoders_read_differently_do_not_bind(name: str) -> None:
    found = violations(asf(packets=PACKETS_AT_ODDS[name]))
    assert set(found) & {Code.FRAME_HEADER, Code.ESSENCE_TRUNCATED}


FILES_AT_ODDS = {
    "two headers": (asf() + header(stream(2)) + data(*PACKETS), Code.TRAILING_AUDIO),
    "two data objects": (asf() + data(*PACKETS), Code.TRAILING_AUDIO),
    "junk behind": (asf(behind=b"\x01" * 9), Code.TRAILING_AUDIO),
    "live": (header(properties(2, flags=3), stream()) + data(*PACKETS), Code.ESSENCE_UNSUPPORTED),
    "encrypted file": (asf(guid_object(obj.ENCRYPTED, bytes(16))), Code.ESSENCE_UNSUPPORTED),
    "encrypted stream": (
        header(properties(2), stream(flags=0x8000)) + data(*PACKETS),
        Code.ESSENCE_UNSUPPORTED,
    ),
    "interleaved": (header(properties(2), stream(span=3)) + data(*PACKETS), Code.ESSENCE_UNSUPPORTED),
    "unknown correction": (
        header(properties(2), stream(correction=obj.NONE)) + data(*PACKETS),
        Code.ESSENCE_UNSUPPORTED,
    ),
    "embedded header": (asf(stream(2, kind=obj.EMBEDDED)), Code.ESSENCE_UNSUPPORTED),
    "packets of two sizes": (header(properties(2, least=100), stream()) + data(*PACKETS), Code.ASF_OBJECTS),
    "another number of packets": (header(properties(3), stream()) + data(*PACKETS), Code.ASF_OBJECTS),
    "another number in the data": (
        header(properties(2), stream()) + data(*PACKETS, count=3),
        Code.ASF_OBJECTS,
    ),
    "half a packet": (header(properties(2), stream()) + data(*PACKETS, bytes(50), count=2), Code.ASF_OBJECTS),
    "two streams of one number": (asf(stream(1)), Code.ASF_OBJECTS),
    "stream outside the header": (asf(behind=stream(3)), Code.ASF_OBJECTS),
    "play duration too short": (
        header(properties(2, duration=10), stream())
        + data(PACKETS[0], packet(payload(SOUND[1], number=1, time=2000))),
        Code.EDIT_HIDES_AUDIO,
    ),
    "short format": (header(properties(2), stream(form=WMA2[:10])) + data(*PACKETS), Code.ESSENCE_UNREADABLE),
    "cut extension": (
        header(properties(2), stream(form=WMA2[:20])) + data(*PACKETS),
        Code.ESSENCE_UNREADABLE,
    ),
    "no channels": (
        header(properties(2), stream(form=WMA2[:2] + b"\0\0" + WMA2[4:])) + data(*PACKETS),
        Code.ASF_OBJECTS,
    ),
    "no audio": (header(properties(2), stream(kind=obj.VIDEO)) + data(*PACKETS), Code.ESSENCE_EMPTY),
    "no packets": (header(properties(0), stream()) + data(), Code.ESSENCE_TRUNCATED),
    "no data": (header(properties(0), stream()), Code.ESSENCE_UNREADABLE),
    "cut off": (asf()[:-90], Code.ASF_OBJECTS),
}


@pytest.mark.parametrize("name", FILES_AT_ODDS)
def test_files_that_readers_take_for_different_ones_do_not_bind(name: str) -> None:
    content, code = FILES_AT_ODDS[name]
    assert code in violations(content)


@pytest.mark.parametrize("count", [0, 2], ids=["none", "two"])
def test_file_properties_stand_there_once(count: int) -> None:
    content = header(*[properties()] * count, stream()) + data(*PACKETS)
    with pytest.raises(ContainerMalformed):
        essence(content)


# -- limits ---------------------------------------------------------------------------------


def test_too_many_objects_are_a_note_and_an_error() -> None:
    content = asf(*[guid_object(b"x" * 16, b"")] * BOXES)
    assert [note.code for note in tags(content).notes] == [Code.LIMIT_EXCEEDED]
    with pytest.raises(LimitExceeded):
        essence(content)


def test_objects_too_deep_in_each_other_are_a_note_and_an_error() -> None:
    inner = descriptors()
    for _ in range(BOX_DEPTH + 2):
        inner = extension(inner)
    assert [note.code for note in tags(asf(inner)).notes] == [Code.LIMIT_EXCEEDED]
    with pytest.raises(LimitExceeded):
        essence(asf(inner))


def test_names_without_end_in_a_stream_are_walked_once() -> None:
    """Counts that no object can hold: each is left where the object ends."""
    names = guid_object(obj.EXTENDED_STREAM, bytes(60) + b"\xff\xff\xff\xff")
    found = tags(asf(extension(*[names] * 400)))
    assert {note.code for note in found.notes} == {Code.TAG_UNREADABLE, Code.LIMIT_EXCEEDED}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2000),
            st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from([bytes(8), b"\xff" * 8])),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_damaged_objects_raise_only_errors_of_noai(changes: list[tuple[int, bytes]]) -> None:
    content = bytearray(asf(descriptors(), extension(), guid_object(obj.MARKERS, bytes(16) + text("x" * 9))))
    for at, piece in changes:
        content[at : at + len(piece)] = piece
    source = BytesSource(bytes(content))
    for read in (ASF.read_tags, ASF.read_essence):
        with suppress(ContainerError):
            read(source)
    with suppress(ContainerError):
        ASF.inventory(source, NOTHING)
    with suppress(NoaiError):
        written(bytes(content), NOTHING)
