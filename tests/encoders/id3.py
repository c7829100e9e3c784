"""ID3 frames of many kinds, for files that lame and ffmpeg would never make."""

from __future__ import annotations

from pathlib import Path

import mutagen.id3

from tests.audio import NAMES, Materials

ID3_ODDITIES = (
    mutagen.id3.TIT2(encoding=3, text="Odd"),
    mutagen.id3.TPE1(encoding=3, text=["One", "Two"]),
    mutagen.id3.TXXX(encoding=3, desc="MusicBrainz Album Id", text="3a1f0e0c"),
    mutagen.id3.TXXX(encoding=3, desc="noaiish", text="not a marker"),
    mutagen.id3.COMM(encoding=3, lang="eng", desc="", text="a comment"),
    mutagen.id3.COMM(encoding=3, lang="deu", desc="", text="ein Kommentar"),
    mutagen.id3.COMM(encoding=3, lang="eng", desc="iTunNORM", text=" 00000A6B 00000A6B"),
    mutagen.id3.USLT(encoding=3, lang="eng", desc="", text="la la\nla"),
    mutagen.id3.SYLT(encoding=3, lang="eng", format=2, type=1, desc="", text=[("la", 10), ("li", 900)]),
    mutagen.id3.WOAR(url="https://example.org/artist"),
    mutagen.id3.WXXX(encoding=3, desc="shop", url="https://example.org/shop"),
    mutagen.id3.UFID(owner="http://musicbrainz.org", data=b"3a1f0e0c-0000"),
    mutagen.id3.PRIV(owner="www.example.org", data=bytes(range(256))),
    mutagen.id3.GEOB(encoding=3, mime="application/json", filename="a.json", desc="d", data=b"{}"),
    mutagen.id3.POPM(email="me@example.org", rating=196, count=7),
    mutagen.id3.PCNT(count=12),
    mutagen.id3.MCDI(data=bytes(20)),
    mutagen.id3.APIC(
        encoding=3, mime="image/png", type=4, desc="back", data=b"\x89PNG\r\n\x1a\n" + bytes(90)
    ),
)

_FRAMES = {
    "title": mutagen.id3.TIT2, "artist": mutagen.id3.TPE1, "album": mutagen.id3.TALB,
    "date": mutagen.id3.TDRC, "track": mutagen.id3.TRCK, "genre": mutagen.id3.TCON,
    "copyright": mutagen.id3.TCOP,
}  # fmt: skip


def artist_tags() -> mutagen.id3.ID3:
    """A tag such as an artist's file may carry, in ID3v2.4."""
    tags = mutagen.id3.ID3()
    for name, frame in _FRAMES.items():
        tags.add(frame(encoding=3, text=[NAMES[name]]))
    tags.add(mutagen.id3.COMM(encoding=3, lang="eng", desc="", text=[NAMES["comment"]]))
    return tags


def add_oddities(path: Path, m: Materials) -> None:
    """A tag of version 2.3 with frames of many kinds and a cover, and one of version 1 behind."""
    tags = mutagen.id3.ID3()
    for frame in ID3_ODDITIES:
        tags.add(frame)
    tags.add(mutagen.id3.APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=m.jpeg.read_bytes()))
    tags.update_to_v23()
    tags.save(path, v1=2, v2_version=3)
