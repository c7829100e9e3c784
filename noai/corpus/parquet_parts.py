"""Outputs in Parquet on the disk: a file that holds verdicts, and the parts that become one.

A Parquet file cannot be added to, so rows are written as *parts*, small whole files in a folder beside
the output, and become one file at the end. A run that is killed leaves its finished parts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from noai.corpus.outputs_parquet import COLUMNS
from noai.corpus.placing import temporary_file
from noai.limits import PARQUET_PART_SECONDS, PARQUET_ROW_GROUP
from noai.verdict import SCHEMA

#: A part, or one that was not finished.
_PART: Final = re.compile(r"[0-9]{8}\.parquet|\.noai-[0-9a-f]{16}\.tmp")


class Parts:
    """The parts of one output, in a folder of their own."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._held: list[pa.RecordBatch] = []
        self._rows = 0
        self._since = monotonic()

    @property
    def folder(self) -> str:
        return str(self._folder)

    def files(self) -> list[Path]:
        """The finished parts, in order."""
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.iterdir() if _is_part(path) and path.suffix != ".tmp")

    def write(self, chunk: bytes) -> None:
        """Take the rows of one chunk."""
        with pa.ipc.open_stream(chunk) as stream:
            for batch in stream:
                self._held.append(batch)
                self._rows += batch.num_rows
        if self._rows >= PARQUET_ROW_GROUP or monotonic() - self._since > PARQUET_PART_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what was taken as one more part."""
        if self._held:
            self._put(next(self._free()), iter(self._held))
        self._held, self._rows, self._since = [], 0, monotonic()

    def take_in(self, folder: str) -> list[Path]:
        """Move the whole files of verdicts in ``folder`` here; what they are now."""
        taken = []
        for path, part in zip(whole_files(folder), self._free(), strict=False):
            os.replace(path, part)
            taken.append(part)
        return taken

    def _free(self) -> Iterator[Path]:
        """Parts that are not there yet, behind those that are."""
        self._folder.mkdir(exist_ok=True)
        files = self.files()
        for number in count(int(files[-1].stem) + 1 if files else 1):
            yield self._folder / f"{number:08}.parquet"

    def merge(self, output: str) -> None:
        """Make one file of all parts, in place of ``output``, and remove them."""
        self.flush()
        self._put(Path(output), (batch for path in self.files() for batch in batches(path)))
        self.clear()

    def clear(self) -> None:
        """Remove the parts, and the folder if nothing else is in it."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            if _is_part(path):
                path.unlink()
        if not any(self._folder.iterdir()):
            self._folder.rmdir()

    def replace(self, path: Path, rows: Iterator[pa.RecordBatch]) -> None:
        """Put ``rows`` in place of a part; or nothing, if there are none."""
        if not self._put(path, rows):
            path.unlink()

    def adopt(self, output: str) -> None:
        """Make a finished output the first part of the next one."""
        self._folder.mkdir(exist_ok=True)
        os.replace(output, self._folder / f"{0:08}.parquet")

    def _put(self, path: Path, rows: Iterator[pa.RecordBatch]) -> int:
        """Write ``rows`` as ``path``, whole or not at all; how many there are."""
        written = 0
        with temporary_file(path) as (file, unfinished):
            with pq.ParquetWriter(file, COLUMNS, compression="zstd") as writer:
                held: list[pa.RecordBatch] = []
                for batch in rows:
                    held.append(batch)
                    written += batch.num_rows
                    if sum(each.num_rows for each in held) >= PARQUET_ROW_GROUP:
                        writer.write_table(pa.Table.from_batches(held, COLUMNS))
                        held = []
                if held:
                    writer.write_table(pa.Table.from_batches(held, COLUMNS))
            file.flush()
            os.replace(unfinished, path)
        return written


def batches(path: str | os.PathLike[str]) -> Iterator[pa.RecordBatch]:
    """The rows of an output or a part, some at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=2_000):
            yield batch.cast(COLUMNS)


def is_output(path: str | os.PathLike[str]) -> bool:
    """Whether the file at ``path`` is Parquet that noai wrote."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException):
        return False
    return metadata.get(b"noai.schema") == SCHEMA.encode()


def whole_files(folder: str | os.PathLike[str]) -> list[Path]:
    """The files of verdicts in a folder that were written to their end."""
    return [path for path in sorted(Path(folder).glob("[!._]*.parquet")) if _holds_verdicts(path)]


def names_in(path: str | os.PathLike[str]) -> Iterator[str]:
    """The paths that a file of verdicts is about, as records have them."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=2_000, columns=["path"]):
            yield from (name or "" for name in batch.column(0).to_pylist())


def _holds_verdicts(path: Path) -> bool:
    """Whether a file is Parquet to its end, with the columns of verdicts."""
    try:
        pq.read_schema(path).empty_table().cast(COLUMNS)
    except (OSError, ValueError, pa.ArrowException):
        return False
    return True


def _is_part(path: Path) -> bool:
    return _PART.fullmatch(path.name) is not None
