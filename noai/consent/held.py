"""What an ingest holds of consent, judged once for all of its files (:mod:`noai.consent.judging`).

What is left to be asked of each file is whose reservation it has, which recording it is, and what time it is
by then (:mod:`noai.consent.lifting`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from noai.codes import Code
from noai.consent.delegations import Delegation
from noai.consent.grants import Grant
from noai.consent.statements import Named
from noai.essence import EssenceDigest
from noai.limits import CONSENT_SHOWN
from noai.marker import CLOCK_SKEW
from noai.report import SignedBy


class Line(NamedTuple):
    """One statement as it was kept: where, for people, and its compact JWS."""

    place: str
    text: str


@dataclass(frozen=True)
class Declared:
    """For whom an ingest judges; it says so itself, and serves its own gate alone."""

    #: A URI or the thumbprint of a key, as the grant spells it.
    licensee: str
    model: str | None = None
    territory: str | None = None


class Window(NamedTuple):
    """When a statement counts, in seconds since 1970."""

    issued_at: int
    starts: int
    ends: int | None
    #: When the status list that was looked at is too old; None if it names none.
    stale_at: int | None

    def refusals(self, now: float) -> tuple[Code, ...]:
        """What the time ``now`` has against it."""
        wrong = {
            Code.GRANT_IN_FUTURE: self.issued_at > now + CLOCK_SKEW,
            Code.GRANT_NOT_BEGUN: now < self.starts,
            Code.GRANT_ENDED: self.ends is not None and now >= self.ends,
            Code.STATUS_STALE: self.stale_at is not None and now >= self.stale_at,
        }
        return tuple(code for code, is_wrong in wrong.items() if is_wrong)


@dataclass(frozen=True)
class Held:
    """What forbids a statement to count whatever file and time; nothing does if ``refusals`` is empty."""

    named: Named
    place: str
    signed_by: SignedBy
    window: Window
    refusals: tuple[Code, ...]
    #: For each trust entry that lets its signer grant: prefixes of the ISRCs for which, or none for all.
    reach: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class HeldGrant(Held):
    """A grant at hand."""

    grant: Grant


@dataclass(frozen=True)
class HeldDelegation(Held):
    """A delegation at hand; ``signed_by`` is who delegates."""

    delegation: Delegation


@dataclass(frozen=True)
class HeldRevocation:
    """A revocation of a marker, whose signature is right."""

    named: Named
    place: str
    signed_by: SignedBy
    #: Whether signer and time hold, too: less ends a permission, but takes no denial away.
    proven: bool


@dataclass(frozen=True)
class Void:
    """A line that is no statement, or breaks a rule of its kind."""

    place: str
    code: Code
    message: str


class ByRecording:
    """Some grants by the recording that they are for; of each recording at most ``cap``, if there is one."""

    def __init__(self, grants: Iterable[HeldGrant], cap: int | None = None) -> None:
        self._by_track: dict[EssenceDigest, list[HeldGrant]] = defaultdict(list)
        self._by_isrc: dict[str, list[HeldGrant]] = defaultdict(list)
        self.for_everything: list[HeldGrant] = []
        for held in grants:
            scope = held.grant.scope
            lists = [self._by_track[track] for track in scope.tracks]
            lists += [self._by_isrc[isrc] for isrc in scope.isrcs]
            for kept in [*lists, self.for_everything] if scope.everything else lists:
                if cap is None or len(kept) < cap:
                    kept.append(held)

    @property
    def name_tracks(self) -> bool:
        return bool(self._by_track)

    def naming(self, essence: EssenceDigest | None, isrc: str | None) -> Iterator[HeldGrant]:
        """Those that name this recording."""
        if essence is not None:
            yield from self._by_track.get(essence, ())
        if isrc is not None:
            yield from self._by_isrc.get(isrc, ())


@dataclass(frozen=True)
class BySigner:
    """The grants of one signer: those that can count, those of this recording that cannot, a few others."""

    counting: ByRecording
    refused: ByRecording
    first: tuple[HeldGrant, ...]

    @classmethod
    def of(cls, grants: Sequence[HeldGrant]) -> BySigner:
        return cls(
            ByRecording(held for held in grants if not held.refusals),
            ByRecording((held for held in grants if held.refusals), CONSENT_SHOWN),
            tuple(grants[:CONSENT_SHOWN]),
        )


_NONE: Final = BySigner.of(())


@dataclass(frozen=True)
class Consent:
    """Grants, revocations and delegations, judged for one licensee by one trust list."""

    declared: Declared
    grants: tuple[HeldGrant, ...] = ()
    delegations: tuple[HeldDelegation, ...] = ()
    revocations: tuple[HeldRevocation, ...] = ()
    void: tuple[Void, ...] = ()
    #: What has ended, by each name of who ended it (:func:`names_of`).
    ended: Mapping[str, frozenset[Named]] = field(default_factory=dict)
    #: The text of statements that end things, but do not hold: nothing that it names is taken to hold.
    doubt: str = ""
    #: Which trust list it was judged by (:attr:`noai.trust.TrustList.fingerprint`); empty for any.
    trust: str = ""

    def by(self, name: str) -> BySigner:
        """The grants whose signer has ``name`` among its names."""
        return self._by_signer.get(name, _NONE)

    def delegated_by(self, name: str) -> tuple[HeldDelegation, ...]:
        """Delegations by this name, to somebody of whom there is a grant."""
        return self._by_delegator.get(name, ())

    def revocations_of(self, named: Named) -> tuple[HeldRevocation, ...]:
        return self._by_marker.get(named, ())

    def has_ended(self, named: Named, signer: SignedBy) -> bool:
        """Whether this identity has ended it."""
        return any(named in self.ended.get(name, ()) for name in names_of(signer))

    def doubts(self, named: Named) -> bool:
        return bool(self.doubt) and (named.id in self.doubt or named.sha256 in self.doubt)

    @cached_property
    def named(self) -> ByRecording:
        """A few grants of each recording, whoever signed them."""
        return ByRecording(self.grants, CONSENT_SHOWN)

    @cached_property
    def _by_signer(self) -> Mapping[str, BySigner]:
        found: dict[str, list[HeldGrant]] = defaultdict(list)
        for held in self.grants:
            for name in names_of(held.signed_by):
                found[name].append(held)
        return {name: BySigner.of(grants) for name, grants in found.items()}

    @cached_property
    def _by_delegator(self) -> Mapping[str, tuple[HeldDelegation, ...]]:
        found: dict[str, list[HeldDelegation]] = defaultdict(list)
        for held in self.delegations:
            for name in names_of(held.signed_by) if held.delegation.to in self._by_signer else ():
                found[name].append(held)
        return {name: tuple(delegations) for name, delegations in found.items()}

    @cached_property
    def _by_marker(self) -> Mapping[Named, tuple[HeldRevocation, ...]]:
        found: dict[Named, list[HeldRevocation]] = defaultdict(list)
        for held in self.revocations:
            found[held.named].append(held)
        return {named: tuple(revocations) for named, revocations in found.items()}


def names_of(signer: SignedBy) -> tuple[str, ...]:
    """What stands for a signer's identity: two signers are one identity if they share one of these."""
    return (signer.kid, *sorted(signer.identities))
