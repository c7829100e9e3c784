"""What ends a grant or a marker before its time: revocations, one by one, and status lists, all at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from noai.codes import Code
from noai.consent.statements import Kind, Named, opened
from noai.envelope import Token
from noai.errors import TokenRefused
from noai.limits import STATUS_CHARS
from noai.words import Word


class Ended(Word):
    """What a revocation ends."""

    GRANT = "grant"
    MARKER = "marker"
    DELEGATION = "delegation"


@dataclass(frozen=True)
class Revocation:
    """A statement that something by the same identity holds no longer. It is never taken back."""

    id: str
    #: Seconds since 1970.
    issued_at: int
    what: Ended
    named: Named
    token: Token | None = field(default=None, compare=False, repr=False)

    def payload(self) -> dict[str, object]:
        """The JSON object that is signed, members in the order of the specification."""
        return {
            Kind.REVOCATION.member: 1,
            "id": self.id,
            "iat": self.issued_at,
            "ends": {"what": self.what.value, **self.named.members()},
        }

    @classmethod
    def parse(cls, text: str) -> Revocation:
        """
        Raises:
            TokenRefused: ``rule`` says why it is void.
        """
        token, members = opened(text, Kind.REVOCATION)
        statement_id, issued_at = members.identifier("id"), members.instant("iat")
        ends = members.object("ends")
        said = ends.text("what")
        what = next((word for word in Ended if word.value == said), None)
        if what is None:
            raise TokenRefused(Code.GRANT_MEMBER, "what ends is none that this version knows")
        named = Named(ends.identifier("id"), ends.sha256("sha256"))
        ends.done()
        members.done()
        return cls(statement_id, issued_at, what, named, token)


@dataclass(frozen=True)
class StatusList:
    """Everything that an identity has ended, as of one instant, good until the next."""

    #: The list's own id, the same in every edition.
    id: str
    #: Counts up from edition to edition.
    sequence: int
    #: Seconds since 1970.
    issued_at: int
    next_update: int
    ended: frozenset[Named]
    token: Token | None = field(default=None, compare=False, repr=False)

    def payload(self) -> dict[str, object]:
        """The JSON object that is signed, members in the order of the specification."""
        return {
            Kind.STATUS.member: 1,
            "list": self.id,
            "seq": self.sequence,
            "iat": self.issued_at,
            "next_update": self.next_update,
            "ended": [named.members() for named in sorted(self.ended, key=lambda n: (n.id, n.sha256))],
        }

    @classmethod
    def parse(cls, text: str) -> StatusList:
        """
        Raises:
            TokenRefused: ``rule`` says why it is void.
        """
        token, members = opened(text, Kind.STATUS, STATUS_CHARS)
        status = cls(
            id=members.identifier("list"),
            sequence=members.count("seq"),
            issued_at=members.instant("iat"),
            next_update=members.instant("next_update"),
            ended=frozenset(members.named(item, "an item of ended") for item in members.list("ended")),
            token=token,
        )
        members.done()
        if status.next_update <= status.issued_at:
            raise TokenRefused(Code.GRANT_MEMBER, "next_update is not behind iat")
        return status
