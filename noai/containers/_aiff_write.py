"""Marking an AIFF file: which chunks change, and where new ones go.

All others stay where they are, byte for byte.
"""

from __future__ import annotations

from noai.containers._aiff_layout import AIFF, read_layout
from noai.containers._chunk_tags import decoded, encoded, id3_chunks
from noai.containers._chunk_write import Changes, ChunkEdit, place, plan_id3, plan_tails, replaced
from noai.containers._chunks import ChunkLayout, content
from noai.containers._iff_text import COMMENT, COPYRIGHT
from noai.containers._splices import Splice
from noai.containers.interface import TagEdit
from noai.errors import MarkError
from noai.limits import TAG_VALUE_BYTES
from noai.sources import ByteSource
from noai.statement import merge_values


def plan(source: ByteSource, edit: TagEdit) -> list[Splice]:
    """The splices that apply ``edit``.

    Raises:
        MarkError: if the chunks contradict each other, or the file would exceed 4 GiB.
        ContainerError: if they cannot be read to their end.
    """
    layout = read_layout(source)
    changes = plan_id3(id3_chunks(source, layout.chunks), edit, AIFF, b"ID3 ")
    for name in (COPYRIGHT, COMMENT):
        changes += _plan_text(source, layout, edit, name)
    placed = place(source, layout, changes)
    splices = [*placed.splices, *plan_tails(source, layout, edit)]
    try:
        return [*splices, Splice(4, 4, AIFF.size(placed.form_size))]
    except OverflowError:
        raise MarkError("the file would exceed the 4 GiB that AIFF allows") from None


def _plan_text(source: ByteSource, layout: ChunkLayout, edit: TagEdit, name: bytes) -> Changes:
    """The statement in the first text chunk called ``name``, or in a new one."""
    edits: list[ChunkEdit] = []
    present = layout.all(name)
    for number, old in enumerate(present):
        if old.size > TAG_VALUE_BYTES:
            raise MarkError(f"the chunk {old.name!r} is longer than {TAG_VALUE_BYTES} bytes")
        data = content(source, old)
        value = decoded(data)
        statement = edit.statement if number == 0 else None
        values = merge_values([value], statement, edit.lifted_statements)
        if values != [value]:
            new = encoded(values[0], data) if values else None
            edits.append(replaced(AIFF, old, new))
    if present or edit.statement is None:
        return Changes(tuple(edits))
    return Changes(new=AIFF.render(name, edit.statement.encode("ascii")))
