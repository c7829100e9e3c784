"""Servers for the tests of objects elsewhere; nothing of the caller's proxies, credentials and endpoints."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from noai import TrustList, Verifier
from noai.corpus.remote import Patience
from noai.report import Depth
from noai.trust import entries_from_pem
from tests.audio import SAMPLES
from tests.corpus.remote.range_server import RangeServer

_EXPECTED: Final = json.loads((SAMPLES / "expected.json").read_text("utf-8"))
_FOREIGN: Final = ("AWS_", "GOOGLE_", "FSSPEC_", "STORAGE_EMULATOR_HOST", "BOTO_")

#: Asks as often as it does in earnest, and waits next to nothing in between.
HASTY: Final = Patience(first=0.001, most=0.01)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith(_FOREIGN) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", os.devnull)


@pytest.fixture
def server() -> Iterator[RangeServer]:
    server = RangeServer()
    yield server
    server.close()


@pytest.fixture(params=list(Depth))
def verifier(request: pytest.FixtureRequest) -> Verifier:
    """By the clock and the trust list that the sample files are made for, at both depths."""
    return sample_verifier(request.param)


def sample_verifier(depth: Depth = Depth.DECISION) -> Verifier:
    pem = (SAMPLES / _EXPECTED["trust"]).read_bytes()
    trust = TrustList(tuple(entries_from_pem(pem, "sample")))
    return Verifier(trust=trust, now=datetime.fromisoformat(_EXPECTED["now"]), depth=depth)


def samples() -> list[Path]:
    """All sample files: unmarked, marked, tampered with."""
    found = sorted(path for path in SAMPLES.glob("*/*") if path.suffix != ".py")
    assert {path.parent.name for path in found} >= {"unmarked", "marked", "tampered"}
    return found


def told(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what must differ from machine to machine."""
    return {name: value for name, value in record.items() if name not in ("path", "mtime_ns")}


class Process:
    """A server process that says when, and perhaps where, it can be reached."""

    def __init__(self, *command: str, says: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        )
        assert self._process.stdout is not None
        self._said = self._process.stdout
        #: What it says.
        self.told = self._found(says)
        # A pipe that nobody reads would hold the server up.
        self._reader = threading.Thread(target=lambda: deque(self._said, maxlen=0))
        self._reader.start()

    def _found(self, says: str) -> str:
        lines = []
        for line in self._said:
            lines.append(line)
            found = re.search(says, line)
            if found is not None:
                return found[0]
        pytest.fail("".join(lines), pytrace=False)

    def end(self) -> None:
        self._process.kill()
        self._reader.join()
        self._said.close()
        self._process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port
