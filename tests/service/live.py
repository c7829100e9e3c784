"""``noai serve`` as a process of its own, and clients that send it what no library would."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

TOKEN: Final = "a-token-of-tests+~1"
BOUNDARY: Final = "a-boundary"
FORM: Final = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
BEARER: Final = {"Authorization": f"Bearer {TOKEN}"}
#: Of sockets and processes: longer than anything takes that does not hang.
PATIENCE: Final = 120


@dataclass(frozen=True)
class Answer:
    """A response, as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def refuses(self, status: int, kind: str) -> None:
        """It is a problem of this kind, which names no path of the server."""
        assert self.status == status, (self.status, self.body[:500])
        assert self.headers["content-type"] == "application/problem+json"
        told = self.json
        assert (told["status"], told["type"]) == (status, f"urn:noai:problem:{kind}")
        assert told["title"]
        assert told["detail"]
        assert b"/tmp" not in self.body
        assert b"upload-" not in self.body


@dataclass(frozen=True)
class Live:
    """A server that runs: where it listens, its temporary files, its log."""

    port: int
    process: subprocess.Popen[bytes]
    temporary: Path
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send one request and read its answer; names of headers with ``_`` for ``-``."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body or None, named)
            return answered(connection.getresponse())
        finally:
            connection.close()

    def verify(self, data: bytes, name: str = "tune.mp3", query: str = "") -> Answer:
        return self.ask("POST", f"/v1/verify{query}", form(data, name), **FORM)

    def mark(self, data: bytes, name: str = "tune.mp3", token: str = TOKEN, **fields: str) -> Answer:
        pairs = tuple(fields.items())
        return self.ask("POST", "/v1/mark", form(data, name, pairs), **FORM, Authorization=f"Bearer {token}")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def raw(self, *pieces: bytes) -> Answer:
        """Send bytes as they are, and read one answer."""
        with self.connect() as line:
            for piece in pieces:
                line.sendall(piece)
            return read_answer(line)

    def counted(self, sample: str) -> float:
        """The value of one sample of ``/metrics``."""
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        values = [line.rpartition(" ")[2] for line in lines if line.startswith(f"{sample} ")]
        return float(values[0]) if values else 0.0

    def left(self) -> list[str]:
        """What is in the folder of temporary files."""
        return os.listdir(self.temporary)

    def lines(self) -> list[dict[str, Any]]:
        """The log so far, each line as JSON."""
        return [json.loads(line) for line in self.log.read_text("ascii").splitlines()]

    def requests(self, number: int = 0) -> list[dict[str, Any]]:
        """What the log tells of requests, as soon as it does of so many: behind their answers."""
        found: list[dict[str, Any]] = []
        while len(found) < number or not found:
            assert is_alive(self.process)
            found = [line for line in self.lines() if line["message"] == "request"]
        return found

    def stop(self) -> int:
        """Ask it to end, and wait; its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


def answered(response: http.client.HTTPResponse) -> Answer:
    body = response.read()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def read_answer(line: socket.socket) -> Answer:
    """One answer to what was sent on ``line``."""
    response = http.client.HTTPResponse(line)
    response.begin()
    return answered(response)


def part(name: str, value: bytes, *more: str) -> bytes:
    head = "; ".join(["Content-Disposition: form-data", f'name="{name}"', *more])
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + value + b"\r\n"


def form(data: bytes, name: str = "tune.mp3", fields: tuple[tuple[str, str], ...] = ()) -> bytes:
    """The body of a form with a file and other fields."""
    others = b"".join(part(field, value.encode()) for field, value in fields)
    return others + part("file", data, f'filename="{name}"') + f"--{BOUNDARY}--\r\n".encode()


def head(length: int | None = None, path: str = "/v1/verify", **headers: str) -> bytes:
    """The head of a POST, for those who send its body by themselves."""
    fields = {"Host": "localhost", "Content-Type": "application/octet-stream"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    if length is not None:
        fields["Content-Length"] = str(length)
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def served(folder: Path, *options: str, **environment: str) -> Iterator[Live]:
    """A server on a port of its own, whose temporary files and log are in ``folder``."""
    temporary, log = folder / "temporary", folder / "log"
    temporary.mkdir(parents=True)
    command = [sys.executable, "-m", "noai", "serve", "--port", "0", *options]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, env={**os.environ, **environment, "TMPDIR": str(temporary)}, stderr=errors
        )
    try:
        yield Live(_port(process, log), process, temporary, log)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def is_alive(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process still runs a moment later; for loops that wait for what it does."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.05)
    return process.returncode is None


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """The port that a server tells when it listens."""
    while is_alive(process):
        for line in log.read_text("ascii").splitlines(keepends=True):
            if line.endswith("\n") and '"listening"' in line:
                return int(json.loads(line)["port"])
    raise AssertionError(log.read_text("ascii"))


def signing(folder: Path) -> dict[str, str]:
    """The environment of a server that has the identity ``ana``, and a token."""
    environment = {"NOAI_HOME": str(folder / "home"), "NOAI_TOKEN": TOKEN}
    command = [sys.executable, "-m", "noai", "keygen", "ana"]
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    return environment
