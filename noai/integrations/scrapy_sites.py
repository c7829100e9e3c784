"""What sites say of what Scrapy brought: headers, those of redirections included, and documents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import urldefrag, urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.defer import ensure_awaitable

from noai import http
from noai.errors import SourceError
from noai.integrations.downloads import document

#: What a site says to everybody, beside the headers of each answer.
_ROBOTS: Final = "/robots.txt"
_TDMREP: Final = "/.well-known/tdmrep.json"
#: Flags of answers that were cut off, or may have been: what is missing may have said anything.
_CUT: Final = frozenset({"dataloss", "download_stopped", "partial"})
_EVERY_STATUS: Final = "handle_httpstatus_all"
_Said = TypeVar("_Said")


def is_whole(response: Response) -> bool:
    """Whether all came that the site has, as far as anybody can tell."""
    if not _CUT.isdisjoint(response.flags):
        return False
    told = response.headers.get("Content-Length")
    if told is None:
        # Scrapy's cache forgets the flags.
        return "cached" not in response.flags
    # Of what was decoded on its way, which nobody asked for, the end may be missing.
    return told.strip() == str(len(response.body)).encode()


@dataclass(frozen=True)
class Exchange:
    """What was asked for, and what answered."""

    request: Request
    response: Response

    def require_nothing_between(self) -> None:
        """
        Raises:
            SourceError: if other answers came first: somebody followed a redirection out of sight.
        """
        answered = self.response.request
        times = [each.meta.get("redirect_times", 0) for each in (self.request, answered or self.request)]
        asked, url = self.request.url, self.response.url
        is_another = _is_http(asked) and urldefrag(asked)[0] != urldefrag(url)[0]
        if is_another or len({*times}) > 1:
            raise SourceError(f"{url}: came by a redirection of which nobody has the headers")


@dataclass
class Sites:
    """What the sites of one crawl say; each document is fetched once."""

    crawler: Crawler
    #: Whether they are asked for robots.txt and tdmrep.json.
    are_asked: bool
    _documents: dict[str, asyncio.Future[http.Document]] = field(default_factory=dict)

    async def followed(self, response: Response, request: Request) -> list[Exchange]:
        """What came, up to the answer behind all redirections, which are followed as Scrapy does it."""
        come = [Exchange(request, response)]
        follow = self.crawler.get_downloader_middleware(RedirectMiddleware)
        while follow is not None:
            last = come[-1]
            meta = {name: value for name, value in last.request.meta.items() if name != _EVERY_STATUS}
            answer = follow.process_response(last.request.replace(meta=meta), last.response)
            following = await ensure_awaitable(answer)
            if not isinstance(following, Request):
                break
            following.meta[_EVERY_STATUS] = True
            come.append(Exchange(following, await self._download(following)))
        return come

    async def say(self, come: Sequence[Exchange]) -> http.HttpSignals:
        """What is said of the last of the answers that came, by all of them and their sites.

        Raises:
            SourceError: where there were others between, whose headers nobody has.
        """
        for each in come:
            each.require_nothing_between()
        agent = self._agent(come[0].request)
        said = [await self._say(each.response, agent) for each in come]
        findings = _once([finding for one in said for finding in one.findings])
        return http.HttpSignals(findings, _once([note for one in said for note in one.notes]))

    async def _say(self, answer: Response, agent: str) -> http.HttpSignals:
        if not _is_http(answer.url):
            return http.HttpSignals()
        robots = tdmrep = None
        if self.are_asked:
            robots, tdmrep = [await self._document(answer.url, path) for path in (_ROBOTS, _TDMREP)]
        headers = [(name, value) for name, values in answer.headers.items() for value in values]
        return http.signals(answer.url, headers, robots_txt=robots, tdmrep=tdmrep, user_agent=agent)

    async def _document(self, url: str, path: str) -> http.Document:
        address = urlsplit(url)._replace(path=path, query="", fragment="").geturl()
        if address not in self._documents:
            self._documents[address] = asyncio.ensure_future(self._fetched(address))
        return await asyncio.shield(self._documents[address])

    async def _fetched(self, address: str) -> http.Document:
        # The engine fetches it as it fetches files: at the site's pace, redirected and tried again.
        meta = {"dont_obey_robotstxt": True, "allow_offsite": True, "dont_cache": True}
        request = Request(
            address,
            headers={"Accept-Encoding": "identity"},
            meta=meta,
            callback=NO_CALLBACK,
            priority=1000,
        )
        try:
            response = await self._download(request)
        except Exception:  # noqa: BLE001  whatever the network, and other people's middleware, raise
            return http.UNREADABLE
        if response.status == 200 and ("Content-Encoding" in response.headers or not is_whole(response)):
            return http.UNREADABLE
        return document(response.status, response.body)

    async def _download(self, request: Request) -> Response:
        assert self.crawler.engine is not None
        return await self.crawler.engine.download_async(request)

    def _agent(self, request: Request) -> str:
        settings = self.crawler.settings
        sent = request.headers.get("User-Agent")
        named = settings.get("ROBOTSTXT_USER_AGENT") or (sent.decode("latin-1") if sent else None)
        return str(named or settings.get("USER_AGENT") or "*")


def _is_http(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")


def _once(said: Sequence[_Said]) -> tuple[_Said, ...]:
    """Without what was said before: one robots.txt speaks for all that its site answered."""
    return tuple(each for number, each in enumerate(said) if each not in said[:number])
