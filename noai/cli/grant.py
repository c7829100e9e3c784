"""``noai grant``: let somebody use what is reserved."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import click

from noai import signing
from noai.claim import Use
from noai.cli import _options, _render
from noai.cli._exits import Exit
from noai.cli._files import require_output
from noai.cli._granting import (
    Speaker,
    output_option,
    scope_of,
    scope_options,
    short,
    show,
    signer_options,
    told,
)
from noai.consent import issuing
from noai.consent.files import FileKind, append
from noai.consent.grants import Grant, Scope

_EPILOG: Final = """\
\b
A grant opens a track only where all of these hold:
  the file still carries a marker by the very identity that grants
  the ingest declares the licensee, model and territory that the grant names
  the ingest lets you grant: noai trust add YOU.pem --may grant
  it has begun, has not ended, and was not revoked
  it lasts 30 days at most, or a fresh status list of yours is at hand

\b
Examples:
  noai grant --licensee https://lab.example --allow ai_training --track song.flac -o grants.jsonl
  noai grant --licensee https://lab.example --allow ai_training --allow data_mining \\
      --isrc QZ-ABC-26-00001 --until 2027-01-01 --status-list https://ana.example/status.jws \\
      -o grants.jsonl
  noai grant --licensee https://lab.example --allow ai_inference --all --model m/2 -o grants.jsonl
"""


@click.command(short_help="Let somebody use what is reserved.", epilog=_EPILOG)
@signer_options
@click.option(
    "--licensee",
    type=_options.text,
    required=True,
    metavar="ID",
    help="Who may: a URI, or the thumbprint of a key, spelled exactly as they declare it.",
)
@scope_options
@click.option("--model", type=_options.text, metavar="M", help="For this model or version alone.")
@click.option("--territory", type=_options.text, metavar="T", help="For this territory alone.")
@click.option("--agreement", type=_options.text, metavar="ID", help="What you call your agreement.")
@output_option("grants.jsonl")
def grant(
    identity: str | None,
    key: str | None,
    cert: str | None,
    licensee: str,
    uses: tuple[Use, ...],
    tracks: tuple[str, ...],
    isrcs: tuple[str, ...],
    everything: bool,
    starts: datetime | None,
    ends: datetime | None,
    status_url: str | None,
    more: tuple[str, ...],
    model: str | None,
    territory: str | None,
    agreement: str | None,
    output: str,
) -> int:
    """Sign a grant: the licensee may use these recordings as named, although their markers say no.

    One signed line is added to the output, or more if the tracks do not fit into one. Give the file to the
    licensee; "noai revoke" takes a grant back.
    """
    now = signing.now()
    speaker = Speaker.asked(identity, key, cert, now)
    require_output(output, (*tracks, *more))

    def issue(scope: Scope) -> str:
        return issuing.grant(
            speaker.signer,
            licensee=licensee,
            uses=uses,
            scope=scope,
            now=now,
            starts=starts,
            ends=ends,
            model=model,
            territory=territory,
            status_url=status_url,
            agreement=agreement,
        )

    tokens = issuing.in_parts(scope_of(speaker, tracks, more, isrcs, everything), issue)
    append(output, FileKind.GRANTS, tokens)
    for made in map(Grant.parse, tokens):
        headline = _render.text(
            "Granted ", (short(made.uses), "bold"), f" to {licensee}: {told(made.scope)}."
        )
        show(headline, made, output, model=model, territory=territory, agreement=agreement)
    return Exit.OK
