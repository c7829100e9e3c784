"""Uploads in real applications of Starlette and FastAPI."""

# Annotations are no text here: FastAPI has to resolve those that name what a function holds.

import asyncio
import io
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Form, UploadFile
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import noai
from noai.claim import Claim, Profile
from noai.errors import DestinationExists, LimitExceeded, MarkError, TrustError
from noai.integrations.gate import Gate
from noai.integrations.marking import Marking
from noai.integrations.starlette import AdmittedUpload, NotAdmitted, mark_upload, refusal
from noai.limits import UPLOAD_FORM_BYTES
from noai.policy import Admission, Policy
from tests.audio import SAMPLES
from tests.integrations.asgi_server import served
from tests.integrations.thousand import Corpus
from tests.signers import signer

TUNE = (SAMPLES / "unmarked" / "tune.mp3").read_bytes()


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOAI_HOME", str(tmp_path / "home"))


def starlette(folder: Path, **options: Any) -> Starlette:
    admitted = AdmittedUpload("track", **options)

    async def take(request: Request) -> Response:
        upload = await admitted(request)
        (folder / Path(upload.filename or "").name).write_bytes(await upload.read())
        await upload.close()
        return JSONResponse({"title": (await request.form()).get("title")})

    handlers: Any = {NotAdmitted: refusal}
    return Starlette(routes=[Route("/tracks", take, methods=["POST"])], exception_handlers=handlers)


def fastapi(folder: Path, **options: Any) -> FastAPI:
    app = FastAPI()
    app.add_exception_handler(NotAdmitted, refusal)
    admitted = AdmittedUpload("track", **options)

    @app.post("/tracks")
    def take(
        track: Annotated[UploadFile, Depends(admitted)], title: Annotated[str, Form()] = ""
    ) -> dict[str, str]:
        (folder / Path(track.filename or "").name).write_bytes(track.file.read())
        return {"title": title}

    @app.post("/bare")
    async def bare(track: Annotated[UploadFile, Depends(admitted)]) -> str:
        data = await track.read()
        await track.close()
        return str(len(data))

    return app


APPS = pytest.mark.parametrize("make", [starlette, fastapi])


