"""Showing things: one console, plain JSON, errors. rich is imported only when it is needed.

Text from files, certificates and paths goes through :func:`safe` before it reaches a terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable
from typing import IO, TYPE_CHECKING, Final, TypeVar

import click

from noai.limits import MIB
from noai.progress import watching
from noai.records import dump_json as dump_json
from noai.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.table import Table
    from rich.text import Text

#: Where nobody sees the edge of a window, nothing is wrapped or cut.
_UNLIMITED_WIDTH: Final = 10_000
#: From so many bytes on, all passes over one file together, the bar says that something is going on.
LARGE_FILE: Final = 256 * MIB

_T = TypeVar("_T")

safe = printable


def say(message: str) -> None:
    """One line on stderr."""
    click.echo(f"noai: {safe(message)}", err=True)


def console(file: IO[str] | None = None, *, wrap: bool = False) -> Console:
    """Colour as the terminal allows; ``NO_COLOR`` is honoured, a pipe gets plain text.

    ``wrap`` fits tables and trees into the window; lines are left to the terminal, so that they can
    be copied whole.
    """
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would exit with 1, which is an answer of verify

    stream = file or sys.stdout
    return Plain(
        file=stream,
        width=None if stream.isatty() else _UNLIMITED_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=not wrap,
    )


def text(*parts: str | tuple[str, str]) -> Text:
    """A line of plain parts and ``(part, style)`` pairs, each made safe to show."""
    from rich.text import Text

    line = Text()
    for part in parts:
        content, style = part if isinstance(part, tuple) else (part, "")
        line.append(safe(content), style)
    return line


def table(*headings: str) -> Table:
    """An empty table without lines between its rows."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading in headings:
        shown.add_column(heading, overflow="fold")
    return shown


def grid() -> Table:
    """Labels and values beside each other, without any lines."""
    from rich.table import Table

    shown = Table.grid(padding=(0, 2))
    shown.add_column()
    shown.add_column(overflow="fold")
    return shown


def about(path: str, message: str) -> str:
    """``message`` without the path that it may begin with, for lines that begin with it already."""
    return message.removeprefix(f"{path}: ")


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tracked(
    items: Iterable[_T], total: int | None, stream: IO[str], lines: Console | None
) -> Generator[_T, None, None]:
    """``items`` again, with a bar on stderr while they are worked on, if stderr is a terminal.

    ``stream`` is where results go meanwhile, by the console ``lines`` if they are for people. Close
    this when leaving early, or the terminal keeps its hidden cursor.
    """
    together = sys.stderr.isatty() and share_terminal(stream)
    # A bar would break lines that are meant for a program, where both go to one terminal.
    if not sys.stderr.isatty() or (together and lines is None):
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        BarColumn(),
        TextColumn("{task.completed}") if total is None else MofNCompleteColumn(),
        TextColumn("files"),
        TextColumn("{task.fields[moved]}"),
        TimeElapsedColumn(),
        # On one terminal the results must go through the bar's console, to appear above it.
        console=lines if lines is not None and together else Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with bar:
        task = bar.add_task("", total=total, moved="")
        for item in items:
            with watching(_Moved(bar, task)):
                yield item
            bar.update(task, advance=1, moved="")


class _Moved:
    """Shows beside the bar how much of one large file was worked through, all passes together."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task
        self._bytes = 0

    def __call__(self, length: int) -> None:
        self._bytes += length
        if self._bytes >= LARGE_FILE:
            self._bar.update(self._task, moved=f"{self._bytes / 2**30:.1f} GiB worked through")


def share_terminal(stream: IO[str]) -> bool:
    return stream.isatty() and os.ttyname(stream.fileno()) == os.ttyname(sys.stderr.fileno())
