"""APEv2 tags as mutagen and Picard write them, for every kind of file that carries them."""

from __future__ import annotations

from pathlib import Path

import mutagen.apev2

from tests.audio import NAMES, Materials

_KEYS = {
    "title": "Title", "artist": "Artist", "album": "Album", "date": "Year", "track": "Track",
    "genre": "Genre", "copyright": "Copyright", "comment": "Comment",
}  # fmt: skip


def add_tags(path: Path) -> None:
    """Those of an artist's file, several values and a link among them."""
    tags = mutagen.apev2.APEv2()
    for name, value in NAMES.items():
        tags[_KEYS[name]] = value
    tags["Composer"] = ["A", "B"]
    tags["noaiish"] = "not a marker"
    tags["File"] = mutagen.apev2.APEValue("https://example.org/a", mutagen.apev2.EXTERNAL)
    tags["REPLAYGAIN_TRACK_GAIN"] = "-6.13 dB"
    tags.save(path)


def add_cover(path: Path, m: Materials) -> None:
    tags = mutagen.apev2.APEv2()
    tags["Title"] = "Cover"
    picture = b"cover.jpg\x00" + m.jpeg.read_bytes()
    tags["Cover Art (Front)"] = mutagen.apev2.APEValue(picture, mutagen.apev2.BINARY)
    tags.save(path)
