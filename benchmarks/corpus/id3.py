"""MP3 files as stores, players, taggers and DJ software leave them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mutagen import apev2, id3

from corpus.sounds import run
from corpus.words import Words, draw, noise

LATIN1, UTF16, UTF8 = id3.Encoding.LATIN1, id3.Encoding.UTF16, id3.Encoding.UTF8
DEFAULT_PADDING = 1024
#: Serato's objects, with the sizes that they have in a track of four minutes.
SERATO = {
    "Serato Analysis": 2, "Serato Autotags": 21, "Serato BeatGrid": 21, "Serato Markers_": 318,
    "Serato Markers2": 470, "Serato Offsets_": 29_829, "Serato Overview": 3_842,
}  # fmt: skip


def store(path: Path, seed: int, cover: Path | None, v1: bool) -> None:
    """A download shop: 2.3 in UTF-16, frames of the shop's own, much padding."""
    w = draw(seed)
    tags = id3.ID3()
    _common(tags, w, UTF16)
    _picture(tags, cover, UTF16)
    tags.add(id3.COMM(encoding=UTF16, lang="eng", desc="", text=[w.comment]))
    tags.add(id3.TPUB(encoding=UTF16, text=[w.label]))
    tags.add(id3.TCOM(encoding=UTF16, text=[w.composer]))
    tags.add(id3.PRIV(owner="WM/MediaClassPrimaryID", data=noise(seed, 16)))
    tags.add(id3.PRIV(owner="AverageLevel", data=noise(seed, 4)))
    tags.add(id3.PRIV(owner="www.amazon.com", data=f"<uits:UITS id='{w.ids[0]}'/>".encode()))
    tags.add(id3.WOAF(url="http://music.example/track/" + w.ids[1]))
    _save(tags, path, 3, v1, 4096)


def picard(path: Path, seed: int, cover: Path | None, v1: bool) -> None:
    """A MusicBrainz tagger: 2.4 in UTF-8, some 25 frames."""
    w = draw(seed)
    tags = id3.ID3()
    _common(tags, w, UTF8)
    _picture(tags, cover, UTF8)
    names = ("Album Artist Id", "Album Id", "Artist Id", "Release Group Id", "Release Track Id")
    for name, value in zip(names, w.ids, strict=False):
        tags.add(id3.TXXX(encoding=UTF8, desc=f"MusicBrainz {name}", text=[value]))
    for name, value in {
        "ARTISTS": w.artist, "BARCODE": "0602577450143", "CATALOGNUMBER": "HTR-014", "SCRIPT": "Latn",
        "originalyear": w.date[:4], "MusicBrainz Album Status": "official", "MusicBrainz Album Type": "album",
        "MusicBrainz Album Release Country": "XW", "replaygain_track_gain": f"{w.gain} dB",
        "replaygain_track_peak": str(w.peak),
    }.items():  # fmt: skip
        tags.add(id3.TXXX(encoding=UTF8, desc=name, text=[value]))
    tags.add(id3.UFID(owner="http://musicbrainz.org", data=w.ids[5].encode()))
    for frame in (id3.TSOP, id3.TSO2, id3.TDOR, id3.TMED):
        tags.add(frame(encoding=UTF8, text=[w.date if frame is id3.TDOR else w.artist]))
    tags.add(id3.TPUB(encoding=UTF8, text=[w.label]))
    tags.add(id3.TSRC(encoding=UTF8, text=[w.isrc]))
    _save(tags, path, 4, v1, DEFAULT_PADDING)


def jukebox(path: Path, seed: int, cover: Path | None, v1: bool) -> None:
    """A player with a library: 2.3, its gapless data and volume in comments, lyrics."""
    w = draw(seed)
    tags = id3.ID3()
    _common(tags, w, UTF16)
    _picture(tags, cover, LATIN1)
    levels = " ".join(f"{byte:08X}" for byte in noise(seed, 10))
    for name, value in {
        "iTunNORM": " " + levels, "iTunPGAP": "0", "iTunes_CDDB_TrackNumber": str(w.track),
        "iTunSMPB": " 00000000 00000210 0000072C 00000000008EA4C4" + " 00000000" * 8,
        "iTunes_CDDB_1": "A90B4C0C+225768+12+150+18051+38040",
    }.items():  # fmt: skip
        tags.add(id3.COMM(encoding=LATIN1, lang="eng", desc=name, text=[value]))
    tags.add(id3.USLT(encoding=UTF16, lang="eng", desc="", text=w.lyrics))
    tags.add(id3.TENC(encoding=LATIN1, text=["iTunes 12.9.5.5"]))
    tags.add(id3.TBPM(encoding=LATIN1, text=[str(w.bpm)]))
    tags.add(id3.POPM(email="Windows Media Player 9 Series", rating=196, count=3))
    _save(tags, path, 3, v1, 2048)


def serato(path: Path, seed: int, cover: Path | None, v1: bool) -> None:
    """DJ software that keeps beats and cues in encapsulated objects."""
    w = draw(seed)
    tags = id3.ID3()
    _common(tags, w, UTF8)
    _picture(tags, cover, UTF8)
    _dj(tags, w)
    for name, size in SERATO.items():
        data = b"\x01\x01" + noise(seed, size)
        tags.add(
            id3.GEOB(encoding=LATIN1, mime="application/octet-stream", filename="", desc=name, data=data)
        )
    _save(tags, path, 4, v1, DEFAULT_PADDING)


