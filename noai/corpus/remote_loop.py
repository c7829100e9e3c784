"""The event loop that reads elsewhere, in a thread of its own, and the stores that it reads from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, TypeVar

from noai.corpus.remote_http import HttpStore
from noai.corpus.remote_source import RemoteSource
from noai.corpus.remote_store import Page, Part, Patience, RemoteStats, Store
from noai.corpus.remote_urls import GS, S3, require_readable, scheme_of, shown
from noai.errors import SourceError

_T = TypeVar("_T")

_STOPPED: Final = "the reading was stopped"


class Elsewhere:
    """Objects elsewhere, read by one event loop; a context that closes all connections.

    Its methods are coroutines for the loop, but for :meth:`begin`, :meth:`call` and :meth:`close`, which
    are for other threads.
    """

    def __init__(
        self,
        *,
        concurrency: int = 64,
        unsafe_http: bool = False,
        patience: Patience | None = None,
        stats: RemoteStats | None = None,
    ) -> None:
        self.stats = stats if stats is not None else RemoteStats()
        self.concurrency = concurrency
        self._unsafe_http = unsafe_http
        self._patience = patience or Patience()
        self._stores: dict[str, Store] = {}
        self._lock = threading.Lock()
        self._open = True
        self._loop = asyncio.new_event_loop()
        # A daemon: whoever lets go of this without closing it must still be able to end.
        self._thread = threading.Thread(target=self._run, name="noai-remote", daemon=True)
        self._thread.start()

    def __enter__(self) -> Elsewhere:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- for other threads ------------------------------------------------------------------

    def begin(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> Future[_T]:
        """Have the loop do ``work``.

        Raises:
            SourceError: if it was closed.
        """
        with self._lock:
            if not self._open:
                raise SourceError(_STOPPED)
            return asyncio.run_coroutine_threadsafe(work(), self._loop)

    def call(self, question: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """What ``question`` comes to.

        Raises:
            SourceError: if this was closed meanwhile; and what ``question`` raises.
        """
        try:
            return self.begin(question).result()
        except CancelledError:
            raise SourceError(_STOPPED) from None

    def close(self) -> None:
        """Give up what is under way, and close all connections. Once is enough, more does no harm."""
        with self._lock:
            if not self._open:
                return
            self._open = False
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            for store in self._stores.values():
                with suppress(OSError):
                    self._loop.run_until_complete(store.close())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()

    # -- in the loop ------------------------------------------------------------------------

    async def open(self, url: str) -> RemoteSource:
        """The object at ``url``.

        Raises:
            SourceError: by cause, if its first bytes cannot be had.
            UsageError: if the packages that read such objects are not installed.
        """
        require_readable(url, unsafe_http=self._unsafe_http)
        return await RemoteSource.open(url, self, self.store(url), self._patience, self.stats)

    async def get(self, url: str, end: int) -> Part:
        """The first bytes of the object at ``url``, up to ``end``.

        Raises:
            SourceError, UsageError: as :meth:`open` does.
        """
        require_readable(url, unsafe_http=self._unsafe_http)
        store = self.store(url)
        return await self._patience.ask(lambda: store.get(url, 0, end), self.stats, shown(url))

    async def page(self, url: str, token: str | None) -> Page:
        """The names below ``url``: the first page of them, or the one that ``token`` stands for.

        Raises:
            SourceError, UsageError: as :meth:`open` does.
        """
        require_readable(url, unsafe_http=self._unsafe_http)
        store = self.store(url)
        return await self._patience.ask(lambda: store.page(url, token), self.stats, shown(url))

    def store(self, url: str) -> Store:
        """The store that knows ``url``; made when it is first needed."""
        scheme = scheme_of(url)
        kind = scheme if scheme in (S3, GS) else ""
        if kind not in self._stores:
            self._stores[kind] = self._made(kind)
        return self._stores[kind]

    def _made(self, kind: str) -> Store:
        if kind == S3:
            from noai.corpus.remote_s3 import S3Store

            return S3Store(self.stats, self.concurrency)
        if kind == GS:
            from noai.corpus.remote_gs import GsStore

            return GsStore(self.stats, self.concurrency)
        return HttpStore(self.stats, self.concurrency, unsafe_http=self._unsafe_http)
