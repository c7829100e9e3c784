"""Speex in Ogg: its header, its configuration, and headers that some decoders skip."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers._ogg_speex import SpeexHeader
from noai.containers.ogg import Ogg
from noai.errors import ContainerMalformed
from noai.sources import BytesSource
from tests.unit.ogg_bytes import (
    LIFT,
    MARK,
    NOTHING,
    codes,
    essence,
    header_packets,
    markers,
    notes,
    page,
    pages,
    serial_of,
    tags,
    with_headers,
    written,
)

Files = Callable[..., Path]

#: Offsets of 32-bit fields in the header packet.
VERSION, RATE, MODE, CHANNELS, BITRATE, FRAME_SIZE, FRAMES, EXTRA = 28, 36, 40, 48, 52, 56, 64, 68


@pytest.fixture
def plain(encoded: Files) -> bytes:
    return encoded("ogg-speex", "plain").read_bytes()


def changed(data: bytes, at: int, value: int) -> bytes:
    """The file with another number in its header packet."""
    first, *rest = header_packets(data)
    return with_headers(data, [first[:at] + struct.pack("<i", value) + first[at + 4 :], *rest])


def test_the_configuration_is_that_of_the_document(plain: bytes) -> None:
    header = SpeexHeader.parse(BytesSource(header_packets(plain)[0]))
    assert header.configuration() == struct.pack("<IIiIIII", 44_100, 2, 4, 2, 640, 1, 0)
    assert essence(plain).digest.scheme == "speex/1"


def test_what_decides_how_packets_decode_is_in_the_digest(plain: bytes) -> None:
    for at, value in ((RATE, 8000), (MODE, 1), (CHANNELS, 1), (FRAME_SIZE, 320), (FRAMES, 2), (EXTRA, 1)):
        assert essence(changed(plain, at, value)).digest != essence(plain).digest, at
    other_rate = changed(plain, BITRATE, 24_000)
    assert essence(other_rate) == essence(plain)
    items = [Ogg().inventory(BytesSource(data), NOTHING) for data in (plain, other_rate)]
    assert items[0] != items[1]


@pytest.mark.parametrize(
    ("at", "value"),
    [(VERSION, 2), (RATE, 0), (MODE, 3), (CHANNELS, 3), (FRAME_SIZE, 0), (FRAMES, -1), (EXTRA, -1)],
)
def test_a_header_that_decoders_refuse_is_refused(plain: bytes, at: int, value: int) -> None:
    data = changed(plain, at, value)
    with pytest.raises(ContainerMalformed):
        essence(data)
    if at != EXTRA or value < 0:
        assert Code.TAG_UNREADABLE in notes(data)


def test_a_short_header_is_refused(plain: bytes) -> None:
    first, *rest = header_packets(plain)
    data = with_headers(plain, [first[:79], *rest])
    with pytest.raises(ContainerMalformed):
        essence(data)


def test_extra_headers_are_covered_and_never_passed_over(plain: bytes) -> None:
    """speexdec skips them, ffmpeg plays them."""
    first, comment = header_packets(plain)
    announced = first[:EXTRA] + struct.pack("<i", 1) + first[EXTRA + 4 :]
    data = with_headers(plain, [announced, comment, b"NOAI=1 in a place of its own"])
    hidden = with_headers(plain, [announced, comment, b"NOAI=2 in a place of its own"])
    assert notes(data) == [Code.TAG_UNREADABLE]
    assert essence(data).digest != essence(hidden).digest
    assert essence(data).payload_bytes == essence(plain).payload_bytes + 28


def test_the_marker_goes_into_the_comments(encoded: Files) -> None:
    data = encoded("ogg-speex", "tagged").read_bytes()
    after = written(data, MARK)
    assert b"NOAI=" in pages(after)[1]
    assert pages(after)[2:] == pages(data)[2:]
    assert written(after, LIFT) == data


def test_a_framing_bit_where_there_is_none_says_nothing(plain: bytes) -> None:
    """As GStreamer writes it behind the comments of Speex and Opus."""
    first, comment = header_packets(plain)
    data = with_headers(plain, [first, comment + b"\x01"])
    assert notes(data) == []
    assert len(markers(written(data, MARK))) == 1
    assert notes(with_headers(plain, [first, comment + b"\x01NOAI"])) == [Code.TAG_UNREADABLE]


def test_comments_that_are_damaged_do_not_read_as_empty(plain: bytes) -> None:
    first, comment = header_packets(plain)
    data = with_headers(plain, [first, comment[:-3]])
    assert Code.TAG_UNREADABLE in notes(data)
    alone = pages(plain)[0] + page(serial_of(plain), 1, 4, b"")
    assert Code.TAG_UNREADABLE in notes(alone)
    assert tags(alone).fields == ()
    assert codes(essence(data)) == set()
