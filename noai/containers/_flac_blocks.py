"""Where things lie in a FLAC file (RFC 9639 §7 and §8), with ID3 tags around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from noai.containers._id3 import Id3Tag, locate_id3v1, locate_leading
from noai.containers._id3_frames import Window
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import BOXES
from noai.sources import ByteSource

MAGIC: Final = b"fLaC"
HEADER: Final = 4
LAST: Final = 0x80
STREAMINFO, PADDING, APPLICATION, SEEKTABLE, VORBIS_COMMENT, CUESHEET, PICTURE = range(7)
INVALID: Final = 127
#: Frame sync code and blocking strategy (RFC 9639 §9.1).
SYNCS: Final = (b"\xff\xf8", b"\xff\xf9")
NAMES: Final = ("STREAMINFO", "PADDING", "APPLICATION", "SEEKTABLE", "VORBIS_COMMENT", "CUESHEET", "PICTURE")
#: The first block is a STREAMINFO of 34 bytes, and may be the last.
_STREAMINFO_HEADERS: Final = (b"\x00\x00\x00\x22", b"\x80\x00\x00\x22")
#: What the three bytes of a block's length hold.
LARGEST_BLOCK: Final = 0xFFFFFF


@dataclass(frozen=True)
class Block:
    """A metadata block; ``offset`` is that of its header."""

    type: int
    offset: int
    length: int

    @property
    def data(self) -> int:
        return self.offset + HEADER

    @property
    def end(self) -> int:
        return self.data + self.length

    @property
    def name(self) -> str:
        return NAMES[self.type] if self.type < len(NAMES) else f"block {self.type}"


@dataclass(frozen=True)
class FlacLayout:
    """``damage`` says why there are no more blocks, and where the audio lies is then unknown."""

    leading: tuple[Id3Tag, ...]
    blocks: tuple[Block, ...]
    #: Where the metadata ends.
    audio: int
    #: Where the audio ends: at an ID3v1 tag, or with the file.
    end: int
    #: The offset of an ID3v1 tag.
    id3v1: int | None
    damage: str | None = None

    def of_type(self, block_type: int) -> list[Block]:
        return [block for block in self.blocks if block.type == block_type]

    def require_sound(self) -> None:
        """Raises ContainerMalformed if the metadata is damaged."""
        if self.damage is not None:
            raise ContainerMalformed(f"the FLAC metadata is damaged: {self.damage}")


def find_magic(source: ByteSource) -> tuple[list[Id3Tag], int] | None:
    """The ID3v2 tags in front and where ``fLaC`` stands behind them; None if no FLAC begins there."""
    leading = locate_leading(source)
    start = leading[-1].end if leading else 0
    head = source.read_at(start, len(MAGIC) + HEADER)
    is_flac = head.startswith(MAGIC) and head.endswith(_STREAMINFO_HEADERS)
    return (leading, start) if is_flac else None


def read_layout(source: ByteSource) -> FlacLayout:
    """
    Raises:
        ContainerMalformed: if this is no FLAC.
        LimitExceeded: more ID3 tags or blocks than are read.
    """
    found = find_magic(source)
    if found is None:
        raise ContainerMalformed("no FLAC stream begins the file")
    leading, start = found
    blocks, at, damage = read_blocks(source, start + len(MAGIC))
    id3v1 = locate_id3v1(source, source.size)
    if id3v1 is not None and id3v1 < at:
        id3v1 = None
    end = source.size if id3v1 is None else id3v1
    return FlacLayout(tuple(leading), blocks, at, end, id3v1, damage)


def read_blocks(source: ByteSource, at: int) -> tuple[tuple[Block, ...], int, str | None]:
    """The metadata blocks from ``at`` on, where they end, and why there are no more if that is damage.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.BOXES`.
    """
    window = Window(source)
    blocks: list[Block] = []
    while True:
        header = window.read_at(at, HEADER)
        if len(header) < HEADER:
            return tuple(blocks), at, "the file ends within it"
        block = Block(header[0] & ~LAST, at, int.from_bytes(header[1:], "big"))
        if block.type == INVALID:
            return tuple(blocks), at, "a block has the forbidden type 127"
        if block.end > source.size:
            return tuple(blocks), at, f"the {block.name} block runs past the file"
        if len(blocks) == BOXES:
            raise LimitExceeded(f"more than {BOXES} FLAC metadata blocks")
        blocks.append(block)
        at = block.end
        if header[0] & LAST:
            return tuple(blocks), at, None
