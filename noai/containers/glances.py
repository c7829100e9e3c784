"""The containers that can be told by a glance, by how their files begin."""

from __future__ import annotations

from typing import Final

from noai.containers import _glance_flac, _glance_mp3, _glance_mp4, _glance_ogg, _glance_wav
from noai.containers._flac_blocks import MAGIC
from noai.containers._glance_id3 import Id3Glance
from noai.containers._prefixed import Shifted
from noai.containers.glance import HEAD, Glance, Glancer
from noai.sources import ByteSource


def _glance_behind_id3(source: ByteSource, head: bytes) -> Glance | None:
    """A glance at MPEG audio or FLAC behind one ID3v2 tag."""
    tag = Id3Glance(source, head)
    start = tag.read(0, source.size)
    if start is None:
        return None
    if tag.bytes_at(start, len(MAGIC)) != MAGIC:
        return _glance_mp3.glance_behind(source, tag, start)
    behind = Shifted(source, start)
    found = _glance_flac.glance(behind, behind.read_at(0, HEAD))
    if found is None or not (tag.silent or found.markers or tag.markers):
        return None
    return found._replace(markers=(*tag.markers, *found.markers))


#: By the first two bytes: each glance looks at the rest itself.
_BY_START: Final[dict[bytes, Glancer]] = {
    b"fL": _glance_flac.glance,
    b"Og": _glance_ogg.glance,
    b"RI": _glance_wav.glance,
    b"\0\0": _glance_mp4.glance,
    b"ID": _glance_behind_id3,
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
