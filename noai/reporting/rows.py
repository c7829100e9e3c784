"""The table of files as the page carries it: columns for searching and sorting, evidence in small pieces.

Both are JSON, deflated, in base64: nothing in a file's name can end a block of it early, and a browser
inflates only the evidence of the rows that somebody opens.
"""

from __future__ import annotations

import base64
import json
import tempfile
import zlib
from collections.abc import Hashable, Iterator
from types import TracebackType
from typing import IO, Any, Final, Generic, TypeVar

from noai.claim import Use
from noai.codes import Code
from noai.limits import REPORT_KINDS, REPORT_REMARKABLE_ROWS, REPORT_ROWS
from noai.reporting.records import FileRecord, Signal, Told
from noai.verdict import Decision

#: Rows whose evidence is one block. Opening a row inflates one.
BLOCK_ROWS: Final = 500
_DECISIONS: Final = tuple(Decision)
_T = TypeVar("_T", bound=Hashable)


class Words(Generic[_T]):
    """Values that many rows share, each kept once; the last of them stands for all that are too many."""

    def __init__(self, limit: int, rest: _T) -> None:
        self._limit = limit
        self._rest = rest
        self._numbers: dict[_T, int] = {}

    def number(self, value: _T) -> int:
        found = self._numbers.get(value)
        if found is None:
            if len(self._numbers) >= self._limit:
                value = self._rest
            found = self._numbers.setdefault(value, len(self._numbers))
        return found

    def __iter__(self) -> Iterator[_T]:
        yield from self._numbers


class Rows:
    """Rows in the order of the records. Evidence waits in a temporary file: use as a context manager."""

    def __init__(self, most: int = REPORT_ROWS, most_remarkable: int = REPORT_REMARKABLE_ROWS) -> None:
        self._most = most
        self._most_remarkable = most_remarkable
        self._columns = _Columns()
        self._evidence = _Evidence()
        self._remarkable_only = False
        #: Admitted and unremarkable files that are counted and not listed.
        self.summed_up = 0
        #: Remarkable ones that are not listed either, because there are too many of them too.
        self.left_out = 0

    def __enter__(self) -> Rows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._evidence.close()

    def __len__(self) -> int:
        return len(self._columns)

    def add(self, record: FileRecord) -> None:
        """Take one record."""
        if not self._remarkable_only and len(self) >= self._most:
            self._drop_plain()
        if self._remarkable_only and record.is_plain:
            self.summed_up += 1
        elif len(self) >= max(self._most, self._most_remarkable):
            self.left_out += 1
        else:
            self._columns.add(record)
            self._evidence.add(evidence(record))

    def _drop_plain(self) -> None:
        """Leave out what is admitted and unremarkable: all of it, wherever it stood."""
        self._remarkable_only = True
        kept = [number for number, plain in enumerate(self._columns.plain) if not plain]
        self.summed_up = len(self) - len(kept)
        old, self._evidence = self._evidence, _Evidence()
        wanted = set(kept)
        for number, item in enumerate(old):
            if number in wanted:
                self._evidence.add(item)
        old.close()
        self._columns.keep(kept)

    def index(self) -> bytes:
        """The block with the columns, ready for the page."""
        return _packed(self._columns.document())

    def blocks(self) -> Iterator[bytes]:
        """The blocks with the evidence, in order, ready for the page."""
        yield from self._evidence.blocks()


def evidence(record: FileRecord) -> dict[str, Any]:
    """What the page shows of one file when its row is opened. Members without content are left out."""
    members = {
        "bytes": None if record.size is None else f"{record.size:,}",
        "modified": record.modified,
        "sha256": record.sha256,
        "uses": dict(record.uses),
        "reasons": [_told(reason) for reason in record.reasons],
        "signals": [_signal(signal) for signal in record.signals],
        "notes": [_told(note) for note in record.notes],
        "error": None if record.error is None else _told(record.error),
    }
    return {name: value for name, value in members.items() if value}


