"""What is fetched where the caller names an address: within limits, and from nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from noai.errors import FetchError, UsageError
from noai.fetching import fetch, post

LIMIT = 1000


class Handler(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = b"x" * LIMIT
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        self.send_response(200)
        if self.path == "/cut":
            self.send_header("Content-Length", str(LIMIT + 1))
        if self.path == "/packed":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body + b"x" if self.path == "/long" else body)

    def do_POST(self) -> None:
        if self.path.startswith("/to/"):
            self.do_GET()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.rfile.read(int(self.headers["Content-Length"])))
        self.wfile.write(self.headers["Content-Type"].encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    Handler.asked = []
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_whole_content_up_to_the_limit(site: str) -> None:
    assert fetch(f"{site}/terms", LIMIT) == b"x" * LIMIT


@pytest.mark.parametrize("path", ["/missing", "/long", "/cut", "/packed"])
def test_what_is_not_whole_or_too_long_is_an_error(site: str, path: str) -> None:
    with pytest.raises(FetchError, match=path):
        fetch(f"{site}{path}", LIMIT)


def test_nobody_there() -> None:
    with pytest.raises(FetchError, match="refused"):
        fetch("http://127.0.0.1:1/terms", LIMIT)


def test_a_redirection_on_this_machine_is_followed(site: str) -> None:
    assert fetch(f"{site}/to/{site}/terms", LIMIT) == b"x" * LIMIT
    assert len(Handler.asked) == 2


@pytest.mark.parametrize("elsewhere", ["http://noai.invalid/terms", "ftp://127.0.0.1/x"])
def test_one_to_where_nobody_could_have_sent_it_is_not(site: str, elsewhere: str) -> None:
    with pytest.raises(FetchError, match="leads elsewhere"):
        fetch(f"{site}/to/{elsewhere}", LIMIT)


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/terms",
        "http://127.0.0.1.example.org/",
        "file:///etc/passwd",
        "ftp://example.org/",
        "https://",
        "terms.html",
        "https://example.org:99999999/",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "http://[::1/",
    ],
)
def test_other_addresses_are_refused_before_anybody_is_asked(address: str) -> None:
    with pytest.raises(UsageError):
        fetch(address, LIMIT)


def test_an_answer_to_what_is_posted(site: str) -> None:
    assert post(f"{site}/tsa", b"question", "application/timestamp-query", LIMIT) == (
        b"questionapplication/timestamp-query"
    )


def test_what_is_posted_goes_nowhere_else(site: str) -> None:
    with pytest.raises(FetchError, match="302"):
        post(f"{site}/to/{site}/terms", b"question", "text/plain", LIMIT)
    assert len(Handler.asked) == 1
