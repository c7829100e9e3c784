"""A glance at a FLAC file: metadata in front, one stream that ends where STREAMINFO says, nothing behind.

What :mod:`noai.containers.flac` reads, for files without ID3 tags around them.
"""

from __future__ import annotations

import re
from typing import Final

from noai.containers._ape import MAGIC as APE_MAGIC
from noai.containers._flac_blocks import (
    CUESHEET,
    LAST,
    MAGIC,
    PADDING,
    PICTURE,
    SEEKTABLE,
    STREAMINFO,
    SYNCS,
    VORBIS_COMMENT,
)
from noai.containers._flac_end import frame_end
from noai.containers._glance_comments import COMMENT_BYTES, Comments
from noai.containers._glance_window import Window
from noai.containers._opaque import holds_mark
from noai.containers.flac import FLAC
from noai.containers.glance import Glance
from noai.limits import KIB, STRAY_TAG_BYTES
from noai.silence import is_silent_text
from noai.sources import ByteSource

#: Blocks of one file. Most have five.
_BLOCKS: Final = 64
#: Further reads among them: behind pictures.
_READS: Final = 8
#: One of them. Most of what stands behind a picture is padding, as ``flac`` leaves it: 8 KiB.
_WINDOW: Final = 9 * KIB
#: Padding and seek tables that are looked at.
_OPAQUE: Final = 64 * KIB
#: As much of a picture holds its MIME type and description.
_PICTURE_HEAD: Final = 512
#: Where STREAMINFO's data stands, and ends.
_INFO: Final = slice(8, 42)
#: Of one frame; those of 24 bit and 4,608 samples have 30 KiB.
_LONGEST: Final = 128 * KIB
#: Places in the last part of the file that look like a frame.
_SYNCS: Final = 16
_IMAGE: Final = re.compile(rb"image/[a-z0-9.+-]{0,16}")
_ZEROS: Final = bytes(_OPAQUE)
_SILENT: Final = Glance(FLAC)


def glance(source: ByteSource, head: bytes) -> Glance | None:
    """The answer for a FLAC file without surprises (see :mod:`noai.containers.glance`)."""
    if not head.startswith(MAGIC) or head[5:8] != b"\0\0\x22" or head[4] & ~LAST or len(head) < _INFO.stop:
        return None
    metadata = _Metadata(source, head)
    audio = metadata.read()
    if audio is None or not _is_whole(source, head[_INFO], audio):
        return None
    if metadata.comments.markers:
        return Glance(FLAC, tuple(metadata.comments.markers))
    return _SILENT if metadata.silent and metadata.comments.silent else None


