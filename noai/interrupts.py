"""Ctrl-C around native code that calls back into Python."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupt_deferred() -> Iterator[None]:
    """Ctrl-C waits until the native library has returned.

    An exception cannot cross a native callback: it would be dropped, and the interruption with it, or
    end the process.
    """
    answer = signal.getsignal(signal.SIGINT)
    # Python runs signal handlers in the main thread alone, and only there may they be set.
    if threading.current_thread() is not threading.main_thread() or not callable(answer):
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: caught.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, answer)
        if caught:
            answer(*caught[0])
