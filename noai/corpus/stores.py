"""Outputs in files that a run can go on with: lines of JSON, and Parquet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from noai.corpus.known import Known
from noai.corpus.placing import temporary_file
from noai.corpus.tallying import Tally
from noai.errors import UsageError
from noai.verdict import SCHEMA

if TYPE_CHECKING:
    import pyarrow as pa

#: The columns that going on needs.
_KNOWN = ["path", "member", "size", "mtime_ns", "decision", "admitted", "error"]
#: What a record says that looked at files beside the track.
_BESIDE = b"sidecar"


class JsonLinesStore:
    """One record a line. Each chunk reaches the system at once, so that killing this process loses none."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._stream: BinaryIO | None = None

    def exists(self) -> bool:
        """Whether there is anything to go on with."""
        return os.path.isfile(self.path) and os.path.getsize(self.path) > 0

    def start(self) -> None:
        """Begin an empty output."""
        self._stream = open(self.path, "wb")  # noqa: SIM115  closed by close()

    def write(self, chunk: bytes) -> None:
        if self._stream is None:
            self._stream = open(self.path, "ab")  # noqa: SIM115  closed by close()
        self._stream.write(chunk)
        self._stream.flush()

    def settle(self) -> None:
        """What was written shall be there to go on with."""

    def finish(self) -> None:
        """Complete the output."""
        self.close()

    def close(self) -> None:
        """Let go of it, complete or not."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def known(self) -> Iterator[Known]:
        for number, line in enumerate(self._whole_lines(), start=1):
            try:
                record = json.loads(line)
                if record["schema"] != SCHEMA:
                    raise ValueError(record["schema"])
                yield Known.of(record, beside=_BESIDE in line)
            except (ValueError, KeyError, TypeError):
                raise UsageError(f"{self.path}: line {number} is no verdict record of this version") from None

    def keep(self, kept: bytes) -> None:
        first = kept.find(b"\0")
        agreed = len(kept) if first < 0 else first
        length = 0
        lines = self._whole_lines()
        for _ in range(agreed):
            length += len(next(lines))
        if not any(kept[agreed:]):
            os.truncate(self.path, length)
            return
        with temporary_file(Path(self.path)) as (stream, unfinished):
            for keep, line in zip(kept, self._whole_lines(), strict=True):
                if keep:
                    stream.write(line)
            stream.flush()
            os.replace(unfinished, self.path)

    def _whole_lines(self) -> Iterator[bytes]:
        with open(self.path, "rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):  # the last one may have been cut off
                    yield line


class ParquetStore:
    """One row a record, in parts until the end."""

    def __init__(self, path: str) -> None:
        from noai.corpus.parquet_parts import Parts

        self.path = path
        self._parts = Parts(f"{path}.parts")

    def exists(self) -> bool:
        return os.path.isfile(self.path) or bool(self._parts.files())

    def start(self) -> None:
        self._parts.clear()
        # That the output can be made must show now, not after the work.
        with open(self.path, "wb"):
            pass
        os.unlink(self.path)

    def write(self, chunk: bytes) -> None:
        self._parts.write(chunk)

    def settle(self) -> None:
        self._parts.flush()

    def finish(self) -> None:
        self._parts.merge(self.path)

    def close(self) -> None:
        """Let go of it. What is not complete stays in parts."""
        self._parts.flush()

    def take_in(self, folder: str, tally: Tally) -> int:
        """Make whole files that an engine wrote into ``folder`` parts of the output, counted in ``tally``.

        How many records that are.
        """
        before = tally.records
        for path in self._parts.take_in(folder):
            for batch in self._rows(path):
                for row in batch.select(_KNOWN).to_pylist():
                    Known.of(row, beside=False).add_to(tally)
        return tally.records - before

    def known(self) -> Iterator[Known]:
        # A finished output has no parts, and parts of an earlier run would be older than it.
        if os.path.isfile(self.path):
            self._parts.clear()
            self._parts.adopt(self.path)
        for path in self._parts.files():
            for batch in self._rows(path):
                beside = _rows_with(batch, _BESIDE.decode())
                for position, row in enumerate(batch.select(_KNOWN).to_pylist()):
                    yield Known.of(row, beside=position in beside)

    def _rows(self, path: Any) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from noai.corpus.parquet_parts import batches

        try:
            yield from batches(path)
        except pa.ArrowException as error:
            raise UsageError(f"{path}: cannot be read as an output of noai: {error}") from None

    def keep(self, kept: bytes) -> None:
        import pyarrow as pa

        at = 0
        for path in self._parts.files():
            start = at
            at += sum(batch.num_rows for batch in self._rows(path))
            if all(kept[start:at]):
                continue

            def rows(path: Any = path, position: int = start) -> Iterator[pa.RecordBatch]:
                for batch in self._rows(path):
                    mask = pa.array([keep != 0 for keep in kept[position : position + batch.num_rows]])
                    position += batch.num_rows
                    yield batch.filter(mask)

            self._parts.replace(path, rows())


def _rows_with(batch: pa.RecordBatch, word: str) -> set[int]:
    """The rows with ``word`` in a place or in the code of a note."""
    import pyarrow.compute as pc

    found: set[int] = set()
    for column, member in (("signals", "place"), ("notes", "code")):
        lists = batch.column(column)
        values = pc.struct_field(pc.list_flatten(lists), member)
        rows = pc.list_parent_indices(lists)
        found.update(rows.filter(pc.match_substring(values, word)).to_pylist())
    return found
