"""Editing APE tags, and describing the items that stay.

Foreign items are never rendered anew. What noai writes stands in front of them: the marker, then
copyright and comment where there are none to append to. New tags are APEv2 with header and footer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from noai.containers._ape import BLOCK, MAGIC, ApeItem, ApeTag, item_values, read_items, role_of
from noai.containers._area import AreaBuilder
from noai.containers._inventory import Foreign, sha256
from noai.containers._splices import Splice
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import ContainerError, MarkError
from noai.limits import TAG_VALUE_BYTES
from noai.sources import ByteSource, read_exactly
from noai.statement import merge_values

_NEW_VERSION: Final = 2000
_HAS_HEADER, _IS_HEADER = 1 << 31, 1 << 29
_ITEM: Final = struct.Struct("<II")
#: Where a statement goes, under the names that the specification's list of keys has.
_STATEMENT_KEYS: Final = {FieldRole.COPYRIGHT: "Copyright", FieldRole.COMMENT: "Comment"}


def describe(source: ByteSource, tag: ApeTag, foreign: Foreign, area: AreaBuilder) -> Iterator[str]:
    """One description for each foreign item of ``tag``.

    Raises:
        LimitExceeded: when not every item could be read.
    """
    for item in read_items(source, tag, area).items:
        label = f"APE {item.key}"
        if item.is_text and item.end - item.value <= TAG_VALUE_BYTES:
            yield from foreign.text(label, item_values(source, tag, item), role_of(item.key))
        else:
            yield f"{label}={sha256(source, item.value, item.end)}"


def plan(source: ByteSource, tag: ApeTag, edit: TagEdit, *, writes: bool = False) -> list[Splice]:
    """The splices that take markers and lifted statements out of ``tag``, and with ``writes`` write ours.

    Raises:
        MarkError: if there is something to change, and the tag is damaged.
    """
    try:
        found = read_items(source, tag, AreaBuilder())
    except ContainerError as error:
        raise MarkError(f"the APE tag at {tag.offset} cannot be rewritten: {error}") from error
    targets = _targets(found.items) if writes else {}
    statement_of = dict.fromkeys(targets.values(), edit.statement)
    splices: list[Splice] = []
    removed = 0
    for index, item in enumerate(found.items):
        splice = _edited(source, tag, item, _Change(statement_of.get(index), edit.lifted_statements))
        if splice is not None:
            splices.append(splice)
            removed += not splice.data
    new = _new_items(edit, targets) if writes else []
    if new:
        splices.insert(0, Splice(tag.items, 0, b"".join(new)))
    if not splices:
        return []
    if not found.whole:
        raise MarkError(f"the APE tag at {tag.offset} is damaged and cannot be rewritten")
    count = len(found.items) - removed + len(new)
    if not count:
        return [Splice(tag.offset, tag.end - tag.offset, b"")]
    size = tag.end - tag.items + sum(splice.growth for splice in splices)
    counts = size.to_bytes(4, "little") + count.to_bytes(4, "little")
    for present, block in ((tag.has_header, tag.offset), (tag.has_footer, tag.end - BLOCK)):
        if present:
            splices.append(Splice(block + 12, 8, counts))
    return splices


def plan_new(offset: int, edit: TagEdit) -> list[Splice]:
    """The splice that inserts a new tag at ``offset``; none where there is nothing to write."""
    items = _new_items(edit, {})
    if not items:
        return []
    data = b"".join(items)
    size = len(data) + BLOCK
    head, foot = (
        struct.pack("<8sIIII8x", MAGIC, _NEW_VERSION, size, len(items), flags)
        for flags in (_HAS_HEADER | _IS_HEADER, _HAS_HEADER)
    )
    return [Splice(offset, 0, head + data + foot)]


@dataclass(frozen=True)
class _Change:
    """What happens to the text of one item."""

    statement: str | None
    lifted: Sequence[str]


def _targets(items: Sequence[ApeItem]) -> dict[FieldRole, int]:
    """Which items a statement is appended to: the first text (no link) under each of the two keys."""
    found: dict[FieldRole, int] = {}
    for index, item in enumerate(items):
        for role, key in _STATEMENT_KEYS.items():
            if item.key.upper() == key.upper() and item.is_plain_text:
                found.setdefault(role, index)
    return found


def _new_items(edit: TagEdit, targets: Mapping[FieldRole, int]) -> list[bytes]:
    """Several markers are one item with several values, because keys are unique (APE key)."""
    items = [_item(key, values) for key, values in edit.slots]
    if edit.statement is not None:
        items += [
            _item(key, [edit.statement]) for role, key in _STATEMENT_KEYS.items() if role not in targets
        ]
    return items


def _item(key: str, values: Sequence[str]) -> bytes:
    value = "\x00".join(values).encode("utf-8")
    return _ITEM.pack(len(value), 0) + key.encode("ascii") + b"\x00" + value


def _edited(source: ByteSource, tag: ApeTag, item: ApeItem, change: _Change) -> Splice | None:
    """What becomes of one item, if it does not stay as it is."""
    role = role_of(item.key)
    readable = item.is_text and item.end - item.value <= TAG_VALUE_BYTES
    if role is FieldRole.MARKER or (role.is_slot and readable):
        return Splice(item.offset, item.end - item.offset, b"")
    if role is FieldRole.OTHER or not readable:
        if change.statement is not None:
            raise MarkError(f"the APE item {item.key} is longer than {TAG_VALUE_BYTES} bytes")
        return None
    values = item_values(source, tag, item)
    kept = merge_values(values, change.statement, change.lifted)
    if kept == values:
        return None
    if not kept:
        return Splice(item.offset, item.end - item.offset, b"")
    if any("\ufffd" in value for value in values):
        raise MarkError(f"the APE item {item.key} holds text that cannot be decoded")
    value = "\x00".join(kept).encode("latin-1" if tag.version < 2000 else "utf-8")
    head = read_exactly(source, item.offset, item.value - item.offset)
    return Splice(item.offset, item.end - item.offset, len(value).to_bytes(4, "little") + head[4:] + value)
