"""What stands in the tags of a base file: drawn from a seed, so that every build is the same."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass

ARTISTS = (
    "Ólafur & Søn", "Die Zimmerpflanzen", "山田 太郎", "Los Tres Relojes", "Marée Basse", "Тихий Дом",
    "The Long Division", "Kapela Zza Rzeki", "Nwa Mmiri", "The Paper Boats", "Ana Lua", "Cold Harbour Choir",
)  # fmt: skip
WORDS = (
    "river", "glass", "harbour", "slow", "north", "paper", "été", "noche", "сны", "夜", "garden", "static",
    "letters", "blue", "hollow", "engine", "summer", "salt", "mirror", "träume", "distance", "winter",
)  # fmt: skip
GENRES = ("Rock", "Electronic", "Jazz", "Folk", "Ambient", "Hip-Hop", "Classical", "Pop", "Soundtrack")
LABELS = ("Halftone Records", "Kleine Wolke", "Self-released", "Northlight Music", "Marginalia")


@dataclass(frozen=True)
class Words:
    """The tags of one track."""

    title: str
    artist: str
    album: str
    album_artist: str
    date: str
    track: int
    tracks: int
    disc: int
    genre: str
    composer: str
    label: str
    copyright: str
    comment: str
    isrc: str
    bpm: int
    lyrics: str
    #: Six identifiers, as a MusicBrainz tagger writes them.
    ids: tuple[str, ...]
    gain: float
    peak: float


def draw(seed: int) -> Words:
    """The tags of track ``seed``."""
    chance = random.Random(seed)
    pick = chance.choice

    def phrase(words: int) -> str:
        return " ".join(pick(WORDS) for _ in range(words))

    year, label, artist = chance.randrange(1968, 2026), pick(LABELS), pick(ARTISTS)
    lines = [phrase(chance.randrange(4, 8)) for _ in range(chance.randrange(12, 40))]
    return Words(
        title=phrase(chance.randrange(1, 5)).capitalize(),
        artist=artist,
        album=phrase(chance.randrange(1, 4)).title(),
        album_artist=artist,
        date=f"{year}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}",
        track=chance.randrange(1, 13),
        tracks=13,
        disc=1,
        genre=pick(GENRES),
        composer=pick(ARTISTS),
        label=label,
        copyright=f"℗ {year} {label}",
        comment=f"{phrase(5)}, bought at the {phrase(1)} shop",
        isrc=f"DEXX{year % 100:02}{chance.randrange(100_000):05}",
        bpm=chance.randrange(68, 176),
        lyrics="\n".join(lines),
        ids=tuple(str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(6)),
        gain=round(chance.uniform(-11, 1), 2),
        peak=round(chance.uniform(0.7, 1.1), 6),
    )


def noise(seed: int, length: int) -> bytes:
    """Bytes as in the binary blobs of DJ software."""
    return random.Random(f"blob {seed}").randbytes(length)
