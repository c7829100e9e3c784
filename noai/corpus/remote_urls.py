"""URLs of objects elsewhere: which are read, what is shown of them, what beside them are their sidecars."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from noai.errors import SourceError, SourceForbidden
from noai.hosts import is_loopback
from noai.limits import REMOTE_URL_CHARS
from noai.sidecars import MANIFEST_SIDECAR, XMP_SIDECAR

S3: Final = "s3"
GS: Final = "gs"
HTTPS: Final = "https"
HTTP: Final = "http"
SCHEMES: Final = (S3, GS, HTTPS, HTTP)
_STARTS: Final = tuple(f"{scheme}://" for scheme in SCHEMES)
#: User and password of a URL, with the ``@`` behind them.
_USER: Final = re.compile(r"^(https?://)[^/?#]*@")
_QUERY: Final = re.compile(r"\?.*", re.S)


def is_remote(path: str) -> bool:
    """Whether ``path`` names an object elsewhere (``s3://``, ``gs://``, ``https://``, ``http://``)."""
    return path.startswith(_STARTS)


def scheme_of(url: str) -> str:
    return url.partition("://")[0]


def recorded(url: str) -> str:
    """``url`` as records call it: as it was given, but for a user and a password."""
    return _USER.sub(r"\1", url)


def shown(url: str) -> str:
    """``url`` as messages show it: without a user, and without a query, which may be a signature."""
    return _QUERY.sub("?…", recorded(url)) if is_web(url) else url


def is_web(url: str) -> bool:
    return scheme_of(url) in (HTTP, HTTPS)


def bucket_and_key(url: str) -> tuple[str, str]:
    """The two parts of an ``s3://`` or ``gs://`` URL. A key is taken as it is written, nothing unescaped.

    Raises:
        SourceError: if it names no bucket.
    """
    bucket, _, key = url.partition("://")[2].partition("/")
    if not bucket:
        raise SourceError(f"{shown(url)}: names no bucket")
    return bucket, key


def is_prefix(url: str) -> bool:
    """Whether ``url`` means everything below it. Only buckets can be listed: a web page is an object."""
    return not is_web(url) and (url.endswith("/") or "/" not in url.partition("://")[2])


def require_readable(url: str, *, unsafe_http: bool = False) -> None:
    """Refuse what is not to be asked for.

    Raises:
        SourceError: for a URL that is none. SourceForbidden: for plain HTTP to another machine, where
        anybody on the way can take a reservation out,
            unless the caller wants it so.
    """
    if len(url) > REMOTE_URL_CHARS:
        raise SourceError(f"{shown(url)[:80]}…: is longer than any URL")
    if not is_web(url):
        bucket_and_key(url)
        return
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        host = None
    if not host:
        raise SourceError(f"{shown(url)}: is no URL")
    if scheme_of(url) == HTTP and not unsafe_http and not is_loopback(host):
        raise SourceForbidden(f"{shown(url)}: is not read by plain http, which anybody on the way can change")


def sidecars_of(url: str) -> Iterator[tuple[str, str]]:
    """Where sidecars of the object at ``url`` are looked for, and their kinds: in the order of local ones."""
    track, mark, query = url.partition("?") if is_web(url) else (url, "", "")
    stem = os.path.splitext(track)[0]
    for suffix in (MANIFEST_SIDECAR, XMP_SIDECAR):
        for spelt in (suffix, suffix.upper()):
            for name in dict.fromkeys((track + spelt, stem + spelt)):
                if name != track:
                    yield name + mark + query, suffix
