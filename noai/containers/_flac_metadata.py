"""What the metadata blocks of a FLAC stream say (RFC 9639 §8)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._flac_blocks import (
    APPLICATION,
    CUESHEET,
    LARGEST_BLOCK,
    PICTURE,
    STREAMINFO,
    VORBIS_COMMENT,
    Block,
)
from noai.containers._flac_foreign import read_foreign
from noai.containers._id3_frames import Window
from noai.containers._opaque import note_marks
from noai.containers._vorbis import collect
from noai.limits import TAG_VALUE_BYTES
from noai.sources import ByteSource

#: The catalogue number of a cue sheet (§8.7).
_CATALOGUE: Final = 128
_IMAGE: Final = re.compile(rb"image/[a-z0-9.+-]{0,16}")


def read_metadata(source: ByteSource, blocks: Sequence[Block], area: AreaBuilder) -> None:
    """Everything in ``blocks`` that a statement could stand in goes to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    for block in blocks:
        if block.type == VORBIS_COMMENT:
            # Some taggers write a framing bit, which FLAC does not have.
            collect(source, block.data, block.end, "Vorbis comment", area, framing=1)
    for block in blocks:
        if block.type == PICTURE:
            _read_picture(source, block, area)
        elif block.type == CUESHEET:
            _text(source.read_at(block.data, min(_CATALOGUE, block.length)), "CATALOG", block, area)
        if block.type == APPLICATION and read_foreign(source, block, area):
            continue
        if block.type not in (STREAMINFO, VORBIS_COMMENT, PICTURE):
            note_marks(
                source, block.data, block.end, f"the FLAC {block.name} block", area, limit=LARGEST_BLOCK
            )


def _read_picture(source: ByteSource, block: Block, area: AreaBuilder) -> None:
    """The description, and a MIME type that is none: it can be a link (§8.8)."""
    window, at = Window(source), block.data + 4
    for key in ("MIME", "DESCRIPTION"):
        length = int.from_bytes(window.read_at(at, 4), "big")
        at += 4
        if length > min(block.end - at, TAG_VALUE_BYTES):
            area.note(Code.TAG_UNREADABLE, f"the FLAC picture at {block.offset} is damaged")
            return
        data = window.read_at(at, length)
        if key == "DESCRIPTION" or not _IMAGE.fullmatch(data):
            _text(data, key, block, area)
        at += length


def _text(data: bytes, key: str, block: Block, area: AreaBuilder) -> None:
    text = " ".join(data.decode("utf-8", "replace").replace("\x00", " ").split())
    if text:
        area.count_item()
        area.count_bytes(len(data))
        area.field(f"FLAC {block.name}", key, text)
