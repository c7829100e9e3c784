"""Asking a server for something, once and within limits. Only where the caller named its address."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from email.message import Message
from time import monotonic
from typing import IO, Final, Protocol
from urllib.parse import urlsplit

from noai._version import __version__
from noai.errors import FetchError, UsageError
from noai.hosts import is_loopback
from noai.limits import FETCH_SECONDS, KIB

_CHUNK: Final = 64 * KIB


def fetch(url: str, limit: int) -> bytes:
    """The whole content at ``url``, at most ``limit`` bytes.

    Raises:
        UsageError: for an address that is not https, and not on this machine either.
        FetchError: if it cannot be had.
    """
    require_safe(url)
    return _asked(urllib.request.Request(url), limit, _SafeRedirects())


def post(url: str, data: bytes, media_type: str, limit: int) -> bytes:
    """What the server at ``url``, http or https, answers to ``data``. It is signed, so http does.

    Raises:
        UsageError: for any other address.
        FetchError: if there is no answer of at most ``limit`` bytes.
    """
    require_address(url)
    request = urllib.request.Request(url, data, {"Content-Type": media_type}, method="POST")
    return _asked(request, limit, _NoRedirects())


def require_safe(url: str) -> None:
    """
    Raises:
        UsageError: for an address that is not https, and not http on this machine either.
    """
    scheme, host = _split(url)
    if scheme != "https" and not is_loopback(host):
        raise UsageError(f"{url}: what is fetched has to be the same for everybody; give an https address")


def require_address(url: str) -> None:
    """
    Raises:
        UsageError: for what is no http or https address.
    """
    _split(url)


def _split(url: str) -> tuple[str, str]:
    """Scheme and host."""
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname
        # Reading it is what checks it.
        _ = parts.port
    except ValueError:
        parts, scheme, host = urlsplit(""), "", None
    if "@" in parts.netloc:
        # Not shown: it would be signed, or stand in a log.
        raise UsageError("an address with a name or password before its host is not asked; leave them out")
    if scheme not in ("https", "http") or not host or not url.isascii() or any(c <= " " for c in url):
        raise UsageError(f"{url!r} is no address that can be asked; give one that begins with https://")
    return scheme, host


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Goes where it is sent only if the caller could have named that place."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            require_safe(newurl)
            if is_loopback(_split(newurl)[1]) and not is_loopback(_split(req.full_url)[1]):
                raise UsageError(f"{newurl}: is on this machine, which the first address is not")
        except UsageError as error:
            raise FetchError(f"{req.full_url} leads elsewhere: {error}") from None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET."""

    def redirect_request(self, *_: object) -> None:
        return None


class _Answer(Protocol):
    headers: Message

    def read1(self, amount: int) -> bytes: ...


def _asked(request: urllib.request.Request, limit: int, redirects: urllib.request.BaseHandler) -> bytes:
    request.add_header("User-Agent", f"noai/{__version__}")
    address = request.full_url
    deadline = monotonic() + FETCH_SECONDS
    try:
        with urllib.request.build_opener(redirects).open(request, timeout=FETCH_SECONDS) as answer:
            return _content(answer, limit, deadline, address)
    except urllib.error.HTTPError as error:
        raise FetchError(f"{address}: the server says {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise FetchError(f"{address}: cannot be had: {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchError(f"{address}: cannot be had: {error or type(error).__name__}") from None


def _content(answer: _Answer, limit: int, deadline: float, address: str) -> bytes:
    encoding = answer.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise FetchError(f"{address}: the server sends it as {encoding}, which was not asked for")
    parts, size = [], 0
    while block := answer.read1(min(_CHUNK, limit + 1 - size)):
        parts.append(block)
        size += len(block)
        if size > limit:
            raise FetchError(f"{address}: is longer than {limit} bytes")
        if monotonic() > deadline:
            raise FetchError(f"{address}: is not there after {FETCH_SECONDS} s")
    announced = answer.headers.get("Content-Length")
    if announced is not None and announced.isdecimal() and int(announced) != size:
        raise FetchError(f"{address}: ends after {size} of {announced} bytes")
    return b"".join(parts)
