"""What a glance at an MP4 file knows of its bytes, and has found in them."""

from __future__ import annotations

import struct
from typing import Final

from noai.containers._mp4_hidden import WORDS
from noai.containers.interface import TagField
from noai.limits import KIB
from noai.silence import is_silent_text
from noai.sources import ByteSource

#: Items of one file that are looked at one by one, and boxes in user data. Fully tagged files have 40.
_ITEMS: Final = 256
#: Bytes of plain items. So much holds fewer than one file may have (:data:`noai.limits.TAG_ITEMS`).
_PLAIN_BYTES: Final = 40 * KIB
#: Further reads: at the movie, behind its tables, behind pictures, at padding.
_READS: Final = 8
#: One of them. What stands between tables and a picture, or behind that, with the padding of most taggers.
_WINDOW: Final = 9 * KIB
#: Bytes of a box that is looked at as a whole.
_LARGEST: Final = 32 * KIB
#: Values and pictures, those in plain items apart. With all others so many boxes are fewer than one file may
#: have (:data:`noai.limits.BOXES`).
_VALUES: Final = 1_024
HEADER: Final = struct.Struct(">I4s")
#: The header of the next box, with a size of 64 bits.
_NEXT: Final = 16
_ZEROS: Final = bytes(_LARGEST)


class Known:
    """The bytes that are known of one file: ``data``, from ``base`` on. They only move on."""

    __slots__ = ("_reads", "_source", "base", "data", "items", "markers", "plain_bytes", "silent", "values")

    def __init__(self, source: ByteSource, head: bytes) -> None:
        self.data = head
        self.base = 0
        self.markers: list[TagField] = []
        #: Whether nothing but the markers could say anything.
        self.silent = True
        #: How many more are looked at.
        self.items = _ITEMS
        self.values = _VALUES
        self.plain_bytes = _PLAIN_BYTES
        self._source = source
        self._reads = _READS

    def at(self, offset: int, length: int) -> int:
        """Where ``offset`` stands in ``data``, which holds ``length`` bytes from there; -1 if it cannot."""
        o = offset - self.base
        if o + length <= len(self.data):
            return o
        if length > _LARGEST or not self._reads:
            return -1
        self._reads -= 1
        self.data, self.base = self._source.read_at(offset, max(length + _NEXT, _WINDOW)), offset
        return 0 if len(self.data) >= length else -1

    def box(self, at: int, end: int) -> tuple[bytes, int, int] | None:
        """The kind of the box at ``at``, and where its content starts and stops: at ``end`` at the latest.

        None if that cannot be told.
        """
        o = self.at(at, HEADER.size)
        if o < 0:
            return None
        length, kind = HEADER.unpack_from(self.data, o)
        stop = at + length
        return (kind, at + HEADER.size, stop) if length >= HEADER.size and stop <= end else None

    def search(self, start: int, end: int) -> None:
        """Look for text that says something in the known bytes from ``start`` to ``end``."""
        if start < end and self.silent:
            self.silent = is_silent_text(self.data[start - self.base : end - self.base])

    def is_text(self, start: int, stop: int) -> bool:
        """Whether a box of text can be looked at, as a whole."""
        if self.at(start, stop - start) < 0:
            return False
        self.search(start, stop)
        return True

    def is_quiet(self, start: int, stop: int) -> bool:
        """Whether nothing is hidden in padding, or in a box of an unknown kind.

        As :class:`noai.containers._mp4_hidden.HiddenStatements` searches it; what that finds may be a marker.
        """
        length = stop - start
        o = self.at(start, length)
        if o < 0 or length > _LARGEST:
            return False
        # Comparing is ten times as fast as counting.
        if self.data.startswith(_ZEROS[:length], o):
            return True
        data = self.data[o : o + length].lower()
        # From the end on, short words are looked for twice as fast.
        return all(data.rfind(word) < 0 for word in WORDS)
