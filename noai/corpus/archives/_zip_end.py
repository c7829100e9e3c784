"""The end of a zip file, which says where its directory is (PKWARE APPNOTE 6.3.10, 4.3.14 to 4.3.16)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.errors import ArchiveMalformed
from noai.sources import ByteSource, read_exactly

CENTRAL: Final = b"PK\x01\x02"
END: Final = b"PK\x05\x06"
END64: Final = b"PK\x06\x06"
LOCATOR64: Final = b"PK\x06\x07"
END_STRUCT: Final = struct.Struct("<4s4H2IH")
END64_STRUCT: Final = struct.Struct("<4sQ2H2I4Q")
LOCATOR64_STRUCT: Final = struct.Struct("<4sIQI")
#: Of a number that stands in the large end record.
FULL16: Final = 0xFFFF
FULL32: Final = 0xFFFFFFFF
#: The last part of a file in which the end record stands: it and the longest comment.
_END_SEARCHED: Final = END_STRUCT.size + 0xFFFF


@dataclass(frozen=True)
class ZipEnd:
    """What the end of the file says of its directory; ``base`` is what stands in front of the archive."""

    start: int
    size: int
    count: int
    base: int
    comment: bytes


def pack_end(count: int, start: int, size: int, comment: bytes) -> bytes:
    """The end of a file whose directory of ``count`` members has ``size`` bytes from ``start``."""
    large = b""
    if count >= FULL16 or max(start, size) >= FULL32:
        large = END64_STRUCT.pack(END64, END64_STRUCT.size - 12, 45, 45, 0, 0, count, count, size, start)
        large += LOCATOR64_STRUCT.pack(LOCATOR64, 0, start + size, 1)
    told = min(count, FULL16)
    small = END_STRUCT.pack(END, 0, 0, told, told, min(size, FULL32), min(start, FULL32), len(comment))
    return large + small + comment


def read_end(source: ByteSource) -> ZipEnd:
    """Where the directory of a zip file is.

    Raises:
        ArchiveMalformed: if there is none, or more than one.
        SourceError: if the bytes cannot be had.
    """
    first = max(0, source.size - _END_SEARCHED)
    tail = read_exactly(source, first, source.size - first)
    found = [at for at in _all(tail, END) if _ends_file(tail, at)]
    if len(found) != 1:
        raise ArchiveMalformed("the directory at its end is missing" if not found else "has two directories")
    (at,) = found
    _, disk, start_disk, here, count, size, start, length = END_STRUCT.unpack_from(tail, at)
    comment, position = tail[at + END_STRUCT.size :], first + at
    if len(comment) != length or disk or start_disk or here != count:
        raise ArchiveMalformed("its parts are on several disks")
    large = _read_end64(source, position)
    if large is not None:
        small = ((count, FULL16), (size, FULL32), (start, FULL32))
        for (told, full), real in zip(small, large[1:], strict=True):
            if told not in (real, full):
                raise ArchiveMalformed("has two directories")
        position, count, size, start = large
    elif count == FULL16 or FULL32 in (size, start):
        raise ArchiveMalformed("the end of its directory is missing")
    base = position - size - start
    if base < 0 or (base and source.read_at(start, 4) == CENTRAL):
        raise ArchiveMalformed("its directory stands elsewhere than its end says")
    return ZipEnd(base + start, size, count, base, comment)


def _read_end64(source: ByteSource, end: int) -> tuple[int, int, int, int] | None:
    """Where the large end record begins; members, bytes and place of the directory."""
    if end < LOCATOR64_STRUCT.size:
        return None
    locator = source.read_at(end - LOCATOR64_STRUCT.size, LOCATOR64_STRUCT.size)
    if locator[:4] != LOCATOR64:
        return None
    position = end - LOCATOR64_STRUCT.size - END64_STRUCT.size
    record = source.read_at(position, END64_STRUCT.size) if position >= 0 else b""
    if record[:4] != END64:
        raise ArchiveMalformed("the end of its directory is of a kind that is not read")
    _, _, _, _, disk, start_disk, here, count, size, start = END64_STRUCT.unpack(record)
    if disk or start_disk or here != count:
        raise ArchiveMalformed("its parts are on several disks")
    return position, count, size, start


def _all(data: bytes, wanted: bytes) -> Iterator[int]:
    at = data.find(wanted)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1)


def _ends_file(tail: bytes, at: int) -> bool:
    """Whether a record at ``at`` has a comment that ends where the file does."""
    if at + END_STRUCT.size > len(tail):
        return False
    return at + END_STRUCT.size + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)