class _Metadata(Window):
    """Walks the metadata blocks of one file, of which ``head`` are the first bytes."""

    __slots__ = ("comments", "silent")

    def __init__(self, source: ByteSource, head: bytes) -> None:
        self.comments = Comments()
        #: Whether nothing but the markers could say anything.
        self.silent = True
        super().__init__(source, head, reads=_READS, length=_WINDOW)

    def read(self) -> int | None:
        """Where the first frame begins; None if something is unusual."""
        at, commented, size = len(MAGIC), False, self._source.size
        for _ in range(_BLOCKS):
            o = self._at(at, 4)
            if o < 0:
                return None
            header = int.from_bytes(self._data[o : o + 4], "big")
            length, kind = header & 0xFFFFFF, header >> 24 & 0x7F
            start = at + 4
            at = start + length
            if at > size:
                return None
            if kind == VORBIS_COMMENT:
                if commented or not self._comments(start, length):
                    return None
                commented = True
            elif kind == PICTURE:
                if not self._picture(start, length):
                    return None
            elif kind != STREAMINFO and not self._opaque(kind, start, length):
                return None
            if header >> 31:
                o = self._at(at, 2)
                return at if o >= 0 and self._data[o : o + 2] in SYNCS else None
        return None

    def _comments(self, start: int, length: int) -> bool:
        if length > COMMENT_BYTES:
            return False
        o = self._at(start, length)
        if o < 0:
            return False
        data, end, comments = self._data, o + length, self.comments
        at = comments.begin(data, o, end)
        if at is not None:
            at = comments.walk(data, at, end)
        # Some taggers write a framing bit, and zeros behind it.
        return at is not None and not comments.left and not any(data[at + 1 : end])

    def _picture(self, start: int, length: int) -> bool:
        """Its MIME type and description, as far as the reader looks at them."""
        need = min(length, _PICTURE_HEAD)
        o = self._at(start, need)
        if o < 0 or need < 12:
            return False
        data = self._data
        mime = o + 8
        text = mime + 4 + int.from_bytes(data[mime - 4 : mime], "big")
        if text > o + need:
            return False
        end = text + int.from_bytes(data[text - 4 : text], "big")
        if end > o + need:
            return False
        if end > text or _IMAGE.fullmatch(data, mime, text - 4) is None:
            self.silent = self.silent and is_silent_text(data[mime:end])
        return True

    def _opaque(self, kind: int, start: int, length: int) -> bool:
        """Whether nothing looks to stand in a block that is no place for text."""
        if length > _OPAQUE or kind not in (PADDING, SEEKTABLE, CUESHEET):
            return False
        o = self._at(start, length)
        if o < 0:
            return False
        if kind == PADDING and self._data.startswith(_ZEROS[:length], o):
            return True
        content = self._data[o : o + length]
        if kind == CUESHEET:
            self.silent = self.silent and is_silent_text(content)
        return not holds_mark(content)


def _is_whole(source: ByteSource, streaminfo: bytes, audio: int) -> bool:
    """Whether the file ends with the last frame that ``streaminfo`` promises, and nothing stands in it.

    As :func:`noai.containers._flac_joined.find_joined` asks, of streams whose frames are all of one number
    of samples. And no tag stands behind it or shortly in front of the end.
    """
    fixed, longest = int.from_bytes(streaminfo[:2], "big"), int.from_bytes(streaminfo[7:10], "big")
    total = int.from_bytes(streaminfo[13:18], "big") & 0xF_FFFF_FFFF
    size = source.size - audio
    if not total or not fixed or not longest or longest > _LONGEST or size < STRAY_TAG_BYTES:
        return False
    frames = -(-total // fixed)
    if size > longest * frames:
        return False
    length = min(size, max(longest, STRAY_TAG_BYTES))
    data = source.read_at(source.size - length, length)
    if len(data) != length:
        return False
    at = _last_frame(data, max(0, length - longest), frames - 1, fixed, total)
    return at >= 0 and not _is_tagged(data[min(at, length - STRAY_TAG_BYTES) :])


def _last_frame(data: bytes, first: int, number: int, fixed: int, total: int) -> int:
    """Where behind ``first`` the frame with this number begins that ends with sample ``total``, or -1."""
    coded = chr(number).encode("utf-8", "surrogatepass") if number < 0x110000 else b""
    at = len(data)
    for _ in range(_SYNCS):
        at = data.rfind(SYNCS[0], first, at)
        if at < 0 or not coded:
            break
        if data.startswith(coded, at + 4) and frame_end(data, at, fixed) == total:
            return at
    return -1


def _is_tagged(audio: bytes) -> bool:
    """Whether the end of the audio is a tag, or holds what could be one, or a statement."""
    rfind = audio.rfind  # twice as fast as find, or ``in``
    return (
        rfind(b"ID3") >= 0
        or rfind(APE_MAGIC) >= 0
        or rfind(b"LYRICS") >= 0
        or rfind(b"fLaC") >= 0
        or audio.startswith(b"3DI", len(audio) - 10)
        or b"TAG" in audio.rstrip(b"\0")[-128:]
        or audio.startswith(b"TAG", len(audio) - 128)
        or holds_mark(audio)
    )
