"""The chunks of RIFF WAVE, and of RF64 and BW64, which have sizes of 64 bits.

Multimedia Programming Interface and Data Specifications 1.0 (Microsoft and IBM), chapter 2; EBU Tech
3306 §3 (RF64); ITU-R BS.2088 §4 (BW64).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from noai.codes import Code
from noai.containers._chunks import Chunk, ChunkLayout, Family, walk
from noai.essence import Violation
from noai.limits import RF64_TABLE_ENTRIES
from noai.sources import ByteSource, read_exactly

#: ``RIFF``, a size and ``WAVE``.
FORM: Final = 12
HEADER: Final = 8
#: What ffmpeg and sox write as the size of ``data`` where they cannot seek back.
_OPEN: Final = frozenset({0xFFFFFFFF, 0x7FFFF000})
RIFF: Final = Family("RIFF", "little", 4, frozenset({b"data"}), b"JUNK", _OPEN)
DS64: Final = b"ds64"
#: In a size of 32 bits: see ``ds64``.
ELSEWHERE: Final = 0xFFFFFFFF
#: Sizes of the form, of ``data`` and the number of samples; then the length of the table.
_DS64: Final = struct.Struct("<QQQI")
_ENTRY: Final = struct.Struct("<4sQ")


@dataclass(frozen=True)
class LongFamily(Family):
    """RIFF where a size may stand in ``ds64`` instead."""

    long_sizes: Mapping[bytes, int] = field(default_factory=dict)

    def parse(self, header: bytes) -> tuple[bytes, int] | None:
        parsed = super().parse(header)
        if parsed is None or parsed[1] != ELSEWHERE:
            return parsed
        return parsed[0], self.long_sizes.get(parsed[0], ELSEWHERE)


def is_wave(source: ByteSource, *forms: bytes) -> bool:
    """Whether ``source`` starts as a WAVE file in one of ``forms``: ``RIFF``, ``RF64``, ``BW64``."""
    form = source.read_at(0, FORM)
    return form[:4] in forms and form[8:] == b"WAVE"


def read_layout(source: ByteSource) -> ChunkLayout:
    """The chunks of a file for which :func:`is_wave` holds.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.BOXES`.
    """
    form = source.read_at(0, FORM)
    announced = int.from_bytes(form[4:8], "little")
    if form[:4] != b"RIFF":
        return _read_long_layout(source, form[:4].decode("ascii"), announced)
    found, size = walk(source, RIFF, FORM, source.size), source.size
    layout = ChunkLayout(RIFF, found.chunks, size, found.rest, size, found.streamed, found.problems)
    if found.streamed:
        return layout
    return _with_form(layout, HEADER + announced)


def _read_long_layout(source: ByteSource, name: str, announced: int) -> ChunkLayout:
    size = source.size
    family = LongFamily(name, "little", 4, RIFF.audio, RIFF.filler)
    sizes, problems = _read_ds64(source, family)
    if sizes is not None:
        family = replace(family, long_sizes={**sizes.table, b"data": sizes.data})
    found = walk(source, family, FORM, size)
    layout = ChunkLayout(family, found.chunks, size, found.rest, size)
    for chunk in layout.audio:
        shown = int.from_bytes(source.read_at(chunk.offset + 4, 4), "little")
        if sizes is not None and shown not in (ELSEWHERE, sizes.data):
            # ffmpeg goes by ds64, others by the chunk.
            message = f"the size of data, {shown}, and that in ds64, {sizes.data}, contradict each other"
            problems.append(Violation(Code.CHUNK_SIZE, message))
    if len(layout.all(DS64)) > 1:
        problems.append(Violation(Code.CHUNK_DUPLICATE, "there are several ds64 chunks"))
    layout = replace(layout, problems=(*problems, *found.problems))
    if sizes is not None:
        # TagLib writes a size of 32 bits as well, and a wrong one; no decoder looks at it.
        announced = sizes.form
    return _with_form(layout, HEADER + announced)


@dataclass(frozen=True)
class _LongSizes:
    form: int
    data: int
    table: Mapping[bytes, int]


def _read_ds64(source: ByteSource, family: Family) -> tuple[_LongSizes | None, list[Violation]]:
    """What ``ds64`` says, which comes first of all chunks (EBU Tech 3306 §3.5)."""
    missing = [Violation(Code.CHUNK_SIZE, f"the {family.name} file has no proper ds64 chunk in front")]
    parsed = family.parse(source.read_at(FORM, HEADER).ljust(HEADER, b"\x00"))
    start = FORM + HEADER
    # ffmpeg skips no padding behind it.
    if parsed is None or parsed[0] != DS64 or parsed[1] < _DS64.size - 4 or parsed[1] % 2:
        return None, missing
    length = parsed[1]
    if start + length > source.size:
        return None, missing
    head = read_exactly(source, start, min(length, _DS64.size)).ljust(_DS64.size, b"\x00")
    form, data, _, entries = _DS64.unpack(head)
    if entries > RF64_TABLE_ENTRIES or _DS64.size + entries * _ENTRY.size > max(length, _DS64.size):
        problem = Violation(Code.CHUNK_SIZE, f"the table of {entries} sizes does not fit into ds64")
        return _LongSizes(form, data, {}), [problem]
    table = read_exactly(source, start + _DS64.size, entries * _ENTRY.size)
    sizes = dict(_ENTRY.iter_unpack(table))
    if b"data" in sizes or len(sizes) < entries:
        problem = Violation(Code.CHUNK_SIZE, "the table in ds64 gives two sizes for one chunk")
        return _LongSizes(form, data, sizes), [problem]
    return _LongSizes(form, data, sizes), []


def _with_form(layout: ChunkLayout, form_end: int) -> ChunkLayout:
    """``layout`` with the end of the form, and what that contradicts.

    Writers that forget the header or a padding byte in it are common, and no decoder minds.
    """
    size, problem = layout.size, None
    audio_end = max((chunk.end for chunk in layout.audio), default=0)
    if form_end > size + HEADER + 1:
        problem = f"the {layout.family.name} size reaches {form_end - size} bytes past the file"
    elif form_end < audio_end:
        problem = f"the {layout.family.name} size ends before the audio does"
    elif layout.rest + HEADER < min(form_end, size):
        problem = f"the bytes at {layout.rest} in the {layout.family.name} form are no chunk"
    found = () if problem is None else (Violation(Code.CHUNK_SIZE, problem),)
    return replace(layout, form_end=min(form_end, size), problems=(*layout.problems, *found))


def size_fields(source: ByteSource, layout: ChunkLayout, size: int) -> list[tuple[int, bytes]]:
    """Offsets and bytes of the fields that hold the size of the form, for a form of ``size`` bytes.

    Raises:
        OverflowError: if 32 bits have to hold it and cannot.
    """
    if not isinstance(layout.family, LongFamily):
        return [(4, RIFF.size(size))]
    (ds64,) = layout.all(DS64)
    fields = [(ds64.data, size.to_bytes(8, "little"))]
    if source.read_at(4, 4) != RIFF.size(ELSEWHERE):
        fields.append((4, RIFF.size(min(size, ELSEWHERE))))
    return fields


def is_long(layout: ChunkLayout, chunk: Chunk) -> bool:
    """Whether the size of ``chunk`` stands in ``ds64``."""
    return isinstance(layout.family, LongFamily) and chunk.id in layout.family.long_sizes


def chunk(name: bytes, data: bytes) -> bytes:
    """A whole RIFF chunk, padded to an even length."""
    return RIFF.render(name, data)
