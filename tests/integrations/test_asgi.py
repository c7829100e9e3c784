"""The middleware around a real application, in a real server, asked by a real client."""

from __future__ import annotations

import asyncio
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest
from datadiligence.evaluators import HttpEvaluator
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import noai
from noai import http
from noai.claim import ALL_USES, Profile, Rights, Use
from noai.errors import TrustError, UsageError
from noai.integrations.asgi import App, NoaiHeaders
from noai.publishing import SiteStatement
from noai.trust import TrustList
from tests.audio import SAMPLES
from tests.integrations.asgi_server import served
from tests.signers import signer

ALL = frozenset(ALL_USES)
NAMES = [path.name for path in sorted((SAMPLES / "unmarked").glob("tune*"))]
RIGHTS = Rights(licence_url="https://ana.example/licence", terms_url="https://ana.example/terms?a=1#b")


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOAI_HOME", str(tmp_path / "home"))


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A folder with one marked track, one that is not, and something else."""
    folder = tmp_path / "music"
    (folder / "album").mkdir(parents=True)
    (folder / "plain.mp3").write_bytes((SAMPLES / "unmarked" / "tune.mp3").read_bytes())
    noai.mark(folder / "plain.mp3", folder / "album" / "tune.mp3", signer=signer(), rights=RIGHTS)
    (folder / "page.html").write_text("<p>AI_TRAINING_OPT_OUT</p>")
    return folder


def static(folder: Path, **options: Any) -> NoaiHeaders:
    return NoaiHeaders(files(folder), root=folder, **options)


def files(folder: Path) -> App:
    return Starlette(routes=[Mount("/", StaticFiles(directory=folder))])


def heard(answer: httpx.Response) -> frozenset[Use]:
    return http.signals(str(answer.url), answer.headers.multi_items()).denies


def test_a_marked_file_says_so_and_nothing_else_does(music: Path) -> None:
    with served(static(music)) as client:
        marked = client.get("/album/tune.mp3")
        assert marked.content == (music / "album" / "tune.mp3").read_bytes()
        assert {name: marked.headers[name] for name, _, _ in SiteStatement(ALL).fields} == {
            "Content-Usage": "train-ai=n",
            "Content-Signal": "ai-train=no, ai-input=no",
            "tdm-reservation": "1",
            "X-Robots-Tag": "noai",
        }
        assert marked.headers.get_list("Link") == [
            '<https://ana.example/licence>; rel="license"',
            '<https://ana.example/terms?a=1#b>; rel="terms-of-service"',
        ]
        plain = client.get("/plain.mp3")
        assert (
            heard(plain) == heard(client.get("/page.html")) == heard(client.get("/none.mp3")) == frozenset()
        )
    with served(NoaiHeaders(files(music))) as client:
        assert set(client.get("/plain.mp3").headers) == set(plain.headers)
        assert set(client.get("/album/tune.mp3").headers) == set(plain.headers)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("profile", Profile, ids=str)
def test_every_container_and_profile(tmp_path: Path, name: str, profile: Profile) -> None:
    noai.mark(SAMPLES / "unmarked" / name, tmp_path / name, signer=signer(), profile=profile)
    with served(static(tmp_path)) as client:
        assert heard(client.get(f"/{name}")) == profile.denied


def test_what_the_middleware_adds_makes_datadiligence_refuse(music: Path) -> None:
    evaluator = HttpEvaluator(user_agent="MyBot")
    with served(static(music)) as client:
        # It fetches the address itself; then it is given headers that were fetched.
        address = f"{client.base_url}/"
        assert not evaluator.is_allowed(url=f"{address}album/tune.mp3")
        assert evaluator.is_allowed(url=f"{address}plain.mp3")
        with urllib.request.urlopen(f"{address}album/tune.mp3") as response:
            headers = response.headers
    # Each of its two rules by itself.
    for only in ({}, {"respect_tdmrep": False}, {"respect_robots": False}):
        assert not HttpEvaluator(user_agent="MyBot", **only).is_allowed(headers=headers), only


def test_parts_heads_and_what_the_client_has_already(music: Path) -> None:
    with served(static(music)) as client:
        whole = client.head("/album/tune.mp3")
        part = client.get("/album/tune.mp3", headers={"Range": "bytes=0-9"})
        same = client.get("/album/tune.mp3", headers={"If-None-Match": whole.headers["ETag"]})
        beyond = client.get("/album/tune.mp3", headers={"Range": "bytes=999999999-"})
        posted = client.post("/album/tune.mp3")
    assert (whole.status_code, part.status_code, same.status_code) == (200, 206, 304)
    assert heard(whole) == heard(part) == heard(same) == ALL
    assert (beyond.status_code, posted.status_code) == (416, 405)
    assert heard(beyond) == heard(posted) == frozenset()


def test_in_an_application_and_below_a_mount(music: Path) -> None:
    plain = StaticFiles(directory=music)
    around = Starlette(
        routes=[Mount("/audio", plain)], middleware=[Middleware(NoaiHeaders, root=music, prefix="/audio")]
    )
    inside = Starlette(routes=[Mount("/audio", NoaiHeaders(plain, root=music)), Mount("/raw", plain)])
    for app in (around, inside):
        with served(app) as client:
            assert heard(client.get("/audio/album/tune.mp3")) == ALL
            assert heard(client.get("/audio/plain.mp3")) == frozenset()
            assert heard(client.get("/raw/album/tune.mp3")) == frozenset()


def test_files_that_only_the_application_knows(music: Path) -> None:
    stored = music / "0001"
    (music / "album" / "tune.mp3").rename(stored)

    async def track(request: Request) -> Response:
        return FileResponse(music / request.path_params["id"], media_type="audio/mpeg")

    def resolve(scope: Any) -> Path | None:
        name = scope["path"].removeprefix("/tracks/")
        return music / name if name.isdigit() else None

    app = Starlette(routes=[Route("/tracks/{id}", track)])
    with served(NoaiHeaders(app, resolve=resolve)) as client:
        assert heard(client.get("/tracks/0001")) == ALL
        assert heard(client.get("/tracks/plain.mp3")) == frozenset()


def test_the_path_that_is_handed_to_the_server_counts(music: Path) -> None:
    """``http.response.pathsend``, which uvicorn does not have: asked as a server that has it would."""

    async def track(request: Request) -> Response:
        return FileResponse(music / "album" / "tune.mp3")

    def answer(app: App, path: str) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path,
            "raw_path": path.encode(), "query_string": b"", "headers": [], "scheme": "http", "root_path": "",
            "extensions": {"http.response.pathsend": {}},
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        asyncio.run(app(scope, receive, send))
        return sent

    app = NoaiHeaders(Starlette(routes=[Route("/track", track)]))
    start, body = answer(app, "/track")
    assert body == {"type": "http.response.pathsend", "path": str(music / "album" / "tune.mp3")}
    assert (b"tdm-reservation", b"1") in start["headers"]
    assert [message["type"] for message in answer(app, "/none")] == [
        "http.response.start",
        "http.response.body",
    ]


def test_a_file_that_changes_is_looked_at_again(music: Path) -> None:
    with served(static(music)) as client:
        assert heard(client.get("/plain.mp3")) == frozenset()
        noai.mark(music / "plain.mp3", in_place=True, signer=signer())
        assert heard(client.get("/plain.mp3")) == ALL
        (music / "plain.mp3").write_bytes((SAMPLES / "unmarked" / "tune.mp3").read_bytes())
        assert heard(client.get("/plain.mp3")) == frozenset()
        # What stands beside a track speaks for it.
        (music / "plain.xmp").write_bytes(XMP)
        assert heard(client.get("/plain.mp3")) == ALL


XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"
 plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"/></rdf:RDF></x:xmpmeta>"""


