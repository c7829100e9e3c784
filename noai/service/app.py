"""The endpoints, and what each does."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from noai import certificates
from noai._version import __version__
from noai.claim import ALL_USES, Profile
from noai.integrations.gate import Gate
from noai.limits import SERVICE_SPOOL_BYTES
from noai.records import dump_json
from noai.service import marks, media, openapi, pages
from noai.service.connections import Download
from noai.service.hosts import KnownHosts
from noai.service.metrics import CONTENT_TYPE, Metrics
from noai.service.problems import Kind, Problem
from noai.service.questions import asked, require_none
from noai.service.settings import Marking, Settings
from noai.service.uploads import Limits, receive
from noai.service.watching import Watch, told
from noai.service.working import Switch, Workers
from noai.verdict import Verdict


def service(settings: Settings | None = None) -> ASGIApp:
    """The ASGI application; everything that it needs to know is read here, and not again.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """
    settings = settings or Settings()
    made = _Service(settings)
    routes = [
        Route("/v1/verify", made.verify, methods=["POST"]),
        Route("/v1/mark", made.mark, methods=["POST"]),
        Route("/v1/identity", made.identity),
        Route("/healthz", made.health),
        Route("/metrics", made.metrics),
        Route("/openapi.json", made.openapi),
        *pages.routes(),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(KnownHosts, hosts=settings.hosts)],
        exception_handlers={Problem: _refused, HTTPException: _not_routed, Exception: _failed},
        lifespan=made.running,
    )
    # A redirection would lead to whatever host the request names.
    app.router.redirect_slashes = False
    return Watch(app, made.counted, [route.path for route in routes], settings.root_path)


class _Service:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits = Limits(settings.max_bytes, settings.pace)
        self._workers = Workers(settings.workers, settings.pace.judge)
        self._inside = 0
        self._identity = dump_json(_identity(settings))
        self._document = dump_json(openapi.document(settings))
        self.counted = Metrics()

    @asynccontextmanager
    async def running(self, app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._workers.close()

    # -- work ------------------------------------------------------------------------------------

    async def verify(self, request: Request) -> Response:
        gate = asked(request.query_params.multi_items(), self._settings.question)
        with self._room(), tempfile.SpooledTemporaryFile(SERVICE_SPOOL_BYTES) as spool:
            file = cast(BinaryIO, spool)
            upload = await receive(request, file, self._limits)
            require_none(name for name, _ in upload.fields)
            verdict = await self._workers.do(request, lambda switch: _judged(gate, file, upload.name, switch))
        media.require_true(upload.media_type, verdict.report.container)
        told(request.scope).decision = verdict.decision.value
        return _json(dump_json(verdict.record()))

    async def mark(self, request: Request) -> Response:
        marking = self._marking(request)
        require_none(request.query_params.keys())
        with ExitStack() as held:
            held.enter_context(self._room())
            with _folder() as folder:
                path = folder / "upload"
                with open(path, "xb") as sink:
                    upload = await receive(request, sink, self._limits, bare=False)
                wanted = marks.order(upload.fields)
                result = await self._workers.do(
                    request, lambda switch: marks.mark_file(path, wanted, marking.signer, switch)
                )
                # Open, it outlives its folder, and nothing is left of it even if the service is killed.
                file = held.enter_context(open(path, "rb"))
            told(request.scope).outcome = result.outcome.value
            headers = {
                "Content-Disposition": marks.disposition(upload.name),
                "Noai-Outcome": result.outcome.value,
                "Noai-Notices": marks.notices(result),
            }
            media_type = media.of(result.container)
            # Its place is taken until the client has the file, which lies on the disk until then.
            return Download(file, held.pop_all(), headers, media_type, self._settings.pace)

    def _marking(self, request: Request) -> Marking:
        marking = self._settings.marking
        if marking is None:
            raise Problem(Kind.MARKING_OFF, "this service only checks: it was started without an identity")
        if not marking.admits(marks.bearer(request.headers.getlist("authorization"))):
            detail = "marking takes the token of this service, as: Authorization: Bearer TOKEN"
            raise Problem(Kind.UNAUTHORIZED, detail, headers={"WWW-Authenticate": 'Bearer realm="noai"'})
        return marking

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Room for one more upload."""
        if self._inside >= self._settings.requests:
            raise Problem(Kind.BUSY, f"{self._settings.requests} uploads are at work; try again in a moment")
        self._inside += 1
        self.counted.uploads.inc()
        try:
            yield
        finally:
            self._inside -= 1
            self.counted.uploads.dec()

    # -- what there is to know -------------------------------------------------------------------

    async def identity(self, request: Request) -> Response:
        return _json(self._identity)

    async def health(self, request: Request) -> Response:
        return _json('{"status": "ok"}')

    async def metrics(self, request: Request) -> Response:
        return Response(self.counted.page(), headers={"Content-Type": CONTENT_TYPE})

    async def openapi(self, request: Request) -> Response:
        return _json(self._document)


def _judged(gate: Gate, file: BinaryIO, name: str | None, switch: Switch) -> Verdict:
    verdict = gate.verdict(file, name=name)
    if switch.over is not None and verdict.admitted:
        return gate.undecided(switch.over, name=name)
    return verdict


def _identity(settings: Settings) -> dict[str, object]:
    marking, identity = settings.marking, None
    if marking is not None:
        leaf = marking.signer.chain[0]
        identity = {"subject": certificates.subject(leaf), "kid": certificates.thumbprint(leaf)}
    return {
        "noai": __version__,
        "marking": marking is not None,
        "identity": identity,
        "max_bytes": settings.max_bytes,
        "profiles": [profile.value for profile in Profile],
        "uses": [use.value for use in ALL_USES],
    }


@contextmanager
def _folder() -> Iterator[Path]:
    try:
        made = tempfile.TemporaryDirectory(prefix="noai-upload-")
    except OSError as error:
        raise Problem(Kind.NO_ROOM, f"the upload cannot be stored: {error.strerror}") from error
    with made as folder:
        yield Path(folder)


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


# -- refusals ------------------------------------------------------------------------------------


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == Kind.METHOD_NOT_ALLOWED.status:
        detail = "this address takes other methods; the header Allow names them"
        return Problem(Kind.METHOD_NOT_ALLOWED, detail, headers=error.headers).response()
    return Problem(Kind.NOT_FOUND, "there is nothing at this address").response()


async def _failed(request: Request, error: Exception) -> Response:
    return Problem(Kind.INTERNAL, "this is a bug in noai; nothing is known about the file").response()
