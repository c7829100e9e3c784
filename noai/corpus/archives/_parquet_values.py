"""Audio in the values of Parquet columns, however they are nested."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from noai.corpus.archives.interface import Member
from noai.corpus.archives.samples import expects_audio, is_nested
from noai.errors import ArchiveNested, LimitExceeded, MemberUnsupported, NoaiError, SourceMissing
from noai.limits import ARCHIVE_HELD_BYTES, PARQUET_DEPTH
from noai.sources import BytesSource

#: The names that Hugging Face gives to the parts of an audio value.
_BYTES, _PATH = "bytes", "path"
#: What holds no file. A UUID is 16 bytes.
_HARMLESS: Final = (type(None), int, float, Decimal, str, date, time, timedelta, UUID)


def found(value: object, way: str, promised: bool, depth: int) -> Iterator[Member]:
    """The audio in one value, however it is nested."""
    if depth > PARQUET_DEPTH:
        yield Member(way, None, None, error=LimitExceeded(f"{way}: nests deeper than {PARQUET_DEPTH}"))
    elif isinstance(value, bytes):
        yield _member(way, value, None, promised)
    elif isinstance(value, dict):
        named = value.get(_PATH)
        path = named if isinstance(named, str) else None
        for key, inner in value.items():
            if key != _BYTES or not (inner is None or isinstance(inner, bytes)):
                yield from found(inner, f"{way}.{key}", promised, depth + 1)
            elif inner is not None or path is not None:
                yield _member(way, inner, path, promised)
    elif isinstance(value, (list, tuple)) and value and all(map(_is_byte, value)):
        yield _member(way, bytes(each & 0xFF for each in value), None, promised)
    elif isinstance(value, (list, tuple)):
        for position, inner in enumerate(value):
            yield from found(inner, f"{way}[{position}]", promised, depth + 1)
    elif not isinstance(value, _HARMLESS):
        unread = MemberUnsupported(f"{way}: is of a type that is not read")
        yield Member(way, None, None, error=unread, expects_audio=promised)


def _is_byte(value: object) -> bool:
    return type(value) is int and -128 <= value <= 255


def _member(way: str, data: bytes | None, path: str | None, promised: bool) -> Member:
    name = way if path is None else f"{way}:{path}"
    expected = promised or (path is not None and expects_audio(path))
    error: NoaiError
    if data is None:
        error = SourceMissing(f"{name}: is named here, and its bytes are elsewhere")
        return Member(name, None, None, error=error, expects_audio=expected)
    if path is not None and is_nested(path):
        error = ArchiveNested(f"{name}: is an archive inside an archive, which is not opened")
        return Member(name, len(data), None, error=error)
    if len(data) > ARCHIVE_HELD_BYTES:
        error = LimitExceeded(f"{name}: has more than {ARCHIVE_HELD_BYTES} bytes")
        return Member(name, len(data), None, error=error)
    return Member(name, len(data), None, BytesSource(data), expects_audio=expected)


def holds_bytes(arrow: Any, kind: Any) -> bool:
    """Whether values of a type may have bytes anywhere in them: all do that are not known to have none."""
    types = arrow.types
    stack = [kind]
    while stack:
        inner = stack.pop()
        if isinstance(inner, arrow.BaseExtensionType):
            stack.append(inner.storage_type)
        elif types.is_dictionary(inner):
            stack.append(inner.value_type)
        elif types.is_struct(inner) or inner.num_fields:
            fields = [inner.field(position).type for position in range(inner.num_fields)]
            # Bytes as numbers, one by one.
            if not types.is_struct(inner) and any(each in (arrow.int8(), arrow.uint8()) for each in fields):
                return True
            stack += fields
        elif not _is_harmless(types, inner):
            return True
    return False


def _is_harmless(types: Any, kind: Any) -> bool:
    names = ("boolean", "null", "integer", "floating", "decimal", "temporal")
    texts = ("string", "large_string", "string_view")
    # Older versions of Arrow know fewer types.
    asked = (getattr(types, f"is_{name}", None) for name in names + texts)
    return any(ask is not None and ask(kind) for ask in asked)


def promised(metadata: dict[bytes, bytes] | None) -> frozenset[str]:
    """The columns that Hugging Face's description of a data set calls audio."""
    try:
        described = json.loads((metadata or {}).get(b"huggingface", b"{}"))
        features = described["info"]["features"].items()
        return frozenset(name for name, feature in features if '"Audio"' in json.dumps(feature))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return frozenset()  # the bytes say what they are
