"""Making a report: records in, one page out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from noai.errors import RecordError
from noai.reporting.page import document
from noai.reporting.records import FileRecord
from noai.reporting.rows import Rows
from noai.reporting.sections import Input
from noai.reporting.summary import Summary


class Records(Protocol):
    """The records of one file. Iterated once; what else it tells is whole after that."""

    name: str
    #: Bytes of the file.
    size: int
    #: The number of a last line that was not written to its end; None if there is none such.
    half_written: int | None

    @property
    def sha256(self) -> str:
        """Of the whole file, hex."""

    def __iter__(self) -> Iterator[FileRecord]:
        """Each record.

        Raises:
            RecordError, SourceError: if one cannot be read.
        """


@dataclass(frozen=True)
class Made:
    """A report that is ready to be written."""

    title: str
    created: datetime
    inputs: Sequence[Input]
    summary: Summary
    rows: Rows

    def document(self) -> Iterator[str]:
        """The page, piece by piece."""
        yield from document(self.title, self.created, self.inputs, self.summary, self.rows)


@contextmanager
def make_report(sources: Iterable[Records], title: str, created: datetime) -> Iterator[Made]:
    """Read all records, and only then give the report, so that a page is whole or is not written.

    Raises:
        RecordError, SourceError: if a record cannot be read, or there is none.
        OSError: if there is no room for temporary files.
    """
    summary, inputs = Summary(), []
    with Rows() as rows:
        for source in sources:
            before = summary.files
            for record in source:
                summary.add(record)
                rows.add(record)
            read = summary.files - before
            inputs.append(Input(source.name, source.size, source.sha256, read, source.half_written))
        if not summary.files:
            raise RecordError("there is no record in what was given")
        yield Made(title, created, tuple(inputs), summary, rows)
