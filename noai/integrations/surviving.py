"""Batches at which processes die: an engine has them judged again and again, until the file is found out."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from noai.codes import Code
from noai.corpus.outputs_parquet import COLUMNS
from noai.integrations.arrow import BatchGate, batch_of

#: Deaths at one file after which it is not read again: one may be another's fault, a machine that is lost.
_DEATHS: Final = 2


@dataclass(frozen=True)
class SurvivingGate(BatchGate):
    """A :class:`BatchGate` for paths, which notes what it begins in ``journal``, a folder that workers share.

    A batch that was begun before is judged file by file, and a file at which the process died twice is
    ``undecided``.
    """

    journal: str = ""

    def __call__(self, rows: pa.RecordBatch | pa.Table) -> pa.Table:
        try:
            attempt = _Attempt(Path(self.journal), rows.column(self.path))
        except (OSError, KeyError):
            return super().__call__(rows)
        if attempt.is_first:
            found = super().__call__(rows)
        else:
            found = pa.concat_tables([COLUMNS.empty_table(), *self._singly(rows, attempt)])
        attempt.over()
        return found

    def _singly(self, rows: pa.RecordBatch | pa.Table, attempt: _Attempt) -> Iterator[pa.Table]:
        for number in range(rows.num_rows):
            row = rows.slice(number, 1)
            if attempt.blames(number):
                yield self._deadly(row)
            else:
                attempt.note(number)
                yield super().__call__(row)

    def _deadly(self, row: pa.RecordBatch | pa.Table) -> pa.Table:
        message = f"{Code.INTERNAL_ERROR.meaning} (the process that read it died)"
        path = row.column(self.path)[0].as_py()
        name = os.fsdecode(path) if isinstance(path, (str, bytes)) else None
        verdict = self.gate.undecided(message, Code.INTERNAL_ERROR, name=name)
        return pa.Table.from_batches([batch_of(self.gate, [verdict])], COLUMNS)


class _Attempt:
    """One process's attempt at a batch, and what the file of the batch says of earlier ones.

    Raises:
        OSError: if the file cannot be read or written.
    """

    def __init__(self, journal: Path, paths: pa.Array | pa.ChunkedArray) -> None:
        digest = hashlib.sha256("\0".join(map(repr, paths.to_pylist())).encode("utf-8", "backslashreplace"))
        self._file = journal / digest.hexdigest()[:32]
        # A line an attempt: the files that it began, each ended by a comma.
        earlier = self._file.read_text("ascii").splitlines() if self._file.exists() else []
        self.is_first = not earlier
        self._deaths = Counter(line.split(",")[-2] for line in earlier if "," in line)
        self._write("\n" if earlier else "-\n")

    def blames(self, number: int) -> bool:
        return self._deaths[str(number)] >= _DEATHS

    def note(self, number: int) -> None:
        self._write(f"{number},")

    def over(self) -> None:
        self._file.unlink(missing_ok=True)

    def _write(self, text: str) -> None:
        with open(self._file, "a", encoding="ascii") as stream:
            stream.write(text)
