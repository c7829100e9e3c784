"""Attributes and content descriptions of an ASF file rewritten, with every byte of what is foreign kept."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Final

from noai.containers import _id3_write
from noai.containers._asf_attributes import (
    PLACES,
    TEXT,
    Attribute,
    fits_descriptor,
    read_attributes,
    render,
)
from noai.containers._asf_objects import (
    DESCRIPTION,
    EXTENDED_DESCRIPTION,
    EXTENSION,
    FILE_PROPERTIES,
    HEAD,
    LIBRARY,
    AsfLayout,
    AsfObject,
)
from noai.containers._asf_text import decode, encode, is_exact
from noai.containers._asf_texts import DESCRIPTION_KEYS, DESCRIPTION_ROLES, description_texts
from noai.containers._id3 import locate_leading
from noai.containers._splices import Splice, apply, growth
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import MarkError
from noai.limits import TAG_BYTES, TAG_ITEMS, TAG_VALUE_BYTES
from noai.sources import ByteSource, BytesSource, read_exactly
from noai.statement import merge_values

#: Largest text in a Content Description, terminator included, and largest count of attributes.
_LARGEST: Final = 0xFFFF
#: Name and value of an attribute that is written.
_Named = tuple[bytes, bytes]


@dataclass
class AsfPlan:
    """The splices of one edit, and by how much the objects grow that lie around them."""

    splices: list[Splice] = field(default_factory=list)
    grown: dict[AsfObject, int] = field(default_factory=dict)
    #: By how many objects a header has more or fewer.
    children: dict[AsfObject, int] = field(default_factory=dict)

    def add(self, outer: AsfObject | None, *splices: Splice, children: int = 0) -> None:
        """``splices`` within the content of ``outer``, or between objects of the file itself."""
        self.splices += splices
        if outer is not None:
            self.children[outer] = self.children.get(outer, 0) + children
        while outer is not None:
            self.grown[outer] = self.grown.get(outer, 0) + growth(splices)
            outer = outer.parent


def _new_place(layout: AsfLayout) -> tuple[AsfObject, int]:
    """The header, and where new objects go in it: behind the File Properties, in front of pictures."""
    (properties,) = layout.all(FILE_PROPERTIES)
    return layout.objects[0], properties.end


def asf_object(name: bytes, content: bytes) -> bytes:
    return name + (HEAD + len(content)).to_bytes(8, "little") + content


# -- attributes -------------------------------------------------------------------------------


def plan_attributes(source: ByteSource, layout: AsfLayout, edit: TagEdit, done: AsfPlan) -> None:
    own = [(encode(key), encode(value)) for key, values in edit.slots for value in values]
    new = {
        EXTENDED_DESCRIPTION: [(name, value) for name, value in own if fits_descriptor(value)],
        LIBRARY: [(name, value) for name, value in own if not fits_descriptor(value)],
    }
    for outer in layout.all(*PLACES):
        suited = outer.in_header or (outer.parent is not None and outer.parent.in_header)
        added = new.pop(outer.guid, []) if suited else []
        _edit_attributes(source, outer, edit, added, done)
    for kind, added in new.items():
        if added:
            _new_attributes(layout, kind, added, done)


def _new_attributes(layout: AsfLayout, kind: bytes, added: list[_Named], done: AsfPlan) -> None:
    records = b"".join(render(kind, name, value) for name, value in added)
    content = len(added).to_bytes(2, "little") + records
    outer, at = _new_place(layout)
    if kind == LIBRARY:
        extensions = [found for found in layout.all(EXTENSION) if found.in_header]
        if not extensions:
            raise MarkError(f"there is no header extension for a value of more than {_LARGEST} bytes")
        outer, at = extensions[0], extensions[0].inner
    done.add(outer, Splice(at, 0, asf_object(kind, content)), children=1)


def _edit_attributes(
    source: ByteSource, outer: AsfObject, edit: TagEdit, added: list[_Named], done: AsfPlan
) -> None:
    found = read_attributes(source, outer)
    if not found.whole or len(found.attributes) > TAG_ITEMS:
        raise MarkError(f"the {PLACES[outer.guid]} at {outer.offset} is damaged and cannot be rewritten")
    splices: list[Splice] = []
    count = len(found.attributes) + len(added)
    # Only what stands beside the description, as ffmpeg writes it, is said there again.
    sentences = {FieldRole.COPYRIGHT: edit.statement, FieldRole.COMMENT: edit.statement}
    for attribute in found.attributes:
        sentence = None
        if outer.guid == EXTENDED_DESCRIPTION and attribute.type == TEXT:
            sentence = sentences.pop(attribute.role, None)
        raw = _edited(source, outer, attribute, edit, sentence)
        if raw is not None:
            splices.append(Splice(attribute.offset, attribute.end - attribute.offset, raw))
            count -= not raw
    if added:
        records = b"".join(render(outer.guid, name, value) for name, value in added)
        # In front of what may be taken out at the same place.
        splices.insert(0, Splice(outer.data + 2, 0, records))
    if not splices:
        return
    if count > _LARGEST:
        raise MarkError(f"the {PLACES[outer.guid]} has no room for more attributes")
    done.add(outer, Splice(outer.data, 2, count.to_bytes(2, "little")), *splices)


def _edited(
    source: ByteSource, outer: AsfObject, attribute: Attribute, edit: TagEdit, sentence: str | None
) -> bytes | None:
    """The new bytes of one attribute, none where it goes; None if it stays as it is."""
    length = attribute.end - attribute.value
    if attribute.is_marker or (attribute.role.is_slot and length <= TAG_VALUE_BYTES):
        return b""
    takes_id3 = attribute.is_id3
    if length > TAG_VALUE_BYTES and not takes_id3:
        return None
    if takes_id3:
        value = _edited_id3(source, attribute, edit)
    elif attribute.type == TEXT and attribute.role is not FieldRole.OTHER:
        value = _merged(read_exactly(source, attribute.value, length), edit, sentence)
        if value == b"":
            return b""
    else:
        return None
    if value is None:
        return None
    if outer.guid == EXTENDED_DESCRIPTION and not fits_descriptor(value):
        raise MarkError(f"the attribute {attribute.key} has no room left")
    return render(outer.guid, attribute.raw_name, value, attribute)


def _merged(raw: bytes, edit: TagEdit, sentence: str | None) -> bytes | None:
    """A text with the statement put in and taken out; empty where nothing is left, None if unchanged."""
    old = decode(raw).rstrip("\0").split("\0")
    new = merge_values(old, sentence, edit.lifted_statements)
    if new == old:
        return None
    if not is_exact(raw):
        raise MarkError("a text that cannot be decoded would have to change")
    return encode("\0".join(new)) if new else b""


def _edited_id3(source: ByteSource, attribute: Attribute, edit: TagEdit) -> bytes | None:
    """An attribute that holds ID3v2 tags, without markers and lifted statements."""
    if attribute.end - attribute.value > TAG_BYTES:
        raise MarkError(f"the attribute {attribute.key} is too long to be rewritten")
    raw = read_exactly(source, attribute.value, attribute.end - attribute.value)
    what = _id3_write.Id3Edit(edit, writes=False, xmp=False)
    splices: list[Splice] = []
    for tag in locate_leading(BytesSource(raw)):
        if tag.problem is not None:
            raise MarkError(f"the ID3 tag in the attribute {attribute.key} is damaged")
        splices += _id3_write.plan(BytesSource(raw), tag, what)
    if not splices:
        return None
    file = io.BytesIO(raw)
    apply(file, splices)
    return file.getvalue()


# -- content description ----------------------------------------------------------------------


def plan_descriptions(source: ByteSource, layout: AsfLayout, edit: TagEdit, done: AsfPlan) -> None:
    present = layout.all(DESCRIPTION)
    target = next((found for found in present if found.in_header), None)
    for found in present:
        data = read_exactly(source, found.data, found.end - found.data) if found.size <= TAG_BYTES else b""
        texts = description_texts(data)
        if texts is None:
            raise MarkError(f"the content description at {found.offset} is damaged and cannot be rewritten")
        content = _description(texts, edit, edit.statement if found is target else None)
        if content is not None:
            done.add(found.parent, Splice(found.offset, found.size, asf_object(DESCRIPTION, content)))
    content = _description([b""] * len(DESCRIPTION_KEYS), edit, edit.statement)
    if target is None and content is not None:
        outer, at = _new_place(layout)
        done.add(outer, Splice(at, 0, asf_object(DESCRIPTION, content)), children=1)


def _description(texts: list[bytes], edit: TagEdit, sentence: str | None) -> bytes | None:
    """The content of a Content Description Object; None if nothing changes."""
    new = list(texts)
    for number, key in enumerate(DESCRIPTION_KEYS):
        if key in DESCRIPTION_ROLES:
            merged = _merged(texts[number], edit, sentence)
            new[number] = texts[number] if merged is None else merged
    if new == texts:
        return None
    if any(len(text) > _LARGEST for text in new):
        raise MarkError("the content description has no room left")
    return b"".join(len(text).to_bytes(2, "little") for text in new) + b"".join(new)
