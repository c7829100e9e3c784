"""The directory of a zip file, and where each member stands (PKWARE APPNOTE 6.3.10, 4.3).

Strict where readers differ about which members there are, and where: one directory, at one place, whose
members agree with what stands in front of their bytes, and do not overlap.
"""

from __future__ import annotations

import stat
import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NoReturn

from noai.corpus.archives._zip_end import CENTRAL, FULL16, FULL32, read_end
from noai.errors import ArchiveMalformed, LimitExceeded, MemberUnsupported, NoaiError, SourceNotAFile
from noai.limits import ARCHIVE_MEMBERS, MIB
from noai.sources import ByteSource

LOCAL: Final = b"PK\x03\x04"
_DESCRIPTOR: Final = b"PK\x07\x08"
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_ENCRYPTED: Final = 0x2041
_DESCRIBED: Final = 0x08
_UTF8: Final = 0x800
_BLOCK: Final = 1 * MIB
_ZIP64: Final = 1
_TIMES: Final = 0x5455
_UNIX: Final = 3


@dataclass(frozen=True)
class ZipEntry:
    """One member as the directory has it."""

    name: str
    is_folder: bool
    mtime_ns: int | None
    method: int
    crc: int
    compressed: int
    size: int
    #: Of its local header, of its bytes, and behind its descriptor, if it has one.
    start: int
    data: int
    end: int
    #: What the directory says of it, as it stands there.
    record: bytes
    error: NoaiError | None = None


@dataclass(frozen=True)
class _Record:
    """One record of the directory, taken apart."""

    made_by: int
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    attributes: int
    start: int
    name: bytes
    extra: bytes
    whole: bytes


