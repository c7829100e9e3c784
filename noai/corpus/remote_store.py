"""Where ranges of objects elsewhere come from: what a store is, and when to ask it again.

A store (:class:`Store`) asks for explicit ranges only: a suffix range (the last so many bytes) is answered
wrongly by some servers. Its first answer tells the size, so that nothing else has to be asked; every later
one must be about the same version of the object.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from noai.errors import SourceError
from noai.limits import REMOTE_ATTEMPTS, REMOTE_REQUEST_SECONDS, REMOTE_RETRY_AFTER_SECONDS

_T = TypeVar("_T")


class Transient(SourceError):
    """An answer that may be another one the next time, after so many seconds if the server says so."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


@dataclass
class RemoteStats:
    """What reading objects elsewhere has cost so far."""

    #: Objects of which the first bytes came.
    objects: int = 0
    #: Questions asked about objects and their sidecars: repeated and redirected ones count again.
    requests: int = 0
    #: Bytes of bodies that came, those that were thrown away included.
    bytes: int = 0
    #: How often a question was asked again.
    retries: int = 0
    #: Pages of listings.
    listings: int = 0


class Version(NamedTuple):
    """What the first answer says of the object, for later answers to be held against."""

    total: int
    #: None where the server gives none.
    etag: str | None
    mtime_ns: int | None
    #: Where it was in the end, after redirections.
    url: str

    @property
    def condition(self) -> str | None:
        """What If-Match is sent with. A weak tag matches nothing there; it is compared in the answer."""
        return self.etag if self.etag is not None and self.etag.startswith('"') else None

    def same(self, other: Version) -> bool:
        """Whether both are of one and the same content, as far as the server tells."""
        by_time = self.etag is not None or self.mtime_ns == other.mtime_ns
        return self.total == other.total and self.etag == other.etag and by_time


class Part(NamedTuple):
    """Bytes of an object, from where they were asked for; fewer than that only at its end."""

    data: bytes
    version: Version
    #: Bytes that came in front of them because the server sends no ranges.
    skipped: int = 0


class Page(NamedTuple):
    """Names in one page of a listing, and what the next one is asked for with, None at the end."""

    keys: list[str]
    next: str | None


class Store(Protocol):
    """Objects of one scheme. All methods are called in one event loop.

    What they raise is a :class:`SourceError` by cause; :class:`Transient` where it is worth asking again,
    which is for the caller to do. They never return fewer bytes than :class:`Part` says.
    """

    async def get(self, url: str, start: int, end: int, pin: Version | None = None) -> Part:
        """The bytes of ``url`` from ``start`` up to ``end``, of the version ``pin`` if it is given.

        Raises:
            SourceChanged: if the object is another one by now.
            SourceError: by cause, if it cannot be had.
        """

    async def page(self, url: str, token: str | None) -> Page:
        """The names below ``url``, in order; the first page, or the one that ``token`` stands for.

        Raises:
            SourceError: by cause, if it cannot be had.
        """

    async def close(self) -> None:
        """Close all connections."""


@dataclass(frozen=True)
class Patience:
    """How often a question is asked, and how many seconds are waited: in between, and for an answer."""

    attempts: int = REMOTE_ATTEMPTS
    #: Before the second attempt, at most; doubled for each later one, up to ``most``.
    first: float = 0.25
    most: float = 20.0
    answer: float = REMOTE_REQUEST_SECONDS

    async def ask(self, question: Callable[[], Awaitable[_T]], stats: RemoteStats, what: str) -> _T:
        """The answer to ``question``, asked again after a while where that may help.

        Raises:
            SourceError: by cause, if there is none.
        """
        attempt = 0
        while True:
            try:
                return await asyncio.wait_for(question(), self.answer)
            except asyncio.TimeoutError:
                failure = Transient(f"{what}: no answer within {self.answer:g} seconds")
            except Transient as error:
                failure = error
            attempt += 1
            after = failure.after or 0.0
            if attempt >= self.attempts or after > REMOTE_RETRY_AFTER_SECONDS:
                raise failure
            stats.retries += 1
            # Spread at random: those whom one server sent away together would come back together.
            await asyncio.sleep(after + random.uniform(0, min(self.most, self.first * 2**attempt)))