def _told(told: Told) -> list[str | None]:
    return [told.code, told.message, told.source]


def _signal(signal: Signal) -> dict[str, Any]:
    signer = signal.signer
    members = {
        "source": signal.source,
        "place": signal.place,
        "message": signal.message,
        "uses": dict(signal.uses),
        "checks": None if set(signal.checks) == {"not_run"} and signer is None else signal.checks,
        "codes": list(signal.codes),
        "signer": None if signer is None else [signer.kid, signer.subject, signer.trusted_as],
        "signed_at": signal.signed_at,
        "id": signal.id,
        "lifted": signal.lifted,
        "granted": list(signal.granted),
    }
    return {name: value for name, value in members.items() if value}


class _Columns:
    """What the page searches, sorts and filters by, in memory: about 200 bytes a row beside its path."""

    def __init__(self) -> None:
        self._paths: list[str | None] = []
        self._members: list[str | None] = []
        self._decisions: list[int] = []
        self._admitted: list[int] = []
        self._containers: list[int] = []
        self._sizes: list[int | None] = []
        self._reasons: list[int] = []
        self._signers: list[int] = []
        self.plain: list[bool] = []
        self._container_words: Words[str | None] = Words(REPORT_KINDS, "(others)")
        self._reason_words: Words[tuple[str, ...]] = Words(10 * REPORT_KINDS, ("(others)",))
        self._signer_words: Words[tuple[tuple[str, str | None, str | None], ...]] = Words(
            10 * REPORT_KINDS, (("(others)", None, None),)
        )

    def __len__(self) -> int:
        return len(self._paths)

    def add(self, record: FileRecord) -> None:
        signers = dict.fromkeys(signal.signer for signal in record.signals if signal.signer is not None)
        self._paths.append(record.path)
        self._members.append(record.member)
        self._decisions.append(_DECISIONS.index(record.decision))
        self._admitted.append(int(record.admitted))
        self._containers.append(self._container_words.number(record.container))
        self._sizes.append(record.size)
        self._reasons.append(
            self._reason_words.number(tuple(dict.fromkeys(reason.code for reason in record.reasons)))
        )
        self._signers.append(
            self._signer_words.number(tuple((s.kid, s.subject, s.trusted_as) for s in signers))
        )
        self.plain.append(record.is_plain)

    def keep(self, numbers: list[int]) -> None:
        """Keep these rows alone."""
        for name, column in vars(self).items():
            if isinstance(column, list):
                setattr(self, name, [column[number] for number in numbers])

    def document(self) -> dict[str, Any]:
        return {
            "rows": len(self),
            "block": BLOCK_ROWS,
            "uses": len(Use),
            "decisions": [decision.value for decision in _DECISIONS],
            "containers": list(self._container_words),
            "reasons": list(self._reason_words),
            "signers": list(self._signer_words),
            "codes": {code.value: code.meaning for code in Code},
            "path": self._paths,
            "member": self._members if any(self._members) else None,
            "decision": self._decisions,
            "admitted": self._admitted,
            "container": self._containers,
            "size": self._sizes,
            "reason": self._reasons,
            "signer": self._signers,
        }


class _Evidence:
    """Items in a temporary file, block by block."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="noai-report-")  # noqa: SIM115
        self._held: list[dict[str, Any]] = []

    def close(self) -> None:
        self._file.close()

    def add(self, item: dict[str, Any]) -> None:
        self._held.append(item)
        if len(self._held) >= BLOCK_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            self._file.write(_packed(self._held) + b"\n")
            self._held = []

    def blocks(self) -> Iterator[bytes]:
        self._flush()
        self._file.seek(0)
        for line in self._file:
            yield line.rstrip(b"\n")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for block in self.blocks():
            yield from json.loads(zlib.decompress(base64.b64decode(block)))


def _packed(value: object) -> bytes:
    document = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return base64.b64encode(zlib.compress(document, 6))
