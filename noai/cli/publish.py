"""``noai publish``: what a site says about AI use, in robots.txt, ``tdmrep.json`` and response headers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from noai.claim import ALL_USES, Claim, Profile, Use
from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._options import PathType, as_json, complete_use, use
from noai.errors import PublishError
from noai.publishing import Outcome, Plan, SiteFile, SitePath, SiteStatement, plan, write
from noai.publishing.addresses import require_address
from noai.text import escape_path

_EPILOG: Final = """\
\b
Written are:
  robots.txt               Content-Usage and Content-Signal for everybody, between two lines that begin
                           with "# noai:"; the rest of it stays as it is
  .well-known/tdmrep.json  a reservation (TDMRep), where the profile denies all uses; other rules stay
  noai/noai.nginx.conf     the same as response headers, to copy into the configuration of nginx
  noai/noai.apache.conf    and Apache
Nothing says more than the profile denies. What a vocabulary cannot say is named.

\b
Exit codes:
  0  all of it is written, or was there already
  1  a file could not be written
  2  usage, or a file that nothing can be added to; nothing was written

\b
Examples:
  noai publish /var/www/html --dry-run
  noai publish /var/www/html --path /audio/ --policy-url https://ana.example/tdm-policy.json
  noai publish public/ --profile no-training --snippets deploy/
"""
_STYLES: Final = {Outcome.CREATED: "green", Outcome.CHANGED: "yellow", Outcome.UNCHANGED: "dim"}


@click.command(short_help="Say it on your site: robots.txt, tdmrep.json, headers.", epilog=_EPILOG)
@click.argument("folder", type=PathType(), metavar="DIR")
@click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    default=Profile.NO_AI.value,
    show_default=True,
    help="What is denied.",
)
@click.option(
    "--deny",
    type=use,
    shell_complete=complete_use,
    multiple=True,
    metavar="USE",
    help="Deny this use, too. May be repeated.",
)
@click.option(
    "--policy-url",
    metavar="URL",
    help="Where the terms stand under which you license: tdm-policy, beside tdm-reservation.",
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="PATH",
    help="Speak of addresses that begin so, such as /audio/. May be repeated. Default: the whole site.",
)
@click.option(
    "--snippets", type=PathType(), metavar="FOLDER", help="Put the server snippets here. Default: DIR/noai."
)
@click.option("--dry-run", is_flag=True, help="Write nothing; show every file as it would be.")
@as_json
def publish(
    folder: str,
    profile: str,
    deny: tuple[Use, ...],
    policy_url: str | None,
    paths: tuple[str, ...],
    snippets: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Say on the site that is served from DIR what a profile denies to everybody.

    What stands there already is kept. Run it again after any change: it replaces what it wrote before.
    """
    denied = Claim.from_profile(Profile(profile), deny=deny).denied
    statement = SiteStatement(denied, None if policy_url is None else require_address(policy_url))
    planned = plan(
        Path(folder),
        statement,
        [SitePath.parse(path) for path in paths or ("/",)],
        None if snippets is None else Path(snippets),
    )
    if not dry_run:
        try:
            write(planned)
        except PublishError as error:
            _render.say(f"error: {error}")
            return Exit.FAILED
    if as_json:
        click.echo(_render.dump_json(_record(planned, dry_run), indent=2))
    else:
        _show(planned, dry_run)
    return Exit.OK


def _record(planned: Plan, dry_run: bool) -> dict[str, Any]:
    return {
        "denied": [each.value for each in ALL_USES if each in planned.statement.denied],
        "paths": [path.encoded for path in planned.paths],
        "dry_run": dry_run,
        "files": [_file_record(file, dry_run) for file in planned.files],
        "headers": [{"name": field.name, "value": field.value} for field in planned.statement.fields],
        "notices": list(planned.notices),
    }


def _file_record(file: SiteFile, dry_run: bool) -> dict[str, Any]:
    content = {"content": file.content.decode("utf-8")} if dry_run else {}
    return {"path": escape_path(str(file.path)), "outcome": file.outcome.value, **content}


def _show(planned: Plan, dry_run: bool) -> None:
    console = _render.console()
    for file in planned.files:
        console.print(_render.text((f"{file.outcome:10}", _STYLES[file.outcome]), " ", str(file.path)))
        if dry_run:
            for line in file.content.decode("utf-8").splitlines():
                console.print(_render.text(f"  {line}"))
    console.print(_render.text("Each response says, once the snippet is in place:"))
    for field in planned.statement.fields:
        console.print(_render.text(f"  {field.name}: {field.value}"))
    for notice in planned.notices:
        console.print(_render.text(("note", "yellow"), f": {notice}"))
    if dry_run:
        console.print(_render.text("Nothing was written."))
