"""The functions that ``filter`` and ``map`` of a Hugging Face dataset are given."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from typing import Any, Final

from noai.codes import Code
from noai.corpus.remote_urls import is_remote
from noai.errors import AudioDecoded, UsageError
from noai.integrations.gate import Gate, why
from noai.text import printable
from noai.verdict import Verdict

_BATCHED: Final = "batched=True is for the call and for what is called, or for neither; rows have no format"
_log: Final = logging.getLogger("noai.integrations.datasets")


class _Question:
    """What is asked of one column, row by row.

    Args:
        column: Holds audio: ``{"bytes": …, "path": …}``, of which bytes count first, or bytes, a path, a URL.
        gate: The question; as :meth:`Gate.of` has it by default. It is part of the pickle, by which the cache
            of a dataset knows whether it was asked before.
        batched: Whether it is called with ``batched=True``.

    Calling it raises :class:`AudioDecoded` for a column that holds no files any more, and :class:`UsageError`
    for rows that it was not made for; what is in a file never raises.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    def __init__(self, column: str = "audio", gate: Gate | None = None, *, batched: bool = False) -> None:
        self.column = column
        self.gate = Gate.of() if gate is None else gate
        self.batched = batched

    def _verdicts(self, rows: object) -> list[Verdict]:
        if not isinstance(rows, Mapping):
            raise UsageError(f"rows come as {type(rows).__name__}; use dataset.with_format(None) first")
        if self.column not in rows:
            raise UsageError(f"there is no column {self.column!r} among: {', '.join(map(str, rows))}")
        cells = rows[self.column]
        if self.batched is not isinstance(cells, list):
            raise UsageError(_BATCHED)
        return [self._verdict(cell) for cell in (cells if self.batched else [cells])]

    def _verdict(self, cell: object) -> Verdict:
        name = None
        if isinstance(cell, Mapping) and {"bytes", "path"} & cell.keys() and "array" not in cell:
            name, data = cell.get("path"), cell.get("bytes")
            cell = name if data is None else data
        if cell is None:
            return self.gate.undecided("there is no audio in this row", Code.SOURCE_MISSING)
        if isinstance(cell, (bytes, bytearray, memoryview)):
            return self.gate.verdict(cell, name=name)
        if not isinstance(cell, (str, os.PathLike)):
            raise AudioDecoded(
                f"the column {self.column!r} holds {type(cell).__name__}: what is decoded has no marks; "
                f"use dataset.cast_column({self.column!r}, Audio(decode=False)) first"
            )
        path = os.fspath(cell)
        if "::" in path or ("://" in path and not is_remote(path)):
            # To datasets it is no local file, even where there is one of that name.
            return self.gate.undecided(f"{path}: noai does not read what this names", name=path)
        return self.gate.verdict(path)


class Admitted(_Question):
    """For ``filter`` of a ``Dataset`` or ``IterableDataset``: admits rows, and logs why not others."""

    def __call__(self, rows: object, *more: object) -> bool | list[bool]:
        """Takes what ``with_indices`` and ``with_rank`` add, and passes over it."""
        verdicts = self._verdicts(rows)
        for verdict in verdicts:
            if not verdict.admitted:
                _log.info("%s: %s", printable(verdict.path or "a row"), why(verdict))
        answers = _Answers(verdict.admitted for verdict in verdicts)
        return answers if self.batched else answers[0]


class _Answers(list[bool]):
    def __bool__(self) -> bool:
        # A list of refusals would let in the row that it is taken for.
        raise UsageError(_BATCHED)


class Verdicts(_Question):
    """For ``map`` of a ``Dataset`` or ``IterableDataset``: the verdicts, in columns that it adds.

    ``noai_decision``, ``noai_admitted``, ``noai_why`` (one line), and ``noai_record``, the JSON of schema
    ``noai.verdict/1``.
    """

    def __call__(self, rows: object, *more: object) -> dict[str, Any]:
        """Takes what ``with_indices`` and ``with_rank`` add, and passes over it."""
        verdicts = self._verdicts(rows)
        columns: dict[str, list[Any]] = {
            "noai_decision": [verdict.decision.value for verdict in verdicts],
            "noai_admitted": [verdict.admitted for verdict in verdicts],
            "noai_why": [why(verdict) for verdict in verdicts],
            "noai_record": [json.dumps(verdict.record()) for verdict in verdicts],
        }
        return dict(columns) if self.batched else {name: values[0] for name, values in columns.items()}
