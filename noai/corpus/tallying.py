"""What a run came to, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from noai.corpus.judging import Judged
from noai.corpus.walking import Passed
from noai.verdict import Decision


@dataclass
class Tally:
    """Counts over verdicts; those of several workers add up."""

    passed: Passed = field(default_factory=Passed)
    decisions: Counter[Decision] = field(default_factory=Counter)
    admitted: int = 0
    #: Where there was something to look at, audio or not.
    readable: int = 0
    #: Decided, and not admitted.
    refused: int = 0
    #: Neither audio nor named like it, and not named by the caller: without a record.
    skipped: int = 0

    def add(self, judged: Judged) -> None:
        """Count one verdict."""
        if judged.skipped:
            self.skipped += 1
        else:
            self.count(judged.decision, judged.admitted, judged.readable)

    def count(self, decision: Decision, admitted: bool, readable: bool) -> None:
        """Count one record that says so."""
        self.decisions[decision] += 1
        self.admitted += admitted
        self.readable += readable
        self.refused += not admitted and decision is not Decision.UNDECIDED

    def merge(self, other: Tally) -> None:
        """Count everything that ``other`` counted."""
        self.decisions.update(other.decisions)
        self.admitted += other.admitted
        self.readable += other.readable
        self.refused += other.refused
        self.skipped += other.skipped
        self.passed.folder_links += other.passed.folder_links
        self.passed.left_out += other.passed.left_out

    @property
    def records(self) -> int:
        """How many records there are."""
        return sum(self.decisions.values())

    @property
    def files(self) -> int:
        """Records, and what was looked at and passed over."""
        return self.records + self.skipped