def test_no_more_files_are_remembered_than_asked_for(music: Path) -> None:
    app = static(music, cache=1)
    with served(app) as client:
        for _ in range(2):
            assert heard(client.get("/album/tune.mp3")) == ALL
            assert heard(client.get("/plain.mp3")) == frozenset()
    assert len(app._looks._kept) == 1


def test_what_the_application_says_stays(music: Path) -> None:
    async def track(request: Request) -> Response:
        headers = {"X-Robots-Tag": "OtherBot: noindex", "tdm-reservation": "0", "Link": "</>; rel=up"}
        return FileResponse(music / "album" / "tune.mp3", headers=headers)

    app = NoaiHeaders(
        Starlette(routes=[Route("/t", track)]), resolve=lambda scope: music / "album" / "tune.mp3"
    )
    # Twice around: nothing is said twice.
    with served(NoaiHeaders(app, resolve=lambda scope: music / "album" / "tune.mp3")) as client:
        answer = client.get("/t")
    assert answer.headers.get_list("X-Robots-Tag") == ["OtherBot: noindex", "noai"]
    assert answer.headers.get_list("tdm-reservation") == ["1"]
    assert answer.headers.get_list("Link")[0] == "</>; rel=up"
    assert len(answer.headers.get_list("Link")) == 3


