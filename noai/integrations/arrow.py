"""Batches of Arrow: rows with paths or bytes in, rows with verdicts out, for any engine (``noai[parquet]``).

Columns of a verdict are those of the Parquet output of ``noai verify``, one a member of the record.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from noai.codes import Code
from noai.corpus.batches import EXPLICIT, Batch, Clerk
from noai.corpus.judging import Judged
from noai.corpus.outputs import Encoding
from noai.corpus.outputs_parquet import COLUMNS, ArrowBatches
from noai.corpus.remote_urls import is_remote
from noai.errors import UsageError
from noai.integrations.gate import Gate
from noai.text import escape_path
from noai.verdict import Verdict

#: What Arrow has for text and for bytes.
_TEXT: Final = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_BYTES: Final = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)


@dataclass(frozen=True)
class BatchGate:
    """A :class:`Gate` for record batches and tables: a function that every engine can be given.

    ``path`` is the column that names files; or ``audio`` is the one that holds them: bytes, or
    ``struct<bytes, path>`` as Hugging Face stores audio, whose path counts where it has no bytes. ``keep``
    are columns that go along. ``folder`` is where relative paths begin, for workers that run elsewhere; a
    verdict names them as they were given.

    A row has its verdict whatever is in it, one row for one row and in their order: calling it never raises.
    """

    gate: Gate
    path: str = "path"
    audio: str | None = None
    keep: tuple[str, ...] = ()
    folder: str | None = None

    def check(self, names: Sequence[str]) -> None:
        """Refuse columns that rows do not have, before any work is done.

        Raises:
            UsageError: for such a column, for one that stands there twice, and for one that is kept and
                called as one of a verdict, in whatever case: engines tell no cases apart.
        """
        wanted = (self._column, *self.keep)
        if missing := [name for name in wanted if name not in names]:
            raise UsageError(f"there is no column {missing[0]!r} among: {', '.join(names)}")
        if twice := [name for name in wanted if list(names).count(name) > 1]:
            raise UsageError(f"there are several columns {twice[0]!r}")
        if taken := [name for name in self.keep if name.lower() in COLUMNS.names]:
            raise UsageError(f"the column {taken[0]!r} of the verdict would stand in place of that one")

    @property
    def _column(self) -> str:
        return self.path if self.audio is None else self.audio

    @property
    def schema(self) -> pa.Schema:
        """The columns of verdicts, without those that go along."""
        return COLUMNS

    def __call__(self, rows: pa.RecordBatch | pa.Table) -> pa.Table:
        """The verdicts on ``rows``."""
        verdicts = pa.Table.from_batches([self._verdicts(rows)], COLUMNS)
        kept = [name for name in self.keep if name in rows.column_names and name not in COLUMNS.names]
        for name in reversed(kept):
            place = rows.column_names.index(name)
            verdicts = verdicts.add_column(0, rows.schema.field(place), rows.column(place))
        return verdicts

    def admitted(self, rows: pa.RecordBatch | pa.Table) -> pa.RecordBatch | pa.Table:
        """Those of ``rows``, as they are, that may enter."""
        may_enter = pc.fill_null(self._verdicts(rows).column("admitted"), False)
        try:
            return rows.filter(may_enter)
        except pa.ArrowNotImplementedError:
            return _sliced(rows, may_enter.to_pylist())

    def _verdicts(self, rows: pa.RecordBatch | pa.Table) -> pa.RecordBatch:
        try:
            if self._column not in rows.column_names:
                missing = self.gate.undecided(f"there is no column {self._column!r}")
                return batch_of(self.gate, [missing] * rows.num_rows)
            column = _whole(rows, self._column)
            made = self._by_path(column) if self.audio is None else self._by_bytes(column)
            if made.num_rows != rows.num_rows:
                raise AssertionError(f"{made.num_rows} verdicts on {rows.num_rows} rows")
            return made
        except Exception as error:  # noqa: BLE001  an engine drops or repeats a batch that raises
            failed = self.gate.failed(error)
            return batch_of(self.gate, [failed] * rows.num_rows)

    def _by_path(self, column: Any) -> pa.RecordBatch:
        paths = _paths(column)
        found = [self._from_folder(path) for path in paths]
        made = judge_paths(found, self.gate)
        if found == paths:
            return made
        told = zip(made.column("path").to_pylist(), found, paths, strict=True)
        given = [name if path is None or path == at else escape_path(path) for name, at, path in told]
        place = COLUMNS.get_field_index("path")
        return made.set_column(place, COLUMNS.field(place), pa.array(given, pa.string()))

    def _by_bytes(self, column: Any) -> pa.RecordBatch:
        return batch_of(self.gate, [self._held(cell) for cell in column])

    def _from_folder(self, path: str | None) -> str | None:
        if not path or self.folder is None or is_remote(path):
            return path
        return os.path.join(self.folder, path)

    def _held(self, cell: Any) -> Verdict:
        """The verdict on one cell with audio."""
        try:
            name = None
            if pa.types.is_struct(cell.type) and cell.is_valid:
                fields = cell.type.names
                named = cell["path"] if "path" in fields else None
                name = None if named is None or not named.is_valid else os.fsdecode(_bytes(named))
                cell = cell["bytes"] if "bytes" in fields else pa.scalar(None, pa.binary())
                if not cell.is_valid and name is not None:
                    found = self.gate.verdict(self._from_folder(name) or name)
                    return replace(found, report=replace(found.report, path=name))
            if not cell.is_valid:
                return self.gate.undecided("there are no bytes here", Code.SOURCE_MISSING, name=name)
            if not any(is_kind(cell.type) for is_kind in _BYTES):
                return self.gate.undecided(f"{cell.type} is no column of bytes", name=name)
            return self.gate.verdict(memoryview(cell.as_buffer()), name=name)
        except Exception as error:  # noqa: BLE001  one row's bug must not take the others with it
            return self.gate.failed(error)


def judge_paths(paths: Sequence[str | None], gate: Gate) -> pa.RecordBatch:
    """The verdicts on files and URLs, a row each and in their order, as :data:`COLUMNS`.

    URLs are read many at a time. None, where there is no path, is ``undecided``.
    """
    local = [n for n, path in enumerate(paths) if path is not None and not is_remote(path)]
    remote = [n for n, path in enumerate(paths) if path is not None and is_remote(path)]
    absent = [n for n, path in enumerate(paths) if path is None]
    parts = [_local([paths[n] or "" for n in local], gate)]
    if remote:
        parts.append(batch_of(gate, list(_remote([paths[n] or "" for n in remote], gate))))
    if absent:
        missing = gate.undecided("there is no path here", Code.SOURCE_MISSING)
        parts.append(batch_of(gate, [missing] * len(absent)))
    if len(parts) == 1:
        return parts[0]
    order = pc.sort_indices(pa.array([*local, *remote, *absent], pa.int64()))
    (batch,) = pa.Table.from_batches(parts, COLUMNS).take(order).combine_chunks().to_batches()
    return batch


def _local(paths: list[str], gate: Gate) -> pa.RecordBatch:
    clerk = Clerk(gate.verifier, Encoding.ARROW, archives=False)
    outcome = clerk.work(Batch(paths, bytes((EXPLICIT,)) * len(paths), {}))
    found: list[pa.RecordBatch] = []
    for chunk in outcome.chunks():
        with pa.ipc.open_stream(chunk) as stream:
            found += stream
    return _joined(found)


def _remote(urls: Sequence[str], gate: Gate) -> Iterator[Verdict]:
    from noai.corpus.remote import scan_remote

    # A folder would have as many verdicts as there are files in it.
    single = [url for url in urls if not url.endswith("/")]
    with closing(scan_remote(single, gate.verifier, ordered=True)) as judged:
        for url in urls:
            # A folder's own verdict asks nobody.
            yield gate.verdict(url) if url.endswith("/") else next(judged).verdict


def batch_of(gate: Gate, verdicts: Sequence[Verdict]) -> pa.RecordBatch:
    """Verdicts as rows of :data:`COLUMNS`."""
    rows = ArrowBatches(gate.verifier.policy)
    for verdict in verdicts:
        rows.add(Judged(verdict))
    chunk = rows.take()
    if not chunk:
        return _joined([])
    with pa.ipc.open_stream(chunk) as stream:
        return _joined(list(stream))


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    empty = pa.RecordBatch.from_pylist([], schema=COLUMNS)
    whole = pa.Table.from_batches([empty, *batches], COLUMNS).combine_chunks().to_batches()
    return whole[0] if whole else empty


def _sliced(rows: pa.RecordBatch | pa.Table, may_enter: Sequence[bool]) -> pa.RecordBatch | pa.Table:
    """The same rows, for kinds of columns that Arrow cannot filter, as those of views."""
    kept, start = [rows.slice(0, 0)], 0
    for admitted, run in groupby(may_enter):
        length = len(list(run))
        kept += [rows.slice(start, length)] if admitted else []
        start += length
    if isinstance(rows, pa.Table):
        return pa.concat_tables(kept)
    (batch,) = pa.Table.from_batches(kept).combine_chunks().to_batches() or kept[:1]
    return batch


def _whole(rows: pa.RecordBatch | pa.Table, name: str) -> Any:
    """A column in one piece, decoded if it is a dictionary."""
    column = rows.column(name)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # older releases of Arrow
            column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _paths(column: Any) -> list[str | None]:
    """Paths as the system has them; None for what is none."""
    if not any(is_kind(column.type) for is_kind in (*_TEXT, *_BYTES)):
        return [None] * len(column)
    if not any(is_kind(column.type) for is_kind in _BYTES):
        column = column.cast(pa.large_binary())  # a name that is no UTF-8 is a name all the same
    return [None if cell is None else os.fsdecode(cell) for cell in column.to_pylist()]


def _bytes(scalar: Any) -> bytes:
    found: bytes = scalar.as_buffer().to_pybytes()
    return found
