"""What a container collects while it reads a tag area, held to the limits on one file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from noai.codes import Code
from noai.containers.interface import (
    SLOT_KEYS,
    AreaNote,
    FieldRole,
    ManifestStore,
    TagArea,
    TagField,
    XmpPacket,
)
from noai.errors import LimitExceeded, MarkError
from noai.limits import AREA_NOTES, MANIFESTS_PER_FILE, TAG_BYTES, TAG_ITEMS, TAG_VALUES

#: The keys of noai's own fields in every container, compared without case.
MARKER_KEY: Final = SLOT_KEYS[FieldRole.MARKER]
TIMESTAMP_KEY: Final = SLOT_KEYS[FieldRole.TIMESTAMP]


def only_manifest(area: TagArea) -> ManifestStore:
    """The one store that a file holds after one was put into it.

    Raises:
        MarkError: if there are others, in places that noai does not write.
    """
    if len(area.manifests) != 1:
        raise MarkError("a C2PA manifest stands where noai does not write")
    return area.manifests[0]


class AreaBuilder:
    """Collects fields, packets, manifests and notes in file order.

    One builder serves one file, so that its limits hold over all tags in it.
    """

    def __init__(self) -> None:
        self._fields: list[TagField] = []
        self._xmp: list[XmpPacket] = []
        self._manifests: list[ManifestStore] = []
        self._notes: list[AreaNote] = []
        self._stores = 0
        self._items = 0
        self._bytes = 0

    def count_item(self) -> None:
        """One more frame, comment, item or entry, whatever is in it.

        Raises:
            LimitExceeded: beyond :data:`noai.limits.TAG_ITEMS`.
        """
        self._items += 1
        if self._items > TAG_ITEMS:
            raise LimitExceeded(f"more than {TAG_ITEMS} tag items")

    def count_bytes(self, length: int) -> None:
        """``length`` more bytes that are about to be held in memory.

        Raises:
            LimitExceeded: beyond :data:`noai.limits.TAG_BYTES`.
        """
        self._bytes += length
        if self._bytes > TAG_BYTES:
            raise LimitExceeded(f"more than {TAG_BYTES} bytes of text in tags")

    def field(self, place: str, key: str, value: str, role: FieldRole = FieldRole.OTHER) -> None:
        """One text value. Of empty ones in a row, which padding makes, the first stands for all.

        Raises:
            LimitExceeded: beyond :data:`noai.limits.TAG_VALUES`.
        """
        key = key.upper()
        if key == MARKER_KEY:
            role = FieldRole.MARKER
        field = TagField(place, key, value, role)
        if not value and self._fields and self._fields[-1] == field:
            return
        if len(self._fields) == TAG_VALUES:
            raise LimitExceeded(f"more than {TAG_VALUES} text values in tags")
        self._fields.append(field)

    def xmp(self, place: str, data: bytes) -> None:
        self._xmp.append(XmpPacket(place, data))

    def manifest(
        self, place: str, *pieces: tuple[int, int], wrapping: tuple[tuple[int, int], ...] = ()
    ) -> None:
        """A store in ``pieces`` of offset and length, inside items that lie at ``wrapping``.

        Raises:
            LimitExceeded: beyond :data:`noai.limits.MANIFESTS_PER_FILE`.
        """
        self._count_store()
        self._manifests.append(ManifestStore(place, pieces, wrapping))

    def unread_manifest(self, message: str) -> None:
        """A manifest store that cannot be located. Raises LimitExceeded as :meth:`manifest` does."""
        self._count_store()
        self.note(Code.C2PA_UNREAD, message)

    def _count_store(self) -> None:
        if self._stores == MANIFESTS_PER_FILE:
            raise LimitExceeded(f"more than {MANIFESTS_PER_FILE} C2PA manifest stores")
        self._stores += 1

    def note(self, code: Code, message: str) -> None:
        """Beyond :data:`noai.limits.AREA_NOTES` one more, which blocks, stands for all the rest."""
        if len(self._notes) < AREA_NOTES:
            self._notes.append(AreaNote(code, message))
        elif len(self._notes) == AREA_NOTES:
            self._notes.append(AreaNote(Code.LIMIT_EXCEEDED, f"more than {AREA_NOTES} notes on the tags"))

    @contextmanager
    def up_to_limits(self) -> Iterator[None]:
        """A limit reached in it ends the reading and is a note, which blocks; what was read counts."""
        try:
            yield
        except LimitExceeded as limit:
            self.note(Code.LIMIT_EXCEEDED, str(limit))

    def build(self) -> TagArea:
        return TagArea(tuple(self._fields), tuple(self._xmp), tuple(self._manifests), tuple(self._notes))
