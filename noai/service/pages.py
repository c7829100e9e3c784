"""The web page: the files in the folder ``page``, and of the report's ``look``, read once; and what a browser
may do with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import resources
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from noai.reporting.page import look

_INDEX: Final = "index.html"
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
}
#: Nothing but the page's own files, nothing inline, and no page around it.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


@dataclass(frozen=True)
class File:
    """One file of the page."""

    data: bytes
    media_type: str
    tag: str


@lru_cache(maxsize=1)
def files() -> dict[str, File]:
    """The files by their addresses; the page itself is ``/``."""
    entries = (resources.files(__package__) / "page").iterdir()
    own = {entry.name: entry.read_bytes() for entry in entries if entry.is_file()}
    shared = {name: text.encode() for name, text in look().items()}
    found = {}
    for name, data in {**own, **shared}.items():
        media_type = _TYPES.get(name.rpartition(".")[2])
        if media_type is not None:
            address = "/" if name == _INDEX else f"/{name}"
            found[address] = File(data, media_type, f'"{hashlib.sha256(data).hexdigest()[:32]}"')
    return found


def routes() -> list[Route]:
    """One for each file."""
    return [Route(address, partial(_answer, file)) for address, file in files().items()]


async def _answer(file: File, request: Request) -> Response:
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache", "ETag": file.tag}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.data, headers=headers, media_type=file.media_type)
