"""A request's file: streamed to where it is worked on, within limits of size and time.

It is the body itself, or the part ``file`` of a form. The name that a client gives is shown, and never used
as a path.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from noai.integrations.uploads import too_large
from noai.limits import (
    SERVICE_FIELD_BYTES,
    SERVICE_FIELDS,
    SERVICE_NAME_BYTES,
    SERVICE_SPOOL_BYTES,
    UPLOAD_FORM_BYTES,
)
from noai.service import media
from noai.service.problems import Kind, Problem, gone
from noai.service.settings import Pace
from noai.text import printable

FORM: Final = "multipart/form-data"
_FILE: Final = "file"
_MEDIA_TYPE: Final = re.compile(r"\s*([\w!#$&^.+*-]+/[\w!#$&^.+*-]+)\s*(?:;.*)?", re.ASCII)


@dataclass(frozen=True)
class Upload:
    """What came with a file: its name, and the other fields of its form."""

    name: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    #: Of the body, where the file is the body. A part's type is what a browser makes of the file's name.
    media_type: str | None = None


@dataclass(frozen=True)
class Limits:
    max_bytes: int
    pace: Pace

    def too_large(self) -> Problem:
        return Problem(Kind.TOO_LARGE, too_large(self.max_bytes), headers={"Connection": "close"})


async def receive(request: Request, sink: BinaryIO, limits: Limits, *, bare: bool = True) -> Upload:
    """Write the file of a request into ``sink``, which is at its start afterwards.

    ``bare``: whether the body may be the file itself.

    Raises:
        Problem: if there is no such file, or it is too large, or comes too slowly, or not to its end.
    """
    media_type = _media_type(request)
    is_form = media_type == FORM
    if not is_form and not (bare and media.may_be_audio(media_type)):
        taken = f"{FORM}, audio/* or {media.ANYTHING}" if bare else FORM
        detail = f"the body is of the type {media_type!r}; send {taken}"
        raise Problem(Kind.UNSUPPORTED_TYPE, detail, headers={"Accept": taken.replace(" or ", ", ")})
    beside = UPLOAD_FORM_BYTES if is_form else 0
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > limits.max_bytes + beside:
        raise limits.too_large()
    try:
        writer = _Writer(sink, limits)
        if is_form:
            return await _receive_form(request, writer, limits)
        async for chunk in _chunks(request, limits.pace):
            writer.take(chunk)
            await writer.settle()
        await writer.finish()
    except OSError as error:
        raise Problem(Kind.NO_ROOM, f"the upload cannot be stored: {error.strerror}") from error
    if not writer.size:
        raise Problem(Kind.NO_FILE, "the body is empty")
    return Upload(media_type=media_type)


def _media_type(request: Request) -> str:
    given = request.headers.getlist("content-type")
    match = _MEDIA_TYPE.fullmatch(given[0]) if len(given) == 1 else None
    if given and match is None:
        raise Problem(Kind.UNSUPPORTED_TYPE, "the Content-Type of the body is none")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        detail = "a body with a Content-Encoding is not taken; send the file as it is"
        raise Problem(Kind.UNSUPPORTED_TYPE, detail, headers={"Accept-Encoding": "identity"})
    # Without a type, a body is bytes (RFC 9110, section 8.3).
    return media.ANYTHING if match is None else match[1].lower()


async def _chunks(request: Request, pace: Pace) -> AsyncIterator[bytes]:
    """The body as it comes, from a client that is not too slow."""
    clock = asyncio.get_running_loop().time
    end = clock() + pace.upload
    more = True
    while more:
        wait = min(pace.idle, end - clock())
        try:
            # A client that sends a byte now and then never makes the wait itself end.
            message = await asyncio.wait_for(request.receive(), wait) if wait > 0 else None
        except asyncio.TimeoutError:
            message = None
        if message is None:
            detail = f"nothing came for {pace.idle:g} s, or the whole took more than {pace.upload:g} s"
            raise Problem(Kind.TOO_SLOW, detail, headers={"Connection": "close"})
        if message["type"] == "http.disconnect":
            raise gone()
        if body := message.get("body", b""):
            yield body
        more = message.get("more_body", False)


class _Writer:
    """Counts and collects what comes, and writes it away from the loop, which a disk would hold up."""

    def __init__(self, sink: BinaryIO, limits: Limits) -> None:
        self._sink = sink
        self._limits = limits
        self._held = bytearray()
        self.size = 0

    def take(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limits.max_bytes:
            raise self._limits.too_large()
        self._held += data

    async def settle(self) -> None:
        """Write what is held, if it is much."""
        if len(self._held) >= SERVICE_SPOOL_BYTES:
            await self._write()

    async def finish(self) -> None:
        if self.size >= SERVICE_SPOOL_BYTES:
            await self._write()
        else:
            self._sink.write(self._held)
        self._sink.seek(0)

    async def _write(self) -> None:
        held, self._held = self._held, bytearray()
        await asyncio.to_thread(self._sink.write, held)


async def _receive_form(request: Request, writer: _Writer, limits: Limits) -> Upload:
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get(b"boundary")
    if not boundary:
        raise Problem(Kind.BAD_REQUEST, "the Content-Type of the form names no boundary")
    form = _Form(writer.take)
    size = 0
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]
        async for chunk in _chunks(request, limits.pace):
            size += len(chunk)
            parser.write(chunk)
            if size - writer.size > UPLOAD_FORM_BYTES:
                raise Problem(Kind.TOO_LARGE, "there is too much in the form beside the file")
            await writer.settle()
    except FormParserError as error:
        raise Problem(Kind.BAD_REQUEST, f"the form is malformed: {error}") from None
    if not form.is_whole:
        raise Problem(Kind.BAD_REQUEST, "the form ends before its last boundary")
    if not form.has_file:
        raise Problem(Kind.NO_FILE, f"the form has no field {_FILE!r}")
    await writer.finish()
    return Upload(form.file_name, tuple(form.fields))


class _Form:
    """The parts of one form, as the parser meets them."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self.fields: list[tuple[str, str]] = []
        self.has_file = False
        self.file_name: str | None = None
        self.is_whole = False
        self._header = (bytearray(), bytearray())
        self._disposition: bytes | None = None
        self._field: str | None = None
        self._value = bytearray()

    def callbacks(self) -> dict[str, Callable[..., None]]:
        names = ("part_begin", "header_field", "header_value", "header_end", "headers_finished")
        return {f"on_{name}": getattr(self, f"_{name}") for name in (*names, "part_data", "part_end", "end")}

    def _part_begin(self) -> None:
        self._disposition, self._field, self._value = None, None, bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _header_end(self) -> None:
        name, value = (bytes(part) for part in self._header)
        self._header = (bytearray(), bytearray())
        if name.lower() == b"content-disposition":
            if self._disposition is not None:
                raise Problem(Kind.BAD_REQUEST, "a part of the form has two names")
            self._disposition = value

    def _headers_finished(self) -> None:
        kind, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or not name:
            raise Problem(Kind.BAD_REQUEST, "a part of the form has no name")
        if b"filename" not in options:
            if name == _FILE:
                raise Problem(Kind.NO_FILE, f"the field {_FILE!r} is no file: it has no filename")
            self._field = name
            if len(self.fields) == SERVICE_FIELDS:
                raise Problem(Kind.BAD_REQUEST, f"the form has more than {SERVICE_FIELDS} fields")
            return
        if self.has_file:
            raise Problem(Kind.BAD_REQUEST, "the form has more than one file; send them one by one")
        if name != _FILE:
            raise Problem(Kind.NO_FILE, f"the field of the file is called {_FILE!r}")
        self.has_file = True
        self.file_name = clean_name(options[b"filename"])

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._take(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > SERVICE_FIELD_BYTES:
            raise Problem(Kind.BAD_REQUEST, f"the field {printable(self._field, 60)!r} is too long")

    def _part_end(self) -> None:
        if self._field is not None:
            try:
                self.fields.append((self._field, self._value.decode("utf-8")))
            except UnicodeDecodeError:
                raise Problem(
                    Kind.BAD_REQUEST, f"the field {printable(self._field, 60)!r} is not UTF-8"
                ) from None

    def _end(self) -> None:
        self.is_whole = True


def clean_name(given: bytes) -> str | None:
    """The name of a file as a client gives it; None for none. Bytes that are not UTF-8 are kept.

    Raises:
        Problem: for what no file is called: a path, control characters, more than 255 bytes.
    """
    name = given.decode("utf-8", "surrogateescape").strip()
    if len(given) > SERVICE_NAME_BYTES:
        raise Problem(Kind.BAD_NAME, f"it has more than {SERVICE_NAME_BYTES} bytes")
    if "/" in name or "\\" in name or name in (".", ".."):
        raise Problem(Kind.BAD_NAME, "it is a path; send the name alone")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise Problem(Kind.BAD_NAME, "it has control characters in it")
    return name or None
