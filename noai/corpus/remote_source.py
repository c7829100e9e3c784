"""An object elsewhere as a source, with few and small requests.

What is read at decision depth stands in up to three places: the start, behind a picture, the end. So the
first request takes a block that holds all tags but pictures, a read near the end takes all up to the end,
and others take a block from a little in front of what was asked. An object whose parser goes on asking is
read in larger and larger blocks. The name of an object only says how large a first block is worth it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from noai.corpus.remote_store import Part, Patience, RemoteStats, Store, Version
from noai.corpus.remote_urls import is_web, shown
from noai.corpus.walking import AUDIO_EXTENSIONS
from noai.errors import LimitExceeded, SourceChanged, SourceError
from noai.limits import KIB, REMOTE_KEPT_BYTES, REMOTE_RANGE_BYTES, REMOTE_READINGS, REMOTE_SKIPPED_BYTES

_T = TypeVar("_T")

#: Requests for one object, after which each takes twice as much as the one before.
_SMALL: Final = 4
#: So much is no look at a structure: it is read as it is asked for.
_LARGE: Final = 256 * KIB


class ReadAhead(NamedTuple):
    """How many bytes are worth asking for at a time."""

    #: The first block.
    first: int
    #: From what is asked for in the middle.
    middle: int = 24 * KIB
    #: In front of what is asked for there.
    back: int = 0
    #: The end: ID3v1, APEv2 and Lyrics3 tags, a chunk with ID3 or a manifest.
    tail: int = 16 * KIB


#: By how the name ends. Tags in front reach 12 KiB with a manifest, and pictures that are worth reading
#: through have less than 90 KB. FLAC and Ogg end with a frame, or pages, that are looked at. In MP4 the
#: table of sizes takes 40 KiB, in front of tags of which the last ones are read first.
_READ_AHEAD: Final = {
    **dict.fromkeys((".mp3", ".mp2"), ReadAhead(96 * KIB)),
    **dict.fromkeys((".flac",), ReadAhead(96 * KIB, tail=24 * KIB)),
    **dict.fromkeys((".ogg", ".oga", ".opus", ".spx"), ReadAhead(64 * KIB, middle=48 * KIB, tail=64 * KIB)),
    **dict.fromkeys(
        (".m4a", ".m4b", ".mp4", ".mov", ".3gp", ".m4p", ".m4r"),
        ReadAhead(64 * KIB, middle=48 * KIB, back=4 * KIB),
    ),
    **dict.fromkeys(
        (".wav", ".wave", ".bw64", ".rf64", ".w64", ".aif", ".aiff", ".aifc"), ReadAhead(16 * KIB)
    ),
}
_AUDIO: Final = ReadAhead(64 * KIB, back=4 * KIB)
_OTHER: Final = ReadAhead(16 * KIB)


def read_ahead(url: str) -> ReadAhead:
    """How much of the object at ``url`` is asked for at a time."""
    path = url.partition("?")[0] if is_web(url) else url
    extension = os.path.splitext(path)[1].lower()
    return _READ_AHEAD.get(extension) or (_AUDIO if extension in AUDIO_EXTENSIONS else _OTHER)


class Line(Protocol):
    """Where questions are asked from other threads: the loop of :mod:`noai.corpus.remote_loop`."""

    def call(self, question: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """The answer, waited for."""


class _Block(NamedTuple):
    start: int
    data: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.data)


class RemoteSource:
    """Bytes of one version of one object, for one thread that is not the loop's.

    The size is that of the first answer. Later ranges are asked for under the condition that the object is
    still the same.
    """

    def __init__(
        self, url: str, first: Part, line: Line, store: Store, patience: Patience, stats: RemoteStats
    ) -> None:
        self.url = url
        self._version: Final[Version] = first.version
        self._line = line
        self._store = store
        self._patience = patience
        self._stats = stats
        self._ahead = read_ahead(url)
        self._first = _Block(0, first.data)
        self._later: list[_Block] = []
        self._requests = 1
        self._came = len(first.data) + first.skipped
        self._skipped = first.skipped

    @classmethod
    async def open(
        cls, url: str, line: Line, store: Store, patience: Patience, stats: RemoteStats
    ) -> RemoteSource:
        """The object at ``url``; called in the loop.

        Raises:
            SourceError: by cause, if its first bytes cannot be had.
        """
        length = read_ahead(url).first
        first = await patience.ask(lambda: store.get(url, 0, length), stats, shown(url))
        stats.objects += 1
        return cls(url, first, line, store, patience, stats)

    @property
    def size(self) -> int:
        return self._version.total

    @property
    def mtime_ns(self) -> int | None:
        """When the server says that it was modified, to the second."""
        return self._version.mtime_ns

    def read_at(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        pieces = []
        while offset < end:
            block = self._holding(offset) or self._get(*self._wanted(offset, end))
            piece = block.data[offset - block.start : end - block.start]
            pieces.append(piece)
            offset += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _holding(self, offset: int) -> _Block | None:
        for block in (self._first, *self._later):
            if block.start <= offset < block.end:
                return block
        return None

    def _wanted(self, offset: int, end: int) -> tuple[int, int]:
        """What is asked for where the bytes from ``offset`` up to ``end`` are, and are not there."""
        if end - offset >= _LARGE:
            return offset, min(end, offset + REMOTE_RANGE_BYTES)
        tail = self.size - self._ahead.tail
        if offset >= tail:
            start, end = tail, self.size
        else:
            start = offset - self._ahead.back
            grown = self._ahead.middle << min(10, max(0, self._requests - _SMALL))
            end = max(end, offset + min(grown, REMOTE_RANGE_BYTES))
            if end > tail:
                end = self.size
        blocks = (self._first, *self._later)
        start = max(start, 0, *(block.end for block in blocks if block.end <= offset))
        return start, min(self.size, end, *(block.start for block in blocks if block.start > offset))

    def _get(self, start: int, end: int) -> _Block:
        what = shown(self.url)
        if self._came > REMOTE_READINGS * self.size + REMOTE_RANGE_BYTES + REMOTE_SKIPPED_BYTES:
            raise LimitExceeded(f"{what}: reading it takes its bytes more than {REMOTE_READINGS} times")
        if self._skipped > REMOTE_SKIPPED_BYTES:
            raise SourceError(f"{what}: the server sends no ranges, and to read it all takes too much")
        part = self._line.call(
            lambda: self._patience.ask(
                lambda: self._store.get(self.url, start, end, self._version), self._stats, what
            )
        )
        if len(part.data) != end - start:
            raise SourceChanged(f"{what}: became shorter while it was being read")
        self._requests += 1
        self._came += len(part.data) + part.skipped
        self._skipped += part.skipped
        block = _Block(start, part.data)
        self._keep(block)
        return block

    def _keep(self, block: _Block) -> None:
        self._later.append(block)
        while sum(len(each.data) for each in self._later) > REMOTE_KEPT_BYTES:
            self._later.pop(0)
