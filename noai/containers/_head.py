"""A source as detection sees it: many small reads at its start, and behind the tags with which it starts."""

from __future__ import annotations

from typing import Final

from noai.limits import KIB
from noai.sources import ByteSource

_BLOCK: Final = 8 * KIB


class Head:
    """Keeps the first block of ``source`` and the one that was read last."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.size = source.size
        self._first = source.read_at(0, _BLOCK)
        self._start = 0
        self._last = self._first

    def read_at(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        if end <= len(self._first):
            return self._first[offset:end]
        if offset < self._start or end > self._start + len(self._last):
            self._last = self._source.read_at(offset, max(length, _BLOCK))
            self._start = offset
        return self._last[offset - self._start : end - self._start]
