"""Objects behind an HTTP server: requests and bytes a file, and whether the verdicts are the local ones.

    python benchmarks/remote.py [--folder F]

Needs ``noai[remote]``. A server in a process of its own answers ranges and counts what it was asked and sent.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, unquote
from urllib.request import urlopen

from _measure import Bound, table
from corpus import EDITIONS, MIX, default_folder, ready

import noai
from noai.corpus.remote import scan_remote

#: Covers that the first request reads through.
SMALL_COVERS = (None, "cover-35.jpg", "cover-85.jpg")
KIB = 1024
REQUESTS, BYTES = 2, 128 * KIB
COUNTS = "/counts"
RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class Handler(BaseHTTPRequestHandler):
    """Files below ``folder`` by ranges; at ``/counts`` what was asked, per path, as JSON."""

    protocol_version = "HTTP/1.1"
    folder: ClassVar[Path]
    counts: ClassVar[dict[str, list[int]]] = {}

    def do_GET(self) -> None:
        if self.path == COUNTS:
            self._send(200, json.dumps(self.counts).encode(), {})
            return
        path = self.folder / unquote(self.path[1:])
        if not path.is_file():
            self._count(0)
            self._send(404, b"", {})
            return
        size = path.stat().st_size
        asked = RANGE.fullmatch(self.headers["Range"] or "")
        start, end = (int(asked[1]), min(int(asked[2]) + 1, size)) if asked else (0, size)
        with path.open("rb") as file:
            file.seek(start)
            body = file.read(end - start)
        self._count(len(body))
        validators = {"ETag": f'"{size}"', "Content-Range": f"bytes {start}-{end - 1}/{size}"}
        self._send(206 if asked else 200, body, validators)

    def _count(self, sent: int) -> None:
        count = self.counts.setdefault(unquote(self.path[1:]), [0, 0])
        count[0] += 1
        count[1] += sent

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


def serve(folder: Path, ready: Connection) -> None:
    Handler.folder = folder
    with Server(("127.0.0.1", 0), Handler) as server:
        ready.send(server.server_address[1])
        server.serve_forever()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server for ``folder``, in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, there), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.kill()
        process.join()


@dataclass(frozen=True)
class Asked:
    """What one file took."""

    path: str
    requests: int
    bytes: int
    equal: bool


@dataclass(frozen=True)
class Result:
    files: list[Asked]
    rate: float


def measure(folder: Path) -> Result:
    """Every base file in every edition, once."""
    verifier = noai.Verifier(trust=noai.TrustList(), depth=noai.Depth.DECISION)
    paths = [
        f"{edition}/{path.name}" for edition in EDITIONS for path in sorted((folder / edition).iterdir())
    ]
    local = {path: verifier.verify(folder / path).record() for path in paths}
    with served(folder) as root:
        urls = {f"{root}/{quote(path)}": path for path in paths}
        start = time.perf_counter()
        found = {
            judged.record["path"]: judged.record for judged in scan_remote(urls, verifier, unsafe_http=True)
        }
        seconds = time.perf_counter() - start
        with urlopen(root + COUNTS) as answer:
            counts = json.load(answer)
    files = [
        Asked(path, *counts[path], _told(found[url]) == _told(local[path])) for url, path in urls.items()
    ]
    return Result(files, len(files) / seconds)


def _told(record: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on where a file is."""
    return {name: value for name, value in record.items() if name not in ("path", "mtime_ns")}


def remote_table(result: Result) -> str:
    rows = []
    for edition in EDITIONS:
        suffixes = sorted({Path(one.path).suffix for one in result.files})
        for suffix in suffixes:
            some = [f for f in result.files if f.path.startswith(f"{edition}/") and f.path.endswith(suffix)]
            rows.append((f"{suffix[1:]}, {edition}", *_means(some)))
    for name, small in (("a cover of 90 KB at most, or none", True), ("a larger cover", False)):
        some = [one for one in result.files if one.path.startswith("unmarked/") and _is_small(one) is small]
        rows.append((f"unmarked, {name}", *_means(some)))
    rows.append(("all", *_means(result.files)))
    return table(("", "files", "requests a file", "KiB a file"), rows)


def _is_small(file: Asked) -> bool:
    """Whether all that is looked at but the end stands in front: names begin with the number of the track."""
    return MIX[int(Path(file.path).name.split()[0])].cover in SMALL_COVERS


def _means(files: list[Asked]) -> tuple[str, str, str]:
    requests = sum(one.requests for one in files) / len(files)
    size = sum(one.bytes for one in files) / len(files)
    return str(len(files)), f"{requests:.2f}", f"{size / KIB:.0f}"


def remote_bounds(result: Result) -> list[Bound]:
    bounds = []
    for name, files in (
        ("unmarked mix", [one for one in result.files if one.path.startswith("unmarked/")]),
        ("marked or not", result.files),
    ):
        requests = sum(one.requests for one in files) / len(files)
        size = sum(one.bytes for one in files) / len(files)
        what = f"remote, {name}"
        bounds.append(Bound(what, "≤ 2 requests a file", f"{requests:.2f}", requests <= REQUESTS))
        bounds.append(Bound(what, "≤ 128 KiB a file", f"{size / KIB:.0f} KiB", size <= BYTES))
    equal = sum(one.equal for one in result.files)
    text = f"{equal} of {len(result.files)}"
    return [
        *bounds,
        Bound("remote verdicts equal to local ones", "all", text, equal == len(result.files)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where the corpus is kept")
    arguments = parser.parse_args()
    result = measure(ready(arguments.folder))
    print(remote_table(result))
    print(f"\n{result.rate:,.0f} files/s from this machine to itself")
    for one in result.files:
        if not one.equal:
            print(f"not the local verdict: {one.path}")


if __name__ == "__main__":
    main()
