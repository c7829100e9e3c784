"""Scrapy: files are judged before they are stored, together with what their site says (``noai[scrapy]``).

:class:`NoaiFilesPipeline` stands in place of Scrapy's ``FilesPipeline``; :class:`Admitted` goes in front of
one of your own.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.pipelines.files import FilesPipeline
from scrapy.pipelines.media import FileException, MediaPipeline
from scrapy.settings import BaseSettings
from scrapy.utils.asyncio import is_asyncio_available, run_in_thread
from scrapy.utils.defer import ensure_awaitable

from noai import http
from noai.claim import TRAINING_USES
from noai.codes import Code
from noai.errors import UsageError
from noai.integrations.gate import Gate, why
from noai.integrations.scrapy_sites import Exchange, Sites, is_whole
from noai.policy import Admission
from noai.report import Depth
from noai.verdict import Verdict

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
        is_asked = cls.media_downloaded is Admitted.media_downloaded
        if not is_asked or cls.media_to_download is not Admitted.media_to_download:
            raise UsageError(f"{cls.__name__}: Admitted goes in front, and nothing may stand in for a check")

    def __init__(self, *args: Any, crawler: Crawler, **options: Any) -> None:
        super().__init__(*args, crawler=crawler, **options)
        if not is_asyncio_available():
            raise UsageError("noai needs Scrapy's asyncio reactor, which is its default")
        self.gate = gate_of(crawler.settings)
        self._sites = Sites(crawler, crawler.settings.getbool("NOAI_SITE_FILES", True))
        # Redirections come here as well, and are followed here: their headers count.
        self.handle_httpstatus_list = None

    def media_to_download(self, request: Request, info: Any, *, item: Any = None) -> None:
        """Nothing in the store counts as up to date."""
        # Scrapy does not tell where what it decodes was cut off.
        request.headers.setdefault("Accept-Encoding", "identity")

    async def media_downloaded(
        self, response: Response, request: Request, info: Any, *, item: Any = None
    ) -> Any:
        """Store what is admitted; anything else is a filtered request to Scrapy."""
        come = [Exchange(request, response)]
        if self.allow_redirects:
            come = await self._sites.followed(response, request)
            response = come[-1].response
        if response.status != 200:
            _log.warning("not stored: %s: status %d", request.url, response.status)
            raise FileException("download-error")
        verdict = await self.verdict(come)
        self._count(verdict)
        if not verdict.admitted:
            self.refused(verdict, request, item)
            raise IgnoreRequest(why(verdict))
        store: Any = super()
        return await ensure_awaitable(store.media_downloaded(response, request, info, item=item))

    def refused(self, verdict: Verdict, request: Request, item: Any) -> None:
        """Told of each file that is not stored; logs it. Override it to keep records."""
        _log.info("not stored: %s: %s", request.url, why(verdict))

    async def verdict(self, come: Sequence[Exchange]) -> Verdict:
        """The verdict on the last that came, and on what all that came and their sites say of it."""
        response = come[-1].response
        if not is_whole(response):
            message = "nobody knows whether it came to its end"
            return self.gate.undecided(message, Code.SOURCE_CHANGED, name=response.url)
        try:
            said = await self._sites.say(come)
        except Exception as error:  # noqa: BLE001  what a site says and cannot be heard must not admit
            return self.gate.failed(error, name=response.url)
        return await run_in_thread(_judged, self.gate, response.body, response.url, said)

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


def _judged(gate: Gate, body: bytes, url: str, said: http.HttpSignals) -> Verdict:
    verdict = gate.verdict(body, name=url)
    try:
        return gate.verifier.policy.decide(said.merged(verdict.report))
    except Exception as error:  # noqa: BLE001  as the gate does: a crash is undecided
        return gate.failed(error, name=url)
