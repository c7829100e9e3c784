"""The chunks of Sony Wave64, under the names that they have in RIFF.

Sony Pictures Digital, "Wave64 file format" (2006): names are GUIDs, sizes have 64 bits and count their
own header, and chunks start at multiples of eight.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._chunks import Chunk, ChunkLayout, Family, content, walk
from noai.containers._wav_tags import ROLES
from noai.containers.interface import FieldRole
from noai.essence import Violation
from noai.limits import TAG_BYTES
from noai.sources import ByteSource

_NAME, _SIZE = 16, 8
_HEADER: Final = _NAME + _SIZE
#: The GUID of the form, its size, and that of ``wave``.
FORM: Final = _HEADER + _NAME
_LIST_TAIL: Final = UUID("00000000-912f-11cf-a5d6-28db04c10000").bytes_le[4:]
_WAVE_TAIL: Final = UUID("00000000-acf3-11d3-8cd1-00c04f8edb8a").bytes_le[4:]
_RIFF: Final = b"riff" + UUID("00000000-912e-11cf-a5d6-28db04c10000").bytes_le[4:]
_WAVE: Final = b"wave" + _WAVE_TAIL
SUMMARY: Final = UUID("925f94bc-525a-11d2-86dc-00c04f8edb8a").bytes_le
#: What ffmpeg writes where it cannot seek back, as sizes of the content.
_OPEN: Final = frozenset({0x7FFFFFFFFFFFFFFF - _HEADER, 0xFFFFFFFFFFFFFFFF - _HEADER})


class _GuidFamily(Family):
    """Names are GUIDs, and those that begin with four letters are known by these."""

    @property
    def header(self) -> int:
        return _HEADER

    def parse(self, header: bytes) -> tuple[bytes, int] | None:
        name, size = header[:_NAME], int.from_bytes(header[_NAME:], "little") - _HEADER
        if size < 0:
            return None
        return (name[:4] if name[4:] in (_LIST_TAIL, _WAVE_TAIL) else name), size


W64: Final = _GuidFamily("W64", "little", _SIZE, frozenset({b"data"}), b"junk", _OPEN, alignment=8)


def is_w64(source: ByteSource) -> bool:
    form = source.read_at(0, FORM)
    return form[:_NAME] == _RIFF and form[_HEADER:] == _WAVE


def read_layout(source: ByteSource) -> ChunkLayout:
    """The chunks of a file for which :func:`is_w64` holds.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.BOXES`.
    """
    size = source.size
    found = walk(source, W64, FORM, size)
    layout = ChunkLayout(W64, found.chunks, size, found.rest, size, found.streamed, found.problems)
    form_end = int.from_bytes(source.read_at(_NAME, _SIZE), "little")
    if found.streamed:
        return layout
    audio_end = max((chunk.end for chunk in layout.audio), default=0)
    problem = None
    if form_end > size + W64.alignment:
        problem = f"the W64 size reaches {form_end - size} bytes past the file"
    elif form_end < audio_end:
        problem = "the W64 size ends before the audio does"
    elif found.rest + _HEADER < min(form_end, size):
        problem = f"the bytes at {found.rest} in the W64 form are no chunk"
    if problem is None:
        return replace(layout, form_end=min(form_end, size))
    return replace(layout, problems=(*layout.problems, Violation(Code.CHUNK_SIZE, problem)))


def behind_audio(source: ByteSource, layout: ChunkLayout) -> list[Violation]:
    """A violation if more than zeros for padding stands behind the audio.

    libsndfile, and sox with it, play all that stands there; ffmpeg heeds no padding behind ``data``.
    """
    end = max((chunk.end for chunk in layout.audio), default=layout.size)
    behind = layout.size - end
    if behind < W64.alignment and not any(source.read_at(end, behind)):
        return []
    return [Violation(Code.TRAILING_AUDIO, "some decoders play what stands behind the data chunk")]


def read_summary(source: ByteSource, chunk: Chunk, area: AreaBuilder) -> None:
    """The entries of a summary list go to ``area``: a RIFF INFO name, a length, text in UTF-16.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    if chunk.size > TAG_BYTES:
        area.note(Code.TAG_UNREADABLE, f"the summary list is longer than {TAG_BYTES} bytes")
        return
    area.count_bytes(chunk.size)
    data = content(source, chunk)
    count, at = int.from_bytes(data[:4], "little"), 4
    while at + 8 <= len(data) and count:
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        if end > len(data):
            break
        area.count_item()
        name, text = data[at : at + 4], data[at + 8 : end].decode("utf-16-le", "replace").rstrip("\x00")
        role = ROLES.get(name.upper(), FieldRole.OTHER)
        area.field("W64 summary list", name.decode("latin-1"), text, role)
        at, count = end, count - 1
    if count or data[at:].strip(b"\x00"):
        area.note(Code.TAG_UNREADABLE, "the summary list holds bytes that are no entries")
