"""What an Ogg file says of its own extent, when that is believed, and what is passed over then."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers._ogg_front import Front
from noai.containers._ogg_pages import CONTINUED, FIRST, LAST, NO_GRANULE, with_checksum
from noai.containers._ogg_streams import read_heads
from noai.containers.interface import FieldRole, TagEdit
from noai.containers.ogg import Ogg
from noai.errors import ContainerMalformed
from noai.limits import KIB, OGG_WALKED_BYTES
from noai.sources import BytesSource
from tests.encoders.vorbis_tags import picture_tag
from tests.unit.ogg_bytes import (
    KINDS,
    codes,
    essence,
    granule_of,
    header_packets,
    longer,
    markers,
    page,
    pages,
    serial_of,
    tags,
    with_granule,
    with_headers,
    with_serial,
    written,
)

Files = Callable[..., Path]
EACH = pytest.mark.parametrize("container", KINDS)
TAGGED = pytest.mark.parametrize("container", ["ogg-vorbis", "ogg-opus"])
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJub2FpIjoxfQ.AAAA"


class Counted(BytesSource):
    """Counts what is read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads: list[tuple[int, int]] = []

    def read_at(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        return super().read_at(offset, length)


def is_walked(data: bytes) -> bool:
    """Whether reading the tags meets every page."""
    whole = read_heads(BytesSource(data))
    met = Front(BytesSource(data))
    met.feed_heads()
    assert [stream.kind for stream in met.streams][:1] == [stream.kind for stream in whole.streams][:1]
    return met.streams[0]._sequence == whole.streams[0]._sequence


def marked(data: bytes) -> bytes:
    return written(data, TagEdit(markers=(TOKEN,)))


def audio_of(data: bytes) -> int:
    """How many pages stand in front of the audio."""
    return len(read_heads(BytesSource(data)).streams[0].header_pages)


def in_the_middle(data: bytes, link: bytes) -> bytes:
    parts = pages(data)
    return b"".join([*parts[: len(parts) // 2], link, *parts[len(parts) // 2 :]])


@pytest.fixture
def lengthy(encoded: Files) -> Callable[[str], bytes]:
    """Half a megabyte to a whole one."""
    return lambda container: longer(encoded(container, "long").read_bytes(), 3)


@EACH
def test_one_stream_to_the_end_is_believed(
    lengthy: Callable[[str], bytes], encoded: Files, container: str
) -> None:
    data = lengthy(container)
    assert not is_walked(data)
    source = Counted(data)
    assert Ogg().read_tags(source) == tags(data)
    assert len(source.reads) < 40
    assert sum(length for _, length in source.reads) < 128 * KIB
    assert markers(marked(data)) == [TOKEN]
    assert not is_walked(marked(data))
    short = encoded(container, "plain").read_bytes()
    assert len(short) <= OGG_WALKED_BYTES
    assert is_walked(short)


@EACH
def test_a_short_link_in_a_long_file_is_passed_over_and_breaks_every_binding(
    lengthy: Callable[[str], bytes], encoded: Files, container: str
) -> None:
    data, link = lengthy(container), marked(encoded(container, "plain").read_bytes())
    for serial in (serial_of(data), serial_of(data) ^ 1):
        hidden = in_the_middle(data, with_serial(link, serial))
        assert markers(hidden) == []
        assert Code.OGG_PAGES in codes(essence(hidden))
        assert markers(link) == [TOKEN]


def changed(part: bytes, **fields: int) -> bytes:
    """A page with another header: flags, granule, serial, sequence."""
    names = ("flags", "granule", "serial", "sequence")
    values = dict(zip(names, struct.unpack_from("<BqII", part, 5), strict=True)) | fields
    return with_checksum(part[:5] + struct.pack("<BqII", *(values[name] for name in names)) + part[22:])


def number_of(part: bytes) -> int:
    return int.from_bytes(part[18:22], "little")


DISTRUSTED: dict[str, Callable[[list[bytes], int], list[bytes]]] = {
    "no end of the stream": lambda p, a: [*p[:-1], changed(p[-1], flags=p[-1][5] & ~LAST)],
    "end of the stream too early": lambda p, a: [*p[:-2], changed(p[-2], flags=p[-2][5] | LAST), p[-1]],
    "end of the stream at its start": lambda p, a: [
        *p[: a + 1], changed(p[a + 1], flags=p[a + 1][5] | LAST), *p[a + 2 :]
    ],
    "wrong checksum": lambda p, a: [*p[:-1], p[-1][:-1] + bytes([p[-1][-1] ^ 1])],
    "last page of another stream": lambda p, a: [*p[:-1], changed(p[-1], serial=99)],
    "bytes behind": lambda p, a: [*p, b"\0"],
    "bytes in front of the end": lambda p, a: [*p[:-1], b"\0", p[-1]],
    "bytes in front of the audio": lambda p, a: [*p[:a], b"\0", *p[a:]],
    "cut off": lambda p, a: [*p[:-1], p[-1][:-1]],
    "page missing near the end": lambda p, a: [*p[:-2], p[-1]],
    "page missing behind the headers": lambda p, a: [*p[:a], *p[a + 1 :]],
    "second page missing": lambda p, a: [*p[: a + 1], *p[a + 2 :]],
    "position of the end too low": lambda p, a: [*p[:-1], with_granule(p[-1], granule_of(p[a]))],
    "no position at the end": lambda p, a: [*p[:-1], with_granule(p[-1], NO_GRANULE)],
    "positions that go back at the end": lambda p, a: [*p[:-1], with_granule(p[-1], granule_of(p[-2]) - 1)],
    "sequence number too low": lambda p, a: [
        *p[: len(p) // 2],
        *(changed(each, sequence=number_of(each) - len(p) // 3) for each in p[len(p) // 2 :]),
    ],
    "a second stream in front": lambda p, a: [
        p[0], page(5, 0, FIRST, b"fishead\0" + bytes(56)), *p[1:], page(5, 1, LAST, b"")
    ],
    "a stream that begins in the end": lambda p, a: [*p[:-1], page(5, 0, FIRST | LAST, b"x"), p[-1]],
}  # fmt: skip


@EACH
@pytest.mark.parametrize("what", DISTRUSTED)
def test_what_contradicts_it_is_walked(lengthy: Callable[[str], bytes], container: str, what: str) -> None:
    data = lengthy(container)
    assert is_walked(b"".join(DISTRUSTED[what](pages(data), audio_of(data))))


@EACH
@pytest.mark.parametrize("serials", [(1, 2), (1, 1), (1, 2, 1), (1, 1, 1)])
def test_joined_files_are_walked(encoded: Files, container: str, serials: tuple[int, ...]) -> None:
    """Under one serial number too, as encoders that are to write the same twice all use."""
    data = encoded(container, "long").read_bytes()
    for place in range(len(serials)):
        links = [marked(data) if number == place else data for number in range(len(serials))]
        joined = b"".join(with_serial(link, serial) for link, serial in zip(links, serials, strict=True))
        assert markers(joined) == [TOKEN]


# -- pictures ---------------------------------------------------------------------------------


def with_picture(data: bytes, *behind: str, size: int = 400_000, pages_of: int = 16) -> bytes:
    """``data`` with a picture in its comments, and these behind it, on pages of so many segments."""
    first, old, *rest = header_packets(data)
    magic = 8 if first.startswith(b"OpusHead") else 7
    picture = picture_tag(bytes(range(256)) * (size // 256), b"image/png")
    items = [item.encode() for item in ("TITLE=x", picture, *behind)]
    packed = b"".join(struct.pack("<I", len(item)) + item for item in items)
    comments = old[:magic] + struct.pack("<II", 0, len(items)) + packed + (b"\1" if magic == 7 else b"")
    whole = with_headers(data, [first, comments, *rest], together=True)
    heads = read_heads(BytesSource(whole)).streams[0]
    body = b"".join(whole[each.body : each.end] for each in heads.header_pages[1:])
    lacing = b"".join(each.lacing for each in heads.header_pages[1:])
    made = [whole[: heads.header_pages[0].end]]
    number, open_packet = 0, False
    while lacing:
        part, lacing = lacing[:pages_of], lacing[pages_of:]
        content, body = body[: sum(part)], body[sum(part) :]
        number += 1
        granule = NO_GRANULE if part.count(255) == len(part) else 0
        flags = CONTINUED if open_packet else 0
        header = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, heads.serial, number, 0, len(part))
        made.append(with_checksum(header + part + content))
        open_packet = part.endswith(b"\xff")
    for each in pages(whole[heads.header_pages[-1].end :]):
        number += 1
        made.append(changed(each, sequence=number))
    return b"".join(made)


@TAGGED
@pytest.mark.parametrize("pages_of", [16, 17, 255])
def test_pages_that_a_picture_fills_are_passed_over(encoded: Files, container: str, pages_of: int) -> None:
    plain = encoded(container, "long").read_bytes()
    data = with_picture(plain, f"NOAI={TOKEN}", "ARTIST=y", pages_of=pages_of)
    assert essence(data) == essence(plain)
    assert markers(data) == [TOKEN]
    source = Counted(data)
    area = Ogg().read_tags(source)
    assert [field.key for field in area.fields] == ["TITLE", "NOAI", "ARTIST"]
    assert area.notes == ()
    assert len(source.reads) < 40
    assert sum(length for _, length in source.reads) < 300 * KIB


@TAGGED
def test_pages_that_are_not_those_of_the_picture_are_met(encoded: Files, container: str) -> None:
    data = with_picture(encoded(container, "long").read_bytes(), f"NOAI={TOKEN}")
    parts = pages(data)
    doubled = [*parts[:9], parts[9], *parts[9:]]
    assert [note.code for note in tags(b"".join(doubled)).notes] == [Code.TAG_UNREADABLE]
    missing = [*parts[:9], *parts[10:]]
    assert [note.code for note in tags(b"".join(missing)).notes] == [Code.TAG_UNREADABLE]
    renumbered = [changed(each, sequence=number_of(each) + (at > 8)) for at, each in enumerate(parts)]
    assert [note.code for note in tags(b"".join(renumbered)).notes] == [Code.TAG_UNREADABLE]


@TAGGED
def test_a_page_hidden_in_a_picture_breaks_every_binding(encoded: Files, container: str) -> None:
    data = with_picture(encoded(container, "long").read_bytes())
    parts = pages(data)
    for foreign in (
        changed(parts[9], serial=5, flags=FIRST),
        changed(parts[9], sequence=77),
        b"x" * len(parts[9]),
    ):
        hidden = b"".join([*parts[:9], foreign, *parts[10:]])
        assert tags(hidden).notes == ()
        try:
            found = codes(essence(hidden))
        except ContainerMalformed:
            continue
        assert Code.OGG_PAGES in found


def test_a_marker_is_read_as_by_the_walk(encoded: Files) -> None:
    """Whatever stands in the comments, both ways to read them find the same."""
    for container in KINDS:
        for variant in ("plain", "long", "tagged", "ffmpeg"):
            data = encoded(container, variant).read_bytes()
            fields = tags(marked(data)).fields
            assert [field.value for field in fields if field.role is FieldRole.MARKER] == [TOKEN]
