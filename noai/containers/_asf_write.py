"""Marking an ASF file: which objects change, and what else has to follow.

Objects that stay are not touched, byte for byte. What points into the packets counts from their
first one (sections 3.7, 6.1, 6.2), so that a header may grow. The File ID stays: it ties the header
to the data and the indexes, and no tagger changes it.
"""

from __future__ import annotations

from dataclasses import replace

from noai.containers import _ape_write, _id3_write
from noai.containers._ape import ApeTag
from noai.containers._asf_edit import AsfPlan, asf_object, plan_attributes, plan_descriptions
from noai.containers._asf_essence import FileProperties, read_properties
from noai.containers._asf_objects import (
    DATA,
    EXTENSION,
    FILE_PROPERTIES,
    HEADER,
    SIGNATURE,
    XMP,
    AsfLayout,
    read_layout,
)
from noai.containers._asf_tags import FILE_SIZE, trailing_tails
from noai.containers._id3 import Id3Tag
from noai.containers._splices import Splice, growth
from noai.containers._tails import TailKind, plan_id3v1
from noai.containers.interface import TagEdit
from noai.errors import MarkError
from noai.limits import XMP_BYTES
from noai.sources import ByteSource, read_exactly
from noai.xmp import merge_data_mining


def plan(source: ByteSource, edit: TagEdit) -> list[Splice]:
    """The splices that apply ``edit``.

    Raises:
        MarkError: if the objects contradict each other, or the header is signed.
        ContainerError: if they cannot be read to their end.
    """
    layout = read_layout(source)
    _require_sound(layout)
    properties = read_properties(source, layout)
    done = AsfPlan()
    plan_attributes(source, layout, edit, done)
    plan_descriptions(source, layout, edit, done)
    _plan_xmp(source, layout, edit, done)
    _plan_tails(source, layout, edit, done)
    _plan_sizes(source, layout, properties, done)
    return done.splices


def _require_sound(layout: AsfLayout) -> None:
    if layout.problems:
        raise MarkError(f"the ASF objects contradict each other: {layout.problems[0]}")
    if len(layout.all(HEADER)) != 1 or len(layout.all(DATA)) != 1:
        raise MarkError("there is not exactly one ASF header and one Data Object")
    if layout.all(SIGNATURE):
        raise MarkError("the ASF header is digitally signed: marking would break the signature")


def _plan_sizes(source: ByteSource, layout: AsfLayout, properties: FileProperties, done: AsfPlan) -> None:
    """Sizes of the objects that grew, the count of objects in the header, the size of the file."""
    total = source.size + growth(done.splices)
    if not properties.broadcast and properties.size != total:
        at = layout.all(FILE_PROPERTIES)[0].data + FILE_SIZE
        done.splices.append(Splice(at, 8, total.to_bytes(8, "little")))
    for outer, grown in done.grown.items():
        if grown:
            size = outer.size + grown
            done.splices.append(Splice(outer.offset + 16, 8, size.to_bytes(8, "little")))
            if outer.guid == EXTENSION:
                length = size - (outer.inner - outer.offset)
                done.splices.append(Splice(outer.inner - 4, 4, length.to_bytes(4, "little")))
    for outer, more in done.children.items():
        if more and outer.guid == HEADER:
            count = sum(found.parent == outer for found in layout.objects) + more
            done.splices.append(Splice(outer.data, 4, count.to_bytes(4, "little")))


def _plan_xmp(source: ByteSource, layout: AsfLayout, edit: TagEdit, done: AsfPlan) -> None:
    """XMP specification part 3: a top-level object, which stands behind the Data Object."""
    present = layout.all(XMP)
    for number, found in enumerate(present):
        value = edit.data_mining if number == 0 else None
        if found.end - found.data > XMP_BYTES:
            if value is not None or edit.lifted_data_mining is not None:
                raise MarkError(f"the XMP packet at {found.offset} is too long to be rewritten")
            continue
        old = read_exactly(source, found.data, found.end - found.data)
        new = merge_data_mining(old, value, edit.lifted_data_mining)
        if new is None:
            done.add(found.parent, Splice(found.offset, found.size, b""), children=-1)
        elif new != old:
            done.add(found.parent, Splice(found.offset, found.size, asf_object(XMP, new)))
    fresh = None if present else merge_data_mining(None, edit.data_mining, None)
    if fresh is not None:
        done.add(None, Splice(layout.all(DATA)[0].end, 0, asf_object(XMP, fresh)))


def _plan_tails(source: ByteSource, layout: AsfLayout, edit: TagEdit, done: AsfPlan) -> None:
    lifting = _id3_write.Id3Edit(edit, writes=False, xmp=False)
    for tail in trailing_tails(source, layout):
        if isinstance(tail.tag, ApeTag):
            done.add(None, *_ape_write.plan(source, tail.tag, edit))
        elif isinstance(tail.tag, Id3Tag):
            done.add(None, *_id3_write.plan(source, tail.tag, replace(lifting, appended=True)))
        elif tail.kind is TailKind.ID3V1:
            done.add(None, *plan_id3v1(source, tail, edit))
