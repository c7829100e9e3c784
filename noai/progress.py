"""How far the work on large files is: whoever wants to show it watches the bytes that are read and moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

Watcher = Callable[[int], None]

_watcher: Final[ContextVar[Watcher | None]] = ContextVar("noai_progress", default=None)


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
