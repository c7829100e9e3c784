"""``noai verify --run-receipt``: signing what a run was asked and what it came to."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from typing import TYPE_CHECKING

from noai import signing
from noai.cli._exits import OutputFailed
from noai.cli._files import require_output
from noai.cli._secrets import load_signer
from noai.corpus.receipts import Consulted, FileDigest, Run, make_receipt
from noai.corpus.remote_urls import is_remote, shown
from noai.corpus.state import own_files
from noai.corpus.tallying import Tally
from noai.encoding import json_bytes
from noai.errors import UsageError
from noai.limits import RECEIPT_LISTED_BYTES
from noai.signing import KeySigner

if TYPE_CHECKING:
    from noai.cli._runs import Request


class Receipts:
    """A receipt that is to be written at the end. Its signer is ready before the first file is read."""

    def __init__(self, path: str, signer: KeySigner, started: datetime) -> None:
        self._path = path
        self._signer = signer
        self._started = started
        self._list = hashlib.sha256()
        self._list_size = 0

    @classmethod
    def asked(cls, path: str | None, identity: str | None, request: Request) -> Receipts | None:
        """The receipt that the options ask for, if they do.

        Raises:
            UsageError: if they do not fit together.
            SigningError: if there is no such identity, or its key cannot be had.
        """
        if path is None:
            if identity is not None:
                raise UsageError("--identity says who signs the receipt: --run-receipt FILE")
            return None
        if request.output is None:
            raise UsageError("a receipt is about an output in a file; name it with -o")
        if os.path.realpath(path) in map(os.path.realpath, own_files(request.output)):
            raise UsageError(f"{path}: is the output or its state, and would be overwritten")
        _require_room(request)
        require_output(path, request.inputs)
        started = signing.now()
        return cls(path, load_signer(identity, None, None, started), started)

    def read(self, block: bytes) -> None:
        """So much more of the list of paths was read."""
        self._list.update(block)
        self._list_size += len(block)

    def write(self, request: Request, tally: Tally) -> None:
        """Sign and write the receipt of a run that is over.

        Raises:
            SourceError: if the output cannot be read again.
            SigningError: if the signer fails.
            OutputFailed: if it cannot be written.
        """
        assert request.output is not None
        verifier, selection = request.scan.verifier, request.scan.selection
        listed = FileDigest(self._list.hexdigest(), self._list_size)
        run = Run(
            # A receipt is handed on: no passwords, and no signatures in queries.
            paths=[shown(path) if is_remote(path) else path for path in request.paths],
            policy=verifier.policy,
            depth=verifier.depth,
            trust=verifier.trust_list,
            started=self._started,
            finished=signing.now(),
            tally=tally,
            format=request.form.value,
            output=FileDigest.of(request.output),
            include=selection.include,
            exclude=selection.exclude,
            files_from=None if request.files_from is None else listed,
            archives=request.scan.archives,
            consent=_consulted(request),
        )
        token = make_receipt(run, self._signer)
        try:
            with open(self._path, "w", encoding="ascii") as stream:
                stream.write(f"{token}\n")
        except OSError as error:
            raise OutputFailed(f"{self._path}: cannot be written: {error.strerror or error}") from None


def _consulted(request: Request) -> Consulted | None:
    consent = request.scan.verifier.consent
    if consent is None or request.consulted is None:
        return None
    return Consulted.of(consent.declared, request.consulted)


def _require_room(request: Request) -> None:
    """Refuse, before anything is judged, to declare more than there is room for in a receipt."""
    consent = request.scan.verifier.consent
    if consent is None:
        return
    declared = consent.declared
    texts = [text for text in (declared.licensee, declared.model, declared.territory) if text]
    if len(json_bytes({"": texts})) > RECEIPT_LISTED_BYTES:
        raise UsageError("the licensee, model and territory are too long for a receipt, all together")
