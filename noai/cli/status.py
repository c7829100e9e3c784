"""``noai status``: the list of everything that an identity has ended."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Final

import click

from noai import signing
from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._granting import Speaker, iso_of, signer_options
from noai.cli._lists import whole_output
from noai.cli._options import PathType
from noai.consent import issuing, ledger
from noai.consent.endings import Ended, StatusList
from noai.consent.files import FileKind, StatementFile
from noai.errors import ConsentError, TokenRefused

_DAYS: Final = issuing.STATUS_LIFETIME.days
#: So long may a revocation stay unseen, as without a list.
_MOST_DAYS: Final = 30

_EPILOG: Final = """\
\b
Put it where your grants say (--status-list URL), and renew it before it ends, whether or not something was
revoked: without a fresh list at hand, no grant that names it counts.

\b
Examples:
  noai status --identity ana -o status.jws
  noai status --identity ana -o status.jws --days 2
"""


@click.command(short_help="Sign the list of what has ended.", epilog=_EPILOG)
@signer_options
@click.option(
    "-o",
    "--output",
    type=PathType(),
    required=True,
    metavar="FILE",
    help="Write to this file, which is overwritten.",
)
@click.option(
    "--days",
    type=click.IntRange(1, _MOST_DAYS),
    default=_DAYS,
    show_default=True,
    metavar="N",
    help="How long it is good for.",
)
def status(identity: str | None, key: str | None, cert: str | None, output: str, days: int) -> int:
    """Sign the identity's current status list: all that it has ever ended, on one line.

    Each list has a higher number than the one before it, so that an older one is not taken for it.
    """
    now = signing.now()
    speaker = Speaker.asked(identity, key, cert, now)
    before = _standing(speaker, output)
    with ledger.opened(speaker.ledger) as kept:
        if before is not None:
            # What stands in a list that was made elsewhere, with the same key, has ended too.
            for named in before.ended:
                kept.ended.setdefault(named, Ended.GRANT)
            kept.sequence = max(kept.sequence, before.sequence)
        kept.sequence += 1
        sequence, listed = kept.sequence, kept.listed
        token = issuing.status_list(speaker.signer, listed, sequence, now, timedelta(days=days))
    with whole_output(output, ()) as stream:
        stream.write(f"{token}\n".encode("ascii"))
    made = StatusList.parse(token)
    _render.console().print(
        _render.text(
            *("Status list ", (f"number {sequence}", "bold"), f" of {speaker.name}, "),
            f"good until {iso_of(made.next_update)}: {_render.count(len(listed), 'statement')} ended.",
        )
    )
    return Exit.OK


def _standing(speaker: Speaker, output: str) -> StatusList | None:
    """The list that is to be overwritten, if there is one.

    Raises:
        ConsentError: if it is something else, or somebody else's.
    """
    if (
        output == "-"
        or not os.path.lexists(output)
        or (os.path.isfile(output) and not os.path.getsize(output))
    ):
        return None
    lines = list(StatementFile(output, FileKind.STATUS).lines()) if os.path.isfile(output) else []
    try:
        lists = [StatusList.parse(line.text) for line in lines]
    except TokenRefused as refusal:
        raise ConsentError(
            f"{output}: is a status list that cannot be read: {refusal}; choose another name"
        ) from None
    for each in lists:
        if each.token is None or each.token.kid != speaker.kid or not each.token.verifies():
            raise ConsentError(f"{output}: is another identity's status list; choose another name")
    return max(lists, key=lambda each: each.sequence, default=None)
