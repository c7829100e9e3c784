"""``noai receipts``: whether receipts of marking hold, and whether they are about these tracks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from noai import signing
from noai.attestation import Attestation
from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._files import trust_with
from noai.cli._mark_receipts import read_lines
from noai.cli._options import HelpfulGroup, PathType, as_json
from noai.cli._verdicts import CHECK_STYLES, who
from noai.containers.registry import detect, read_essence
from noai.errors import ContainerError, SourceError, TokenRefused, UsageError
from noai.essence import EssenceDigest
from noai.mark_receipts import MarkReceipt, read_mark_receipt
from noai.sources import open_path
from noai.text import escape_path
from noai.verdict import iso

if TYPE_CHECKING:
    from rich.console import Console

_CHECKS: Final = ("signature", "signer", "time")
_EPILOG: Final = """\
\b
Exit codes:
  0  every receipt holds, and every TRACK is one that a receipt is about
  1  not so
  2  usage, or a file that cannot be read

\b
Example:
  noai mark album/ -o marked/ --receipt album.receipts
  noai receipts verify album.receipts
  noai receipts verify album.receipts --trust ana.pem found-elsewhere.mp3
"""


@click.group(cls=HelpfulGroup, short_help="Check receipts of marking.")
def receipts() -> None:
    """Check the signed lines that "noai mark --receipt" keeps, one a marked track."""


@dataclass(frozen=True)
class _Line:
    """One line of the file; without a receipt, why it is none."""

    number: int
    receipt: MarkReceipt | None
    check: Attestation | None
    refusal: TokenRefused | None = None

    @property
    def holds(self) -> bool:
        return self.check is not None and self.check.holds


@dataclass(frozen=True)
class _Track:
    path: str
    #: Numbers of the receipts that hold and are about its audio.
    lines: tuple[int, ...]
    error: str | None = None


@receipts.command(short_help="Say whether receipts hold, and are about these tracks.", epilog=_EPILOG)
@click.argument("receipt_file", type=PathType(), metavar="FILE")
@click.argument("tracks", nargs=-1, type=PathType(), metavar="[TRACK...]")
@click.option(
    "--trust", "anchors", type=PathType(), multiple=True, metavar="PEM", help="Know these certificates too."
)
@as_json
def verify(receipt_file: str, tracks: tuple[str, ...], anchors: tuple[str, ...], as_json: bool) -> int:
    """Check who signed each line of FILE, and when; and whether the lines are about the audio of each TRACK.

    The audio is what counts: a track is known also where its tags, and the mark in them, are gone.
    """
    trust, now = trust_with(anchors), signing.now()
    lines = [_line(number, text, trust, now) for number, text in enumerate(read_lines(receipt_file), 1)]
    if not lines:
        raise UsageError(f"{receipt_file}: holds no receipts")
    about: dict[EssenceDigest, list[int]] = {}
    for line in lines:
        if line.holds and line.receipt is not None:
            about.setdefault(line.receipt.essence, []).append(line.number)
    compared = [_track(path, about) for path in tracks]
    holds = all(line.holds for line in lines) and all(track.lines for track in compared)
    if as_json:
        record = {
            "path": escape_path(receipt_file),
            "holds": holds,
            "receipts": [_line_record(line) for line in lines],
            "tracks": [
                {"path": escape_path(t.path), "receipts": list(t.lines), "error": t.error} for t in compared
            ],
        }
        click.echo(_render.dump_json(record, indent=2))
    else:
        _show(_render.console(), lines, compared)
    return Exit.OK if holds else Exit.FAILED


def _line(number: int, text: str, trust: Any, now: Any) -> _Line:
    try:
        receipt = read_mark_receipt(text)
    except TokenRefused as refusal:
        return _Line(number, None, None, refusal)
    return _Line(number, receipt, receipt.check(trust, now))


def _track(path: str, about: Mapping[EssenceDigest, Sequence[int]]) -> _Track:
    try:
        with open_path(path) as (source, _):
            reading = read_essence(source, detect(source))
    except (SourceError, ContainerError) as error:
        return _Track(path, (), str(error))
    if reading.violations:
        return _Track(path, (), f"nothing can be bound to its audio: {reading.violations[0].message}")
    return _Track(path, tuple(about.get(reading.digest, ())))


def _line_record(line: _Line) -> dict[str, Any]:
    record: dict[str, Any] = {"line": line.number, "holds": line.holds}
    if line.receipt is None or line.check is None:
        assert line.refusal is not None
        error = {"code": line.refusal.rule.value, "message": str(line.refusal)}
        return {**record, "receipt": None, "error": error}
    signer = line.check.signed_by
    return {
        **record,
        **{name: getattr(line.check, name).value for name in _CHECKS},
        "codes": [code.value for code in line.check.codes],
        "signed_by": {"kid": signer.kid, "subject": signer.subject, "trusted_as": signer.trusted_as},
        "receipt": line.receipt.token.payload,
        "error": None,
    }


def _show(console: Console, lines: Sequence[_Line], tracks: Sequence[_Track]) -> None:
    for line in lines:
        verdict = ("holds", "bold green") if line.holds else ("does not hold", "bold red")
        console.print(_render.text(verdict, f"  line {line.number}: ", *_told(line)))
    for track in tracks:
        if track.lines:
            named = ", ".join(map(str, track.lines))
            console.print(_render.text(("known", "bold green"), f"  {track.path}: line {named}"))
        else:
            why = track.error or "no receipt that holds is about this audio"
            console.print(_render.text(("not known", "bold red"), "  ", _render.about(track.path, why)))


def _told(line: _Line) -> Iterator[str | tuple[str, str]]:
    if line.receipt is None or line.check is None:
        yield f"is no receipt: {line.refusal}"
        return
    record = _line_record(line)
    yield f"marked {iso(line.receipt.marked_at)} by {who(record)}, {line.receipt.marker.id}: "
    for position, name in enumerate(_CHECKS):
        yield f"{', ' if position else ''}{name} "
        yield record[name], CHECK_STYLES[record[name]]
