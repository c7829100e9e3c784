"""``noai verify``: may these files be used?"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain
from time import monotonic
from typing import Final

import click

from noai import signing
from noai.claim import TRAINING_USES, Use
from noai.cli import _consent, _options, _render
from noai.cli._exits import OutputFailed
from noai.cli._files import is_stream, opened_output, trust_with
from noai.cli._options import PathType
from noai.cli._progress import run_progress
from noai.cli._receipts import Receipts
from noai.cli._runs import Request, gone_on_with
from noai.cli._writers import Format, Writer, exit_code, summary
from noai.corpus.patterns import Selection
from noai.corpus.scanning import Left, Scan
from noai.corpus.tallying import Tally
from noai.corpus.workers import usable_cores
from noai.errors import UsageError
from noai.integrations.engines import Engine
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.verifying import Verifier

_EPILOG: Final = """\
\b
Decisions:
  rejected     a reservation covers a requested use, signed or not
  undecided    something that could matter could not be read or checked
  allowed      a proven permission covers every requested use
  unreserved   everything was read, and nothing speaks against the requested uses

\b
Exit codes:
  0  every file is admitted
  1  at least one file is rejected (or unreserved, under --policy opt-in)
  2  usage, or no file could be read at all
  3  otherwise: at least one file is undecided

\b
Examples:
  noai verify album/
  noai verify dataset/ --depth decision --format jsonl -o verdicts.jsonl
  noai verify dataset/ --depth decision --format jsonl -o verdicts.jsonl --resume
  find dataset -name '*.flac' -print0 | noai verify --files-from - -0 --format csv
  noai verify --engine ray --files-from list.parquet -o verdicts.parquet --depth decision
  noai verify dataset/ --licensee https://lab.example --grants grants.jsonl --policy opt-in
