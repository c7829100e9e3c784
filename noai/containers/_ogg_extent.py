"""What an Ogg file says of its own extent, so that not every page of it has to be met.

``docs/adr/0010-ogg-ends.md`` says when that is believed, and what it passes over. Where nothing is believed,
and wherever a file is bound or written, every page is walked.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from noai.containers._ogg_pages import (
    CAPTURE,
    CHECKSUM_AT,
    CONTINUED,
    FIRST,
    HEADER,
    LAST,
    NO_GRANULE,
    Page,
    checksum,
)
from noai.limits import OGG_END_BYTES, OGG_PACKET_BYTES, OGG_WALKED_BYTES
from noai.sources import ByteSource, read_exactly

#: Capture pattern and version, flags, granule position, serial, sequence, checksum, segments.
_HEADER: Final = struct.Struct("<5sBqIIIB")
#: Header, lacing and body of the largest page (RFC 3533 §6).
_LONGEST_HEADER: Final = HEADER.size + 255
_LARGEST_PAGE: Final = _LONGEST_HEADER + 255 * 255
#: How much larger than the largest page that was seen the others may be in the mean, in percent: two streams
#: of one length that are joined have pages that seem twice as large.
_LARGER: Final = 125
#: By how many pages the last one of comments may be longer than the others, which take what is left over.
_LAST_LONGER: Final = 2
_LENGTH: Final = struct.Struct("<I")
#: The length of a comment, and the key that it begins with if it is a picture.
PICTURE_BEGINS: Final = re.compile(rb"....(?:METADATA_BLOCK_PICTURE|COVERART)=", re.S | re.I)


class _Last(NamedTuple):
    """The last page, which ends where the file does; ``largest`` is the size of those in front of it."""

    data: bytes
    granule: int
    sequence: int
    largest: int


def is_one_stream(source: ByteSource, first: Page) -> bool:
    """Whether all that follows is the audio of one stream, by how the file ends.

    ``first`` is the page behind the header pages of the only stream that begins the file.

    Raises:
        SourceError: if the bytes cannot be had.
    """
    size = source.size
    if size <= OGG_WALKED_BYTES or first.end + _LONGEST_HEADER > size:
        return False
    second = source.read_at(first.end, _LONGEST_HEADER)
    capture, flags, granule, serial, sequence, _, segments = _HEADER.unpack_from(second)
    if capture != CAPTURE or serial != first.serial or sequence - 1 != first.sequence or flags > CONTINUED:
        return False
    if -1 != granule < first.granule:
        return False
    start = max(first.offset, size - OGG_END_BYTES)
    last = _last_page(source.read_at(start, size - start), serial)
    if last is None or last.granule <= first.granule:
        return False
    body = HEADER.size + segments
    largest = max(first.end - first.offset, body + sum(second[HEADER.size : body]), last.largest)
    pages = last.sequence - first.sequence + 1
    if size - first.offset > pages * min(_LARGEST_PAGE, largest * _LARGER // 100):
        return False
    return last.data[CHECKSUM_AT : CHECKSUM_AT + 4] == checksum(last.data)


def _last_page(data: bytes, serial: int) -> _Last | None:
    """The last page of the stream, if all in ``data``, with which the file ends, follow one another."""
    unpack, end, at = _HEADER.unpack_from, len(data), data.find(CAPTURE)
    largest, position, before = 0, -1, -1
    while 0 <= at <= end - HEADER.size:
        capture, flags, granule, owner, sequence, _, segments = unpack(data, at)
        if owner != serial or capture != CAPTURE or sequence - 1 != before != -1 or flags & FIRST:
            return None
        body = at + HEADER.size + segments
        length = body - at + sum(data[at + HEADER.size : body])
        if at + length >= end:
            is_last = at + length == end and flags & LAST and granule >= position
            return _Last(data[at:], granule, sequence, largest) if is_last else None
        if flags & LAST or -1 != granule < position:
            return None
        if length > largest:
            largest = length
        if granule != -1:
            position = granule
        before = sequence
        at += length
    return None


def pages_of_picture(source: ByteSource, page: Page, at: int) -> Iterator[Page]:
    """The pages behind ``page`` that hold nothing but the picture that it begins, as far as they are alike.

    ``page``, filled by a packet with comments, which begin ``at`` in it, says by its size and lacing how they
    look. Where the page that holds the end of the picture stands as it should, those in front of it are not
    met.

    Raises:
        SourceError: if the bytes cannot be had.
    """
    size, body = page.end - page.offset, page.end - page.body
    end = _end_of_picture(read_exactly(source, page.body, body), at)
    for number in range(1, pages_to_pass(source, page, end)) if end else ():
        yield page._replace(
            offset=page.offset + number * size,
            flags=CONTINUED,
            granule=NO_GRANULE,
            sequence=page.sequence + number,
            body=page.body + number * size,
            end=page.end + number * size,
        )


def pages_to_pass(source: ByteSource, page: Page, end: int) -> int:
    """How many pages behind ``page`` the next one is that has to be met; 0 if all have to.

    ``page`` is filled by a packet, of which ``end`` bytes are nothing that has to be met.

    Raises:
        SourceError: if the bytes cannot be had.
    """
    if source.size <= OGG_WALKED_BYTES or end > OGG_PACKET_BYTES:
        return 0
    size, last = page.end - page.offset, end // (page.end - page.body)
    for number in range(last, max(1, last - _LAST_LONGER - 1), -1):
        header = source.read_at(min(page.offset + number * size, source.size), HEADER.size)
        if len(header) == HEADER.size:
            capture, flags, _, serial, sequence, _, _ = _HEADER.unpack(header)
            if (capture, flags, serial) == (CAPTURE, CONTINUED, page.serial):
                return number if sequence == page.sequence + number else 0
    return 0


def _end_of_picture(data: bytes, at: int) -> int | None:
    """Where in its packet the picture ends that is not wholly in ``data``; None if there is none.

    ``data`` is how the packet begins, and ``at`` where its comments do.
    """
    end = len(data)
    if end - at < 8:
        return None
    at += 4 + _LENGTH.unpack_from(data, at)[0]
    count, at = (_LENGTH.unpack_from(data, at)[0] if end - at >= 4 else 0), at + 4
    while count and end - at >= 4:
        stop: int = at + 4 + _LENGTH.unpack_from(data, at)[0]
        if stop > end:
            return stop if PICTURE_BEGINS.match(data, at) else None
        at = stop
        count -= 1
    return None
