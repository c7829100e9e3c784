"""Options of ``noai mark`` that say what is declared, and about which work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

import click

from noai.claim import Profile, Rights, Use, Work
from noai.cli import _options
from noai.cli._options import PathType
from noai.cli._terms import read_terms
from noai.declaration import Declaration
from noai.errors import UsageError
from noai.identifiers import Identifier

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _use(name: str, help: str) -> Callable[[_Command], _Command]:
    return click.option(
        name,
        type=_options.use,
        shell_complete=_options.complete_use,
        multiple=True,
        metavar="USE",
        help=help,
    )


def _identifier(kind: Identifier, help: str) -> Callable[[_Command], _Command]:
    return click.option(f"--{kind.value}", type=_options.identifier(kind), metavar=kind.name, help=help)


_OPTIONS: Final = (
    click.option(
        "--profile",
        type=click.Choice([profile.value for profile in Profile]),
        default=Profile.NO_AI.value,
        show_default=True,
        help="Deny all five uses; all training and voices; generative training and voices.",
    ),
    _use("--deny", "Deny this use as well."),
    _use(
        "--allow",
        "Allow this use, for 90 days. Counts only where your certificate is trusted with --may permit.",
    ),
    _use("--constrain", "Deny this use to everybody who has not agreed to --constraint."),
    click.option(
        "--constraint",
        type=_options.text,
        metavar="TEXT",
        help="What has to be agreed on. Without --constrain, for all that the profile denies.",
    ),
    click.option("--holder", type=_options.text, metavar="NAME", help="Who holds the rights."),
    click.option("--contact", type=_options.text, metavar="TEXT", help="Where to ask for permission."),
    click.option("--licence-url", type=_options.text, metavar="URL", help="Where a licence can be had."),
    click.option(
        "--terms",
        type=PathType(),
        multiple=True,
        metavar="FILE|URL",
        help="Record the digest of the terms in FILE, or address and digest of those at URL, which is "
        "fetched. Give both for a copy of your own.",
    ),
    _identifier(Identifier.ISRC, "The ISRC of the recording; for one file."),
    _identifier(Identifier.ISWC, "The ISWC of the musical work."),
    _identifier(Identifier.UPC, "The UPC or EAN of the release."),
    _identifier(Identifier.ISNI, "The ISNI of the artist."),
    _identifier(Identifier.IPI, "The IPI name number of the author."),
    _identifier(Identifier.DPID, "The DDEX party identifier of who releases it."),
    click.option("--title", type=_options.text, metavar="TEXT", help="The title of the recording."),
    click.option("--artist", type=_options.text, metavar="TEXT", help="Whose recording it is."),
    click.option(
        "--no-tags", is_flag=True, help="Do not take title, artist and identifiers from the files' own tags."
    ),
)


def options(command: _Command) -> _Command:
    """What is declared: the options whose values :func:`declared` takes, and ``--no-tags``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def declared(
    *,
    profile: str,
    deny: Sequence[Use],
    allow: Sequence[Use],
    constrain: Sequence[Use],
    constraint: str | None,
    holder: str | None,
    contact: str | None,
    licence_url: str | None,
    terms: Sequence[str],
    **work: str | None,
) -> Declaration:
    """What the options say; ``work`` has the members of :class:`noai.claim.Work`.

    Raises:
        UsageError: if ``constrain`` lacks its ``constraint``, or two options contradict each other.
        SourceError, FetchError: if the terms cannot be had.
    """
    if constrain and constraint is None:
        raise UsageError("--constrain needs --constraint TEXT: without one, constrained means denied")
    declaration = Declaration(
        Profile.parse(profile),
        tuple(deny),
        tuple(allow),
        tuple(constrain),
        constraint,
        Rights(holder, contact, licence_url),
        Work(**work),
    )
    declaration.claim()
    # Only what makes sense is worth a request.
    url, digest = read_terms(terms)
    return replace(declaration, rights=Rights(holder, contact, licence_url, url, digest))
