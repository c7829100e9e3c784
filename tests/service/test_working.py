"""Work that takes long, that nobody waits for any more, or that does not end."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import noai
from noai.errors import SourceError
from noai.report import Depth, Report
from noai.service import Pace, Settings, service
from noai.service.working import Switch
from noai.sources import ByteSource
from noai.verifying import Verifier
from tests.audio import SAMPLES
from tests.service.live import BEARER, FORM, Live, form, head, is_alive, read_answer, served, signing
from tests.service.test_service import ask
from tests.signers import signer

TUNE = (SAMPLES / "marked" / "tune.mp3").read_bytes()
#: ADTS frames without audio in them: half a million to mark take several seconds.
FRAME = bytes([0xFF, 0xF1, 0x50, 0x80, 0x01, 0x1F, 0xFC, 0x00])
SLOW = form(FRAME * 2**21, "slow.aac")


def test_a_verdict_that_takes_too_long_is_undecided(tmp_path: Path) -> None:
    with served(tmp_path, "--judge-seconds", "1e-9") as live:
        record = live.verify(TUNE).json
        assert (record["decision"], record["admitted"]) == ("undecided", False)
        assert record["error"]["code"] == "source_unreadable"
        assert "took more than 1e-09 s" in record["error"]["message"]
        unmarked = live.verify((SAMPLES / "unmarked" / "tune.flac").read_bytes()).json
        assert (unmarked["decision"], unmarked["admitted"]) == ("undecided", False)


def test_a_mark_that_takes_too_long_is_none(tmp_path: Path) -> None:
    options = ("--judge-seconds", "1e-9", "--identity", "ana")
    with served(tmp_path, *options, **signing(tmp_path)) as live:
        live.mark((SAMPLES / "unmarked" / "tune.mp3").read_bytes()).refuses(503, "took-too-long")
        assert live.left() == []


def test_what_was_given_up_admits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if something made nothing of a read that failed."""

    def examine(self: Verifier, data: ByteSource, **_: object) -> Report:
        with suppress(SourceError):
            data.read_at(0, 1)
        return Report(None, "mp3", data.size, None, Depth.EVIDENCE)

    monkeypatch.setattr(Verifier, "examine", examine)
    assert ask(service(), "/v1/verify", files={"file": TUNE}).json()["admitted"] is True
    late = service(Settings(pace=Pace(judge=1e-9)))
    assert ask(late, "/v1/verify", files={"file": TUNE}).json()["decision"] == "undecided"


def test_a_switch_says_why() -> None:
    switch = Switch(1_000)
    assert switch.run(lambda _: switch.ask()) is None
    switch.stop()
    with pytest.raises(SourceError, match="nobody waits"):
        switch.run(lambda _: switch.ask())


@contextmanager
def _at_work(live: Live) -> Iterator[socket.socket]:
    """A line whose upload is being marked."""
    with live.connect() as line:
        line.sendall(head(len(SLOW), "/v1/mark", **FORM, **BEARER) + SLOW)
        while not any(path.stat().st_size == 2**24 for path in live.temporary.glob("*/upload")):
            assert is_alive(live.process)
        yield line


def test_when_a_client_goes_away_so_does_the_work(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "1", "--identity", "ana", **signing(tmp_path)) as live:
        with _at_work(live):
            pass
        (request,) = live.requests(1)
        assert (request["status"], request.get("outcome")) == (499, None)
        assert live.left() == []
        assert live.verify(TUNE).status == 200


def test_what_waits_for_a_worker_goes_with_its_client(tmp_path: Path) -> None:
    with (
        served(tmp_path, "--workers", "1", "--identity", "ana", **signing(tmp_path)) as live,
        _at_work(live),
    ):
        with live.connect() as line:
            body = form(TUNE)
            line.sendall(head(len(body), **FORM) + body)
            while live.counted("noai_uploads") < 2:
                assert is_alive(live.process)
            # All of it is there, and a worker is not, as soon as the server has had time for others again.
            for _ in range(5):
                assert live.ask("GET", "/healthz").status == 200
        told: dict[str, int] = {}
        while "/v1/verify" not in told:
            told = {each["path"]: each["status"] for each in live.requests()}
        assert told["/v1/verify"] == 499
        assert "/v1/mark" not in told


def test_stopping_gives_up_what_is_at_work(tmp_path: Path) -> None:
    options = ("--stop-seconds", "0", "--identity", "ana")
    with served(tmp_path, *options, **signing(tmp_path)) as live, _at_work(live) as line:
        live.process.terminate()
        read_answer(line).refuses(503, "stopping")
        assert live.process.wait(60) == 0
        assert live.left() == []
        assert ("/v1/mark", 503) in {(told.get("path"), told.get("status")) for told in live.lines()}
        assert "Exception in ASGI application" not in {told["message"] for told in live.lines()}


def _children(live: Live) -> list[int]:
    return [
        int(number)
        for task in Path(f"/proc/{live.process.pid}/task").iterdir()
        for number in (task / "children").read_text("ascii").split()
    ]


def test_stopping_leaves_what_cannot_be_given_up(tmp_path: Path) -> None:
    """A thread that waits for another process reads nothing, so that it cannot be told to end."""
    data = noai.mark((SAMPLES / "unmarked" / "tune.flac").read_bytes(), signer=signer())
    with served(tmp_path, "--stop-seconds", "0") as live:
        assert live.verify(data).json["decision"] == "rejected"
        (worker,) = _children(live)
        try:
            os.kill(worker, signal.SIGSTOP)
            body = form(data)
            with live.connect() as line:
                line.sendall(head(len(body), **FORM) + body)
                while live.counted("noai_uploads") < 1:
                    assert is_alive(live.process)
                assert live.stop() == 0
                read_answer(line).refuses(503, "stopping")
        finally:
            os.kill(worker, signal.SIGKILL)
        assert live.lines()[-1]["message"] == "what was at work did not end, and was left"
        assert live.left() == []
