"""``noai grants``: what stands in a file of grants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import click

from noai import certificates, signing
from noai.claim import Use
from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._files import trust_with
from noai.cli._granting import iso_of
from noai.cli._options import HelpfulGroup, PathType
from noai.consent.delegations import Delegation
from noai.consent.files import FileKind, StatementFile
from noai.consent.grants import Grant
from noai.consent.held import Line
from noai.consent.judging import void_of
from noai.consent.statements import Kind, kind_of
from noai.errors import TokenRefused
from noai.report import Check
from noai.trust import TrustList

_EPILOG: Final = """\
\b
Exit codes:
  0  every line is a grant or a delegation whose signature verifies
  1  at least one is not
  2  usage, or a file that cannot be read

Whether a grant counts depends on who asks, about which file, and when: "noai verify --licensee" says so.

\b
Examples:
  noai grants list grants.jsonl
  noai grants list grants.jsonl --json | jq -r .id
"""


@click.group(cls=HelpfulGroup, short_help="List grants and delegations.")
def grants() -> None:
    """Look into files of grants and delegations, which "noai grant" and "noai delegate" write."""


@grants.command("list", short_help="Show what stands in a file of grants.", epilog=_EPILOG)
@click.argument("path", type=PathType(), metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--trust", "anchors", type=PathType(), multiple=True, metavar="PEM", help="Know these certificates too."
)
def list_(path: str, as_json: bool, anchors: tuple[str, ...]) -> int:
    """Show each grant and delegation in FILE: who signed it, for whom, for what, and how long."""
    trust, now = trust_with(anchors), signing.now()
    rows = [_record(line, trust, now) for line in StatementFile(path, FileKind.GRANTS).lines()]
    if as_json:
        for row in rows:
            click.echo(_render.dump_json(row))
    elif rows:
        _show(rows)
    else:
        click.echo("There is nothing in it.")
    return Exit.OK if all(row.get("signature") == Check.PASS.value for row in rows) else Exit.FAILED


def _record(line: Line, trust: TrustList, now: datetime) -> dict[str, Any]:
    """One line as a JSON object; a void one has ``error``."""
    try:
        is_delegation = kind_of(line.text) is Kind.DELEGATION
        said = Delegation.parse(line.text) if is_delegation else Grant.parse(line.text)
    except TokenRefused as refusal:
        void = void_of(line, refusal)
        return {
            "place": void.place,
            "id": None,
            "kind": None,
            "error": {"code": void.code.value, "message": void.message},
        }
    return {
        "place": line.place,
        "id": said.id,
        "kind": (Kind.DELEGATION if isinstance(said, Delegation) else Kind.GRANT).noun,
        "issued_at": iso_of(said.issued_at),
        **({"to": said.to} if isinstance(said, Delegation) else {"licensee": said.licensee}),
        "uses": [use.value for use in Use if use in said.uses],
        "scope": said.scope.members(),
        "from": iso_of(said.starts),
        "until": None if said.ends is None else iso_of(said.ends),
        **({} if isinstance(said, Delegation) else {"model": said.model, "territory": said.territory}),
        "status_list": None if said.status_list is None else said.status_list.members(),
        **({} if isinstance(said, Delegation) else {"agreement": said.agreement}),
        **_signature(said, trust, now),
        "error": None,
    }


def _signature(said: Grant | Delegation, trust: TrustList, now: datetime) -> dict[str, Any]:
    token = said.token
    assert token is not None, "what was parsed has its token"
    subject = certificates.subject(token.chain[0])
    if not token.verifies():
        by = {"kid": token.kid, "subject": subject, "trusted_as": None}
        return {"signature": Check.FAIL.value, "signer": Check.NOT_RUN.value, "signed_by": by}
    judgement = trust.judge(token.chain, now)
    by = {"kid": token.kid, "subject": subject, "trusted_as": judgement.name}
    return {"signature": Check.PASS.value, "signer": judgement.check.value, "signed_by": by}


def _show(rows: list[dict[str, Any]]) -> None:
    table = _render.table("id", "signed by", "", "for", "uses", "which", "until")
    for row in rows:
        table.add_row(*map(_render.text, _cells(row)))
    _render.console(wrap=True).print(table)


def _cells(row: dict[str, Any]) -> Iterator[str]:
    if row["error"] is not None:
        yield from (
            row["place"],
            "",
            "void",
            f"{row['error']['code']}: {row['error']['message']}",
            "",
            "",
            "",
        )
        return
    by = row["signed_by"]
    yield row["id"]
    name = by["subject"] or by["kid"]
    yield name if row["signature"] == Check.PASS.value else f"{name}: the signature does not verify"
    yield row["kind"]
    yield row.get("licensee") or row["to"]
    yield ", ".join(use.rpartition(".")[2] for use in row["uses"])
    yield _which(row["scope"])
    yield row["until"] or "the status list ends it"


def _which(scope: dict[str, Any]) -> str:
    if "all" in scope:
        return "all"
    return ", ".join(scope["isrcs"]) if "isrcs" in scope else _render.count(len(scope["tracks"]), "track")
