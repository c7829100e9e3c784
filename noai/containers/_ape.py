"""APEv1 and APEv2 tags: where they lie, their items, and taking single items out.

Hydrogenaudio's APEv2 specification (APE tag items, APE tags header and footer).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._area import MARKER_KEY, TIMESTAMP_KEY, AreaBuilder
from noai.containers.interface import FieldRole
from noai.limits import KIB, TAG_ITEMS, TAG_VALUE_BYTES
from noai.sources import ByteSource, read_exactly

MAGIC: Final = b"APETAGEX"
BLOCK: Final = 32
_HAS_HEADER, IS_HEADER = 1 << 31, 1 << 29
_BINARY: Final = 1
_BLOCK: Final = struct.Struct("<8sIIII8x")
_ITEM: Final = struct.Struct("<II")
#: Keys are 2 to 255 ASCII characters; the terminator follows.
_KEY_BYTES: Final = 256
_PICTURES: Final = "COVER ART"
#: Of a binary item, whose name may say it all, no more is read than this.
_BINARY_HEAD: Final = 1 * KIB

_ROLES: Final = {
    MARKER_KEY: FieldRole.MARKER,
    TIMESTAMP_KEY: FieldRole.TIMESTAMP,
    "COPYRIGHT": FieldRole.COPYRIGHT,
    "COMMENT": FieldRole.COMMENT,
    "DESCRIPTION": FieldRole.COMMENT,
}


@dataclass(frozen=True)
class ApeTag:
    """One tag. ``items`` and ``items_end`` bound its items."""

    offset: int
    end: int
    items: int
    items_end: int
    count: int
    version: int
    has_header: bool
    has_footer: bool
    #: Whether its size contradicts the file: then only the block of 32 bytes is known of it.
    broken: bool = False

    @property
    def place(self) -> str:
        return f"APEv{self.version // 1000}"


@dataclass(frozen=True)
class ApeItem:
    """One item: ``offset`` to ``end`` is all of it, ``value`` to ``end`` its value."""

    key: str
    offset: int
    value: int
    end: int
    flags: int

    @property
    def is_text(self) -> bool:
        """Not binary: text, or a link to something outside (bits 1 and 2 of the flags)."""
        return self.flags >> 1 & 3 != _BINARY

    @property
    def is_plain_text(self) -> bool:
        return not self.flags >> 1 & 3


def locate_by_footer(source: ByteSource, end: int, start: int = 0) -> ApeTag | None:
    """The tag whose footer ends at ``end`` and that lies behind ``start``, or None.

    Flags that contradict what stands there hide nothing: readers differ in what they make of them.
    """
    if end - start < BLOCK:
        return None
    magic, version, size, count, flags = _BLOCK.unpack(read_exactly(source, end - BLOCK, BLOCK))
    if magic != MAGIC:
        return None
    items = end - size
    if size < BLOCK or items < start:
        at = end - BLOCK
        return ApeTag(at, end, at, at, count, version, has_header=False, has_footer=True, broken=True)
    offset = items - BLOCK
    has_header = offset >= start and source.read_at(offset, len(MAGIC)) == MAGIC
    if not has_header or not flags & (_HAS_HEADER | IS_HEADER):
        has_header, offset = False, items
    return ApeTag(offset, end, items, end - BLOCK, count, version, has_header, has_footer=True)


def locate_by_header(source: ByteSource, start: int) -> ApeTag | None:
    """The tag whose header stands at ``start``, or None."""
    data = source.read_at(start, BLOCK)
    if len(data) != BLOCK:
        return None
    magic, version, size, count, _ = _BLOCK.unpack(data)
    if magic != MAGIC:
        return None
    items, end = start + BLOCK, start + BLOCK + size
    if end > source.size:
        return ApeTag(start, items, items, items, count, version, True, has_footer=False, broken=True)
    has_footer = size >= BLOCK and source.read_at(end - BLOCK, len(MAGIC)) == MAGIC
    items_end = end - BLOCK if has_footer else end
    return ApeTag(start, end, items, items_end, count, version, has_header=True, has_footer=has_footer)


@dataclass(frozen=True)
class ApeItems:
    """The items of a tag. Not ``whole``: behind them stand bytes that are none."""

    items: tuple[ApeItem, ...]
    whole: bool


def read_items(source: ByteSource, tag: ApeTag, area: AreaBuilder) -> ApeItems:
    """The items of ``tag``, in file order, as far as they can be read.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.TAG_ITEMS` in the file.
    """
    items: list[ApeItem] = []
    at = tag.items
    while len(items) < min(tag.count, TAG_ITEMS + 1):
        head = source.read_at(at, min(_ITEM.size + _KEY_BYTES, tag.items_end - at))
        key, terminated, _ = head[_ITEM.size :].partition(b"\x00")
        if not terminated or not key:
            break
        size, flags = _ITEM.unpack_from(head)
        value = at + _ITEM.size + len(key) + 1
        if value + size > tag.items_end:
            break
        area.count_item()
        items.append(ApeItem(key.decode("latin-1"), at, value, value + size, flags))
        at = value + size
    whole = at == tag.items_end and len(items) == tag.count and not tag.broken
    return ApeItems(tuple(items), whole)


def item_values(source: ByteSource, tag: ApeTag, item: ApeItem) -> list[str]:
    """The values of a text item; several are parted by zeros (APE item value)."""
    data = read_exactly(source, item.value, item.end - item.value)
    encoding = "latin-1" if tag.version < 2000 else "utf-8"
    return data.decode(encoding, "replace").split("\x00")


def read_ape(source: ByteSource, tag: ApeTag, area: AreaBuilder) -> None:
    """The text items of ``tag`` go to ``area``, and of binary ones but pictures how they start.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    found = read_items(source, tag, area)
    if not found.whole:
        area.note(Code.TAG_UNREADABLE, f"the APE tag at {tag.offset} holds bytes that are no items")
    for item in found.items:
        role, length = role_of(item.key), item.end - item.value
        if not item.is_text and role is not FieldRole.MARKER:
            if not item.key.upper().startswith(_PICTURES):
                length = min(length, _BINARY_HEAD)
                area.count_bytes(length)
                head = read_exactly(source, item.value, length).decode("utf-8", "replace")
                area.field(f"{tag.place} item", item.key, head.rstrip("\x00"), role)
            continue
        if length > TAG_VALUE_BYTES:
            area.note(Code.TAG_UNREADABLE, f"{tag.place} {item.key} is longer than {TAG_VALUE_BYTES} bytes")
            continue
        area.count_bytes(length)
        for value in item_values(source, tag, item):
            area.field(f"{tag.place} item", item.key, value, role)


def role_of(key: str) -> FieldRole:
    """What an item is for noai. Keys are compared without case (APE key)."""
    return _ROLES.get(key.upper(), FieldRole.OTHER)
