"""From denied uses to the words of each vocabulary that a site speaks."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from noai.claim import ALL_USES, Use
from noai.vocabulary import Token, Vocabulary, denying_tokens


class HeaderField(NamedTuple):
    """One response field."""

    name: str
    value: str
    #: Whether a second one beside it would be read as neither of the two.
    is_single: bool = False


#: Each vocabulary of a site under the name that its field has.
CONTENT_USAGE: Final = "Content-Usage"
CONTENT_SIGNAL: Final = "Content-Signal"
TDM_RESERVATION: Final = "tdm-reservation"
TDM_POLICY: Final = "tdm-policy"
X_ROBOTS_TAG: Final = "X-Robots-Tag"
_FIELDS: Final = (
    (CONTENT_USAGE, Vocabulary.AIPREF),
    (CONTENT_SIGNAL, Vocabulary.CONTENT_SIGNAL),
    (TDM_RESERVATION, Vocabulary.TDMREP),
    (X_ROBOTS_TAG, Vocabulary.ROBOTS),
)
#: How a token says no.
_NO: Final = {CONTENT_USAGE: "{}=n", CONTENT_SIGNAL: "{}=no"}


@dataclass(frozen=True)
class SiteStatement:
    """What a site says where ``denied`` is denied: no more than that in any vocabulary."""

    denied: frozenset[Use]
    #: Where the terms stand, as TDMRep has it; said beside a reservation only.
    policy_url: str | None = None

    @cached_property
    def fields(self) -> tuple[HeaderField, ...]:
        """As response fields."""
        return tuple(self._fields())

    @property
    def rules(self) -> tuple[HeaderField, ...]:
        """Those of the fields that are rules in robots.txt, too."""
        return tuple(field for field in self.fields if field.name in (CONTENT_USAGE, CONTENT_SIGNAL))

    @property
    def reserves(self) -> bool:
        """Whether TDMRep's general reservation is no more than what is denied."""
        return any(field.name == TDM_RESERVATION for field in self.fields)

    @property
    def omissions(self) -> tuple[str, ...]:
        """One sentence for each vocabulary that does not say all that is denied."""
        return tuple(self._omissions())

    def _fields(self) -> Iterator[HeaderField]:
        for name, vocabulary in _FIELDS:
            tokens = denying_tokens(vocabulary, self.denied)
            if not tokens:
                continue
            said = ", ".join(_NO.get(name, "{}").format(token.name) for token in tokens)
            # "1, 1", which clients make of two, is read as neither by some.
            yield HeaderField(name, said, is_single=name == TDM_RESERVATION)
            if name == TDM_RESERVATION and self.policy_url is not None:
                yield HeaderField(TDM_POLICY, self.policy_url, is_single=True)

    def _omissions(self) -> Iterator[str]:
        for name, vocabulary in _FIELDS:
            tokens = denying_tokens(vocabulary, self.denied)
            missing = self.denied - _covered(tokens)
            if not tokens:
                yield f"{name} is left out: each of its words denies more than this"
            elif missing:
                yield f"{name} has no word for {_names(missing)}"
        if self.policy_url is not None and not self.reserves:
            yield f"{TDM_POLICY} is left out: it stands beside {TDM_RESERVATION} only"


def _covered(tokens: tuple[Token, ...]) -> frozenset[Use]:
    return frozenset[Use]().union(*(token.denies for token in tokens))


def _names(uses: Set[Use]) -> str:
    return ", ".join(use.value.rsplit(".", 1)[1] for use in ALL_USES if use in uses)
