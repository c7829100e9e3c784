"""noai's own sentence in copyright, comment, or any other text (:mod:`noai.statement`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from noai.codes import Code
from noai.report import Finding, SignalSource, deny_all
from noai.signals._reading import bounded, named_values
from noai.signals.interface import Evidence
from noai.statement import Statement, find


class StatementReader:
    """Reads statements wherever text stands: converters move text between fields."""

    source = SignalSource.STATEMENT

    def read(self, evidence: Evidence) -> Iterable[Finding]:
        return bounded(self.source, _findings(evidence))


def _findings(evidence: Evidence) -> Iterator[Finding]:
    for item in named_values(evidence):
        for statement in find(item.value):
            yield _finding(item.place, statement)


def _finding(place: str, statement: Statement) -> Finding:
    codes: tuple[Code, ...] = ()
    message = "a statement that noai wrote"
    if not statement.complete:
        codes = (Code.STATEMENT_CUT,)
        message = "a statement, cut or altered: a general opt-out"
    return Finding(
        SignalSource.STATEMENT,
        place,
        deny_all(statement.denies),
        codes=codes,
        message=message,
        value=statement.text,
    )
