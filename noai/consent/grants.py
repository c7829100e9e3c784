"""Grants: a signed permission by the identity that made a reservation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from noai.claim import Use
from noai.codes import Code
from noai.consent.statements import Kind, Members, StatusRef, opened
from noai.encoding import Json, b64url_decode
from noai.envelope import Token
from noai.errors import TokenRefused
from noai.essence import ALGORITHM, EssenceDigest

#: A grant that names no status list lasts no longer, in seconds: so long may a revocation go unseen.
UNLISTED_LIFETIME: Final = 30 * 24 * 3600
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True)
class Scope:
    """Which recordings: by their essence, by the ISRC in the marker, or all that an identity has marked.

    Exactly one of the three; an empty scope is void, never "all".
    """

    tracks: frozenset[EssenceDigest] = frozenset()
    isrcs: frozenset[str] = frozenset()
    #: All markers of the identity that were issued no later than the statement.
    everything: bool = False

    def __post_init__(self) -> None:
        if sum((bool(self.tracks), bool(self.isrcs), self.everything)) != 1:
            raise ValueError("a scope is either tracks, or ISRCs, or everything")

    def covers(self, essence: EssenceDigest | None, isrc: str | None, marked_before: bool) -> bool:
        """Whether a recording is meant. ``marked_before``: its marker is not younger than the statement."""
        return (
            (self.everything and marked_before)
            or (essence is not None and essence in self.tracks)
            or (isrc is not None and isrc in self.isrcs)
        )

    def includes(self, other: Scope) -> bool:
        """Whether ``other`` names nothing beyond this one."""
        return self.everything or (
            not other.everything and other.tracks <= self.tracks and other.isrcs <= self.isrcs
        )

    def members(self) -> dict[str, object]:
        if self.everything:
            return {"all": True}
        if self.isrcs:
            return {"isrcs": sorted(self.isrcs)}
        return {
            "tracks": [
                track.members()
                for track in sorted(self.tracks, key=lambda track: (track.scheme, track.digest))
            ]
        }

    @classmethod
    def read(cls, members: Members) -> Scope:
        """
        Raises:
            TokenRefused: if it is empty, or says more than one thing.
        """
        if members.has("all"):
            if members.take("all") is not True:
                raise TokenRefused(Code.GRANT_MEMBER, "all is not true")
            scope = cls(everything=True)
        elif members.has("isrcs"):
            texts = members.list("isrcs")
            isrcs = frozenset(text for text in texts if isinstance(text, str) and text)
            if not isrcs or len(isrcs) != len(texts):
                raise TokenRefused(Code.GRANT_MEMBER, "isrcs is not a list of different texts")
            scope = cls(isrcs=isrcs)
        else:
            tracks = frozenset(_track(members, item) for item in members.list("tracks"))
            if not tracks:
                raise TokenRefused(Code.GRANT_MEMBER, "tracks is empty")
            scope = cls(tracks=tracks)
        members.done()
        return scope


def _track(members: Members, value: Json) -> EssenceDigest:
    track = members.inner(value, "a track")
    alg, scheme, digest = track.identifier("alg"), track.identifier("scheme"), track.text("digest")
    track.done()
    data = b64url_decode(digest)
    if alg != ALGORITHM or len(data) != _DIGEST_BYTES:
        raise TokenRefused(Code.GRANT_MEMBER, f"the digest of a track is not one of {ALGORITHM}")
    return EssenceDigest(scheme, data)


@dataclass(frozen=True)
class Grant:
    """What a grant says. Nothing of it is proven."""

    id: str
    #: Seconds since 1970, as all times here.
    issued_at: int
    scope: Scope
    #: A URI or the thumbprint of a key, compared byte by byte.
    licensee: str
    uses: frozenset[Use]
    starts: int
    #: Not any more from this instant on; None if the status list alone says so.
    ends: int | None
    model: str | None = None
    territory: str | None = None
    status_list: StatusRef | None = None
    #: What the parties call their agreement.
    agreement: str | None = None
    token: Token | None = field(default=None, compare=False, repr=False)

    def payload(self) -> dict[str, object]:
        """The JSON object that is signed, members in the order of the specification."""
        return {
            Kind.GRANT.member: 1,
            "id": self.id,
            "iat": self.issued_at,
            "scope": self.scope.members(),
            "licensee": self.licensee,
            "uses": [use.value for use in Use if use in self.uses],
            "model": self.model,
            "territory": self.territory,
            "from": self.starts,
            "until": self.ends,
            "status_list": None if self.status_list is None else self.status_list.members(),
            "agreement": self.agreement,
        }

    @classmethod
    def parse(cls, text: str) -> Grant:
        """
        Raises:
            TokenRefused: ``rule`` says why it is void.
        """
        token, members = opened(text, Kind.GRANT)
        grant = cls(
            id=members.identifier("id"),
            issued_at=members.instant("iat"),
            scope=Scope.read(members.object("scope")),
            licensee=members.text("licensee"),
            uses=members.uses(),
            model=members.text_or_none("model"),
            territory=members.text_or_none("territory"),
            starts=members.instant("from"),
            ends=members.instant_or_none("until"),
            status_list=members.status_or_none(),
            agreement=members.text_or_none("agreement"),
            token=token,
        )
        members.done()
        check_times(grant.starts, grant.ends, grant.status_list)
        return grant


def check_times(starts: int, ends: int | None, status_list: StatusRef | None) -> None:
    """
    Raises:
        TokenRefused: if a statement ends before it starts, or without a status list never.
    """
    if ends is not None and ends <= starts:
        raise TokenRefused(Code.GRANT_MEMBER, "until is not behind from")
    if ends is None and status_list is None:
        raise TokenRefused(Code.GRANT_TOO_LONG, "without a status list it has to end")


def lasts_too_long(issued_at: int, starts: int, ends: int | None, status_list: StatusRef | None) -> bool:
    """Whether a statement could outlive its revocation: a month without a status list is the most."""
    return status_list is None and (ends is None or ends - min(issued_at, starts) > UNLISTED_LIFETIME)
