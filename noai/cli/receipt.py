"""``noai receipt``: whether a run's receipt holds, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from noai import signing
from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._files import trust_with
from noai.cli._options import HelpfulGroup, PathType, as_json
from noai.cli._verdicts import CHECK_STYLES
from noai.codes import Code
from noai.corpus.receipts import Listed, Receipt, ReceiptCheck, read_receipt
from noai.errors import TokenRefused, UsageError
from noai.limits import KIB, TOKEN_CHARS
from noai.report import Check
from noai.sources import open_path, read_exactly
from noai.text import escape_path
from noai.verdict import iso

if TYPE_CHECKING:
    from rich.text import Text

#: A token, with the line break that an editor may have added.
_RECEIPT_BYTES: Final = TOKEN_CHARS + 1 * KIB
_CHECKS: Final = ("signature", "signer", "time", "output")
#: Codes that the line about the signer says in words.
_PLAIN: Final = frozenset({Code.SIGNER_OWN, Code.SIGNER_TRUSTED, Code.SIGNER_UNKNOWN})

_EPILOG: Final = """\
\b
Exit codes:
  0  the receipt holds: signed, by somebody who is known here, and about OUTPUT, if that is given
  1  it does not
  2  usage, or a file that cannot be read

\b
Example:
  noai verify dataset/ --format jsonl -o verdicts.jsonl --run-receipt run.receipt
  noai receipt verify run.receipt verdicts.jsonl
"""


@click.group(cls=HelpfulGroup, short_help="Check the receipt of a verification run.")
def receipt() -> None:
    """Check the signed receipt that "noai verify --run-receipt" writes beside its output."""


@receipt.command(short_help="Say whether a receipt holds, and what it says.", epilog=_EPILOG)
@click.argument("receipt_file", type=PathType(), metavar="RECEIPT")
@click.argument("output", type=PathType(), metavar="[OUTPUT]", required=False)
@click.option(
    "--trust", "anchors", type=PathType(), multiple=True, metavar="PEM", help="Know these certificates too."
)
@as_json
def verify(receipt_file: str, output: str | None, anchors: tuple[str, ...], as_json: bool) -> int:
    """Check who signed RECEIPT, and when, and whether OUTPUT is the very file that it is about.

    A receipt says what noai was asked, over what, against which trust list, and what it came to.
    """
    trust = trust_with(anchors)
    try:
        read = read_receipt(_content(receipt_file))
    except TokenRefused as refusal:
        return _refused(receipt_file, refusal, as_json)
    check = read.check(output, trust, signing.now())
    if as_json:
        click.echo(_render.dump_json(_record(receipt_file, output, read, check), indent=2))
    else:
        _show(receipt_file, output, read, check)
    return Exit.OK if check.holds else Exit.FAILED


def _content(path: str) -> str:
    with open_path(path) as (source, _):
        if source.size > _RECEIPT_BYTES:
            raise UsageError(f"{path}: is too large to be a receipt")
        data = read_exactly(source, 0, source.size)
    # What is not ASCII is no token, and is refused as such.
    return data.decode("ascii", "replace")


def _refused(path: str, refusal: TokenRefused, as_json: bool) -> int:
    if as_json:
        error = {"code": refusal.rule.value, "message": str(refusal)}
        record = {"path": escape_path(path), "holds": False, "error": error}
        click.echo(_render.dump_json(record, indent=2))
    else:
        text = _render.text(("does not hold", "bold red"), f"  {path} is no receipt: {refusal} ")
        text.append_text(_render.text((f"[{refusal.rule}]", "yellow")))
        _render.console().print(text)
    return Exit.FAILED


def _record(path: str, output: str | None, read: Receipt, check: ReceiptCheck) -> dict[str, Any]:
    found = check.found
    return {
        "path": escape_path(path),
        "holds": check.holds,
        **{name: getattr(check, name).value for name in _CHECKS},
        "codes": [code.value for code in check.codes],
        "signed_by": {
            "kid": check.signed_by.kid,
            "subject": check.signed_by.subject,
            "trusted_as": check.signed_by.trusted_as,
        },
        "compared": None if found is None else {"path": escape_path(output or ""), **found.members()},
        "receipt": read.token.payload,
        "error": None,
    }


def _show(path: str, output: str | None, read: Receipt, check: ReceiptCheck) -> None:
    console = _render.console()
    verdict = ("holds", "bold green") if check.holds else ("does not hold", "bold red")
    console.print(_render.text(verdict, f"  {path}"))
    grid = _render.grid()
    for label, value in (*_checks(output, read, check), *_content_rows(read)):
        grid.add_row(_render.text((f"  {label}", "dim")), value)
    console.print(grid)


def _checks(output: str | None, read: Receipt, check: ReceiptCheck) -> Iterator[tuple[str, Text]]:
    name = check.signed_by.subject or check.signed_by.kid
    trusted = check.signed_by.trusted_as
    known = {
        Check.PASS: "own identity" if (trusted or "").startswith("own:") else "on the trust list",
        Check.UNKNOWN: "nobody known here: add their certificate with --trust PEM or noai trust add",
        Check.FAIL: "its certificate chain does not hold",
        Check.NOT_RUN: "not looked at, since the signature does not verify",
    }[check.signer]
    yield "signature", _told(check.signature)
    yield "signer", _told(check.signer, f'"{name}", {known}')
    yield "signed at", _told(check.time, iso(read.issued_at))
    if output is None:
        yield "output", _told(check.output, "none was given to compare")
    elif check.output is Check.PASS:
        yield "output", _told(check.output, f"{output} is the one that was written")
    else:
        yield "output", _told(check.output, f"{output} is another file, or was changed since")
    telling = [code.value for code in check.codes if code not in _PLAIN]
    if telling:
        yield "codes", _render.text((", ".join(telling), "yellow"))


def _told(check: Check, words: str = "") -> Text:
    return _render.text((check.value, CHECK_STYLES[check.value]), f"  {words}" if words else "")


def _content_rows(read: Receipt) -> Iterator[tuple[str, Text]]:
    counts = ", ".join(f"{n} {decision}" for decision, n in read.decisions.items() if n)
    told = f"{_render.count(read.records, 'record')}: {counts or 'none'}; {read.admitted} admitted"
    if read.skipped:
        told += f"; {_render.count(read.skipped, 'other file')} passed over"
    if read.unreadable:
        told += f"; {read.unreadable} could not be read"
    yield "found", _render.text(told)
    uses = ", ".join(use.value for use in read.uses)
    yield "asked", _render.text(f"{uses}; policy {read.policy}, depth {read.depth}")
    if read.consent is not None:
        declared = [read.consent.licensee, *(t for t in (read.consent.model, read.consent.territory) if t)]
        yield "licensee", _render.text(f"declared ({', '.join(declared)})")
        yield "consent", _listed(read.consent.statements)
    yield "paths", _listed(read.paths)
    for label, patterns in (("include", read.include), ("exclude", read.exclude)):
        if patterns.count:
            yield label, _listed(patterns)
    if read.files_from is not None:
        yield "list", _render.text(f"sha256 {read.files_from.sha256}, {read.files_from.size:,} bytes")
    yield "run", _render.text(f"{iso(read.started)} to {iso(read.finished)}, noai {read.noai}")
    yield "trust", _render.text(f"sha256 {read.trust_sha256}")
    yield "written", _render.text(f"{read.format}, {read.output.size:,} bytes, sha256 {read.output.sha256}")


def _listed(listed: Listed) -> Text:
    more = "" if listed.is_whole else f" and {listed.count - len(listed.first):,} more"
    return _render.text((", ".join(listed.first) + more) if listed.count else "none")
