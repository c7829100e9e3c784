"""Two short pieces of music and a cover, made from nothing but arithmetic.

Composed for noai and dedicated to the public domain (CC0 1.0). Pure standard library and no
randomness, so that every run gives the same samples and the same picture.
"""

from __future__ import annotations

import math
import struct
import sys
import wave
import zlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RATE: Final = 44_100

#: A note: start in beats, length in beats, MIDI number.
Note = tuple[float, float, int]
#: What a voice sounds like: seconds since the note began, its frequency, its seconds → -1 to 1.
Voice = Callable[[float, float, float], float]


@dataclass(frozen=True)
class Piece:
    """Notes by voice; drums are starts in beats."""

    beats_per_minute: float
    beats: float
    melody: Sequence[Note]
    chords: Sequence[Note]
    bass: Sequence[Note]
    kick: Sequence[float] = ()
    snare: Sequence[float] = ()
    hat: Sequence[float] = ()


def _line(notes: str, start: float = 0.0) -> list[Note]:
    """Notes written as ``number:beats``, one after another; ``-`` is a rest."""
    line: list[Note] = []
    for item in notes.split():
        number, _, beats = item.partition(":")
        if number != "-":
            line.append((start, float(beats), int(number)))
        start += float(beats)
    return line


def _chords(names: Sequence[Sequence[int]], beats: float) -> list[Note]:
    """Each chord struck twice in ``beats``, the second time shorter, on the off-beat."""
    struck: list[Note] = []
    for index, chord in enumerate(names):
        for number in chord:
            struck.append((index * beats, 1.5, number))
            struck.append((index * beats + 2.5, 1.0, number))
    return struck


#: Four bars: D, A, B minor, G, and home again.
TUNE: Final = Piece(
    beats_per_minute=144,
    beats=16,
    melody=_line(
        "74:1 78:.5 81:1 78:.5 76:.5 78:.5 "
        "76:.75 73:.25 69:1 71:.5 73:.5 76:1 "
        "78:1 76:.5 74:1 71:.5 74:.5 76:.5 "
        "74:.5 71:.5 67:.5 71:.5 73:.5 76:.5 74:1"
    ),
    chords=_chords(((62, 66, 69), (61, 64, 69), (62, 66, 71), (62, 67, 71)), 4),
    bass=_line("38:1.5 38:.5 45:1 42:1 33:1.5 33:.5 40:1 37:1 35:1.5 35:.5 42:1 38:1 31:1.5 31:.5 33:1 38:1"),
    kick=[bar * 4 + beat for bar in range(4) for beat in (0, 1.5, 2)],
    snare=[bar * 4 + beat for bar in range(4) for beat in (1, 3)],
    hat=[step / 2 for step in range(32)],
)

#: Another recording, to move somebody's marker onto: two bars of a waltz in A minor.
WALTZ: Final = Piece(
    beats_per_minute=150,
    beats=6,
    melody=_line("69:1 72:.5 76:1 74:.5 71:1.5 68:.5 69:1"),
    chords=[(beat, 0.8, number) for beat in (1, 2) for number in (60, 64, 69)]
    + [(beat, 0.8, number) for beat in (4, 5) for number in (59, 62, 68)],
    bass=_line("45:3 40:2 45:1"),
)


def _pluck(seconds: float, frequency: float, length: float) -> float:
    """A string: harmonics that die the faster the higher they are."""
    value = 0.0
    for harmonic, level in ((1, 0.6), (2, 0.26), (3, 0.16), (4, 0.08), (5, 0.04)):
        if frequency * harmonic < RATE / 2:
            fade = math.exp(-seconds * (1.8 + 1.6 * harmonic))
            value += level * fade * math.sin(2 * math.pi * frequency * harmonic * seconds)
    return value * min(1.0, seconds / 0.004)


def _organ(seconds: float, frequency: float, length: float) -> float:
    """A soft held sound with a slow tremolo."""
    edge = min(1.0, seconds / 0.03, max(0.0, (length - seconds) / 0.08))
    phase = 2 * math.pi * frequency * seconds
    tremolo = 1 - 0.15 * math.sin(2 * math.pi * 5.2 * seconds)
    return edge * tremolo * (0.7 * math.sin(phase) + 0.2 * math.sin(2 * phase + 0.4))


def _low(seconds: float, frequency: float, length: float) -> float:
    """A round bass."""
    edge = min(1.0, seconds / 0.008, max(0.0, (length - seconds) / 0.04))
    phase = 2 * math.pi * frequency * seconds
    return edge * math.exp(-1.4 * seconds) * (math.sin(phase) + 0.35 * math.sin(2 * phase))


