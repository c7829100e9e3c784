"""Lists of paths in Parquet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from noai.cli._writers import parquet
from noai.errors import UsageError
from noai.limits import MIB


def parquet_paths(source: str, column: str, seen: Callable[[bytes], object] | None = None) -> Iterator[str]:
    """The paths in a column of the Parquet file ``source``, which is shown to ``seen`` first.

    Raises:
        UsageError: if it cannot be read, has no such column of text or bytes, or a row without a path.
    """
    parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if seen is not None:
            with open(source, "rb") as stream:
                while block := stream.read(MIB):
                    seen(block)
        with pq.ParquetFile(source) as file:
            names = file.schema_arrow.names
            if column not in names:
                raise UsageError(f"{source}: has no column {column!r}, but: {', '.join(names)}")
            if names.count(column) > 1:
                raise UsageError(f"{source}: has {names.count(column)} columns {column!r}")
            row = 0
            for batch in file.iter_batches(columns=[column]):
                cells = batch.column(0)
                if pa.types.is_dictionary(cells.type):
                    cells = cells.dictionary_decode()
                for cell in cells.cast(pa.large_binary()).to_pylist():
                    row += 1
                    if not cell:
                        raise UsageError(f"{source}: row {row} names no file")
                    yield os.fsdecode(cell)
    except OSError as error:
        raise UsageError(f"{source}: cannot be read: {error.strerror or error}") from None
    except pa.ArrowException as error:
        raise UsageError(f"{source}: is no Parquet with paths as text or bytes: {error}") from None
