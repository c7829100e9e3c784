"""Vorbis comments that recipes share."""

from __future__ import annotations

import base64
import struct

from tests.audio import NAMES


def vorbis_tags() -> list[str]:
    tags = [f"{key.upper()}={value}" for key, value in NAMES.items()]
    return [*tags, "COMPOSER=A", "composer=B", "DESCRIPTION=described", "EMPTY="]


CHAPTER_TAGS = [
    "CHAPTER001=00:00:00.000",
    "CHAPTER001NAME=Prélude",
    "CHAPTER002=00:00:01.000",
    "CHAPTER002NAME=終",
]


def picture_tag(picture: bytes, mime: bytes) -> str:
    """A FLAC PICTURE block (RFC 9639, 8.8) in base64: a front cover."""
    head = struct.pack(">II", 3, len(mime)) + mime + struct.pack(">5I", 0, 160, 160, 24, 0)
    block = head + struct.pack(">I", len(picture)) + picture
    return "METADATA_BLOCK_PICTURE=" + base64.b64encode(block).decode()
