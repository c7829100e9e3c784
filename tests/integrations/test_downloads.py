"""A downloader over real servers, which keeps nothing that a site or a file reserves."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.pool import ThreadPool
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.error import HTTPError
from urllib.parse import quote, urljoin
from urllib.request import Request, build_opener, urlopen

import pytest

from noai.codes import Code
from noai.errors import UsageError
from noai.http import UNREADABLE
from noai.integrations.downloads import DownloadGate, Redirections, document
from noai.integrations.gate import Gate
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.verdict import Decision, Verdict
from tests.audio import SAMPLES
from tests.integrations.thousand import Corpus

URL = "https://music.example/a/tune.flac"
CLEAN = (SAMPLES / "unmarked" / "tune.flac").read_bytes()
MARKED = (SAMPLES / "marked" / "tune.flac").read_bytes()
ROBOTS = "User-agent: *\nContent-Usage: /disc%203/ train-ai=n\n"
TDMREP = json.dumps([{"location": "/disc%204/*", "tdm-reservation": 1}])
#: What the site says of its folders, the last of it to others only.
HEADERS = {
    "/disc%200/": ("X-Robots-Tag", "noai"),
    "/disc%201/": ("TDM-Reservation", "1"),
    "/disc%202/": ("Content-Usage", "train-ai=n"),
    "/disc%205/": ("X-Robots-Tag", "otherbot: noai"),
}
RESERVED = tuple(f"disc {number}/" for number in range(5))


class Site(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    documents: ClassVar[dict[str, tuple[int, str]]] = {}

    def do_GET(self) -> None:
        if self.path not in self.documents:
            super().do_GET()
            return
        status, text = self.documents[self.path]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", text)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def end_headers(self) -> None:
        for folder, header in HEADERS.items():
            if self.path.startswith(folder):
                self.send_header(*header)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(root: Path, documents: dict[str, tuple[int, str]]) -> Iterator[str]:
    handler = partial(type("Served", (Site,), {"documents": documents}), directory=root)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def fetch(url: str) -> tuple[int | None, Any, bytes]:
    try:
        with urlopen(Request(url, headers={"User-Agent": "MyBot"})) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.headers, b""


def download(root: str, names: list[str], folder: Path) -> dict[str, Verdict]:
    """What each name came to; what is admitted is in ``folder`` afterwards."""
    gate = DownloadGate(user_agent="MyBot")
    documents: dict[str, Any] = {
        "robots_txt": document(*fetch(urljoin(root, "robots.txt"))[::2]),
        "tdmrep": document(*fetch(urljoin(root, ".well-known/tdmrep.json"))[::2]),
    }

    def one(name: str) -> Verdict:
        url = urljoin(root, quote(name))
        _, headers, body = fetch(url)
        verdict = gate.verdict(url, headers, body, **documents)
        if verdict.admitted:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body)
        return verdict

    with ThreadPool(8) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def test_a_downloader_keeps_nothing_that_is_reserved(thousand: Corpus, tmp_path: Path) -> None:
    names = sorted(thousand.relative(thousand.paths))
    documents = {"/robots.txt": (200, ROBOTS), "/.well-known/tdmrep.json": (200, TDMREP)}
    with serving(thousand.root, documents) as root:
        verdicts = download(root, names, tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written
    assert written == {name for name in thousand.relative(thousand.kept) if not name.startswith(RESERVED)}
    assert all((tmp_path / name).read_bytes() == (thousand.root / name).read_bytes() for name in written)
    for name, verdict in verdicts.items():
        decision = thousand.records[str(thousand.root / name)]["decision"]
        assert verdict.decision.value == ("rejected" if name.startswith(RESERVED) else decision)


def test_a_site_that_says_nothing_leaves_it_to_the_files(thousand: Corpus, tmp_path: Path) -> None:
    names = sorted(thousand.relative(thousand.paths[500::7]))
    with serving(thousand.root, {}) as root:
        download(root, names, tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    reserved = RESERVED[:3]  # headers alone
    kept = thousand.relative(thousand.kept)
    assert written == {name for name in names if name in kept and not name.startswith(reserved)}


def test_what_a_site_fails_to_say_leaves_nothing_decided(thousand: Corpus, tmp_path: Path) -> None:
    names = sorted(thousand.relative(thousand.paths[600::20]))
    with serving(thousand.root, {"/robots.txt": (503, "")}) as root:
        verdicts = download(root, names, tmp_path)
    assert not list(tmp_path.iterdir())
    assert {verdict.decision for verdict in verdicts.values()} == {Decision.UNDECIDED, Decision.REJECTED}


def follow(url: str) -> Verdict:
    """What an address came to, with every site on the way to it asked."""
    gate, redirections = DownloadGate(user_agent="MyBot"), Redirections()

    def documents(place: str) -> dict[str, Any]:
        return {
            "robots_txt": document(*fetch(urljoin(place, "/robots.txt"))[::2]),
            "tdmrep": document(*fetch(urljoin(place, "/.well-known/tdmrep.json"))[::2]),
        }

    with build_opener(redirections).open(url) as answer:
        body = answer.read()
    said = [gate.said(place, headers, **documents(place)) for place, headers in redirections.passed]
    beside = documents(answer.url)
    verdict = gate.verdict(answer.url, answer.headers, body, redirected=iter(said), **beside)
    denied = gate.refuses(*said, gate.said(answer.url, answer.headers, **beside))
    assert denied is (verdict.decision is Decision.REJECTED)
    return verdict


def test_a_site_that_leads_to_another_one_is_asked_too() -> None:
    with serving(SAMPLES / "unmarked", {}) as network:
        documents = {
            f"/disc%20{number}/a": (302, f"{network}tune.flac") for number in (1, 3, 4, 5)
        }  # the header of a redirection itself, robots.txt, tdmrep.json, and what is said to others
        documents |= {"/robots.txt": (200, ROBOTS), "/.well-known/tdmrep.json": (200, TDMREP)}
        documents |= {"/twice": (302, "/disc%203/a"), "/free": (302, f"{network}tune.flac")}
        with serving(SAMPLES, documents) as root:
            for name in ("disc%201/a", "disc%203/a", "disc%204/a", "twice"):
                assert follow(root + name).decision is Decision.REJECTED, name
            for name in ("free", "disc%205/a"):
                assert follow(root + name).admitted, name
        with serving(SAMPLES, documents | {"/robots.txt": (503, "")}) as root:
            assert follow(root + "free").decision is Decision.UNDECIDED


@pytest.mark.parametrize("depth", list(Depth))
def test_a_denial_in_either_rejects(depth: Depth, tmp_path: Path) -> None:
    gate = DownloadGate(Gate.of(depth=depth), "MyBot")
    path = tmp_path / "tune.flac"
    for body, admitted in ((CLEAN, True), (MARKED, False)):
        path.write_bytes(body)
        for source in (body, path, str(path), memoryview(body), bytearray(body)):
            assert gate.verdict(URL, {}, source).admitted is admitted
            said = gate.verdict(URL, {"tdm-reservation": "1"}, source)
            assert said.decision is Decision.REJECTED
    with open(path, "rb") as file:
        assert gate.verdict(URL, {}, file).decision is Decision.REJECTED
    verdict = gate.verdict(URL, {}, CLEAN)
    assert verdict.path == URL
    assert verdict.record()["size"] == len(CLEAN)


def test_it_is_known_before_the_body_is_read_that_a_site_refuses() -> None:
    gate = DownloadGate(user_agent="MyBot")
    said = gate.said(URL, [("X-Robots-Tag", "noai")])
    assert gate.refuses(said)
    assert not gate.refuses(gate.said(URL, [("X-Robots-Tag", "OtherBot: noai")]))
    assert gate.verdict(URL, [("X-Robots-Tag", "noai")]).decision is Decision.REJECTED
    unread = gate.verdict(URL, {})
    assert unread.decision is Decision.UNDECIDED
    assert unread.reasons[0].code is Code.SOURCE_MISSING


def _id(headers: object) -> str:
    """The same in every worker, which the address of an iterator is not."""
    return type(headers).__name__ if isinstance(headers, Iterator) else str(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": str(len(CLEAN) + 1)},  # a FLAC file that is cut short looks whole
        {"content-length": str(len(CLEAN) - 1)},
        {b"Content-Length": str(len(CLEAN) + 1).encode()},
        {"Content-Length": "0", "Content-Encoding": "identity"},
        {"Content-Range": f"bytes 0-{len(CLEAN) - 1}/{len(CLEAN) + 9}", "Content-Length": str(len(CLEAN))},
        {"Content-Range": f"bytes 0-{len(CLEAN) - 1}/*", "Content-Length": str(len(CLEAN))},
        None,
        7,
        [1],
        {"a": None},
        {1: "a"},
        iter([("Content-Length", "1")]),
        {"Content-Length": "many"},
        {"Content-Length": ""},
        {"Content-Length": f"{len(CLEAN)}, 9"},
        {"Content-Length": f"{len(CLEAN) + 1}, {len(CLEAN) + 1}"},
        {"Content-Length": str(len(CLEAN) + 1), "Content-Encoding": ""},
        {"Content-Length": str(len(CLEAN) + 1), "Content-Encoding": "Identity, "},
        # The headers of a redirection in front: its body was compressed, or as long as this one is.
        [("Location", URL), ("Content-Encoding", "gzip"), ("Content-Length", str(len(CLEAN) + 1))],
        [("Content-Length", str(len(CLEAN))), ("Location", URL), ("Content-Length", str(len(CLEAN) + 1))],
        [
            ("Content-Range", f"bytes 0-9/{len(CLEAN)}"),
            ("Content-Range", f"bytes 10-{len(CLEAN) - 1}/{len(CLEAN) + 9}"),
        ],
    ],
    ids=_id,
)
def test_a_body_that_the_headers_do_not_speak_of_is_undecided(headers: Any) -> None:
    assert DownloadGate().verdict(URL, headers, CLEAN).decision is Decision.UNDECIDED


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Length": str(len(CLEAN))},
        [("Content-Length", "0"), ("Location", URL), ("Content-Length", str(len(CLEAN)))],
        {"Content-Length": "9", "Content-Encoding": "gzip"},
        {"Content-Length": "9", "Content-Range": f"bytes 5-{len(CLEAN) - 1}/{len(CLEAN)}"},
        {"Content-Length": f"{len(CLEAN)}, {len(CLEAN)}", "Content-Encoding": "identity"},
        {"Content-Length": "9", "Content-Encoding": "identity, br"},
        iter([("Content-Length", str(len(CLEAN)))]),
    ],
    ids=_id,
)
def test_a_whole_body_is_judged(headers: Any) -> None:
    assert DownloadGate().verdict(URL, headers, CLEAN).admitted


def test_an_iterator_of_headers_is_heard_too() -> None:
    assert DownloadGate().verdict(URL, iter([("tdm-reservation", "1")]), CLEAN).decision is Decision.REJECTED


def test_what_is_no_address_is_undecided_and_what_is_no_source_an_error() -> None:
    for url in ("", "tune.flac", "/tune.flac", None, "https://a.example/" + "a" * 10_000):
        verdict = DownloadGate().verdict(url, {}, CLEAN)  # type: ignore[arg-type]
        assert verdict.decision is Decision.UNDECIDED
        verdict.record()
    with pytest.raises(UsageError):
        DownloadGate().verdict(URL, {}, 7)  # type: ignore[arg-type]
    for body in (b"", b"<html>"):
        assert DownloadGate().verdict(URL, {}, body).decision is Decision.UNDECIDED


def test_answers_without_a_document_are_told_apart() -> None:
    assert document(200, b"a") == b"a"
    assert document(404, b"a") is document(410) is None
    for status in (None, 204, 206, 301, 401, 403, 429, 500, 503):
        assert document(status, b"a") is UNREADABLE


def test_another_question_goes_along() -> None:
    gate = pickle.loads(pickle.dumps(DownloadGate(Gate.of(Policy(admission=Admission.OPT_IN)), "MyBot")))  # noqa: S301
    assert gate.user_agent == "MyBot"
    assert gate.verdict(URL, {}, CLEAN).decision is Decision.UNRESERVED
    assert not gate.verdict(URL, {}, CLEAN).admitted
