"""``noai delegate``: let another key grant in one's name."""

from __future__ import annotations

import os
import re
from datetime import datetime
from typing import Final

import click

from noai import certificates, signing
from noai.claim import Use
from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._files import read_pem, require_output
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
from noai.consent.delegations import Delegation
from noai.consent.files import FileKind, append
from noai.consent.grants import Scope
from noai.encoding import b64url_decode
from noai.errors import TokenRefused, UsageError

_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")

_EPILOG: Final = """\
\b
A delegation is passed on together with the grants that it stands behind, most simply in one file with
them. Whoever may grant by it can neither delegate further nor end what you have granted.

\b
Examples:
  noai delegate --to distributor.pem --allow ai_training --all -o grants.jsonl
  noai delegate --to 6AoJ6rpjDGSmXPrtxQyAk7rJIFEPVX9aINqVq6IfQFw --allow ai_inference \\
      --isrc QZ-ABC-26-00001 --until 2027-01-01 --status-list https://label.example/status.jws \\
      -o grants.jsonl
"""


@click.command(short_help="Let another key grant in your name.", epilog=_EPILOG)
@signer_options
@click.option(
    "--to",
    "to",
    required=True,
    metavar="PEM|THUMBPRINT",
    help='Whose key: its certificate, leaf first, or the key id that "noai identity list" shows.',
)
@scope_options
@output_option("grants.jsonl")
def delegate(
    identity: str | None,
    key: str | None,
    cert: str | None,
    to: str,
    uses: tuple[Use, ...],
    tracks: tuple[str, ...],
    isrcs: tuple[str, ...],
    everything: bool,
    starts: datetime | None,
    ends: datetime | None,
    status_url: str | None,
    more: tuple[str, ...],
    output: str,
) -> int:
    """Sign a delegation: another key, such as a distributor's, may grant these uses in your name.

    Its grants then count as if you had made them, for the recordings and the time that you name, where the
    ingest lets you grant. "noai revoke" takes a delegation back, and with it all that was granted by it.
    """
    now = signing.now()
    thumbprint = _thumbprint(to)
    speaker = Speaker.asked(identity, key, cert, now)
    require_output(output, (*tracks, *more))

    def issue(scope: Scope) -> str:
        return issuing.delegate(
            speaker.signer,
            to=thumbprint,
            uses=uses,
            scope=scope,
            now=now,
            starts=starts,
            ends=ends,
            status_url=status_url,
        )

    tokens = issuing.in_parts(scope_of(speaker, tracks, more, isrcs, everything), issue)
    append(output, FileKind.GRANTS, tokens)
    for made in map(Delegation.parse, tokens):
        headline = _render.text(
            "Delegated ", (short(made.uses), "bold"), f" to the key {thumbprint}: {told(made.scope)}."
        )
        show(headline, made, output)
    return Exit.OK


def _thumbprint(to: str) -> str:
    """The key that is meant.

    Raises:
        UsageError: if it is neither a thumbprint nor the certificate of a signing key.
        SourceError, KeyFileError: if the file cannot be read.
    """
    if _THUMBPRINT.fullmatch(to) and not os.path.exists(to):
        try:
            b64url_decode(to)
        except TokenRefused:
            raise UsageError(f"{to}: is not the thumbprint of a key") from None
        return to
    leaf = certificates.load_pem_chain(read_pem(to), to)[0]
    if certificates.is_authority(leaf):
        raise UsageError(
            f"{to}: begins with the certificate of an authority, which signs no grants; give the key id of "
            'the one who will ("noai identity list" shows it)'
        )
    return certificates.thumbprint(leaf)
