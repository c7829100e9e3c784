"""Atoms of MP4 files that say nothing, as patterns: the head of a movie, and runs of plain items.

A pattern cannot count, but it can list all sizes of one byte: that is several times as fast as a loop.
"""

from __future__ import annotations

import re
from typing import Final

#: Names of freeform items whose values are mostly of the same lengths, in bytes.
FREEFORMS: Final = {
    **dict.fromkeys(
        (
            "MusicBrainz Track Id", "MusicBrainz Release Track Id", "MusicBrainz Album Id",
            "MusicBrainz Work Id", "MusicBrainz Artist Id", "MusicBrainz Album Artist Id",
            "MusicBrainz Release Group Id", "Acoustid Id",
        ),
        (36,),
    ),
    **dict.fromkeys(("replaygain_track_gain", "replaygain_album_gain"), (7, 8, 9)),
    **dict.fromkeys(("replaygain_track_peak", "replaygain_album_peak"), (8,)),
    "iTunNORM": (81, 82, 90),
    "iTunSMPB": (115, 116),
    "ISRC": (12,),
    "SCRIPT": (4,),
    "ASIN": (10,),
    "BARCODE": (12, 13),
    "MEDIA": (2, 13),
    "MusicBrainz Album Type": (5, 6, 11),
    "MusicBrainz Album Status": (8,),
    "MusicBrainz Album Release Country": (2,),
}  # fmt: skip


def _plain_items() -> re.Pattern[bytes]:
    """Matches a run of items of fewer than 256 bytes that say nothing by their names.

    Each has one value. Plain ones have four letters, but those of pictures and padding are not plain.
    """

    def byte(value: int) -> bytes:
        return re.escape(bytes([value]))

    name = rb"(?:\xa9[A-Za-z]|(?!covr|free|skip|wide)[a-mo-z][A-Za-z])[A-Za-z]{2}|xid "
    # The sizes of the item and of its value stand seven bytes apart, with the names in between.
    plain = (b"%b.{7}%b.{%d}" % (byte(n + 8), byte(n), n - 4) for n in range(16, 248))
    named = (
        b"%b.{35}%b.{8}%b\0\0\0%bdata.{%d}"
        % (byte(64 + len(name) + n), byte(12 + len(name)), re.escape(name.encode()), byte(16 + n), 8 + n)
        for name, lengths in FREEFORMS.items()
        for n in lengths
    )
    pattern = (
        rb"(?:\0\0\0(?:(?=.(?:" + name + rb")\0\0\0.data)(?:" + b"|".join(plain) + rb")"
        rb"|(?=.----\0\0\0\x1cmean\0\0\0\0com\.apple\.iTunes\0\0\0.name\0\0\0\0)(?:"
        + b"|".join(named)
        + rb"))){1,200}"
    )
    return re.compile(pattern, re.S)


PLAIN_ITEMS: Final = _plain_items()
#: Boxes of one track of audio up to those that say where its samples are, most of them of a fixed form. The
#: sizes of those that are not are captured.
TRACK: Final = re.compile(
    rb"(....)trak\0\0\0\x5ctkhd.{84}(?:\0\0\0\x24edts\0\0\0\x1celst.{20})?"
    rb"(....)mdia\0\0\0\x20mdhd.{24}(....)hdlr.{24}[^\0]{0,64}\0{0,2}"
    rb"(....)minf\0\0\0\x10smhd.{8}\0\0\0\x24dinf\0\0\0\x1cdref.{20}(....)stbl",
    re.S,
)
