"""The header and trailer of an original file that lossless encoders keep, so that they can restore it.

WavPack and Monkey's Audio store what stands in front of and behind the samples of a WAVE file, tags
included. It is part of their stream, and is read and never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._chunk_tags import holds_tags, read_behind, read_id3_chunks, read_opaque
from noai.containers._chunks import walk
from noai.containers._id3 import locate_leading, read_id3v2
from noai.containers._opaque import holds_mark
from noai.containers._riff import FORM, RIFF
from noai.containers._tails import locate_tails
from noai.containers._wav_tags import read_chunk
from noai.limits import TAG_VALUE_BYTES
from noai.sources import ByteSource, read_exactly

_FORMS: Final = (b"RIFF", b"RF64", b"BW64")


class Pieces:
    """The bytes of several ranges of ``source``, one behind the other, as a source."""

    def __init__(self, source: ByteSource, ranges: Sequence[tuple[int, int]]) -> None:
        self._source = source
        self._ranges = [(start, end) for start, end in ranges if end > start]
        self.size = sum(end - start for start, end in self._ranges)

    def read_at(self, offset: int, length: int) -> bytes:
        pieces = self.locate(offset, max(0, min(length, self.size - offset)))
        return b"".join(read_exactly(self._source, start, length) for start, length in pieces)

    def locate(self, offset: int, length: int) -> list[tuple[int, int]]:
        """Offset and length of each piece, in the file, of ``length`` bytes."""
        found: list[tuple[int, int]] = []
        begin = 0
        for start, end in self._ranges:
            first, last = max(offset - begin, 0), min(offset + length - begin, end - start)
            if first < last:
                found.append((start + first, last - first))
            begin += end - start
        return found


@dataclass(frozen=True)
class Wrapped:
    """What was kept: the ranges of the header and of the trailer. ``name`` says by what, for people."""

    name: str
    header: tuple[tuple[int, int], ...]
    trailer: tuple[tuple[int, int], ...]


def read_wrapped(source: ByteSource, wrapped: Wrapped, area: AreaBuilder) -> None:
    """What the chunks of the original file say goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    header, trailer = Pieces(source, wrapped.header), Pieces(source, wrapped.trailer)
    form = header.read_at(0, FORM)
    # Without a header the decoder makes one, of RIFF.
    riff = not form or (form[:4] in _FORMS and form[8:] == b"WAVE")
    for pieces, start in ((header, FORM), (trailer, _padding(trailer))):
        inner = AreaBuilder()
        try:
            if riff:
                _read_chunks(pieces, start, wrapped.name, inner)
            else:
                _read_others(pieces, wrapped.name, inner)
        finally:
            _hand_on(pieces, inner, area)


def _padding(trailer: Pieces) -> int:
    """1 where the trailer starts with the byte that pads samples of an odd length."""
    return 1 if trailer.read_at(0, 1) == b"\x00" else 0


def _read_chunks(pieces: Pieces, start: int, where: str, area: AreaBuilder) -> None:
    found = walk(pieces, RIFF, start, pieces.size)
    audio = next((chunk.offset for chunk in found.chunks if chunk.id in RIFF.audio), None)
    kept = [chunk for chunk in found.chunks if audio is None or chunk.offset < audio]
    for chunk in kept:
        if not read_chunk(pieces, chunk, area):
            read_opaque(pieces, chunk, area)
    read_id3_chunks(pieces, kept, area)
    if audio is not None:
        return
    for problem in found.problems:
        area.note(Code.TAG_UNREADABLE, f"of the original file that {where} keeps, {problem.message}")
    tails = locate_tails(pieces, found.rest, pieces.size)
    read_behind(pieces, found.rest, pieces.size, tails, area)


def _read_others(pieces: Pieces, where: str, area: AreaBuilder) -> None:
    """What is kept of another kind of file: ID3v2 tags at its start, as DSF has them, and statements."""
    tags = locate_leading(pieces)
    for tag in tags:
        read_id3v2(pieces, tag, area)
    start = tags[-1].end if tags else 0
    if pieces.size - start > TAG_VALUE_BYTES:
        area.note(Code.TAG_UNREADABLE, f"what {where} keeps of the original file is too long to be searched")
        return
    area.count_bytes(pieces.size - start)
    data = pieces.read_at(start, pieces.size - start)
    if b"noai" in data.lower():
        text = "".join(each if each.isprintable() else " " for each in data.decode("utf-8", "replace"))
        area.field(f"{where} wrapper", "ORIGINAL", " ".join(text.split()))
    if holds_tags(pieces, start, pieces.size) or holds_mark(data):
        area.note(Code.TAG_UNREADABLE, f"what {where} keeps of the original file holds tags")


def _hand_on(pieces: Pieces, found: AreaBuilder, area: AreaBuilder) -> None:
    """What was found in ``pieces``, with manifests where they lie in the file."""
    inner = found.build()
    for each in inner.fields:
        area.count_item()
        area.count_bytes(len(each.value))
        area.field(each.place, each.key, each.value, each.role)
    for packet in inner.xmp:
        area.count_bytes(len(packet.data))
        area.xmp(packet.place, packet.data)
    for store in inner.manifests:
        area.manifest(
            store.place, *(p for start, length in store.pieces for p in pieces.locate(start, length))
        )
    for note in inner.notes:
        area.note(note.code, note.message)
