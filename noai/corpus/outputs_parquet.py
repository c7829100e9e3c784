"""Records as rows of Parquet: schema ``noai.verdict/1`` with columns of the same names and shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from noai._version import __version__
from noai.corpus.judging import Judged
from noai.corpus.outputs import Decided
from noai.glancing import Glimpse
from noai.limits import OUTPUT_CHUNK_VERDICTS, PARQUET_ROW_GROUP
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
