"""Ogg files in memory: taken apart, put together again, and read."""

from __future__ import annotations

import io
import struct

from noai.codes import Code
from noai.containers._ogg_pages import FIRST, LAST, Page, PageReader, paginate, with_checksum
from noai.containers._ogg_streams import read_heads
from noai.containers.interface import FieldRole, TagArea, TagEdit
from noai.containers.ogg import Ogg
from noai.essence import EssenceReading
from noai.sources import BytesSource

MARKER = "eyJhbGciOiJFUzI1NiIs." + "eyJub2FpIjoxLCJpZCI6" * 120 + ".Zm9vYmFy"
STATEMENT = "noai:AbCdEfGhIjKlMnOpQrStUv No AI training without permission."
MARK = TagEdit(markers=(MARKER,), statement=STATEMENT)
LIFT = TagEdit(markers=(), lifted_statements=(STATEMENT,))
NOTHING = TagEdit(markers=())
KINDS = ("ogg-vorbis", "ogg-opus", "ogg-flac", "ogg-speex")


def essence(data: bytes) -> EssenceReading:
    return Ogg().read_essence(BytesSource(data))


def tags(data: bytes) -> TagArea:
    return Ogg().read_tags(BytesSource(data))


def notes(data: bytes) -> list[Code]:
    return [note.code for note in tags(data).notes]


def markers(data: bytes) -> list[str]:
    return [field.value for field in tags(data).fields if field.role is FieldRole.MARKER]


def written(data: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(data)
    Ogg().write_tags(file, edit)
    return file.getvalue()


def codes(reading: EssenceReading) -> set[Code]:
    return {violation.code for violation in reading.violations}


def pages(data: bytes) -> list[bytes]:
    found = list(PageReader(BytesSource(data), 4096))
    assert all(isinstance(page, Page) for page in found)
    return [data[page.offset : page.end] for page in found]


def page(serial: int, sequence: int, flags: int, *packets: bytes) -> bytes:
    """One page that holds whole packets."""
    made = bytearray(b"".join(paginate(packets, 1, serial, sequence, 0)))
    made[5] = flags
    return with_checksum(bytes(made))


def serial_of(data: bytes) -> int:
    return int.from_bytes(data[14:18], "little")


def with_serial(data: bytes, serial: int) -> bytes:
    """Every page of ``data`` under another serial number."""
    return b"".join(with_checksum(p[:14] + struct.pack("<I", serial) + p[18:]) for p in pages(data))


def granule_of(page: bytes) -> int:
    (granule,) = struct.unpack_from("<q", page, 6)
    assert isinstance(granule, int)
    return granule


def with_granule(page: bytes, granule: int) -> bytes:
    return with_checksum(page[:6] + struct.pack("<q", granule) + page[14:])


def chained(*links: bytes) -> bytes:
    """Links of one chain, each under a serial number of its own."""
    return b"".join(with_serial(link, number) for number, link in enumerate(links, start=1))


def header_packets(data: bytes) -> list[bytes]:
    """All header packets of the first stream."""
    stream = read_heads(BytesSource(data)).streams[0]
    return [packet.read_at(0, packet.size) for packet in stream.packets]


def with_headers(data: bytes, packets: list[bytes], *, together: bool = False) -> bytes:
    """A file of one stream with other header packets: the first alone, the others each on pages of its own.

    ``together``: on as few pages as they fit on.
    """
    first = read_heads(BytesSource(data)).streams[0]
    audio = pages(data[first.header_pages[-1].end :])
    first_page = page(first.serial, 0, FIRST, packets[0])
    made: list[bytes] = []
    for group in [packets[1:]] if together else [[packet] for packet in packets[1:]]:
        made += paginate(group, 1, first.serial, 1 + len(made), 0)
    behind = (
        with_checksum(each[:18] + struct.pack("<I", 1 + len(made) + number) + each[22:])
        for number, each in enumerate(audio)
    )
    return b"".join([first_page, *made, *behind])


def longer(data: bytes, times: int) -> bytes:
    """The audio of one stream ``times`` in a row, as one stream: to read, not to play."""
    stream = read_heads(BytesSource(data)).streams[0]
    head = stream.header_pages[-1].end
    audio = pages(data[head:])
    made = [data[:head]]
    number, last = stream.header_pages[-1].sequence, granule_of(audio[-1])
    for turn in range(times):
        for part in audio:
            number += 1
            granule = granule_of(part) + turn * last if granule_of(part) >= 0 else -1
            flags = part[5] if turn == times - 1 else part[5] & ~LAST
            moved = part[:5] + struct.pack("<BqII", flags, granule, stream.serial, number) + part[22:]
            made.append(with_checksum(moved))
    return b"".join(made)
