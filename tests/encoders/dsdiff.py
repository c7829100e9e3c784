"""DSDIFF, plain and compressed, by a small sigma-delta modulator; tagged by mutagen, and as TagLib does."""

from __future__ import annotations

import struct
from pathlib import Path

import mutagen.dsdiff
import mutagen.id3

from tests.audio import NAMES, Materials, recipe
from tests.encoders.dsd import RATE, dsd_channels
from tests.encoders.id3 import ID3_ODDITIES

#: Frames of compressed audio: 75 a second.
_FRAME = RATE // 75 // 8


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack(">Q", len(data)) + data + bytes(len(data) % 2)


def form(*chunks: bytes) -> bytes:
    """A DSDIFF file of version 1.5."""
    body = b"DSD " + chunk(b"FVER", bytes.fromhex("01050000")) + b"".join(chunks)
    return b"FRM8" + struct.pack(">Q", len(body)) + body


def properties(compression: bytes = b"DSD ", *more: bytes, channels: int = 2) -> bytes:
    """The sound properties."""
    ids = (b"SLFT", b"SRGT")[:channels]
    name = b"not compressed" if compression == b"DSD " else b"DST Encoded"
    local = chunk(b"FS  ", struct.pack(">I", RATE)) + chunk(
        b"CHNL", struct.pack(">H", channels) + b"".join(ids)
    )
    local += chunk(b"CMPR", compression + bytes((len(name),)) + name + bytes((1 + len(name)) % 2))
    return chunk(b"PROP", b"SND " + local + b"".join(more))


def interleaved(channels: list[bytes]) -> bytes:
    return bytes(byte for pair in zip(*channels, strict=True) for byte in pair)


def compressed(audio: bytes) -> bytes:
    """Frames that say of themselves that they are not compressed (ISO/IEC 14496-3, subpart 10)."""
    size = _FRAME * 2
    frames = [audio[at : at + size] for at in range(0, len(audio) - size + 1, size)]
    data = chunk(b"FRTE", struct.pack(">IH", len(frames), 75))
    return chunk(b"DST ", data + b"".join(chunk(b"DSTF", b"\0" + frame) for frame in frames))


def _tagged(out: Path, *frames: mutagen.id3.Frame) -> None:
    file = mutagen.dsdiff.DSDIFF(out)
    file.add_tags()
    for frame in frames:
        file.tags.add(frame)
    file.save()


_NAMED = (
    mutagen.id3.TIT2(encoding=3, text=NAMES["title"]),
    mutagen.id3.TCOP(encoding=3, text=NAMES["copyright"]),
    mutagen.id3.COMM(encoding=3, lang="eng", desc="", text=NAMES["comment"]),
)


def _audio(m: Materials, seconds: float = 0.1) -> bytes:
    return interleaved(dsd_channels(m.clip, seconds))


@recipe("dsdiff", "plain", "dff")
def _(m: Materials, out: Path) -> None:
    out.write_bytes(form(properties(), chunk(b"DSD ", _audio(m))))


@recipe("dsdiff", "long", "dff")
def _(m: Materials, out: Path) -> None:
    out.write_bytes(form(properties(), chunk(b"DSD ", _audio(m, 2))))
    _tagged(out, mutagen.id3.TIT2(encoding=3, text="Long"))


@recipe("dsdiff", "tagged", "dff")
def _(m: Materials, out: Path) -> None:
    """An ``ID3 `` chunk at the end."""
    out.write_bytes(form(properties(), chunk(b"DSD ", _audio(m))))
    _tagged(out, *_NAMED)


@recipe("dsdiff", "odd", "dff")
def _(m: Materials, out: Path) -> None:
    """One channel, and a padding byte."""
    audio = dsd_channels(m.clip, 0.1)[0][:-1]
    out.write_bytes(form(properties(channels=1), chunk(b"DSD ", audio)))


@recipe("dsdiff", "id3", "dff")
def _(m: Materials, out: Path) -> None:
    out.write_bytes(form(properties(), chunk(b"DSD ", _audio(m))))
    _tagged(out, *ID3_ODDITIES)


@recipe("dsdiff", "master", "dff")
def _(m: Materials, out: Path) -> None:
    """What editors write: comments, artist and title, markers, behind the audio."""
    text = b"take 3"
    comment = struct.pack(">HHBBBBHHI", 1, 2026, 1, 2, 3, 4, 0, 0, len(text)) + text
    marker = struct.pack(">HBBIiHHHI", 0, 0, 1, 0, 0, 2, 0, 0, 5) + b"start\0"
    edited = chunk(b"EMID", b"0001") + chunk(b"MARK", marker)
    edited += chunk(b"DIAR", struct.pack(">I", 3) + b"One") + chunk(b"DITI", struct.pack(">I", 4) + b"Dusk")
    out.write_bytes(
        form(properties(), chunk(b"DSD ", _audio(m)), chunk(b"COMT", comment), chunk(b"DIIN", edited))
    )


@recipe("dsdiff", "prop-id3", "dff")
def _(m: Materials, out: Path) -> None:
    """An ``ID3 `` chunk inside ``PROP``, where TagLib puts it."""
    tags = mutagen.id3.ID3()
    for frame in _NAMED:
        tags.add(frame)
    tag = out.with_suffix(".id3")
    tags.save(tag)
    data = tag.read_bytes()
    tag.unlink()
    out.write_bytes(form(properties(b"DSD ", chunk(b"ID3 ", data)), chunk(b"DSD ", _audio(m))))


@recipe("dst", "plain", "dff", name="dsdiff")
def _(m: Materials, out: Path) -> None:
    out.write_bytes(form(properties(b"DST "), compressed(_audio(m))))


@recipe("dst", "tagged", "dff", name="dsdiff")
def _(m: Materials, out: Path) -> None:
    out.write_bytes(form(properties(b"DST "), compressed(_audio(m))))
    _tagged(out, *_NAMED)
