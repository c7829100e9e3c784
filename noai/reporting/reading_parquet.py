"""The records in a Parquet output of ``noai verify``, read with Arrow (``noai[parquet]``), some at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from noai.errors import RecordError, RecordMalformed, UsageError
from noai.limits import PARQUET_RECORDS
from noai.reporting.records import FileRecord, file_record
from noai.sources import chunks, open_path

#: With what a file of Parquet begins.
MAGIC: Final = b"PAR1"


class ParquetRows:
    """Records of one row each. Iterate once; the attributes are whole after that."""

    def __init__(self, path: str) -> None:
        self.name = path
        #: Bytes of the file.
        self.size = 0
        #: A file of Parquet without its end cannot be read at all.
        self.half_written: int | None = None
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of the whole file, hex: the digest that a receipt of the run has."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[FileRecord]:
        """Each record.

        Raises:
            RecordError: by cause, naming the row.
            SourceError: if the file cannot be read.
            UsageError: where ``noai[parquet]`` is not installed.
        """
        with open_path(self.name) as (source, _):
            self.size = source.size
            for block in chunks(source, 0, source.size):
                self._digest.update(block)
        for number, row in enumerate(self._rows(), 1):
            try:
                yield file_record(_as_json(row))
            except RecordError as error:
                raise type(error)(f"{self.name}: row {number:,}: {error}") from None

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise UsageError(
                f"{self.name}: Parquet takes a package that is not installed: pip install 'noai[parquet]'"
            ) from None
        try:
            with pq.ParquetFile(self.name) as file:
                for batch in file.iter_batches(batch_size=PARQUET_RECORDS):
                    yield from batch.to_pylist()
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            reason = str(error).partition("\n")[0]
            raise RecordMalformed(f"{self.name}: cannot be read as Parquet: {reason}") from None


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """The record that a row stands for: what Arrow calls a map is an object in JSON."""
    signals = row.get("signals")
    if isinstance(signals, list):
        signals = [_with_uses(signal) if isinstance(signal, dict) else signal for signal in signals]
    return {**_with_uses(row), "signals": signals}


def _with_uses(members: Mapping[str, Any]) -> dict[str, Any]:
    uses = members.get("uses")
    if isinstance(uses, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in uses):
        uses = dict(uses)
    return {**members, "uses": uses}
