"""Objects by HTTP: one request a range, with aiohttp.

fsspec's own HTTP file system reads ranges, too, but can neither send If-Match nor show the headers of an
answer, without which nobody knows which bytes came, and of what.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

from noai._version import __version__
from noai.corpus.remote_answers import Answer, date, empty, nanoseconds, receive, refusal
from noai.corpus.remote_store import Page, Part, RemoteStats, Transient, Version
from noai.corpus.remote_urls import HTTP, HTTPS, require_readable, shown
from noai.errors import SourceError, SourceForbidden, UsageError
from noai.hosts import is_loopback
from noai.limits import REMOTE_CONNECT_SECONDS, REMOTE_READ_SECONDS, REMOTE_REDIRECTS

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from yarl import URL

MISSING: Final = (
    "objects elsewhere are read with more packages; install them with: pip install 'noai[remote]'"
)
_REDIRECTIONS: Final = frozenset({301, 302, 303, 307, 308})
#: A body that something on the way packs or unpacks has other bytes than the object.
_UNSAFE: Final = frozenset(' "<>\\^`{|}') | frozenset(map(chr, (*range(32), 127)))
_AS_IT_IS: Final = {"Accept-Encoding": "identity", "User-Agent": f"noai/{__version__}"}


class HttpStore:
    """``https://``, and ``http://`` to this machine. Proxies and ``.netrc`` count as the environment says."""

    def __init__(self, stats: RemoteStats, concurrency: int, *, unsafe_http: bool = False) -> None:
        try:
            import aiohttp
        except ImportError:
            raise UsageError(MISSING) from None
        self._stats = stats
        self._unsafe_http = unsafe_http
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=REMOTE_CONNECT_SECONDS, sock_read=REMOTE_READ_SECONDS
            ),
            # One object's cookies are none of the next one's business.
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_AS_IT_IS,
            auto_decompress=False,
            trust_env=True,
        )

    async def get(self, url: str, start: int, end: int, pin: Version | None = None) -> Part:
        what = shown(url)
        self.allow(url)
        headers = {"Range": f"bytes={start}-{end - 1}"}
        if pin is not None and pin.condition is not None:
            headers["If-Match"] = pin.condition
        with translated(what):
            address = pin.url if pin is not None else await self.address(url)
            async with self.answered(address, headers, what) as (response, found):
                return await self._part(response, found, start, end, pin, what)

    async def page(self, url: str, token: str | None) -> Page:
        raise SourceError(f"{shown(url)}: a web server lists nothing that can be relied on; name its objects")

    async def close(self) -> None:
        await self._session.close()

    # -- what differs where HTTP carries another scheme ---------------------------------------

    def allow(self, url: str) -> None:
        """Refuse what is not to be asked for, as :func:`require_readable` does."""
        require_readable(url, unsafe_http=self._unsafe_http)

    async def address(self, url: str) -> str:
        """Where the bytes of ``url`` are asked for."""
        return url

    async def authorization(self, what: str) -> Mapping[str, str]:
        """Headers that say who asks; not for any other server that this one leads to."""
        return {}

    # -- one answer -------------------------------------------------------------------------

    @asynccontextmanager
    async def answered(
        self, address: str, headers: Mapping[str, str], what: str
    ) -> AsyncIterator[tuple[ClientResponse, str]]:
        """The answer at ``address`` or where it leads to, and where that is.

        Whatever is left of its body in the end is not waited for.

        Raises:
            SourceError: where it leads nowhere, or is not to be followed.
        """
        target, extra = _target(address), await self.authorization(what)
        for _ in range(REMOTE_REDIRECTS + 1):
            self._stats.requests += 1
            response = await self._session.get(target, headers={**headers, **extra}, allow_redirects=False)
            try:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTIONS or location is None:
                    yield response, str(target)
                    return
                followed = _followed(target, location, what)
            finally:
                # Closed with it, unless its body was read to the end.
                response.release()
            self._require_allowed(target, followed, what)
            if followed.origin() != target.origin():
                extra = {}
            target = followed
        raise SourceError(f"{what}: leads on more than {REMOTE_REDIRECTS} times")

    def _require_allowed(self, source: URL, target: URL, what: str) -> None:
        """A server elsewhere leads neither to plain HTTP nor into this machine."""
        if target.scheme not in (HTTP, HTTPS):
            raise SourceForbidden(f"{what}: leads to something that is not on the web")
        require_readable(str(target), unsafe_http=self._unsafe_http)
        if is_loopback(target.host or "") and not is_loopback(source.host or ""):
            raise SourceForbidden(f"{what}: leads into this machine")

    async def _part(
        self, response: ClientResponse, address: str, start: int, end: int, pin: Version | None, what: str
    ) -> Part:
        headers = response.headers
        if response.status == 416:
            return empty(address, start, pin, what)
        if response.status >= 300:
            raise refusal(response.status, what, headers.get("Retry-After"))
        if headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise SourceError(f"{what}: the server packs what it sends, although it was asked not to")
        answer = Answer(
            address,
            response.status,
            headers.get("Content-Range"),
            response.content_length,
            headers.get("ETag"),
            nanoseconds(date(headers.get("Last-Modified"))),
            response.content.read,
            "chunked" in headers.get("Transfer-Encoding", "").lower(),
        )
        return await receive(answer, start, end, pin, what, self._stats)


def _target(address: str) -> URL:
    from yarl import URL

    try:
        # A signature covers the spelling, so that what is spelt well already stays as it is.
        target = URL(address, encoded=address.isascii() and _UNSAFE.isdisjoint(address))
        target.origin()
    except ValueError:
        raise SourceError(f"{shown(address)}: is no URL") from None
    return target


def _followed(target: URL, location: str, what: str) -> URL:
    """Where ``location``, as ``target`` gives it, leads to."""
    try:
        followed = target.join(type(target)(location, encoded=_UNSAFE.isdisjoint(location)))
        followed.origin()
    except ValueError:
        raise SourceForbidden(f"{what}: leads to something that is not on the web") from None
    return followed


@contextmanager
def translated(what: str) -> Iterator[None]:
    """aiohttp's errors as noai's. Their own words may hold the whole URL, so their kind alone is told."""
    import aiohttp

    try:
        yield
    except aiohttp.InvalidURL:
        raise SourceError(f"{what}: is no URL") from None
    except aiohttp.ClientSSLError as error:
        raise SourceError(f"{what}: its server does not prove who it is ({type(error).__name__})") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Transient(f"{what}: no answer ({type(error).__name__})") from None
