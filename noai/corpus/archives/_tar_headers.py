"""The headers of a tar file: ustar, GNU and pax (POSIX.1-2017, pax, "ustar Interchange Format").

Strict where readers differ about where the next header stands: sizes, checksums and the records of pax.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

from noai.corpus.archives.inflating import Forward
from noai.errors import ArchiveMalformed, LimitExceeded, MemberUnsupported, NoaiError, SourceNotAFile
from noai.limits import (
    ARCHIVE_MEMBERS,
    READ_SIZE,
    TAR_EXTENSION_BYTES,
    TAR_EXTENSIONS,
    TAR_SPARSE_BLOCKS,
)
from noai.words import Word

BLOCK: Final = 512
ZEROS: Final = bytes(BLOCK)
_OCTAL: Final = re.compile(rb" *([0-7]*)[ \0]*")
_RECORD: Final = re.compile(rb"([1-9][0-9]{0,9}) ")
_MOMENT: Final = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]+))?")
_LARGEST: Final = 2**63 - 1
_LINKS: Final = {b"1": "a hard link", b"2": "a link", b"3": "a device", b"4": "a device", b"6": "a FIFO"}
_EXTENSIONS: Final = b"xXLK"


class EntryKind(Word):
    """What a tar file holds."""

    FILE = "file"
    FOLDER = "folder"
    #: Records of pax for all that follows, labels, and what else is no file.
    OTHER = "other"


@dataclass(frozen=True)
class Entry:
    """One entry: its headers, and where its bytes stand."""

    kind: EntryKind
    name: str
    mtime_ns: int | None
    #: Of its first header, of its bytes, and of what follows their padding.
    start: int
    data: int
    end: int
    size: int
    #: All its headers as they stand.
    head: bytes
    error: NoaiError | None = None


class TarHeaders:
    """Reads the entries of one tar file.

    :attr:`end` is where the blocks begin that end it, :attr:`tail` how many bytes of zeros are there.
    """

    def __init__(self, reader: Forward) -> None:
        self._reader = reader
        self._global: dict[str, str] = {}
        self.end: int | None = None
        self.tail = 0

    def entries(self) -> Iterator[Entry]:
        """Every entry. Its bytes may be read while it is the last one that was given.

        Raises:
            ArchiveMalformed, LimitExceeded: where the file cannot be read on.
        """
        for _ in range(ARCHIVE_MEMBERS):
            entry = self._next()
            if entry is None:
                return
            yield entry
            self._reader.skip_to(entry.end)
        raise LimitExceeded(f"more than {ARCHIVE_MEMBERS} members")

    def _next(self) -> Entry | None:
        start, head = self._reader.position, bytearray()
        records: dict[str, str] = {}
        for _ in range(TAR_EXTENSIONS + 1):
            block = self._reader.read(BLOCK)
            if len(block) < BLOCK:
                raise ArchiveMalformed(f"cut off at {start}, without the blocks that end an archive")
            if block == ZEROS and not head:
                self._finish(start)
                return None
            _require_checksum(block, start)
            head += block
            kind, size = block[156:157], _size(block[124:136], start)
            if kind in _EXTENSIONS or kind == b"g":
                data = self._extension(size, head, start)
                if kind in b"xX":
                    records.update(_pax(data, start))
                elif kind == b"g":
                    if records or len(head) > BLOCK + _padded(size):
                        _malformed("records for all members stand among those of one", start)
                    self._global = {**self._global, **_pax(data, start)}
                    here = self._reader.position
                    return Entry(EntryKind.OTHER, "", None, start, here, here, 0, bytes(head))
                elif kind == b"L":
                    records.setdefault("path", _decoded(data.rstrip(b"\0"), start))
                continue
            return self._entry(block, size, start, head, {**self._global, **records})
        raise LimitExceeded(f"more than {TAR_EXTENSIONS} extension headers of one member")

    def _extension(self, size: int, head: bytearray, start: int) -> bytes:
        if size > TAR_EXTENSION_BYTES:
            raise LimitExceeded(f"an extension header at {start} is larger than {TAR_EXTENSION_BYTES} bytes")
        data = self._reader.read(_padded(size))
        if len(data) < _padded(size):
            raise ArchiveMalformed(f"cut off in an extension header at {start}")
        head += data
        return data[:size]

    def _entry(self, block: bytes, size: int, start: int, head: bytearray, records: dict[str, str]) -> Entry:
        kind: bytes = block[156:157]
        error: NoaiError | None = None
        name = records.get("GNU.sparse.name") or records.get("path") or _name(block, start)
        if "size" in records:
            size = _decimal(records["size"], start)
        if kind == b"S":
            self._sparse_map(block, head, start)
        if kind == b"S" or any(key.startswith("GNU.sparse.") for key in records):
            error = MemberUnsupported(f"{name}: is stored without its holes, and is not put together")
        elif kind == b"M":
            error = MemberUnsupported(f"{name}: goes on from another volume")
        what = _kind(kind, name, size)
        if kind in _LINKS:
            error = SourceNotAFile(f"{name}: is {_LINKS[kind]}")
        if size and (kind in _LINKS or kind == b"5" or _is_old_folder(kind, block, name, "path" in records)):
            _malformed(f"{name!r} is no file, and has bytes", start)
        here = self._reader.position
        end = here + _padded(size)
        if end > _LARGEST:
            _malformed("a size is beyond any file", start)
        mtime_ns = _moment(records.get("mtime"), block[136:148])
        return Entry(what, name, mtime_ns, start, here, end, size, bytes(head), error)

    def _sparse_map(self, block: bytes, head: bytearray, start: int) -> None:
        """The blocks behind an old GNU header that go on with its map."""
        more = block[482]
        for _ in range(TAR_SPARSE_BLOCKS):
            if not more:
                return
            block = self._reader.read(BLOCK)
            if len(block) < BLOCK:
                raise ArchiveMalformed(f"cut off in the map of a sparse member at {start}")
            head += block
            more = block[504]
        raise LimitExceeded(f"a sparse member with more than {TAR_SPARSE_BLOCKS} blocks of map")

    def _finish(self, end: int) -> None:
        """Look at all that follows the first block that ends the archive: readers stop there."""
        self.end, self.tail = end, BLOCK
        while block := self._reader.read(READ_SIZE):
            if block.count(0) != len(block):
                raise ArchiveMalformed(f"something follows the end of the archive at {end}, and was not read")
            self.tail += len(block)


def _kind(kind: bytes, name: str, size: int) -> EntryKind:
    if kind == b"5" or (kind in b"D0\0" and (kind == b"D" or name.endswith("/")) and not size):
        return EntryKind.FOLDER
    # Of kinds that it does not know, POSIX has a reader take a file; so do readers of A, E and V with bytes.
    return EntryKind.OTHER if kind in b"AEV" and not size else EntryKind.FILE


def _is_old_folder(kind: bytes, block: bytes, name: str, is_renamed: bool) -> bool:
    """Whether a file is a folder to readers that go by the slash: of type NUL whatever other headers say."""
    slash = block[:100].partition(b"\0")[0].endswith(b"/")
    return (kind == b"\0" and slash) or (
        kind in b"0\0" and (name.endswith("/") or (slash and not is_renamed))
    )


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _require_checksum(block: bytes, start: int) -> None:
    matched = _OCTAL.fullmatch(block[148:156])
    stated = int(matched[1] or b"0", 8) if matched else -1
    fields = block[:148] + block[156:]
    unsigned = sum(fields) + 8 * 0x20
    # Some writers of old took characters for signed ones.
    if stated not in (unsigned, unsigned - 256 * sum(byte > 127 for byte in fields)):
        _malformed("a checksum is wrong", start)


def is_header(block: bytes) -> bool:
    """Whether a block is the header of a tar member, or ends an archive without any."""
    if len(block) < BLOCK or block == ZEROS:
        return len(block) == BLOCK
    try:
        _require_checksum(block, 0)
    except ArchiveMalformed:
        return False
    return True


def _size(field: bytes, start: int) -> int:
    if field[0] & 0x80:
        if field[0] != 0x80:
            _malformed("a size is negative", start)
        return int.from_bytes(field[1:], "big")
    matched = _OCTAL.fullmatch(field)
    if matched is None:
        _malformed("a size is no number", start)
    return int(matched[1] or b"0", 8)


def _decimal(text: str, start: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        _malformed("a size is no number", start)
    return int(text)


def _moment(record: str | None, field: bytes) -> int | None:
    """A time of modification in ns; None for one that cannot be read, which matters to nobody."""
    if record is None:
        if field[0] in (0x80, 0xFF):
            seconds = int.from_bytes(field[1:], "big", signed=field[0] == 0xFF)
        else:
            octal = _OCTAL.fullmatch(field)
            if octal is None:
                return None
            seconds = int(octal[1] or b"0", 8)
        return seconds * 10**9 if abs(seconds) < 10**12 else None
    matched = _MOMENT.fullmatch(record)
    if matched is None:
        return None
    moment = int(matched[2]) * 10**9 + int((matched[3] or "")[:9].ljust(9, "0"))
    return -moment if matched[1] else moment


def _name(block: bytes, start: int) -> str:
    name, prefix = block[:100].partition(b"\0")[0], b""
    # GNU's own format has other things there.
    if block[257:263] == b"ustar\0":
        prefix = block[345:500].partition(b"\0")[0]
    return _decoded(prefix + b"/" + name if prefix else name, start)


def _decoded(name: bytes, start: int) -> str:
    if b"\0" in name:
        _malformed("a name holds NUL", start)
    return name.decode("utf-8", "surrogateescape")


def _pax(data: bytes, start: int) -> dict[str, str]:
    """The records of an extended header that say what a member is."""
    records, at = {}, 0
    while at < len(data):
        matched = _RECORD.match(data, at)
        end = at + int(matched[1]) if matched else 0
        if matched is None or not matched.end() < end <= len(data) or data[end - 1] != 0x0A:
            _malformed("a record of pax has a wrong length", start)
        key, equals, value = data[matched.end() : end - 1].partition(b"=")
        if not equals:
            _malformed("a record of pax has no value", start)
        if key in (b"path", b"size", b"mtime") or key.startswith(b"GNU.sparse."):
            records[key.decode("utf-8", "surrogateescape")] = _decoded(value, start)
        at = end
    return records


def _malformed(what: str, start: int) -> NoReturn:
    raise ArchiveMalformed(f"{what}, at {start}")
