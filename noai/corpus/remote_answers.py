"""What a server's answer has to hold: held against what was asked, and refused where they differ."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from noai.corpus.remote_store import Part, RemoteStats, Transient, Version
from noai.errors import SourceChanged, SourceError, SourceForbidden, SourceMissing
from noai.limits import KIB, REMOTE_SKIPPED_BYTES

_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
#: One read of a body.
_PIECE: Final = 64 * KIB
#: After these the same question may be answered: timeouts, too many requests, troubles of the server.
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class Answer(NamedTuple):
    """What a server said, before its body is read."""

    url: str
    status: int
    content_range: str | None
    #: Of the body, as announced; None if it is not.
    length: int | None
    etag: str | None
    mtime_ns: int | None
    #: At most so many bytes of the body; none at its end.
    read: Callable[[int], Awaitable[bytes]]
    #: Whether a body of no announced length says where it ends: one that only breaks off may go on.
    is_chunked: bool = False


async def receive(
    answer: Answer, start: int, end: int, pin: Version | None, what: str, stats: RemoteStats
) -> Part:
    """The bytes from ``start`` up to ``end`` out of an answer with status 206 or 200.

    Raises:
        SourceChanged: if it is about another version than ``pin``.
        Transient: if the body ends early.
        SourceError: if it is no answer to what was asked.
    """
    if answer.status == 206:
        part = await _range(answer, start, end, pin, what, stats)
    elif answer.status == 200:
        part = await _whole(answer, start, end, what, stats)
    else:
        raise SourceError(f"{what}: the server answers with status {answer.status}")
    _require_same(part.version, pin, what)
    return part


async def _range(
    answer: Answer, start: int, end: int, pin: Version | None, what: str, stats: RemoteStats
) -> Part:
    told = _CONTENT_RANGE.fullmatch((answer.content_range or "").strip())
    if told is None:
        raise SourceError(f"{what}: the server does not say which bytes it sends, or of how many")
    first, last, total = (int(number) for number in told.groups())
    version = Version(total, answer.etag, answer.mtime_ns, answer.url)
    _require_same(version, pin, what)
    if first != start or last + 1 != min(end, total):
        raise SourceError(f"{what}: the server sends other bytes than it was asked for")
    data = await _body(answer, last + 1 - first + 1, stats)
    if len(data) > last + 1 - first:
        raise SourceError(f"{what}: the server sends more bytes than it says")
    if len(data) < last + 1 - first:
        raise Transient(f"{what}: the answer ends early")
    return Part(data, version)


async def _whole(answer: Answer, start: int, end: int, what: str, stats: RemoteStats) -> Part:
    """From a server that sends no ranges: read as far as needed, and no further."""
    if start > REMOTE_SKIPPED_BYTES:
        raise SourceError(f"{what}: the server sends no ranges, and byte {start} is too far in")
    total = answer.length
    if total is None and not answer.is_chunked:
        raise SourceError(f"{what}: the server does not say how many bytes there are")
    skipped = await _drop(answer, start, stats)
    data = await _body(answer, end - start, stats)
    if total is None:
        # Nothing but its end tells the size.
        skipped += await _drop(answer, REMOTE_SKIPPED_BYTES + 1 - skipped, stats)
        if skipped > REMOTE_SKIPPED_BYTES:
            raise SourceError(
                f"{what}: the server sends no ranges, and does not say how many bytes there are"
            )
        total = skipped + len(data)
    elif skipped + len(data) < min(end, total):
        raise Transient(f"{what}: the answer ends early")
    return Part(data, Version(total, answer.etag, answer.mtime_ns, answer.url), skipped)


async def _drop(answer: Answer, length: int, stats: RemoteStats) -> int:
    """How many of ``length`` bytes of the body came, and are thrown away: fewer only at its end."""
    dropped = 0
    while dropped < length:
        piece = await _body(answer, min(_PIECE, length - dropped), stats)
        if not piece:
            break
        dropped += len(piece)
    return dropped


async def _body(answer: Answer, length: int, stats: RemoteStats) -> bytes:
    """``length`` bytes of the body, fewer only at its end."""
    pieces: list[bytes] = []
    while length > 0:
        piece = await answer.read(min(length, _PIECE))
        if not piece:
            break
        stats.bytes += len(piece)
        length -= len(piece)
        pieces.append(piece)
    return b"".join(pieces)


def _require_same(version: Version, pin: Version | None, what: str) -> None:
    if pin is not None and not pin.same(version):
        raise SourceChanged(f"{what}: changed while it was being read")


def refusal(status: int, what: str, retry_after: str | None = None) -> SourceError:
    """The error that a status stands for."""
    if status in _PASSING:
        return Transient(f"{what}: the server answers with status {status}", seconds(retry_after))
    if status in (404, 410):
        return SourceMissing(f"{what}: there is no such object")
    if status in (401, 403):
        return SourceForbidden(
            f"{what}: may not be read (status {status}); check its address and your rights"
        )
    if status == 412:
        return SourceChanged(f"{what}: changed while it was being read")
    return SourceError(f"{what}: the server answers with status {status}")


def empty(url: str, start: int, pin: Version | None, what: str) -> Part:
    """What status 416 comes to: a range from the first byte cannot be had of an empty object alone.

    Raises:
        SourceChanged: for any other range, which was there when the size was told.
    """
    if start or pin is not None:
        raise SourceChanged(f"{what}: became shorter while it was being read")
    return Part(b"", Version(0, None, None, url))


def seconds(retry_after: str | None) -> float | None:
    """How long a Retry-After field asks to wait: a number, or a date (RFC 9110, section 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after[:9])
    moment = date(retry_after)
    return None if moment is None else max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def date(text: str | None) -> datetime | None:
    """A date as HTTP writes it, None if it is none."""
    try:
        moment = parsedate_to_datetime(text) if text else None
    except (ValueError, OverflowError):
        return None
    if moment is None:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)


def nanoseconds(moment: datetime | None) -> int | None:
    """A time of modification as records give it."""
    return None if moment is None else int(moment.timestamp()) * 10**9
