"""What records come to: counts of everything that a report shows, in memory that does not grow with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from noai.limits import REPORT_KINDS
from noai.reporting.records import FileRecord, Signer
from noai.verdict import Decision

_K = TypeVar("_K", bound=Hashable)
#: Of the four checks of a signal.
_SIGNATURE = 0


class Question(NamedTuple):
    """What was asked of a file, and by which noai."""

    noai: str
    policy: str
    depth: str
    requested: tuple[str, ...]
    licensee: str | None


class Kinds(Generic[_K]):
    """Counts by kind, and for each kind by something else. Kinds beyond a limit are counted together."""

    def __init__(self, limit: int = REPORT_KINDS) -> None:
        self._limit = limit
        self._counts: dict[_K, Counter[str]] = {}
        #: Of all kinds that came when there were too many already.
        self.others: Counter[str] = Counter()

    def add(self, kind: _K, what: str, number: int = 1) -> None:
        counts = self._counts.get(kind)
        if counts is None:
            if len(self._counts) >= self._limit:
                counts = self.others
            else:
                counts = self._counts[kind] = Counter()
        counts[what] += number

    def __iter__(self) -> Iterator[tuple[_K, Counter[str]]]:
        """Kinds with their counts, the largest first, those of one size in the order in which they came."""
        yield from sorted(self._counts.items(), key=lambda item: -item[1].total())

    def __len__(self) -> int:
        return len(self._counts)


@dataclass
class Summary:
    """Counts over all records of a report."""

    files: int = 0
    bytes: int = 0
    admitted: int = 0
    marked: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    #: By container, the decisions on its files.
    containers: Kinds[str | None] = field(default_factory=Kinds)
    #: By code of a reason, how many files were given it, by decision.
    reasons: Kinds[str] = field(default_factory=Kinds)
    #: By signer, how many signals, by what their signature came to.
    signers: Kinds[Signer] = field(default_factory=Kinds)
    questions: Kinds[Question] = field(default_factory=Kinds)

    def add(self, record: FileRecord) -> None:
        """Count one record."""
        decision = record.decision.value
        self.files += 1
        self.bytes += record.size or 0
        self.admitted += record.admitted
        self.marked += bool(record.signals)
        self.decisions[decision] += 1
        self.containers.add(record.container, decision)
        for code in {reason.code for reason in record.reasons}:
            self.reasons.add(code, decision)
        for signal in record.signals:
            if signal.signer is not None:
                self.signers.add(signal.signer, signal.checks[_SIGNATURE])
        asked = Question(record.noai, record.policy, record.depth, record.requested, record.licensee)
        self.questions.add(asked, "files")

    def of(self, decision: Decision) -> int:
        """How many files were decided so."""
        return self.decisions[decision.value]
