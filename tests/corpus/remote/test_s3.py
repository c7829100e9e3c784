"""Objects in a real S3 server process: listed, read, replaced under way, refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from noai import Verifier
from noai.corpus import Passed, Selection
from noai.corpus.remote import RemoteStats, expand, open_remote, scan_remote
from noai.errors import SourceChanged, SourceForbidden, SourceMissing
from noai.verdict import Decision
from tests.audio import SAMPLES
from tests.corpus.remote.conftest import HASTY, Process, sample_verifier, samples, told
from tests.corpus.remote.test_http import DENIAL

UNMARKED = (SAMPLES / "unmarked" / "tune.flac").read_bytes()


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    says = r"http://127\.0\.0\.1:\d+"
    process = Process("-m", "moto.server", "-p", "0", says=says, MOTO_S3_DEFAULT_MAX_KEYS="50")
    yield process.told
    process.end()


@pytest.fixture
def bucket(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_ENDPOINT_URL": moto,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    made = boto3.Session().resource("s3").create_bucket(Bucket="audio")
    yield made
    made.objects.all().delete()
    made.delete()
    made.meta.client.close()


def keys(url: str, **options: Any) -> list[str]:
    return [found.url for found in expand(url, patience=HASTY, **options)]


def test_everything_below_a_prefix_is_judged_as_the_files_are(bucket: Any, verifier: Verifier) -> None:
    for path in samples():
        bucket.put_object(Key=f"set/{path.parent.name}/{path.name}", Body=path.read_bytes())
    bucket.put_object(Key="set/cover.jpg", Body=b"\xff\xd8 no audio")
    found = list(scan_remote(["s3://audio/set/"], verifier, ordered=True, patience=HASTY))
    assert [judged.skipped for judged in found].count(True) == 1
    local = {f"s3://audio/set/{path.parent.name}/{path.name}": verifier.verify(path) for path in samples()}
    judged = {each.record["path"]: each for each in found if not each.skipped}
    assert list(judged) == sorted(local)
    for url, verdict in local.items():
        assert told(judged[url].record) == told(verdict.record())
        assert judged[url].record["mtime_ns"] > 0


def test_no_more_is_asked_for_than_the_bytes(bucket: Any) -> None:
    for number in range(5):
        bucket.put_object(Key=f"{number}.flac", Body=UNMARKED)
    stats = RemoteStats()
    found = list(scan_remote(["s3://audio"], sample_verifier(), stats=stats, patience=HASTY))
    assert {judged.decision for judged in found} == {Decision.UNRESERVED}
    assert (stats.objects, stats.requests, stats.listings, stats.retries) == (5, 10, 1, 0)
    assert stats.bytes == 5 * (98304 + 24576)


def test_a_key_is_taken_as_it_is_written(bucket: Any) -> None:
    names = ["a b.flac", "ä/四.flac", "50%25.flac", "q?x=1.flac", "#.flac", "a+b.flac", "x//y.flac"]
    for name in names:
        bucket.put_object(Key=name, Body=UNMARKED)
    urls = [f"s3://audio/{name}" for name in names]
    assert keys("s3://audio/") == sorted(urls)
    found = scan_remote(urls, sample_verifier(), ordered=True, patience=HASTY)
    assert [judged.decision for judged in found] == [Decision.UNRESERVED] * len(names)


def test_a_prefix_is_listed_page_by_page_and_only_below_it(bucket: Any) -> None:
    for number in range(120):
        bucket.put_object(Key=f"set/{number:03}.mp3", Body=b"x")
    bucket.put_object(Key="settle.mp3", Body=b"x")
    bucket.put_object(Key="set/", Body=b"")
    stats = RemoteStats()
    assert keys("s3://audio/set/", stats=stats) == [
        f"s3://audio/set/{number:03}.mp3" for number in range(120)
    ]
    assert stats.listings == 3


def test_patterns_choose_below_the_prefix(bucket: Any) -> None:
    for name in ("a.mp3", "a.wav", "drafts/b.mp3", "c/drafts/d.mp3", "c/e.mp3"):
        bucket.put_object(Key=f"set/{name}", Body=b"x")
    passed = Passed()
    found = keys("s3://audio/set/", selection=Selection(["*.mp3"], ["drafts"]), passed=passed)
    assert found == ["s3://audio/set/a.mp3", "s3://audio/set/c/e.mp3"]
    assert passed.left_out == 3


@pytest.mark.parametrize("name", ["a.flac.xmp", "a.xmp", "a.XMP"])
def test_the_listing_tells_the_sidecars_and_they_are_read(bucket: Any, name: str) -> None:
    for key in ("a-1.flac", "a.flac", "a.flac.flac", "b.flac"):
        bucket.put_object(Key=f"set/{key}", Body=UNMARKED)
    bucket.put_object(Key=f"set/{name}", Body=DENIAL)
    stats = RemoteStats()
    found = scan_remote(["s3://audio/set/"], sample_verifier(), stats=stats, patience=HASTY)
    judged = {each.record["path"]: each for each in found if not each.skipped}
    rejected = {url for url, each in judged.items() if each.decision is Decision.REJECTED}
    # ``a.flac.xmp`` is named after ``a.flac``, and after ``a.flac.flac`` without its extension.
    both = {"s3://audio/set/a.flac", "s3://audio/set/a.flac.flac"}
    assert rejected == (both if name == "a.flac.xmp" else {"s3://audio/set/a.flac"})
    assert len(judged) == 4
    # Two for each track, one for each time that the sidecar is read, and one for itself.
    assert stats.requests == 8 + len(rejected) + 1


def test_an_object_that_is_replaced_under_way_is_noticed(bucket: Any) -> None:
    bucket.put_object(Key="a.flac", Body=UNMARKED)
    with open_remote("s3://audio/a.flac", patience=HASTY) as source:
        assert source.read_at(0, 4) == b"fLaC"
        bucket.put_object(Key="a.flac", Body=UNMARKED[:-1] + b"x")
        with pytest.raises(SourceChanged):
            source.read_at(source.size - 10, 10)


def test_an_empty_object_is_empty(bucket: Any) -> None:
    bucket.put_object(Key="a.flac", Body=b"")
    (judged,) = scan_remote(["s3://audio/a.flac"], sample_verifier(), patience=HASTY)
    assert judged.record["error"]["code"] == "source_empty"


@pytest.mark.parametrize("url", ["s3://audio/none.flac", "s3://nowhere/a.flac"])
def test_what_is_missing_says_so(bucket: Any, url: str) -> None:
    with pytest.raises(SourceMissing), open_remote(url, patience=HASTY):
        pass


@pytest.mark.parametrize("url", ["s3://audio/empty/", "s3://nowhere/", "s3://audio"])
def test_a_prefix_with_nothing_below_it_is_a_record(bucket: Any, url: str) -> None:
    (judged,) = scan_remote([url], sample_verifier(), patience=HASTY)
    assert (judged.decision, judged.skipped) == (Decision.UNDECIDED, False)
    assert judged.record["error"]["code"] == "source_missing"
    assert judged.record["path"] == url


def test_without_credentials_nothing_is_read(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put_object(Key="a.flac", Body=UNMARKED)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceForbidden), open_remote("s3://audio/a.flac", patience=HASTY):
        pass


def test_where_nobody_listens_a_listing_is_a_record(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = list(scan_remote(["s3://audio/set/", "s3://audio/a.flac"], sample_verifier(), patience=HASTY))
    assert {judged.record["error"]["code"] for judged in found} == {"source_unreadable"}
