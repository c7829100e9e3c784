"""Objects in a server process that speaks the JSON interface of Google Cloud Storage."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from urllib.parse import quote

import fsspec.config
import pytest

from noai import Verifier
from noai.corpus.remote import RemoteStats, expand, open_remote, scan_remote
from noai.errors import SourceChanged, SourceMissing
from noai.verdict import Decision
from tests.audio import SAMPLES
from tests.corpus.remote.conftest import HASTY, Process, free_port, sample_verifier, samples, told
from tests.corpus.remote.test_http import DENIAL

UNMARKED = (SAMPLES / "unmarked" / "tune.flac").read_bytes()
Put = Callable[[str, bytes], None]


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Iterator[Put]:
    """Puts an object into the bucket ``audio``."""
    port = str(free_port())
    start = ("start", "--host", "127.0.0.1", "--port", port, "--in-memory", "--default-bucket", "audio")
    process = Process("-m", "gcp_storage_emulator", *start, says="All services started")
    root = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", root)
    monkeypatch.setitem(fsspec.config.conf, "gs", {"token": "anon"})
    monkeypatch.setitem(fsspec.config.conf, "gcs", {"token": "anon"})

    def upload(key: str, data: bytes) -> None:
        url = f"{root}/upload/storage/v1/b/audio/o?uploadType=media&name={quote(key, safe='')}"
        headers = {"Content-Type": "application/octet-stream"}
        request = urllib.request.Request(url, data, headers, method="POST")
        with urllib.request.urlopen(request) as answer:
            answer.read()

    yield upload
    process.end()


def test_everything_below_a_prefix_is_judged_as_the_files_are(put: Put, verifier: Verifier) -> None:
    for path in samples():
        put(f"set/{path.parent.name}/{path.name}", path.read_bytes())
    stats = RemoteStats()
    found = list(scan_remote(["gs://audio/set/"], verifier, ordered=True, patience=HASTY, stats=stats))
    local = {f"gs://audio/set/{path.parent.name}/{path.name}": verifier.verify(path) for path in samples()}
    assert [judged.record["path"] for judged in found] == sorted(local)
    for judged in found:
        assert told(judged.record) == told(local[judged.record["path"]].record())
    assert (stats.objects, stats.listings, stats.retries) == (len(local), 1, 0)


def test_names_and_sidecars(put: Put) -> None:
    for name in ("a b.flac", "ä/四.flac", "q?x=1.flac"):
        put(f"set/{name}", UNMARKED)
    put("set/a b.xmp", DENIAL)
    urls = [each.url for each in expand("gs://audio/set/", patience=HASTY)]
    assert urls == [f"gs://audio/set/{name}" for name in ("a b.flac", "a b.xmp", "q?x=1.flac", "ä/四.flac")]
    found = [
        each for each in scan_remote(["gs://audio/set/"], sample_verifier(), ordered=True) if not each.skipped
    ]
    decisions = [judged.decision for judged in found]
    assert decisions == [Decision.REJECTED, Decision.UNRESERVED, Decision.UNRESERVED]


def test_what_is_missing_or_becomes_shorter_says_so(put: Put) -> None:
    with pytest.raises(SourceMissing), open_remote("gs://audio/none.flac", patience=HASTY):
        pass
    put("a.flac", UNMARKED)
    with open_remote("gs://audio/a.flac", patience=HASTY) as source:
        put("a.flac", UNMARKED[:-1])
        with pytest.raises(SourceChanged):
            source.read_at(source.size - 10, 10)
    (nothing,) = scan_remote(["gs://audio/empty/"], sample_verifier(), patience=HASTY)
    assert nothing.record["error"]["code"] == "source_missing"