"""


@click.command(short_help="Check whether files may be used.", epilog=_EPILOG)
@_options.paths
@_options.uses
@_options.anchors
@_options.policy
@click.option("--digest", is_flag=True, help="Add the SHA-256 of each file to its JSON record.")
@_options.depth(Depth.EVIDENCE)
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Format]),
    help="For people, as by default; one JSON array; one JSON object a line; two kinds of tables.",
)
@click.option("-o", "--output", type=PathType(), metavar="FILE", help="Write to FILE, which is overwritten.")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the output of a run that was interrupted (jsonl and parquet), instead.",
)
@_options.inputs
@click.option(
    "--path-column",
    "column",
    metavar="NAME",
    help="Where paths stand in a list called *.parquet. Default: path.",
)
@click.option(
    "--engine",
    type=click.Choice([engine.value for engine in Engine]),
    default=Engine.LOCAL.value,
    show_default=True,
    help="Who judges: this machine, or Ray or Spark, a list of files into Parquet.",
)
@_consent.options
@click.option(
    "--run-receipt",
    "receipt",
    type=PathType(),
    metavar="FILE",
    help="Sign what was asked and what it came to, with the output's digest, as FILE.",
)
@click.option(
    "--identity", metavar="NAME", help="Who signs the receipt; may be left out where there is one alone."
)
def verify(
    paths: tuple[str, ...],
    uses: tuple[Use, ...],
    anchors: tuple[str, ...],
    policy: str,
    depth: str,
    digest: bool,
    form: str | None,
    output: str | None,
    resume: bool,
    files_from: str | None,
    null: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    no_archives: bool,
    jobs: int | None,
    ordered: bool,
    column: str | None,
    engine: str,
    question: _consent.Question | None,
    receipt: str | None,
    identity: str | None,
) -> int:
    """Check audio files and, recursively, folders and archives. Reads only; opens no network connection.

    In folders, files that are neither audio nor named like audio are passed over, and links to
    folders are not followed. A path that is named always gets a record. URLs (s3://, gs://, https://)
    are read from there, if they are named, with noai[remote].
    """
    if not paths and files_from is None:
        raise UsageError("name the files or folders to verify; see: noai verify --help")
    if null and files_from is None:
        raise UsageError("-0 says how --files-from is written; give both")
    column, elsewhere = _column(files_from, null, column), Engine(engine) is not Engine.LOCAL
    trust = trust_with(anchors)
    consent = None if question is None else question.answer(trust, signing.now())
    scan = Scan(
        Verifier(
            Policy(uses or TRAINING_USES, Admission(policy)), trust, None, Depth(depth), digest, consent
        ),
        jobs=usable_cores() if jobs is None else jobs,
        ordered=ordered,
        selection=Selection(include, exclude),
        # To an engine every path is one file, and has one verdict.
        archives=not no_archives and not elsewhere,
    )
    if output is not None and os.path.islink(output) and not is_stream(output):
        output = os.path.realpath(output)  # what it leads to is written anew, and the link stays
    consulted = None if question is None else question.files
    written = Format(form or (Format.PARQUET if elsewhere else Format.TEXT))
    request = Request(scan, paths, files_from, null, written, output, resume, consulted, column)
    receipts = Receipts.asked(receipt, identity, request)
    tally = _by_engine(request, Engine(engine), jobs, receipts) if elsewhere else _run(request, receipts)
    if not tally.records:
        raise UsageError("there is no audio in what was named")
    if receipts is not None:
        receipts.write(request, tally)
    if not tally.readable:
        raise UsageError("none of the files could be read")
    return exit_code(tally)


def _column(files_from: str | None, null: bool, column: str | None) -> str | None:
    """Where the paths stand in a list that is Parquet."""
    if files_from is not None and files_from.lower().endswith(".parquet"):
        if null:
            raise UsageError("-0 is for lists in text")
        return column or "path"
    if column is not None:
        raise UsageError("--path-column is for a list called *.parquet: --files-from LIST.parquet")
    return None


def _by_engine(request: Request, engine: Engine, jobs: int | None, receipts: Receipts | None) -> Tally:
    from noai.cli._engines import spread

    return spread(request, engine, jobs, receipts)


def _run(request: Request, receipts: Receipts | None) -> Tally:
    """Judge and write everything; what it came to."""
    tally = Tally(passed=request.scan.passed)
    seen = None if receipts is None else receipts.read
    started = monotonic()
    with (
        request.listed(seen) as listed,
        _opened(request, tally) as (writer, left),
    ):
        outcomes = request.scan.outcomes(chain(request.paths, listed), writer.encoding, left)
        stream = sys.stdout if request.output is None else None
        with closing(outcomes), run_progress(stream, writer.console, request.ahead()) as progress:
            before = candidates = tally.files
            progress.show(tally, candidates)
            for outcome in progress.watch(outcomes):
                tally.merge(outcome.tally)
                candidates += outcome.candidates
                writer.write(outcome)
                progress.show(tally, candidates)
        seconds = monotonic() - started
        writer.finish(tally, seconds)
    if progress.is_shown and request.form is not Format.TEXT:
        _render.console(sys.stderr).print(summary(tally, seconds, before))
    return tally


@contextmanager
def _opened(request: Request, tally: Tally) -> Iterator[tuple[Writer, Left | None]]:
    """Where the records go, and what of the work is left; ``tally`` takes what is there already."""
    output = request.output
    if output is None:
        if request.resume:
            raise UsageError("--resume goes on with a file; name it with -o")
        yield request.form.writer(sys.stdout), None
        return
    try:
        if request.resume and is_stream(output):
            raise UsageError(f"{output}: is no file in a folder, which --resume could go on with")
        if request.form.is_resumable and not is_stream(output):
            with gone_on_with(request, output, tally) as (writer, left):
                yield writer, left
        else:
            if request.resume:
                raise UsageError(f"--resume goes on with jsonl and parquet, not with {request.form}")
            with opened_output(output, request.inputs) as stream:
                yield request.form.writer(stream), request.without_outputs()
    except OSError as error:
        raise OutputFailed(f"{output}: cannot be written: {error.strerror or error}") from None
