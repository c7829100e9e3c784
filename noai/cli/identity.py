"""``noai identity``: the local identities."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from noai import certificates
from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._files import write_certificate
from noai.cli._options import HelpfulGroup, PathType, as_json
from noai.errors import NoaiError
from noai.identities import Identity, IdentityStore
from noai.text import escape_path
from noai.verdict import iso

_EXPORT_EPILOG: Final = """\
\b
Examples:
  noai identity export ana -o ana.pem
  noai trust add ana.pem                 (on the computer that checks)
"""


@click.group(cls=HelpfulGroup, short_help="List and export your identities.")
def identity() -> None:
    """List local identities, and export their certificates."""


@identity.command("list")
@as_json
def list_(as_json: bool) -> int:
    """Show the identities on this computer."""
    rows, failures = [], 0
    store = IdentityStore()
    for name in store.names():
        try:
            rows.append(_row(store.load(name)))
        except NoaiError as error:
            failures += 1
            rows.append({"name": name, "error": str(error)})
    if as_json:
        click.echo(_render.dump_json(rows, indent=2))
    elif rows:
        _show(rows)
    else:
        click.echo("There is no identity yet; make one with: noai keygen NAME")
    return Exit.FAILED if failures else Exit.OK


@identity.command(short_help="Write a root certificate.", epilog=_EXPORT_EPILOG)
@click.argument("name")
@click.option("-o", "--output", type=PathType(), metavar="PEM", help="Write to this file, not to stdout.")
def export(name: str, output: str | None) -> int:
    """Write the root certificate of the identity NAME, as PEM.

    It holds no secret: give it to those who check your marks. The private keys never leave their
    folder.
    """
    pem = certificates.pem([IdentityStore().load(name).root])
    if output is None:
        click.echo(pem, nl=False)
    else:
        write_certificate(Path(output), pem)
        _render.say(f"wrote {output}")
    return Exit.OK


def _row(found: Identity) -> dict[str, Any]:
    return {
        "name": found.name,
        "kid": found.kid,
        "algorithm": found.algorithm.value,
        "expires": iso(found.expires),
        "encrypted": _is_encrypted(found.folder / "key.pem"),
        "root_sha256": certificates.fingerprint(found.root),
        "folder": escape_path(str(found.folder)),
    }


def _is_encrypted(key: Path) -> bool | None:
    """None where the file cannot be read."""
    try:
        return b"ENCRYPTED" in key.read_bytes()
    except OSError:
        return None


def _show(rows: list[dict[str, Any]]) -> None:
    table = _render.table("name", "key", "valid until", "passphrase", "key id")
    words = {True: "yes", False: "no", None: "key file missing"}
    for row in rows:
        if "error" in row:
            table.add_row(_render.text(row["name"]), _render.text((row["error"], "red")))
            continue
        cells = (row["algorithm"], row["expires"][:10], words[row["encrypted"]], row["kid"])
        table.add_row(_render.text((row["name"], "bold")), *map(_render.text, cells))
    _render.console(wrap=True).print(table)
