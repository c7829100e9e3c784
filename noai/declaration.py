"""What somebody says about a recording, as far as they say it: options, or a row of a catalogue.

One may stand on another, which then says what the first leaves open. A :class:`noai.claim.Claim` says it all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

from noai.claim import Claim, Permission, Profile, Rights, Use, Work
from noai.errors import UsageError
from noai.limits import CLAIM_TEXT_CHARS

_Record = TypeVar("_Record", Rights, Work)


@dataclass(frozen=True)
class Declaration:
    """Members that are None or empty are left open."""

    profile: Profile | None = None
    deny: tuple[Use, ...] = ()
    allow: tuple[Use, ...] = ()
    constrain: tuple[Use, ...] = ()
    constraint: str | None = None
    rights: Rights = field(default_factory=Rights)
    work: Work = field(default_factory=Work)

    @property
    def named(self) -> frozenset[Use]:
        """The uses that are spoken of one by one."""
        return frozenset((*self.deny, *self.allow, *self.constrain))

    def over(self, general: Declaration) -> Declaration:
        """This one, and what it leaves open as ``general`` says it.

        Of single uses, ``general`` speaks of those that this one does not name.
        """

        def of(permission: Permission) -> tuple[Use, ...]:
            own, other = self._of(permission), general._of(permission)
            return (*own, *(use for use in other if use not in self.named))

        return Declaration(
            self.profile or general.profile,
            of(Permission.NOT_ALLOWED),
            of(Permission.ALLOWED),
            of(Permission.CONSTRAINED),
            general.constraint if self.constraint is None else self.constraint,
            _rights_over(self.rights, general.rights),
            _over(self.work, general.work),
        )

    def claim(self) -> Claim:
        """All of it, with the default profile where none is said.

        Raises:
            UsageError: as :meth:`noai.claim.Claim.from_profile` does.
        """
        return Claim.from_profile(
            self.profile or Profile.NO_AI,
            deny=self.deny,
            allow=self.allow,
            constrain=self.constrain,
            constraint_info=self.constraint,
            rights=self.rights,
            work=self.work,
        )

    def _of(self, permission: Permission) -> tuple[Use, ...]:
        if permission is Permission.NOT_ALLOWED:
            return self.deny
        return self.allow if permission is Permission.ALLOWED else self.constrain


def _over(own: _Record, general: _Record) -> _Record:
    said = {each.name: getattr(own, each.name) for each in fields(own)}
    return replace(general, **{name: value for name, value in said.items() if value is not None})


def _rights_over(own: Rights, general: Rights) -> Rights:
    if own.terms_url is not None and own.terms_url != general.terms_url:
        # A digest is that of the terms at one address.
        general = replace(general, terms_sha256=None)
    return _over(own, general)


def clean_text(value: str) -> str:
    """A text that goes into a signed claim: Unicode, not empty, without control characters.

    Raises:
        UsageError: if it is none, or longer than :data:`noai.limits.CLAIM_TEXT_CHARS`.
    """
    value = value.strip()
    if not value:
        raise UsageError("the text is empty")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise UsageError("the text is not valid UTF-8")
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in value):
        raise UsageError("the text contains control characters")
    if len(value) > CLAIM_TEXT_CHARS:
        raise UsageError(f"the text is longer than {CLAIM_TEXT_CHARS} characters")
    return value
