"""ID3v2 frames that say nothing by their names, as one pattern."""

from __future__ import annotations

import re
from typing import Final

#: Names behind frames that say nothing, as players and taggers write them most.
DESCRIPTIONS: Final = (
    "replaygain_track_gain", "replaygain_track_peak", "replaygain_album_gain", "replaygain_album_peak",
    "REPLAYGAIN_TRACK_GAIN", "REPLAYGAIN_TRACK_PEAK", "REPLAYGAIN_ALBUM_GAIN", "REPLAYGAIN_ALBUM_PEAK",
    "MusicBrainz Album Id", "MusicBrainz Artist Id", "MusicBrainz Album Artist Id", "MusicBrainz Album Type",
    "MusicBrainz Album Status", "MusicBrainz Album Release Country", "MusicBrainz Release Group Id",
    "MusicBrainz Release Track Id", "MusicBrainz Work Id", "Acoustid Id", "Acoustid Fingerprint", "ARTISTS",
    "SCRIPT", "BARCODE", "CATALOGNUMBER", "ASIN", "originalyear", "LABEL", "COUNTRY", "major_brand",
    "minor_version", "compatible_brands", "encoder", "DISCTOTAL", "TRACKTOTAL", "LANGUAGE", "RATING",
)  # fmt: skip
REMARKS: Final = (
    "",
    "iTunNORM",
    "iTunSMPB",
    "iTunPGAP",
    "iTunes_CDDB_1",
    "iTunes_CDDB_TrackNumber",
    "ID3v1 Comment",
)
#: How objects begin of which DJs' files have seven or more, up to the end of their description.
SERATO: Final = re.compile(rb"\x00application/octet-stream\x00\x00Serato [A-Za-z0-9_ ]{1,32}\x00")
OWNERS: Final = (
    "http://musicbrainz.org", "http://www.id3.org/dummy/ufid.html", "Windows Media Player 9 Series",
    "no@email", "rating@winamp.com", "WM/MediaClassPrimaryID", "WM/MediaClassSecondaryID", "WM/Provider",
    "WM/WMContentID", "WM/WMCollectionID", "WM/WMCollectionGroupID", "WM/UniqueFileIdentifier",
    "AverageLevel", "PeakValue", "TRAKTOR4", "www.amazon.com",
)  # fmt: skip


def _plain_frames() -> re.Pattern[bytes]:
    """Matches a run of frames of fewer than 128 bytes that say nothing by their names.

    A pattern cannot count, but it can list all sizes of one byte: that is ten times as fast as a loop.
    """

    def one_of(names: tuple[str, ...], codec: str = "ascii") -> bytes:
        return b"|".join(re.escape(name.encode(codec)) for name in names)

    def sizes(start: int, end: int) -> bytes:
        """The size byte, flags and content of frames of these sizes: by halves, so that few are tried."""
        if end - start == 1:
            return b"%b.\0.{%d}" % (re.escape(bytes([start])), start)
        middle = (start + end) // 2
        last = re.escape(bytes([middle - 1]))
        first = re.escape(bytes([start]))
        return b"(?:(?=[%b-%b])%b|%b)" % (first, last, sizes(start, middle), sizes(middle, end))

    # Behind name and three bytes of size stand the fourth, two of flags, and the encoding.
    described = b"(?=...(?:[\0\3](?:%b)\0|\1\xff\xfe(?:%b)\0\0))" % (
        one_of(DESCRIPTIONS),
        one_of(DESCRIPTIONS, "utf-16-le"),
    )
    remark = b"(?=...(?:[\0\3]...(?:%b)\0|\1...(?:\xff\xfe|\xfe\xff)\0\0))" % one_of(REMARKS)
    owner = b"(?=...(?:%b)\0[^\1\2])" % one_of(OWNERS)
    kinds = (
        b"T(?!XXX)[A-Z0-9]{3}\0\0\0(?=\0|...[\0-\3])",
        b"TXXX\0\0\0" + described,
        b"COMM\0\0\0" + remark,
        b"(?:UFID|PRIV|POPM)\0\0\0" + owner,
        b"PCNT\0\0\0",
    )
    return re.compile(b"(?:(?:%b)%b){0,200}" % (b"|".join(kinds), sizes(0, 0x80)), re.S)


PLAIN_FRAMES: Final = _plain_frames()
