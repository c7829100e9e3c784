"""Objects in S3 and what speaks like it, by the client that s3fs makes.

s3fs knows where credentials, endpoint and region stand, in fsspec's configuration and in Amazon's. Its own
reading of ranges shows neither Content-Range nor ETag and asks again by rules of its own, so the requests
are made here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from noai.corpus.remote_answers import Answer, empty, nanoseconds, receive, refusal
from noai.corpus.remote_http import MISSING
from noai.corpus.remote_store import Page, Part, RemoteStats, Transient, Version
from noai.corpus.remote_urls import bucket_and_key, shown
from noai.errors import SourceError, SourceForbidden, SourceMissing, UsageError
from noai.limits import REMOTE_CONNECT_SECONDS, REMOTE_READ_SECONDS

#: Codes that are worth asking again, whatever their status.
_PASSING: Final = frozenset(
    {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "Throttling"}
)


class S3Store:
    """``s3://bucket/key``."""

    def __init__(self, stats: RemoteStats, concurrency: int) -> None:
        try:
            import s3fs
        except ImportError:
            raise UsageError(MISSING) from None
        self._stats = stats
        self._files = s3fs.S3FileSystem(
            asynchronous=True,
            loop=asyncio.get_running_loop(),
            skip_instance_cache=True,
            config_kwargs={
                "max_pool_connections": concurrency,
                "connect_timeout": REMOTE_CONNECT_SECONDS,
                "read_timeout": REMOTE_READ_SECONDS,
                # Asking again is decided in one place, where it is counted.
                "retries": {"total_max_attempts": 1, "mode": "standard"},
            },
        )

    async def get(self, url: str, start: int, end: int, pin: Version | None = None) -> Part:
        what = shown(url)
        bucket, key = bucket_and_key(url)
        asked = {"Bucket": bucket, "Key": key, "Range": f"bytes={start}-{end - 1}"}
        if pin is not None and pin.condition is not None:
            asked["IfMatch"] = pin.condition
        with _translated(what) as refused:
            client = await self._client(bucket)
            self._stats.requests += 1
            answer = await client.get_object(**asked)
            async with answer["Body"] as body:
                return await receive(_answer(url, answer, body), start, end, pin, what, self._stats)
        if refused.status == 416:
            return empty(url, start, pin, what)
        raise refused.error(what)

    async def page(self, url: str, token: str | None) -> Page:
        what = shown(url)
        bucket, prefix = bucket_and_key(url)
        asked = {"Bucket": bucket, "Prefix": prefix}
        if token is not None:
            asked["ContinuationToken"] = token
        with _translated(what) as refused:
            client = await self._client(bucket)
            self._stats.listings += 1
            listed = await client.list_objects_v2(**asked)
            keys = [each["Key"] for each in listed.get("Contents", ()) if not _is_folder(each)]
            more = listed.get("NextContinuationToken") if listed.get("IsTruncated") else None
            if listed.get("IsTruncated") and more is None:
                raise SourceError(f"{what}: the listing breaks off")
            return Page([f"s3://{bucket}/{key}" for key in keys], more)
        raise refused.error(what)

    async def close(self) -> None:
        if self._files._s3 is not None:
            await self._files._s3.close()

    async def _client(self, bucket: str) -> Any:
        await self._files.set_session()
        return await self._files.get_s3(bucket)


def _answer(url: str, answer: Mapping[str, Any], body: Any) -> Answer:
    modified = answer.get("LastModified")
    return Answer(
        url,
        answer["ResponseMetadata"]["HTTPStatusCode"],
        answer.get("ContentRange"),
        answer.get("ContentLength"),
        answer.get("ETag"),
        nanoseconds(modified) if isinstance(modified, datetime) else None,
        body.read,
    )


def _is_folder(listed: Mapping[str, Any]) -> bool:
    """Whether it is nothing but the name of a folder, as consoles leave it."""
    return listed["Key"].endswith("/") and listed.get("Size") == 0


class _Refusal:
    """What a server answered instead of what it was asked for."""

    status = 0
    code = ""
    after: str | None = None

    def error(self, what: str) -> SourceError:
        if self.code in _PASSING:
            return Transient(f"{what}: the server answers with {self.code}")
        if self.code == "NoSuchBucket":
            return SourceMissing(f"{what}: there is no such bucket")
        return refusal(self.status, what, self.after)


@contextmanager
def _translated(what: str) -> Iterator[_Refusal]:
    """botocore's errors as noai's; a refusal is for the caller to look at."""
    from aiohttp import ClientError as WireError
    from botocore import exceptions

    refused = _Refusal()
    try:
        yield refused
    except exceptions.ClientError as error:
        told = error.response.get("ResponseMetadata", {})
        refused.status = int(told.get("HTTPStatusCode", 0))
        refused.code = str(error.response.get("Error", {}).get("Code", ""))
        refused.after = told.get("HTTPHeaders", {}).get("retry-after")
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise SourceForbidden(f"{what}: there are no credentials to read it with") from error
    except exceptions.ParamValidationError as error:
        raise SourceError(f"{what}: is no name of a bucket or object") from error
    except (exceptions.HTTPClientError, exceptions.IncompleteReadError, WireError, OSError) as error:
        raise Transient(f"{what}: no answer ({type(error).__name__})") from None
    except exceptions.BotoCoreError as error:
        raise SourceError(f"{what}: cannot be asked for ({type(error).__name__})") from error
