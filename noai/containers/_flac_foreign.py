"""Chunks of a WAVE or AIFF file that ``flac --keep-foreign-metadata`` keeps in APPLICATION blocks.

One block a chunk, after the four letters of the application (RFC 9639 §8.4; flac's
``foreign_metadata.c``): ``riff``, ``w64 `` or ``aiff``. The first holds the header of the file, the one of
the audio only that of its chunk.
"""

from __future__ import annotations

from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._chunk_tags import ID3, read_id3_chunk
from noai.containers._chunks import Bounded, Chunk, is_id
from noai.containers._flac_blocks import Block
from noai.containers._riff import HEADER
from noai.containers._wav_tags import MANIFEST, TEXTS, XMP_PLACES, read_chunk
from noai.limits import TAG_VALUE_BYTES
from noai.sources import ByteSource, read_exactly

_NAME: Final = 4
_RIFF: Final = b"riff"
#: Chunks whose content is read; others are audio, numbers and padding.
_READ: Final = frozenset({ID3, b"LIST", MANIFEST, *XMP_PLACES, *TEXTS})
#: Their chunks are not read one by one: text in them is searched for, and tags are unreadable.
_OTHERS: Final = (b"aiff", b"w64 ")


def read_foreign(source: ByteSource, block: Block, area: AreaBuilder) -> bool:
    """What the chunk in an APPLICATION block says goes to ``area``. False if it is of no known kind.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    name = source.read_at(block.data, min(_NAME, block.length))
    if name == _RIFF:
        return _read_chunk(source, block, area)
    if name in _OTHERS:
        _read_text(source, block, name, area)
    return name in _OTHERS


def _read_chunk(source: ByteSource, block: Block, area: AreaBuilder) -> bool:
    start = block.data + _NAME
    header = source.read_at(start, min(HEADER, block.end - start))
    if header[:4] in (b"RIFF", b"data"):
        return False
    end = start + HEADER + int.from_bytes(header[4:], "little")
    if not is_id(header[:4]) or end > block.end:
        area.note(Code.TAG_UNREADABLE, f"the chunk kept in the FLAC block at {block.offset} is damaged")
        return True
    chunk = Chunk(header[:4], start, start + HEADER, end, block.end)
    bounded = Bounded(source, block.end)
    if chunk.id.upper() == ID3:
        read_id3_chunk(bounded, chunk, area)
    else:
        read_chunk(bounded, chunk, area)
    return chunk.id.upper() in _READ


def _read_text(source: ByteSource, block: Block, name: bytes, area: AreaBuilder) -> None:
    if block.length > TAG_VALUE_BYTES:
        area.note(Code.TAG_UNREADABLE, f"the chunk kept in the FLAC block at {block.offset} is too long")
        return
    area.count_bytes(block.length)
    data = read_exactly(source, block.data + _NAME, block.length - _NAME)
    text = "".join(each if each.isprintable() else " " for each in data.decode("utf-8", "replace"))
    area.field("FLAC APPLICATION", name.decode("latin-1").strip(), " ".join(text.split()))
    if b"ID3" in data or b"LIST" in data:
        area.note(Code.TAG_UNREADABLE, f"the chunk kept in the FLAC block at {block.offset} holds tags")
