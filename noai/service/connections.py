"""Connections: those on which a request does not begin are given up, as are those that take no answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, BinaryIO, Final

import h11
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from noai.limits import READ_SIZE, SERVICE_IDLE_SECONDS
from noai.service.problems import CutShort, Kind, Problem

_TOO_SLOW: Final = Problem(Kind.TOO_SLOW, "the head of the request did not come in time").response()


class Connection(H11Protocol):
    """uvicorn's own, which waits for ever for the head of a request."""

    #: Seconds for the head of a request, from its first byte or from the connection on.
    head_seconds: float = SERVICE_IDLE_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and self._is_between():
            self._arm()
        super().data_received(data)
        if not self._is_between():
            self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _is_between(self) -> bool:
        """Whether no request is at work."""
        return self.cycle is None or self.cycle.response_complete

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(self.head_seconds, self._give_up)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self._is_between() or self.transport.is_closing():
            return
        if self.conn.our_state is h11.IDLE:
            headers = [*_TOO_SLOW.raw_headers, (b"connection", b"close")]
            head = h11.Response(status_code=_TOO_SLOW.status_code, headers=headers, reason=b"Request Timeout")
            for event in (head, h11.Data(data=bytes(_TOO_SLOW.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class Download(Response):
    """A file that is sent as far as the client takes it, and closed whatever happens."""

    def __init__(
        self, file: BinaryIO, size: int, headers: dict[str, str], media_type: str, idle: float
    ) -> None:
        super().__init__(None, 200, {**headers, "Content-Length": str(size)}, media_type)
        self._file = file
        self._idle = idle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for block in self._blocks():
                await self._sent(send, {"type": "http.response.body", "body": block, "more_body": True})
            await self._sent(send, {"type": "http.response.body", "body": b""})

    async def _blocks(self) -> AsyncIterator[bytes]:
        while block := await asyncio.to_thread(self._file.read, READ_SIZE):
            yield block

    async def _sent(self, send: Send, message: dict[str, Any]) -> None:
        # It fails behind the head: the line is cut, and the client sees that bytes are missing.
        try:
            await asyncio.wait_for(send(message), self._idle)
        except asyncio.TimeoutError:
            raise CutShort from None
