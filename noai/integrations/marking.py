"""Marking on behalf of other people's programs: one object behind every integration that marks."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from noai import signing
from noai.claim import Claim, Profile, Rights, Use
from noai.codes import Code
from noai.corpus.judging import where
from noai.declaration import clean_text
from noai.errors import NoaiError, PassphraseRequired
from noai.identities import PASSPHRASE, IdentityStore, passphrase_in_environment
from noai.marking import MarkResult, Outcome, mark
from noai.signing import Signer, check_signer
from noai.text import printable


@dataclass(frozen=True)
class Marked:
    """What became of one file: a result, or in one line why it is as it was before."""

    path: str
    result: MarkResult | None = field(repr=False)
    error: str | None = None

    @property
    def outcome(self) -> Outcome | None:
        """None where marking failed."""
        return None if self.result is None else self.result.outcome

    @property
    def changed(self) -> bool:
        """Whether the file holds other bytes than before."""
        return self.outcome not in (None, Outcome.UNCHANGED)

    def __str__(self) -> str:
        return printable(f"{self.path}: {self.outcome or f'not marked: {self.error}'}")


@dataclass(frozen=True)
class Marking:
    """Who signs and what is said; it marks one file after another in place, as ``noai mark`` does.

    A file that says the same already stays as it is, so that a program may call it after each of its writes.
    What goes wrong with a file, a failure of noai itself included, is that file's alone and raises nothing.

    Raises:
        SigningError: if the signer's marks could never pass.
    """

    signer: Signer
    claim: Claim
    c2pa: bool = True

    def __post_init__(self) -> None:
        check_signer(self.signer, signing.now())

    @classmethod
    def of(
        cls,
        identity: str,
        *,
        profile: str = Profile.NO_AI.value,
        deny: Iterable[str] = (),
        holder: str | None = None,
        c2pa: bool = True,
    ) -> Marking:
        """A marking from a program's settings, in the words of the options of ``noai mark``.

        Raises:
            UsageError: for words that mean nothing.
            SigningError: if there is no such identity, or its key cannot be had.
        """
        claim = Claim.from_profile(
            Profile.parse(profile),
            deny=[Use.parse(use) for use in deny],
            rights=Rights(holder=clean_text(holder) if holder else None),
        )
        signer = IdentityStore().load(identity).signer(lambda: _passphrase(identity))
        return cls(signer, claim, c2pa)

    def mark(self, path: str | os.PathLike[str]) -> Marked:
        """Mark a file in place; the original stands until its marked copy was read again."""
        name = os.fspath(path)
        try:
            result = mark(
                path, in_place=True, signer=self.signer, claim=self.claim, from_tags=True, c2pa=self.c2pa
            )
        except NoaiError as error:
            return Marked(name, None, str(error))
        except OSError as error:
            return Marked(name, None, str(error.strerror or error))
        except Exception as error:  # noqa: BLE001  one file's bug must not stop the program that marks
            return Marked(name, None, f"{Code.INTERNAL_ERROR.meaning} ({where(error)})")
        return Marked(name, result)


def _passphrase(identity: str) -> bytes:
    passphrase = passphrase_in_environment()
    if passphrase is None:
        raise PassphraseRequired(f"the key of {identity!r} needs a passphrase; set {PASSPHRASE}")
    return passphrase
