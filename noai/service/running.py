"""A service as a process: its socket, its signals, its end."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from noai.errors import UsageError
from noai.hosts import is_loopback
from noai.service import logs
from noai.service.app import service
from noai.service.connections import Connection
from noai.service.settings import Settings

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
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"cannot listen at {host}, port {port}: {getattr(error, 'strerror', None) or error}"
        ) from None


def run(settings: Settings, listening: socket.socket, level: str) -> None:
    """Serve until SIGTERM or SIGINT; what is at work then is finished, as far as the time for it goes."""
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
    server = uvicorn.Server(config)
    with _signals_answered(server):
        server.run(sockets=[listening])
    logs.tell(logging.INFO, "stopped")


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
