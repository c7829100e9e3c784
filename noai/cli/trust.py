"""``noai trust``: whom this computer's verifier knows, and what each may do."""

from __future__ import annotations

from typing import Any, Final

import click

from noai import certificates, identities
from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._files import read_pem
from noai.cli._options import HelpfulGroup, PathType, as_json, isrc_prefix
from noai.errors import UsageError
from noai.trust import Kind, May, TrustEntry, TrustList, entries_from_pem
from noai.verdict import iso
from noai.verifying import default_trust

#: Shorter beginnings of a fingerprint hit by chance, or by a slip of the finger.
_PREFIX_LENGTH: Final = 6
_SHOWN: Final = 16
_DEFAULT: Final = click.core.ParameterSource.DEFAULT
#: What the list calls the kind of a timestamp authority.
_TSA: Final = "timestamp authority"

_ADD_EPILOG: Final = """\
\b
What an entry may do:
  (nothing said)  identify: verdicts name the signer, nothing is let in by it
  --may permit    a valid, fresh "allowed" in its markers lets a track in
  --may grant     its signed grants let a track in
  --tsa           say when something was signed, as a timestamp authority, and nothing else

\b
Examples:
  noai trust add ana.pem
  noai trust add label.pem --may permit --isrc QZABC
  noai trust add authority.pem --tsa
"""


@click.group(cls=HelpfulGroup, short_help="Say whose permissions count.")
def trust() -> None:
    """Say whose signatures count, and for what.

    A reservation needs no trust and always counts. Trust decides whose permissions do.
    """


@trust.command(short_help="Add a certificate, or change its entry.", epilog=_ADD_EPILOG)
@click.argument("pem", type=PathType(), metavar="PEM")
@click.option(
    "--may",
    type=click.Choice([May.PERMIT.value, May.GRANT.value]),
    multiple=True,
    help="What it may do besides identifying. May be repeated.",
)
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in Kind]),
    default=Kind.SINGLE_PARTY.value,
    show_default=True,
    help="Whether all keys under the certificate are one party, or an authority certifies many.",
)
@click.option("--key", "keys", multiple=True, metavar="KID", help="Permissions count for this key only.")
@click.option(
    "--isrc",
    "prefixes",
    type=isrc_prefix,
    multiple=True,
    metavar="PREFIX",
    help="Permissions count only for works whose signed ISRC begins so.",
)
@click.option(
    "--tsa",
    is_flag=True,
    help="A timestamp authority's root and intermediates: they date, and identify nobody.",
)
@click.pass_context
def add(
    context: click.Context,
    pem: str,
    may: tuple[str, ...],
    kind: str,
    keys: tuple[str, ...],
    prefixes: tuple[str, ...],
    tsa: bool,
) -> int:
    """Add the one certificate in the file PEM to the trust list, or change its entry.

    Take a root that somebody exported with "noai identity export", or a label's own.
    """
    if tsa:
        if may or keys or prefixes or context.get_parameter_source("kind") is not _DEFAULT:
            raise UsageError("a timestamp authority dates, and does nothing else: give --tsa alone")
        return _add_tsa(pem)
    if (keys or prefixes) and not may:
        raise UsageError("--key and --isrc narrow a permission: say --may permit or --may grant as well")
    entry = _read_entry(
        pem, frozenset(May(value) for value in may), kind=Kind(kind), keys=keys, isrc_prefixes=prefixes
    )
    home = identities.home()
    listed = TrustList.load(home)
    replaced = any(other.fingerprint == entry.fingerprint for other in listed.entries)
    listed.with_entry(entry).save(home)
    console = _render.console()
    console.print(
        _render.text("Changed " if replaced else "Added ", (entry.name, "bold"), f": it may {_may(entry)}.")
    )
    console.print(_render.text(("  sha256  ", "dim"), entry.fingerprint))
    if not certificates.is_authority(entry.certificate):
        console.print(
            _render.text(("  note    ", "dim"), "a leaf certificate: it vouches for its own key alone")
        )
    if entry.may == {May.IDENTIFY}:
        console.print("It is named in verdicts; nothing is let in by it. See: noai trust add --help")
    return Exit.OK


def _add_tsa(pem: str) -> int:
    anchors = certificates.load_pem_chain(read_pem(pem), pem)
    home = identities.home()
    TrustList.load(home).with_tsa_anchors(anchors).save(home)
    console = _render.console()
    for anchor in anchors:
        name = certificates.subject(anchor)
        console.print(_render.text("Added ", (name, "bold"), ": its timestamps date what was signed."))
        console.print(_render.text(("  sha256  ", "dim"), certificates.fingerprint(anchor)))
    return Exit.OK


@trust.command("list")
@as_json
def list_(as_json: bool) -> int:
    """Show the trust list. Own identities are on it by themselves, and identify only."""
    listed = default_trust()
    rows = [_row(entry, own=False) for entry in listed.entries]
    rows += [_row(entry, own=True) for entry in listed.own]
    rows += [
        {**_row(TrustEntry(anchor), own=False), "kind": _TSA, "may": []} for anchor in listed.tsa_anchors
    ]
    if as_json:
        click.echo(_render.dump_json(rows, indent=2))
        return Exit.OK
    if not rows:
        click.echo("The trust list is empty; add somebody with: noai trust add PEM")
        return Exit.OK
    table = _render.table("sha256", "name", "kind", "may", "only for", "valid until")
    for row in rows:
        scope = [f"key {key}" for key in row["keys"]] + [f"ISRC {p}…" for p in row["isrc_prefixes"]]
        cells = (
            row["sha256"][:_SHOWN],
            row["name"],
            "own identity" if row["own"] else row["kind"],
            ", ".join(row["may"]) or "date",
            "; ".join(scope),
            row["expires"][:10],
        )
        table.add_row(*map(_render.text, cells))
    _render.console(wrap=True).print(table)
    return Exit.OK


@trust.command(short_help="Remove an entry.")
@click.argument("fingerprint")
def remove(fingerprint: str) -> int:
    """Remove the entry whose FINGERPRINT begins so (see "noai trust list")."""
    prefix = fingerprint.lower().removeprefix("sha256:").replace(":", "")
    if len(prefix) < _PREFIX_LENGTH:
        raise UsageError(
            f"give at least {_PREFIX_LENGTH} characters of the fingerprint; see: noai trust list"
        )
    home = identities.home()
    kept, removed = TrustList.load(home).without(prefix)
    kept.save(home)
    name = certificates.subject(removed)
    _render.console().print(_render.text("Removed ", (name, "bold"), "."))
    return Exit.OK


def _read_entry(pem: str, may: frozenset[May], **options: Any) -> TrustEntry:
    entries = entries_from_pem(read_pem(pem), pem, may, **options)
    if len(entries) != 1:
        raise UsageError(
            f"{pem}: holds {len(entries)} certificates; give a file with the one to trust, "
            "most often the root, which stands last"
        )
    return entries[0]


def _may(entry: TrustEntry) -> str:
    return ", ".join(may.value for may in May if may in entry.may)


def _row(entry: TrustEntry, *, own: bool) -> dict[str, Any]:
    return {
        "sha256": entry.fingerprint,
        "name": entry.name,
        "kind": entry.kind.value,
        "may": [may.value for may in May if may in entry.may],
        "keys": list(entry.keys),
        "isrc_prefixes": list(entry.isrc_prefixes),
        "expires": iso(entry.certificate.not_valid_after_utc),
        "own": own,
    }
