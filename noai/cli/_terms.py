"""``noai mark --terms``: which words stood there when a track was marked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from noai.encoding import b64url
from noai.errors import UsageError
from noai.hashing import sha256
from noai.limits import TERMS_BYTES
from noai.sources import open_path

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def read_terms(given: Sequence[str]) -> tuple[str | None, str | None]:
    """Address and base64url SHA-256 of the terms in a file, at an address, or in a file that stands at one.

    Only an address without a file is fetched.

    Raises:
        UsageError: for two of a kind, and for an address that is not https.
        SourceError, FetchError: if the terms cannot be had.
    """
    urls = [value for value in given if _URL.match(value)]
    files = [value for value in given if not _URL.match(value)]
    if len(urls) > 1 or len(files) > 1:
        raise UsageError("--terms takes one file, one address, or one of each for the same text")
    url = urls[0] if urls else None
    if url is not None:
        from noai.fetching import fetch, require_safe

        require_safe(url)
        if not files:
            return url, b64url(hashlib.sha256(fetch(url, TERMS_BYTES)).digest())
    if not files:
        return url, None
    with open_path(files[0]) as (source, _):
        return url, b64url(sha256(source))
