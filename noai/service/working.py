"""Work on uploads: in turn, in threads, and no longer than somebody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from math import inf
from time import monotonic
from typing import Any, Final, TypeVar

from starlette.requests import Request

from noai import progress
from noai.errors import SourceError
from noai.service.problems import Problem, gone, stopping

#: What the names of the threads begin with.
THREADS: Final = "noai-upload"

_T = TypeVar("_T")


class Switch:
    """Whether the work on one upload may go on; it is asked before each read."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = inf
        #: Why it may not; None as long as it may.
        self.over: str | None = None

    def run(self, work: Callable[[Switch], _T]) -> _T:
        """What ``work`` comes to. The time for it begins now."""
        self._end = monotonic() + self._seconds
        with progress.asking(self.ask):
            return work(self)

    def stop(self) -> None:
        """Let the next read fail: nobody waits for the work any more."""
        self.over = self.over or "reading was given up, since nobody waits for it"

    def ask(self) -> None:
        """
        Raises:
            SourceError: if the work may not go on.
        """
        if self.over is None and monotonic() > self._end:
            self.over = f"working on it took more than {self._seconds:g} s, and was given up"
        if self.over is not None:
            raise SourceError(self.over)


class Workers:
    """Threads that work on uploads, each for so many seconds at most."""

    def __init__(self, number: int, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(number, THREADS)
        self._seconds = seconds

    async def do(self, request: Request, work: Callable[[Switch], _T]) -> _T:
        """What ``work`` comes to, when a thread is free; it ends early if the client goes away.

        When this returns or raises, nothing is at work any more, so that its files may go.

        Raises:
            Problem: if the client went away, or the service stops and waits no longer.
        """
        switch = Switch(self._seconds)
        job: Future[_T] = self._pool.submit(switch.run, work)
        ended = asyncio.wrap_future(job)
        left = asyncio.ensure_future(_left(request))
        first: set[asyncio.Future[Any]] = {ended, left}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                raise await _given_up(switch, job, ended, gone())
        except asyncio.CancelledError:
            raise await _given_up(switch, job, ended, stopping()) from None
        finally:
            left.cancel()
        if ended.cancelled():
            raise stopping()
        return ended.result()

    def close(self) -> None:
        """Begin nothing any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


async def _given_up(switch: Switch, job: Future[_T], ended: asyncio.Future[_T], why: Problem) -> Problem:
    switch.stop()
    job.cancel()
    await asyncio.wait({ended})
    if not ended.cancelled():
        ended.exception()  # asyncio tells of those that nobody looked at
    return why


async def _left(request: Request) -> None:
    """Wait until the client goes away. All of the request was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