class _Noise:
    """White noise from a linear congruential generator: the same on every machine."""

    def __init__(self) -> None:
        self._state = 20_240_501

    def __call__(self) -> float:
        self._state = (self._state * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        return self._state / 0x3FFFFFFF - 1.0


Channel = list[float]


def _add(
    channels: tuple[Channel, Channel], start: int, sound: Sequence[float], gain: float, pan: float
) -> None:
    """Mix ``sound`` in at frame ``start``; ``pan`` runs from -1 (left) to 1 (right)."""
    for channel, level in zip(channels, (gain * (1 - pan) / 2, gain * (1 + pan) / 2), strict=True):
        end = min(len(channel), start + len(sound))
        for index in range(start, end):
            channel[index] += level * sound[index - start]


def _notes(piece: Piece, channels: tuple[Channel, Channel]) -> None:
    beat = 60 / piece.beats_per_minute
    parts: tuple[tuple[Sequence[Note], Voice, float, float, float], ...] = (
        (piece.melody, _pluck, 0.9, 0.25, 0.45),
        (piece.chords, _organ, 0.16, -0.35, 0.0),
        (piece.bass, _low, 0.55, 0.0, 0.0),
    )
    for notes, voice, gain, pan, ring in parts:
        for begin, beats, number in notes:
            frequency = 440 * 2 ** ((number - 69) / 12)
            length = beats * beat + ring
            sound = [voice(frame / RATE, frequency, length) for frame in range(int(length * RATE))]
            _add(channels, int(begin * beat * RATE), sound, gain, pan)


def _drums(piece: Piece, channels: tuple[Channel, Channel]) -> None:
    beat = 60 / piece.beats_per_minute
    noise = _Noise()
    times = [frame / RATE for frame in range(RATE // 5)]
    kick = [
        math.exp(-22 * t) * math.sin(2 * math.pi * (48 * t + 3.2 * (1 - math.exp(-32 * t)))) for t in times
    ]
    snare = [math.exp(-24 * t) * (0.55 * noise() + 0.5 * math.sin(2 * math.pi * 187 * t)) for t in times]
    hiss = [noise() for _ in range(RATE // 20 + 1)]
    hat = [math.exp(-110 * frame / RATE) * (hiss[frame + 1] - hiss[frame]) for frame in range(RATE // 20)]
    for starts, sound, gain, pan in (
        (piece.kick, kick, 0.9, 0.0),
        (piece.snare, snare, 0.4, 0.1),
        (piece.hat, hat, 0.1, -0.4),
    ):
        for begin in starts:
            _add(channels, int(begin * beat * RATE), sound, gain, pan)


def _echo(channels: tuple[Channel, Channel], seconds: float, gain: float) -> None:
    """What one side plays comes back on the other, quieter."""
    left, right = channels
    delay = int(seconds * RATE)
    for index in range(delay, len(left)):
        left[index] += gain * right[index - delay]
        right[index] += gain * left[index - delay]


def render(piece: Piece) -> array[int]:
    """Interleaved stereo, 16 bit, 44.1 kHz, with half a second for the last note to ring."""
    frames = int((piece.beats * 60 / piece.beats_per_minute + 0.5) * RATE)
    channels = ([0.0] * frames, [0.0] * frames)
    _notes(piece, channels)
    _drums(piece, channels)
    _echo(channels, 0.75 * 60 / piece.beats_per_minute, 0.22)
    fade = RATE // 3
    loudest = max(max(map(abs, channel)) for channel in channels)
    samples = array("h", bytes(4 * frames))
    for side, channel in enumerate(channels):
        for index, value in enumerate(channel):
            level = 28_000 * min(1.0, (frames - index) / fade) / loudest
            samples[2 * index + side] = round(value * level)
    return samples


def write_wav(path: Path, samples: array[int], *, every: int = 1, mono: bool = False) -> None:
    """Write interleaved stereo ``samples``, averaged over ``every`` frames and both sides if ``mono``."""
    frames = len(samples) // 2 // every
    channels = 1 if mono else 2
    out = array("h", bytes(2 * channels * frames))
    for frame in range(frames):
        span = samples[2 * frame * every : 2 * (frame + 1) * every]
        if mono:
            out[frame] = round(sum(span) / len(span))
        else:
            out[2 * frame] = round(sum(span[0::2]) / every)
            out[2 * frame + 1] = round(sum(span[1::2]) / every)
    if sys.byteorder == "big":
        out.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE // every)
        file.writeframes(out.tobytes())


def _colour(x: float, y: float) -> tuple[int, int, int]:
    """Rings of a record over a warm evening sky; ``x`` and ``y`` run from 0 to 1."""
    distance = math.hypot(x - 0.62, y - 0.6)
    if distance < 0.035:
        return 250, 240, 220
    if distance < 0.12:
        return 214, 84, 60
    if distance < 0.36:
        groove = 34 + int(12 * math.sin(distance * 260))
        return groove, groove, groove + 8
    wave_line = 0.3 + 0.07 * math.sin(x * 19) * math.sin(x * 3.1)
    if abs(y - wave_line) < 0.012:
        return 255, 214, 120
    return int(250 - 90 * y), int(170 - 100 * y), int(110 + 50 * y)


def cover_png(side: int = 160) -> bytes:
    """The cover, ``side`` pixels wide and high, as a PNG (RFC 2083, truecolour, 8 bit)."""
    rows = bytearray()
    for row in range(side):
        rows.append(0)
        for column in range(side):
            rows += bytes(_colour(column / side, row / side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(rows), 9))
        + chunk(b"IEND", b"")
    )