def traktor(path: Path, seed: int, cover: Path | None, v1: bool) -> None:
    """DJ software that keeps all in one private frame."""
    w = draw(seed)
    tags = id3.ID3()
    _common(tags, w, UTF16)
    _picture(tags, cover, LATIN1)
    _dj(tags, w)
    tags.add(id3.PRIV(owner="TRAKTOR4", data=b"DMRT" + noise(seed, 2_400)))
    tags.add(id3.TXXX(encoding=LATIN1, desc="INITIALKEY", text=["8m"]))
    _save(tags, path, 3, v1, 0)


def few(path: Path, seed: int, cover: Path | None, v1: bool) -> None:
    """A podcast host or a recorder: title, artist, little else."""
    w = draw(seed)
    tags = id3.ID3()
    _common(tags, w, LATIN1 if w.artist.isascii() and w.title.isascii() and w.album.isascii() else UTF16)
    for name in ("TPE2", "TPOS", "TCOP"):
        tags.delall(name)
    _picture(tags, cover, LATIN1)
    _save(tags, path, 3, v1, 128)


def kid3(path: Path, seed: int, cover: Path | None, v1: bool) -> None:
    """The tagger of that name."""
    w = draw(seed)
    fields = {
        "title": w.title, "artist": w.artist, "album": w.album, "date": w.date[:4], "genre": w.genre,
        "track number": str(w.track), "comment": w.comment, "composer": w.composer, "album artist": w.artist,
        "bpm": str(w.bpm), "publisher": w.label, "isrc": w.isrc,
    }  # fmt: skip
    words = [f'-c "set {name!r} {_quoted(value)} 2"' for name, value in fields.items()]
    if cover is not None:
        words.append(f"-c \"set picture:{cover} 'front' 2\"")
    run(f"kid3-cli {' '.join(words)} -c save {{out}}", out=path)


def lavf(path: Path, seed: int, cover: Path | None, v1: bool) -> None:
    """ffmpeg, with the cover as its second stream."""
    w = draw(seed)
    source = path.with_suffix(".untagged.mp3")
    path.rename(source)
    picture = "" if cover is None else f" -i {cover} -map 0:a -map 1:v -disposition:v attached_pic"
    texts = {"title": w.title, "artist": w.artist, "album": w.album, "date": w.date[:4], "genre": w.genre}
    named = " ".join(f"-metadata {name}={_quoted(value)}" for name, value in texts.items())
    run(
        f"ffmpeg -v error -y -i {{wav}}{picture} -c copy -fflags +bitexact -flags:a +bitexact {named}"
        f" -id3v2_version 3 -write_id3v1 {int(v1)} {{out}}",
        wav=source,
        out=path,
    )
    source.unlink()


def encoder(path: Path, seed: int, cover: Path | None, v1: bool) -> None:
    """Nobody: the tags, if any, are the encoder's."""


Tagger = Callable[[Path, int, Path | None, bool], None]


def replay_gain(path: Path, seed: int) -> None:
    """APEv2 as gain tools write it behind the audio, in front of an ID3v1 tag."""
    w = draw(seed)
    id3v1 = path.read_bytes()[-128:]
    tags = apev2.APEv2()
    tags["REPLAYGAIN_TRACK_GAIN"] = f"{w.gain:+.6f} dB"
    tags["REPLAYGAIN_TRACK_PEAK"] = f"{w.peak:.6f}"
    tags["MP3GAIN_MINMAX"] = "089,210"
    tags["MP3GAIN_UNDO"] = "+003,+003,N"
    tags.save(path)
    if id3v1.startswith(b"TAG"):
        with path.open("ab") as file:
            file.write(id3v1)


def _common(tags: id3.ID3, w: Words, encoding: id3.Encoding) -> None:
    texts = {
        id3.TIT2: w.title, id3.TPE1: w.artist, id3.TALB: w.album, id3.TPE2: w.album_artist, id3.TCON: w.genre,
        id3.TRCK: f"{w.track}/{w.tracks}", id3.TPOS: "1/1", id3.TDRC: w.date, id3.TCOP: w.copyright,
    }  # fmt: skip
    for frame, text in texts.items():
        tags.add(frame(encoding=encoding, text=[text]))


def _dj(tags: id3.ID3, w: Words) -> None:
    texts = {
        id3.TBPM: str(w.bpm),
        id3.TKEY: "Am",
        id3.TLEN: "228000",
        id3.TSSE: "LAME 3.100",
        id3.TIT1: "warm",
    }
    for frame, text in texts.items():
        tags.add(frame(encoding=LATIN1, text=[text]))
    tags.add(id3.COMM(encoding=LATIN1, lang="eng", desc="", text=["8A - Energy 6"]))
    tags.add(id3.PCNT(count=4))


def _picture(tags: id3.ID3, cover: Path | None, encoding: id3.Encoding) -> None:
    if cover is not None:
        mime = "image/png" if cover.suffix == ".png" else "image/jpeg"
        tags.add(id3.APIC(encoding=encoding, mime=mime, type=3, desc="", data=cover.read_bytes()))


def _save(tags: id3.ID3, path: Path, version: int, v1: bool, padding: int) -> None:
    if version == 3:
        tags.update_to_v23()
    tags.save(path, v1=2 if v1 else 0, v2_version=version, padding=lambda info: padding)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "’") + "'"
