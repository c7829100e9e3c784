"""The bytes of one file that a glance knows: a window that is moved on, a bounded number of times."""

from __future__ import annotations

from noai.sources import ByteSource


class Window:
    """Base of what walks a file: ``_data`` are the bytes that are known, from ``_base`` on."""

    __slots__ = ("_base", "_data", "_length", "_reads", "_source")

    def __init__(self, source: ByteSource, head: bytes, *, reads: int, length: int) -> None:
        """``head`` is known; at most ``reads`` times ``length`` bytes, or what is asked for, are read."""
        self._source = source
        self._data = head
        self._base = 0
        self._reads = reads
        self._length = length

    def _at(self, offset: int, length: int) -> int:
        """Where ``offset`` stands in the bytes that are known, which hold ``length`` from there; or -1."""
        o = offset - self._base
        if o >= 0 and o + length <= len(self._data):
            return o
        self._reads -= 1
        if self._reads < 0:
            return -1
        self._data, self._base = self._source.read_at(offset, max(length, self._length)), offset
        return 0 if len(self._data) >= length else -1
