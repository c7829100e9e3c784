"""Uploads that somebody made up: a clear refusal, nothing kept, and the next one is served."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

import pytest

from noai.service.problems import Problem
from noai.service.uploads import clean_name
from tests.audio import SAMPLES
from tests.service.live import (
    BEARER,
    BOUNDARY,
    FORM,
    Answer,
    Live,
    form,
    head,
    is_alive,
    part,
    read_answer,
    served,
)

TUNE = (SAMPLES / "unmarked" / "tune.mp3").read_bytes()
MIB = 2**20
END = f"--{BOUNDARY}--\r\n".encode()
FILE = part("file", TUNE, 'filename="tune.mp3"')


@pytest.fixture(autouse=True)
def _nothing_is_kept(live: Live) -> object:
    yield
    assert live.left() == []
    assert live.verify(TUNE).json["decision"] == "unreserved"


@pytest.mark.parametrize(
    "name", ["../../x.mp3", "/etc/passwd", "a/b.mp3", "a\\b.mp3", "..", ".", "\\\\a\\b\\..\\c/"]
)
@pytest.mark.parametrize("path", ["/v1/verify", "/v1/mark"])
def test_names_that_are_paths(live: Live, name: str, path: str) -> None:
    live.ask("POST", path, form(TUNE, name), **FORM, **BEARER).refuses(400, "bad-name")


@pytest.mark.parametrize(
    "name", [b"a\0b.mp3", b"a\x1b[2J.mp3", b"\x7f", "a\x85b".encode(), b"n" * 256, b"\n/x"]
)
def test_names_that_no_file_has(name: bytes) -> None:
    with pytest.raises(Problem):
        clean_name(name)


@pytest.mark.parametrize("name", ["a\0b.mp3", "a\x01b.mp3", "n" * 10_000, "n" * 256])
def test_names_that_no_file_has_are_refused(live: Live, name: str) -> None:
    assert live.ask("POST", "/v1/verify", form(TUNE, name), **FORM).status == 400


def test_an_empty_name_is_none(live: Live) -> None:
    assert live.verify(TUNE, "").json["path"] is None
    assert live.verify(TUNE, "n" * 255).json["path"] == "n" * 255


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (FILE + FILE + END, "bad-request"),
        (FILE + part("file2", TUNE, 'filename="a"') + END, "bad-request"),
        (part("other", TUNE, 'filename="a"') + END, "no-file"),
        (part("file", TUNE) + END, "no-file"),
        (part("holder", b"Ana") + FILE + END, "bad-request"),
        (END, "no-file"),
        (b"", "bad-request"),
        (FILE, "bad-request"),
        (FILE[: len(FILE) // 2], "bad-request"),
        (FILE + END[:-4], "bad-request"),
        (b"nothing like a form", "bad-request"),
        (FILE.replace(BOUNDARY.encode(), b"another") + END, "bad-request"),
        (FILE.replace(b"form-data", b"attachment") + END, "bad-request"),
        (FILE.replace(b'name="file"', b'name=""') + END, "bad-request"),
        (FILE.replace(b'; name="file"', b"") + END, "bad-request"),
        (FILE.replace(b"Content-Disposition", b"Content-Other") + END, "bad-request"),
        (
            FILE.replace(
                b"Content-Disposition", b"Content-Disposition: form-data; name=x\r\nContent-Disposition"
            ),
            "bad-request",
        ),
        (FILE.replace(b"\r\n\r\n", b"\r\nX-A: " + b"a" * 9_000 + b"\r\n\r\n", 1) + END, "bad-request"),
        (b"".join(part(f"a{n}", b"") for n in range(40)) + FILE + END, "bad-request"),
    ],
    ids=range(19),
)
def test_forms_that_are_none(live: Live, body: bytes, kind: str) -> None:
    live.ask("POST", "/v1/verify", body, **FORM, Content_Length=str(len(body))).refuses(400, kind)


def test_a_field_that_is_too_long(live: Live) -> None:
    body = part("holder", b"x" * 100_000) + FILE + END
    live.ask("POST", "/v1/mark", body, **FORM, **BEARER).refuses(400, "bad-request")


def test_a_form_that_is_all_padding(live: Live) -> None:
    body = b"".join(part("a", b"x" * 8_000) for _ in range(30)) * 10
    answer = live.ask("POST", "/v1/verify", body, **FORM)
    assert answer.status in (400, 413)


@pytest.mark.parametrize(
    "media_type",
    [
        "text/html",
        "application/json",
        "application/x-www-form-urlencoded",
        "image/png",
        "audio",
        "a/b/c",
        ";",
        "multipart/mixed; boundary=a",
        "message/http",
        "audio/mpeg, audio/flac",
    ],
)
def test_types_that_are_not_taken(live: Live, media_type: str) -> None:
    live.ask("POST", "/v1/verify", TUNE, Content_Type=media_type).refuses(415, "unsupported-type")


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("audio/flac", TUNE),
        ("AUDIO/FLAC; x=y", TUNE),
        ("video/mp4", TUNE),
        ("audio/mpeg", b"<!doctype html><p>no audio"),
        ("audio/mpeg", (SAMPLES / "unmarked" / "tune.ogg").read_bytes()),
    ],
)
def test_types_that_lie(live: Live, media_type: str, data: bytes) -> None:
    live.ask("POST", "/v1/verify", data, Content_Type=media_type).refuses(415, "unsupported-type")


@pytest.mark.parametrize("name", ["tune.mp3", "tune.flac", "tune.ogg", "tune.opus", "tune.m4a", "tune.wav"])
def test_types_that_are_true(live: Live, name: str) -> None:
    types = {"mp3": "mpeg", "m4a": "mp4", "opus": "ogg"}
    suffix = name.rpartition(".")[2]
    data = (SAMPLES / "unmarked" / name).read_bytes()[:MIB]
    answer = live.ask("POST", "/v1/verify", data, Content_Type=f"audio/{types.get(suffix, suffix)}")
    assert answer.status == 200


def test_other_refusals_of_a_type(live: Live) -> None:
    gzip = live.ask("POST", "/v1/verify", TUNE, Content_Encoding="gzip")
    gzip.refuses(415, "unsupported-type")
    assert gzip.headers["accept-encoding"] == "identity"
    live.ask("POST", "/v1/verify", TUNE, Content_Type="multipart/form-data").refuses(400, "bad-request")
    long = f"multipart/form-data; boundary={'b' * 300}"
    live.ask("POST", "/v1/verify", TUNE, Content_Type=long).refuses(400, "bad-request")
    twice = head(len(TUNE)).replace(b"\r\n\r\n", b"\r\nContent-Type: audio/mpeg\r\n\r\n")
    live.raw(twice, TUNE).refuses(415, "unsupported-type")
    # Marking takes a form alone.
    live.ask("POST", "/v1/mark", TUNE, Content_Type="audio/mpeg", **BEARER).refuses(415, "unsupported-type")


def test_an_empty_body(live: Live) -> None:
    for headers in ({"Content_Length": "0"}, {}):
        live.ask("POST", "/v1/verify", **headers).refuses(400, "no-file")


def test_a_body_that_says_that_it_is_too_large_is_not_waited_for(live: Live) -> None:
    answer = live.raw(head(2**40))
    answer.refuses(413, "too-large")
    assert answer.headers["connection"] == "close"
    # Nor is it asked for, by a client that asks first.
    with live.connect() as line:
        line.sendall(head(2**40, Expect="100-continue"))
        read_answer(line).refuses(413, "too-large")


def test_a_body_that_is_sent_all_the_same_is_answered(live: Live) -> None:
    """Cut off at once, a client that sends first and reads later would get no answer at all."""
    data = bytes(8 * MIB)
    live.raw(head(len(data)), data).refuses(413, "too-large")
    live.ask("POST", "/nowhere", data).refuses(404, "not-found")


def test_a_body_whose_size_is_found_out_on_the_way(live: Live) -> None:
    chunk = f"{MIB:x}\r\n".encode() + bytes(MIB) + b"\r\n"
    start = head(Transfer_Encoding="chunked")
    live.raw(start, chunk, chunk, b"0\r\n\r\n").refuses(413, "too-large")
    data = bytes(MIB + 1)
    live.ask("POST", "/v1/verify", form(data), **FORM).refuses(413, "too-large")
    live.ask("POST", "/v1/mark", form(data), **FORM, **BEARER).refuses(413, "too-large")


def test_the_limit_itself_is_taken(live: Live) -> None:
    data = TUNE + bytes(MIB - len(TUNE))
    assert live.verify(data).json["size"] == MIB
    assert live.ask("POST", "/v1/verify", data, Content_Type="application/octet-stream").status == 200


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/mark"])
def test_clients_that_go_away(live: Live, path: str) -> None:
    live.verify(TUNE)
    before = len(live.requests())
    body = form(TUNE * 5)
    for length in (0, 1, 100, 10_000, len(body) - 1):
        with live.connect() as line:
            line.sendall(head(len(body), path, **FORM, **BEARER) + body[:length])
    requests = live.requests(before + 5)
    assert [line["status"] for line in requests].count(499) >= 5


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"POST /v1/verify HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http(live: Live, sent: bytes) -> None:
    with live.connect() as line:
        with suppress(OSError):
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
        received = b""
        with suppress(ConnectionResetError):
            while more := line.recv(65536):
                received += more
    assert not received or received.startswith(b"HTTP/1.1 4")


# -- slow senders ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> object:
    with served(tmp_path_factory.mktemp("slow"), "--idle-seconds", "0.5", "--upload-seconds", "1.5") as live:
        yield live


@pytest.mark.parametrize("length", [0, 1, 5_000])
def test_a_client_that_stops_sending(impatient: Live, length: int) -> None:
    body = form(TUNE)
    answer = impatient.raw(head(len(body), **FORM), body[:length])
    _gives_up(impatient, answer)


def test_a_client_that_sends_a_little_now_and_then(impatient: Live) -> None:
    with impatient.connect() as line:
        line.sendall(head(len(TUNE)))
        line.settimeout(0.1)
        received = b""
        for at in range(len(TUNE)):
            line.sendall(TUNE[at : at + 1])
            with suppress(TimeoutError, socket.timeout):
                received = line.recv(1, socket.MSG_PEEK)
                break
        assert received
        line.settimeout(60)
        _gives_up(impatient, read_answer(line))


def _gives_up(live: Live, answer: Answer) -> None:
    answer.refuses(408, "too-slow")
    assert answer.headers["connection"] == "close"
    assert live.left() == []


@pytest.mark.parametrize("sent", [b"", b"P", b"POST /v1/verify HTTP/1.1\r\nHost: local"])
def test_a_client_that_never_comes_to_its_request(impatient: Live, sent: bytes) -> None:
    answer = impatient.raw(sent)
    answer.refuses(408, "too-slow")


def test_the_second_request_of_a_connection_has_to_come_too(impatient: Live) -> None:
    with impatient.connect() as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(line).status == 200
        line.sendall(b"GET /healthz HT")
        read_answer(line).refuses(408, "too-slow")


def test_a_slow_answer_is_no_slow_client(impatient: Live) -> None:
    """A connection at work is not counted as one that waits."""
    with impatient.connect() as line:
        line.sendall(head(len(TUNE)) + TUNE)
        assert read_answer(line).status == 200


# -- more than there is room for -------------------------------------------------------------------


def test_more_uploads_than_there_is_room_for(tmp_path: Path) -> None:
    with served(tmp_path, "--queue", "1") as live, live.connect() as line:
        line.sendall(head(len(TUNE)) + TUNE[:100])
        while live.counted("noai_uploads") < 1:
            assert is_alive(live.process)
        refused = live.verify(TUNE)
        refused.refuses(503, "busy")
        assert int(refused.headers["retry-after"]) > 0
        line.sendall(TUNE[100:])
        assert read_answer(line).status == 200
        assert live.verify(TUNE).status == 200


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    with served(tmp_path) as live:
        data = bytes(MIB)
        assert live.verify(data).status == 200
        (tmp_path / "temporary").rmdir()
        live.verify(data).refuses(503, "no-room")
        # What fits into memory needs no disk.
        assert live.verify(TUNE).status == 200
