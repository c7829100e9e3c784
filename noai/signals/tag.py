"""Tags that people and small tools write to opt out, without any specification.

Names are compared without case, punctuation and prefixes, so that ``No-AI-Training`` and
``COMM:no.ai.training`` are ``NO_AI_TRAINING``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from noai.claim import Uses
from noai.codes import Code
from noai.marker import FLAG_VALUES, is_flag
from noai.names import plain_name, plain_names
from noai.report import Finding, SignalSource
from noai.signals._reading import NamedValue, bounded, named_values
from noai.signals.interface import Evidence
from noai.vocabulary import TABLE, Token, Vocabulary, lookup

_TOKENS: Final = {plain_name(token.name): token for token in TABLE[Vocabulary.TAG] if token.denies}
#: The name says it all; tools have written a yes, a name, or nothing.
_BY_PRESENCE: Final = lookup(Vocabulary.TAG, "NO_AI_TRAINING_MARKER")

_YES: Final = FLAG_VALUES | {"y", "on"}
_NO: Final = frozenset({"0", "false", "no", "n", "off"})


class TagReader:
    """Reads opt-out tags, ``NOAI`` with a plain yes among them."""

    source = SignalSource.TAG

    def read(self, evidence: Evidence) -> Iterable[Finding]:
        return bounded(self.source, _findings(evidence))


def _findings(evidence: Evidence) -> Iterator[Finding]:
    for item in named_values(evidence):
        if item.is_marker_slot and not is_flag(item.value):
            continue  # what is no plain yes in the marker's own tag is read by MarkerReader
        for token in (_TOKENS[name] for name in item.names if name in _TOKENS):
            finding = _permission(token, item) if token.permits else _opt_out(token, item)
            if finding is not None:
                yield finding


def _opt_out(token: Token, item: NamedValue) -> Finding | None:
    value = item.value.strip().casefold()
    if value in _NO:
        return None  # not opted out: no statement, and no permission
    # The name of an opt-out as a value ("NO_AI_TRAINING") is a yes.
    if value in _YES or token is _BY_PRESENCE or not _TOKENS.keys().isdisjoint(plain_names(value)):
        return _finding(item, token.denial, (), f"{token.name} opts out")
    return _unknown(token, item)


def _permission(token: Token, item: NamedValue) -> Finding:
    value = item.value.strip().casefold()
    if value in _NO:
        return _finding(item, token.denial, (), f"{token.name} says no")
    if value in _YES:
        return _finding(item, token.permission, (Code.PERMISSION_UNPROVEN,), f"{token.name} says yes")
    return _unknown(token, item)


def _unknown(token: Token, item: NamedValue) -> Finding:
    return _finding(item, {}, (Code.UNKNOWN_VALUE,), f"{token.name} says neither yes nor no")


def _finding(item: NamedValue, uses: Uses, codes: tuple[Code, ...], message: str) -> Finding:
    return Finding(SignalSource.TAG, item.place, uses, codes=codes, message=message, value=item.value)