class ZipDirectory:
    """Reads the directory of one zip file.

    Raises:
        ArchiveMalformed: if there is no directory, or more than one.
        LimitExceeded: if it has too many members.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.end = read_end(source)
        if self.end.count > ARCHIVE_MEMBERS:
            raise LimitExceeded(f"more than {ARCHIVE_MEMBERS} members")
        #: Where the members begin, in order: none may reach into the next.
        starts = array("Q", sorted(record.start for record in self._records()))
        self._starts = starts
        if any(first == second for first, second in pairwise(starts)):
            raise ArchiveMalformed("two members stand at one place")

    def entries(self, wanted: Callable[[str], bool] | None = None) -> Iterator[ZipEntry]:
        """Every member, or those with a name that is ``wanted``, in the order of the directory.

        Raises:
            ArchiveMalformed: if members overlap.
            SourceError: if the bytes cannot be had.
        """
        for record in self._records():
            name = _name(record)
            if wanted is None or wanted(name):
                yield self._entry(record, name)

    def _records(self) -> Iterator[_Record]:
        at, end, count = self.end.start, self.end.start + self.end.size, 0
        buffer, taken = b"", 0
        while at < end:
            if len(buffer) - taken < _CENTRAL.size + 3 * FULL16:
                buffer, taken = self._source.read_at(at, min(_BLOCK, end - at)), 0
            record = _record(buffer, taken, self.end.base)
            if record.start >= self.end.start:
                raise ArchiveMalformed("a member stands behind the directory")
            yield record
            at += len(record.whole)
            taken += len(record.whole)
            count += 1
        if at != end or count != self.end.count:
            raise ArchiveMalformed("the directory has another length than the end of the file says")

    def _entry(self, record: _Record, name: str) -> ZipEntry:
        position = bisect_right(self._starts, record.start)
        following = self._starts[position] if position < len(self._starts) else self.end.start
        try:
            data, end = self._place(record, name, following)
            error = _unsupported(record, name)
        except ArchiveMalformed as malformed:
            data = end = record.start
            error = malformed
        mtime_ns = _modified(record.extra)
        return ZipEntry(
            name,
            name.endswith("/") and not record.size and error is None,
            mtime_ns,
            record.method,
            record.crc,
            record.compressed,
            record.size,
            record.start,
            data,
            end,
            record.whole,
            error,
        )

    def _place(self, record: _Record, name: str, following: int) -> tuple[int, int]:
        """Where a member's bytes begin, and what follows them."""
        header = self._source.read_at(record.start, _LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != LOCAL:
            _malformed(f"{name}: does not stand where the directory says")
        _, _, flags, method, _, _, _, compressed, size, names, extras = _LOCAL.unpack(header)
        there = self._source.read_at(record.start + _LOCAL.size, names)
        if (
            there != record.name
            or method != record.method
            or (flags ^ record.flags) & (_ENCRYPTED | _DESCRIBED)
        ):
            _malformed(f"{name}: the directory says otherwise than what stands in front of its bytes")
        described = bool(flags & _DESCRIBED)
        sizes = ((compressed, record.compressed), (size, record.size))
        if any(told not in (real, FULL32) and not (described and not told) for told, real in sizes):
            _malformed(f"{name}: two sizes are told of it")
        data = record.start + _LOCAL.size + names + extras
        end = data + record.compressed
        if described and end <= following:
            end += self._descriptor(record, end, name)
        if end > following:
            _malformed(f"{name}: reaches into what follows")
        return data, end

    def _descriptor(self, record: _Record, at: int, name: str) -> int:
        """The length of what stands behind bytes whose sizes were not known in front of them."""
        found = self._source.read_at(at, 24)
        for sizes in ("<3I", "<I2Q"):
            if sizes == "<3I" and max(record.compressed, record.size) > FULL32:
                continue
            told = struct.pack(sizes, record.crc, record.compressed, record.size)
            for whole in (_DESCRIPTOR + told, told):
                if found.startswith(whole):
                    return len(whole)
        raise ArchiveMalformed(f"{name}: what stands behind its bytes says otherwise than the directory")


def _name(record: _Record) -> str:
    if b"\0" in record.name:
        raise ArchiveMalformed(f"a name holds NUL, at {record.start}")
    return record.name.decode("utf-8" if record.flags & _UTF8 else "cp437", "surrogateescape")


def _unsupported(record: _Record, name: str) -> NoaiError | None:
    if record.flags & _ENCRYPTED:
        return MemberUnsupported(f"{name}: is encrypted")
    mode = record.attributes >> 16
    if record.made_by >> 8 == _UNIX and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return SourceNotAFile(f"{name}: is a link or a device")
    return None


def _record(buffer: bytes, at: int, base: int) -> _Record:
    if len(buffer) - at < _CENTRAL.size or not buffer.startswith(CENTRAL, at):
        raise ArchiveMalformed("the directory is damaged")
    fields = _CENTRAL.unpack_from(buffer, at)
    (
        _,
        made_by,
        _,
        flags,
        method,
        _,
        _,
        crc,
        compressed,
        size,
        names,
        extras,
        comments,
        disk,
        _,
        attributes,
        start,
    ) = fields
    end = at + _CENTRAL.size + names + extras + comments
    if end > len(buffer) or disk not in (0, FULL16):
        raise ArchiveMalformed("the directory is damaged, or on another disk")
    name = buffer[at + _CENTRAL.size : at + _CENTRAL.size + names]
    extra = buffer[at + _CENTRAL.size + names : end - comments]
    large = extra_field(extra, _ZIP64)
    values = [size, compressed, start]
    for position, value in enumerate(values):
        if value == FULL32 and large is not None:
            if len(large) < 8:
                raise ArchiveMalformed("a size of the directory is missing")
            values[position], large = int.from_bytes(large[:8], "little"), large[8:]
    size, compressed, start = values
    return _Record(
        made_by, flags, method, crc, compressed, size, attributes, base + start, name, extra, buffer[at:end]
    )


def moved(record: bytes, start: int) -> bytes:
    """A record of the directory for a member that stands at ``start`` now, which is not further behind."""
    changed = bytearray(record)
    if int.from_bytes(record[42:46], "little") != FULL32:
        changed[42:46] = start.to_bytes(4, "little")
        return bytes(changed)
    names, extras = struct.unpack_from("<2H", record, 28)
    extra = record[46 + names : 46 + names + extras]
    at = _extra_at(extra, _ZIP64)
    if at is None:
        changed[42:46] = start.to_bytes(4, "little")
        return bytes(changed)
    at += 46 + names + 8 * sum(record[field : field + 4] == b"\xff" * 4 for field in (20, 24))
    changed[at : at + 8] = start.to_bytes(8, "little")
    return bytes(changed)


def _extra_at(extra: bytes, wanted: int) -> int | None:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == wanted:
            return at + 4
        at += 4 + length
    return None


def extra_field(extra: bytes, wanted: int) -> bytes | None:
    """One of the extra fields of a member."""
    at = _extra_at(extra, wanted)
    return None if at is None else extra[at : at + int.from_bytes(extra[at - 2 : at], "little")]


def _modified(extra: bytes) -> int | None:
    """The time of modification in UTC, where it is told: the one in DOS format has no time zone."""
    times = extra_field(extra, _TIMES)
    if times is None or len(times) < 5 or not times[0] & 1:
        return None
    return int.from_bytes(times[1:5], "little", signed=True) * 10**9


def _malformed(what: str) -> NoReturn:
    raise ArchiveMalformed(what)
