"""Objects by HTTP, from a real server that answers well, badly and not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from noai import Verifier
from noai.codes import Code
from noai.corpus import Judged
from noai.corpus.remote import Patience, RemoteStats, open_remote, scan_remote
from noai.errors import SourceChanged, SourceError, SourceForbidden, SourceMissing, UsageError
from noai.verdict import Decision
from tests.audio import SAMPLES
from tests.corpus.remote.conftest import HASTY, sample_verifier, samples, told
from tests.corpus.remote.range_server import (
    Behaviour,
    Handler,
    Object,
    RangeServer,
    chunked,
    chunked_and_cut,
    claiming,
    cut,
    endless,
    first,
    hanging_up,
    ranged,
    redirecting,
    refusing,
    replaced,
    together,
    waiting_for,
    whole,
)

MARKED = SAMPLES / "marked" / "tune.flac"
#: 331 KB: start and end are two requests.
UNMARKED = SAMPLES / "unmarked" / "tune.flac"


def judged(url: str, **options: object) -> Judged:
    (only,) = scan_remote([url], sample_verifier(), patience=HASTY, **options)  # type: ignore[arg-type]
    return only


def undecided(url: str) -> str:
    """The code and message of what cannot be read."""
    only = judged(url)
    assert only.decision is Decision.UNDECIDED
    assert not only.admitted
    error = only.record["error"]
    return f"{error['code']}: {error['message']}"


# -- what is read well ----------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", [ranged, whole, chunked, first(1, cut), first(2, refusing(503))])
@pytest.mark.parametrize("path", samples(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_an_object_is_judged_as_the_file_is(
    server: RangeServer, verifier: Verifier, path: Path, behaviour: Behaviour
) -> None:
    url = server.put(f"/{path.name}", path.read_bytes(), behaviour)
    (remote,) = scan_remote([url], verifier, patience=HASTY)
    assert told(remote.record) == told(verifier.verify(path).record())
    assert remote.record["path"] == url


def test_every_range_starts_and_ends_at_a_byte_and_later_ones_name_the_version(server: RangeServer) -> None:
    only = judged(server.put("/tune.flac", UNMARKED.read_bytes()))
    assert only.record["mtime_ns"] == 783459811 * 10**9
    assert {method for method, _, _ in server.log} == {"GET"}
    assert [headers.get("if-match") for _, _, headers in server.log] == [None, '"one"']
    size = UNMARKED.stat().st_size
    assert server.ranges("/tune.flac") == ["bytes=0-98303", f"bytes={size - 24576}-{size - 1}"]


def test_a_weak_version_is_compared_and_not_made_a_condition(server: RangeServer) -> None:
    url = server.put("/tune.flac", UNMARKED.read_bytes(), etag='W/"weak"')
    assert judged(url).decision is Decision.UNRESERVED
    assert not any("if-match" in headers for _, _, headers in server.log)


def test_without_a_version_and_a_time_the_size_is_what_is_compared(server: RangeServer) -> None:
    url = server.put("/tune.flac", UNMARKED.read_bytes(), etag=None, modified=None)
    only = judged(url)
    assert only.decision is Decision.UNRESERVED
    assert only.record["mtime_ns"] is None


def test_any_bytes_can_be_read_in_any_order(server: RangeServer) -> None:
    data = bytes(range(256)) * 20_000
    with open_remote(server.put("/x.bin", data), patience=HASTY) as source:
        assert source.size == len(data)
        for offset, length in [
            (0, 10),
            (3_000_000, 8),
            (2_999_000, 2_000),
            (1_000, 4_000_000),
            (5_119_990, 99),
        ]:
            assert source.read_at(offset, length) == data[offset : offset + length]
        assert source.read_at(len(data), 10) == b""


def test_an_object_without_bytes_is_empty_and_not_unreserved(server: RangeServer) -> None:
    assert undecided(server.put("/none.mp3", b"")).startswith("source_empty")


def test_what_is_asked_again_is_counted(server: RangeServer) -> None:
    stats = RemoteStats()
    url = server.put("/tune.flac", UNMARKED.read_bytes(), first(2, refusing(500)))
    assert judged(url, stats=stats).decision is Decision.UNRESERVED
    assert (stats.objects, stats.requests, stats.retries) == (1, 4, 2)
    assert stats.bytes == 98304 + 24576


def test_a_redirection_is_followed_and_remembered(server: RangeServer) -> None:
    target = server.put("/there/tune.flac", UNMARKED.read_bytes())
    url = server.put("/here.flac", b"", redirecting(target))
    only = judged(url)
    assert (only.decision, only.record["path"]) == (Decision.UNRESERVED, url)
    assert len(server.ranges("/here.flac")) == 1
    assert len(server.ranges("/there/tune.flac")) == 2


def test_a_user_and_a_password_are_sent_and_never_shown(server: RangeServer) -> None:
    server.put("/tune.flac", UNMARKED.read_bytes())
    only = judged(server.root.replace("://", "://ann:s3cret@") + "/tune.flac")
    assert only.decision is Decision.UNRESERVED
    assert [headers["authorization"] for _, _, headers in server.log] == ["Basic YW5uOnMzY3JldA=="] * 2
    assert only.record["path"] == f"{server.root}/tune.flac"
    assert "s3cret" not in undecided(server.root.replace("://", "://ann:s3cret@") + "/missing.flac")


def test_a_password_does_not_follow_a_redirection(server: RangeServer) -> None:
    other = RangeServer()
    with closing(other):
        target = other.put("/tune.flac", UNMARKED.read_bytes())
        server.put("/here.flac", b"", redirecting(target))
        only = judged(server.root.replace("://", "://ann:s3cret@") + "/here.flac")
        assert only.decision is Decision.UNRESERVED
        assert not any("authorization" in headers for _, _, headers in other.log)


def test_a_query_is_part_of_the_record_and_not_of_messages(server: RangeServer) -> None:
    url = server.root + "/missing.flac?signature=abc%2Fdef"
    assert "abc" not in undecided(url)
    assert judged(url).record["path"] == url
    assert server.log[0][1] == "/missing.flac?signature=abc%2Fdef"


@pytest.mark.parametrize(("name", "asked"), [("/a b.flac", "/a%20b.flac"), ("/ä.flac", "/%C3%A4.flac")])
def test_a_name_is_escaped_where_it_is_not_yet(server: RangeServer, name: str, asked: str) -> None:
    server.put(asked, UNMARKED.read_bytes())
    assert judged(server.root + name).decision is Decision.UNRESERVED


# -- what cannot be read --------------------------------------------------------------------

FAILURES = [
    (refusing(404), "source_missing", 1),
    (refusing(410), "source_missing", 1),
    (refusing(401), "source_forbidden", 1),
    (refusing(403), "source_forbidden", 1),
    (refusing(400), "source_unreadable", 1),
    (refusing(204), "source_unreadable", 1),
    (refusing(500), "source_unreadable", 5),
    (refusing(429), "source_unreadable", 5),
    (refusing(503, Retry_After="3600"), "source_unreadable", 1),
    # aiohttp asks once more by itself where a connection ends without a word.
    (hanging_up, "source_unreadable", 10),
    (cut, "source_unreadable", 5),
    (chunked_and_cut, "source_unreadable", 5),
    (endless, "source_unreadable", 1),
    (claiming(None), "source_unreadable", 1),
    (claiming("bytes 0-98303/*"), "source_unreadable", 1),
    (claiming("bytes 1-98304/331326"), "source_unreadable", 1),
    (claiming("bytes 0-9/331326", 10), "source_unreadable", 1),
    (claiming("bytes 0-98303/331326", 98_310), "source_unreadable", 1),
    (claiming("bytes 0-98303/331326", Content_Encoding="gzip"), "source_unreadable", 1),
    (redirecting("file:///etc/passwd"), "source_forbidden", 1),
    (redirecting("http://example.org/tune.flac"), "source_forbidden", 1),
    (redirecting("/tune.flac"), "source_unreadable", 6),
]


@pytest.mark.parametrize(("behaviour", "code", "requests"), FAILURES)
def test_what_cannot_be_read_is_undecided(
    server: RangeServer, behaviour: Behaviour, code: str, requests: int
) -> None:
    assert undecided(server.put("/tune.flac", UNMARKED.read_bytes(), behaviour)).startswith(f"{code}: ")
    assert len(server.log) == requests


LATER = [
    (replaced(1, Object(UNMARKED.read_bytes(), ranged, '"two"')), "source_changed"),
    (replaced(1, Object(UNMARKED.read_bytes(), ranged, '"two"'), whole), "source_changed"),
    (first(1, ranged, claiming("bytes 306750-331325/331327")), "source_changed"),
    (first(1, ranged, refusing(412)), "source_changed"),
    (first(1, ranged, refusing(416)), "source_changed"),
    (first(1, ranged, refusing(404)), "source_missing"),
    (first(1, ranged, refusing(500)), "source_unreadable"),
    (first(1, ranged, cut), "source_unreadable"),
    (first(1, ranged, claiming("bytes 0-24575/331326", 24_576)), "source_unreadable"),
]


@pytest.mark.parametrize(("behaviour", "code"), LATER)
def test_what_fails_in_the_middle_is_undecided(server: RangeServer, behaviour: Behaviour, code: str) -> None:
    only = judged(server.put("/tune.flac", UNMARKED.read_bytes(), behaviour))
    assert only.decision is Decision.UNDECIDED
    assert code in {reason["code"] for reason in only.record["reasons"]}


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_another_size_or_version_is_noticed_without_a_condition(
    server: RangeServer, etag: str | None
) -> None:
    other = Object(UNMARKED.read_bytes() + b"\0", ranged, etag and 'W/"other"')
    url = server.put("/tune.flac", UNMARKED.read_bytes(), replaced(1, other), etag=etag)
    only = judged(url)
    assert only.decision is Decision.UNDECIDED
    assert [reason["code"] for reason in only.record["reasons"]] == ["source_changed"]


def test_a_denial_that_was_read_stands_although_the_rest_fails(server: RangeServer) -> None:
    data = MARKED.read_bytes()
    url = server.put("/tune.flac", data, first(1, ranged, refusing(500)))
    assert judged(url).decision in (Decision.REJECTED, Decision.UNDECIDED)


def test_a_server_that_sends_no_ranges_is_not_read_for_ever(server: RangeServer) -> None:
    data = bytes(70 * 2**20)
    with open_remote(server.put("/long.wav", data, whole), patience=HASTY) as source:
        assert source.size == len(data)
        with pytest.raises(SourceError, match="sends no ranges"):
            source.read_at(69 * 2**20, 10)


def test_nobody_waits_for_an_answer_for_ever(server: RangeServer) -> None:
    never = threading.Event()
    url = server.put("/tune.flac", UNMARKED.read_bytes(), waiting_for(never))
    (only,) = scan_remote([url], sample_verifier(), patience=Patience(2, 0.001, 0.01, answer=0.2))
    never.set()
    assert only.error is Code.SOURCE_UNREADABLE
    assert "no answer within 0.2 seconds" in only.record["error"]["message"]


def test_nobody_answers_where_nobody_listens(server: RangeServer) -> None:
    url = server.put("/tune.flac", UNMARKED.read_bytes())
    server.close()
    assert undecided(url).startswith("source_unreadable: ")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://example.org/a.mp3", SourceForbidden),
        ("http://localhost.example.org/a.mp3", SourceForbidden),
        ("https:///a.mp3", SourceError),
        ("https://[::1/a.mp3", SourceError),
        ("https://h:port/a.mp3", SourceError),
        ("https://h/" + "a" * 9_000, SourceError),
        ("s3:///a.mp3", SourceError),
    ],
)
def test_what_is_no_url_or_not_a_safe_one_is_never_asked_for(url: str, kind: type[SourceError]) -> None:
    with pytest.raises(kind), open_remote(url, patience=HASTY):
        pass


def test_causes_can_be_told_apart(server: RangeServer) -> None:
    with pytest.raises(SourceMissing), open_remote(server.root + "/none"):
        pass
    url = server.put("/x", bytes(10**6), replaced(1, Object(bytes(10**6), ranged, '"two"')))
    with open_remote(url) as source, pytest.raises(SourceChanged):
        source.read_at(500_000, 10)


# -- many -----------------------------------------------------------------------------------


def test_many_are_read_at_a_time(server: RangeServer) -> None:
    """The server answers nobody until sixteen have asked."""
    barrier = threading.Barrier(16, timeout=60)
    data = (SAMPLES / "unmarked" / "waltz.mp3").read_bytes()
    urls = [server.put(f"/{number}.mp3", data, together(barrier)) for number in range(32)]
    found = list(scan_remote(urls, sample_verifier(), concurrency=16, patience=HASTY))
    assert {judged.decision for judged in found} == {Decision.UNRESERVED}
    assert sorted(judged.record["path"] for judged in found) == sorted(urls)


@pytest.mark.parametrize("ordered", [True, False])
def test_one_that_is_slow_holds_up_the_others_only_in_order(server: RangeServer, ordered: bool) -> None:
    data = (SAMPLES / "unmarked" / "waltz.mp3").read_bytes()
    others = threading.Event()
    slow = server.put("/slow.mp3", data, waiting_for(others))
    urls = [slow, *(server.put(f"/{number}.mp3", data) for number in range(7)), server.root + "/missing.mp3"]

    def last(handler: Handler, found: Object) -> None:
        others.set()
        ranged(handler, found)

    server.objects["/6.mp3"].behaviour = last
    paths = [j.record["path"] for j in scan_remote(urls, sample_verifier(), ordered=ordered, patience=HASTY)]
    assert sorted(paths) == sorted(urls)
    assert not ordered or paths == urls


def test_urls_are_asked_for_as_the_work_goes_on(server: RangeServer) -> None:
    data = (SAMPLES / "unmarked" / "waltz.mp3").read_bytes()
    taken = 0

    def urls() -> object:
        nonlocal taken
        for number in range(10_000):
            taken += 1
            yield server.put(f"/{number}.mp3", data)

    with closing(scan_remote(urls(), sample_verifier(), concurrency=4, patience=HASTY)) as found:  # type: ignore[arg-type]
        for _ in range(20):
            next(found)
    assert taken <= 20 + 4 + 1


def test_whoever_stops_does_not_wait_for_what_is_under_way(server: RangeServer) -> None:
    never = threading.Event()
    data = (SAMPLES / "unmarked" / "waltz.mp3").read_bytes()
    urls = [server.put("/quick.mp3", data), server.put("/slow.mp3", data, waiting_for(never))]
    with closing(scan_remote(urls, sample_verifier())) as found:
        assert next(found).record["path"] == urls[0]
    never.set()


def test_ctrl_c_stops_what_waits(server: RangeServer, tmp_path: Path) -> None:
    asked, never = threading.Event(), threading.Event()

    def behave(handler: object, found: Object) -> None:
        asked.set()
        never.wait()

    url = server.put("/slow.mp3", b"", behave)
    code = (
        "import signal, sys\nfrom noai import Verifier\nfrom noai.corpus.remote import scan_remote\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "list(scan_remote(sys.argv[1:], Verifier()))"
    )
    with subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE, text=True) as process:
        assert asked.wait(60)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    never.set()
    assert process.returncode in (1, -signal.SIGINT)
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_no_object_at_a_time_is_refused() -> None:
    with pytest.raises(UsageError):
        scan_remote([], sample_verifier(), concurrency=0)


# -- sidecars -------------------------------------------------------------------------------

DENIAL = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining="DMI-PROHIBITED"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


@pytest.mark.parametrize("name", ["tune.flac.xmp", "tune.xmp", "tune.XMP"])
def test_sidecars_are_looked_for_where_that_is_asked(server: RangeServer, tmp_path: Path, name: str) -> None:
    local = tmp_path / "tune.flac"
    local.write_bytes(UNMARKED.read_bytes())
    (tmp_path / name).write_bytes(DENIAL)
    url = server.put("/tune.flac", UNMARKED.read_bytes())
    server.put(f"/{name}", DENIAL)
    assert judged(url).decision is Decision.UNRESERVED
    assert len(server.log) == 2
    found = judged(url, sidecars=True)
    assert told(found.record) == told(sample_verifier().verify(local).record())
    assert found.decision is Decision.REJECTED


@pytest.mark.parametrize("behaviour", [refusing(403), refusing(500), cut])
def test_a_sidecar_that_cannot_be_read_is_no_missing_one(server: RangeServer, behaviour: Behaviour) -> None:
    url = server.put("/tune.flac", UNMARKED.read_bytes())
    server.put("/tune.xmp", DENIAL, behaviour)
    found = judged(url, sidecars=True)
    assert found.decision is Decision.UNDECIDED
    assert [note["code"] for note in found.record["notes"]] == ["sidecar_unreadable"]


def test_a_sidecar_that_is_too_large_is_no_missing_one(server: RangeServer) -> None:
    url = server.put("/tune.flac", UNMARKED.read_bytes())
    server.put("/tune.xmp", DENIAL + b" " * 300_000)
    assert judged(url, sidecars=True).decision is Decision.UNDECIDED


@pytest.mark.parametrize("name", ["000.tar", "a.TAR.GZ", "b.zip", "c.parquet?sig=secret"])
def test_an_archive_elsewhere_is_neither_passed_over_nor_audio(server: RangeServer, name: str) -> None:
    """What is in it was not read: an unmarked track that begins it says nothing of the others."""
    track = (SAMPLES / "unmarked" / "waltz.mp3").read_bytes()
    error = undecided(server.put(f"/{name}", bytes(512) + track))
    assert error.startswith("source_unreadable: ")
    assert "archives are looked into only where they are local" in error
    assert "secret" not in error
