"""A glance at ID3v2 tags: the frames that taggers write, in 2.3 and 2.4, without flags.

The same walk as :mod:`noai.containers._id3_frames`, held to what every reader reads alike.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from noai.containers._glance_frames import PLAIN_FRAMES, SERATO
from noai.containers._id3_frames import is_name
from noai.containers._id3_other import shown
from noai.containers._id3_text import TextEncoding, decode_all, printable
from noai.containers._id3_values import MANIFEST_TYPES, XMP_OWNER, parse_text
from noai.containers.interface import FieldRole, TagField
from noai.limits import KIB
from noai.silence import is_silent_name, is_silent_text
from noai.sources import ByteSource

_HEADER: Final = 10
#: Frames of one tag that are looked at one by one, besides plain ones.
_FRAMES: Final = 256
#: Bytes of plain frames of one tag, which have 10 at least. Together with the frames that are looked at one
#: by one, and the items of every other tag that a glance takes (256 at most), they stay below what a reader
#: takes of one file (:data:`noai.limits.TAG_ITEMS`).
_PLAIN_BYTES: Final = 8 * KIB
#: Text of all others: so much holds fewer values than one file may have (:data:`noai.limits.TAG_VALUES`).
_TEXT_BYTES: Final = 48 * KIB
#: Further reads of one tag: behind pictures, and for text that is longer than a window.
_READS: Final = 8
_ZEROS: Final = bytes(_TEXT_BYTES)
_WINDOW: Final = 8 * KIB
#: As much of a frame with an owner, or of a picture, is looked at. The reader looks at no more of the first;
#: of the second at a description, which hardly ever is so long.
_HEAD: Final = 1 * KIB
_ONE_BYTE: Final = (TextEncoding.LATIN1, TextEncoding.UTF8)
_SIZE: Final = struct.Struct(">I")


_TEXT, _LINK, _NAMED, _COMMENT, _PICTURE, _OWNED, _OBJECT, _NUMBERS = range(8)
_NAMES: Final = {
    _TEXT: "IPLS GRP1 MVNM MVIN",
    _LINK: "WCOM WCOP WOAF WOAR WOAS WORS WPAY WPUB",
    _NAMED: "TXXX WXXX",
    _COMMENT: "COMM USLT",
    _PICTURE: "APIC",
    _OWNED: "UFID PRIV POPM",
    _OBJECT: "GEOB",
    _NUMBERS: "PCNT RVA2 RVAD RVRB EQU2 EQUA MLLT ETCO SYTC RBUF POSS MCDI",
}
#: Kinds of frames besides those in T. What is not in it is read in full.
_KINDS: Final = {name.encode(): kind for kind, names in _NAMES.items() for name in names.split()}


class Id3Glance:
    """Looks at the ID3v2 tags of one file, of which ``data`` are the bytes from ``base`` on."""

    __slots__ = ("_base", "_data", "_manifest", "_reads", "_source", "markers", "silent")

    def __init__(self, source: ByteSource, data: bytes, base: int = 0) -> None:
        self.markers: list[TagField] = []
        #: Whether nothing but the markers could say anything.
        self.silent = True
        self._source = source
        self._data = data
        self._base = base
        self._reads = _READS
        self._manifest = False

    def look_at(self, data: bytes, base: int) -> None:
        """Know ``data``, which stands at ``base`` in the file, instead of what was known."""
        self._data, self._base = data, base

    def read(self, at: int, limit: int) -> int | None:
        """Where the tag at ``at`` ends, at ``limit`` at the latest; None if it is in any way unusual."""
        data, o = self._data, at - self._base
        if o < 0 or o + _HEADER > len(data) or not data.startswith(b"ID3", o):
            return None
        version, size = data[o + 3], _SIZE.unpack_from(data, o + 6)[0]
        if (version != 3 and version != 4) or data[o + 4] == 0xFF or data[o + 5] or size & 0x80808080:
            return None
        end: int = at + _HEADER + plain_size(size)
        if end > limit or not self._frames(at + _HEADER, end, version):
            return None
        return end

    def bytes_at(self, at: int, length: int) -> bytes:
        """``length`` bytes of the file, read unless they are known."""
        o = at - self._base
        if o >= 0 and o + length <= len(self._data):
            return self._data[o : o + length]
        return self._source.read_at(at, length)

    def _frames(self, at: int, end: int, version: int) -> bool:
        data, base = self._data, self._base
        first, left, text, plain_bytes = at, _FRAMES, _TEXT_BYTES, _PLAIN_BYTES
        while end - at >= _HEADER:
            o = at - base
            if o + _HEADER > len(data):
                if not self._fill(first, at, end, _WINDOW):
                    return False
                data, base, first, o = self._data, at, at, 0
            plain = PLAIN_FRAMES.match(data, o, end - base)
            if plain is not None and (size := plain.end() - o):
                plain_bytes -= size
                at += size
                continue
            if not data[o]:
                break
            frame = self._size(o, end, version)
            left -= 1
            if frame is None or left < 0:
                return False
            kind, size = frame
            if kind != _NUMBERS and not (kind == _OBJECT and SERATO.match(data, o + _HEADER)):
                need = size if kind < _PICTURE or size < _HEAD else _HEAD
                text -= need
                if o + _HEADER + need > len(data):
                    if text < 0 or not self._fill(first, at, end, max(_WINDOW, _HEADER + need)):
                        return False
                    data, base, first, o = self._data, at, at, 0
                if not self._frame(kind, o, need, version):
                    return False
                if kind == _PICTURE:
                    described = self._text_of_picture(o, need)
                    if described == _HEADER + need < _HEADER + size:
                        return False  # the description goes on behind what was looked at
                    self._search(first, at + described)
                    first = at + _HEADER + size
            at += _HEADER + size
        self._search(first, at)
        return plain_bytes >= 0 and text >= 0 and self._is_zero(at, end)

    def _size(self, o: int, end: int, version: int) -> tuple[int, int] | None:
        """Kind and size of the frame at ``o``; None if it is unusual, or does not fit in front of ``end``."""
        data = self._data
        name = data[o : o + 4]
        kind = _KINDS.get(name, -1)
        if kind < 0:
            if name[0] != 0x54 or not is_name(name) or not name.isalnum():
                return None
            kind = _TEXT
        size: int = _SIZE.unpack_from(data, o + 4)[0]
        start = self._base + o + _HEADER
        if version == 4 and size > 0x7F:
            if size & 0x80808080 or self._reads_otherwise(start + size, end):
                return None
            size = plain_size(size)
        return None if data[o + 9] or start + size > end else (kind, size)

    def _frame(self, kind: int, o: int, size: int, version: int) -> bool:
        data = self._data
        start, stop = o + _HEADER, o + _HEADER + size
        if kind == _OWNED:
            return self._owned(data[start:stop])
        if kind == _LINK or not size:
            return kind <= _LINK
        if data[start] > TextEncoding.UTF8:
            # Such a picture is passed over; other frames are then a note.
            return kind == _PICTURE
        if kind == _OBJECT:
            return self._object(data[start:stop])
        if kind in (_PICTURE, _TEXT):
            return True
        text = start + (4 if kind == _COMMENT else 1)
        terminator = _terminator(data, text, stop, data[start])
        if terminator < 0:
            return False
        name = data[o : o + 4]
        if _is_silent(name, data[start : start + 1] + data[text:terminator]):
            return True
        return name == b"TXXX" and self._marker(data[start:stop], version)

    def _marker(self, content: bytes, version: int) -> bool:
        """A TXXX frame that says something by its name: the slot of a marker, or not for a glance."""
        self.silent = False
        place = f"ID3v2.{version} TXXX"
        if content[0] in _ONE_BYTE and content.startswith(b"NOAI\0", 1) and content.isascii():
            value = content[6:].decode("ascii")
            if "\0" not in value and "/" not in value:
                self.markers.append(TagField(place, "NOAI", value, FieldRole.MARKER))
                return True
        text = parse_text("TXXX", content)
        if text is None or text.key.upper() != "NOAI":
            return False
        values = text.values or [""]
        if version < 4:
            values = [part for value in values for part in value.split("/")]
        self.markers += [TagField(place, "NOAI", printable(value), FieldRole.MARKER) for value in values]
        return True

    def _owned(self, head: bytes) -> bool:
        owner, found, _ = head.partition(b"\x00")
        if not found or not _is_silent_owner(owner):
            if owner.upper() != XMP_OWNER:
                return False
            self.silent = False
        return True

    def _object(self, head: bytes) -> bool:
        parts = head[1:].split(b"\x00", 3)
        if head[0] in (TextEncoding.UTF16, TextEncoding.UTF16BE) or len(parts) < 4:
            return False
        mime, _, description, _ = parts
        if mime.partition(b";")[0].strip().lower().decode("latin-1") in MANIFEST_TYPES:
            # Of several, the reader looks at no more than a limit, and at nothing behind it.
            first, self.silent, self._manifest = not self._manifest, False, True
            return first
        return _is_silent(b"GEOB", head[:1] + description)

    def _text_of_picture(self, o: int, size: int) -> int:
        """Bytes of the picture frame at ``o``, its header among them, up to the end of its description."""
        data, stop = self._data, o + _HEADER + size
        mime = data.find(0, o + _HEADER + 1, stop)
        if mime < 0 or mime + 2 > stop:
            return _HEADER + size
        end = _terminator(data, mime + 2, stop, data[o + _HEADER])
        return (stop if end < 0 else end) - o

    # -- bytes ---------------------------------------------------------------------------------

    def _reads_otherwise(self, at: int, end: int) -> bool:
        """Whether a frame could stand at ``at``, where one of 2.4 ends if its size is a plain integer."""
        if end - at < _HEADER:
            return False
        o = at - self._base
        head = self._data[o : o + 8] if o + 8 <= len(self._data) else self._source.read_at(at, 8)
        size = int.from_bytes(head[4:], "big")
        return is_name(head[:4]) and at + _HEADER + plain_size(size & 0x7F7F7F7F) <= end

    def _fill(self, first: int, at: int, end: int, length: int) -> bool:
        """Know ``length`` bytes from ``at`` instead of those from ``first``, which are searched before."""
        self._search(first, end)
        self._reads -= 1
        self._data, self._base = self._source.read_at(at, length), at
        return self._reads >= 0 and len(self._data) >= min(length, end - at)

    def _search(self, start: int, end: int) -> None:
        """Look for text that says something in what is known of ``start`` to ``end``."""
        if self.silent and start < end:
            self.silent = is_silent_text(self._data[start - self._base : end - self._base])

    def _is_zero(self, at: int, end: int) -> bool:
        """Whether nothing but padding is left."""
        length, o = end - at, at - self._base
        rest = self._data[o : o + length]
        if len(rest) < length:
            if length > _TEXT_BYTES:
                return False
            rest = self._source.read_at(at, length)
        # Comparing is ten times as fast as counting.
        return len(rest) == length and _ZEROS.startswith(rest)


def plain_size(size: int) -> int:
    """A syncsafe integer of four bytes as a number (ID3v2.4 structure §6.2)."""
    return size & 0x7F | size >> 1 & 0x3F80 | size >> 2 & 0x1FC000 | size >> 3 & 0xFE00000


def _terminator(data: bytes, start: int, stop: int, encoding: int) -> int:
    """Where the description ends that begins at ``start``; -1 if it does not end before ``stop``."""
    if encoding in _ONE_BYTE:
        return data.find(0, start, stop)
    found = data.find(b"\x00\x00", start, stop)
    while found >= 0 and (found - start) % 2:
        found = data.find(b"\x00\x00", found + 1, stop)
    return found


@lru_cache(maxsize=1024)
def _is_silent(name: bytes, description: bytes) -> bool:
    """Whether a frame with ``description``, behind its encoding, says nothing by its name."""
    if len(description) > _HEAD:
        return False
    encoding = TextEncoding(description[0])
    text = printable(decode_all([description[1:]], encoding)[0])
    return is_silent_name(text if name in (b"TXXX", b"WXXX") else f"{name.decode()}:{text}")


@lru_cache(maxsize=1024)
def _is_silent_owner(owner: bytes) -> bool:
    return len(owner) < 256 and owner.upper() != XMP_OWNER and is_silent_name(shown(owner.decode("latin-1")))
