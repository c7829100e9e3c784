"""What an artist says: uses, permissions, profiles and the claim that carries them.

Pure types, no I/O. The uses are those of the CAWG training-and-data-mining assertion 1.1
plus ``org.noai.voice_likeness``.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from noai.errors import UsageError
from noai.words import Word


class Use(Word):
    """One way of using a recording that a claim can speak about."""

    GENERATIVE_TRAINING = "cawg.ai_generative_training"
    #: *Non*-generative training (CAWG training-and-data-mining 1.1).
    TRAINING = "cawg.ai_training"
    DATA_MINING = "cawg.data_mining"
    INFERENCE = "cawg.ai_inference"
    #: Imitating or synthesising a voice, style or likeness.
    VOICE_LIKENESS = "org.noai.voice_likeness"

    @classmethod
    def parse(cls, text: str) -> Use:
        """The use that ``text`` names, in full (``cawg.ai_training``) or short (``ai_training``).

        Raises:
            UsageError: for anything else.
        """
        for use in cls:
            if text in (use.value, use.value.rsplit(".", 1)[1]):
                return use
        known = ", ".join(use.value for use in cls)
        raise UsageError(f"{text!r} is not a use that noai knows; choose one of: {known}")


ALL_USES: Final[tuple[Use, ...]] = tuple(Use)
#: What a verdict is asked about unless the caller says otherwise: both kinds of training.
TRAINING_USES: Final[tuple[Use, ...]] = (Use.GENERATIVE_TRAINING, Use.TRAINING)


class Permission(Word):
    """What a claim says of one use. A use that is not named is unstated, never allowed."""

    ALLOWED = "allowed"
    #: Denied to everybody whom no grant names.
    CONSTRAINED = "constrained"
    NOT_ALLOWED = "notAllowed"

    @property
    def denies(self) -> bool:
        return self is not Permission.ALLOWED


_STRICTNESS: Final = {
    Permission.ALLOWED: 0,
    Permission.CONSTRAINED: 1,
    Permission.NOT_ALLOWED: 2,
}

Uses = Mapping[Use, Permission]
_View = MappingProxyType[Any, Any]


def read_only(uses: dict[Any, Any]) -> _View:
    """A view of ``uses`` that cannot be written to."""
    return MappingProxyType(uses)


def _reduced(
    uses: MappingProxyType[Any, Any],
) -> tuple[Callable[..., MappingProxyType[Any, Any]], tuple[Any, ...]]:
    return read_only, (dict(uses),)


# Python pickles no read-only view by itself; claims and findings cross between processes.
copyreg.pickle(MappingProxyType, _reduced)


def strictest(statements: Iterable[Uses]) -> dict[Use, Permission]:
    """For each use the most restrictive permission that any of ``statements`` gives it."""
    combined: dict[Use, Permission] = {}
    for uses in statements:
        if not combined:
            combined.update(uses)
            continue
        for use, permission in uses.items():
            held = combined.get(use)
            if held is None or _STRICTNESS[permission] > _STRICTNESS[held]:
                combined[use] = permission
    return {use: combined[use] for use in ALL_USES if use in combined}


class Profile(Word):
    """A named set of denials, by what the world has asked for."""

    NO_AI = "no-ai"
    NO_TRAINING = "no-training"
    NO_GENERATIVE = "no-generative"

    @classmethod
    def parse(cls, text: str) -> Profile:
        """Raises: UsageError, for a name that is no profile's."""
        try:
            return cls(text)
        except ValueError:
            known = ", ".join(profile.value for profile in cls)
            raise UsageError(f"{text!r} is no profile; choose one of: {known}") from None

    @property
    def denied(self) -> frozenset[Use]:
        return _PROFILE_DENIES[self]

    @property
    def uses(self) -> dict[Use, Permission]:
        return {use: Permission.NOT_ALLOWED for use in ALL_USES if use in self.denied}


_PROFILE_DENIES: Final[Mapping[Profile, frozenset[Use]]] = MappingProxyType(
    {
        Profile.NO_AI: frozenset(ALL_USES),
        Profile.NO_TRAINING: frozenset({Use.GENERATIVE_TRAINING, Use.TRAINING, Use.VOICE_LIKENESS}),
        Profile.NO_GENERATIVE: frozenset({Use.GENERATIVE_TRAINING, Use.VOICE_LIKENESS}),
    }
)


@dataclass(frozen=True)
class Rights:
    """Who holds the rights and where the terms stand. All of it is claimed, none proven."""

    holder: str | None = None
    contact: str | None = None
    licence_url: str | None = None
    terms_url: str | None = None
    terms_sha256: str | None = None


@dataclass(frozen=True)
class Work:
    """Which work the recording is, by the identifiers of the music trade."""

    title: str | None = None
    artist: str | None = None
    isrc: str | None = None
    iswc: str | None = None
    upc: str | None = None
    isni: str | None = None
    #: The IPI name number of who wrote it.
    ipi: str | None = None
    #: The DDEX party identifier of who releases it.
    dpid: str | None = None


@dataclass(frozen=True)
class Companion:
    """An unsigned statement that one marking wrote beside its marker.

    ``source`` is a signal source (``statement`` or ``xmp``); ``sha256`` is the base64url
    SHA-256 of the value, UTF-8.
    """

    source: str
    sha256: str


@dataclass(frozen=True)
class Superseded:
    """An earlier marker that this one replaces: its id and the base64url SHA-256 of its signing input."""

    id: str
    sha256: str


@dataclass(frozen=True)
class Claim:
    """What is said about one recording: everything in a marker but identity, time and binding."""

    uses: Uses
    constraint_info: str | None = None
    rights: Rights = field(default_factory=Rights)
    work: Work = field(default_factory=Work)

    def __post_init__(self) -> None:
        if not self.uses:
            raise UsageError("a claim must say something about at least one use")
        object.__setattr__(
            self,
            "uses",
            MappingProxyType({use: self.uses[use] for use in ALL_USES if use in self.uses}),
        )

    @property
    def denied(self) -> frozenset[Use]:
        return frozenset(use for use, permission in self.uses.items() if permission.denies)

    @classmethod
    def from_profile(
        cls,
        profile: Profile = Profile.NO_AI,
        *,
        deny: Iterable[Use] = (),
        allow: Iterable[Use] = (),
        constrain: Iterable[Use] = (),
        constraint_info: str | None = None,
        rights: Rights | None = None,
        work: Work | None = None,
    ) -> Claim:
        """A profile with single uses changed on top.

        ``constraint_info`` says what ``constrained`` asks for. Given alone, it is about all that the
        profile denies and that neither ``deny`` nor ``allow`` names.

        Raises:
            UsageError: if one use is named in more than one of ``deny``, ``allow``, ``constrain``, or if
                ``constraint_info`` is about none.
        """
        changed: dict[Use, Permission] = {}
        deny, allow, constrain = tuple(deny), tuple(allow), tuple(constrain)
        if constraint_info is not None and not constrain:
            constrain = tuple(use for use in profile.uses if use not in (*deny, *allow))
            if not constrain:
                raise UsageError("a constraint needs a use that it is about, and all are denied or allowed")
        for uses, permission in (
            (deny, Permission.NOT_ALLOWED),
            (constrain, Permission.CONSTRAINED),
            (allow, Permission.ALLOWED),
        ):
            for use in uses:
                if changed.setdefault(use, permission) is not permission:
                    raise UsageError(f"{use} cannot be both {changed[use]} and {permission}")
        return cls(
            uses={**profile.uses, **changed},
            constraint_info=constraint_info,
            rights=rights or Rights(),
            work=work or Work(),
        )
