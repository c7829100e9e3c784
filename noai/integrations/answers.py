"""Answers that a gate in a long run keeps: as little of each as is told later, and of many the last ones."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from noai.codes import Code
from noai.integrations.gate import why
from noai.verdict import Decision, Verdict

_Answer = TypeVar("_Answer")
_Against = TypeVar("_Against", "Refusal", Verdict)


@dataclass(frozen=True)
class Refusal:
    """Why something may not enter; of a verdict no more than that, as there may be millions."""

    decision: Decision
    path: str | None
    codes: tuple[Code, ...]
    why: str

    @classmethod
    def of(cls, verdict: Verdict) -> Refusal | None:
        """None for what is admitted."""
        if verdict.admitted:
            return None
        codes = tuple(reason.code for reason in verdict.reasons)
        return cls(verdict.decision, verdict.path, codes, why(verdict))


def foremost(against: Iterable[_Against | None]) -> _Against | None:
    """What is told of all that speaks against something: a denial if there is one; None for nothing."""
    found = (each for each in against if each is not None)
    return min(found, key=lambda each: each.decision is not Decision.REJECTED, default=None)


class Memo(Generic[_Answer]):
    """Asks ``ask`` once about each of what it was asked last, ``most`` of them; pickled, it forgets all."""

    def __init__(self, ask: Callable[..., _Answer], most: int) -> None:
        self._ask = ask
        self._most = most
        self._kept = lru_cache(maxsize=most)(ask)

    def __call__(self, *about: Hashable) -> _Answer:
        return self._kept(*about)

    def __reduce__(self) -> tuple[object, ...]:
        return Memo, (self._ask, self._most)
