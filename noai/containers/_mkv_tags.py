"""Tags elements: what they say, and about what.

RFC 9559 §5.1.8 and §24 (tags); draft-ietf-cellar-tags (names of tags).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from noai.containers._area import MARKER_KEY, TIMESTAMP_KEY
from noai.containers._ebml import VOID, Element, ElementReader
from noai.containers._mkv_layout import GLOBAL
from noai.containers._mkv_schema import (
    CHILDREN,
    SIMPLE_TAG,
    TAG,
    TAG_BINARY,
    TAG_NAME,
    TAG_STRING,
    TARGET_TYPE,
    TARGET_TYPE_VALUE,
    TARGETS,
)
from noai.containers._opaque import holds_mark
from noai.containers.interface import FieldRole
from noai.errors import ContainerMalformed
from noai.limits import TAG_VALUE_BYTES
from noai.sources import ByteSource, chunks

#: What tags mean to noai. mkvmerge keeps the DESCRIPTION that ffmpeg makes of a comment in Ogg.
ROLES: Final = MappingProxyType(
    {
        MARKER_KEY: FieldRole.MARKER,
        "COPYRIGHT": FieldRole.COPYRIGHT,
        "COMMENT": FieldRole.COMMENT,
        "DESCRIPTION": FieldRole.COMMENT,
        TIMESTAMP_KEY: FieldRole.TIMESTAMP,
    }
)
#: Longest names and media types that are read.
NAME_BYTES: Final = 1024
#: The value for an album, a film, a concert: what a tag without one is about (RFC 9559 §5.1.8.1.1.1).
_WHOLE: Final = 50
#: The name of a marker's tag, in bytes that are no element any more.
_MARKER_NAME: Final = re.compile(rb"\x45\xa3.{1,8}" + MARKER_KEY.encode(), re.IGNORECASE | re.DOTALL)
_OVERLAP: Final = 16


@dataclass(frozen=True)
class SimpleTag:
    """One name with its values, and the tags in it."""

    element: Element
    names: tuple[str, ...] = ()
    strings: tuple[Element, ...] = ()
    binaries: tuple[Element, ...] = ()
    nested: tuple[SimpleTag, ...] = ()
    #: Language, default flag, and what is not understood.
    others: tuple[Element, ...] = ()

    @property
    def role(self) -> FieldRole:
        """A tag with several names, of which readers take one or the other, is a marker by any of them."""
        roles = [ROLES.get(name.strip().upper(), FieldRole.OTHER) for name in self.names]
        if FieldRole.MARKER in roles:
            return FieldRole.MARKER
        if FieldRole.TIMESTAMP in roles:
            # Only as noai writes it, so that an edit takes out nothing besides.
            return roles[0] if len(roles) == 1 and self._is_short_text else FieldRole.OTHER
        return roles[0] if roles else FieldRole.OTHER

    @property
    def _is_short_text(self) -> bool:
        short = all(string.length <= TAG_VALUE_BYTES for string in self.strings)
        return bool(self.strings) and short and not self.binaries and not self.nested


@dataclass(frozen=True)
class Tag:
    """Tags about one thing: the whole file where ``targets`` names none."""

    element: Element
    targets: tuple[Element, ...] = ()
    simple: tuple[SimpleTag, ...] = ()
    others: tuple[Element, ...] = ()
    #: About the whole file, and not of a named part of it: where everybody looks first.
    is_whole: bool = True


@dataclass
class TagsBlock:
    """One Tags element."""

    element: Element
    tags: list[Tag] = field(default_factory=list)
    #: What is no element that belongs there, but can be told from its neighbours.
    unknown: list[Element] = field(default_factory=list)
    #: Void elements in it.
    voids: list[Element] = field(default_factory=list)
    #: What could not be read at all.
    damage: list[str] = field(default_factory=list)

    def require_whole(self) -> None:
        if self.damage:
            raise ContainerMalformed(f"the tags are damaged: {self.damage[0]}")


# -- one Tags element -----------------------------------------------------------------------


def read_block(reader: ElementReader, element: Element) -> TagsBlock:
    """
    Raises:
        LimitExceeded: for more elements, or deeper ones, than are read.
    """
    block = TagsBlock(element)
    for child in _children(reader, element, 2, block):
        if child.id == TAG:
            block.tags.append(_read_tag(reader, child, block))
        else:
            _other(block, element, child)
    if not reader.checksum_holds(element):
        block.damage.append("their checksum is wrong")
    return block


def _children(reader: ElementReader, master: Element, depth: int, block: TagsBlock) -> Iterator[Element]:
    try:
        yield from reader.children(master, depth)
    except ContainerMalformed as error:
        block.damage.append(str(error))


def _other(block: TagsBlock, parent: Element, child: Element) -> None:
    if child.id == VOID:
        block.voids.append(child)
    elif child.id not in GLOBAL and child.id not in CHILDREN[parent.id]:
        block.unknown.append(child)


def _read_tag(reader: ElementReader, tag: Element, block: TagsBlock) -> Tag:
    targets: list[Element] = []
    simple: list[SimpleTag] = []
    others: list[Element] = []
    is_whole = True
    for child in _children(reader, tag, 3, block):
        if child.id == TARGETS:
            targets.append(child)
            for target in _children(reader, child, 4, block):
                _other(block, child, target)
                is_whole &= _is_whole(reader, target)
        elif child.id == SIMPLE_TAG:
            simple.append(_read_simple(reader, child, 4, block))
        else:
            others.append(child)
            _other(block, tag, child)
    return Tag(tag, tuple(targets), tuple(simple), tuple(others), is_whole)


def _is_whole(reader: ElementReader, target: Element) -> bool:
    if target.id in GLOBAL:
        return True
    if target.id == TARGET_TYPE or target.length > 8:
        # ffmpeg puts the name of a type in front of the names of its tags.
        return False
    value = reader.uint(target)
    return value == _WHOLE if target.id == TARGET_TYPE_VALUE else value == 0


def _read_simple(reader: ElementReader, element: Element, depth: int, block: TagsBlock) -> SimpleTag:
    names: list[str] = []
    found: dict[int, list[Element]] = {TAG_STRING: [], TAG_BINARY: []}
    nested: list[SimpleTag] = []
    others: list[Element] = []
    for child in _children(reader, element, depth, block):
        if child.id == TAG_NAME and child.length > NAME_BYTES:
            block.damage.append(f"a name of {child.length} bytes")
        elif child.id == TAG_NAME:
            names.append(reader.text(child, NAME_BYTES))
        elif child.id in found:
            found[child.id].append(child)
        elif child.id == SIMPLE_TAG:
            nested.append(_read_simple(reader, child, depth + 1, block))
        else:
            others.append(child)
            _other(block, element, child)
    strings, binaries = tuple(found[TAG_STRING]), tuple(found[TAG_BINARY])
    return SimpleTag(element, tuple(names), strings, binaries, tuple(nested), tuple(others))


def marked(source: ByteSource, element: Element) -> bool:
    """Whether something that looks like a marker or a statement stands in ``element``."""
    before = b""
    for block in chunks(source, element.data, element.end):
        joined = before + block
        if _MARKER_NAME.search(joined) or holds_mark(joined):
            return True
        before = joined[-_OVERLAP:]
    return False
