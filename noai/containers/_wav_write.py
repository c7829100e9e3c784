"""Marking a WAVE file: which chunks change, and where new ones go.

All others stay where they are, byte for byte.
"""

from __future__ import annotations

from noai.containers._area import AreaBuilder
from noai.containers._chunk_tags import decoded, encoded, id3_chunks
from noai.containers._chunk_write import (
    Changes,
    ChunkEdit,
    place,
    plan_id3,
    plan_tails,
    replaced,
    require_settled,
)
from noai.containers._chunks import ChunkLayout, content
from noai.containers._riff import RIFF, chunk, is_long, read_layout, size_fields
from noai.containers._splices import Splice
from noai.containers._wav_tags import (
    COMMENT,
    COPYRIGHT,
    MANIFEST,
    XMP,
    Entry,
    ListChunk,
    read_list,
    read_mpeg_tags,
)
from noai.containers.interface import TagEdit
from noai.errors import MarkError
from noai.limits import XMP_BYTES
from noai.sources import ByteSource
from noai.statement import merge_values
from noai.xmp import merge_data_mining


def plan(source: ByteSource, edit: TagEdit, *, xmp: bool = True) -> list[Splice]:
    """The splices that apply ``edit``; without ``xmp`` there is no place for XMP.

    Raises:
        MarkError: if the chunks contradict each other, or the file would exceed 4 GiB.
        ContainerError: if they cannot be read to their end.
    """
    layout = read_layout(source)
    changes = plan_id3(id3_chunks(source, layout.chunks), edit, layout.family, b"id3 ")
    changes += _plan_info(source, layout, edit)
    if xmp:
        changes += _plan_xmp(source, layout, edit)
    if any(is_long(layout, each.chunk) for each in changes.edits):
        raise MarkError("a chunk with tags has its size in ds64")
    placed = place(source, layout, changes)
    inside = AreaBuilder()
    read_mpeg_tags(source, layout, inside)
    require_settled(inside, edit, "inside the data chunk")
    return [
        *placed.splices,
        *plan_tails(source, layout, edit),
        *_plan_sizes(source, layout, placed.form_size),
    ]


def plan_manifest(source: ByteSource, store: bytes) -> list[Splice]:
    """The splices that make ``store`` the only C2PA chunk, behind all others (C2PA 2.x, A.3.4).

    Raises:
        MarkError: as :func:`plan`.
        ContainerError: likewise.
    """
    layout = read_layout(source)
    old = [each for each in layout.chunks if each.id.upper() == MANIFEST]
    gone = tuple(replaced(layout.family, each, None) for each in old)
    placed = place(source, layout, Changes(gone, chunk(MANIFEST, store)), in_front=False)
    return [*placed.splices, *_plan_sizes(source, layout, placed.form_size)]


def _plan_sizes(source: ByteSource, layout: ChunkLayout, form_size: int) -> list[Splice]:
    """The size of a form of ``form_size`` bytes; sizes that were left open."""
    try:
        splices = [Splice(at, len(data), data) for at, data in size_fields(source, layout, form_size)]
        if layout.streamed:
            (audio,) = layout.audio
            splices.append(Splice(audio.offset + 4, 4, RIFF.size(audio.size)))
    except OverflowError:
        raise MarkError("the file would exceed the 4 GiB that RIFF allows") from None
    return splices


def _plan_info(source: ByteSource, layout: ChunkLayout, edit: TagEdit) -> Changes:
    lists = [read_list(source, each, AreaBuilder()) for each in layout.all(b"LIST")]
    infos = [each for each in lists if each is not None and each.kind == b"INFO"]
    if any(not each.whole for each in infos):
        raise MarkError("a LIST INFO chunk holds bytes that are no entries")
    edits: list[ChunkEdit] = []
    pending = [COPYRIGHT, COMMENT] if edit.statement is not None else []
    for number, info in enumerate(infos):
        entries = _merged(info, edit, pending)
        if number == len(infos) - 1:
            entries += [_new_entry(each, edit) for each in pending]
            pending = []
        if entries != [entry.raw for entry in info.entries]:
            data = b"INFO" + b"".join(entries) if entries else None
            edits.append(replaced(layout.family, info.chunk, data))
    new = b"".join(_new_entry(each, edit) for each in pending)
    return Changes(tuple(edits), chunk(b"LIST", b"INFO" + new) if new else b"")


def _merged(info: ListChunk, edit: TagEdit, pending: list[bytes]) -> list[bytes]:
    """The entries of ``info`` as they will be. A field that took the statement leaves ``pending``."""
    merged: list[bytes] = []
    for entry in info.entries:
        if entry.id not in (COPYRIGHT, COMMENT):
            merged.append(_even(entry.raw))
            continue
        statement = edit.statement if entry.id in pending else None
        if statement is not None:
            pending.remove(entry.id)
        value = decoded(entry.data)
        values = merge_values([value], statement, edit.lifted_statements)
        if values == [value]:
            merged.append(_even(entry.raw))
        elif values:
            merged.append(_rendered(entry, values[0]))
    return merged


def _even(raw: bytes) -> bytes:
    return raw + bytes(len(raw) % 2)


def _rendered(entry: Entry, value: str) -> bytes:
    """The entry with another text, in the encoding that the old one was read in."""
    return chunk(entry.id, encoded(value, entry.data) + b"\x00")


def _new_entry(name: bytes, edit: TagEdit) -> bytes:
    return chunk(name, (edit.statement or "").encode("ascii") + b"\x00")


def _plan_xmp(source: ByteSource, layout: ChunkLayout, edit: TagEdit) -> Changes:
    present = layout.all(XMP)
    edits: list[ChunkEdit] = []
    for number, old in enumerate(present):
        if old.size > XMP_BYTES:
            raise MarkError(f"the XMP packet in the file is longer than {XMP_BYTES} bytes")
        packet = content(source, old)
        value = edit.data_mining if number == 0 else None
        merged = merge_data_mining(packet, value, edit.lifted_data_mining)
        if merged != packet:
            edits.append(replaced(layout.family, old, merged))
    if present:
        return Changes(tuple(edits))
    new = merge_data_mining(None, edit.data_mining, edit.lifted_data_mining)
    return Changes(new=chunk(XMP, new) if new is not None else b"")
