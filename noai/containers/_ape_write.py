"""Taking items out of an APE tag, and describing those that stay."""

from __future__ import annotations

from collections.abc import Iterator

from noai.containers._ape import BLOCK, ApeItem, ApeTag, item_values, read_items, role_of
from noai.containers._area import AreaBuilder
from noai.containers._inventory import Foreign, sha256
from noai.containers._splices import Splice
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import ContainerError, MarkError
from noai.limits import TAG_VALUE_BYTES
from noai.sources import ByteSource, read_exactly
from noai.statement import merge_values


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


def plan(source: ByteSource, tag: ApeTag, edit: TagEdit) -> list[Splice]:
    """The splices that take markers and lifted statements out of ``tag``.

    Raises:
        MarkError: if there is something to take out, and the tag is damaged.
    """
    try:
        found = read_items(source, tag, AreaBuilder())
    except ContainerError as error:
        raise MarkError(f"the APE tag at {tag.offset} cannot be rewritten: {error}") from error
    splices: list[Splice] = []
    removed = 0
    for item in found.items:
        splice = _edited(source, tag, item, edit)
        if splice is not None:
            splices.append(splice)
            removed += not splice.data
    if not splices:
        return []
    if not found.whole:
        raise MarkError(f"the APE tag at {tag.offset} is damaged and cannot be rewritten")
    if removed == len(found.items):
        return [Splice(tag.offset, tag.end - tag.offset, b"")]
    size = tag.end - tag.items + sum(splice.growth for splice in splices)
    counts = size.to_bytes(4, "little") + (len(found.items) - removed).to_bytes(4, "little")
    for present, block in ((tag.has_header, tag.offset), (tag.has_footer, tag.end - BLOCK)):
        if present:
            splices.append(Splice(block + 12, 8, counts))
    return splices


def _edited(source: ByteSource, tag: ApeTag, item: ApeItem, edit: TagEdit) -> Splice | None:
    """What becomes of one item, if it does not stay as it is."""
    role = role_of(item.key)
    if role is FieldRole.MARKER:
        return Splice(item.offset, item.end - item.offset, b"")
    if role is FieldRole.OTHER or not item.is_text or item.end - item.value > TAG_VALUE_BYTES:
        return None
    values = item_values(source, tag, item)
    kept = merge_values(values, None, edit.lifted_statements)
    if kept == values:
        return None
    if not kept:
        return Splice(item.offset, item.end - item.offset, b"")
    if any("\ufffd" in value for value in values):
        raise MarkError(f"the APE item {item.key} holds text that cannot be decoded")
    value = "\x00".join(kept).encode("latin-1" if tag.version < 2000 else "utf-8")
    head = read_exactly(source, item.offset, item.value - item.offset)
    return Splice(item.offset, item.end - item.offset, len(value).to_bytes(4, "little") + head[4:] + value)
