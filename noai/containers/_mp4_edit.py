"""Editing the tag items of a ``moov`` box: everything that is not edited stays byte for byte.

A writer of our own because mutagen sees neither ``mdta`` keys, user data strings nor a second
``ilst``, sorts and merges the atoms of the one it sees, and was seen to destroy files.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from noai.containers._bmff import Box, BoxReader
from noai.containers._mp4_items import Form, Item
from noai.containers._mp4_list import FREEFORM
from noai.containers._mp4_values import atom, data_atom, encode_3gpp, encode_string
from noai.containers._splices import Splice
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import ContainerReadOnly
from noai.statement import merge_values, without

_MEAN: Final = atom(b"mean", bytes(4) + b"com.apple.iTunes")
#: What iTunes, ffmpeg and mutagen write: handler ``mdir``, manufacturer ``appl``.
_HANDLER: Final = atom(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
_USABLE_HANDLERS: Final = (b"mdir", b"mdta")
_STANDARD: Final = {FieldRole.COPYRIGHT: b"cprt", FieldRole.COMMENT: b"\xa9cmt"}
#: Where the statement goes: the first of these fields that the file has, so that players which
#: show one field show what stood there too.
_PREFERRED: Final = {
    FieldRole.COPYRIGHT: (
        (Form.DATA, "CPRT"),
        (Form.DATA, "COPYRIGHT"),
        (Form.STRINGS, "©CPY"),
        (Form.THREE_GPP, "CPRT"),
    ),
    FieldRole.COMMENT: ((Form.DATA, "©CMT"), (Form.DATA, "COMMENT"), (Form.STRINGS, "©CMT")),
}


@dataclass(frozen=True)
class Change:
    """Replace the bytes from ``start`` up to ``end`` inside ``ancestors``."""

    start: int
    end: int
    data: bytes
    ancestors: tuple[Box, ...]

    @property
    def growth(self) -> int:
        return len(self.data) - (self.end - self.start)


def plan_items(reader: BoxReader, moov: Box, items: Sequence[Item], edit: TagEdit) -> list[Change]:
    """What applies ``edit`` to ``items``, which lie in the movie box ``moov``.

    Raises:
        ContainerReadOnly: if a field has no room for what it should hold.
        ContainerMalformed, LimitExceeded: as reading does.
    """
    changes: list[Change] = []
    fresh = [_freeform(key, values) for key, values in edit.slots]
    changes.extend(
        Change(item.box.start, item.box.end, b"", item.ancestors) for item in items if item.role.is_slot
    )
    for role in (FieldRole.COPYRIGHT, FieldRole.COMMENT):
        slot = _slot(items, role) if edit.statement else []
        if edit.statement and not slot:
            fresh.append(atom(_STANDARD[role], data_atom(edit.statement)))
        changes.extend(_merge(reader, slot, edit.statement, edit.lifted_statements))
        for item in items:
            if item.role is role and item not in slot:
                changes.extend(_merge(reader, [item], None, edit.lifted_statements))
    if fresh:
        changes.append(_insertion(reader, moov, b"".join(fresh)))
    return changes


def resized(reader: BoxReader, changes: Sequence[Change]) -> list[Splice]:
    """``changes``, with the sizes of the boxes around them corrected.

    Raises:
        ContainerReadOnly: if a box would be too large for the size that it has.
    """
    grown: Counter[Box] = Counter()
    for change in changes:
        for box in change.ancestors:
            grown[box] += change.growth
    splices = [Splice(change.start, change.end - change.start, change.data) for change in changes]
    return splices + [_resized(reader, box, by) for box, by in grown.items() if by]


def _resized(reader: BoxReader, box: Box, by: int) -> Splice:
    size = box.end - box.start + by
    stated = int.from_bytes(reader.read(box.start, 4), "big")
    if stated == 1:
        return Splice(box.start + 8, 8, struct.pack(">Q", size))
    if size >= 1 << 32:
        raise ContainerReadOnly(f"the box {box.name!r} would grow beyond 4 GiB")
    # A last box that runs to the end of the file gets a size, since something may follow it.
    return Splice(box.start, 4, struct.pack(">I", size))


def _freeform(key: str, values: Sequence[str]) -> bytes:
    name = atom(b"name", bytes(4) + key.encode("ascii"))
    return atom(FREEFORM, _MEAN + name + b"".join(map(data_atom, values)))


# -- fields -----------------------------------------------------------------------------------


def _slot(items: Sequence[Item], role: FieldRole) -> list[Item]:
    """The items of the field that takes the statement; none where a new one has to be made."""
    for form, key in _PREFERRED[role]:
        found = [
            item
            for item in items
            if item.role is role
            and item.form is form
            and item.key.rpartition(".")[2] == key
            and not any(box.type == b"trak" for box in item.ancestors)
            and any(value.text is not None for value in item.values)
        ]
        if found:
            return found
    return []


def _merge(
    reader: BoxReader, items: Sequence[Item], statement: str | None, lifted: Sequence[str]
) -> Iterator[Change]:
    """The texts of ``items``, one field together, with ``statement`` merged in and ``lifted`` taken out."""
    old = [value.text for item in items for value in item.values if value.text is not None]
    if not old:
        return
    merged = iter(merge_values(old, statement, lifted))
    ours = [*lifted, *([statement] if statement else [])]
    new: list[str | None] = [
        next(merged) if (rest := without(text, ours)) or rest == text else None for text in old
    ]
    only = next(merged, None)
    if only is not None:
        new[0] = only
    changed = iter(new)
    for item in items:
        texts = [None if value.text is None else next(changed) for value in item.values]
        if texts != [value.text for value in item.values]:
            data = _render(reader, item, texts)
            yield Change(item.box.start, item.box.end, data, item.ancestors)


def _render(reader: BoxReader, item: Item, texts: Sequence[str | None]) -> bytes:
    """``item`` with other texts, one for each of its values; a value that was text and is None goes."""
    parts: dict[int, bytes] = {}
    for value, text in zip(item.values, texts, strict=True):
        if text == value.text:
            parts[value.start] = reader.read(value.start, value.end - value.start)
        elif text is None:
            parts[value.start] = b""
        elif item.form is Form.DATA:
            parts[value.start] = data_atom(text, value.head[4:8].ljust(4, b"\x00"))
        elif item.form is Form.THREE_GPP:
            parts[value.start] = encode_3gpp(value, text)
        else:
            encoded = encode_string(value, text)
            if encoded is None:
                raise ContainerReadOnly(f"the field {item.key} has no room for the statement")
            parts[value.start] = encoded
    if not any(parts.values()):
        return b""
    if item.form is Form.DATA:
        for child in reader.children(item.box.body, item.box.end, len(item.ancestors) + 1):
            parts.setdefault(child.start, reader.read(child.start, child.end - child.start))
    return atom(item.box.type, b"".join(parts[start] for start in sorted(parts)))


# -- places -----------------------------------------------------------------------------------


def _insertion(reader: BoxReader, moov: Box, items: bytes) -> Change:
    """``items`` put first into the ``ilst`` that other programs look at, which is made if it is missing.

    That is the one in the first ``meta`` of the first ``udta``. First in it, so that a marker
    does not stand behind cover art.
    """
    path: tuple[Box, ...] = (moov,)
    udta = _first(reader, path, b"udta")
    if udta is None:
        return _appended(reader, path, atom(b"udta", _new_meta(items)))
    path = (moov, udta)
    meta = _first(reader, path, b"meta")
    if meta is None or not _usable(reader, meta):
        return Change(udta.body, udta.body, _new_meta(items), path)
    path = (*path, meta)
    ilst = _first(reader, path, b"ilst")
    if ilst is None:
        return _appended(reader, path, atom(b"ilst", items))
    return Change(ilst.body, ilst.body, items, (*path, ilst))


def _appended(reader: BoxReader, path: tuple[Box, ...], child: bytes) -> Change:
    """``child`` behind the last box in the last box of ``path``, in front of any padding."""
    end = max((box.end for box in _children(reader, path)), default=reader.inner_start(path[-1]))
    return Change(end, end, child, path)


def _new_meta(items: bytes) -> bytes:
    return atom(b"meta", bytes(4) + _HANDLER + atom(b"ilst", items))


def _first(reader: BoxReader, path: tuple[Box, ...], kind: bytes) -> Box | None:
    return next((child for child in _children(reader, path) if child.type == kind), None)


def _children(reader: BoxReader, path: tuple[Box, ...]) -> Iterator[Box]:
    parent = path[-1]
    if parent.type == b"meta":
        return reader.meta_children(parent, len(path))
    return reader.children(parent.body, parent.end, len(path))


def _usable(reader: BoxReader, meta: Box) -> bool:
    handlers = [box for box in reader.meta_children(meta, 3) if box.type == b"hdlr"]
    return all(reader.fields(box, "I", 8)[0].to_bytes(4, "big") in _USABLE_HANDLERS for box in handlers)
