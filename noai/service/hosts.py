"""Under which names a service answers.

A web page can have its own name lead to this machine after it was loaded (DNS rebinding), and then reads
what the service answers. Its requests still carry that name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from noai.hosts import is_loopback
from noai.service.problems import Kind, Problem

_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:/@\s]+))(?::[0-9]{1,5})?")


class KnownHosts:
    """ASGI middleware: refuses requests for hosts that are neither this machine nor listed."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._knows(Headers(scope=scope).getlist("host")):
            detail = "the Host of the request is not one that this service was told of (--allowed-host)"
            await Problem(Kind.WRONG_HOST, detail).response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _knows(self, given: list[str]) -> bool:
        match = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if match is None:
            return False
        name = (match[1] or match[2]).lower().rstrip(".")
        return is_loopback(name) or name in self._hosts
