"""Tags elements rewritten, with every byte of what is foreign kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from noai.containers._ebml import Element, ElementReader, decode, rebuilt, render, render_void, size_width
from noai.containers._mkv_schema import SIMPLE_TAG, TAG, TAG_NAME, TAG_STRING, TAGS, TARGETS
from noai.containers._mkv_tags import SimpleTag, Tag, TagsBlock, marked
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import MarkError
from noai.limits import MATROSKA_REWRITE_BYTES
from noai.statement import merge_values

#: The tags that the statement goes to; DESCRIPTION only ever loses one.
STATEMENT_KEYS: Final = ("COPYRIGHT", "COMMENT")
_STATEMENT_ROLES: Final = (FieldRole.COPYRIGHT, FieldRole.COMMENT)


def choose_host(blocks: Sequence[TagsBlock]) -> TagsBlock | None:
    """The block that takes markers and statement: the first with tags about the whole file."""
    whole = (block for block in blocks if any(tag.is_whole for tag in block.tags))
    return next(whole, blocks[0] if blocks else None)


def new_block(edit: TagEdit) -> bytes:
    """A Tags element for a file that has none; nothing if there is nothing to say."""
    tag = _new_tag(_new_simple(edit, STATEMENT_KEYS))
    return render(TAGS, tag) if tag else b""


def edited(reader: ElementReader, block: TagsBlock, edit: TagEdit, *, host: bool) -> bytes | None:
    """The element with ``edit`` applied: None if nothing changes, nothing if nothing is left.

    Raises:
        ContainerMalformed: if the block is damaged.
        MarkError: if it is too large, or a marker holds tags of somebody else.
    """
    block.require_whole()
    if block.element.length > MATROSKA_REWRITE_BYTES:
        raise MarkError(f"the tags are longer than {MATROSKA_REWRITE_BYTES} bytes")
    return _Editor(reader, edit, host=host).block(block)


class _Editor:
    def __init__(self, reader: ElementReader, edit: TagEdit, *, host: bool) -> None:
        self._reader = reader
        self._edit = edit
        self._host = host
        #: Where the tags start that take the statement, by key.
        self._takers: dict[str, int] = {}

    def block(self, block: TagsBlock) -> bytes | None:
        parts: dict[int, bytes] = {
            void.start: render_void(void.end - void.start)
            for void in block.voids
            if marked(self._reader.source, void)
        }
        tail = b""
        new = b""
        place: Tag | None = None
        if self._host:
            self._takers = self._choose_takers(block)
            new = _new_simple(self._edit, [key for key in STATEMENT_KEYS if key not in self._takers])
            place = next((tag for tag in block.tags if tag.is_whole and tag.simple), None)
        for tag in block.tags:
            changed = self._tag(tag, new if tag is place else b"")
            if changed is not None:
                parts[tag.element.start] = changed
        if new and place is None:
            tail = _new_tag(new)
        if not parts and not tail:
            return None
        if not tail and not self._something_left(block, parts):
            return b""
        return rebuilt(self._reader, block.element, 2, parts, tail)

    def _something_left(self, block: TagsBlock, parts: dict[int, bytes]) -> bool:
        return bool(block.unknown) or any(parts.get(tag.element.start) != b"" for tag in block.tags)

    def _choose_takers(self, block: TagsBlock) -> dict[str, int]:
        """Of each key the first tag about the whole file with text of its own, or else an empty one."""
        if self._edit.statement is None:
            return {}
        full: dict[str, int] = {}
        empty: dict[str, int] = {}
        for tag in block.tags:
            for simple in tag.simple if tag.is_whole else ():
                key = _key(simple)
                if key in STATEMENT_KEYS and simple.strings:
                    first = self._read(simple.strings[0])
                    has_text = any(merge_values([first], None, self._ours(key)))
                    (full if has_text else empty).setdefault(key, simple.element.start)
        return empty | full

    def _ours(self, key: str) -> list[str]:
        """The statements that are taken out of a tag, before one is put in where it belongs."""
        written = [self._edit.statement] if self._edit.statement and key in STATEMENT_KEYS else []
        return [*self._edit.lifted_statements, *written]

    def _read(self, element: Element) -> str:
        return decode(self._reader.payload(element, MATROSKA_REWRITE_BYTES))

    def _tag(self, tag: Tag, new: bytes) -> bytes | None:
        """The tag with ``new`` in front of its names; None if nothing changes, nothing if none is left."""
        parts: dict[int, bytes] = {}
        for simple in tag.simple:
            changed = self._simple(simple)
            if changed is not None:
                parts[simple.element.start] = changed
        if new:
            first = tag.simple[0].element
            kept = parts.get(first.start)
            parts[first.start] = new + (self._raw(first) if kept is None else kept)
        if not parts:
            return None
        if all(parts.get(simple.element.start) == b"" for simple in tag.simple) and not tag.others:
            return b""
        return rebuilt(self._reader, tag.element, 3, parts)

    def _raw(self, element: Element) -> bytes:
        return self._reader.read(element.start, element.end - element.start)

    def _simple(self, simple: SimpleTag, depth: int = 4) -> bytes | None:
        if simple.role is FieldRole.MARKER:
            if simple.nested:
                raise MarkError("a marker in the file has other tags in it")
            return b""
        if simple.role.is_slot:
            return b""
        parts: dict[int, bytes] = {}
        if simple.role in _STATEMENT_ROLES:
            parts = self._values(simple)
            gone = all(parts.get(each.start) == b"" for each in simple.strings)
            if simple.strings and gone and not simple.binaries and not simple.nested:
                return b""
        for each in simple.nested:
            changed = self._simple(each, depth + 1)
            if changed is not None:
                parts[each.element.start] = changed
        return rebuilt(self._reader, simple.element, depth, parts) if parts else None

    def _values(self, simple: SimpleTag) -> dict[int, bytes]:
        """The texts that change; nothing for one that held a lifted statement alone."""
        key = _key(simple)
        takes = self._takers.get(key) == simple.element.start
        parts: dict[int, bytes] = {}
        for number, element in enumerate(simple.strings):
            old = self._read(element)
            statement = self._edit.statement if takes and not number else None
            values = merge_values([old], statement, self._ours(key))
            if values != [old]:
                texts = (value.encode("utf-8", "surrogateescape") for value in values)
                rendered = (render(TAG_STRING, text, size_width(element)) for text in texts)
                parts[element.start] = b"".join(rendered)
        return parts


def _key(simple: SimpleTag) -> str:
    return simple.names[0].strip().upper() if simple.names else ""


def _new_simple(edit: TagEdit, keys: Sequence[str]) -> bytes:
    """What is noai's own, and the statement; without language and default flag, which then have defaults."""
    values = [(key, value) for key, values in edit.slots for value in values]
    if edit.statement is not None:
        values += [(key, edit.statement) for key in keys]
    return b"".join(
        render(SIMPLE_TAG, render(TAG_NAME, name.encode()) + render(TAG_STRING, value.encode()))
        for name, value in values
    )


def _new_tag(simple: bytes) -> bytes:
    """A tag about the whole file."""
    return render(TAG, render(TARGETS, b"") + simple) if simple else b""
