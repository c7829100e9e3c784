"""Tracks: what of each audio track decides how its blocks are decoded (RFC 9559 §5.1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._ebml import Element, ElementReader
from noai.containers._mkv_schema import (
    AUDIO,
    BIT_DEPTH,
    CHANNELS,
    CODEC_DELAY,
    CODEC_ID,
    CODEC_PRIVATE,
    COMPRESSION,
    COMPRESSION_ALGORITHM,
    COMPRESSION_SETTINGS,
    CONTENT_ENCODING,
    CONTENT_ENCODINGS,
    ENCODING_SCOPE,
    ENCODING_TYPE,
    FLAG_ENABLED,
    OUTPUT_SAMPLING_FREQUENCY,
    SAMPLING_FREQUENCY,
    TRACK_ENTRY,
    TRACK_NUMBER,
    TRACK_OFFSET,
    TRACK_OPERATION,
    TRACK_OVERLAY,
    TRACK_TIMESTAMP_SCALE,
    TRACK_TYPE,
)
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import Violation
from noai.limits import CODEC_HEADER_BYTES, MATROSKA_TRACKS

_VIDEO, _AUDIO, _SUBTITLE, _METADATA = 1, 2, 17, 33
#: What the codecs of the types begin with (§5.1.4.1.3, 5.1.4.1.21). To ffmpeg blocks of all other tracks are
#: damage, behind which it looks for a cluster byte by byte.
_CODECS: Final = {_VIDEO: ("V",), _SUBTITLE: ("S", "D"), _METADATA: ("S", "D")}
_CODEC_ID_BYTES: Final = 128
_HEADER_STRIPPING: Final = 3
_FRAMES: Final = 1
#: What a player may leave out at the start: encoder delay.
_LONGEST_DELAY: Final = 1_000_000_000


@dataclass(frozen=True)
class Track:
    """One track. Only of audio is more than the first three kept."""

    number: int
    audio: bool
    #: Whether players look into the frames of a track that is not audio before a decoder does.
    opened: bool = False
    codec: str = ""
    private: bytes = b""
    #: In Hz; the second one is 0 where it is not stated.
    rate: float = 8000.0
    output_rate: float = 0.0
    channels: int = 1
    bits: int = 0
    #: In nanoseconds.
    delay: int = 0
    #: Bytes that were taken off the front of each frame.
    stripped: bytes = b""
    violations: tuple[Violation, ...] = ()


def read_tracks(reader: ElementReader, tracks: Element) -> list[Track]:
    """The tracks in the order of their numbers.

    Raises:
        ContainerMalformed: if one has no number, or two have the same.
        LimitExceeded: beyond :data:`noai.limits.MATROSKA_TRACKS`.
    """
    found = [_read_track(reader, entry) for entry in reader.children(tracks, 2) if entry.id == TRACK_ENTRY]
    if len(found) > MATROSKA_TRACKS:
        raise LimitExceeded(f"more than {MATROSKA_TRACKS} tracks")
    if len({track.number for track in found}) != len(found):
        raise ContainerMalformed("two tracks have one number")
    return sorted(found, key=lambda track: track.number)


def _fields(reader: ElementReader, master: Element | None, depth: int) -> dict[int, Element]:
    """The children by id; that none stands there twice is checked elsewhere."""
    return {} if master is None else {child.id: child for child in reader.children(master, depth)}


def _read_track(reader: ElementReader, entry: Element) -> Track:
    fields = _fields(reader, entry, 3)
    number = _uint(reader, fields, TRACK_NUMBER, 0)
    if not number:
        raise ContainerMalformed("a track has no number")
    kind = _uint(reader, fields, TRACK_TYPE, 0)
    codec = reader.text(fields[CODEC_ID], _CODEC_ID_BYTES) if CODEC_ID in fields else ""
    if codec.startswith(_CODECS.get(kind, ())):
        return Track(number, audio=False, opened=kind != _VIDEO or CONTENT_ENCODINGS in fields)
    audio = _fields(reader, fields.get(AUDIO), 4)
    private = fields.get(CODEC_PRIVATE)
    stripped, violations = _read_encodings(reader, fields.get(CONTENT_ENCODINGS))
    return Track(
        number,
        audio=True,
        codec=codec,
        private=b"" if private is None else reader.payload(private, CODEC_HEADER_BYTES),
        rate=_real(reader, audio, SAMPLING_FREQUENCY, 8000.0),
        output_rate=_real(reader, audio, OUTPUT_SAMPLING_FREQUENCY, 0.0),
        channels=_uint(reader, audio, CHANNELS, 1),
        bits=_uint(reader, audio, BIT_DEPTH, 0),
        delay=_uint(reader, fields, CODEC_DELAY, 0),
        stripped=stripped,
        violations=(*_playing(reader, fields, kind, codec), *violations),
    )


def _uint(reader: ElementReader, fields: dict[int, Element], number: int, default: int) -> int:
    """An empty element stands for the default (RFC 8794 §6.1)."""
    element = fields.get(number)
    return reader.uint(element) if element is not None and element.length else default


def _real(reader: ElementReader, fields: dict[int, Element], number: int, default: float) -> float:
    element = fields.get(number)
    return reader.real(element) if element is not None and element.length else default


def _playing(reader: ElementReader, fields: dict[int, Element], kind: int, codec: str) -> Iterator[Violation]:
    """What makes players leave the track out, play it at another time, or put another one in its place."""
    if kind != _AUDIO or not codec.startswith("A"):
        yield Violation(Code.ESSENCE_UNSUPPORTED, f"a track of type {kind} with the codec {codec[:16]!a}")
    if not _uint(reader, fields, FLAG_ENABLED, 1):
        yield Violation(Code.EDIT_HIDES_AUDIO, "an audio track is not enabled")
    if _real(reader, fields, TRACK_TIMESTAMP_SCALE, 1.0) != 1.0:
        yield Violation(Code.EDIT_HIDES_AUDIO, "an audio track plays at another speed")
    if _uint(reader, fields, TRACK_OFFSET, 0):
        yield Violation(Code.EDIT_HIDES_AUDIO, "an audio track is shifted in time")
    if TRACK_OVERLAY in fields or TRACK_OPERATION in fields:
        yield Violation(Code.ESSENCE_UNSUPPORTED, "an audio track that is made of others")
    if _uint(reader, fields, CODEC_DELAY, 0) > _LONGEST_DELAY:
        yield Violation(Code.EDIT_HIDES_AUDIO, "the codec delay leaves out more than a second")


def _read_encodings(reader: ElementReader, encodings: Element | None) -> tuple[bytes, list[Violation]]:
    """What to put in front of each frame (§5.1.4.1.31); any other encoding is a violation."""
    if encodings is None:
        return b"", []
    unsupported = [Violation(Code.ESSENCE_UNSUPPORTED, "frames that are compressed or encrypted")]
    found = [each for each in reader.children(encodings, 4) if each.id == CONTENT_ENCODING]
    if len(found) != 1:
        return b"", unsupported
    encoding = _fields(reader, found[0], 5)
    compression = _fields(reader, encoding.get(COMPRESSION), 6)
    if (
        _uint(reader, encoding, ENCODING_TYPE, 0)
        or _uint(reader, encoding, ENCODING_SCOPE, 1) != _FRAMES
        or _uint(reader, compression, COMPRESSION_ALGORITHM, 0) != _HEADER_STRIPPING
    ):
        return b"", unsupported
    settings = compression.get(COMPRESSION_SETTINGS)
    return b"" if settings is None else reader.payload(settings, CODEC_HEADER_BYTES), []
