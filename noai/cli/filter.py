"""``noai filter``: what may be used, as a list, as links or copies, or as filtered shards."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Final

import click

from noai import signing
from noai.claim import TRAINING_USES, Use
from noai.cli import _consent, _options, _render
from noai.cli._exits import Exit, OutputFailed
from noai.cli._files import listed_paths, trust_with
from noai.cli._lists import NameList, RecordList, stream_of_summary, whole_output
from noai.cli._options import PathType
from noai.cli._progress import run_progress
from noai.cli._writers import summary
from noai.corpus import Selection
from noai.corpus.filtering import Destination, Filtered, FolderDestination, ListDestination
from noai.corpus.placing import Placing
from noai.corpus.scanning import Scan
from noai.corpus.tallying import Tally
from noai.corpus.walking import folder_id
from noai.corpus.workers import usable_cores
from noai.errors import NoaiError, UsageError
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.verifying import Verifier
from noai.words import Word

#: Failures that are told one by one.
_TOLD: Final = 20

_EPILOG: Final = """\
\b
What is written, with --as:
  list      names, one a line; of a member of an archive: archive, tab, member
  records   the verdict records, one a line
  links     a folder of symbolic links, each at its way below the folder given
  copies    a folder of copies, in the same way
  shards    a folder of archives; files of their own are refused
With links, copies and shards, archives are written anew without what is not admitted.

\b
Exit codes:
  0  done, whatever was admitted
  1  something could not be read or written
  2  usage, or no file could be read at all

\b
Examples:
  noai filter dataset/ -o admitted.txt
  noai filter dataset/ --as copies -o admitted/ --rejected rejected.jsonl
  noai filter shards/ --as shards -o filtered/ --policy opt-in
  noai filter dataset/ -o granted.txt --policy opt-in --licensee https://lab.example --grants grants.jsonl
