"""The containers that can be told by a glance, by how their files begin."""

from __future__ import annotations

from typing import Final

from noai.containers import _glance_mp3
from noai.containers.glance import HEAD, Glance, Glancer
from noai.sources import ByteSource

#: By the first two bytes: each glance looks at the rest itself.
_BY_START: Final[dict[bytes, Glancer]] = {
    b"ID": _glance_mp3.glance,
    b"\xff\xfb": _glance_mp3.glance,
    b"\xff\xfa": _glance_mp3.glance,
    b"\xff\xf3": _glance_mp3.glance,
}


def glance(source: ByteSource) -> Glance | None:
    """What a glance tells of ``source``; None if it has to be read.

    Raises:
        SourceError: if the bytes cannot be had.
    """
    head = source.read_at(0, HEAD)
    glancer = _BY_START.get(head[:2])
    return None if glancer is None else glancer(source, head)
