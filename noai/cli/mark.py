"""``noai mark``: put a signed declaration into files."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from noai import signing
from noai.claim import Claim, Profile, Rights, Use, Work
from noai.cli import _options, _render
from noai.cli._advice import with_advice
from noai.cli._exits import Exit
from noai.cli._marking import Done, Settings, mark_one
from noai.cli._options import PathType
from noai.cli._planning import Plan, plan
from noai.cli._secrets import load_signer
from noai.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final = {
    "marked": "green",
    "superseded": "green",
    "resigned": "green",
    "unchanged": "dim",
    "failed": "bold red",
}

_EPILOG: Final = """\
\b
Uses, for --deny and --allow:
  ai_generative_training   models that generate content
  ai_training              other models
  data_mining              analysis of patterns and correlations
  ai_inference             use as input of a model
  voice_likeness           imitating a voice, style or likeness

\b
Examples:
  noai mark album/ -o marked/
  noai mark --in-place --holder "Ana Lima" --contact rights@ana.example album/
  noai mark song.flac -o out/ --profile no-generative --isrc QZ-ABC-26-00001
  noai mark song.wav -o out/ --key leaf.key --cert chain.pem
"""


@click.command(short_help="Put a signed declaration into files.", epilog=_EPILOG)
@_options.paths
@click.option(
    "-o", "--output", type=PathType(), metavar="DIR", help="Write marked copies below DIR; keep the folders."
)
@click.option("--in-place", is_flag=True, help="Replace each file by its marked copy, at once or not at all.")
@click.option("--identity", metavar="NAME", help="Sign as this identity. May be left out if there is one.")
@click.option("--key", type=PathType(), metavar="PEM", help="Sign with your own private key; with --cert.")
@click.option("--cert", type=PathType(), metavar="PEM", help="The certificate chain of --key, leaf first.")
@click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    default=Profile.NO_AI.value,
    show_default=True,
    help="Deny all five uses; all training and voices; generative training and voices.",
)
@click.option(
    "--deny",
    type=_options.use,
    shell_complete=_options.complete_use,
    multiple=True,
    metavar="USE",
    help="Deny this use as well.",
)
@click.option(
    "--allow",
    type=_options.use,
    shell_complete=_options.complete_use,
    multiple=True,
    metavar="USE",
    help="Allow this use, for 90 days. Counts only where your certificate is trusted with --may permit.",
)
@click.option("--holder", type=_options.text, metavar="NAME", help="Who holds the rights.")
@click.option("--contact", type=_options.text, metavar="TEXT", help="Where to ask for permission.")
@click.option("--licence-url", type=_options.text, metavar="URL", help="Where a licence can be had.")
@click.option("--isrc", type=_options.isrc, metavar="ISRC", help="The ISRC of the recording; for one file.")
@click.option("--no-c2pa", is_flag=True, help="Leave out the C2PA manifest.")
@click.option(
    "--c2pa-in-ogg",
    is_flag=True,
    help="Embed a manifest in Ogg, too, where TagLib (kid3, Kodi) and some players do not take it.",
)
@click.option("--c2pa-sidecar", is_flag=True, help="Write FILE.c2pa where the file itself cannot carry one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file, one a line.")
def mark(
    paths: tuple[str, ...],
    output: str | None,
    in_place: bool,
    identity: str | None,
    key: str | None,
    cert: str | None,
    profile: str,
    deny: tuple[Use, ...],
    allow: tuple[Use, ...],
    holder: str | None,
    contact: str | None,
    licence_url: str | None,
    isrc: str | None,
    no_c2pa: bool,
    c2pa_in_ogg: bool,
    c2pa_sidecar: bool,
    as_json: bool,
) -> int:
    """Put a signed declaration into audio files and, recursively, folders.

    The audio is not touched, and all other tags stay. A file that says the same already is left as it
    is; one that says something else by the same key is marked anew. Files that are not audio are
    passed over, and not copied.
    """
    if not paths:
        raise UsageError("name the files or folders to mark; see: noai mark --help")
    if (output is None) == (not in_place):
        raise UsageError("say where marked files go: -o DIR writes copies, --in-place replaces the originals")
    for name, asked in (("--c2pa-in-ogg", c2pa_in_ogg), ("--c2pa-sidecar", c2pa_sidecar)):
        if no_c2pa and asked:
            raise UsageError(f"--no-c2pa leaves out what {name} asks for; give one of them")
    claim = Claim.from_profile(
        Profile.parse(profile),
        deny=deny,
        allow=allow,
        rights=Rights(holder, contact, licence_url),
        work=Work(isrc=isrc),
    )
    # Whatever is wrong with the request is found before any file is touched.
    signer = load_signer(identity, key, cert, signing.now())
    planned = plan(paths, None if output is None else Path(output))
    if isrc is not None and len(planned.jobs) > 1:
        raise UsageError(f"an ISRC names one recording, not {len(planned.jobs)}; mark them one by one")
    return _run(planned, Settings(claim, signer, not no_c2pa, c2pa_in_ogg, c2pa_sidecar), as_json=as_json)


def _run(planned: Plan, settings: Settings, *, as_json: bool) -> int:
    if not planned.jobs:
        raise UsageError("there is no audio in what was named; nothing was marked")
    console = None if as_json else _render.console()
    outcomes: Counter[str] = Counter()
    notices: Counter[str] = Counter()
    readable = False
    with closing(_render.tracked(planned.jobs, len(planned.jobs), sys.stdout, console)) as jobs:
        for job in jobs:
            done = mark_one(job, settings)
            outcomes[done.outcome] += 1
            notices.update(done.result.notices if done.result else ())
            readable = readable or done.readable
            if console is None:
                click.echo(_render.dump_json(done.record()))
            else:
                _show(console, done)
    if console is not None:
        _summarise(console, planned, outcomes, notices)
    if not readable:
        raise UsageError("none of the files could be read; nothing was marked")
    return Exit.FAILED if outcomes["failed"] else Exit.OK


def _show(console: Console, done: Done) -> None:
    source, destination = done.job.source, done.job.destination
    line = _render.text((f"{done.outcome:<11}", _STYLES[done.outcome]), source)
    if done.error is not None:
        message = with_advice(done.error.code, _render.about(source, str(done.error)))
        line.append_text(_render.text(f": {message}"))
    elif destination is not None:
        line.append_text(_render.text((f" -> {destination}", "dim")))
    console.print(line)


def _summarise(console: Console, planned: Plan, outcomes: Counter[str], notices: Counter[str]) -> None:
    console.print()
    for notice, number in notices.items():
        console.print(_render.text(("note: ", "yellow"), f"{notice} ({_render.count(number, 'file')})"))
    if planned.folder_links:
        links = _render.count(planned.folder_links, "link")
        console.print(_render.text(("note: ", "yellow"), f"{links} to folders not followed"))
    told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
    skipped = f"; {_render.count(planned.skipped, 'other file')} passed over" if planned.skipped else ""
    console.print(f"{_render.count(sum(outcomes.values()), 'file')}: {told}{skipped}")
