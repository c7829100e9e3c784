"""ID3v2 frames that are no text frames and yet hold text that taggers show.

Owners and names (PRIV, UFID, GEOB), descriptions of pictures, lyrics with times, offers and receipts
(SYLT, COMR, OWNE), and frames that no version defines: ID3v2.3 §4, ID3v2.4 frames §4.
"""

from __future__ import annotations

from typing import Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._id3_frames import Body, Frame
from noai.containers._id3_text import TextEncoding, decode_all, printable, split
from noai.limits import KIB, TAG_VALUE_BYTES

#: Numbers alone, by definition.
_NUMBERS: Final = frozenset(
    {
        "PCNT", "RVA2", "RVAD", "RVRB", "EQU2", "EQUA", "MLLT", "ETCO", "SYTC", "RBUF", "POSS", "SEEK",
        "ASPI", "SIGN", "MCDI",
    }
)  # fmt: skip
#: An owner, and data that is text by chance.
_OWNED: Final = frozenset({"UFID", "ENCR", "GRID", "AENC", "POPM"})
#: Read of a frame that is not lyrics: all that is text stands in front.
_HEAD: Final = 4 * KIB
_OWNED_BYTES: Final = 1 * KIB


def read_other(content: Body, frame: Frame, place: str, area: AreaBuilder) -> None:
    """The text in a frame of any other kind than text, PRIV, GEOB and chapters goes to ``area``."""
    if frame.name in _NUMBERS:
        return
    length = content.end - content.start
    if frame.name == "SYLT" and length > TAG_VALUE_BYTES:
        area.note(Code.TAG_UNREADABLE, f"{place} is longer than {TAG_VALUE_BYTES} bytes")
        return
    data = content.read(content.start, length if frame.name == "SYLT" else min(length, _HEAD))
    if frame.name == "APIC":
        _read_picture(data, frame, place, area)
    elif frame.name in _OWNED:
        read_owned(data, place, area)
    else:
        _field(frame.name, _searchable(data), place, area)


def read_owned(data: bytes, place: str, area: AreaBuilder) -> None:
    """A frame that starts with the name of whom it belongs to: that is its key."""
    owner, _, rest = data[:_OWNED_BYTES].partition(b"\x00")
    _field(shown(owner.decode("latin-1")), _searchable(rest), place, area, named=True)


def read_names(head: bytes, place: str, area: AreaBuilder) -> None:
    """Type, file name and description in front of the object in a GEOB; the last is its key."""
    if not head or head[0] > TextEncoding.UTF8:
        return
    encoding = TextEncoding(head[0])
    mime, _, names = head[1:].partition(b"\x00")
    file, *description = decode_all(split(names, encoding, 2)[:2], encoding)
    texts = (mime.decode("latin-1"), file, *description)
    _field(shown("".join(description)), shown(" ".join(texts)), place, area, named=True)


def _read_picture(data: bytes, frame: Frame, place: str, area: AreaBuilder) -> None:
    if not data or data[0] > TextEncoding.UTF8:
        return
    rest = data[4:] if len(frame.raw_name) == 3 else data[1:].partition(b"\x00")[2]
    encoding = TextEncoding(data[0])
    description = decode_all(split(rest[1:], encoding, 1)[:1], encoding)[0]
    _field(frame.name, shown(description), place, area)


def _field(key: str, value: str, place: str, area: AreaBuilder, *, named: bool = False) -> None:
    """One field, if it says anything; ``named``: its key is no frame id and may say it all."""
    if value or (named and key):
        area.count_bytes(len(key) + len(value))
        area.field(place, key or place.rpartition(" ")[2], value)


def _searchable(data: bytes) -> str:
    """What is text in ``data``, in Latin-1 or in the ASCII part of UTF-16, without the rest."""
    text = data.replace(b"\x00\x00", b" ") if data[:1] in (b"\x01", b"\x02") else data.replace(b"\x00", b" ")
    return shown(text.replace(b"\x00", b"").decode("latin-1"))


def shown(text: str) -> str:
    readable = "".join(each if each.isprintable() else " " for each in printable(text))
    return " ".join(readable.split())
