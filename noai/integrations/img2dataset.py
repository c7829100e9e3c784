"""img2dataset without what a site or a file reserves: :func:`download` (``noai[img2dataset]``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from http.client import HTTPException
from importlib import import_module
from io import BytesIO
from threading import Lock
from typing import IO, Any, TypedDict
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import Request, build_opener

from img2dataset import downloader

from noai.http.interface import Document
from noai.integrations.downloads import DownloadGate, Redirections, document
from noai.integrations.gate import why

#: Of robots.txt and ``tdmrep.json``: more than noai reads of either.
_DOCUMENT_BYTES = 8 * 1024 * 1024
_SITES = 10_000
#: In the package, ``main`` is a function.
_main = import_module("img2dataset.main")
#: For as long as another object stands in the package's place, nobody else may put or take one there.
_downloading, _fetching = Lock(), Lock()


def download(*arguments: Any, gate: DownloadGate | None = None, **options: Any) -> None:
    """``img2dataset.download``, with everything judged before it is handed on: what the site says of it in
    headers, robots.txt and ``tdmrep.json``, and what stands in it. Its own check of headers stays.

    What is not admitted has the status ``failed_to_download`` and the reason as its ``error_message``. Files
    keep their bytes with ``disable_all_reencoding=True`` alone. The gate's ``user_agent`` is sent; where that
    is nobody's, the option ``user_agent_token`` or ``img2dataset`` is, and sites are asked about it. One call
    at a time; others wait.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """
    gated = partial(GatedDownloader, gate=gate or DownloadGate())
    with _downloading, _replaced(_main, "Downloader", gated):
        _main.download(*arguments, **options)


@contextmanager
def _replaced(module: Any, name: str, value: object) -> Iterator[None]:
    original = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, original)


class GatedDownloader(downloader.Downloader):  # type: ignore[misc]
    """img2dataset's downloader with another way to fetch, which its workers take along."""

    def __init__(self, *arguments: Any, gate: DownloadGate, **options: Any) -> None:
        super().__init__(*arguments, **options)
        anonymous = gate.user_agent.strip() == "*"
        name = self.user_agent_token or "img2dataset"
        self.gate = replace(gate, user_agent=name) if anonymous else gate

    def __call__(self, row: Any) -> Any:
        with _fetching, _replaced(downloader, "download_image_with_retry", _Fetcher(self.gate)):
            return super().__call__(row)


class _Documents(TypedDict):
    robots_txt: Document
    tdmrep: Document


_Fetched = tuple[Any, "IO[bytes] | None", "str | None"]


class _Fetcher:
    """In place of the function that fetches, for one shard: of the next one, sites are asked anew."""

    def __init__(self, gate: DownloadGate) -> None:
        self._gate = gate
        self._documents = lru_cache(_SITES)(self._documents_of)

    def __call__(self, row: tuple[Any, str], *, retries: int, timeout: float, **options: Any) -> _Fetched:
        """The key, and the body or why there is none."""
        key, url = row
        failure = ""
        for _ in range(retries + 1):
            try:
                return self._fetch(key, url, timeout, **options)
            except Exception as error:  # noqa: BLE001  one address must not take the others of its shard with it
                failure = str(error) or type(error).__name__
        return key, None, failure

    def _fetch(
        self,
        key: Any,
        url: str,
        timeout: float,
        *,
        user_agent_token: str | None,
        disallowed_header_directives: set[str] | None,
    ) -> _Fetched:
        gate, redirections = self._gate, Redirections()
        with build_opener(redirections).open(self._request(url), timeout=timeout) as answer:
            own = disallowed_header_directives
            if own and downloader.is_disallowed(answer.headers, user_agent_token, own):
                return key, None, "Use of image disallowed by X-Robots-Tag directive"
            documents = self._documents(urljoin(answer.url, "/"), timeout)
            asked = partial(gate.verdict, answer.url, answer.headers, **documents)
            redirected = [
                gate.said(passed, headers, **self._documents(urljoin(passed, "/"), timeout))
                for passed, headers in redirections.passed
            ]
            if gate.refuses(*redirected, gate.said(answer.url, answer.headers, **documents)):
                return key, None, why(asked(redirected=redirected))
            body = answer.read()
        verdict = asked(body, redirected=redirected)
        return (key, BytesIO(body), None) if verdict.admitted else (key, None, why(verdict))

    def _documents_of(self, site: str, timeout: float) -> _Documents:
        return {
            "robots_txt": self._document(urljoin(site, "robots.txt"), timeout),
            "tdmrep": self._document(urljoin(site, ".well-known/tdmrep.json"), timeout),
        }

    def _document(self, url: str, timeout: float) -> Document:
        try:
            with build_opener().open(self._request(url), timeout=timeout) as answer:
                body = answer.read(_DOCUMENT_BYTES)
                # Of an answer that breaks off, a bounded read says nothing.
                is_whole = len(body) == _DOCUMENT_BYTES or not answer.length
                return document(answer.status if is_whole else None, body)
        except HTTPError as error:
            with error:
                return document(error.code)
        except (OSError, ValueError, HTTPException):
            return document(None)

    def _request(self, url: str) -> Request:
        return Request(url, headers={"User-Agent": self._gate.user_agent})
