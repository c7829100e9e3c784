"""Connections: those on which a request does not begin are given up, as are those that take no answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack
from http import HTTPStatus
from time import monotonic
from typing import Any, BinaryIO, Final

import h11
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from noai.limits import READ_SIZE, SERVICE_IDLE_SECONDS
from noai.service.problems import CutShort, Kind, Problem
from noai.service.settings import Pace
from noai.service.watching import HEADERS

_TOO_SLOW: Final = Problem(Kind.TOO_SLOW, "the head of the request did not come in time")
_NO_HTTP: Final = Problem(Kind.BAD_REQUEST, "this is no HTTP/1.1 that means one thing")


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
        self._refuse(_TOO_SLOW)

    def send_400_response(self, msg: str) -> None:
        self._refuse(_NO_HTTP)

    def _refuse(self, problem: Problem) -> None:
        """Refuse what never became a request, or whose body is none, and close the line."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            response = problem.response()
            response.headers.update({**HEADERS, "Connection": "close"})
            reason = HTTPStatus(response.status_code).phrase.encode("ascii")
            head = h11.Response(status_code=response.status_code, headers=response.raw_headers, reason=reason)
            for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class Download(Response):
    """A file that is sent as far as the client takes it.

    ``held`` is closed at the end, whatever happens, and holds the file at least.
    """

    def __init__(
        self, file: BinaryIO, held: ExitStack, headers: dict[str, str], media_type: str, pace: Pace
    ) -> None:
        size = os.fstat(file.fileno()).st_size
        super().__init__(None, 200, {**headers, "Content-Length": str(size)}, media_type)
        self._file = file
        self._held = held
        self._pace = pace
        self._end = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._end = monotonic() + self._pace.upload
        with self._held:
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
            await asyncio.wait_for(send(message), min(self._pace.idle, self._end - monotonic()))
        except asyncio.TimeoutError:
            raise CutShort from None
