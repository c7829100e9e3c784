"""Strict base64 and strict JSON: the two encodings that signed statements are made of.

Python's decoders are lenient where a signed format must not be: ``base64`` takes ``QQ==``,
``QR==`` and ``Q!Q==`` for the same bytes, ``json`` takes duplicate names, lone surrogates, NaN
and integers of any size.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Final, NoReturn, Union

from noai.codes import Code
from noai.errors import TokenRefused
from noai.limits import JSON_DEPTH

Json = Union[str, int, bool, None, list["Json"], dict[str, "Json"]]

#: Integers above it are not the same in every JSON implementation (RFC 8259, section 6).
MAX_INTEGER: Final = 2**53 - 1
#: Seconds since 1970 at the end of the year 9999: later instants have no calendar date in Python.
LAST_SECOND: Final = 253_402_300_799
_MAX_INTEGER_CHARS: Final = 17
#: Up to the end where it is not closed, so that no place is looked at twice.
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)


def b64url(data: bytes) -> str:
    """base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: str) -> bytes:
    """The inverse of :func:`b64url`; the text must be exactly what it would give.

    Raises:
        TokenRefused: for padding, foreign characters or trailing bits.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or b64url(data) != text:
        raise TokenRefused(Code.TOKEN_ENCODING, "a part of the token is not strict base64url")
    return data


def b64_decode(text: str) -> bytes:
    """Standard base64 with padding, as ``x5c`` has it (RFC 7515, section 4.1.6), strictly.

    Raises:
        TokenRefused: if re-encoding does not give the same text.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or base64.b64encode(data).decode("ascii") != text:
        raise TokenRefused(Code.CHAIN_MALFORMED, "a certificate in x5c is not strict base64")
    return data


def json_object(data: bytes) -> dict[str, Json]:
    """A JSON object, strictly: UTF-8 without BOM, no lone surrogates, no duplicate names at any
    depth, at most 8 levels, numbers only as integers below 2**53.

    Raises:
        TokenRefused: naming the rule that is broken.
    """
    try:
        text = data.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise TokenRefused(Code.TOKEN_ENCODING, "JSON is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise TokenRefused(Code.TOKEN_ENCODING, "JSON starts with a byte order mark")
    # Counted before parsing: the parser recurses, so the limit must not depend on its stack.
    if _depth(data) > JSON_DEPTH:
        raise TokenRefused(Code.TOKEN_DEPTH, f"JSON nests deeper than {JSON_DEPTH}")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8", "strict")
    except UnicodeEncodeError:
        raise TokenRefused(Code.TOKEN_ENCODING, "a string holds a lone surrogate") from None
    except ValueError:
        raise TokenRefused(Code.TOKEN_ENCODING, "the JSON is not well-formed") from None
    if not isinstance(value, dict):
        raise TokenRefused(Code.TOKEN_ENCODING, "the JSON is not an object")
    return value


def json_bytes(value: Mapping[str, object]) -> bytes:
    """Compact UTF-8 JSON, members in the given order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _depth(data: bytes) -> int:
    depth = deepest = 0
    for byte in _STRING.sub(b"", data):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise TokenRefused(Code.TOKEN_DUPLICATE_MEMBER, "an object names one member twice")
    return members


def _integer(text: str) -> int:
    if len(text) > _MAX_INTEGER_CHARS or abs(int(text)) > MAX_INTEGER:
        raise TokenRefused(Code.TOKEN_NUMBER, "an integer is not below 2**53")
    return int(text)


def _no_float(text: str) -> NoReturn:
    raise TokenRefused(Code.TOKEN_NUMBER, f"{text[:20]} is not an integer")
