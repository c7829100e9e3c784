"""One run of ``noai verify``: what was asked, and going on with what an earlier one left."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from noai._version import __version__
from noai.cli._files import listed_paths, require_output
from noai.cli._parquet_lists import parquet_paths
from noai.cli._writers import Format, StoreWriter
from noai.corpus.receipts import trust_digest
from noai.corpus.remote_urls import is_remote
from noai.corpus.resuming import ByKey, InOrder
from noai.corpus.scanning import Left, Scan
from noai.corpus.state import State, own_files
from noai.corpus.tallying import Tally
from noai.corpus.walking import Candidate, Passed, folder_id
from noai.limits import MIB
from noai.verifying import Verifier

if TYPE_CHECKING:
    from noai.consent.files import ConsentFiles


@dataclass(frozen=True)
class Request:
    """What a run was asked."""

    scan: Scan
    paths: tuple[str, ...]
    files_from: str | None
    null: bool
    form: Format
    output: str | None
    resume: bool
    #: Statements of consent that were read; the verifier has what they come to.
    consulted: ConsentFiles | None = None
    #: Where paths stand in a list that is Parquet; None for one in text.
    column: str | None = None

    @contextmanager
    def listed(self, seen: Callable[[bytes], object] | None = None) -> Iterator[Iterator[str]]:
        """The paths in the list, which is shown to ``seen`` as it is read.

        Raises:
            UsageError: if it cannot be read, or is of another kind.
        """
        if self.column is None or self.files_from is None:
            with listed_paths(self.files_from, self.null, seen) as paths:
                yield paths
        else:
            yield parquet_paths(self.files_from, self.column, seen)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Everything that is read, and must not be written to."""
        listed = () if self.files_from is None else (self.files_from,)
        consulted = () if self.consulted is None else self.consulted.all
        return (*self.paths, *listed, *(file.path for file in consulted))

    @property
    def question(self) -> dict[str, object]:
        """What has to be the same for an output to be gone on with."""
        verifier, selection = self.scan.verifier, self.scan.selection
        return {
            "noai": __version__,
            "format": self.form.value,
            "paths": _digest(
                (*self.paths, "", self.files_from or "", *([self.column] if self.column else []))
            ),
            "list": _list_digest(self.files_from),
            "uses": [use.value for use in verifier.policy.uses],
            "policy": verifier.policy.admission.value,
            "depth": verifier.depth.value,
            "trust": trust_digest(verifier.trust_list),
            "digest": verifier.digest,
            "include": list(selection.include),
            "exclude": list(selection.exclude),
            "archives": self.scan.archives,
            "ordered": self.scan.ordered,
            "consent": _consent_digest(verifier),
        }

    def without_outputs(self, inner: Left | None = None) -> Left | None:
        """What is left to do of a walk that meets the run's own output."""
        return inner if self.output is None else _Without(self.output, inner)

    def ahead(self) -> Callable[[], Iterator[object]] | None:
        """Finds the files once more; None where that cannot be done."""
        if any(is_remote(path) for path in self.paths):
            return None
        if self.files_from is not None and not os.path.isfile(self.files_from):
            return None  # a pipe is read once
        return self._found

    def _found(self) -> Iterator[object]:
        scan = replace(self.scan, passed=Passed())
        with self.listed() as listed:
            yield from scan.candidates(chain(self.paths, listed))


@contextmanager
def gone_on_with(request: Request, output: str, tally: Tally) -> Iterator[tuple[StoreWriter, Left | None]]:
    """The file ``output``, begun or gone on with. What is there already is counted in ``tally``.

    Raises:
        UsageError: if it would destroy something, or answers another question.
    """
    store, state = request.form.store(output), State(output)
    assert store is not None, "the caller asks only formats that have one"
    require_output(output, request.inputs, parquet=request.form is Format.PARQUET)
    if not request.resume or not store.exists():
        state.forget()
        store.start()
        state.start(request.question)
        left: Left | None = None
    else:
        state.require(request.question)
        if request.scan.ordered:
            left = InOrder(store, state, tally, request.scan.verifier)
        else:
            left = ByKey.of(store, state, tally)
    try:
        yield StoreWriter(store, state), request.without_outputs(left)
    finally:
        store.close()


class _Without:
    """Leaves out the files that this run writes, should they stand in a folder that it walks."""

    def __init__(self, output: str, inner: Left | None) -> None:
        self._output = output
        name = os.path.basename(output)
        self._names = own_files(name)
        self._folder = f"{os.sep}{name}.parts{os.sep}"
        self._inner = inner

    def take(self, candidates: Iterator[Candidate]) -> Iterator[Candidate]:
        chosen = (each for each in candidates if not self._is_ours(each.path))
        return chosen if self._inner is None else self._inner.take(chosen)

    def takes_remote(self, url: str) -> bool:
        return self._inner is None or self._inner.takes_remote(url)

    def _is_ours(self, path: str) -> bool:
        if path.endswith(self._names):
            folder, name = os.path.split(path)
            here = os.path.dirname(self._output)
            return name in self._names and folder_id(folder or os.curdir) == folder_id(here or os.curdir)
        if self._folder in path:
            return folder_id(os.path.dirname(path)) == folder_id(f"{self._output}.parts")
        return False


def _consent_digest(verifier: Verifier) -> str | None:
    if verifier.consent is None:
        return None
    from noai.consent.files import consent_digest

    return consent_digest(verifier.consent)


def _list_digest(source: str | None) -> str | None:
    """The SHA-256 of a list of paths; None for a pipe, which is read once."""
    if source is None or not os.path.isfile(source):
        return None
    with open(source, "rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(MIB):
            digest.update(block)
    return digest.hexdigest()


def _digest(texts: Iterable[str]) -> str:
    joined = "\0".join(texts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(joined).hexdigest()
