"""Facts: what was found in a source, and how far each check of it got.

Nothing here judges. A :class:`Report` is the whole input of :meth:`noai.policy.Policy.decide`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from noai.claim import Permission, Use, Uses
from noai.codes import Code
from noai.marker import Marker
from noai.words import Word


class SignalSource(Word):
    """Where a statement comes from, as the verdict record names it."""

    MARKER = "marker"
    C2PA = "c2pa"
    XMP = "xmp"
    TDMREP = "tdmrep"
    TAG = "tag"
    STATEMENT = "statement"
    AIPREF = "aipref"
    HTTP = "http"
    GRANT = "grant"
    REGISTRY = "registry"


class Check(Word):
    """How far one check of one finding got."""

    PASS = "pass"
    FAIL = "fail"
    NOT_RUN = "not_run"
    #: Signer only: a correct chain that leads to no listed anchor.
    UNKNOWN = "unknown"


class Depth(Word):
    """``evidence`` runs every check; ``decision`` stops when the decision can no longer change."""

    EVIDENCE = "evidence"
    DECISION = "decision"


@dataclass(frozen=True)
class SignedBy:
    """Who signed. ``kid`` is the RFC 7638 thumbprint; names are claims of the certificate, unescaped."""

    kid: str
    subject: str | None = None
    #: Fingerprint or name of the trust entry or own identity that identified the signer.
    trusted_as: str | None = None
    #: Names of the groups of keys, one identity each, in which the trust list has this key.
    identities: frozenset[str] = frozenset()

    def same_identity(self, other: SignedBy) -> bool:
        """Whether two signers are one identity: the same key, or keys that trust groups as one."""
        return self.kid == other.kid or not self.identities.isdisjoint(other.identities)


@dataclass(frozen=True)
class PermitProof:
    """What a permission in a finding can lean on, once all four checks pass.

    ``entry_permits``: a trust entry with ``permit`` covers this key and work. ``fresh``: the
    permission is inside its own limits of time.
    """

    entry_permits: bool = False
    in_scope: bool = True
    fresh: bool = False


_ALLOWED: Final = Permission.ALLOWED
_NO_USES: Uses = MappingProxyType({})


@dataclass(frozen=True)
class Finding:
    """One statement, or one thing that could be a statement, found in one place."""

    source: SignalSource
    #: Where it stands, for people.
    place: str
    uses: Uses = field(default_factory=lambda: _NO_USES)
    signature: Check = Check.NOT_RUN
    signer: Check = Check.NOT_RUN
    binding: Check = Check.NOT_RUN
    time: Check = Check.NOT_RUN
    codes: tuple[Code, ...] = ()
    #: One sentence for people about what stands there.
    message: str = ""
    signed_by: SignedBy | None = None
    signed_at: datetime | None = None
    #: The marker's or manifest's identifier.
    id: str | None = None
    #: The marker itself, where the finding is a token that keeps the format.
    marker: Marker | None = None
    permit: PermitProof = field(default_factory=PermitProof)
    #: The value as it was read, for ``noai inspect``; never trusted, never interpreted again.
    value: str | None = None
    #: Set by :func:`noai.combining.resolve`: a valid marker speaks in this finding's place.
    lifted: bool = False
    #: Whether it stands in a file beside the track, not in the track itself.
    beside: bool = False
    #: Uses for which a grant stands in: what is said of them does not count (:mod:`noai.consent`).
    granted: frozenset[Use] = frozenset()

    @property
    def denies(self) -> frozenset[Use]:
        """The uses that it denies, but for those that are granted."""
        denied = frozenset([use for use, permission in self.uses.items() if permission is not _ALLOWED])
        return denied - self.granted if self.granted else denied

    @property
    def intact(self) -> bool:
        """Whether signature, binding and time hold and the chain is correct, known or not."""
        return self.signer in (Check.PASS, Check.UNKNOWN) and all(
            check is Check.PASS for check in (self.signature, self.binding, self.time)
        )

    @property
    def proven(self) -> bool:
        """Whether signature, signer, binding and time all hold."""
        return all(check is Check.PASS for check in (self.signature, self.signer, self.binding, self.time))


def deny_all(uses: frozenset[Use] | tuple[Use, ...]) -> Uses:
    return MappingProxyType({use: Permission.NOT_ALLOWED for use in Use if use in uses})


@dataclass(frozen=True)
class Note:
    """A fact about the source as a whole."""

    code: Code
    message: str


@dataclass(frozen=True)
class Report:
    """Everything that reading one source yielded."""

    path: str | None
    container: str | None
    size: int | None
    mtime_ns: int | None
    depth: Depth
    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    #: Set where the source could not be read at all.
    error: Note | None = None
    #: Of all bytes of the source, hex; only where it was asked for.
    sha256: str | None = None
    #: The name inside the archive at ``path``; None for a file of its own.
    member: str | None = None
