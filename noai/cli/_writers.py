"""The formats of ``noai verify``: each takes what batches came to, and writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._verdicts import DECISION_STYLES, lines
from noai.corpus.batches import Outcome
from noai.corpus.outputs import CsvRows, Encoding, unpickled
from noai.corpus.state import State
from noai.corpus.stores import JsonLinesStore, ParquetStore
from noai.corpus.tallying import Tally
from noai.errors import UsageError
from noai.verdict import Decision
from noai.words import Word

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: Files that are listed for people whatever is decided. Beyond, a list of what is fine hides what is not.
LISTED: Final = 1_000
#: From so many files on, the summary says how many a second.
_MANY: Final = 1_000

Store = JsonLinesStore | ParquetStore


class Format(Word):
    """How verdicts are written."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"

    @property
    def is_resumable(self) -> bool:
        """Whether an interrupted output can be gone on with."""
        return self in (Format.JSONL, Format.PARQUET)

    def store(self, path: str) -> Store | None:
        """The file ``path`` as an output that can be gone on with, if this format has that."""
        if self is Format.JSONL:
            return JsonLinesStore(path)
        if self is Format.PARQUET:
            parquet()
            return ParquetStore(path)
        return None

    def writer(self, stream: IO[str]) -> Writer:
        """A writer to a stream of text, or to the bytes under it."""
        if self is Format.PARQUET:
            return ParquetWriter(stream)
        if self is Format.TEXT:
            return TextWriter(stream)
        if self is Format.JSON:
            return JsonWriter(stream.write)
        if self is Format.CSV:
            return CsvWriter(stream)
        return LinesWriter(stream)


def parquet() -> ModuleType:
    """The module that writes Parquet.

    Raises:
        UsageError: if what it needs is not installed.
    """
    try:
        return import_module("noai.corpus.outputs_parquet")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "pyarrow":
            raise
        raise UsageError("Parquet needs pyarrow: pip install 'noai[parquet]'") from None


class Writer(Protocol):
    """Writes what batches came to in one format."""

    @property
    def encoding(self) -> Encoding:
        """What the chunks have to be."""

    @property
    def console(self) -> Console | None:
        """By which the lines go, if they are for people."""

    def write(self, outcome: Outcome) -> None:
        """Write the records of one batch."""

    def finish(self, tally: Tally, seconds: float) -> None:
        """Write what comes after the last one."""


class TextWriter:
    """For people: a few lines a file while there are few, and a summary."""

    encoding = Encoding.VERDICTS

    def __init__(self, stream: IO[str]) -> None:
        self.console = _render.console(stream)
        self._seen = 0

    def write(self, outcome: Outcome) -> None:
        for chunk in outcome.chunks():
            for judged in unpickled(chunk):
                self._list(judged.record, judged.verdict.licensee)

    def _list(self, record: dict[str, Any], licensee: str | None) -> None:
        self._seen += 1
        if self._seen <= LISTED:
            for line in lines(record, licensee):
                self.console.print(line)
            return
        if self._seen == LISTED + 1:
            self.console.print(
                _render.text(
                    (f"({LISTED} files are listed; of those that follow, only what is not admitted)", "dim")
                )
            )
        if not record["admitted"]:
            self.console.print(next(lines(record)))

    def finish(self, tally: Tally, seconds: float) -> None:
        if tally.records:
            self.console.print()
            self.console.print(summary(tally, seconds))


class LinesWriter:
    """One JSON object a line."""

    encoding = Encoding.JSONL
    console = None

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, outcome: Outcome) -> None:
        for chunk in outcome.chunks():
            self._stream.write(chunk.decode("ascii"))

    def finish(self, tally: Tally, seconds: float) -> None:
        pass


class JsonWriter:
    """One JSON array."""

    encoding = Encoding.JSONL
    console = None

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._between = "[\n"

    def write(self, outcome: Outcome) -> None:
        for chunk in outcome.chunks():
            self._write(self._between + chunk.decode("ascii").rstrip("\n").replace("\n", ",\n"))
            self._between = ",\n"

    def finish(self, tally: Tally, seconds: float) -> None:
        self._write("\n]\n" if tally.records else "[]\n")


class CsvWriter:
    """One row a file."""

    console = None

    def __init__(self, stream: IO[str]) -> None:
        self.encoding = Encoding.CSV_ON_TERMINAL if stream.isatty() else Encoding.CSV
        self._stream = stream
        stream.write(CsvRows.heading().decode("ascii"))

    def write(self, outcome: Outcome) -> None:
        for chunk in outcome.chunks():
            self._stream.write(chunk.decode("utf-8"))

    def finish(self, tally: Tally, seconds: float) -> None:
        pass


class ParquetWriter:
    """Parquet into a pipe."""

    encoding = Encoding.ARROW
    console = None

    def __init__(self, stream: IO[str]) -> None:
        if stream.isatty():
            raise UsageError("Parquet is nothing for a terminal; name a file with -o")
        self._file = parquet().Stream(stream.buffer)  # type: ignore[attr-defined]

    def write(self, outcome: Outcome) -> None:
        for chunk in outcome.chunks():
            self._file.write(chunk)

    def finish(self, tally: Tally, seconds: float) -> None:
        self._file.close()


class StoreWriter:
    """Into a file that a later run can go on with."""

    console = None

    def __init__(self, store: Store, state: State) -> None:
        self.encoding = Encoding.JSONL if isinstance(store, JsonLinesStore) else Encoding.ARROW
        self._store = store
        self._state = state

    def write(self, outcome: Outcome) -> None:
        for chunk in outcome.chunks():
            self._store.write(chunk)
        if outcome.finished:
            self._store.settle()
            self._state.finish(outcome.finished, outcome.tally.records)

    def finish(self, tally: Tally, seconds: float) -> None:
        self._store.finish()


def exit_code(tally: Tally) -> Exit:
    """The exit code of a run, in the order of the contract; USAGE where nothing could be read."""
    if not tally.readable:
        return Exit.USAGE
    if tally.refused:
        return Exit.FAILED
    return Exit.UNDECIDED if tally.decisions[Decision.UNDECIDED] else Exit.OK


def summary(tally: Tally, seconds: float, before: int = 0) -> Text:
    """A run in one line; ``before`` files of it were done by an earlier one."""
    line = _render.text(f"{_render.count(tally.records, 'file')}: ")
    line.append_text(decisions(tally.decisions))
    line.append_text(_render.text(f"; {tally.admitted} admitted"))
    if tally.skipped:
        line.append_text(_render.text(f"; {_render.count(tally.skipped, 'other file')} passed over"))
    if tally.passed.folder_links:
        links = _render.count(tally.passed.folder_links, "link")
        line.append_text(_render.text(f"; {links} to folders not followed"))
    if tally.passed.left_out:
        line.append_text(_render.text(f"; {tally.passed.left_out} left out by --include and --exclude"))
    done = tally.files - before
    if done >= _MANY and seconds > 0:
        line.append_text(_render.text(f"; {done / seconds:.0f} files a second"))
    return line


def decisions(counts: Mapping[Decision, int]) -> Text:
    """How often what was decided, in colour."""
    line = _render.text()
    for position, decision in enumerate(d for d in Decision if counts.get(d)):
        told = (f"{counts[decision]} {decision}", DECISION_STYLES[decision.value])
        line.append_text(_render.text(", " if position else "", told))
    return line
