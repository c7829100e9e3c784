"""Having a marker timestamped by an authority, over HTTP (RFC 3161, section 3.4)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from noai import timestamps
from noai.errors import FetchError, TimestampError
from noai.fetching import post, require_address
from noai.limits import TIMESTAMP_ANSWER_BYTES, TIMESTAMP_BYTES

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest

_QUERY: Final = "application/timestamp-query"
_GRANTED: Final = (0, 1)


def require_ready(url: str) -> None:
    """Whether :func:`stamp` can ask at all, before the first marker is signed.

    Raises:
        UsageError, TimestampError: as there.
    """
    require_address(url)
    _request("-")


def stamp(url: str, token: str, issued_at: int) -> str:
    """A timestamp of the marker ``token`` by the authority at ``url``: base64, as it stands in the tags.

    Whether anybody trusts the authority is not asked here; that it answers this very question is checked.

    Raises:
        UsageError: if ``url`` is no http or https address.
        TimestampError: if there is no usable answer, or the extra ``noai[tsa]`` is not installed.
    """
    request = _request(token)
    try:
        answer = post(url, request.as_bytes(), _QUERY, TIMESTAMP_ANSWER_BYTES)
    except FetchError as error:
        raise TimestampError(f"no timestamp: {error}") from error
    data = _token_in(answer, url)
    try:
        info = timestamps.open_token(data).tst_info
    except ValueError as error:
        raise TimestampError(f"{url}: the answer is no timestamp: {error}") from None
    if info.message_imprint.message != timestamps.imprint(token) or info.nonce != request.nonce:
        raise TimestampError(f"{url}: the timestamp is of something else than was asked")
    if abs(info.gen_time.timestamp() - issued_at) > timestamps.TOLERANCE.total_seconds():
        raise TimestampError(
            f"{url}: its clock says {info.gen_time:%Y-%m-%d}, more than a day from the marker's; "
            "is the clock of this computer right?"
        )
    if len(data) > TIMESTAMP_BYTES:
        raise TimestampError(f"{url}: the timestamp is longer than {TIMESTAMP_BYTES} bytes")
    return base64.b64encode(data).decode("ascii")


def _request(token: str) -> TimeStampRequest:
    try:
        from rfc3161_client import TimestampRequestBuilder
        from rfc3161_client.base import HashAlgorithm
    except ImportError:
        raise TimestampError(
            "timestamps take the package rfc3161-client; install it with: pip install 'noai[tsa]'"
        ) from None
    # With the authority's certificates, so that whoever checks needs no more than its root.
    builder = TimestampRequestBuilder().hash_algorithm(HashAlgorithm.SHA256)
    return builder.data(token.encode("ascii")).nonce(nonce=True).cert_request(cert_request=True).build()


def _token_in(answer: bytes, url: str) -> bytes:
    """The TimeStampToken in a TimeStampResp, as it was signed."""
    try:
        status, token = timestamps.parse_answer(answer)
    except ValueError as error:
        raise TimestampError(f"{url}: the answer is no timestamp: {error}") from None
    if status not in _GRANTED or not token:
        raise TimestampError(f"{url}: the authority refuses, with status {status}")
    return token
