"""FLAC, M4A, WAV and Ogg files as taggers leave them."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import mutagen
from mutagen import flac, id3, mp4, oggopus, oggvorbis, wave

from corpus.sounds import run
from corpus.words import draw, noise


def comments(seed: int, rich: bool) -> dict[str, str]:
    """Vorbis comments of one track."""
    w = draw(seed)
    few = {
        "TITLE": w.title, "ARTIST": w.artist, "ALBUM": w.album, "DATE": w.date, "GENRE": w.genre,
        "TRACKNUMBER": str(w.track), "TRACKTOTAL": str(w.tracks), "COPYRIGHT": w.copyright,
    }  # fmt: skip
    if not rich:
        return few
    return few | {
        "ALBUMARTIST": w.album_artist, "COMPOSER": w.composer, "ORGANIZATION": w.label, "ISRC": w.isrc,
        "COMMENT": w.comment, "BPM": str(w.bpm), "DISCNUMBER": "1", "DISCTOTAL": "1", "MEDIA": "CD",
        "REPLAYGAIN_TRACK_GAIN": f"{w.gain} dB", "REPLAYGAIN_TRACK_PEAK": str(w.peak), "LYRICS": w.lyrics,
        "MUSICBRAINZ_ALBUMID": w.ids[0], "MUSICBRAINZ_ARTISTID": w.ids[1], "MUSICBRAINZ_TRACKID": w.ids[2],
        "MUSICBRAINZ_ALBUMARTISTID": w.ids[3], "RELEASESTATUS": "official", "RELEASETYPE": "album",
    }  # fmt: skip


def flac_metaflac(path: Path, seed: int, cover: Path | None) -> None:
    """metaflac: seek table, tags, picture, padding."""
    words = [f"--set-tag='{n}={v}'" for n, v in comments(seed, rich=False).items() if "'" not in v]
    picture = "" if cover is None else f" --import-picture-from={cover}"
    run(f"metaflac --add-seekpoint=10s {' '.join(words)}{picture} {{out}}", out=path)


def flac_tagger(path: Path, seed: int, cover: Path | None) -> None:
    """A tagger with a database behind it."""
    file = flac.FLAC(path)
    file.update(comments(seed, rich=True))
    if cover is not None:
        file.add_picture(_picture(cover))
    file.save(padding=lambda info: 8192)


def ogg(path: Path, seed: int, cover: Path | None) -> None:
    """Ogg Vorbis or Opus: the picture in a comment."""
    file = oggopus.OggOpus(path) if path.suffix == ".opus" else oggvorbis.OggVorbis(path)
    file.update(comments(seed, rich=True))
    if cover is not None:
        file["METADATA_BLOCK_PICTURE"] = base64.b64encode(_picture(cover).write()).decode()
    file.save()


def ogg_vorbiscomment(path: Path, seed: int, cover: Path | None) -> None:
    """The tool that comes with the encoder."""
    words = [f"-t '{n}={v}'" for n, v in comments(seed, rich=False).items() if "'" not in v]
    run(f"vorbiscomment -R -w {' '.join(words)} {{out}}", out=path)


def encoder(path: Path, seed: int, cover: Path | None) -> None:
    """Nobody."""


def m4a_shop(path: Path, seed: int, cover: Path | None) -> None:
    """A shop, or a player that ripped a disc: its own atoms, and freeform ones."""
    w = draw(seed)
    file = _m4a(path, seed, cover)
    for name, value in {
        "iTunNORM": " 00000A2B 00000B11 00004C1F 00005A31" + " 00024CA8" * 6,
        "iTunSMPB": " 00000000 00000840 000001CA 00000000003F31F6" + " 00000000" * 8,
    }.items():
        file[f"----:com.apple.iTunes:{name}"] = mp4.MP4FreeForm(value.encode())
    file["purd"] = [w.date + " 08:12:44"]
    file["cprt"] = [w.copyright]
    file["xid "] = [f"Halftone:isrc:{w.isrc}"]
    file["rtng"], file["stik"], file["pgap"] = [0], [1], False
    file.save(padding=lambda info: 2048)


def m4a_tagger(path: Path, seed: int, cover: Path | None) -> None:
    """A MusicBrainz tagger."""
    w = draw(seed)
    file = _m4a(path, seed, cover)
    names = ("Album Artist Id", "Album Id", "Artist Id", "Release Group Id", "Release Track Id", "Track Id")
    for name, value in zip(names, w.ids, strict=True):
        file[f"----:com.apple.iTunes:MusicBrainz {name}"] = mp4.MP4FreeForm(value.encode())
    for name, value in {"LABEL": w.label, "ISRC": w.isrc, "SCRIPT": "Latn", "ARTISTS": w.artist}.items():
        file[f"----:com.apple.iTunes:{name}"] = mp4.MP4FreeForm(value.encode())
    file["\xa9lyr"] = [w.lyrics]
    file.save()


def m4a_lavf(path: Path, seed: int, cover: Path | None) -> None:
    """ffmpeg; ``moov`` is behind the audio, with the cover in it."""
    w = draw(seed)
    source = path.with_suffix(".untagged.m4a")
    path.rename(source)
    picture = "" if cover is None else f" -i {cover} -map 0:a -map 1:v -disposition:v attached_pic"
    texts = {"title": w.title, "artist": w.artist, "album": w.album, "date": w.date, "comment": w.comment}
    named = " ".join(f"-metadata '{name}={value}'" for name, value in texts.items() if "'" not in value)
    run(
        f"ffmpeg -v error -y -i {{wav}}{picture} -c copy -fflags +bitexact {named} {{out}}",
        wav=source,
        out=path,
    )
    source.unlink()


def wav_info(path: Path, seed: int, cover: Path | None) -> None:
    """An editor: LIST INFO behind the audio."""
    w = draw(seed)
    fields = {
        b"INAM": w.title, b"IART": w.artist, b"IPRD": w.album, b"ICRD": w.date, b"IGNR": w.genre,
        b"ICMT": w.comment, b"ISFT": "Lavf59.27.100",
    }  # fmt: skip
    entries = b"".join(_chunk(name, value.encode() + b"\0") for name, value in fields.items())
    _append(path, _chunk(b"LIST", b"INFO" + entries))


def wav_id3(path: Path, seed: int, cover: Path | None) -> None:
    """A tagger: an ID3 chunk."""
    w = draw(seed)
    file = wave.WAVE(path)
    file.add_tags()
    texts = {id3.TIT2: w.title, id3.TPE1: w.artist, id3.TALB: w.album, id3.TDRC: w.date, id3.TCON: w.genre}
    for frame, text in texts.items():
        file.tags.add(frame(encoding=3, text=[text]))
    if cover is not None:
        data = cover.read_bytes()
        file.tags.add(id3.APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=data))
    file.save()


def wav_studio(path: Path, seed: int, cover: Path | None) -> None:
    """A recorder or an editor: overview, markers and its own notes behind the audio; bext is in front."""
    cues = struct.pack("<I", 2) + b"".join(
        struct.pack("<II4sIII", n, at, b"data", 0, 0, at) for n, at in ((1, 0), (2, 96_000))
    )
    _append(path, _chunk(b"cue ", cues) + _chunk(b"levl", noise(seed, 4_096)))


def _m4a(path: Path, seed: int, cover: Path | None) -> mutagen.FileType:
    w = draw(seed)
    file = mp4.MP4(path)
    texts = {
        "\xa9nam": w.title, "\xa9ART": w.artist, "\xa9alb": w.album, "\xa9day": w.date, "aART": w.artist,
        "\xa9gen": w.genre, "\xa9wrt": w.composer, "\xa9cmt": w.comment,
    }  # fmt: skip
    for name, text in texts.items():
        file[name] = [text]
    file["trkn"], file["disk"], file["tmpo"], file["cpil"] = [(w.track, w.tracks)], [(1, 1)], [w.bpm], False
    if cover is not None:
        kind = mp4.MP4Cover.FORMAT_PNG if cover.suffix == ".png" else mp4.MP4Cover.FORMAT_JPEG
        file["covr"] = [mp4.MP4Cover(cover.read_bytes(), kind)]
    return file


def _picture(cover: Path) -> flac.Picture:
    picture = flac.Picture()
    picture.data = cover.read_bytes()
    picture.type = 3
    picture.mime = "image/png" if cover.suffix == ".png" else "image/jpeg"
    return picture


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _append(path: Path, chunks: bytes) -> None:
    """Add chunks at the end of a RIFF file."""
    with path.open("r+b") as file:
        file.seek(0, 2)
        end = file.tell() + file.tell() % 2
        file.seek(end)
        file.write(chunks)
        file.seek(4)
        file.write(struct.pack("<I", end + len(chunks) - 8))
