"""Marking a WAVE file: which chunks change, and where new ones go.

New chunks stand in front of ``data``, so that a reader meets them before the audio. All others stay
where they are, byte for byte.
"""

from __future__ import annotations

from typing import Final

from noai.containers import _id3_write
from noai.containers._area import AreaBuilder
from noai.containers._riff import HEADER, Chunk, RiffLayout, chunk, read_layout
from noai.containers._splices import Splice, growth
from noai.containers._tails import TailKind, plan_id3v1
from noai.containers._wav_tags import (
    COMMENT,
    COPYRIGHT,
    XMP,
    Entry,
    Id3Chunk,
    ListChunk,
    id3_chunks,
    info_text,
    read_list,
    trailing_tails,
)
from noai.containers.interface import TagEdit
from noai.errors import MarkError
from noai.limits import XMP_BYTES
from noai.sources import ByteSource, read_exactly
from noai.statement import merge_values
from noai.xmp import merge_data_mining

_LARGEST: Final = 0xFFFFFFFF


def plan(source: ByteSource, edit: TagEdit) -> list[Splice]:
    """The splices that apply ``edit``.

    Raises:
        MarkError: if the chunks contradict each other, or the file would exceed 4 GiB.
        ContainerError: if they cannot be read to their end.
    """
    layout = read_layout(source)
    payloads = layout.all(b"data")
    if layout.problems:
        raise MarkError(f"the RIFF chunks contradict each other: {layout.problems[0].message}")
    if len(payloads) != 1:
        raise MarkError("there is not exactly one data chunk")
    edited, new = _plan_id3(source, layout, edit)
    for part in (_plan_info, _plan_xmp):
        splices, added = part(source, layout, edit)
        edited += splices
        new += added
    if new:
        edited.append(Splice(payloads[0].offset, 0, new))
    for tail in trailing_tails(source, layout):
        if tail.kind is TailKind.ID3V1:
            edited += plan_id3v1(source, tail, edit)
    return edited + _plan_sizes(layout, payloads[0], edited)


def _plan_sizes(layout: RiffLayout, payload: Chunk, edited: list[Splice]) -> list[Splice]:
    """The RIFF size, and the missing padding byte of a last odd chunk; sizes that were left open."""
    inside = [c for c in layout.chunks if c.offset < layout.form_end]
    end = inside[-1].end
    padding = (end - inside[-1].offset) % 2
    splices = []
    if padding and inside[-1].next == end == layout.size:
        splices.append(Splice(end, 0, b"\x00"))
    if layout.streamed:
        splices.append(Splice(payload.offset + 4, 4, payload.size.to_bytes(4, "little")))
    size = end + padding - HEADER + growth([s for s in edited if s.offset < layout.form_end])
    if size > _LARGEST:
        raise MarkError("the file would exceed the 4 GiB that RIFF allows")
    splices.append(Splice(4, 4, size.to_bytes(4, "little")))
    return splices


def _replaced(old: Chunk, data: bytes | None) -> Splice:
    """``old`` with other content, or without any: gone."""
    return Splice(old.offset, old.next - old.offset, b"" if data is None else chunk(old.id, data))


def _plan_id3(source: ByteSource, layout: RiffLayout, edit: TagEdit) -> tuple[list[Splice], bytes]:
    present = [each for each in id3_chunks(source, layout) if each.tags]
    # Other tools know the usual spellings of the chunk alone.
    present.sort(key=lambda each: each.chunk.id not in (b"id3 ", b"ID3 "))
    splices: list[Splice] = []
    for number, each in enumerate(present):
        splices += _plan_id3_chunk(each, edit, writes=number == 0)
    if present:
        return splices, b""
    tag = _id3_write.plan_new(0, _id3_write.Id3Edit(edit, xmp=False))
    return splices, chunk(b"id3 ", tag[0].data) if tag else b""


def _plan_id3_chunk(each: Id3Chunk, edit: TagEdit, *, writes: bool) -> list[Splice]:
    old = each.chunk
    splices: list[Splice] = []
    for number, tag in enumerate(each.tags):
        what = _id3_write.Id3Edit(edit, writes=writes and number == 0, xmp=False)
        splices += _id3_write.plan(each.source, tag, what)
    if not splices:
        return []
    size = old.size + growth(splices)
    if size == 0:
        return [_replaced(old, None)]
    padding = old.next - old.end
    splices.append(Splice(old.offset + 4, 4, size.to_bytes(4, "little")))
    if padding != size % 2:
        splices.append(Splice(old.end, padding, bytes(size % 2)))
    return splices


def _plan_info(source: ByteSource, layout: RiffLayout, edit: TagEdit) -> tuple[list[Splice], bytes]:
    lists = [read_list(source, each, AreaBuilder()) for each in layout.all(b"LIST")]
    infos = [each for each in lists if each is not None and each.kind == b"INFO"]
    if any(not each.whole for each in infos):
        raise MarkError("a LIST INFO chunk holds bytes that are no entries")
    splices = []
    pending = [COPYRIGHT, COMMENT] if edit.statement is not None else []
    for number, info in enumerate(infos):
        entries = _merged(info, edit, pending)
        if number == len(infos) - 1:
            entries += [_new_entry(each, edit) for each in pending]
            pending = []
        if entries != [entry.raw for entry in info.entries]:
            splices.append(_replaced(info.chunk, b"INFO" + b"".join(entries) if entries else None))
    new = b"".join(_new_entry(each, edit) for each in pending)
    return splices, chunk(b"LIST", b"INFO" + new) if new else b""


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
        value = info_text(entry.data)
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
    try:
        entry.data.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = "latin-1"
    return chunk(entry.id, value.encode(encoding) + b"\x00")


def _new_entry(name: bytes, edit: TagEdit) -> bytes:
    return chunk(name, (edit.statement or "").encode("ascii") + b"\x00")


def _plan_xmp(source: ByteSource, layout: RiffLayout, edit: TagEdit) -> tuple[list[Splice], bytes]:
    present = layout.all(XMP)
    splices = []
    for number, old in enumerate(present):
        if old.size > XMP_BYTES:
            raise MarkError(f"the XMP packet in the file is longer than {XMP_BYTES} bytes")
        packet = read_exactly(source, old.data, old.size)
        value = edit.data_mining if number == 0 else None
        merged = merge_data_mining(packet, value, edit.lifted_data_mining)
        if merged != packet:
            splices.append(_replaced(old, merged))
    if present:
        return splices, b""
    new = merge_data_mining(None, edit.data_mining, edit.lifted_data_mining)
    return splices, chunk(XMP, new) if new is not None else b""
