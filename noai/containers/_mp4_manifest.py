"""A C2PA manifest store in an MP4: in a ``uuid`` box behind ``ftyp``, in front of everything else.

C2PA 2.x, "Embedding manifests into BMFF-based assets": before ``moov`` and the first ``mdat``. So all
samples move, and every absolute offset with them.
"""

from __future__ import annotations

from typing import BinaryIO, Final

from noai.containers._bmff import BoxReader
from noai.containers._mp4_movie import read_movie
from noai.containers._mp4_offsets import Shift, free_box, move_offsets, require_movable
from noai.containers._mp4_uuid import C2PA_UUID
from noai.containers._mp4_values import atom
from noai.containers._splices import Splice, apply
from noai.errors import ContainerReadOnly
from noai.sources import FileSource

#: Version and flags, purpose, and the offset of a Merkle tree that there is not.
_HEAD: Final = C2PA_UUID + bytes(4) + b"manifest\x00" + bytes(8)


def write_manifest(file: BinaryIO, store: bytes) -> None:
    """Make ``store`` the only one in ``file``. Stores in other places become padding where they are.

    Raises:
        ContainerReadOnly: if offsets in the file could not be corrected.
        ContainerMalformed, LimitExceeded: as reading does.
    """
    source = FileSource(file)
    reader = BoxReader(source)
    top = reader.top()
    if not top or top[0].type != b"ftyp":
        raise ContainerReadOnly("the file does not start with the box that a manifest stands behind")
    place = end = top[0].end
    old = [
        box for box in top if box.type == b"uuid" and reader.read(box.body, min(16, box.length)) == C2PA_UUID
    ]
    if old and old[0].start == place:
        end = old.pop(0).end
    new = Splice(place, end - place, atom(b"uuid", _HEAD + store))
    shift = Shift(place, end, new.growth)
    if shift.by:
        require_movable(reader, read_movie(BoxReader(source), top), shift)
    for box in old:
        free_box(file, box)
    apply(file, [new])
    if shift.by:
        move_offsets(file, shift)
