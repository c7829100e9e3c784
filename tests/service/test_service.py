"""What surrounds the two verbs: addresses, headers, hosts, logs, counters, and the end."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from noai.service import Pace, Settings, service
from noai.service.logs import JsonLines
from noai.service.problems import Kind
from noai.service.running import listen
from noai.service.settings import Marking
from tests.audio import SAMPLES
from tests.service.live import BEARER, FORM, TOKEN, Live, form, head, is_alive, read_answer, served, signing
from tests.signers import signer

TUNE = (SAMPLES / "marked" / "tune.mp3").read_bytes()


# -- addresses -------------------------------------------------------------------------------------


def test_what_there_is_to_know(live: Live) -> None:
    told = live.ask("GET", "/v1/identity").json
    assert (told["marking"], told["identity"]["subject"], told["max_bytes"]) == (True, "ana", 2**20)
    assert told["profiles"] == ["no-ai", "no-training", "no-generative"]
    assert len(told["uses"]) == 5
    assert live.ask("GET", "/healthz").json == {"status": "ok"}
    assert live.ask("HEAD", "/healthz").body == b""
    assert live.ask("GET", "/openapi.json").json["openapi"] == "3.1.0"


def test_the_page_may_do_nothing_but_what_it_does(live: Live) -> None:
    answer = live.ask("GET", "/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    page = answer.body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|https?://", page)
    for name in re.findall(r'(?:src|href)="([\w.-]+)"', page):
        file = live.ask("GET", f"/{name}")
        assert file.status == 200
        again = live.ask("GET", f"/{name}", If_None_Match=file.headers["etag"])
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/v1/identity", "/healthz", "/metrics", "/nowhere", "/v1/verify"])
def test_every_answer_is_kept_to_itself(live: Live, path: str) -> None:
    headers = live.ask("GET", path, Origin="https://evil.example").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_what_is_not_there(live: Live) -> None:
    for path in (
        "/nowhere",
        "/v1",
        "/v1/",
        "/v1/verify/",
        "/page/index.html",
        "/../app.py",
        "/%2e%2e/app.py",
        "//x",
    ):
        live.ask("GET", path).refuses(404, "not-found")
    answer = live.ask("GET", "/v1/verify")
    answer.refuses(405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"
    live.ask("OPTIONS", "/v1/verify").refuses(405, "method-not-allowed")
    live.ask("BREW", "/").refuses(405, "method-not-allowed")


@pytest.mark.parametrize(
    ("host", "known"),
    [
        *(("localhost", True), ("127.0.0.1:1", True), ("127.8.8.8", True), ("[::1]:8642", True)),
        *(("noai.example", True), ("NOAI.Example.:443", True), ("LOCALHOST", True)),
        *(("evil.example", False), ("localhost.evil.example", False), ("noai.example.evil", False)),
        *(
            ("192.0.2.1", False),
            ("[::2]", False),
            ("", False),
            ("localhost:x", False),
            ("a@localhost", False),
        ),
        *(("localhost, evil.example", False), ("localhost/", False), ("[localhost]", False)),
    ],
)
def test_only_known_hosts_are_answered(live: Live, host: str, known: bool) -> None:
    answer = live.raw(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    if known:
        assert answer.status == 200
    else:
        answer.refuses(421, "wrong-host")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        head(Transfer_Encoding="chunked") + b"4\r\nabcd\r\nzz\r\n",
        b"GET\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_problem_as_well(live: Live, request_: bytes) -> None:
    answer = live.raw(request_)
    answer.refuses(400, "bad-request")
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert live.left() == []


def test_pages_of_other_sites_have_nothing_done(live: Live) -> None:
    """Without CORS they cannot read the answer, but could keep every worker busy."""
    for path in ("/v1/verify", "/v1/mark"):
        live.ask("POST", path, form(TUNE), **FORM, **BEARER, Sec_Fetch_Site="cross-site").refuses(
            403, "cross-site"
        )
    for site in ("same-origin", "none"):
        assert live.ask("POST", "/v1/verify", form(TUNE), **FORM, Sec_Fetch_Site=site).status == 200
    # A link to the page.
    assert live.ask("GET", "/", Sec_Fetch_Site="cross-site").status == 200


def test_a_path_in_front_of_addresses(tmp_path: Path) -> None:
    with served(tmp_path, "--root-path", "/noai") as live:
        assert live.verify(TUNE).json["decision"] == "rejected"
        assert live.ask("GET", "/openapi.json").json["servers"] == [{"url": "/noai"}]
        assert {line["path"] for line in live.requests(2)} == {"/v1/verify", "/openapi.json"}


def test_where_it_listens(tmp_path: Path) -> None:
    with served(tmp_path, "--host", "0.0.0.0") as live:
        assert live.ask("GET", "/healthz").status == 200
        (warning,) = [line for line in live.lines() if line["level"] == "warning"]
        assert "TLS" in warning["message"]


# -- logs and counters -----------------------------------------------------------------------------


def test_logs_tell_what_happened_and_name_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as live:
        live.verify(TUNE, "My secret song.mp3")
        live.verify(b"", "My secret song.mp3")
        live.mark(TUNE, "My secret song.mp3", holder="My secret holder")
        live.ask("GET", "/My-secret-song.mp3?token=secret")
        live.ask("SECRET", "/")
        live.ask("POST", "/v1/verify?use=secret", TUNE, Cookie="secret", User_Agent="secret")
        live.ask("GET", "/", Host="secret.example")
        live.raw(b"secret\r\n\r\n")
        requests = live.requests(7)
        assert "secret" not in live.log.read_text("ascii").lower()
    told = Counter(
        tuple(line.get(name) for name in ("method", "path", "status", "decision")) for line in requests
    )
    assert told == Counter(
        [
            ("POST", "/v1/verify", 200, "rejected"),
            ("POST", "/v1/verify", 200, "undecided"),
            ("POST", "/v1/mark", 403, None),
            ("GET", "other", 404, None),
            ("other", "/", 405, None),
            ("POST", "/v1/verify", 400, None),
            ("GET", "/", 421, None),
        ]
    )
    assert len(form(TUNE, "My secret song.mp3")) in {line["bytes"] for line in requests}
    assert all(line["ms"] >= 0 and re.fullmatch(r"\d{4}-.*Z", line["time"]) for line in requests)


def test_counters(live: Live) -> None:
    verified = 'noai_requests_total{method="POST",path="/v1/verify",status="200"}'
    before = live.counted(verified), live.counted('noai_verdicts_total{decision="rejected"}')
    live.verify(TUNE)
    live.ask("GET", "/a-name-that-somebody-made-up")
    assert live.counted(verified) == before[0] + 1
    assert live.counted('noai_verdicts_total{decision="rejected"}') == before[1] + 1
    assert live.counted("process_resident_memory_bytes") > 0
    assert live.counted("noai_uploads") == 0
    assert b"made-up" not in live.ask("GET", "/metrics").body


def test_the_level_of_logs(tmp_path: Path) -> None:
    with served(tmp_path, "--log-level", "debug") as live:
        live.ask("GET", "/healthz")
        assert [line["path"] for line in live.requests()] == ["/healthz"]


# -- bugs --------------------------------------------------------------------------------------------


def ask(app: ASGIApp, path: str, **arguments: Any) -> httpx.Response:
    """One POST to an application in this process."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(path, **arguments)

    return asyncio.run(send())


