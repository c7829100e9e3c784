"""Monkey's Audio by the encoder in :mod:`tests.encoders.ape_frames`."""

from __future__ import annotations

import wave
from pathlib import Path

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run
from tests.encoders.ape_frames import file, frame
from tests.encoders.ape_tags import add_cover, add_tags

_FRAME_SAMPLES = 9216


def _encode(m: Materials, out: Path, *, repeat: int = 1, options: tuple[str, ...] = ()) -> None:
    wav = out.with_suffix(".wav")
    form = ("-t", "1", "-ac", "1", "-ar", "22050", "-fflags", "+bitexact", "-map_metadata", "-1")
    ffmpeg("-i", m.clip, *form, *options, wav)
    data = wav.read_bytes()
    with wave.open(str(wav), "rb") as reader:
        rate, samples = reader.getframerate(), reader.getnframes()
        pcm = reader.readframes(samples)
    header = data[: data.index(pcm)]
    whole = len(pcm) // (2 * _FRAME_SAMPLES) * 2 * _FRAME_SAMPLES
    starts = range(0, whole, 2 * _FRAME_SAMPLES)
    frames = [(frame(pcm[at : at + 2 * _FRAME_SAMPLES]), _FRAME_SAMPLES) for at in starts] * repeat
    if whole < len(pcm):
        frames.append((frame(pcm[whole:]), (len(pcm) - whole) // 2))
    out.write_bytes(file(rate, frames, header, data[len(header) + len(pcm) :]))


@recipe("ape", "plain", "ape")
def _(m: Materials, out: Path) -> None:
    _encode(m, out)


@recipe("ape", "long", "ape")
def _(m: Materials, out: Path) -> None:
    _encode(m, out, repeat=36)
    add_tags(out)


@recipe("ape", "tagged", "ape")
def _(m: Materials, out: Path) -> None:
    _encode(m, out)
    add_tags(out)


@recipe("ape", "cover", "ape")
def _(m: Materials, out: Path) -> None:
    _encode(m, out)
    add_cover(out, m)


@recipe("ape", "wrapped", "ape")
def _(m: Materials, out: Path) -> None:
    """The chunks of a tagged WAVE file are kept in front of the audio."""
    _encode(m, out, options=tuple(metadata(**NAMES)))


@recipe("ape", "id3", "ape")
def _(m: Materials, out: Path) -> None:
    _encode(m, out)
    run("id3v2", "--song", "Above", "--comment", "c:remark:eng", out)
