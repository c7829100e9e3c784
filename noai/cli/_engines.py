"""``noai verify --engine``: a list to an engine that has many machines, and what it wrote into the output."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
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
from noai.corpus.remote_urls import is_remote
from noai.corpus.stores import ParquetStore
from noai.corpus.tallying import Tally
from noai.corpus.walking import Candidate
from noai.errors import EngineFailed, UsageError
from noai.integrations.engines import Engine
from noai.integrations.gate import Gate
from noai.limits import PARQUET_ROW_GROUP

if TYPE_CHECKING:
    from noai.cli._receipts import Receipts
    from noai.cli._runs import Request
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
        if request.resume:
            for folder in work.written():
                store.take_in(str(folder), Tally())
        with request.listed(seen) as listed, gone_on_with(request, output, tally) as (writer, left):
            before = tally.files
            folder = work.begin()
            asked = work.write(_not_done(chain(request.paths, listed), left))
            if asked:
                from noai.integrations.surviving import SurvivingGate

                gate = SurvivingGate(
                    Gate(request.scan.verifier), _COLUMN, folder=os.getcwd(), journal=str(work.journal)
                )
                run(str(work.list), str(folder), gate, jobs=jobs)
                judged = store.take_in(str(folder), tally)
                if judged != asked:
                    raise EngineFailed(f"{engine} wrote {judged} verdicts on {asked} paths")
            work.clear()
            seconds = monotonic() - started
            writer.finish(tally, seconds)
    except OSError as error:
        raise OutputFailed(f"{output}: cannot be written: {error.strerror or error}") from None
    if sys.stderr.isatty():
        _render.console(sys.stderr).print(summary(tally, seconds, before))
    return tally


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


class _Work:
    """The folder beside an output through which an engine is told and tells, on storage that it sees too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.list = folder / _LIST
        self.journal = folder / _JOURNAL
        names = os.listdir(folder) if folder.is_dir() else []
        if os.path.lexists(folder) and not (
            folder.is_dir() and all(name in (_LIST, _JOURNAL) or name.startswith(_WRITTEN) for name in names)
        ):
            raise UsageError(f"{folder}: is not from a run; move it away, or choose another output")

    def written(self) -> list[Path]:
        """What earlier runs left."""
        return sorted(self._folder.glob(f"{_WRITTEN}*"))

    def begin(self) -> Path:
        """Make everything anew; the folder that an engine is to write into."""
        self.clear()
        folder = self._folder / f"{_WRITTEN}{secrets.token_hex(8)}"
        folder.mkdir(parents=True)
        self.journal.mkdir()
        return folder

    def write(self, paths: Iterator[str]) -> int:
        """Write the list; how many paths are in it."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema, written = pa.schema({_COLUMN: pa.binary()}), 0
        with pq.ParquetWriter(self.list, schema) as writer:
            while some := [os.fsencode(path) for path in islice(paths, PARQUET_ROW_GROUP)]:
                writer.write_table(pa.table([pa.array(some, pa.binary())], schema))
                written += len(some)
        return written

    def clear(self) -> None:
        """Remove all of it."""
        if self._folder.is_dir():
            shutil.rmtree(self._folder)
