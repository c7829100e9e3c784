"""``noai report``: a page for people, made of what ``noai verify`` wrote."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

import click

from noai import signing
from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._files import opened_output, require_output
from noai.cli._options import PathType, text
from noai.errors import UsageError
from noai.reporting import make_report
from noai.reporting.making import Records
from noai.reporting.reading import JsonLines
from noai.reporting.reading_parquet import MAGIC, ParquetRows

_EPILOG: Final = """\
\b
Exit codes:
  0  the report was written
  2  usage, or records that cannot be read; nothing was written

\b
Examples:
  noai verify dataset/ --format jsonl -o verdicts.jsonl
  noai report verdicts.jsonl -o report.html
  noai verify dataset/ --format jsonl | noai report - -o report.html
"""


@click.command(short_help="Make a page for people out of verdicts.", epilog=_EPILOG)
@click.argument("inputs", nargs=-1, type=PathType(), metavar="PATH...", required=True)
@click.option(
    "-o",
    "--output",
    type=PathType(),
    metavar="HTML",
    required=True,
    help="Write to this file, which is overwritten.",
)
@click.option("--title", type=text, metavar="TEXT", default="Verification report", help="What to call it.")
def report(inputs: tuple[str, ...], output: str, title: str) -> int:
    """Make one self-contained HTML file out of the JSON lines, or the Parquet, that "noai verify" wrote.

    The page loads nothing and sends nothing, and can be opened, mailed and printed. Several files make
    one report; - is standard input. It shows totals, signers, and a table of files that can be searched.
    """
    if inputs.count("-") > 1:
        raise UsageError("- is standard input, and can be read once")
    # Before the records are read, which can take minutes.
    require_output(output, inputs)
    with make_report(_sources(inputs), title, signing.now()) as made:
        with opened_output(output, inputs) as stream:
            stream.writelines(made.document())
        for given in made.inputs:
            if given.half_written is not None:
                _render.say(
                    f"{given.name}: line {given.half_written:,} was not written to its end; "
                    "the report covers the records before it, and says so"
                )
        files = _render.count(made.summary.files, "file")
        _render.console().print(
            _render.text("Wrote ", (output, "bold"), f": {files}, {made.summary.admitted} admitted.")
        )
    return Exit.OK


def _sources(inputs: tuple[str, ...]) -> Iterator[Records]:
    for path in inputs:
        if path == "-":
            if sys.stdin is None:
                raise UsageError("standard input is closed: there are no records to read")
            yield JsonLines(sys.stdin.buffer, "standard input")
            continue
        with _opened(path) as stream:
            is_parquet = stream.peek(len(MAGIC)).startswith(MAGIC)
            yield ParquetRows(path) if is_parquet else JsonLines(stream, path)


@contextmanager
def _opened(path: str) -> Iterator[BufferedReader]:
    try:
        # Not open_path(): records may well come from a pipe.
        with Path(path).open("rb") as stream:
            yield stream
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
