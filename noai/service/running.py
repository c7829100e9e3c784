"""A service as a process: its socket, its signals, its end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import uvicorn

from noai.errors import UsageError
from noai.hosts import is_loopback
from noai.limits import SERVICE_END_SECONDS
from noai.service import logs
from noai.service.app import service
from noai.service.connections import Connection
from noai.service.settings import Settings
from noai.service.working import THREADS

_BACKLOG: Final = 1024


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections.

    Raises:
        UsageError: if there can be none.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
        # Connections inherit it. asyncio sees to it only where a socket names its protocol, and every answer
        # would wait 40 ms for the client to acknowledge its first half.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"cannot listen at {host}, port {port}: {getattr(error, 'strerror', None) or error}"
        ) from None


class _Server(uvicorn.Server):
    """uvicorn's own, which goes before those that it cancels have answered."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=SERVICE_END_SECONDS)


def run(settings: Settings, listening: socket.socket, level: str, warnings: Sequence[str] = ()) -> None:
    """Serve until SIGTERM or SIGINT; what is at work then is finished, as far as the time for it goes.

    ``warnings`` are told in the log. Ends the process if something at work cannot be ended.
    """
    logs.set_up(level)
    host, port = listening.getsockname()[:2]
    app = service(settings)
    protocol = type("Connection", (Connection,), {"head_seconds": settings.pace.idle})
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        root_path=settings.root_path,
        timeout_graceful_shutdown=settings.pace.stop,
    )
    logs.tell(logging.INFO, "listening", host=host, port=port, marking=settings.marking is not None)
    if not is_loopback(host):
        logs.tell(
            logging.WARNING,
            "anybody who reaches this address can use the service, and what is sent to it can be read on the "
            "way; put a proxy with TLS in front of it",
        )
    for warning in warnings:
        logs.tell(logging.WARNING, warning)
    server = _Server(config)
    with _signals_answered(server):
        server.run(sockets=[listening])
    stuck = _stuck()
    logs.tell(logging.INFO, "stopped")
    if stuck:
        # The interpreter would wait for them, and whoever stops the service would have to kill it.
        logs.tell(logging.WARNING, "what was at work did not end, and was left")
        logging.shutdown()
        os._exit(0)


def _stuck() -> bool:
    """Whether threads are still at work a moment after they were told to end."""
    threads = [thread for thread in threading.enumerate() if thread.name.startswith(THREADS)]
    for thread in threads:
        thread.join(0.5)
    return any(thread.is_alive() for thread in threads)


@contextmanager
def _signals_answered(server: uvicorn.Server) -> Iterator[None]:
    """uvicorn raises again, at the end, the signal that stopped it; the end is the answer to it."""

    def stop(number: int, frame: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