"""


class Shape(Word):
    """How what is admitted is written."""

    LIST = "list"
    RECORDS = "records"
    LINKS = "links"
    COPIES = "copies"
    SHARDS = "shards"

    @property
    def is_folder(self) -> bool:
        return self in (Shape.LINKS, Shape.COPIES, Shape.SHARDS)


@click.command(short_help="Write what may be used, without the rest.", epilog=_EPILOG)
@_options.paths
@click.option(
    "-o", "--output", type=PathType(), metavar="DST", help="The list, or - for stdout; or a new folder."
)
@click.option(
    "--as",
    "shape",
    type=click.Choice([shape.value for shape in Shape]),
    help="What to write. Default: list, where DST is no folder.",
)
@click.option("--print0", is_flag=True, help="End names in the list with NUL, as xargs -0 reads them.")
@click.option(
    "--rejected",
    type=PathType(),
    metavar="FILE",
    help="Write the records of what is not admitted to FILE. Default: DST.rejected.jsonl; none with -o -.",
)
@_options.uses
@_options.anchors
@_options.policy
@_options.depth(Depth.DECISION)
@_options.inputs
@_consent.options
def filter(
    paths: tuple[str, ...],
    output: str | None,
    shape: str | None,
    print0: bool,
    rejected: str | None,
    uses: tuple[Use, ...],
    anchors: tuple[str, ...],
    policy: str,
    depth: str,
    files_from: str | None,
    null: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    no_archives: bool,
    jobs: int | None,
    ordered: bool,
    question: _consent.Question | None,
) -> int:
    """Judge files, folders and archives, and write what is admitted. The sources are only read.

    What is not admitted, undecided files too, is written nowhere but in the list of what is rejected, with
    the reasons. Sidecars go with their track. A WebDataset sample goes as a whole if a track in it is not
    admitted, and so does a row of a Parquet file.
    """
    if not paths and files_from is None:
        raise UsageError("name the files or folders to filter; see: noai filter --help")
    if null and files_from is None:
        raise UsageError("-0 says how --files-from is written; give both")
    if output is None:
        raise UsageError("say where to write what is admitted: -o DST")
    wanted = _shape(shape, output)
    if print0 and wanted is not Shape.LIST:
        raise UsageError("--print0 says how a list is written; it goes with --as list")
    trust = trust_with(anchors)
    consent = None if question is None else question.answer(trust, signing.now())
    asked = Policy(uses or TRAINING_USES, Admission(policy))
    scan = Scan(
        Verifier(asked, trust, None, Depth(depth), consent=consent),
        jobs=usable_cores() if jobs is None else jobs,
        ordered=ordered,
        selection=Selection(include, exclude),
        archives=not no_archives,
    )
    inputs = paths if files_from is None else (*paths, files_from)
    inputs += () if question is None else tuple(file.path for file in question.files.all)
    run = _Run(scan, wanted, output, "\0" if print0 else "\n", rejected or _beside(output), inputs)
    with listed_paths(files_from, null) as listed:
        return run.go(chain(paths, listed))


def _shape(shape: str | None, output: str) -> Shape:
    is_folder = output != "-" and (os.path.isdir(output) or output.endswith(os.sep))
    if shape is None:
        if is_folder:
            raise UsageError(f"{output}: is a folder; say what to write there: --as links, copies or shards")
        return Shape.LIST
    wanted = Shape(shape)
    if is_folder and not wanted.is_folder:
        raise UsageError(f"{output}: is a folder; --as {shape} writes a file")
    if output == "-" and wanted.is_folder:
        raise UsageError(f"--as {shape} writes a folder; name one with -o")
    return wanted


def _beside(output: str) -> str | None:
    return None if output == "-" else f"{output.rstrip(os.sep)}.rejected.jsonl"


@dataclass
class _Run:
    """One run, and what it came to."""

    scan: Scan
    shape: Shape
    output: str
    end: str
    rejected: str | None
    inputs: tuple[str, ...]
    tally: Tally = field(default_factory=Tally)
    failures: int = 0

    def go(self, paths: Iterator[str]) -> int:
        started = monotonic()
        self.tally.passed = self.scan.passed
        with ExitStack() as stack:
            rejected = None
            if self.rejected is not None:
                if self.output != "-" and os.path.realpath(self.rejected) == os.path.realpath(self.output):
                    raise UsageError(f"{self.rejected}: is named for what is admitted and for what is not")
                rejected = RecordList(stack.enter_context(whole_output(self.rejected, self.inputs)))
            destination = stack.enter_context(self._destination())
            with self._failing_as_output():
                self._filter(destination, paths, rejected)
            if not self.tally.records and not self.failures:
                raise UsageError("there is no audio in what was named")
        self._tell(monotonic() - started)
        if self.tally.records and not self.tally.readable:
            raise UsageError("none of the files could be read")
        return Exit.FAILED if self.failures else Exit.OK

    def _filter(self, destination: Destination, paths: Iterator[str], rejected: RecordList | None) -> None:
        stream = sys.stdout if self.output == "-" else None
        with (
            closing(destination.filter(self.scan, paths)) as filtered,
            run_progress(stream, None, None) as progress,
        ):
            for each in filtered:
                self._count(each)
                judged = each.judged
                if judged is not None and rejected is not None and not (judged.admitted or judged.skipped):
                    rejected.add(judged.verdict)
                if progress.is_shown:
                    progress.show(self.tally, self.tally.files)

    def _count(self, filtered: Filtered) -> None:
        judged = filtered.judged
        if judged is not None:
            self.tally.add(judged)
        if filtered.failure is not None:
            self._fail(str(filtered.failure))
        elif filtered.is_unread and judged is not None:
            self._fail(judged.verdict.error or str(judged.verdict.path))

    def _fail(self, message: str) -> None:
        self.failures += 1
        if self.failures <= _TOLD:
            _render.say(message)

    def _tell(self, seconds: float) -> None:
        if self.failures > _TOLD:
            _render.say(f"and {self.failures - _TOLD} more that could not be read or written")
        console = _render.console(stream_of_summary(self.output))
        if self.tally.records:
            console.print(summary(self.tally, seconds))
        if self.rejected is not None:
            console.print(_render.text(("what is not admitted: ", "dim"), self.rejected))

    @contextmanager
    def _destination(self) -> Iterator[Destination]:
        if self.shape.is_folder:
            yield self._folder()
            return
        with whole_output(self.output, self.inputs) as stream:
            listed = NameList(stream, self.end) if self.shape is Shape.LIST else RecordList(stream)
            yield ListDestination(listed)

    def _folder(self) -> Destination:
        """A new folder, which is left out where it stands in one that is walked."""
        folder = Path(self.output)
        with self._failing_as_output():
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise UsageError(f"{self.output}: is not empty; choose a new folder")
        identity = folder_id(self.output)
        if identity is not None:
            self.scan = replace(self.scan, exclude=frozenset((identity,)))
        placing = {Shape.LINKS: Placing.LINK, Shape.COPIES: Placing.COPY}.get(self.shape)
        return FolderDestination(folder, placing)

    @contextmanager
    def _failing_as_output(self) -> Iterator[None]:
        try:
            yield
        except NoaiError:
            raise
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputFailed(f"{self.output}: cannot be written: {error.strerror or error}") from None
