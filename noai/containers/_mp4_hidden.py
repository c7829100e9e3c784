"""Statements in parts of an MP4 that no reader opens: padding, and boxes of unknown kinds.

Taggers free a box by renaming it, and leave its bytes there; so does who wants a statement out of sight.
Padding is full of such remains, so only what can hardly be anything else counts. A marker is its key in any
letter case, with what ends a key: the zero byte that begins the size of the next box (and ends a key in ID3
and APE), or ``=``. Other statements are known by words that nothing else has in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._bmff import Box, BoxReader
from noai.containers._mp4_values import decode
from noai.containers.interface import FieldRole, TagArea
from noai.limits import KIB, MP4_HIDDEN_BYTES, READ_SIZE, TOKEN_CHARS

#: In lower case: keys of markers; our statement, the property of XMP, the assertion of C2PA, and TDMRep.
_KEY: Final = re.compile(rb"noai[\x00=]")
_STATEMENT: Final = re.compile(rb"noai:[a-z0-9_-]|datamining|training-mining|tdm[-_:]reservation")
#: What a match has in it. To look for each of them first is many times as fast as the patterns.
WORDS: Final = (b"noai", b"datamining", b"training-mining", b"reservation")
_LONGEST: Final = 16
_TOKEN: Final = re.compile(rb"[A-Za-z0-9_.-]{60,}")
_TEXT: Final = re.compile(rb"[\x20-\x7e]+")
#: What is looked at behind a key: a token and the boxes around it.
_BEHIND: Final = 2 * TOKEN_CHARS + KIB
#: As much of another statement tells it from others.
_TELLING: Final = 64


@dataclass(frozen=True, slots=True)
class Hit:
    """A statement that stands where nothing reads it, and its bytes, a marker's from its key to its end."""

    box: Box
    start: int
    end: int
    is_marker: bool
    #: Those of a marker; of another statement the text that it begins with.
    values: tuple[str, ...]
    #: Whether the box is padding, which nobody misses.
    padding: bool


class HiddenStatements:
    """Searches the boxes of one file."""

    def __init__(self, reader: BoxReader, area: AreaBuilder) -> None:
        self._reader = reader
        self._area = area
        self._left = MP4_HIDDEN_BYTES
        self.hits: list[Hit] = []

    def search(self, box: Box, *, padding: bool) -> None:
        """Look through ``box``; past the limit on all of them together, one note says so.

        Raises:
            LimitExceeded: for more hits than a file may have tag items.
        """
        if self._left < 0:
            return
        self._left -= box.length
        if self._left < 0:
            message = f"more than {MP4_HIDDEN_BYTES} bytes in padding and boxes of unknown kinds"
            self._area.note(Code.LIMIT_EXCEEDED, message)
            return
        done = box.body
        for start, is_marker in _places(self._reader, box):
            if start < done:
                continue
            self._area.count_item()
            if is_marker:
                values, done = self._read_marker(start, box.end)
            else:
                values, done = self._read_text(start, box.end)
            self.hits.append(Hit(box, start, done, is_marker, values, padding))

    def report(self) -> None:
        """Hidden markers become fields as others are, and each statement a note.

        But not those that stand in their place too: then nothing was hidden.
        """
        known = self._area.build()
        for hit in self.hits:
            if _says_too(known, hit):
                continue
            place = f"MP4 box {hit.box.name!r}"
            if hit.is_marker:
                for value in hit.values or ("",):
                    self._area.field(place, "NOAI", value, FieldRole.MARKER)
            what = "a marker" if hit.is_marker else "a statement"
            self._area.note(Code.TAG_HIDDEN, f"{what} stands in the box {hit.box.name!r} at {hit.box.start}")

    def _read_marker(self, start: int, end: int) -> tuple[tuple[str, ...], int]:
        """The values behind the key at ``start``, and where the last of them ends."""
        data = self._reader.read(start, min(_BEHIND, end - start))
        values, at = [], 4
        while data[at + 4 : at + 8] == b"data":
            size = int.from_bytes(data[at : at + 4], "big")
            if size < 16:
                break
            values.append(decode(data[at + 16 : at + size])[0])
            at = min(at + size, len(data))
        if not values and (text := _TEXT.match(data, 5)):
            values, at = [text[0].decode("ascii")], text.end()
        if not values:
            # The list of keys apart from the values, or damage: then a token tells itself.
            found = [token for token in _TOKEN.finditer(data) if token[0].count(b".") == 2]
            values, at = [token[0].decode("ascii") for token in found], found[-1].end() if found else 5
        return tuple(values), start + at

    def _read_text(self, start: int, end: int) -> tuple[tuple[str, ...], int]:
        text = _TEXT.match(self._reader.read(start, min(_TELLING, end - start)))
        assert text is not None
        return (text[0].decode("ascii"),), start + text.end()


def _places(reader: BoxReader, box: Box) -> Iterator[tuple[int, bool]]:
    """Where statements begin in ``box``, and whether they are markers."""
    for start in range(box.body, box.end, READ_SIZE):
        data = reader.read(start, min(READ_SIZE + _LONGEST, box.end - start)).lower()
        if not any(word in data for word in WORDS):
            continue
        found = [(match.start(), True) for match in _KEY.finditer(data)]
        found += [(match.start(), False) for match in _STATEMENT.finditer(data)]
        for at, is_marker in sorted(found):
            yield start + at, is_marker


def _says_too(area: TagArea, hit: Hit) -> bool:
    if hit.is_marker:
        known = {field.value for field in area.fields if field.role is FieldRole.MARKER}
        return bool(hit.values) and known.issuperset(hit.values)
    (text,) = hit.values
    packets = (packet.data.decode("utf-8", "replace") for packet in area.xmp)
    return any(text in said for said in (*(field.value for field in area.fields), *packets))
