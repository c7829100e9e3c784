"""Under which names a service answers, and whose pages it works for.

A web page can have its own name lead to this machine after it was loaded (DNS rebinding), and then reads
what the service answers. Its requests still carry that name. Without that, it cannot read the answers, but
could still have the service work; browsers say whose page asks (``Sec-Fetch-Site``).
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
    """ASGI middleware: refuses requests for hosts that are neither this machine nor listed.

    And those by which the page of another site has it work.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._against(scope["method"], Headers(scope=scope)) if scope["type"] == "http" else None
        await (self._app if problem is None else problem.response())(scope, receive, send)

    def _against(self, method: str, headers: Headers) -> Problem | None:
        if not self._knows(headers.getlist("host")):
            detail = "the Host of the request is not one that this service was told of (--allowed-host)"
            return Problem(Kind.WRONG_HOST, detail)
        if method == "POST" and "cross-site" in headers.getlist("sec-fetch-site"):
            return Problem(Kind.CROSS_SITE, "this service works for its own page, and for programs")
        return None

    def _knows(self, given: list[str]) -> bool:
        match = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if match is None:
            return False
        name = (match[1] or match[2]).lower().rstrip(".")
        return is_loopback(name) or name in self._hosts
