"""A real HTTP server on this machine that answers ranges, and can be told to do so badly."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: Writes a whole answer to one request.
Behaviour = Callable[["Handler", "Object"], None]


@dataclass
class Object:
    """What stands at one path."""

    data: bytes
    behaviour: Behaviour
    etag: str | None = '"one"'
    modified: str | None = "Sat, 29 Oct 1994 19:43:31 GMT"
    #: Requests that came, this one included.
    asked: int = 0


@dataclass
class RangeServer:
    """Objects by path; every request is kept in ``log``."""

    objects: dict[str, Object] = field(default_factory=dict)
    log: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.here = self
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def put(self, path: str, data: bytes, behaviour: Behaviour | None = None, **more: Any) -> str:
        """Where the new object can be read."""
        self.objects[path] = Object(data, behaviour or ranged, **more)
        return self.root + path

    def ranges(self, path: str) -> list[str | None]:
        """The ranges that were asked for at ``path``."""
        return [headers.get("range") for _, asked, headers in self.log if asked == path]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, handler: Handler) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._lock:
            self.log.append((handler.command, handler.path, headers))
            found = self.objects.get(handler.path)
            if found is not None:
                found.asked += 1
        if found is None:
            handler.say(404)
        else:
            found.behaviour(handler, found)


class _Server(ThreadingHTTPServer):
    here: RangeServer
    # Those who stop reading in the middle leave threads behind that still write.
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up is no error of the server."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body go out one by one, and would wait for each other.
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self.server.here.answer(self)

    def do_HEAD(self) -> None:
        self.server.here.answer(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def asked_range(self) -> tuple[int, int] | None:
        """From and up to; None where no range is asked for that starts at a byte and ends at one."""
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        return (int(found[1]), int(found[2]) + 1) if found else None

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def validators(found: Object) -> dict[str, str]:
    told = {"ETag": found.etag, "Last_Modified": found.modified}
    return {name: value for name, value in told.items() if value is not None}


# -- behaviours ---------------------------------------------------------------------------------


def ranged(handler: Handler, found: Object) -> None:
    """As a good server does: RFC 9110."""
    condition = handler.headers.get("If-Match")
    if condition is not None and (condition != found.etag or found.etag.startswith("W/")):
        handler.say(412)
        return
    asked = handler.asked_range()
    total = len(found.data)
    if asked is None:
        handler.say(200, found.data, **validators(found))
    elif asked[0] >= total:
        handler.say(416, Content_Range=f"bytes */{total}")
    else:
        body = found.data[asked[0] : asked[1]]
        span = f"bytes {asked[0]}-{asked[0] + len(body) - 1}/{total}"
        handler.say(206, body, Content_Range=span, **validators(found))


def whole(handler: Handler, found: Object) -> None:
    """Knows nothing of ranges."""
    handler.say(200, found.data, **validators(found))


def chunked(handler: Handler, found: Object) -> None:
    """Knows nothing of ranges, and tells no size, but where the end is."""
    handler.send_response(200)
    for name, value in {"Transfer-Encoding": "chunked", "ETag": found.etag or ""}.items():
        handler.send_header(name, value)
    handler.end_headers()
    for at in range(0, len(found.data), 50_000):
        piece = found.data[at : at + 50_000]
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    handler.wfile.write(b"0\r\n\r\n")


def chunked_and_cut(handler: Handler, found: Object) -> None:
    """The same, and hangs up in the middle."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%b\r\n" % (len(found.data) // 2, found.data[: len(found.data) // 2]))
    handler.close_connection = True


def endless(handler: Handler, found: Object) -> None:
    """Knows nothing of ranges, and tells no size: the body ends when the connection does."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(found.data)
    handler.close_connection = True


def first(count: int, behaviour: Behaviour, then: Behaviour = ranged) -> Behaviour:
    """``behaviour`` for the first requests, ``then`` after them."""

    def behave(handler: Handler, found: Object) -> None:
        (behaviour if found.asked <= count else then)(handler, found)

    return behave


def refusing(status: int, **headers: str) -> Behaviour:
    def behave(handler: Handler, found: Object) -> None:
        handler.say(status, b"" if status == 204 else b"no", **headers)

    return behave


def cut(handler: Handler, found: Object) -> None:
    """Promises a range, and hangs up in its middle."""
    start, end = handler.asked_range() or (0, len(found.data))
    body = found.data[start:end]
    span = f"bytes {start}-{start + len(body) - 1}/{len(found.data)}"
    told = {"Content_Range": span, "Content_Length": str(len(body)), **validators(found)}
    handler.say(206, body[: len(body) // 2], **told)
    handler.close_connection = True


def hanging_up(handler: Handler, found: Object) -> None:
    """Says nothing at all."""
    handler.close_connection = True


def claiming(content_range: str | None, length: int | None = None, **headers: str) -> Behaviour:
    """Sends ``length`` bytes from the start, or what was asked for, and says something else of them."""

    def behave(handler: Handler, found: Object) -> None:
        start, end = handler.asked_range() or (0, len(found.data))
        body = found.data[start:end] if length is None else found.data[:length]
        told = {} if content_range is None else {"Content_Range": content_range}
        handler.say(206, body, **told, **validators(found), **headers)

    return behave


def replaced(after: int, by: Object, behaviour: Behaviour = ranged) -> Behaviour:
    """Another object from some request on."""

    def behave(handler: Handler, found: Object) -> None:
        behaviour(handler, found if found.asked <= after else replace(by, asked=found.asked))

    return behave


def redirecting(target: str, status: int = 302) -> Behaviour:
    def behave(handler: Handler, found: Object) -> None:
        handler.say(status, Location=target)

    return behave


def waiting_for(event: threading.Event, then: Behaviour = ranged) -> Behaviour:
    def behave(handler: Handler, found: Object) -> None:
        event.wait()
        then(handler, found)

    return behave


def together(barrier: threading.Barrier) -> Behaviour:
    """Answers only when so many requests are there at a time."""

    def behave(handler: Handler, found: Object) -> None:
        barrier.wait()
        ranged(handler, found)

    return behave
