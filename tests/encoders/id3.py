"""ID3 frames of many kinds, for files that lame and ffmpeg would never make."""

from __future__ import annotations

import mutagen.id3

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
