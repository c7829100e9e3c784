"""What of an MP4 marking must not touch, as a multiset of descriptions.

Besides tag items: every box of the movie but chunk offsets, and the samples of every track that
is not audio (chapters, video, subtitles). Audio is the essence's own matter.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from noai.containers._bmff import BoxReader, Node
from noai.containers._inventory import Foreign, sha256
from noai.containers._mp4_essence import Movie, hash_samples, read_movie
from noai.containers._mp4_items import Form, Item, Metadata
from noai.containers._mp4_samples import read_samples
from noai.containers._mp4_tags import AREAS, DESCENDED, PADDING, read_metadata
from noai.containers.interface import FieldRole, TagEdit

_CHUNK_OFFSETS: Final = frozenset((b"stco", b"co64"))


def list_foreign(reader: BoxReader, edit: TagEdit) -> Counter[str]:
    """The inventory of :class:`noai.containers.interface.Container`.

    Raises:
        ContainerMalformed, LimitExceeded: as reading does.
    """
    top = reader.top()
    metadata = read_metadata(reader, top)
    metadata.require_whole()
    foreign = Foreign(edit)
    movie = read_movie(BoxReader(reader.source), top)
    found = Counter(_items(reader, metadata.items, foreign))
    found.update(_boxes(reader, metadata, foreign))
    found.update(_structure(reader, movie))
    found.update(_tracks(reader, movie))
    return found


def _items(reader: BoxReader, items: Sequence[Item], foreign: Foreign) -> Iterator[str]:
    for item in items:
        if item.role is FieldRole.MARKER:
            continue
        for value in item.values:
            if value.text is None:
                yield f"{item.identity}: {_digest(reader, value.start, value.end)}"
            else:
                yield from foreign.text(item.identity, [value.text], item.role)
        for box in item.others:
            yield f"{item.identity}/{box.name}: {_digest(reader, box.body, box.end)}"
        if item.form is Form.DATA and not item.values and not item.others:
            yield f"{item.identity}: empty"


def _boxes(reader: BoxReader, metadata: Metadata, foreign: Foreign) -> Iterator[str]:
    for label, box in metadata.opaque:
        yield f"{label}: {_digest(reader, box.body, box.end)}"
    for found in metadata.xmp:
        packet = reader.read(found.offset, found.box.end - found.offset)
        if found.top_level:
            yield from foreign.xmp("XMP", packet)
        else:
            yield f"XMP in the movie: {_digest(reader, found.offset, found.box.end)}"


def _structure(reader: BoxReader, movie: Movie) -> Iterator[str]:
    for root in movie.roots:
        if root.box.type != b"mdat":
            yield from _leaves(reader, root, "")


def _leaves(reader: BoxReader, node: Node, parent: str) -> Iterator[str]:
    """Every box without boxes in it, by its path and the digest of its payload."""
    kind = node.box.type
    if kind in PADDING or kind in _CHUNK_OFFSETS or _is_tag_area(kind, parent):
        return
    path = f"{parent}/{node.box.name}" if parent else node.box.name
    if not node.children:
        yield f"{path}: {_digest(reader, node.box.body, node.box.end)}"
    for child in node.children:
        yield from _leaves(reader, child, path)


def _is_tag_area(kind: bytes, parent: str) -> bool:
    """Whether what is in a box of ``kind`` at the path ``parent`` is described item by item."""
    around = (name.encode("latin-1") for name in parent.split("/") if name)
    return kind in AREAS and all(name in DESCENDED for name in around)


def _tracks(reader: BoxReader, movie: Movie) -> Iterator[str]:
    for track in movie.tracks:
        if not track.audio:
            hashed = hash_samples(reader, read_samples(reader, track.stbl()), "track", b"")
            yield f"track {track.id}: {hashlib.sha256(hashed.record()).hexdigest()}"


def _digest(reader: BoxReader, start: int, end: int) -> str:
    return f"{end - start} bytes, SHA-256 {sha256(reader.source, start, end)}"
