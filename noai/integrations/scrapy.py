"""Scrapy: files are judged before they are stored, together with what their site says (``noai[scrapy]``).

:class:`NoaiFilesPipeline` stands in place of Scrapy's ``FilesPipeline``; :class:`Admitted` goes in front of
one of your own.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.pipelines.files import FilesPipeline
from scrapy.pipelines.media import MediaPipeline
from scrapy.settings import BaseSettings
from scrapy.utils.asyncio import is_asyncio_available, run_in_thread
from scrapy.utils.defer import ensure_awaitable

from noai import http
from noai.claim import TRAINING_USES
from noai.codes import Code
from noai.errors import UsageError
from noai.integrations.gate import Gate, why
from noai.policy import Admission
from noai.report import Depth
from noai.verdict import Verdict

#: What a site says to everybody, beside the headers of each answer.
_ROBOTS: Final = "/robots.txt"
_TDMREP: Final = "/.well-known/tdmrep.json"
#: Flags of answers that were cut off: what is missing may have said anything.
_CUT: Final = frozenset({"dataloss", "download_stopped"})

_log: Final = logging.getLogger(__name__)


class Admitted(MediaPipeline):
    """What goes in front of a ``FilesPipeline`` of your own: ``class Mine(Admitted, TheirPipeline)``.

    Settings: ``NOAI_POLICY`` (``opt-out``, ``opt-in``), ``NOAI_USES`` (a list), ``NOAI_DEPTH``; or all in
    one, ``NOAI_GATE``, a :class:`Gate`. ``NOAI_SITE_FILES`` False leaves out robots.txt and tdmrep.json.

    Every file is fetched and judged in every crawl: what is in the store from an earlier one may have been
    put there under another policy, or while its site said something else.

    Raises:
        UsageError: for settings that mean nothing, or a class that goes around the check.
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.media_to_download is not Admitted.media_to_download:
            raise UsageError(f"{cls.__name__}: Admitted goes in front, and nothing may stand in for a check")

    def __init__(self, *args: Any, crawler: Crawler, **options: Any) -> None:
        super().__init__(*args, crawler=crawler, **options)
        if not is_asyncio_available():
            raise UsageError("noai needs Scrapy's asyncio reactor, which is its default")
        self.gate = gate_of(crawler.settings)
        self._asks_sites = crawler.settings.getbool("NOAI_SITE_FILES", True)
        self._documents: dict[str, asyncio.Future[http.Document]] = {}

    def media_to_download(self, request: Request, info: Any, *, item: Any = None) -> None:
        """Nothing in the store counts as up to date."""

    async def media_downloaded(
        self, response: Response, request: Request, info: Any, *, item: Any = None
    ) -> Any:
        """Store what is admitted; anything else is a filtered request to Scrapy."""
        if response.status < 300:
            verdict = await self.verdict(response, request)
            self._count(verdict)
            if not verdict.admitted:
                self.refused(verdict, request, item)
                raise IgnoreRequest(why(verdict))
        store: Any = super()
        return await ensure_awaitable(store.media_downloaded(response, request, info, item=item))

    def refused(self, verdict: Verdict, request: Request, item: Any) -> None:
        """Told of each file that is not stored; logs it. Override it to keep records."""
        _log.info("not stored: %s: %s", request.url, why(verdict))

    async def verdict(self, response: Response, request: Request) -> Verdict:
        """The verdict on what came, and on what its site says of it."""
        if not _CUT.isdisjoint(response.flags):
            return self.gate.undecided("it did not come to its end", Code.SOURCE_CHANGED, name=response.url)
        try:
            said = await self._said(response, request)
        except Exception as error:  # noqa: BLE001  what a site says and cannot be heard must not admit
            return self.gate.failed(error, name=response.url)
        return await run_in_thread(_judged, self.gate, response.body, response.url, said)

    async def _said(self, response: Response, request: Request) -> http.HttpSignals:
        if urlsplit(response.url).scheme not in ("http", "https"):
            return http.HttpSignals()
        agent = self.crawler.settings.get("ROBOTSTXT_USER_AGENT") or _agent(request, self.crawler)
        robots = tdmrep = None
        if self._asks_sites:
            robots, tdmrep = [await self._document(response.url, path) for path in (_ROBOTS, _TDMREP)]
        headers = [(name, value) for name, values in response.headers.items() for value in values]
        return http.signals(response.url, headers, robots_txt=robots, tdmrep=tdmrep, user_agent=agent)

    async def _document(self, url: str, path: str) -> http.Document:
        """A document of the site of ``url``, fetched once a crawl."""
        address = urlsplit(url)._replace(path=path, query="", fragment="").geturl()
        if address not in self._documents:
            self._documents[address] = asyncio.ensure_future(self._fetched(address))
        return await asyncio.shield(self._documents[address])

    async def _fetched(self, address: str) -> http.Document:
        # The engine fetches it as it fetches files: at the site's pace, redirected and tried again.
        meta = {"dont_obey_robotstxt": True, "allow_offsite": True}
        try:
            assert self.crawler.engine is not None
            request = Request(address, meta=meta, callback=NO_CALLBACK, priority=1000)
            response = await self.crawler.engine.download_async(request)
        except Exception:  # noqa: BLE001  whatever the network, and other people's middleware, raise
            return http.UNREADABLE
        if response.status == 200:
            return response.body
        return None if 400 <= response.status < 500 and response.status != 429 else http.UNREADABLE

    def _count(self, verdict: Verdict) -> None:
        stats = self.crawler.stats
        if stats is not None:
            stats.inc_value("noai/admitted" if verdict.admitted else "noai/refused")
            stats.inc_value(f"noai/decision/{verdict.decision}")


class NoaiFilesPipeline(Admitted, FilesPipeline):
    """Scrapy's ``FilesPipeline`` that stores what is admitted, and nothing else."""


def gate_of(settings: BaseSettings) -> Gate:
    """The gate that a crawl's settings ask for.

    Raises:
        UsageError: for settings that mean nothing.
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """
    gate = settings.get("NOAI_GATE")
    if gate is not None:
        if not isinstance(gate, Gate):
            raise UsageError("the setting NOAI_GATE is a noai.integrations.gate.Gate")
        return gate
    return Gate.in_words(
        settings.get("NOAI_POLICY", Admission.OPT_OUT.value),
        settings.getlist("NOAI_USES", list(TRAINING_USES)),
        settings.get("NOAI_DEPTH", Depth.DECISION.value),
    )


def _agent(request: Request, crawler: Crawler) -> str:
    sent = request.headers.get("User-Agent")
    return sent.decode("latin-1") if sent else str(crawler.settings.get("USER_AGENT") or "*")


def _judged(gate: Gate, body: bytes, url: str, said: http.HttpSignals) -> Verdict:
    verdict = gate.verdict(body, name=url)
    try:
        return gate.verifier.policy.decide(said.merged(verdict.report))
    except Exception as error:  # noqa: BLE001  as the gate does: a crash is undecided
        return gate.failed(error, name=url)