def post(app: Any, path: str = "/tracks", **what: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(path, **what)

    return asyncio.run(ask())


@APPS
def test_it_takes_what_verify_keeps(thousand: Corpus, tmp_path: Path, make: Any) -> None:
    (tmp_path / "kept").mkdir()
    with served(make(tmp_path / "kept")) as client:
        for number, path in enumerate(thousand.paths):
            answer = client.post(
                "/tracks", files={"track": (f"{number}", Path(path).read_bytes(), "audio/x")}
            )
            record = thousand.records[path]
            assert answer.status_code == (200 if record["admitted"] else 422), answer.text
            if not record["admitted"]:
                verdict = answer.json()["verdict"]
                assert (verdict["decision"], verdict["path"]) == (record["decision"], str(number))
                assert answer.json()["detail"].startswith(record["decision"])
    kept = {thousand.paths[int(path.name)]: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    assert kept == {path: Path(path).read_bytes() for path in thousand.kept}


@APPS
def test_other_fields_of_the_form_are_there(tmp_path: Path, make: Any) -> None:
    answer = post(make(tmp_path), files={"track": ("a.mp3", TUNE)}, data={"title": "Tune"})
    assert (answer.status_code, answer.json()) == (200, {"title": "Tune"})


@APPS
@pytest.mark.parametrize(
    "what",
    [
        {},
        {"data": {"track": "text"}},
        {"files": {"other": ("a.mp3", TUNE)}},
        {"files": [("track", ("a.mp3", TUNE)), ("track", ("b.mp3", TUNE))]},
        {"files": [("track", ("a.mp3", TUNE)), ("cover", ("b.mp3", TUNE))]},
        {"files": [("cover", ("b.mp3", TUNE)), ("track", ("a.mp3", TUNE))], "data": {"track": "text"}},
        {"content": b"no form", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"no form", "headers": {"Content-Type": "multipart/form-data"}},
        {"json": {"track": "x"}},
    ],
    ids=str,
)
def test_what_is_no_such_file_is_400(tmp_path: Path, make: Any, what: dict[str, Any]) -> None:
    (tmp_path / "kept").mkdir()
    answer = post(make(tmp_path / "kept"), **what)
    assert 400 <= answer.status_code < 500, answer.text
    assert not list((tmp_path / "kept").iterdir())


@APPS
@pytest.mark.parametrize("name", ["empty.mp3", "../../up.mp3", "a\0.mp3"])
def test_garbage_is_422_whatever_it_is_called(tmp_path: Path, make: Any, name: str) -> None:
    for data in (b"", b"garbage", TUNE[:3000] + b"\0" * 50):
        answer = post(make(tmp_path), files={"track": (name, data, "audio/mpeg")})
        assert answer.status_code in (400, 422), answer.text


@APPS
def test_what_is_too_large_is_413(tmp_path: Path, make: Any) -> None:
    (tmp_path / "kept").mkdir()
    app = make(tmp_path / "kept", limit=len(TUNE))
    assert post(app, files={"track": ("a.mp3", TUNE)}).status_code == 200
    assert post(app, files={"track": ("b.mp3", TUNE + b"\0")}).status_code == 413
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["a.mp3"]


@pytest.mark.parametrize("told", [True, False])
def test_a_form_that_is_too_large_is_not_read_to_its_end(tmp_path: Path, told: bool) -> None:
    body = httpx.Request("POST", "http://test", files={"track": ("a.mp3", b"\0" * 4 * UPLOAD_FORM_BYTES)})
    read = body.read()
    given = []

    async def pieces() -> Any:
        for at in range(0, len(read), 65536):
            given.append(at)
            yield read[at : at + 65536]

    headers = {"Content-Type": body.headers["Content-Type"]}
    if told:
        headers["Content-Length"] = str(len(read))
    for app, path in ((starlette(tmp_path, limit=1000), "/tracks"), (fastapi(tmp_path, limit=1000), "/bare")):
        given.clear()
        answer = post(app, path, content=pieces(), headers=headers)
        assert answer.status_code == 413
        assert "larger than" in answer.text
        assert len(given) <= (2 if told else UPLOAD_FORM_BYTES // 65536 + 3)


def test_without_the_handler_the_reasons_are_there(tmp_path: Path) -> None:
    marked = noai.mark(TUNE, signer=signer())
    for app in (starlette(tmp_path), fastapi(tmp_path)):
        app.exception_handlers.pop(NotAdmitted)
        answer = post(app, files={"track": ("a.mp3", marked)})
        assert answer.status_code == 422
        assert "rejected: denies" in answer.text


def test_an_upload_that_is_there_already_is_at_its_start_afterwards() -> None:
    opt_in = AdmittedUpload(gate=Gate.of(Policy(admission=Admission.OPT_IN)))
    upload = UploadFile(io.BytesIO(TUNE), filename="a.mp3")
    upload.file.seek(7)
    assert asyncio.run(AdmittedUpload().admit(upload)).admitted
    assert upload.file.tell() == 0
    with pytest.raises(NotAdmitted) as refused:
        asyncio.run(opt_in.admit(upload))
    assert refused.value.verdict.decision == "unreserved"
    upload.file.close()
    with pytest.raises(NotAdmitted) as refused:
        asyncio.run(AdmittedUpload().admit(upload))
    assert refused.value.verdict.decision == "undecided"


def test_a_damaged_trust_list_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "trust.json").write_text("{")
    with pytest.raises(TrustError):
        AdmittedUpload()


def test_an_upload_is_marked_into_its_place(tmp_path: Path) -> None:
    marking = Marking(signer(), Claim.from_profile(Profile.NO_AI))
    upload = UploadFile(io.BytesIO(TUNE), filename="a.mp3")
    result = asyncio.run(mark_upload(upload, tmp_path / "a.mp3", marking))
    assert result.path == tmp_path / "a.mp3"
    assert noai.verify(tmp_path / "a.mp3").decision == "rejected"
    with open(tmp_path / "object", "w+b") as file:
        assert asyncio.run(mark_upload(upload, file, marking)).path is None
    assert noai.verify(tmp_path / "object").decision == "rejected"
    with pytest.raises(DestinationExists):
        asyncio.run(mark_upload(upload, tmp_path / "a.mp3", marking))
    with pytest.raises(LimitExceeded):
        asyncio.run(mark_upload(upload, tmp_path / "b.mp3", marking, limit=1000))
    garbage = UploadFile(io.BytesIO(b"garbage"), filename="c.mp3")
    with pytest.raises(MarkError) as failed:
        asyncio.run(mark_upload(garbage, tmp_path / "c.mp3", marking))
    assert str(tmp_path) not in str(failed.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp3", "object"]
