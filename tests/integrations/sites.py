"""A site that serves files, over real HTTP, and says what it is told to say."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote


@dataclass
class Site:
    """``folder`` at ``url``; headers that go with every file, and answers that stand in for files."""

    folder: Path
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    #: By path: a status, headers and a body. A header that is empty is not sent, Content-Length included.
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def address(self, path: Path | str) -> str:
        """Where the file at ``path`` is served."""
        return self.url + quote(Path(path).relative_to(self.folder).as_posix())


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012  as the class above has it
        ".mp3": "audio/mpeg", ".flac": "audio/flac", ".m4a": "audio/mp4", ".wav": "audio/wav",
        ".ogg": "audio/ogg", "": "application/octet-stream",
    }  # fmt: skip

    def __init__(self, *args: Any, site: Site) -> None:
        self.site = site
        super().__init__(*args, directory=str(site.folder))

    def do_GET(self) -> None:
        self.site.asked.append(self.path)
        if self.path not in self.site.answers:
            super().do_GET()
            return
        status, headers, body = self.site.answers[self.path]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            if value:
                self.send_header(name, value)
        super().end_headers()
        self.wfile.write(body)

    def end_headers(self) -> None:
        for name, value in self.site.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *args: object) -> None:
        """A client that hangs up is no error."""


@contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """A site with the files in ``folder``."""
    site = Site(folder)
    with _Server(("127.0.0.1", 0), partial(_Handler, site=site)) as server:
        site.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
