"""Passphrases and signers: asked for once, and before any file is touched."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from noai.cli import _render
from noai.errors import PassphraseRequired, UsageError
from noai.identities import PASSPHRASE, IdentityStore, passphrase_in_environment
from noai.signing import KeySigner, check_signer

#: OpenSSL, which encrypts the key files, takes no longer one.
_MAX_BYTES: Final = 1023


def new_passphrase(asked: bool) -> bytes | None:
    """The passphrase for a new key: from the environment, else from the prompt if ``asked``.

    Raises:
        PassphraseRequired: if it is asked for and there is no terminal to ask at.
        UsageError: if it is too long.
    """
    passphrase = passphrase_in_environment()
    if passphrase is None and asked:
        _require_terminal()
        text = click.prompt("Passphrase for the new key", hide_input=True, confirmation_prompt=True, err=True)
        passphrase = _encode(text)
    if passphrase is not None and len(passphrase) > _MAX_BYTES:
        raise UsageError(f"a passphrase may have at most {_MAX_BYTES} bytes")
    return passphrase


def load_signer(identity: str | None, key: str | None, certificate: str | None, at: datetime) -> KeySigner:
    """The signer that the options name, ready to sign.

    Raises:
        UsageError: if the options do not fit together.
        SigningError: if there is no such identity, the files do not fit, or a certificate has expired.
    """
    if (key is None) != (certificate is None):
        raise UsageError("--key and --cert belong together: give both")
    if key is not None and certificate is not None:
        if identity is not None:
            raise UsageError("give either --identity, or --key and --cert")
        signer = KeySigner.from_files(Path(key), Path(certificate), lambda: _known_passphrase(key))
    else:
        store = IdentityStore()
        chosen = store.only() if identity is None else store.load(identity)
        signer = chosen.signer(lambda: _known_passphrase(f"the key of {chosen.name!r}"))
    check_signer(signer, at)
    return signer


def _known_passphrase(what: str) -> bytes:
    passphrase = passphrase_in_environment()
    if passphrase is not None:
        return passphrase
    _require_terminal(what)
    return _encode(click.prompt(f"Passphrase for {_render.safe(what)}", hide_input=True, err=True))


def _require_terminal(what: str = "the new key") -> None:
    if sys.stdin is None or not sys.stdin.isatty():
        raise PassphraseRequired(
            f"{what} needs a passphrase, and there is no terminal to ask at; set {PASSPHRASE}"
        )


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
