"""Refusals: each a problem detail (RFC 9457), with a type that stays the same."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from starlette.responses import Response

from noai.limits import SERVICE_RETRY_SECONDS
from noai.records import dump_json

MEDIA_TYPE: Final = "application/problem+json"


class Kind(Enum):
    """A status and a title. The name, in small letters, is the end of the type."""

    BAD_REQUEST = (400, "The request makes no sense")
    NO_FILE = (400, "There is no file in the request")
    BAD_NAME = (400, "The name of the file is none")
    UNAUTHORIZED = (401, "The token is missing or wrong")
    MARKING_OFF = (403, "This service does not mark")
    CROSS_SITE = (403, "The page of another site asks")
    NOT_FOUND = (404, "There is nothing at this address")
    METHOD_NOT_ALLOWED = (405, "This address takes other methods")
    TOO_SLOW = (408, "Sending took too long")
    TOO_LARGE = (413, "The upload is too large")
    UNSUPPORTED_TYPE = (415, "The content is of a type that is not taken")
    WRONG_HOST = (421, "This service has another name")
    CANNOT_BE_MARKED = (422, "It cannot be marked")
    #: For the log alone: nobody is there any more to read it.
    CLIENT_GONE = (499, "The client went away")
    INTERNAL = (500, "The service failed")
    BUSY = (503, "The service is busy")
    NO_ROOM = (503, "The service has no room left on its disk")
    CANNOT_SIGN = (503, "The service cannot sign")
    TOOK_TOO_LONG = (503, "Working on the file took too long")
    STOPPING = (503, "The service stops")

    @property
    def status(self) -> int:
        return self.value[0]

    @property
    def title(self) -> str:
        return self.value[1]

    @property
    def type(self) -> str:
        """The URI that identifies it."""
        return f"urn:noai:problem:{self.name.lower().replace('_', '-')}"


class Problem(Exception):
    """Why a request is refused. ``detail`` is one sentence for people, ``code`` one of noai's own."""

    def __init__(
        self, kind: Kind, detail: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.code = code
        self.headers = dict(headers or {})
        if kind.status == 503:
            self.headers.setdefault("Retry-After", str(SERVICE_RETRY_SECONDS))

    def response(self) -> Response:
        kind = self.kind
        body = {"type": kind.type, "title": kind.title, "status": kind.status, "detail": self.detail}
        if self.code is not None:
            body["code"] = self.code
        return Response(dump_json(body), kind.status, self.headers, MEDIA_TYPE)


class CutShort(Exception):
    """An answer that has begun and cannot be finished: the server cuts the line."""


def gone() -> Problem:
    return Problem(Kind.CLIENT_GONE, "the client went away before all of the request was there")


def stopping() -> Problem:
    return Problem(
        Kind.STOPPING, "the service stops, and the time to finish is over", headers={"Connection": "close"}
    )
