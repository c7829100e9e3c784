"""``noai verify``: may these files be used?"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain
from typing import IO, Final

import click

from noai.claim import TRAINING_USES, Use
from noai.cli import _options, _render
from noai.cli._exits import OutputFailed
from noai.cli._files import listed_paths, read_pem, require_replaceable
from noai.cli._options import PathType
from noai.cli._writers import Format, Tally
from noai.corpus import AUDIO_EXTENSIONS, Judged, judge_all, walk
from noai.errors import UsageError
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.trust import Kind, TrustList, entries_from_pem
from noai.verifying import Verifier, default_trust

#: What lies beside a track under these names speaks for it.
SIDECAR_EXTENSIONS: Final = frozenset({".c2pa", ".xmp"})

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
  noai verify dataset/ --format jsonl -o verdicts.jsonl --jobs 4
  find dataset -name '*.flac' -print0 | noai verify --files-from - -0 --format csv
"""


@click.command(short_help="Check whether files may be used.", epilog=_EPILOG)
@_options.paths
@click.option(
    "--use",
    "uses",
    type=_options.use,
    shell_complete=_options.complete_use,
    multiple=True,
    metavar="USE",
    help="A use that is asked about. Default: ai_generative_training and ai_training.",
)
@click.option(
    "--trust",
    "anchors",
    type=PathType(),
    multiple=True,
    metavar="PEM",
    help="Know these certificates for this run. They identify; for more, use: noai trust add --may.",
)
@click.option(
    "--policy",
    type=click.Choice([admission.value for admission in Admission]),
    default=Admission.OPT_OUT.value,
    show_default=True,
    help="Admit what is not reserved, or only what is allowed.",
)
@click.option("--digest", is_flag=True, help="Add the SHA-256 of each file to its JSON record.")
@click.option(
    "--depth",
    type=click.Choice([depth.value for depth in Depth]),
    default=Depth.EVIDENCE.value,
    show_default=True,
    help="Run every check, or stop once the decision is certain.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Format]),
    default=Format.TEXT.value,
    show_default=True,
    help="For people; one JSON array; one JSON object a line; a table.",
)
@click.option("-o", "--output", type=PathType(), metavar="FILE", help="Write to FILE, which is overwritten.")
@click.option(
    "--files-from", type=PathType(), metavar="FILE", help="Read paths from FILE, one a line; - is stdin."
)
@click.option("-0", "null", is_flag=True, help="Paths in --files-from end with NUL, as find -print0 writes.")
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Processes to use."
)
def verify(
    paths: tuple[str, ...],
    uses: tuple[Use, ...],
    anchors: tuple[str, ...],
    policy: str,
    depth: str,
    digest: bool,
    form: str,
    output: str | None,
    files_from: str | None,
    null: bool,
    jobs: int,
) -> int:
    """Check audio files and, recursively, folders. Reads files only; opens no network connection.

    In folders, files that are neither audio nor named like audio are passed over, and links to
    folders are not followed. A path that is named always gets a record.
    """
    if not paths and files_from is None:
        raise UsageError("name the files or folders to verify; see: noai verify --help")
    if null and files_from is None:
        raise UsageError("-0 says how --files-from is written; give both")
    asked = Policy(uses or TRAINING_USES, Admission(policy))
    verifier = Verifier(asked, _trust(anchors), depth=Depth(depth), digest=digest)
    inputs = paths if files_from is None else (*paths, files_from)
    tally = Tally()
    with listed_paths(files_from, null) as listed, _opened(output, inputs) as stream:
        candidates = walk(chain(paths, listed), passed=tally.passed)
        with closing(judge_all(candidates, verifier, jobs)) as judgements:
            _write(judgements, Format(form), stream, tally)
    if not tally.records:
        raise UsageError("there is no audio in what was named")
    if not tally.readable:
        raise UsageError("none of the files could be read")
    return tally.exit


def _write(judgements: Iterator[Judged], form: Format, stream: IO[str], tally: Tally) -> None:
    writer = form.writer(stream)
    with closing(_render.tracked(judgements, None, stream, writer.console)) as tracked:
        for judged in tracked:
            if judged.skipped:
                tally.skipped += 1
            else:
                tally.add(judged)
                writer.write(judged)
    writer.finish(tally)


def _trust(anchors: tuple[str, ...]) -> TrustList:
    """The configured list, with ``anchors`` that identify. What an entry may do stays as it is listed."""
    trust = default_trust()
    for path in anchors:
        for entry in entries_from_pem(read_pem(path), path, kind=Kind.AUTHORITY):
            if all(entry.fingerprint != listed.fingerprint for listed in trust.entries):
                trust = trust.with_entry(entry)
    return trust


@contextmanager
def _opened(output: str | None, inputs: tuple[str, ...]) -> Iterator[IO[str]]:
    """Where the records go. What would destroy a track by a slip of the finger is refused."""
    if output is None:
        yield sys.stdout
        return
    extension = os.path.splitext(output)[1].lower()
    if extension in AUDIO_EXTENSIONS or any(_is_same_file(output, path) for path in inputs):
        raise UsageError(
            f"{output}: is a track or a list to read, and would be overwritten; choose another name"
        )
    if extension in SIDECAR_EXTENSIONS:
        raise UsageError(f"{output}: is the name of a sidecar, which would be overwritten; choose another")
    require_replaceable(output)
    try:
        with open(output, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            yield stream
    except OSError as error:
        raise OutputFailed(f"{output}: cannot be written: {error.strerror or error}") from None


def _is_same_file(first: str, second: str) -> bool:
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False
