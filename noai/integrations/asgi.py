"""Response headers for marked files, in any ASGI application: :class:`NoaiHeaders`.

Pure ASGI 3; it imports no framework. It adds to what a response says and changes nothing else of it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, Union

from noai.claim import ALL_USES
from noai.corpus.walking import AUDIO_EXTENSIONS
from noai.envelope import parse
from noai.errors import TokenRefused, UsageError
from noai.marker import Marker
from noai.policy import Policy, combined_uses
from noai.publishing.addresses import web_address
from noai.publishing.saying import HeaderField, SiteStatement
from noai.report import Depth, Finding, Report, SignalSource
from noai.sidecars import places_beside
from noai.verifying import Verifier

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
FilePath = Union[str, "os.PathLike[str]"]
Resolve = Callable[[Scope], Union[FilePath, None]]

_START: Final = "http.response.start"
#: The extension by which an application hands a file to its server; the message names the path.
_PATHSEND: Final = "http.response.pathsend"
#: Answers with the file, with a part of it, and with the news that the client has it already.
_STATUSES: Final = frozenset({200, 206, 304})
_METHODS: Final = frozenset({"GET", "HEAD"})

_log: Final = logging.getLogger(__name__)


class NoaiHeaders:
    """ASGI middleware: a response that serves a reserved audio file says so in its headers.

    Adds ``Content-Usage``, ``Content-Signal``, ``tdm-reservation`` and ``X-Robots-Tag``, as far as each can
    say what the file denies and no more than that, and ``Link`` to the licence and terms that a signed marker
    names. A file that reserves nothing, that cannot be read or decided, or that is no audio is served as it
    is.

    Args:
        app: The application, or the part of it that serves files.
        root: The folder that is served: an address below ``prefix`` is the file of that name in it.
        prefix: Where in the application the folder is mounted; a mount around this middleware counts already.
        resolve: In place of ``root``: from the scope of a request to the path of its file, or None.
        verifier: Whose trust list and clock count; it looks at decision depth, and asks about all uses.
        cache: Files that are remembered, until their size or time or something beside them changes.

    Where the server has the extension ``http.response.pathsend``, the path in its message counts, and neither
    ``root`` nor ``resolve`` is needed.

    Raises:
        UsageError: if both ``root`` and ``resolve`` are given.
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    def __init__(
        self,
        app: App,
        *,
        root: FilePath | None = None,
        prefix: str = "",
        resolve: Resolve | None = None,
        verifier: Verifier | None = None,
        cache: int = 4096,
    ) -> None:
        if root is not None and resolve is not None:
            raise UsageError("root and resolve both say which file is served; give one of them")
        self._app = app
        self._root = None if root is None else os.path.abspath(root)
        self._prefix = prefix
        self._resolve = resolve
        self._looks = _Looks(verifier or Verifier(), cache)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope.get("method") not in _METHODS:
            await self._app(scope, receive, send)
            return
        # Frameworks rewrite the scope while they route, so that the address is read before.
        below = self._below_root(scope)
        resolve = self._resolve or (lambda _: below)
        await self._app(scope, receive, _Sender(self, partial(resolve, scope), scope, send))

    async def fields(self, start: Message, resolve: Callable[[], FilePath | None]) -> tuple[HeaderField, ...]:
        """What the answer ``start`` has to say besides, if it serves the file that ``resolve`` tells."""
        try:
            path = resolve()
            if path is None or not _is_audio(path, start):
                return ()
            return await _in_thread(self._looks.fields, os.fspath(path))
        except Exception:  # noqa: BLE001  a site must not fail to serve a file because of what it says of it
            _log.exception("a file was served without its headers")
            return ()

    def _below_root(self, scope: Scope) -> str | None:
        if self._root is None:
            return None
        whole = str(scope["path"])
        # Some servers and frameworks leave the mount in the path, others take it off.
        path = _below(whole, str(scope.get("root_path", "")))
        path = _below(whole if path is None else path, self._prefix)
        if path is None:
            return None
        found = os.path.normpath(os.path.join(self._root, path.lstrip("/")))
        return found if "\0" not in found and found.startswith(os.path.join(self._root, "")) else None


def _below(path: str, mount: str) -> str | None:
    """``path`` as it is seen from ``mount``; None if it is not below it."""
    mount = mount.rstrip("/")
    return path[len(mount) :] if path.startswith(f"{mount}/") else None


