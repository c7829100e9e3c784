"""``noai keygen``: a new identity."""

from __future__ import annotations

from typing import Final

import click

from noai import signing
from noai.algorithms import Algorithm
from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._secrets import new_passphrase
from noai.identities import PASSPHRASE, Identity, IdentityStore

_ALGORITHMS: Final = {"es256": Algorithm.ES256, "ed25519": Algorithm.ED25519}

_EPILOG: Final = """\
\b
Examples:
  noai keygen ana
  noai keygen label --alg ed25519 --passphrase
"""


@click.command(short_help="Make an identity to sign with.", epilog=_EPILOG)
@click.argument("name")
@click.option(
    "--alg",
    type=click.Choice(list(_ALGORITHMS), case_sensitive=False),
    default="es256",
    show_default=True,
    help="Kind of key. Every C2PA tool reads es256.",
)
@click.option(
    "--passphrase",
    is_flag=True,
    help=f"Ask for a passphrase and encrypt the keys with it. {PASSPHRASE}, if set, is used unasked.",
)
def keygen(name: str, alg: str, passphrase: bool) -> int:
    """Make the identity NAME: a key to sign marks with, and its certificates.

    The files are readable by you alone and stay on this computer. An identity that exists is never
    overwritten.
    """
    secret = new_passphrase(passphrase)
    made = IdentityStore().create(name, _ALGORITHMS[alg], signing.now(), secret)
    _show(made, secret is not None)
    return Exit.OK


def _show(made: Identity, encrypted: bool) -> None:
    console = _render.console()
    protection = "encrypted with your passphrase" if encrypted else "not encrypted"
    told = f" ({made.algorithm}), valid until {made.expires:%Y-%m-%d}."
    console.print(_render.text("Made the identity ", (made.name, "bold"), told))
    for label, value in (
        ("key id", made.kid),
        ("folder", str(made.folder)),
        ("key.pem", f"signs your marks; {protection}; keep a copy of the folder in a safe place"),
        ("root-key.pem", f"renews the certificate; {protection}; noai mark never needs it"),
        ("chain.pem", "the certificates, which every mark carries"),
    ):
        console.print(_render.text((f"  {label:<13}", "dim"), value))
    console.print(_render.text("Next: ", ("noai mark --in-place TRACK...", "bold"), " marks your music."))
    exporting = f"noai identity export {made.name} -o {made.name}.pem"
    console.print(
        _render.text("Then: ", (exporting, "bold"), " writes the certificate to give to those who check.")
    )
