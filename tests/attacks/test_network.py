"""A file that names a manifest elsewhere must not make its checker ask for it."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import c2pa
import pytest

from noai.codes import Code
from noai.trust import TrustList
from noai.verdict import Decision
from noai.verifying import verify
from tests.audio import SAMPLES
from tests.manifests import foreign

EMBEDDING = ["tune.mp3", "tune.flac", "tune.wav", "tune.m4a"]


class Listener:
    """A server on loopback that remembers every request, whoever makes it, native code included."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.requests.append(self.path)
                self.send_response(404)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/m.c2pa"


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.mark.parametrize("track", EMBEDDING)
def test_a_remote_manifest_is_reported_and_never_asked_for(track: str, listener: Listener) -> None:
    data = foreign(SAMPLES / "unmarked" / track, [], remote_url=listener.url)
    verdict = verify(data, trust=TrustList())
    assert listener.requests == []
    assert verdict.decision is Decision.UNDECIDED
    assert Code.REMOTE_MANIFEST in {reason.code for reason in verdict.reasons}


def test_the_listener_would_have_heard_it(listener: Listener) -> None:
    """The witness: with its own settings the C2PA library does ask."""
    data = foreign(SAMPLES / "unmarked" / "tune.mp3", [], remote_url=listener.url)
    with pytest.raises(c2pa.C2paError):
        c2pa.Reader("audio/mpeg", io.BytesIO(data))
    assert listener.requests == ["/m.c2pa"]
