"""Delegations: somebody else's key may speak for an identity, for what is named and no longer than said."""

from __future__ import annotations

from dataclasses import dataclass, field

from noai.claim import Use
from noai.consent.grants import Scope, check_times
from noai.consent.statements import Kind, StatusRef, opened
from noai.envelope import Token
from noai.words import Word


class Delegable(Word):
    """What may be said for somebody else. Ending things stays with whoever made them."""

    GRANT = "grant"


@dataclass(frozen=True)
class Delegation:
    """What a delegation says. Nothing of it is proven."""

    id: str
    #: Seconds since 1970, as all times here.
    issued_at: int
    #: Thumbprint of the key that may speak.
    to: str
    types: frozenset[Delegable]
    uses: frozenset[Use]
    scope: Scope
    starts: int
    ends: int | None
    status_list: StatusRef | None = None
    token: Token | None = field(default=None, compare=False, repr=False)

    def payload(self) -> dict[str, object]:
        """The JSON object that is signed, members in the order of the specification."""
        return {
            Kind.DELEGATION.member: 1,
            "id": self.id,
            "iat": self.issued_at,
            "to": self.to,
            "types": sorted(word.value for word in self.types),
            "uses": [use.value for use in Use if use in self.uses],
            "scope": self.scope.members(),
            "from": self.starts,
            "until": self.ends,
            "status_list": None if self.status_list is None else self.status_list.members(),
        }

    @classmethod
    def parse(cls, text: str) -> Delegation:
        """
        Raises:
            TokenRefused: ``rule`` says why it is void.
        """
        token, members = opened(text, Kind.DELEGATION)
        delegation = cls(
            id=members.identifier("id"),
            issued_at=members.instant("iat"),
            to=members.sha256("to"),
            types=members.words("types", Delegable),
            uses=members.uses(),
            scope=Scope.read(members.object("scope")),
            starts=members.instant("from"),
            ends=members.instant_or_none("until"),
            status_list=members.status_or_none(),
            token=token,
        )
        members.done()
        check_times(delegation.starts, delegation.ends, delegation.status_list)
        return delegation
