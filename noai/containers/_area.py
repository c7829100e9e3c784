"""What a container collects while it reads a tag area, held to the limits on one file."""

from __future__ import annotations

from noai.codes import Code
from noai.containers.interface import AreaNote, FieldRole, ManifestStore, TagArea, TagField, XmpPacket
from noai.errors import LimitExceeded
from noai.limits import AREA_NOTES, MANIFESTS_PER_FILE, TAG_BYTES, TAG_ITEMS

#: The key of the marker's field in every container, compared without case.
MARKER_KEY = "NOAI"


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
        key = key.upper()
        if key == MARKER_KEY:
            role = FieldRole.MARKER
        self._fields.append(TagField(place, key, value, role))

    def xmp(self, place: str, data: bytes) -> None:
        self._xmp.append(XmpPacket(place, data))

    def manifest(self, place: str, *pieces: tuple[int, int]) -> None:
        """A store in ``pieces`` of offset and length.

        Raises:
            LimitExceeded: beyond :data:`noai.limits.MANIFESTS_PER_FILE`.
        """
        self._count_store()
        self._manifests.append(ManifestStore(place, pieces))

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

    def build(self) -> TagArea:
        return TagArea(tuple(self._fields), tuple(self._xmp), tuple(self._manifests), tuple(self._notes))
