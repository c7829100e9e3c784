"""How far the work on large files is, and whether it may go on.

Whoever wants to show it watches the bytes that are read and moved; whoever wants to end it is asked before
each read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

Watcher = Callable[[int], None]
Question = Callable[[], None]

_watcher: Final[ContextVar[Watcher | None]] = ContextVar("noai_progress", default=None)
_question: Final[ContextVar[Question | None]] = ContextVar("noai_question", default=None)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Call ``watcher`` with the number of bytes after each large read or move in this context.

    Marking reads a file several times, so the sum is larger than the file.
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def moved(length: int) -> None:
    """Tell whoever watches that ``length`` more bytes were read or moved."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(length)


@contextmanager
def asking(question: Question) -> Iterator[None]:
    """Call ``question`` before each read of a source in this context. What it raises ends the work.

    That has to be a :class:`noai.errors.SourceError`, which is what a read raises that fails.
    """
    token = _question.set(question)
    try:
        yield
    finally:
        _question.reset(token)


def may_go_on() -> None:
    """Ask whoever wants to be asked before a read."""
    question = _question.get()
    if question is not None:
        question()
