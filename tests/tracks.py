"""The sample tracks as test parameters, and tokens put into them with noai's own writers."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest

from noai.containers.interface import FieldRole, TagEdit
from noai.containers.registry import detect
from noai.sources import BytesSource
from tests.audio import SAMPLES

#: One of every container, as committed.
TRACKS = sorted(path.name for path in (SAMPLES / "unmarked").glob("tune*"))

each_track = pytest.mark.parametrize("track", TRACKS)


def unmarked(track: str) -> bytes:
    return (SAMPLES / "unmarked" / track).read_bytes()


def tokens(data: bytes) -> list[str]:
    """The ``NOAI`` values in a file."""
    source = BytesSource(data)
    fields = detect(source).container.read_tags(source).fields
    return [field.value for field in fields if field.role is FieldRole.MARKER]


def plant(data: bytes, values: Iterable[str]) -> bytes:
    """``data`` with exactly these ``NOAI`` values, and nothing else changed."""
    file = io.BytesIO(data)
    detect(BytesSource(data)).container.write_tags(file, TagEdit(markers=tuple(values)))
    return file.getvalue()
