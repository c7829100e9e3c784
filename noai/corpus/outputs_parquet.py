"""Records as rows of Parquet: schema ``noai.verdict/1`` with columns of the same names and shapes.

A Parquet file cannot be added to, so rows are written as *parts*, small whole files in a folder beside
the output, and become one file at the end. A run that is killed leaves its finished parts.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from noai._version import __version__
from noai.corpus.judging import Judged
from noai.corpus.outputs import Decided
from noai.corpus.placing import temporary_file
from noai.glancing import Glimpse
from noai.limits import OUTPUT_CHUNK_VERDICTS, PARQUET_PART_SECONDS, PARQUET_ROW_GROUP
from noai.policy import Policy
from noai.records import dump_json
from noai.text import escape_path
from noai.verdict import SCHEMA

_TEXT: Final = pa.string()
_TEXTS: Final = pa.list_(_TEXT)
_USES: Final = pa.map_(_TEXT, _TEXT)
_NOTE: Final = pa.struct({"code": _TEXT, "message": _TEXT})
_SIGNAL: Final = pa.struct(
    {
        "source": _TEXT,
        "place": _TEXT,
        "uses": _USES,
        "signature": _TEXT,
        "signer": _TEXT,
        "binding": _TEXT,
        "time": _TEXT,
        "codes": _TEXTS,
        "message": _TEXT,
        "signed_by": pa.struct({"kid": _TEXT, "subject": _TEXT, "trusted_as": _TEXT}),
        "signed_at": _TEXT,
        "id": _TEXT,
        "lifted": pa.bool_(),
        "granted": _TEXTS,
    }
)
#: One column a member of the record.
COLUMNS: Final = pa.schema(
    {
        "schema": _TEXT,
        "path": _TEXT,
        "member": _TEXT,
        "container": _TEXT,
        "size": pa.int64(),
        "mtime_ns": pa.int64(),
        "noai": _TEXT,
        "depth": _TEXT,
        "policy": _TEXT,
        "decision": _TEXT,
        "admitted": pa.bool_(),
        "marked": pa.bool_(),
        "requested": _TEXTS,
        "uses": _USES,
        "reasons": pa.list_(pa.struct({"code": _TEXT, "source": _TEXT, "message": _TEXT})),
        "signals": pa.list_(_SIGNAL),
        "sha256": _TEXT,
        "licensee": _TEXT,
        "notes": pa.list_(_NOTE),
        "error": _NOTE,
    },
    metadata={"noai.schema": SCHEMA, "noai.version": __version__},
)
_INT64: Final = range(-(2**63), 2**63)
#: A part, or one that was not finished.
_PART: Final = re.compile(r"[0-9]{8}\.parquet|\.noai-[0-9a-f]{16}\.tmp")


class ArrowBatches:
    """Makes chunks of Arrow's stream format, one record batch each."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._rows: list[dict[str, Any]] = []
        #: By container: the row of a file in which a glance finds nothing, which differs by three members.
        self._silent: dict[str, tuple[dict[str, Any], Decided]] = {}

    def add(self, judged: Judged) -> None:
        if not judged.skipped:
            self._rows.append(_row(judged.record))

    def glimpse(self, path: str, glimpse: Glimpse) -> Decided:
        made = self._silent.get(glimpse.container) if glimpse.marker is None else None
        if made is None:
            verdict = self._policy.decide(glimpse.report(path))
            made = _row(verdict.record()), (verdict.decision, verdict.admitted)
            if glimpse.marker is None:
                self._silent[glimpse.container] = made
        row, decided = made
        self._rows.append(
            {**row, "path": escape_path(path), "size": glimpse.size, "mtime_ns": _int64(glimpse.mtime_ns)}
        )
        return decided

    @property
    def is_full(self) -> bool:
        return len(self._rows) >= OUTPUT_CHUNK_VERDICTS

    def take(self) -> bytes:
        rows, self._rows = self._rows, []
        if not rows:
            return b""
        try:
            batch = pa.RecordBatch.from_pylist(rows, schema=COLUMNS)
        except UnicodeEncodeError:
            batch = pa.RecordBatch.from_pylist([_escaped(row) for row in rows], schema=COLUMNS)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, COLUMNS) as stream:
            stream.write_batch(batch)
        chunk: bytes = sink.getvalue().to_pybytes()
        return chunk


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its objects of free names as pairs, which is what Arrow calls a map."""
    return {
        **record,
        "mtime_ns": _int64(record["mtime_ns"]),
        "uses": list(record["uses"].items()),
        "signals": [{**signal, "uses": list(signal["uses"].items())} for signal in record["signals"]],
    }


def _escaped(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in which a message quotes a path that is not UTF-8: with that escaped as JSON has it."""
    signals = [{**signal, "uses": dict(signal["uses"])} for signal in row["signals"]]
    return _row(json.loads(dump_json({**row, "uses": dict(row["uses"]), "signals": signals})))


def _int64(number: int | None) -> int | None:
    """None for a time that does not fit: some file systems have years beyond 64 bits of nanoseconds."""
    return number if number is None or number in _INT64 else None


class Stream:
    """One file of Parquet into something that cannot be gone back in."""

    def __init__(self, stream: BinaryIO) -> None:
        self._writer = pq.ParquetWriter(stream, COLUMNS, compression="zstd")
        self._held: list[pa.RecordBatch] = []

    def write(self, chunk: bytes) -> None:
        """Take the rows of one chunk."""
        with pa.ipc.open_stream(chunk) as stream:
            self._held += stream
        if sum(batch.num_rows for batch in self._held) >= PARQUET_ROW_GROUP:
            self._put()

    def close(self) -> None:
        """Write the rest and the footer."""
        self._put()
        self._writer.close()

    def _put(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held, COLUMNS))
            self._held = []


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
