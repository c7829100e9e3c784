"""Audio in the values of Parquet columns, however they are nested."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from noai.corpus.archives.interface import Member
from noai.corpus.archives.samples import expects_audio, is_nested
from noai.errors import ArchiveNested, LimitExceeded, NoaiError, SourceMissing
from noai.limits import ARCHIVE_HELD_BYTES, PARQUET_DEPTH
from noai.sources import BytesSource

#: The names that Hugging Face gives to the parts of an audio value.
_BYTES, _PATH = "bytes", "path"


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
    elif isinstance(value, (list, tuple)):
        for position, inner in enumerate(value):
            yield from found(inner, f"{way}[{position}]", promised, depth + 1)


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
    """Whether values of a type have bytes anywhere in them."""
    stack = [kind]
    while stack:
        inner = stack.pop()
        types = arrow.types
        if types.is_binary(inner) or types.is_large_binary(inner) or types.is_fixed_size_binary(inner):
            return True
        if types.is_dictionary(inner):
            stack.append(inner.value_type)
        if isinstance(inner, arrow.BaseExtensionType):
            stack.append(inner.storage_type)
        stack += [inner.field(position).type for position in range(inner.num_fields)]
    return False


def promised(metadata: dict[bytes, bytes] | None) -> frozenset[str]:
    """The columns that Hugging Face's description of a data set calls audio."""
    try:
        described = json.loads((metadata or {}).get(b"huggingface", b"{}"))
        features = described["info"]["features"].items()
        return frozenset(name for name, feature in features if '"Audio"' in json.dumps(feature))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return frozenset()  # the bytes say what they are
