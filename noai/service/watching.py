"""Around every request: what is logged and counted, what every answer says, and how a refusal is read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from noai.limits import SERVICE_LINGER_BYTES, SERVICE_LINGER_SECONDS
from noai.service import logs
from noai.service.metrics import Metrics
from noai.service.problems import CutShort, Kind, stopping

#: In the scope of a request.
_TOLD: Final = "noai.told"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: What an answer says unless it says otherwise: it is no page, it is nobody else's, and it is not kept.
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass
class Told:
    """What an endpoint says of a request for the log and the counters."""

    decision: str | None = None
    outcome: str | None = None


def told(scope: Scope) -> Told:
    found: Told = scope[_TOLD]
    return found


class Watch:
    """ASGI middleware around the whole service. ``paths`` are those that are told by their names."""

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Collection[str], root_path: str) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = frozenset(paths)
        self._root = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = monotonic()
        exchange = _Exchange(scope, receive, send)
        scope[_TOLD] = Told()
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except CutShort:
            exchange.status = Kind.CLIENT_GONE.status
            raise
        except asyncio.CancelledError:
            # The server stops, and waits no longer.
            if exchange.status:
                raise
            await stopping().response()(scope, exchange.receive, exchange.send_at_once)
        except Exception as error:  # noqa: BLE001  its words may name a file, and the server would log them
            logs.tell(logging.ERROR, "this is a bug in noai", error=logs.place(error))
            if not exchange.is_complete:
                exchange.status = Kind.INTERNAL.status
                raise CutShort from None
        finally:
            self._tell(scope, exchange, monotonic() - started)

    def _tell(self, scope: Scope, exchange: _Exchange, seconds: float) -> None:
        path = str(scope["path"]).removeprefix(self._root)
        path = path if path in self._paths else "other"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        # Nothing was answered where the client went away, or the server stops and does not wait any longer.
        status = exchange.status or Kind.CLIENT_GONE.status
        said = told(scope)
        metrics = self._metrics
        metrics.requests.labels(path, method, status).inc()
        metrics.seconds.labels(path).observe(seconds)
        metrics.received.inc(exchange.received)
        members: dict[str, Any] = {"method": method, "path": path, "status": status}
        members |= {"ms": round(seconds * 1000, 1), "bytes": exchange.received}
        if said.decision is not None:
            metrics.verdicts.labels(said.decision).inc()
            members["decision"] = said.decision
        if said.outcome is not None:
            metrics.marks.labels(said.outcome).inc()
            members["outcome"] = said.outcome
        logs.tell(logging.DEBUG if path == "/healthz" else logging.INFO, "request", **members)


class _Exchange:
    """One request and its answer, as they go by."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        headers = Headers(scope=scope)
        length = headers.get("content-length")
        #: Whether there is more of the request to read.
        self._unread = "transfer-encoding" in headers or (length is not None and length.strip() != "0")
        self.received = 0
        self.status = 0
        self.is_complete = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            self._unread = message.get("more_body", False)
        else:
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=list(message.get("headers", ())))
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if self._unread:
                headers["Connection"] = "close"
            message = {**message, "headers": headers.raw}
        elif not message.get("more_body", False):
            if self._unread:
                await self._send({**message, "more_body": True})
                await self._linger()
                message = {"type": message["type"], "body": b""}
            self.is_complete = True
        await self._send(message)

    async def send_at_once(self, message: Message) -> None:
        """The same, without patience for what the client still sends."""
        self._unread = False
        await self.send(message)

    async def _linger(self) -> None:
        """Throw away what the client still sends: cut off at once, it would never read the answer."""
        clock = asyncio.get_running_loop().time
        end, most = clock() + SERVICE_LINGER_SECONDS, self.received + SERVICE_LINGER_BYTES
        while self._unread and self.received < most and (left := end - clock()) > 0:
            try:
                await asyncio.wait_for(self.receive(), left)
            except asyncio.TimeoutError:
                return
