"""One verdict on a file and on what the site says of it; with a real server and a real client."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from noai.claim import ALL_USES, TRAINING_USES, Use
from noai.codes import Code
from noai.http import UNREADABLE, HttpSignals, signals
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.trust import TrustList
from noai.verdict import Decision
from noai.verifying import Verifier
from tests.audio import SAMPLES

URL = "https://example.org/audio/a.mp3"
UNMARKED = SAMPLES / "unmarked" / "tune.mp3"
MARKED = SAMPLES / "marked" / "tune.mp3"
EVIDENCE = Verifier(trust=TrustList())
DECISION = replace(EVIDENCE, depth=Depth.DECISION)
BROKEN = b"ID3\x04\x00\x00\x7f\x7f\x7f\x7fshort"


def reserved() -> HttpSignals:
    return signals(URL, {"X-Robots-Tag": "noai"})


CASES: list[tuple[HttpSignals, Path | bytes, Decision]] = [
    (HttpSignals(), UNMARKED, Decision.UNRESERVED),
    (HttpSignals(), MARKED, Decision.REJECTED),
    (HttpSignals(), BROKEN, Decision.UNDECIDED),
    (reserved(), UNMARKED, Decision.REJECTED),
    (reserved(), MARKED, Decision.REJECTED),
    (reserved(), BROKEN, Decision.REJECTED),
    (reserved(), SAMPLES / "no such file", Decision.REJECTED),
    # Permissions without proof open nothing.
    (signals(URL, {"Content-Usage": "train-ai=y, ai=y"}), UNMARKED, Decision.UNRESERVED),
    (signals(URL, {"Content-Usage": "train-ai=y, ai=y"}), MARKED, Decision.REJECTED),
    (signals(URL, {"tdm-reservation": "0"}), MARKED, Decision.REJECTED),
    # Denials of uses that nobody asks about reject nothing.
    (signals(URL, {"Content-Signal": "ai-input=no, search=no"}), UNMARKED, Decision.UNRESERVED),
    # What was not understood, or could not be had, is not nothing.
    (signals(URL, {"Content-Signal": "ai-train=perhaps"}), UNMARKED, Decision.UNDECIDED),
    (signals(URL, {"Content-Signal": "ai-train=perhaps"}), MARKED, Decision.REJECTED),
    (signals(URL, robots_txt=UNREADABLE), UNMARKED, Decision.UNDECIDED),
    (signals(URL, robots_txt="License: /l.xml"), UNMARKED, Decision.UNDECIDED),
    (signals(URL, {"tdm-policy": "/p.json"}), UNMARKED, Decision.UNRESERVED),
]


@pytest.mark.parametrize(("said", "source", "decision"), CASES)
@pytest.mark.parametrize("verifier", [EVIDENCE, DECISION], ids=["evidence", "decision"])
@pytest.mark.parametrize("admission", Admission)
def test_decisions(
    said: HttpSignals, source: Path | bytes, decision: Decision, verifier: Verifier, admission: Admission
) -> None:
    verdict = said.verdict(source, replace(verifier, policy=Policy(admission=admission)))
    assert verdict.decision is decision
    assert verdict.admitted is (decision is Decision.UNRESERVED and admission is Admission.OPT_OUT)
    assert all(finding in verdict.signals for finding in said.findings)
    assert verdict.record()["path"] == (None if isinstance(source, bytes) else str(source))


def test_what_was_asked_decides_whether_a_denial_rejects() -> None:
    said = signals(URL, {"Content-Signal": "ai-input=no"})
    assert said.denies == {Use.INFERENCE}
    asks = replace(EVIDENCE, policy=Policy(uses=(Use.INFERENCE,)))
    assert said.verdict(UNMARKED, asks).decision is Decision.REJECTED


def test_merging_adds_and_changes_nothing_else() -> None:
    report = EVIDENCE.report(MARKED)
    said = signals(URL, {"X-Robots-Tag": "noai"}, tdmrep=UNREADABLE)
    merged = said.merged(report)
    assert merged.findings == (*report.findings, *said.findings)
    assert merged.notes == (*report.notes, *said.notes)
    assert replace(merged, findings=report.findings, notes=report.notes) == report


def test_the_reasons_name_the_header() -> None:
    verdict = reserved().verdict(UNMARKED, EVIDENCE)
    (reason,) = verdict.reasons
    assert (reason.code, str(reason.source)) == (Code.RESERVED, "http")
    assert "response header x-robots-tag" in reason.message
    assert verdict.marked


class Site(SimpleHTTPRequestHandler):
    """A site that serves one file under many paths, and says something else about each."""

    well_known: ClassVar = {
        "/robots.txt": b"User-agent: *\nContent-Usage: /reserved/ train-ai=n\nUser-agent: OpenBot\nAllow: /",
        "/.well-known/tdmrep.json": b'[{"location": "/mined/", "tdm-reservation": 1}]',
    }

    def do_GET(self) -> None:
        body = self.well_known.get(self.path)
        if body is None:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def translate_path(self, path: str) -> str:
        return super().translate_path("/" + path.rpartition("/")[2])

    def end_headers(self) -> None:
        if self.path.startswith("/tagged/"):
            self.send_header("X-Robots-Tag", "OpenBot: noindex")
            self.send_header("X-Robots-Tag", "noai")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, directory=str(SAMPLES / "unmarked"))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def fetch(url: str) -> tuple[bytes, Any]:
    with urllib.request.urlopen(url) as answer:
        return answer.read(), answer.headers


@pytest.mark.parametrize(
    ("path", "agent", "decision"),
    [
        ("/free/tune.mp3", "AnyBot", Decision.UNRESERVED),
        ("/reserved/tune.mp3", "AnyBot", Decision.REJECTED),
        ("/reserved/tune.mp3", "OpenBot", Decision.UNRESERVED),
        ("/mined/tune.mp3", "OpenBot", Decision.REJECTED),
        ("/tagged/tune.mp3", "OpenBot", Decision.REJECTED),
    ],
)
def test_a_crawler_at_work(site: str, path: str, agent: str, decision: Decision) -> None:
    robots, _ = fetch(f"{site}/robots.txt")
    tdmrep, _ = fetch(f"{site}/.well-known/tdmrep.json")
    body, headers = fetch(site + path)
    assert body == UNMARKED.read_bytes()
    said = signals(site + path, headers, robots_txt=robots, tdmrep=tdmrep, user_agent=agent)
    assert said.verdict(body, EVIDENCE).decision is decision
    assert said.denies.isdisjoint(TRAINING_USES) is (decision is Decision.UNRESERVED)
    assert said.denies <= set(ALL_USES)
