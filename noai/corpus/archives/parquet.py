"""Parquet files with audio in their columns: ``struct<bytes, path>`` as Hugging Face stores it, or binary.

Read with Arrow (``noai[parquet]``), some rows at a time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, BinaryIO, Final

from noai.corpus.archives._parquet_pages import require_pages
from noai.corpus.archives._parquet_values import found, holds_bytes, promised
from noai.corpus.archives.interface import Member, Sample
from noai.errors import (
    ArchiveMalformed,
    ExtraMissing,
)
from noai.limits import (
    PARQUET_BATCH_BYTES,
    PARQUET_BATCH_ROWS,
    PARQUET_GROUP_BYTES,
    READ_SIZE,
)
from noai.sources import DescriptorSource, as_file

_MAGIC: Final = b"PAR1"


@dataclass(frozen=True)
class ParquetSample(Sample):
    """The audio of one row."""

    group: int = 0
    #: Within its row group; None for all rows of it, where no column holds bytes.
    row: int | None = 0


class ParquetKind:
    """Parquet files."""

    suffixes = (".parquet",)

    def recognises(self, head: bytes) -> bool:
        return head.startswith(_MAGIC)

    def open(self, source: DescriptorSource) -> ParquetArchive:
        return ParquetArchive(source)


PARQUET: Final = ParquetKind()


class ParquetArchive:
    """One Parquet file.

    A value's name is ``column[row]``, rows counted from 0, with ``:`` and its path if it has one. What stands
    deeper is named by the way to it, as in ``takes[3][0].bytes``.
    """

    def __init__(self, source: DescriptorSource) -> None:
        self._arrow, parquet = _arrow()
        self._source = source
        try:
            self._file = parquet.ParquetFile(
                as_file(source),
                pre_buffer=False,
                buffer_size=READ_SIZE,
                page_checksum_verification=True,
            )
            schema = self._file.schema_arrow
            self._names = [field.name for field in schema if holds_bytes(self._arrow, field.type)]
            self._promised = promised(schema.metadata)
        except _errors(self._arrow) as error:
            raise _malformed(error) from None
        if len(set(self._names)) < len(self._names):
            raise ArchiveMalformed("two columns have one name")

    def samples(self) -> Iterator[ParquetSample]:
        samples = self._samples()
        while True:
            try:
                sample = next(samples, None)
            except _errors(self._arrow) as error:
                raise _malformed(error) from None
            if sample is None:
                return
            yield sample

    def _samples(self) -> Iterator[ParquetSample]:
        first = 0
        for group in range(self._file.num_row_groups):
            if not self._names:
                yield ParquetSample((), group, None)
                continue
            rows = 0
            for batch in self.batches(group, self._names):
                columns = [batch.column(name) for name in self._names]
                for position in range(batch.num_rows):
                    values = [column[position] for column in columns]
                    yield ParquetSample(tuple(self._members(values, first + rows)), group, rows)
                    rows += 1
            if rows != self._file.metadata.row_group(group).num_rows:
                raise ArchiveMalformed(f"row group {group} has {rows} rows, and promises others")
            first += rows

    def copier(self, out: BinaryIO) -> ParquetCopier:
        return ParquetCopier(self, self._file, out)

    def batches(self, group: int, columns: list[str] | None = None) -> Iterator[Any]:
        """The rows of a row group, some at a time; its pages are known to fit into memory."""
        described = self._file.metadata.row_group(group)
        require_pages(self._source, described)
        rows = _batch_rows(described)
        return iter(self._file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False))

    def _members(self, values: list[Any], row: int) -> Iterator[Member]:
        for name, scalar in zip(self._names, values, strict=True):
            # An extension makes of its bytes whatever it likes.
            plain = scalar.value if isinstance(scalar, self._arrow.ExtensionScalar) else scalar
            value = None if plain is None else plain.as_py()
            yield from found(value, f"{name}[{row}]", name in self._promised, 0)


class ParquetCopier:
    """Writes the rows that are kept, in row groups as they were, with the schema and its metadata."""

    def __init__(self, archive: ParquetArchive, file: Any, out: BinaryIO) -> None:
        self._arrow, self._parquet = _arrow()
        self._archive = archive
        self._file = file
        self._out = out
        self._writer: Any = None
        self._group = 0
        #: Those of the group that are kept; None for all.
        self._rows: list[int] | None = []

    def keep(self, sample: Sample) -> None:
        assert isinstance(sample, ParquetSample)
        if sample.group != self._group:
            self._flush()
            self._group = sample.group
        if sample.row is None:
            self._rows = None
        elif self._rows is not None:
            self._rows.append(sample.row)

    def close(self) -> None:
        self._flush()
        self._open("snappy").close()

    def discard(self) -> None:
        # An open writer would write to the file when it is collected.
        if self._writer is not None:
            with suppress(*_errors(self._arrow)):
                self._writer.close()

    def _flush(self) -> None:
        """Write what is kept of the current row group."""
        if self._rows == []:
            return
        held: list[Any] = []
        size = 0
        for batch in self._kept():
            held.append(batch)
            size += batch.nbytes
            if size >= PARQUET_GROUP_BYTES:
                self._write(held)
                held, size = [], 0
        self._write(held)
        self._rows = []

    def _kept(self) -> Iterator[Any]:
        rows, first = self._rows, 0
        batches = self._archive.batches(self._group)
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                last = first + batch.num_rows
                if rows is not None:
                    # Both are in order.
                    wanted = rows[bisect_left(rows, first) : bisect_left(rows, last)]
                    if len(wanted) < batch.num_rows:
                        batch = batch.take(self._arrow.array([row - first for row in wanted], "int64"))
            except _errors(self._arrow) as error:
                raise _malformed(error) from None
            first = last
            if batch.num_rows:
                yield batch

    def _write(self, batches: list[Any]) -> None:
        if not batches:
            return
        try:
            # Asked only now: Arrow ends the process for a compression that it does not know.
            compression = _compression(self._file, self._group)
            table = self._arrow.Table.from_batches(batches)
        except _errors(self._arrow) as error:
            raise _malformed(error) from None
        self._open(compression).write_table(table, row_group_size=table.num_rows)

    def _open(self, compression: dict[str, str] | str) -> Any:
        if self._writer is None:
            schema = self._file.schema_arrow
            self._writer = self._parquet.ParquetWriter(self._out, schema, compression=compression)
        return self._writer


def _batch_rows(described: Any) -> int:
    """How many rows of a row group are read at a time, so that their values fit into memory.

    A value of a dictionary is stored once, and may stand in every row.
    """
    largest = 0
    for column in map(described.column, range(described.num_columns)):
        if column.physical_type == "BYTE_ARRAY":
            size = column.total_uncompressed_size
            shared = size > READ_SIZE and any("DICTIONARY" in encoding for encoding in column.encodings)
            largest = max(largest, size if shared else size // max(1, column.num_values))
    return max(1, min(PARQUET_BATCH_ROWS, PARQUET_BATCH_BYTES // max(1, largest)))


def _compression(file: Any, group: int) -> dict[str, str]:
    """How each column is compressed in a row group that was read."""
    described = file.metadata.row_group(group)
    return {
        column.path_in_schema: "none" if column.compression == "UNCOMPRESSED" else column.compression
        for column in map(described.column, range(described.num_columns))
    }


def _errors(arrow: Any) -> tuple[type[Exception], ...]:
    """What Arrow says of a file that is damaged: whatever comes to its mind."""
    return (arrow.ArrowException, OSError, ValueError, OverflowError, KeyError)


def _malformed(error: Exception) -> ArchiveMalformed:
    return ArchiveMalformed(f"Arrow cannot read it: {str(error).splitlines()[0] if str(error) else error!r}")


def _arrow() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise ExtraMissing(
            "Parquet takes a package that is not installed: pip install 'noai[parquet]'"
        ) from None
