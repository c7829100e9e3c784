"""A glance at the comments that Vorbis, Opus and FLAC share (see :mod:`noai.containers._vorbis`)."""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import Final

from noai.containers._area import MARKER_KEY
from noai.containers._ogg_extent import PICTURE_BEGINS
from noai.containers.interface import FieldRole, TagField
from noai.limits import KIB
from noai.silence import SPEAKING_NAMES, is_silent_name, is_silent_text

#: Comments of one block that are looked at one by one. With MusicBrainz's there are 30 to 50.
COMMENTS: Final = 256
#: Bytes of one block without pictures. Lyrics have 2 to 4 KiB.
COMMENT_BYTES: Final = 48 * KIB
#: Pictures of more bytes are not searched: Base64 holds anything by chance.
_LONG: Final = 256
#: Runs of plain comments that are looked for; between them stands one that is not.
_RUNS: Final = 8
#: Bytes of a key. Longer ones are for the reader.
_KEY: Final = 64
_PLACE: Final = "Vorbis comment"
_LENGTH: Final = struct.Struct("<I")
#: Keys with the first letters of names that speak, as players and taggers write them most.
KEYS: Final = (
    "ALBUM", "ARTIST", "TITLE", "TRACKNUMBER", "COMMENT", "COPYRIGHT", "COMPOSER", "ALBUMARTIST", "DATE",
    "DESCRIPTION", "DISCNUMBER", "TRACKTOTAL", "TOTALTRACKS", "DISCTOTAL", "TOTALDISCS", "ARTISTSORT",
    "ALBUMARTISTSORT", "ALBUMSORT", "TITLESORT", "ARTISTS", "ACOUSTID_ID", "ACOUSTID_FINGERPRINT", "ASIN",
    "CATALOGNUMBER", "COMPILATION", "CONDUCTOR", "CONTACT", "ARRANGER", "COMPOSERSORT",
)  # fmt: skip


def _plain_comments() -> re.Pattern[bytes]:
    """Matches one comment of fewer than 256 bytes that says nothing by its key, or else takes all the rest.

    A pattern cannot count, but it can list all lengths: that is several times as fast as a loop. A key that
    is made of letters, digits, spaces and underscores says nothing if it begins as no name does that speaks.
    """
    letters = {name[0] for name in SPEAKING_NAMES}
    others = "".join(
        letter + letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in letters
    )
    known = "|".join(form for key in KEYS for form in (key, key.lower()))
    key = rf"(?:[{others}][A-Za-z0-9_ ]{{0,40}}|{known})=".encode()
    sizes = b"|".join(b"%b...%b{%d}" % (re.escape(bytes([n])), b".", n) for n in range(2, 0x100))
    return re.compile(rb"(?=.\0\0\0" + key + rb")(?:" + sizes + rb")|(.+)", re.S)


_PLAIN: Final = _plain_comments()


class Comments:
    """The comments of one file, as far as they have been walked."""

    __slots__ = ("left", "markers", "silent")

    def __init__(self) -> None:
        self.markers: list[TagField] = []
        #: Whether nothing but the markers could say anything.
        self.silent = True
        #: Comments that are still to come.
        self.left = 0

    def begin(self, data: bytes, at: int, end: int) -> int | None:
        """Where in ``data`` the first comment of the block at ``at`` begins; None if behind ``end``."""
        if end - at < 8:
            return None
        first: int = at + 8 + _LENGTH.unpack_from(data, at)[0]
        if first > end:
            return None
        self.left = _LENGTH.unpack_from(data, first - 4)[0]
        return first if self.left <= COMMENTS else None

    def walk(self, data: bytes, at: int, end: int) -> int | None:
        """Where the first comment begins that ``data`` does not hold up to its ``end``, or the last one ends.

        None if one of them could say something, and is no marker.
        """
        unpack, find, first, left, runs = _LENGTH.unpack_from, data.find, at, self.left, _RUNS
        while left and end - at >= 4:
            if runs:
                runs -= 1
                found = _PLAIN.findall(data, at, end)
                at = end - len(found[-1])
                left -= len(found) - (at < end)
                if left <= 0 or end - at < 4:
                    break
            start = at + 4
            stop = start + unpack(data, at)[0]
            if stop > end:
                break
            equals = find(b"=", start, stop)
            if equals < 0:
                return None
            key = data[start:equals]
            if not _is_silent(key) and not self._marker(key, data[equals + 1 : stop]):
                return None
            if stop - start > _LONG and PICTURE_BEGINS.match(data, at):
                self._search(data, first, at)
                first = stop
            at = stop
            left -= 1
        self._search(data, first, at)
        self.left = left
        return at if left >= 0 else None

    def _search(self, data: bytes, start: int, end: int) -> None:
        if self.silent and start < end:
            self.silent = is_silent_text(data[start:end])

    def _marker(self, key: bytes, value: bytes) -> bool:
        """A comment that says something by its name: the slot of a marker, or not for a glance."""
        try:
            if key.decode("utf-8").strip().upper() != MARKER_KEY:
                return False
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            return False
        self.markers.append(TagField(_PLACE, MARKER_KEY, text, FieldRole.MARKER))
        return True


def behind_picture(data: bytes) -> int | None:
    """Where the comment ends with which ``data`` begins, if it is a picture, which is no text; else None."""
    if PICTURE_BEGINS.match(data) is None:
        return None
    stop: int = 4 + _LENGTH.unpack_from(data)[0]
    return stop


@lru_cache(maxsize=4096)
def _is_silent(key: bytes) -> bool:
    return len(key) <= _KEY and is_silent_name(key.decode("utf-8", "replace").strip().upper())
