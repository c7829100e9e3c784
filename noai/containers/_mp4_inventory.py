"""What of an MP4 marking must not touch, as a multiset of descriptions.

Besides tag items: every box of the movie but chunk offsets, the fragments, and the samples of every track
that is not audio (chapters, video, subtitles). Audio is the essence's own matter.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from noai.containers._area import AreaBuilder
from noai.containers._bmff import Box, BoxReader, Node, descend
from noai.containers._id3_inventory import describe_tag
from noai.containers._inventory import Foreign, sha256
from noai.containers._mp4_essence import hash_samples
from noai.containers._mp4_index import read_random_access, read_segment_index
from noai.containers._mp4_items import Form, Item, Metadata
from noai.containers._mp4_list import PADDING
from noai.containers._mp4_movie import Movie, read_movie
from noai.containers._mp4_offsets import fragment_base
from noai.containers._mp4_tags import AREAS, DESCENDED, read_metadata
from noai.containers.interface import TagEdit

_CHUNK_OFFSETS: Final = frozenset((b"stco", b"co64"))
_REPEATED: Final = frozenset((b"moof", b"mdat", b"styp", b"sidx"))


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
        if item.role.is_slot:
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
    area = AreaBuilder()
    for place in metadata.id3:
        yield from (f"ID32: {text}" for text in describe_tag(reader.source, place.tag, foreign, area))


def _structure(reader: BoxReader, movie: Movie) -> Iterator[str]:
    repeated = [box.start for box in movie.top if box.type in _REPEATED]
    places = {start: number for number, start in enumerate(repeated)}
    for root in movie.roots:
        if root.box.type == b"mfra":
            yield f"mfra: {_access(reader, root.box, places)}"
        elif root.box.type == b"sidx":
            yield f"sidx: {_index(reader, root.box, places)}"
        else:
            yield from _leaves(reader, root, "")
    if movie.moofs:
        yield f"fragments: {_fragments(BoxReader(reader.source), movie.moofs)}"


def _leaves(reader: BoxReader, node: Node, parent: str) -> Iterator[str]:
    """Every box without boxes in it, by its path and the digest of its payload."""
    kind = node.box.type
    if kind in PADDING or kind in _CHUNK_OFFSETS or _is_tag_area(kind, parent):
        return
    path = f"{parent}/{node.box.name}" if parent else node.box.name
    if not node.children:
        yield f"{path}: {_content(reader, node.box)}"
    for child in node.children:
        yield from _leaves(reader, child, path)


def _content(reader: BoxReader, box: Box) -> str:
    base = fragment_base(reader, box) if box.type == b"tfhd" else None
    if base is None:
        return _digest(reader, box.body, box.end)
    at, _ = base
    return f"{_digest(reader, box.body, at)}; {_digest(reader, at + 8, box.end)}"


def _is_tag_area(kind: bytes, parent: str) -> bool:
    """Whether what is in a box of ``kind`` at the path ``parent`` is described item by item."""
    around = (name.encode("latin-1") for name in parent.split("/") if name)
    return kind in AREAS and all(name in DESCENDED for name in around)


# -- fragments: whatever moves is described by what it points to -------------------------------------


def _fragments(reader: BoxReader, moofs: Sequence[Box]) -> str:
    digest = hashlib.sha256()
    for moof in moofs:
        for leaf in _leaves(reader.fragments, descend(reader, moof), ""):
            digest.update(leaf.encode())
        digest.update(b"\n")
    return f"{len(moofs)}, SHA-256 {digest.hexdigest()}"


def _index(reader: BoxReader, box: Box, places: dict[int, int]) -> str:
    index = read_segment_index(reader, box)
    first, last = places.get(index.first), places.get(index.end)
    numbers = f"{_digest(reader, box.body, index.at)}; {_digest(reader, index.at + index.width, box.end)}"
    return f"from {first} to {last}, {numbers}"


def _access(reader: BoxReader, mfra: Box, places: dict[int, int]) -> str:
    digest = hashlib.sha256()
    for table in read_random_access(reader, mfra):
        digest.update(reader.read(table.box.body, 16))
        for _, data in table.blocks(reader):
            for at in range(0, len(data), table.row):
                time, rest = data[at : at + table.width], data[at + 2 * table.width : at + table.row]
                offset = int.from_bytes(data[at + table.width : at + 2 * table.width], "big")
                digest.update(time + str(places.get(offset)).encode() + rest)
    return digest.hexdigest()


def _tracks(reader: BoxReader, movie: Movie) -> Iterator[str]:
    for track in movie.tracks:
        if not track.audio:
            hashed = hash_samples(reader, track.samples(reader), "track", b"")
            yield f"track {track.id}: {hashlib.sha256(hashed.record()).hexdigest()}"


def _digest(reader: BoxReader, start: int, end: int) -> str:
    return f"{end - start} bytes, SHA-256 {sha256(reader.source, start, end)}"
