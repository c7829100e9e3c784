"""Runs of Ogg pages of which nothing is to be said but what they hold: nearly all of nearly every file.

Each is the next page of one stream, and continues a packet if the one in front left it open: exactly those
that :meth:`noai.containers._ogg_streams.LogicalStream.follows` takes. What they hold is put together, so that
packets are looked at by the thousand. Where anything is odd the run ends, and the page is looked at alone.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

from noai.containers._ogg_pages import CAPTURE, CHECKSUM_AT, HEADER

#: Capture pattern and version, flags, granule position, serial, sequence, checksum, segments.
_HEADER: Final = struct.Struct("<5sBqIIIB")
_CHECKSUM: Final = struct.Struct(">I")
_UNSET: Final = bytes(_CHECKSUM.size)


class Place(NamedTuple):
    """How far a stream has come: what its last page says. ``flags`` are those that the next one has."""

    serial: int
    sequence: int
    flags: int
    granule: int


class Stretch(NamedTuple):
    """What pages in a row hold: their lacing and bodies, and the granule position of the last."""

    lacing: bytes
    body: bytes
    granule: int


class Run(NamedTuple):
    """``length`` bytes of pages: all but the last, if there are several, and the last one."""

    length: int
    place: Place
    stretches: tuple[Stretch, ...]
    checksums_hold: bool


def read_run(data: bytes, mirrored: bytearray, start: int, place: Place) -> Run | None:
    """The plain pages at ``start`` in ``data``, as far as they are whole there, behind ``place``.

    ``mirrored`` is ``data`` with the bits of each byte reversed, as for
    :func:`noai.containers._ogg_pages.checksum`; the checksums of these pages in it become zero.
    """
    serial, sequence, flags, granule = place
    unpack, view, bits = _HEADER.unpack_from, memoryview(data), memoryview(mirrored)
    last, at, before, holds = len(data) - HEADER.size, start, granule, True
    lacings: list[bytes] = []
    bodies: list[memoryview] = []
    while at <= last:
        capture, marks, position, owner, number, _, segments = unpack(data, at)
        if (
            number - 1 != sequence
            or owner != serial
            or marks != flags
            or position < granule
            or capture != CAPTURE
            or not segments
        ):
            break
        body = at + HEADER.size + segments
        lacing = data[at + HEADER.size : body]
        end = body + sum(lacing)
        if end > len(data):
            break
        field = at + CHECKSUM_AT
        (stated,) = _CHECKSUM.unpack_from(bits, field)
        mirrored[field : field + _CHECKSUM.size] = _UNSET
        holds = holds and zlib.crc32(bits[at:end], 0xFFFFFFFF) ^ 0xFFFFFFFF == stated
        lacings.append(lacing)
        bodies.append(view[body:end])
        before, granule, sequence, at = granule, position, number, end
        flags = lacing[-1] == 255
    if not lacings:
        return None
    stretches = [Stretch(lacings.pop(), bytes(bodies.pop()), granule)]
    if lacings:
        stretches.insert(0, Stretch(b"".join(lacings), b"".join(bodies), before))
    return Run(at - start, Place(serial, sequence, int(flags), granule), tuple(stretches), holds)
