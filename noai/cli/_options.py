"""Kinds of arguments, and options that several commands have."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from noai.claim import Use
from noai.cli._exits import Exit
from noai.declaration import clean_text
from noai.errors import UsageError
from noai.identifiers import Identifier, normalise
from noai.policy import Admission
from noai.report import Depth

_Command = TypeVar("_Command", bound=Callable[..., Any])

_ISRC_PREFIX: Final = re.compile(r"[A-Z0-9]{2,12}")


class PathType(click.Path):
    """A path exactly as it was given.

    An empty one is refused: it would mean the current folder, where a shell variable was not set.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value:
            self.fail("a path is empty.", param, ctx)
        return str(value)


def use(value: str) -> Use:
    """One of the five uses, in full or short."""
    try:
        return Use.parse(value)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


def complete_use(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    names = [name for use in Use for name in (use.value.rsplit(".", 1)[1], use.value)]
    return [name for name in names if name.startswith(incomplete)]


def text(value: str) -> str:
    """A text that goes into a signed claim: Unicode, not empty, without control characters."""
    try:
        return clean_text(value)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


def identifier(kind: Identifier) -> Callable[[str], str]:
    """An identifier of this kind, as claims hold it."""

    def convert(value: str) -> str:
        try:
            return normalise(kind, value)
        except UsageError as error:
            raise click.BadParameter(str(error)) from None

    return convert


isrc = identifier(Identifier.ISRC)


def isrc_prefix(value: str) -> str:
    """The beginning of ISRCs, without hyphens and in capitals."""
    value = value.replace("-", "").strip().upper()
    if not _ISRC_PREFIX.fullmatch(value):
        raise click.BadParameter("the beginning of an ISRC is letters and digits, such as QZABC")
    return value


paths = click.argument("paths", nargs=-1, type=PathType(), metavar="PATH...")
as_json = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


class HelpfulGroup(click.Group):
    """A group that shows its help, and fails, where no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(Exit.USAGE)
        return super().parse_args(ctx, args)


# -- what verify and filter ask alike ------------------------------------------------------------

uses = click.option(
    "--use",
    "uses",
    type=use,
    shell_complete=complete_use,
    multiple=True,
    metavar="USE",
    help="A use that is asked about. Default: ai_generative_training and ai_training.",
)
anchors = click.option(
    "--trust",
    "anchors",
    type=PathType(),
    multiple=True,
    metavar="PEM",
    help="Know these certificates for this run. They identify; for more, use: noai trust add --may.",
)
policy = click.option(
    "--policy",
    type=click.Choice([admission.value for admission in Admission]),
    default=Admission.OPT_OUT.value,
    show_default=True,
    help="Admit what is not reserved, or only what is allowed.",
)


def depth(default: Depth) -> Callable[[_Command], _Command]:
    return click.option(
        "--depth",
        type=click.Choice([depth.value for depth in Depth]),
        default=default.value,
        show_default=True,
        help="Run every check, or stop once the decision is certain.",
    )


def inputs(command: _Command) -> _Command:
    """Which files, and how they are worked through."""
    for option in reversed(_INPUTS):
        command = option(command)
    return command


_INPUTS: Final = (
    click.option(
        "--files-from", type=PathType(), metavar="FILE", help="Read paths from FILE, one a line; - is stdin."
    ),
    click.option(
        "-0", "null", is_flag=True, help="Paths in --files-from end with NUL, as find -print0 writes."
    ),
    click.option(
        "--include",
        multiple=True,
        metavar="GLOB",
        help="In folders, only files that match: '*.flac' by name, 'a/**' by the way there. May be repeated.",
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="GLOB",
        help="In folders, neither files nor folders that match. May be repeated.",
    ),
    click.option("--no-archives", is_flag=True, help="Do not look into tar, zip and Parquet files."),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        default=None,
        metavar="N",
        help="Processes to use. Default: as many as there are cores.",
    ),
    click.option(
        "--ordered",
        is_flag=True,
        help="Keep the order of the paths. Without, answers come as they are there.",
    ),
)
