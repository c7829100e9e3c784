"""Objects in Google Cloud Storage: its JSON interface by HTTP, with the credentials that gcsfs finds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from noai.corpus.remote_answers import refusal
from noai.corpus.remote_http import HttpStore, translated
from noai.corpus.remote_store import Page, RemoteStats
from noai.corpus.remote_urls import bucket_and_key, shown
from noai.errors import SourceError, SourceForbidden, UsageError
from noai.limits import REMOTE_PAGE_BYTES

MISSING: Final = "objects in gs:// are read with more packages; install them with: pip install 'noai[gcs]'"


class GsStore(HttpStore):
    """``gs://bucket/key``."""

    def __init__(self, stats: RemoteStats, concurrency: int) -> None:
        try:
            from gcsfs.core import GCSFileSystem
        except ImportError:
            raise UsageError(MISSING) from None
        super().__init__(stats, concurrency)
        self._kind = GCSFileSystem
        self._files: Any = None
        self._turn = asyncio.Lock()

    def allow(self, url: str) -> None:
        bucket_and_key(url)

    async def address(self, url: str) -> str:
        bucket, key = bucket_and_key(url)
        where = (await self._found())._location
        return f"{where}/download/storage/v1/b/{quote(bucket, safe='')}/o/{quote(key, safe='')}?alt=media"

    async def authorization(self, what: str) -> Mapping[str, str]:
        from google.auth.exceptions import GoogleAuthError

        files = await self._found()
        headers: dict[str, str] = {}
        try:
            # Asks for a new token where the old one is about to expire, and waits for it.
            await asyncio.to_thread(files.credentials.apply, headers)
        except GoogleAuthError as error:
            raise SourceForbidden(f"{what}: there are no credentials to read it with") from error
        return headers

    async def page(self, url: str, token: str | None) -> Page:
        what = shown(url)
        bucket, prefix = bucket_and_key(url)
        asked = {"prefix": prefix, "fields": "items(name,size),nextPageToken"}
        if token is not None:
            asked["pageToken"] = token
        where = (await self._found())._location
        address = f"{where}/storage/v1/b/{quote(bucket, safe='')}/o?{urlencode(asked)}"
        self._stats.listings += 1
        with translated(what):
            async with self.answered(address, {}, what) as (response, _):
                if response.status != 200:
                    raise refusal(response.status, what, response.headers.get("Retry-After"))
                text = await response.content.read(REMOTE_PAGE_BYTES)
                while not response.content.at_eof() and len(text) < REMOTE_PAGE_BYTES:
                    text += await response.content.read(REMOTE_PAGE_BYTES - len(text))
        keys, following = _listed(text, what)
        return Page([f"gs://{bucket}/{key}" for key in keys], following)

    async def _found(self) -> Any:
        """gcsfs, once it has found credentials; it asks whoever knows them, and waits for the answer."""
        async with self._turn:
            if self._files is None:
                loop = asyncio.get_running_loop()
                self._files = await asyncio.to_thread(
                    lambda: self._kind(asynchronous=True, loop=loop, skip_instance_cache=True)
                )
        return self._files


def _listed(text: bytes, what: str) -> tuple[list[str], str | None]:
    """The names in a page, and the token of the next one."""
    try:
        page = json.loads(text)
        items = page.get("items", [])
        keys = [item["name"] for item in items if not (item["name"].endswith("/") and item["size"] == "0")]
        following = page.get("nextPageToken")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise SourceError(f"{what}: the server's listing cannot be read") from None
    return keys, following if isinstance(following, str) and following else None