def test_a_bug_is_no_verdict(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("My secret song.mp3")

    monkeypatch.setattr("noai.service.marks.mark_file", fail)
    app = service(Settings(marking=Marking.of(signer(), TOKEN)))
    with caplog.at_level(logging.INFO):
        answer = ask(
            app, "/v1/mark", content=form(TUNE), headers={**FORM, "Authorization": f"Bearer {TOKEN}"}
        )
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:noai:problem:internal")
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    (error,) = [line["error"] for line in lines if line["level"] == "error"]
    assert error.startswith("RuntimeError in fail")
    assert [line["status"] for line in lines if line["message"] == "request"] == [500]
    assert "secret" not in json.dumps(lines) + answer.text


def test_a_bug_within_a_verdict_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noai.verifying.Verifier.examine", lambda *_, **__: 1 / 0)
    record = ask(service(), "/v1/verify", files={"file": TUNE}).json()
    assert (record["decision"], record["admitted"]) == ("undecided", False)


def test_a_signer_that_expired_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    from noai import signing

    settings = Settings(marking=Marking.of(signer(), TOKEN))
    later = signing.now() + timedelta(days=365 * 50)
    monkeypatch.setattr("noai.signing.now", lambda: later)
    answer = ask(
        service(settings),
        "/v1/mark",
        content=form(TUNE),
        headers={**FORM, "Authorization": f"Bearer {TOKEN}"},
    )
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:noai:problem:cannot-sign")


def test_kinds_of_problems_are_told_apart() -> None:
    assert len({kind.type for kind in Kind}) == len(Kind)


# -- the end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_at_work_is_finished(tmp_path: Path, number: signal.Signals) -> None:
    body = form(TUNE)
    with served(tmp_path) as live, live.connect() as line, live.connect():
        line.sendall(head(len(body), **FORM) + body[:-100])
        while live.counted("noai_uploads") < 1:
            assert is_alive(live.process)
        live.process.send_signal(number)
        while _accepts(live):
            assert is_alive(live.process)
        line.sendall(body[-100:])
        assert read_answer(line).json["decision"] == "rejected"
        assert live.process.wait(60) == 0
        assert live.left() == []
        assert live.lines()[-1]["message"] == "stopped"


def _accepts(live: Live) -> bool:
    try:
        live.connect().close()
    except ConnectionError:
        return False
    return True


def test_what_takes_too_long_is_not_waited_for(tmp_path: Path) -> None:
    with served(tmp_path, "--stop-seconds", "0") as live, live.connect() as line:
        line.sendall(head(100_000) + b"x" * 50_000)
        while live.counted("noai_uploads") < 1:
            assert is_alive(live.process)
        assert live.stop() == 0
        assert live.left() == []


def test_an_answer_that_nobody_takes_is_given_up(tmp_path: Path) -> None:
    """A client that asks for a large file and does not read it holds nothing for long."""
    data = (SAMPLES / "unmarked" / "tune.wav").read_bytes()
    body = form(_long(data), "tune.wav")
    options = ("--identity", "ana", "--idle-seconds", "1")
    with served(tmp_path, *options, **signing(tmp_path)) as live, socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        line.connect(("127.0.0.1", live.port))
        line.sendall(head(len(body), "/v1/mark", **FORM, **BEARER) + body)
        (request,) = live.requests(1)
        assert (request["path"], request["status"]) == ("/v1/mark", 499)
        assert "error" not in {line["level"] for line in live.lines()}
        assert live.left() == []
        assert live.mark(TUNE).status == 200


def _long(wav: bytes) -> bytes:
    """A WAV file with its audio many times over: more than sockets hold."""
    at = wav.index(b"data")
    audio = wav[at + 8 : at + 8 + int.from_bytes(wav[at + 4 : at + 8], "little")]
    audio = audio * (16 * 2**20 // len(audio))
    inside = wav[8:at] + b"data" + len(audio).to_bytes(4, "little") + audio
    return b"RIFF" + len(inside).to_bytes(4, "little") + inside


def test_a_place_is_taken_until_the_answer_is(tmp_path: Path) -> None:
    """What is marked lies on the disk until its client has it."""
    body = form(_long((SAMPLES / "unmarked" / "tune.wav").read_bytes()), "tune.wav")
    with served(tmp_path, "--identity", "ana", "--queue", "1", **signing(tmp_path)) as live:
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            line.connect(("127.0.0.1", live.port))
            line.sendall(head(len(body), "/v1/mark", **FORM, **BEARER) + body)
            assert line.recv(12) == b"HTTP/1.1 200"
            assert live.counted("noai_uploads") == 1
            live.verify(TUNE).refuses(503, "busy")
        while live.counted("noai_uploads"):
            assert is_alive(live.process)
        assert live.verify(TUNE).status == 200


def test_a_download_has_an_end(tmp_path: Path) -> None:
    """Whoever takes a little now and then gets no more time than for an upload."""
    body = form(_long((SAMPLES / "unmarked" / "tune.wav").read_bytes()), "tune.wav")
    options = ("--identity", "ana", "--upload-seconds", "5", "--idle-seconds", "600")
    with served(tmp_path, *options, **signing(tmp_path)) as live, socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        line.connect(("127.0.0.1", live.port))
        line.sendall(head(len(body), "/v1/mark", **FORM, **BEARER) + body)
        assert line.recv(12) == b"HTTP/1.1 200"
        while live.counted("noai_uploads"):
            line.recv(1_024)
            assert is_alive(live.process)
        (marked,) = [told for told in live.requests() if told["path"] == "/v1/mark"]
        assert marked["status"] == 499


def test_pace_has_sensible_defaults() -> None:
    pace = Pace()
    assert pace.idle < pace.stop < pace.judge < pace.upload


def test_answers_do_not_wait_for_the_client_to_acknowledge_their_first_half() -> None:
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
