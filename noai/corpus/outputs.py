"""What verdicts become on their way out: each worker writes its own, so that one process need not.

An :class:`Encoder` makes *chunks*: bytes of whole records, which are joined in any order by whoever
writes the output.
"""

from __future__ import annotations

import csv
import io
import pickle
from collections.abc import Mapping
from typing import Any, Final, Protocol

from noai.corpus.judging import Judged
from noai.corpus.lines import GlimpseLines
from noai.glancing import Glimpse
from noai.limits import OUTPUT_CHUNK_BYTES, OUTPUT_CHUNK_VERDICTS
from noai.policy import Policy
from noai.records import dump_json
from noai.text import printable
from noai.verdict import Decision
from noai.words import Word

#: What is counted of a record: its decision, and whether the file is admitted.
Decided = tuple[Decision, bool]


class Encoder(Protocol):
    """Takes verdicts one by one, and gives chunks."""

    def add(self, judged: Judged) -> None:
        """Take one verdict. One that is ``skipped`` leaves no record."""

    def glimpse(self, path: str, glimpse: Glimpse) -> Decided:
        """Take what a glance told of the file at ``path``."""

    @property
    def is_full(self) -> bool:
        """Whether what was taken is enough for a chunk."""

    def take(self) -> bytes:
        """The chunk of what was taken since the last one; empty if that is nothing."""


class Encoding(Word):
    """The kinds of chunks."""

    #: A pickled list of :class:`~noai.corpus.judging.Judged`, skipped ones among them.
    JUDGED = "judged"
    #: The same without the skipped ones.
    VERDICTS = "verdicts"
    #: One JSON record a line.
    JSONL = "jsonl"
    #: Rows of CSV, without the heading; for a terminal, nothing in them can drive it.
    CSV = "csv"
    CSV_ON_TERMINAL = "csv-on-terminal"
    #: A stream of Arrow record batches.
    ARROW = "arrow"

    def encoder(self, policy: Policy) -> Encoder:
        """A new encoder of this kind, for verdicts by ``policy``."""
        if self is Encoding.JSONL:
            return JsonLines(policy)
        if self is Encoding.ARROW:
            from noai.corpus.outputs_parquet import ArrowBatches

            return ArrowBatches(policy)
        if self in (Encoding.CSV, Encoding.CSV_ON_TERMINAL):
            return CsvRows(policy, safe=self is Encoding.CSV_ON_TERMINAL)
        return Pickles(policy, skipped=self is Encoding.JUDGED)


class Pickles:
    """Verdicts as objects, for this program's own processes."""

    def __init__(self, policy: Policy, *, skipped: bool) -> None:
        self._policy = policy
        self._skipped = skipped
        self._held: list[Judged] = []

    def add(self, judged: Judged) -> None:
        if self._skipped or not judged.skipped:
            self._held.append(judged)

    def glimpse(self, path: str, glimpse: Glimpse) -> Decided:
        verdict = self._policy.decide(glimpse.report(path))
        self._held.append(Judged(verdict))
        return verdict.decision, verdict.admitted

    @property
    def is_full(self) -> bool:
        return len(self._held) >= OUTPUT_CHUNK_VERDICTS

    def take(self) -> bytes:
        held, self._held = self._held, []
        return pickle.dumps(held, pickle.HIGHEST_PROTOCOL) if held else b""


def unpickled(chunk: bytes) -> list[Judged]:
    """The verdicts in a chunk that a worker of this run made."""
    held: list[Judged] = pickle.loads(chunk)  # noqa: S301  from our own process, by its own pipe
    return held


class JsonLines:
    """One JSON object a line, in ASCII."""

    def __init__(self, policy: Policy) -> None:
        self._glimpses = GlimpseLines(policy)
        self._lines: list[str] = []
        self._size = 0

    def add(self, judged: Judged) -> None:
        if not judged.skipped:
            line = dump_json(judged.record)
            self._lines.append(line)
            self._size += len(line)

    def glimpse(self, path: str, glimpse: Glimpse) -> Decided:
        line, decision, admitted = self._glimpses.line(path, glimpse)
        self._lines.append(line)
        return decision, admitted

    @property
    def is_full(self) -> bool:
        return self._size >= OUTPUT_CHUNK_BYTES

    def take(self) -> bytes:
        lines, self._lines, self._size = self._lines, [], 0
        if not lines:
            return b""
        lines.append("")
        return "\n".join(lines).encode("ascii")


class CsvRows:
    """The main members of each record as cells."""

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
        "member",
        "licensee",
    )

    def __init__(self, policy: Policy, *, safe: bool) -> None:
        self._policy = policy
        self._safe = safe
        self._rows = io.StringIO()
        self._csv = csv.writer(self._rows, lineterminator="\n")

    @classmethod
    def heading(cls) -> bytes:
        """The first line of the table."""
        return (",".join(cls.COLUMNS) + "\n").encode("ascii")

    def add(self, judged: Judged) -> None:
        if not judged.skipped:
            self._add(judged.record)

    def glimpse(self, path: str, glimpse: Glimpse) -> Decided:
        verdict = self._policy.decide(glimpse.report(path))
        self._add(verdict.record())
        return verdict.decision, verdict.admitted

    def _add(self, record: Mapping[str, Any]) -> None:
        cells = _cells(record)
        shown = [cells[column] for column in self.COLUMNS]
        self._csv.writerow([printable(cell) for cell in shown] if self._safe else shown)

    @property
    def is_full(self) -> bool:
        return self._rows.tell() >= OUTPUT_CHUNK_BYTES

    def take(self) -> bytes:
        rows = self._rows.getvalue().encode("utf-8", "backslashreplace")
        self._rows.seek(0)
        self._rows.truncate()
        return rows


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
        "member": record["member"] or "",
        "licensee": record["licensee"] or "",
    }


def _joined(values: list[str | None], separator: str = " ") -> str:
    return separator.join(dict.fromkeys(value for value in values if value))
