"""What reading the tag area of an MP4 yields: items with the places of their bytes, XMP, the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._bmff import Box
from noai.containers._id3 import Id3Tag
from noai.containers._mp4_hidden import Hit
from noai.containers._mp4_values import Value
from noai.containers.interface import FieldRole
from noai.errors import ContainerMalformed


class Form(Enum):
    """How an item holds its values."""

    #: An atom in ``ilst`` with ``data`` atoms in it.
    DATA = "data"
    #: A QuickTime ``©`` user data atom.
    STRINGS = "strings"
    #: A 3GPP user data box.
    THREE_GPP = "3gpp"


@dataclass(frozen=True, slots=True)
class Item:
    """One tag item and where its bytes lie."""

    box: Box
    #: The boxes around it, outermost first.
    ancestors: tuple[Box, ...]
    form: Form
    place: str
    #: Upper case: native id, freeform name or ``mdta`` key.
    key: str
    #: What tells it apart from other items: ``©nam``, ``----:com.apple.iTunes:NOAI``, ``mdta:comment``.
    identity: str
    role: FieldRole
    values: tuple[Value, ...]
    #: Boxes in it that hold neither a value nor its name.
    others: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class XmpBox:
    """A box with an XMP packet; ``offset`` is where the packet starts."""

    box: Box
    offset: int
    top_level: bool


@dataclass(frozen=True, slots=True)
class Id3Place:
    """An ID3v2 tag in an ``ID32`` box."""

    box: Box
    tag: Id3Tag


@dataclass
class Metadata:
    """Everything found, in file order."""

    area: AreaBuilder = field(default_factory=AreaBuilder)
    items: list[Item] = field(default_factory=list)
    xmp: list[XmpBox] = field(default_factory=list)
    id3: list[Id3Place] = field(default_factory=list)
    #: Statements in padding and unknown boxes.
    hidden: list[Hit] = field(default_factory=list)
    #: Boxes in tag areas that noai does not read, with a name for each.
    opaque: list[tuple[str, Box]] = field(default_factory=list)

    def require_whole(self) -> None:
        """Raises ContainerMalformed if a part of the tag area could not be read."""
        for note in self.area.build().notes:
            if note.code.blocks and note.code is not Code.TAG_HIDDEN:
                raise ContainerMalformed(f"the tag area is not fully readable: {note.message}")


def scope_of(path: tuple[Box, ...]) -> str:
    """What the tag area in ``path`` speaks about."""
    if path and path[0].type == b"moof":
        return "MP4 fragment"
    return "MP4 track" if any(box.type == b"trak" for box in path) else "MP4"
