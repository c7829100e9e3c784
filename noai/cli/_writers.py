"""The formats of ``noai verify``: each takes verdicts one by one and writes them to a stream."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._verdicts import DECISION_STYLES, lines
from noai.corpus import Judged, Passed
from noai.verdict import Decision
from noai.words import Word

if TYPE_CHECKING:
    from rich.console import Console


@dataclass
class Tally:
    """What a run came to."""

    passed: Passed = field(default_factory=Passed)
    decisions: Counter[Decision] = field(default_factory=Counter)
    admitted: int = 0
    readable: int = 0
    refused: int = 0
    skipped: int = 0

    def add(self, judged: Judged) -> None:
        self.decisions[judged.decision] += 1
        self.admitted += judged.admitted
        self.readable += judged.readable
        self.refused += not judged.admitted and judged.decision is not Decision.UNDECIDED

    @property
    def records(self) -> int:
        return sum(self.decisions.values())

    @property
    def exit(self) -> Exit:
        """The exit code of a run, in the order of the contract; USAGE where nothing could be read."""
        if not self.readable:
            return Exit.USAGE
        if self.refused:
            return Exit.FAILED
        return Exit.UNDECIDED if self.decisions[Decision.UNDECIDED] else Exit.OK


class Writer(Protocol):
    """Writes verdicts in one format."""

    @property
    def console(self) -> Console | None:
        """By which the lines go, if they are for people."""

    def write(self, judged: Judged) -> None:
        """Write one verdict."""

    def finish(self, tally: Tally) -> None:
        """Write what comes after the last one."""


class TextWriter:
    """For people: a few lines a file, and a summary."""

    def __init__(self, stream: IO[str]) -> None:
        self.console = _render.console(stream)

    def write(self, judged: Judged) -> None:
        for line in lines(judged.record):
            self.console.print(line)

    def finish(self, tally: Tally) -> None:
        if not tally.records:
            return
        summary = _render.text(f"{_render.count(tally.records, 'file')}: ")
        for position, decision in enumerate(d for d in Decision if tally.decisions[d]):
            told = (f"{tally.decisions[decision]} {decision}", DECISION_STYLES[decision.value])
            summary.append_text(_render.text(", " if position else "", told))
        summary.append_text(_render.text(f"; {tally.admitted} admitted"))
        if tally.skipped:
            summary.append_text(_render.text(f"; {_render.count(tally.skipped, 'other file')} passed over"))
        if tally.passed.folder_links:
            links = _render.count(tally.passed.folder_links, "link")
            summary.append_text(_render.text(f"; {links} to folders not followed"))
        self.console.print()
        self.console.print(summary)


class JsonWriter:
    """One JSON array."""

    console = None

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._between = "[\n"

    def write(self, judged: Judged) -> None:
        self._stream.write(self._between + _render.dump_json(judged.record))
        self._between = ",\n"

    def finish(self, tally: Tally) -> None:
        self._stream.write("\n]\n" if tally.records else "[]\n")


class JsonLinesWriter:
    """One JSON object a line."""

    console = None

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, judged: Judged) -> None:
        self._stream.write(_render.dump_json(judged.record) + "\n")

    def finish(self, tally: Tally) -> None:
        pass


class CsvWriter:
    """A table with a heading; lists are joined by spaces (names by ``; ``)."""

    console = None

    COLUMNS: Final = (
        "path",
        "decision",
        "admitted",
        "marked",
        "container",
        "size",
        "reasons",
        "denied",
        "signer",
        "kid",
        "trusted_as",
        "error",
    )

    def __init__(self, stream: IO[str]) -> None:
        self._csv = csv.writer(stream, lineterminator="\n")
        self._on_terminal = stream.isatty()
        self._csv.writerow(self.COLUMNS)

    def write(self, judged: Judged) -> None:
        cells = _cells(judged.record)
        shown = [cells[column] for column in self.COLUMNS]
        self._csv.writerow([_render.safe(cell) for cell in shown] if self._on_terminal else shown)

    def finish(self, tally: Tally) -> None:
        pass


def _cells(record: Mapping[str, Any]) -> dict[str, str]:
    signers = [s["signed_by"] for s in record["signals"] if s["signed_by"] and s["signature"] == "pass"]
    denied = [use for use, permission in record["uses"].items() if permission != "allowed"]
    return {
        "path": record["path"] or "",
        "decision": record["decision"],
        "admitted": "true" if record["admitted"] else "false",
        "marked": "true" if record["marked"] else "false",
        "container": record["container"] or "",
        "size": "" if record["size"] is None else str(record["size"]),
        "reasons": _joined([reason["code"] for reason in record["reasons"]]),
        "denied": _joined(denied),
        "signer": _joined([signer["subject"] for signer in signers], "; "),
        "kid": _joined([signer["kid"] for signer in signers]),
        "trusted_as": _joined([signer["trusted_as"] for signer in signers], "; "),
        "error": "" if record["error"] is None else record["error"]["code"],
    }


def _joined(values: list[str | None], separator: str = " ") -> str:
    return separator.join(dict.fromkeys(value for value in values if value))


class Format(Word):
    """How verdicts are written."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"

    def writer(self, stream: IO[str]) -> Writer:
        if self is Format.TEXT:
            return TextWriter(stream)
        if self is Format.JSON:
            return JsonWriter(stream)
        if self is Format.JSONL:
            return JsonLinesWriter(stream)
        return CsvWriter(stream)
