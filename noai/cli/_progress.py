"""How far a run over many files is, on a terminal: files, a second, what was decided, what is left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from typing import IO, TYPE_CHECKING, Final

from noai.cli import _render
from noai.cli._writers import decisions
from noai.corpus.batches import Outcome
from noai.corpus.tallying import Tally
from noai.progress import watching

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

#: Files after which the count ahead looks whether it is still wanted.
_STEP: Final = 1_000


@contextmanager
def run_progress(
    stream: IO[str] | None, lines: Console | None, ahead: Callable[[], Iterator[object]] | None
) -> Iterator[RunProgress]:
    """A bar on stderr, if that is a terminal; else something that shows nothing.

    ``stream`` is where results go, None for a file; ``lines`` the console by which they do, if they are
    for people. ``ahead`` finds the files once more, for a thread that counts them: what is left is told
    only when that is known.
    """
    together = stream is not None and sys.stderr.isatty() and _render.share_terminal(stream)
    # A bar would break lines that are meant for a program, where both go to one terminal.
    if not sys.stderr.isatty() or (together and lines is None):
        yield RunProgress(None, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        BarColumn(),
        TextColumn("{task.fields[files]}"),
        TextColumn("{task.fields[decided]}"),
        TextColumn("{task.fields[moved]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
        # On one terminal the results must go through the bar's console, to appear above it.
        console=lines if lines is not None and together else Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    stop = Event()
    with bar:
        shown = RunProgress(bar, bar.add_task("", total=None, files="0 files", decided="", moved=""))
        if ahead is not None:
            Thread(target=_count, args=(ahead, shown, stop), daemon=True).start()
        try:
            yield shown
        finally:
            stop.set()


class RunProgress:
    """Shows what a run came to so far."""

    def __init__(self, bar: Progress | None, task: TaskID | None) -> None:
        self._bar = bar
        self._task = task
        self._started = monotonic()
        self._total: int | None = None
        #: Candidates that were done when this was shown first.
        self._before: int | None = None
        self._bytes = 0

    @property
    def is_shown(self) -> bool:
        return self._bar is not None

    def watch(self, outcomes: Iterator[Outcome]) -> Generator[Outcome, None, None]:
        """``outcomes`` again; large files that this process reads meanwhile are told."""
        while True:
            self._bytes = 0
            with watching(self._moved):
                outcome = next(outcomes, None)
            if outcome is None:
                return
            yield outcome

    def show(self, tally: Tally, candidates: int) -> None:
        """So many ``candidates`` are done, and came to ``tally``."""
        if self._bar is None or self._task is None:
            return
        if self._before is None:
            self._before = candidates
        rate = (candidates - self._before) / max(monotonic() - self._started, 0.001)
        of = "" if self._total is None else f" of {self._total:,}"
        self._bar.update(
            self._task,
            completed=candidates,
            total=self._total,
            files=f"{candidates:,}{of} files, {rate:,.0f}/s",
            decided=decisions(tally.decisions).markup,
            moved="",
        )

    def expect(self, total: int) -> None:
        """There are so many candidates in all."""
        self._total = total

    def _moved(self, length: int) -> None:
        self._bytes += length
        if self._bar is not None and self._task is not None and self._bytes >= _render.LARGE_FILE:
            self._bar.update(self._task, moved=f"{self._bytes / 2**30:.1f} GiB worked through")


def _count(ahead: Callable[[], Iterator[object]], shown: RunProgress, stop: Event) -> None:
    total = 0
    for _ in ahead():
        total += 1
        if total % _STEP == 0 and stop.is_set():
            return
    shown.expect(total)
