"""Uploads in Starlette and FastAPI, judged at ingest or marked on their way in (``noai[starlette]``)."""

# Annotations are no text here: FastAPI reads those of a dependency, and cannot resolve them on an instance.

from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive

from noai.errors import LimitExceeded
from noai.integrations.gate import Gate, why
from noai.integrations.marking import Marking
from noai.integrations.uploads import Destination, judge_upload, mark_into, too_large
from noai.limits import UPLOAD_BYTES, UPLOAD_FORM_BYTES
from noai.marking import MarkResult
from noai.verdict import Verdict


class NotAdmitted(HTTPException):
    """An upload may not enter: 422, and why. :func:`refusal` answers with the whole verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(422, why(verdict))
        self.verdict = verdict


def refusal(request: Request, error: Exception) -> Response:
    """An exception handler for :class:`NotAdmitted`: ``{"detail": …, "verdict": {…}}`` as JSON."""
    if not isinstance(error, NotAdmitted):
        raise error
    body = {"detail": error.detail, "verdict": error.verdict.record()}
    return JSONResponse(body, status_code=error.status_code)


class AdmittedUpload:
    """The file in the form field ``field``, if it may enter: a dependency for FastAPI, a call in Starlette.

    It is at its start and to be closed by whoever gets it; a refused one is closed. A form with more than
    ``limit`` bytes, and 1 MiB beside them, is not read to its end.

    Args:
        field: The name of the form field.
        gate: The question; None: :meth:`Gate.of`.
        limit: Bytes of the upload.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    def __init__(self, field: str = "file", *, gate: Gate | None = None, limit: int = UPLOAD_BYTES) -> None:
        self._field = field
        self._gate = gate or Gate.of()
        self._limit = limit

    async def __call__(self, request: Request) -> UploadFile:
        """
        Raises:
            HTTPException: 400 where there is no such file or another beside it, 413 where it is too long.
            NotAdmitted: 422 where it may not enter.
        """
        form = await self._form(request)
        uploads = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        try:
            named = form.getlist(self._field)
            # All files of the form are counted: where FastAPI has read it, the limit below came too late.
            if len(named) != 1 or len(uploads) != 1 or named[0] is not uploads[0]:
                raise HTTPException(400, f"one file is expected, in the form field {self._field!r}")
            await self.admit(uploads[0])
        except BaseException:
            for upload in uploads:
                await upload.close()
            raise
        return uploads[0]

    async def admit(self, upload: UploadFile) -> Verdict:
        """The verdict on an upload that is there already, if it may enter.

        Raises:
            HTTPException: 413 where it is too long.
            NotAdmitted: 422 where it may not enter.
        """
        judge = partial(judge_upload, self._gate, upload.file, name=upload.filename, limit=self._limit)
        try:
            verdict = await run_in_threadpool(judge)
        except LimitExceeded as error:
            raise HTTPException(413, str(error)) from None
        if not verdict.admitted:
            raise NotAdmitted(verdict)
        return verdict

    async def _form(self, request: Request) -> FormData:
        bounded = _Bounded(request.receive, self._limit)
        told = request.headers.get("content-length", "")
        if told.isdigit() and int(told) > bounded.most:
            raise bounded.refusal()
        # In the request itself, which keeps the form for whoever asks for its other fields. A framework that
        # has read the form by then keeps it, too: its own limits were those that counted.
        request._receive = bounded
        try:
            return await request.form(max_files=1)
        except (MultiPartException, HTTPException) as error:
            if bounded.exceeded:
                raise bounded.refusal() from None
            message = error.message if isinstance(error, MultiPartException) else error.detail
            raise HTTPException(400, message) from None


class _Bounded:
    """``receive`` of a request that fails when more bytes have come than an upload and its form may have."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._come = 0
        self.most = limit + UPLOAD_FORM_BYTES

    @property
    def exceeded(self) -> bool:
        return self._come > self.most

    def refusal(self) -> HTTPException:
        return HTTPException(413, too_large(self._limit))

    async def __call__(self) -> Message:
        message = await self._receive()
        self._come += len(message.get("body", b""))
        if self.exceeded:
            # The one exception at which the parser closes what it has written so far.
            raise MultiPartException(too_large(self._limit))
        return message


async def mark_upload(
    upload: UploadFile,
    destination: Destination,
    marking: Marking,
    *,
    limit: int = UPLOAD_BYTES,
) -> MarkResult:
    """A marked copy of an upload, put at a path that is free, or written into a file object.

    Raises:
        LimitExceeded: if the upload has more than ``limit`` bytes.
        DestinationExists: if there is something at the path.
        MarkError: if the upload cannot be marked safely; nothing is written then.
    """
    return await run_in_threadpool(partial(mark_into, upload.file, destination, marking, limit=limit))
