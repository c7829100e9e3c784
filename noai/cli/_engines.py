"""``noai verify --engine``: a list to an engine that has many machines, and what it wrote into the output."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

from noai.cli import _render
from noai.cli._exits import OutputFailed
from noai.cli._files import is_stream
from noai.cli._runs import gone_on_with
from noai.cli._writers import Format, summary
from noai.corpus.patterns import EVERYTHING
from noai.corpus.remote_urls import is_remote, recorded
from noai.corpus.state import State
from noai.corpus.stores import ParquetStore
from noai.corpus.tallying import Tally
from noai.corpus.walking import Candidate
from noai.errors import EngineFailed, UsageError
from noai.integrations.engines import Engine
from noai.integrations.gate import Gate
from noai.limits import PARQUET_ROW_GROUP
from noai.text import escape_path

if TYPE_CHECKING:
    from noai.cli._receipts import Receipts
    from noai.cli._runs import Request
    from noai.cli._writers import StoreWriter
    from noai.corpus.scanning import Left

_COLUMN: Final = "path"
_LIST: Final = "list.parquet"
_JOURNAL: Final = "begun"
#: How the folders begin that engines write into: one a run, since workers may outlive the run they are of.
_WRITTEN: Final = "verdicts-"


def spread(request: Request, engine: Engine, jobs: int | None, receipts: Receipts | None) -> Tally:
    """Have ``engine`` judge what a run was asked, with ``jobs`` processes, and complete the output.

    Raises:
        UsageError: if an engine cannot be asked that, or it is not installed.
        EngineFailed: if it gave up; what it had done is there for ``--resume``.
        OutputFailed: if the output cannot be written.
    """
    output = _require_fitting(request, engine)
    run = engine.run()
    store, work = ParquetStore(output), _Work(Path(f"{os.path.abspath(output)}.engine"))
    tally = Tally(passed=request.scan.passed)
    seen = None if receipts is None else receipts.read
    started = monotonic()
    try:
        with (
            work.alone(),
            request.listed(seen) as listed,
            _gone_on_with(request, output, tally, store, work) as (writer, left),
        ):
            before = tally.files
            folder = work.begin(State(output).run)
            asked = work.write(_not_done(chain(request.paths, listed), left))
            if asked:
                from noai.integrations.surviving import SurvivingGate

                gate = SurvivingGate(
                    Gate(request.scan.verifier), _COLUMN, folder=os.getcwd(), journal=str(work.journal)
                )
                run(str(work.list), str(folder), gate, jobs=jobs)
                if not work.is_answered(folder):
                    shutil.rmtree(folder)
                    raise EngineFailed(f"{engine} did not write one verdict on each of {asked} paths")
                store.take_in(str(folder), tally)
            work.clear()
            seconds = monotonic() - started
            writer.finish(tally, seconds)
    except OSError as error:
        raise OutputFailed(f"{output}: cannot be written: {error.strerror or error}") from None
    if sys.stderr.isatty():
        _render.console(sys.stderr).print(summary(tally, seconds, before))
    return tally


@contextmanager
def _gone_on_with(
    request: Request, output: str, tally: Tally, store: ParquetStore, work: _Work
) -> Iterator[tuple[StoreWriter, Left | None]]:
    """The output, with what an engine had done of this very run when it was killed."""
    state = State(output)
    if request.resume and os.path.lexists(state.path):
        for folder in work.written(state.run):
            state.require(request.question)
            store.take_in(str(folder), Tally())
    with gone_on_with(request, output, tally) as going_on:
        yield going_on


def _require_fitting(request: Request, engine: Engine) -> str:
    """The output of a run that an engine can be asked for."""
    asked = f"--engine {engine}"
    if request.files_from is None:
        raise UsageError(f"{asked} takes a list of files, in text or Parquet: --files-from LIST")
    if request.form is not Format.PARQUET:
        raise UsageError(f"{asked} writes parquet, not {request.form}")
    if request.output is None or is_stream(request.output):
        raise UsageError(f"{asked} writes a file in a folder; name it with -o")
    if request.scan.ordered or request.scan.selection != EVERYTHING:
        raise UsageError(f"{asked} has no --ordered, and walks no folders: neither --include nor --exclude")
    for path in request.paths:
        if not is_remote(path) and os.path.isdir(path):
            raise UsageError(f"{path}: is a folder; {asked} takes files")
    return request.output


def _not_done(paths: Iterable[str], left: Left | None) -> Iterator[str]:
    """Those of ``paths`` that have no record yet."""
    if left is None:
        yield from paths
        return
    for is_elsewhere, some in groupby(paths, is_remote):
        if is_elsewhere:
            yield from filter(left.takes_remote, some)
        else:
            yield from (each.path for each in left.take(Candidate(path, path, True) for path in some))


@dataclass
class _Sum:
    """A digest of any number of texts in any order, each as often as it comes."""

    value: int = 0

    def add(self, text: str) -> None:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        self.value = (self.value + int.from_bytes(digest, "big")) % 2**256


class _Work:
    """The folder beside an output through which an engine is told and tells, on storage that it sees too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asked = _Sum()
        self.list = folder / _LIST
        self.journal = folder / _JOURNAL
        names = os.listdir(folder) if folder.is_dir() else []
        if os.path.lexists(folder) and not (
            folder.is_dir() and all(name in (_LIST, _JOURNAL) or name.startswith(_WRITTEN) for name in names)
        ):
            raise UsageError(f"{folder}: is not from a run; move it away, or choose another output")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs off this folder, which is gone afterwards if there is nothing in it.

        Raises:
            UsageError: if there is one.
        """
        self._folder.mkdir(exist_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                busy = f"{self._folder}: another run writes there; wait, or choose another output"
                raise UsageError(busy) from None
            try:
                yield
            finally:
                with suppress(OSError):  # there is something in it to go on with
                    self._folder.rmdir()
        finally:
            os.close(descriptor)

    def written(self, run: str) -> list[Path]:
        """What is left of a run."""
        return sorted(self._folder.glob(f"{_WRITTEN}{run}-*")) if run else []

    def begin(self, run: str) -> Path:
        """Make everything anew; the folder that an engine is to write into for ``run``."""
        self.clear()
        folder = self._folder / f"{_WRITTEN}{run}-{secrets.token_hex(8)}"
        folder.mkdir()
        self.journal.mkdir()
        return folder

    def write(self, paths: Iterator[str]) -> int:
        """Write the list; how many paths are in it."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._asked = _Sum()
        schema, written = pa.schema({_COLUMN: pa.binary()}), 0
        with pq.ParquetWriter(self.list, schema) as writer:
            while some := [os.fsencode(path) for path in islice(paths, PARQUET_ROW_GROUP)]:
                writer.write_table(pa.table([pa.array(some, pa.binary())], schema))
                written += len(some)
                for path in map(os.fsdecode, some):
                    self._asked.add(escape_path(recorded(path) if is_remote(path) else path))
        return written

    def is_answered(self, folder: Path) -> bool:
        """Whether there is one verdict on each path of the list, and no other, in ``folder``."""
        from noai.corpus.parquet_parts import names_in, whole_files

        told = _Sum()
        for part in whole_files(folder):
            for name in names_in(part):
                told.add(name)
        return told == self._asked

    def clear(self) -> None:
        """Remove all that is in it."""
        for entry in self._folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
