"""A list of paths in shares, each of which any worker can read: the same rows, whoever tries again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

#: Paths that one task judges at most: they take it a good second, and an engine some milliseconds besides.
_PATHS: Final = 5_000
#: Tasks for each worker, so that a slow one holds up little.
_TASKS: Final = 4


@dataclass(frozen=True)
class Shares:
    """The rows of the Parquet file ``listed``, ``rows`` at a time."""

    listed: str
    rows: int
    total: int

    @classmethod
    def of(cls, listed: str, workers: int) -> Shares:
        """As many as keep so many workers busy to the end."""
        total = pq.read_metadata(listed).num_rows
        return cls(listed, max(1, min(_PATHS, -(-total // (_TASKS * workers)))), total)

    def __len__(self) -> int:
        return -(-self.total // self.rows)

    def read(self, number: int) -> pa.Table:
        """One of them, numbered from 0. Of the file, it takes those groups of rows that it needs."""
        first, end = number * self.rows, min((number + 1) * self.rows, self.total)
        parts, at = [], 0
        with pq.ParquetFile(self.listed) as file:
            for group in range(file.num_row_groups):
                behind = at + file.metadata.row_group(group).num_rows
                if first < behind and at < end:
                    start = max(first - at, 0)
                    parts.append(file.read_row_group(group).slice(start, end - at - start))
                at = behind
        return pa.concat_tables(parts)
