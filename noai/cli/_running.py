"""Running what ``noai mark`` has planned, and telling what became of each file."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Final

import click

from noai.cli import _render
from noai.cli._advice import with_advice
from noai.cli._cataloguing import Unlisted
from noai.cli._exits import Exit
from noai.cli._mark_receipts import MarkReceipts
from noai.cli._marking import Done, Settings, mark_one
from noai.cli._planning import Plan
from noai.errors import UsageError
from noai.marking import MarkResult

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final = {
    "marked": "green",
    "superseded": "green",
    "resigned": "green",
    "unchanged": "dim",
    "failed": "bold red",
}
#: How a dry run says it.
_PLANNED: Final = {"marked": "to mark", "superseded": "to renew", "resigned": "to re-sign"}


def run(
    planned: Plan,
    settings: Settings,
    receipts: MarkReceipts | None,
    unlisted: Unlisted | None,
    *,
    as_json: bool,
) -> int:
    """Mark everything that is planned, one file after the other; the exit code.

    Raises:
        UsageError: if none of the files could be read.
        SigningError, OutputFailed: if a receipt cannot be signed or written.
    """
    console = None if as_json else _render.console()
    outcomes: Counter[str] = Counter()
    notices: Counter[str] = Counter()
    readable = False
    with closing(_render.tracked(planned.jobs, len(planned.jobs), sys.stdout, console)) as jobs:
        for job in jobs:
            done = mark_one(job, settings)
            if receipts is not None and isinstance(done.result, MarkResult):
                receipts.add(done.result)
            outcomes[done.outcome] += 1
            notices.update(done.result.notices if done.result else ())
            readable = readable or done.readable
            if console is None:
                click.echo(_render.dump_json(done.record()))
            else:
                _show(console, done, settings.dry_run)
    if console is not None:
        _summarise(console, planned, outcomes, notices, unlisted, settings.dry_run)
    elif unlisted is not None:
        for sentence in _unlisted(unlisted):
            _render.say(sentence)
    if not readable:
        raise UsageError("none of the files could be read; nothing was marked")
    return Exit.FAILED if outcomes["failed"] else Exit.OK


def _show(console: Console, done: Done, dry_run: bool) -> None:
    source, destination = done.job.source, done.job.destination
    word = _word(done.outcome, dry_run)
    line = _render.text((f"{word:<11}", _STYLES[done.outcome]), source)
    if done.error is not None:
        message = with_advice(done.error.code, _render.about(source, str(done.error)))
        line.append_text(_render.text(f": {message}"))
    elif destination is not None:
        line.append_text(_render.text((f" -> {destination}", "dim")))
    console.print(line)


def _word(outcome: str, dry_run: bool) -> str:
    return _PLANNED.get(outcome, outcome) if dry_run else outcome


def _summarise(
    console: Console,
    planned: Plan,
    outcomes: Counter[str],
    notices: Counter[str],
    unlisted: Unlisted | None,
    dry_run: bool,
) -> None:
    console.print()
    for notice, number in notices.items():
        console.print(_render.text(("note: ", "yellow"), f"{notice} ({_render.count(number, 'file')})"))
    if planned.folder_links:
        links = _render.count(planned.folder_links, "link")
        console.print(_render.text(("note: ", "yellow"), f"{links} to folders not followed"))
    for sentence in _unlisted(unlisted) if unlisted is not None else ():
        console.print(_render.text(("note: ", "yellow"), sentence))
    told = ", ".join(f"{number} {_word(outcome, dry_run)}" for outcome, number in outcomes.items())
    skipped = f"; {_render.count(planned.skipped, 'other file')} passed over" if planned.skipped else ""
    nothing = "; a dry run, nothing was written" if dry_run else ""
    console.print(f"{_render.count(sum(outcomes.values()), 'file')}: {told}{skipped}{nothing}")


def _unlisted(unlisted: Unlisted) -> list[str]:
    told = []
    if unlisted.tracks:
        told.append(f"{_render.count(unlisted.tracks, 'track')} not in the catalogue left alone")
    if unlisted.rows:
        told.append(f"{_render.count(unlisted.rows, 'row')} of the catalogue outside the named paths")
    return told