def test_broken_files_are_served_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "broken.flac").write_bytes((SAMPLES / "unmarked" / "tune.flac").read_bytes()[:60])
    (tmp_path / "text.mp3").write_text("not audio")
    (tmp_path / "empty.wav").touch()
    with served(static(tmp_path)) as client:
        for path in tmp_path.glob("*.*"):
            answer = client.get(f"/{path.name}")
            assert (answer.status_code, answer.content) == (200, path.read_bytes())
            assert heard(answer) == frozenset()


def test_a_denial_stands_whatever_is_wrong_with_it() -> None:
    """As everywhere: a marker on other audio still denies, and one that nobody signed permits nothing."""
    with served(static(SAMPLES / "tampered")) as client:
        for name in ("flipped.mp3", "moved.mp3"):
            assert heard(client.get(f"/{name}")) == ALL, name
        for name in ("alg-none.mp3", "hs256.mp3"):
            assert heard(client.get(f"/{name}")) == frozenset(), name


def test_addresses_from_files_cannot_become_headers_of_their_own(tmp_path: Path) -> None:
    hostile = Rights(
        licence_url='https://x.example/>; rel="next"', terms_url="https://x.example/\r\nSet-Cookie: a=b"
    )
    noai.mark(SAMPLES / "unmarked" / "tune.mp3", tmp_path / "tune.mp3", signer=signer(), rights=hostile)
    with served(static(tmp_path)) as client:
        answer = client.get("/tune.mp3")
    assert heard(answer) == ALL
    assert "Link" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_a_failure_of_the_site_s_own_function_harms_no_response(
    music: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def resolve(scope: Any) -> Path:
        raise LookupError("no such track")

    with served(NoaiHeaders(files(music), resolve=resolve)) as client:
        answer = client.get("/album/tune.mp3")
    assert answer.content == (music / "album" / "tune.mp3").read_bytes()
    assert "served without its headers" in caplog.text


def test_an_application_that_fails_before_its_answer_is_not_answered_for(music: Path) -> None:
    async def fails(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("theirs")

    with pytest.raises(RuntimeError, match="theirs"):
        asyncio.run(
            NoaiHeaders(fails, root=music)({"type": "http", "method": "GET", "path": "/"}, None, None)
        )


def test_other_kinds_of_connections_pass_through(music: Path) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["type"], send))

    send = object()
    for kind in ("lifespan", "websocket"):
        asyncio.run(NoaiHeaders(app, root=music)({"type": kind}, None, send))
    assert seen == [("lifespan", send), ("websocket", send)]


@pytest.mark.parametrize("path", ["/../secret.mp3", "/a/../../secret.mp3", "/\0.mp3", "//etc/x.mp3", "/"])
def test_nothing_outside_the_folder_is_looked_at(music: Path, path: str) -> None:
    (music.parent / "secret.mp3").write_bytes((music / "album" / "tune.mp3").read_bytes())
    found = static(music)._below_root({"path": path})
    assert found is None or Path(found).is_relative_to(music)


def test_a_damaged_trust_list_stops_the_start_and_no_answer(music: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "trust.json").write_text("{")
    with pytest.raises(TrustError):
        static(music)
    assert static(music, verifier=noai.Verifier(trust=TrustList()))


def test_one_way_to_tell_the_file(music: Path) -> None:
    with pytest.raises(UsageError):
        static(music, resolve=lambda scope: None)
