"""The sizes of Parquet pages, looked at before Arrow makes room for what they promise.

Page headers are Thrift structures in the compact protocol (parquet-format, ``PageHeader``).
"""

from __future__ import annotations

from typing import Any, Final

from noai.errors import ArchiveMalformed, LimitExceeded
from noai.limits import ARCHIVE_HELD_BYTES, KIB, PARQUET_HEADER_BYTES, PARQUET_PAGES
from noai.sources import ByteSource

#: One read of the beginning of a page. Headers with statistics of short values have 20 to 100 bytes.
_FIRST_READ: Final = 1 * KIB
_UNCOMPRESSED, _COMPRESSED = 2, 3
_DEPTH: Final = 8
#: Types of the compact protocol.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)


def require_pages(source: ByteSource, group: Any) -> None:
    """Refuse a row group, as Arrow describes it, with a page that inflates to more than is held in memory.

    Raises:
        LimitExceeded: if it has one, or too many pages.
        ArchiveMalformed: if pages do not fill the place that they have.
        SourceError: if the bytes cannot be had.
    """
    pages = 0
    for column in map(group.column, range(group.num_columns)):
        starts = [column.data_page_offset]
        if column.has_dictionary_page and column.dictionary_page_offset:
            starts.append(column.dictionary_page_offset)
        at = min(starts)
        end = at + column.total_compressed_size
        if at < 0 or end > source.size:
            raise ArchiveMalformed("a column reaches beyond the file")
        while at < end:
            at += _page(source, at, end)
            pages += 1
            if pages > PARQUET_PAGES:
                raise LimitExceeded(f"more than {PARQUET_PAGES} pages in one row group")


def _page(source: ByteSource, at: int, end: int) -> int:
    """The length of one page with its header."""
    for length in (_FIRST_READ, PARQUET_HEADER_BYTES):
        data = source.read_at(at, min(length, end - at))
        header = _Header(data)
        try:
            header.read(0)
        except IndexError:
            continue
        if header.uncompressed > ARCHIVE_HELD_BYTES:
            raise LimitExceeded(f"a page at {at} inflates to more than {ARCHIVE_HELD_BYTES} bytes")
        if min(header.uncompressed, header.compressed) < 0 or at + header.at + header.compressed > end:
            raise ArchiveMalformed(f"a page at {at} reaches beyond its column")
        return header.at + header.compressed
    raise ArchiveMalformed(f"the header of a page at {at} is cut off, or far too long")


class _Header:
    """Reads one page header; ``IndexError`` where it goes on behind what was given."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0
        self.uncompressed = self.compressed = -1

    def read(self, depth: int) -> None:
        """One structure. Of the outermost two fields are kept."""
        field = 0
        while True:
            byte = self._byte()
            kind, step = byte & 15, byte >> 4
            if byte == 0:
                return
            field = field + step if step else self._integer()
            if depth == 0 and kind == _I32 and field in (_UNCOMPRESSED, _COMPRESSED):
                value = self._integer()
                if field == _UNCOMPRESSED:
                    self.uncompressed = value
                else:
                    self.compressed = value
            elif kind not in (_TRUE, _FALSE):
                self._skip(kind, depth)

    def _skip(self, kind: int, depth: int) -> None:
        if depth > _DEPTH:
            raise ArchiveMalformed("the header of a page nests too deep")
        if kind in (_I16, _I32, _I64):
            self._varint()
        elif kind in (_TRUE, _FALSE, _BYTE):
            self._byte()
        elif kind == _DOUBLE:
            self._forward(8)
        elif kind == _BINARY:
            self._forward(self._varint())
        elif kind == _STRUCT:
            self.read(depth + 1)
        elif kind in (_LIST, _SET):
            byte = self._byte()
            count = byte >> 4 if byte >> 4 != 15 else self._varint()
            if count > len(self._data):
                raise IndexError
            for _ in range(count):
                self._skip(byte & 15, depth + 1)
        else:
            # No page header has a map.
            raise ArchiveMalformed("the header of a page holds what none has")

    def _byte(self) -> int:
        byte = self._data[self.at]
        self.at += 1
        return byte

    def _forward(self, length: int) -> None:
        if self.at + length > len(self._data):
            raise IndexError
        self.at += length

    def _varint(self) -> int:
        value, shift = 0, 0
        while shift < 70:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise ArchiveMalformed("a number in the header of a page is too long")

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
