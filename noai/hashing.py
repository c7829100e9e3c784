"""Hashing in a thread of its own, while the bytes are looked at in another.

hashlib lets go of the interpreter's lock, so that a second processor can hash what the first one searches,
or hash it for another purpose. Each thread reads for itself: from the page cache that costs a tenth of what
hashing does, and less than to move the bytes from one processor's cache to the other's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import BoundedSemaphore, Thread
from typing import Final, Generic, Protocol, TypeVar

from noai.errors import SourceError
from noai.limits import FEED_READ, HASH_ALONE, HASH_THREADS, SCAN_READ
from noai.sources import ByteSource, chunks, is_shareable, read_exactly

_T = TypeVar("_T")

#: A program that verifies in many threads of its own gets no more than these.
_THREADS: Final = BoundedSemaphore(HASH_THREADS)


class Hash(Protocol):
    """What hashlib makes."""

    def update(self, data: bytes, /) -> None: ...


@contextmanager
def alongside(digest: Hash, source: ByteSource, start: int, end: int) -> Iterator[Iterator[bytes]]:
    """The bytes from ``start`` up to ``end``, block by block, to look at while ``digest`` takes them in.

    It has taken in all of them when the context is left, however many blocks were looked at.

    Raises:
        SourceError: if the bytes cannot be had.
    """
    job = None
    if end - start >= HASH_ALONE:
        job = Ahead.begin(source, lambda shared: _feed(digest, shared, start, end))
    if job is None:
        blocks = _fed(digest, source, start, end)
        yield blocks
        for _ in blocks:
            pass
        return
    try:
        yield chunks(source, start, end, SCAN_READ)
    except BaseException:
        job.stop()
        raise
    job.result()


def _fed(digest: Hash, source: ByteSource, start: int, end: int) -> Iterator[bytes]:
    for block in chunks(source, start, end):
        digest.update(block)
        yield block


def _feed(digest: Hash, source: ByteSource, start: int, end: int) -> None:
    while start < end:
        data = read_exactly(source, start, min(FEED_READ, end - start))
        digest.update(data)
        start += len(data)


class Ahead(Generic[_T]):
    """Work on a source that was begun in a thread. It ends before the source does: see :meth:`stop`."""

    def __init__(self, source: ByteSource, work: Callable[[ByteSource], _T]) -> None:
        self._source = _Stoppable(source)
        self._work = work
        self._done: list[_T] = []
        self._error: BaseException | None = None
        # In the caller's context, for whoever watches its progress.
        self._thread = Thread(target=copy_context().run, args=(self._run,), name="noai")

    @classmethod
    def begin(cls, source: ByteSource, work: Callable[[ByteSource], _T]) -> Ahead[_T] | None:
        """Begin ``work`` on ``source``; None where the caller has to do it, one thing after the other.

        ``source`` cannot be read by two at a time, then, or there are threads enough.
        """
        if not is_shareable(source) or not _THREADS.acquire(blocking=False):
            return None
        begun = cls(source, work)
        try:
            begun._thread.start()
        except RuntimeError:
            # The system allows no more threads, or the interpreter is about to end.
            _THREADS.release()
            return None
        return begun

    def result(self) -> _T:
        """What the work came to, waited for. Raises what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._done[0]

    def stop(self) -> None:
        """End it at its next read, and wait for that."""
        self._source.stopped = True
        self._thread.join()

    def _run(self) -> None:
        try:
            self._done.append(self._work(self._source))
        except BaseException as error:  # noqa: BLE001 - raised again by result(), where somebody can answer
            self._error = error
        finally:
            _THREADS.release()


class _Stoppable:
    """A source until nobody waits any more for what is read from it."""

    is_shareable = True

    def __init__(self, source: ByteSource) -> None:
        self.size = source.size
        self.stopped = False
        self._source = source

    def read_at(self, offset: int, length: int) -> bytes:
        if self.stopped:
            raise SourceError("reading was given up")
        return self._source.read_at(offset, length)


def sha256(source: ByteSource) -> bytes:
    """The SHA-256 of all bytes of ``source``.

    Raises:
        SourceError: if they cannot be had.
    """
    digest = hashlib.sha256()
    for block in chunks(source, 0, source.size):
        digest.update(block)
    return digest.digest()
