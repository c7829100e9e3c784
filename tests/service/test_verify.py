"""``POST /v1/verify`` says what ``noai verify`` says, to any number of clients at once."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.audio import SAMPLES
from tests.integrations.conftest import _made, thousand  # noqa: F401  fixtures
from tests.integrations.thousand import Corpus
from tests.service.live import PATIENCE, Live, served

MARKED = (SAMPLES / "marked" / "tune.mp3").read_bytes()
UNMARKED = (SAMPLES / "unmarked" / "tune.flac").read_bytes()
CLIENTS = 64


def test_it_keeps_what_verify_keeps(thousand: Corpus, tmp_path: Path) -> None:  # noqa: F811
    """64 clients at once; each record is that of the command, but for what a path alone has."""
    with served(tmp_path) as live, httpx.Client(base_url=live.url, timeout=PATIENCE) as client:

        def judge(path: str) -> tuple[str, dict[str, Any]]:
            with open(path, "rb") as file:
                answer = client.post("/v1/verify", files={"file": (os.path.basename(path), file)})
            assert answer.status_code == 200, answer.text
            return path, answer.json()

        with ThreadPoolExecutor(CLIENTS) as clients:
            records = dict(clients.map(judge, thousand.paths))
        assert live.left() == []
    assert {path for path, record in records.items() if record["admitted"]} == thousand.kept
    for path, record in records.items():
        assert record["path"] == os.path.basename(path)
        assert _without_path(record) == _without_path(thousand.records[path])


def _without_path(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("path", "mtime_ns")}


def test_the_body_may_be_the_file_itself(live: Live) -> None:
    for media_type in ("application/octet-stream", "audio/flac", "audio/x-something", "video/x-unknown"):
        answer = live.ask("POST", "/v1/verify", UNMARKED, Content_Type=media_type)
        assert (answer.status, answer.json["decision"], answer.json["path"]) == (200, "unreserved", None)
        assert answer.json["size"] == len(UNMARKED)


def test_a_body_without_a_type_is_bytes(live: Live) -> None:
    head = f"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(MARKED)}\r\n\r\n"
    answer = live.raw(head.encode(), MARKED)
    assert (answer.status, answer.json["decision"]) == (200, "rejected")


def test_a_body_in_chunks(live: Live) -> None:
    pieces = [MARKED[at : at + 9_999] for at in range(0, len(MARKED), 9_999)]
    chunks = [f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces]
    head = b"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = live.raw(head, *chunks, b"0\r\n\r\n")
    assert (answer.status, answer.json["size"], answer.json["decision"]) == (200, len(MARKED), "rejected")


@pytest.mark.parametrize(
    ("query", "members"),
    [
        ("", {"policy": "opt-out", "depth": "evidence", "decision": "unreserved", "admitted": True}),
        ("?policy=opt-in&depth=decision", {"policy": "opt-in", "depth": "decision", "admitted": False}),
        ("?use=data_mining", {"requested": ["cawg.data_mining"]}),
        (
            "?use=org.noai.voice_likeness&use=ai_training",
            {"requested": ["cawg.ai_training", "org.noai.voice_likeness"]},
        ),
    ],
)
def test_the_question_is_in_the_address(live: Live, query: str, members: dict[str, Any]) -> None:
    record = live.verify(UNMARKED, "tune.flac", query).json
    assert {name: record[name] for name in members} == members


@pytest.mark.parametrize(
    "query",
    ["?use=nothing", "?use=", "?policy=all", "?policy=opt-in&policy=opt-out", "?depth=", "?uses=data_mining"],
)
def test_a_question_that_means_nothing_is_no_other_question(live: Live, query: str) -> None:
    live.verify(UNMARKED, query=query).refuses(400, "bad-request")


def test_options_are_the_question_where_a_request_says_nothing(tmp_path: Path) -> None:
    options = ("--use", "data_mining", "--policy", "opt-in", "--depth", "decision")
    with served(tmp_path, *options) as live:
        record = live.verify(UNMARKED).json
        assert (record["requested"], record["policy"]) == (["cawg.data_mining"], "opt-in")
        assert (record["depth"], record["admitted"]) == ("decision", False)
        assert live.verify(UNMARKED, query="?policy=opt-out").json["admitted"]


@pytest.mark.parametrize(
    "data", [b"", b"no audio at all", b"\0" * 5_000, b"PK\3\4" + bytes(400), b"<html></html>"]
)
def test_what_is_no_audio_is_undecided(live: Live, data: bytes) -> None:
    record = live.verify(data, "tune.mp3").json
    assert (record["decision"], record["admitted"], record["container"]) == ("undecided", False, None)
    assert record["error"]


@pytest.mark.parametrize(
    "name", ["tüne – 1.mp3", "a b;c=d.mp3", "名.flac", "%2e%2e%2fx.mp3", "..mp3", ".mp3"]
)
def test_a_record_has_the_name_of_the_client(live: Live, name: str) -> None:
    assert live.verify(MARKED, name).json["path"] == name


def test_a_name_that_is_not_utf8_is_escaped(live: Live) -> None:
    body = live.verify(MARKED, "x").body
    assert json.loads(body)["path"] == "x"
    from tests.service.live import BOUNDARY, FORM

    raw = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="'.encode()
        + b'\xff.mp3"\r\n\r\n'
    )
    answer = live.ask("POST", "/v1/verify", raw + MARKED + f"\r\n--{BOUNDARY}--\r\n".encode(), **FORM)
    assert answer.json["path"] == "\\xff.mp3"


def test_a_manifest_is_validated_in_the_service(live: Live) -> None:
    signals = live.verify(MARKED).json["signals"]
    assert {"marker", "c2pa"} <= {signal["source"] for signal in signals}


def test_one_connection_serves_many_requests(live: Live) -> None:
    with httpx.Client(base_url=live.url, timeout=PATIENCE) as client:
        for data, decision in ((MARKED, "rejected"), (UNMARKED, "unreserved"), (b"x", "undecided")) * 3:
            answer = client.post("/v1/verify", files={"file": ("a", data)})
            assert answer.json()["decision"] == decision
            assert "connection" not in answer.headers
