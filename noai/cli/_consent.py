"""What verify and filter ask alike about consent: for whom, and what was consented to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click

from noai import identities
from noai.cli import _options, _render
from noai.cli._options import PathType
from noai.errors import UsageError
from noai.trust import TrustList

if TYPE_CHECKING:
    from noai.consent import Consent, Declared
    from noai.consent.files import ConsentFiles

#: Void lines that are told one by one.
_TOLD: Final = 20

_OPTIONS: Final = (
    click.option(
        "--licensee",
        type=_options.text,
        metavar="ID",
        help="For whom is asked, as grants spell it: count what was granted to them.",
    ),
    click.option(
        "--model", type=_options.text, metavar="M", help="The model that is asked for, if grants name one."
    ),
    click.option(
        "--territory",
        type=_options.text,
        metavar="T",
        help="The territory that is asked for, if grants name one.",
    ),
    click.option(
        "--grants",
        type=PathType(),
        multiple=True,
        metavar="FILE",
        help="Grants and delegations. May be repeated.",
    ),
    click.option(
        "--revocations", type=PathType(), multiple=True, metavar="FILE", help="Revocations. May be repeated."
    ),
    click.option(
        "--status",
        type=PathType(),
        multiple=True,
        metavar="FILE",
        help="Status lists, for grants that name one. May be repeated.",
    ),
)
_NAMES: Final = ("licensee", "model", "territory", "grants", "revocations", "status")


@dataclass(frozen=True)
class Question:
    """For whom a run is made, and the files of statements that it was given."""

    declared: Declared
    files: ConsentFiles

    @classmethod
    def of(
        cls,
        licensee: str | None,
        model: str | None,
        territory: str | None,
        grants: tuple[str, ...],
        revocations: tuple[str, ...],
        status: tuple[str, ...],
    ) -> Question | None:
        """The question that the options ask; None if they ask for nobody in particular.

        Raises:
            UsageError: if they do not fit together.
        """
        if licensee is not None:
            from noai.consent import Declared
            from noai.consent.files import ConsentFiles

            files = ConsentFiles.named(grants, revocations, status)
            return cls(Declared(licensee, model, territory), files)
        given = dict(zip(_NAMES[1:], (model, territory, grants, revocations, status), strict=True))
        for name, value in given.items():
            if value:
                raise UsageError(
                    f"--{name} is about what was granted to somebody; say to whom: --licensee ID"
                )
        return None

    def answer(self, trust: TrustList, now: datetime) -> Consent:
        """What the files come to; lines that are void are told on stderr.

        Raises:
            ConsentError: if one of them cannot be read, or holds something else.
        """
        consent = self.files.judge(self.declared, trust, now, identities.home())
        for void in consent.void[:_TOLD]:
            _render.say(f"warning: {void.place}: {void.message} [{void.code}]; the line is void")
        if len(consent.void) > _TOLD:
            _render.say(f"warning: and {len(consent.void) - _TOLD} more lines that are void")
        return consent


def options(command: Callable[..., int]) -> Callable[..., int]:
    """The options of consent, which reach ``command`` as one argument, ``question``."""

    @wraps(command)
    def with_question(**given: Any) -> int:
        asked = {name: given.pop(name) for name in _NAMES}
        return command(**given, question=Question.of(**asked))

    asking: Callable[..., int] = with_question
    for option in reversed(_OPTIONS):
        asking = option(asking)
    return asking
