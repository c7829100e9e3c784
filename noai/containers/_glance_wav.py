"""A glance at a WAVE file: PCM, and chunks that follow each other from the form's start to the file's end.

What :mod:`noai.containers.wav` reads, for RIFF files with one ``fmt ``, one ``data`` and nothing behind them.
"""

from __future__ import annotations

from typing import Final

from noai.containers._chunks import is_id
from noai.containers._glance_id3 import Id3Glance
from noai.containers._glance_window import Window
from noai.containers._opaque import holds_mark
from noai.containers._riff import FORM, HEADER, RIFF
from noai.containers._wav_tags import MANIFEST, TEXTS, XMP_PLACES
from noai.containers.glance import Glance
from noai.containers.wav import WAV
from noai.limits import KIB
from noai.silence import is_silent_name, is_silent_text
from noai.sources import ByteSource

#: Chunks of one file. Most have two to five.
_CHUNKS: Final = 64
#: Further reads: behind the audio, and for chunks that are longer than one window.
_READS: Final = 6
_WINDOW: Final = 8 * KIB
#: Bytes of a chunk that is looked at as a whole.
_LARGEST: Final = 64 * KIB
#: Entries of all LIST chunks together. INFO has 5 to 15.
_ENTRIES: Final = 128
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
#: Where the format stands in a ``fmt `` chunk that is extensible.
_SUBFORMAT: Final = 24
_ZEROS: Final = bytes(_LARGEST)
_SILENT: Final = Glance(WAV)


def glance(source: ByteSource, head: bytes) -> Glance | None:
    """The answer for a WAVE file without surprises (see :mod:`noai.containers.glance`)."""
    if not head.startswith(b"RIFF") or head[8:FORM] != b"WAVE":
        return None
    chunks = _Chunks(source, head)
    if not chunks.read(int.from_bytes(head[4:8], "little")):
        return None
    if chunks.id3.markers:
        return Glance(WAV, tuple(chunks.id3.markers))
    return _SILENT if chunks.silent and chunks.id3.silent else None


class _Chunks(Window):
    """Walks the chunks of one file, of which ``head`` are the first bytes."""

    __slots__ = ("_entries", "_has_manifest", "id3", "silent")

    def __init__(self, source: ByteSource, head: bytes) -> None:
        super().__init__(source, head, reads=_READS, length=_WINDOW)
        self._entries = _ENTRIES
        self._has_manifest = False
        self.id3 = Id3Glance(source, head)
        #: Whether nothing but the ID3 tag could say anything.
        self.silent = True

    def read(self, form: int) -> bool:
        """Whether all chunks, in a form of ``form`` bytes, could be looked at and none is unusual."""
        size, at, formats, audio_end, tagged = self._source.size, FORM, 0, 0, False
        for _ in range(_CHUNKS):
            if at == size:
                # A form may be longer by a header that was forgotten, and ends behind the audio.
                fits = audio_end <= HEADER + form <= size + HEADER + 1
                return fits and formats == 1 and audio_end > 0
            o = self._at(at, HEADER)
            if o < 0:
                return False
            name, length = self._data[o : o + 4], int.from_bytes(self._data[o + 4 : o + 8], "little")
            start = at + HEADER
            end = start + length
            at = self._next(end, length)
            if at < 0 or not is_id(name):
                return False
            if name == b"data":
                if audio_end or length in RIFF.open_sizes:
                    return False
                audio_end = end
            elif name == b"fmt ":
                formats += 1
                if not self._is_pcm(start, length):
                    return False
            elif name.upper() == b"ID3 ":
                if tagged or not self._tag(start, end):
                    return False
                tagged = True
            elif not self._text(name, start, length):
                return False
        return False

    def _next(self, end: int, length: int) -> int:
        """Where the chunk behind begins; -1 where its place is in doubt, or the file ends before."""
        size = self._source.size
        if end > size:
            return -1
        if not length % 2 or end == size:
            return end
        # Some writers forget the padding of an odd chunk: then the reader has to find out.
        after = end + 1
        if after < size:
            o = self._at(after, HEADER)
            if o < 0 or not is_id(self._data[o : o + 4]):
                return -1
        return after

    def _is_pcm(self, start: int, length: int) -> bool:
        """Not MPEG audio, which has tags of its own among the audio."""
        o = self._at(start, length) if 16 <= length <= 1 * KIB else -1
        if o < 0:
            return False
        code = int.from_bytes(self._data[o : o + 2], "little")
        if code == _EXTENSIBLE and length >= _SUBFORMAT + 2:
            code = int.from_bytes(self._data[o + _SUBFORMAT : o + _SUBFORMAT + 2], "little")
        return code in (_PCM, _FLOAT) and not holds_mark(self._data[o - HEADER : o + length])

    def _tag(self, start: int, end: int) -> bool:
        """One ID3v2 tag that fills its chunk but for zeros."""
        if self._at(start, HEADER) < 0:
            return False
        self.id3.look_at(self._data, self._base)
        tag_end = self.id3.read(start, end)
        if tag_end is None or end - tag_end > _LARGEST:
            return False
        return tag_end == end or _ZEROS.startswith(self._source.read_at(tag_end, end - tag_end))

    def _text(self, name: bytes, start: int, length: int) -> bool:
        """Any other chunk."""
        if length > _LARGEST:
            return False
        o = self._at(start - HEADER, HEADER + length)
        if o < 0:
            return False
        kind, data = name.upper(), self._data[o : o + HEADER + length]
        if kind == MANIFEST:
            # Beyond a limit on them the reader stops, and sees no marker any more.
            if self._has_manifest:
                return False
            self._has_manifest = True
        if kind in XMP_PLACES or kind == MANIFEST:
            self.silent = False
            return True
        if kind == b"LIST":
            return self._list(data)
        if kind in TEXTS:
            if not is_silent_name(name.decode("ascii")):
                return False
            self.silent = self.silent and is_silent_text(data)
            return True
        if kind in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"FRM8"):
            return False
        return not holds_mark(data)

    def _list(self, data: bytes) -> bool:
        """A LIST of kind INFO, or of labels, with its header: every entry's name, and all text at once."""
        kind = data[HEADER : HEADER + 4]
        if kind not in (b"INFO", b"adtl"):
            return False
        at, end = HEADER + 4, len(data)
        while end - at >= HEADER and data[at]:
            self._entries -= 1
            if self._entries < 0:
                return False
            name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
            at += HEADER + length
            if not is_id(name) or at > end or name.upper() == b"LIST":
                return False
            if not is_silent_name(name.decode("ascii")):
                return False
            if length % 2 and at < end:
                if data[at] and is_id(data[at : at + 4]):
                    return False  # the padding of an odd entry is missing
                at += 1
        if not _ZEROS.startswith(data[at:]) or (kind == b"adtl" and holds_mark(data)):
            return False
        self.silent = self.silent and is_silent_text(data)
        return True