class _Sender:
    """``send`` of one request: the first message waits until it is known which file follows it."""

    def __init__(
        self, headers: NoaiHeaders, resolve: Callable[[], FilePath | None], scope: Scope, send: Send
    ) -> None:
        self._headers = headers
        self._resolve = resolve
        self._send = send
        self._start: Message | None = None
        self._waits = _PATHSEND in (scope.get("extensions") or {})

    async def __call__(self, message: Message) -> None:
        if message["type"] == _START and message["status"] in _STATUSES:
            if self._waits:
                self._start = message
            else:
                await self._send(await self._with_fields(message, self._resolve))
            return
        if self._start is not None:
            start, self._start = self._start, None
            sent = partial(str, message["path"]) if message["type"] == _PATHSEND else self._resolve
            await self._send(await self._with_fields(start, sent))
        await self._send(message)

    async def _with_fields(self, start: Message, resolve: Callable[[], FilePath | None]) -> Message:
        fields = await self._headers.fields(start, resolve)
        return {**start, "headers": list(_merged(start.get("headers", ()), fields))} if fields else start


def _is_audio(path: FilePath, start: Message) -> bool:
    """Whether a file is called like audio, or is served as such."""
    if os.path.splitext(os.fspath(path))[1].lower() in AUDIO_EXTENSIONS:
        return True
    headers = ((bytes(name).lower(), bytes(value)) for name, value in start.get("headers", ()))
    kinds = (value.strip().lower() for name, value in headers if name == b"content-type")
    return any(kind.startswith((b"audio/", b"video/", b"application/ogg")) for kind in kinds)


def _merged(
    headers: Iterable[tuple[bytes, bytes]], fields: Iterable[HeaderField]
) -> Iterator[tuple[bytes, bytes]]:
    """``headers`` and behind them ``fields``, in place of those that may stand once only."""
    added = [(field.name.lower().encode("ascii"), field.value.encode("ascii")) for field in fields]
    single = {field.name.lower().encode("ascii") for field in fields if field.is_single}
    kept = [(name, value) for name, value in headers if bytes(name).lower() not in single]
    yield from kept
    there = {(bytes(name).lower(), bytes(value)) for name, value in kept}
    yield from (pair for pair in added if pair not in there)


async def _in_thread(
    function: Callable[[str], tuple[HeaderField, ...]], path: str
) -> tuple[HeaderField, ...]:
    """Away from the loop, which reading would hold up; at once under loops that asyncio does not run."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function(path)
    return await asyncio.to_thread(function, path)


#: Device, inode, size and time of a file, the time of its folder, where sidecars may appear, and of those.
_Key = tuple[int, ...]


class _Looks:
    """What files say, each looked at once; for any number of threads."""

    def __init__(self, verifier: Verifier, limit: int) -> None:
        # Read here, so that a damaged list stops the site's start and not its answers.
        trust = verifier.trust_list
        policy = Policy(uses=ALL_USES)
        self._verifier = replace(verifier, policy=policy, trust=trust, depth=Depth.DECISION, digest=False)
        self._limit = limit
        self._kept: OrderedDict[str, tuple[_Key, tuple[HeaderField, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def fields(self, path: str) -> tuple[HeaderField, ...]:
        """What a response with the file at ``path`` has to say."""
        try:
            status = os.stat(path)
            beside = os.stat(os.path.dirname(path) or os.curdir).st_mtime_ns
        except OSError:
            return ()
        if not stat.S_ISREG(status.st_mode):
            return ()
        key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, beside, *_sidecars(path))
        with self._lock:
            kept = self._kept.get(path)
            if kept is not None and kept[0] == key:
                self._kept.move_to_end(path)
                return kept[1]
        found = fields_of(self._verifier.report(path))
        with self._lock:
            self._kept[path] = (key, found)
            self._kept.move_to_end(path)
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        return found


def _sidecars(path: str) -> Iterator[int]:
    """Sizes and times of the files beside a track that speak for it."""
    for place, _ in places_beside(path):
        try:
            status = os.stat(place)
        except OSError:
            continue
        yield from (status.st_size, status.st_mtime_ns)


def fields_of(report: Report) -> tuple[HeaderField, ...]:
    """The response fields that say what a file denies, and where its terms stand."""
    uses = combined_uses(report.findings)
    denied = frozenset(use for use, permission in uses.items() if permission.denies)
    if not denied:
        return ()
    return (*SiteStatement(denied).fields, *dict.fromkeys(_links(report.findings)))


def _links(findings: Iterable[Finding]) -> Iterator[HeaderField]:
    """The licence and the terms (RFC 6903, section 6) that signed markers name."""
    for finding in findings:
        marker = _signed_marker(finding)
        if marker is None or finding.lifted:
            continue
        rights = marker.claim.rights
        for relation, url in (("license", rights.licence_url), ("terms-of-service", rights.terms_url)):
            # It comes from a file: only what can be nothing but an address goes into a header.
            address = None if url is None else web_address(url)
            if address is not None:
                yield HeaderField("Link", f'<{address}>; rel="{relation}"')


def _signed_marker(finding: Finding) -> Marker | None:
    """The marker of a finding, if its signature is right: a denial needs none, an address does."""
    if finding.source is not SignalSource.MARKER or finding.value is None:
        return None
    try:
        token = parse(finding.value.strip())
        return Marker.from_token(token) if token.verifies() else None
    except TokenRefused:
        return None
