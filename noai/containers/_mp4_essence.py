"""The essence of an MP4: the samples of all its audio tracks, in the order of their track ids.

Where a player could play something that these samples do not cover, a violation says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from noai.codes import Code
from noai.containers._bmff import Box, BoxReader, Node, descend
from noai.containers._mp4_codecs import AUDIO_TYPES, Decoder, read_decoder, sample_entries
from noai.containers._mp4_samples import Samples, read_samples
from noai.containers._mp4_timing import Clock, hidden_audio, read_clock
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.limits import MP4_RUNS, MP4_TRACKS
from noai.sources import chunks

_MOOV: Final = (b"moov",)
_TRAK: Final = (*_MOOV, b"trak")
_MDIA: Final = (*_TRAK, b"mdia")
_STBL: Final = (*_MDIA, b"minf", b"stbl")
_NOWHERE: Final = (b"",)
#: Boxes that players obey wherever they meet them, and the one place where each belongs.
_PLACES: Final[dict[bytes, tuple[bytes, ...]]] = {
    b"moov": (),
    b"mvhd": _MOOV,
    b"trak": _MOOV,
    b"tkhd": _TRAK,
    b"edts": _TRAK,
    b"elst": (*_TRAK, b"edts"),
    b"mdia": _TRAK,
    b"mdhd": _MDIA,
    b"minf": _MDIA,
    b"stbl": _STBL[:-1],
    **dict.fromkeys((b"stsd", b"stts", b"ctts", b"stsc", b"stsz", b"stz2", b"stco", b"co64"), _STBL),
    **dict.fromkeys((b"esds", b"wave", b"alac", b"dOps", b"dfLa", b"glbl", b"cmov"), _NOWHERE),
}
#: Boxes that have a handler box of their own.
_HANDLED: Final = frozenset((b"mdia", b"minf", b"meta"))
_FRAGMENTS: Final = (b"moof", b"mvex", b"sidx", b"styp")


@dataclass(frozen=True)
class Track:
    """One track of the movie."""

    node: Node
    id: int
    audio: bool

    def stbl(self) -> Node:
        """Raises ContainerMalformed if there is not exactly one sample table."""
        self.node.one(b"mdia", b"minf", b"stbl")
        return self.node.nodes(b"mdia", b"minf", b"stbl")[0]


@dataclass
class Movie:
    """The structure of a file: its movie box, its tracks, where media data lies."""

    #: All top-level boxes.
    roots: list[Node]
    moov: Node
    clock: Clock
    tracks: list[Track]
    #: Payload ranges of the ``mdat`` boxes, in file order.
    media: list[tuple[int, int]]
    violations: list[Violation] = field(default_factory=list)


def read_movie(reader: BoxReader, top: list[Box]) -> Movie:
    """The structure below the top-level boxes ``top``.

    Raises:
        ContainerMalformed: if there is no movie, or its boxes contradict each other.
        LimitExceeded: beyond the limits on boxes and tracks.
    """
    nodes = [descend(reader, box) for box in top]
    moovs = [node for node in nodes if node.box.type == b"moov"]
    if not moovs:
        raise ContainerMalformed("there is no moov box: the file is cut short or a fragment")
    violations = []
    if len(moovs) > 1:
        violations.append(Violation(Code.MOOV_DUPLICATE, f"{len(moovs)} moov boxes"))
    for node in nodes:
        violations.extend(_misplaced(node, ()))
    traks = moovs[0].nodes(b"trak")
    if len(traks) > MP4_TRACKS:
        raise LimitExceeded(f"more than {MP4_TRACKS} tracks")
    tracks = sorted((_read_track(reader, trak) for trak in traks), key=lambda track: track.id)
    if len({track.id for track in tracks}) != len(tracks):
        raise ContainerMalformed("two tracks have one id")
    clock = read_clock(reader, moovs[0].one(b"mvhd"))
    media = [(box.body, box.end) for box in top if box.type == b"mdat"]
    return Movie(nodes, moovs[0], clock, tracks, media, list(dict.fromkeys(violations)))


def read_essence(reader: BoxReader, movie: Movie) -> EssenceReading:
    """The digest over all audio tracks of ``movie``, and what forbids binding to it."""
    violations = list(movie.violations)
    streams: list[StreamHasher] = []
    runs: list[tuple[int, int]] = []
    for track in movie.tracks:
        if not track.audio:
            continue
        samples = read_samples(reader, track.stbl())
        decoder = _decoder(reader, track, samples, violations)
        violations.extend(hidden_audio(reader, movie.clock, track.node, samples.count, decoder))
        streams.append(hash_samples(reader, samples, decoder.codec, decoder.config, decoder.packets))
        runs.extend(samples.runs())
        if len(runs) > MP4_RUNS:
            raise LimitExceeded(f"more than {MP4_RUNS} stretches of samples")
    violations.extend(_placement(runs, movie.media))
    return EssenceReading.of(streams, violations)


def hash_samples(
    reader: BoxReader, samples: Samples, codec: str, config: bytes, packets: bool = True
) -> StreamHasher:
    """The hashed bytes, and where ``packets`` the hashed lengths, of ``samples``."""
    hasher = StreamHasher(codec, config, packets=packets)
    if packets:
        for lengths, number in samples.lengths():
            hasher.packet_lengths(lengths, number)
    for start, end in samples.runs():
        for data in chunks(reader.source, start, end):
            hasher.update(data)
    return hasher


# -- structure --------------------------------------------------------------------------------


def _misplaced(node: Node, path: tuple[bytes, ...]) -> Iterator[Violation]:
    kind = node.box.type
    if kind in _FRAGMENTS:
        yield Violation(Code.ESSENCE_UNSUPPORTED, "a fragmented movie: its essence is not defined yet")
    elif _PLACES.get(kind, path) != path or (kind == b"hdlr" and not _HANDLED & set(path[-1:])):
        yield Violation(Code.BOX_MISPLACED, f"a box {node.box.name!r} stands where players may obey it")
    for child in node.children:
        yield from _misplaced(child, (*path, kind))


def _read_track(reader: BoxReader, trak: Node) -> Track:
    tkhd = trak.one(b"tkhd")
    (track_id,) = reader.fields(tkhd, "I", 20 if reader.version(tkhd) else 12)
    handlers = {
        reader.fields(box, "I", 8)[0].to_bytes(4, "big")
        for path in ((b"mdia", b"hdlr"), (b"mdia", b"minf", b"hdlr"))
        for box in trak.all(*path)
    }
    entries = {
        entry.type
        for stsd in trak.all(b"mdia", b"minf", b"stbl", b"stsd")
        for entry in sample_entries(reader, stsd)
    }
    audio = b"soun" in handlers or any(
        entry in AUDIO_TYPES or entry[:2] in (b"ms", b"TS") for entry in entries
    )
    return Track(trak, track_id, audio)


# -- audio tracks -----------------------------------------------------------------------------


def _decoder(reader: BoxReader, track: Track, samples: Samples, violations: list[Violation]) -> Decoder:
    """The decoder of a track; what forbids to rely on it goes to ``violations``."""
    stsd = track.stbl().one(b"stsd")
    entries = sample_entries(reader, stsd)
    if not entries:
        raise ContainerMalformed("an audio track without a sample entry")
    if len(entries) > 1 or samples.descriptions - {1}:
        violations.append(
            Violation(Code.ESSENCE_UNSUPPORTED, "a track that changes its decoder configuration")
        )
    decoder = read_decoder(reader, stsd, entries[0])
    if decoder.encrypted:
        violations.append(Violation(Code.ESSENCE_UNSUPPORTED, "an encrypted track"))
    if not _self_contained(reader, track.node, decoder.data_reference):
        violations.append(Violation(Code.SAMPLES_OUTSIDE_MDAT, "a track whose samples lie in another file"))
    if not decoder.packets:
        if samples.fixed != decoder.frame_bytes:
            violations.append(
                Violation(Code.ESSENCE_UNSUPPORTED, "PCM whose sample size is not that of its frames")
            )
    elif _one_tick_samples(reader, track.stbl()):
        violations.append(
            Violation(Code.ESSENCE_UNSUPPORTED, "compressed audio in QuickTime's old chunk layout")
        )
    return decoder


def _self_contained(reader: BoxReader, trak: Node, reference: int) -> bool:
    """Section 8.7.2: a data entry with flag 1 lies in this file."""
    dref = trak.one(b"mdia", b"minf", b"dinf", b"dref")
    (count,) = reader.fields(dref, "I", 4)
    entries = list(reader.children(dref.body + 8, dref.end, 7))
    if len(entries) != count:
        raise ContainerMalformed(f"dref announces {count} entries and holds {len(entries)}")
    if not 1 <= reference <= len(entries):
        return False
    entry = entries[reference - 1]
    return entry.length >= 4 and bool(reader.read(entry.body, 4)[3] & 1)


def _one_tick_samples(reader: BoxReader, stbl: Node) -> bool:
    """Whether players would compute packet sizes from the sound description and ignore stsz."""
    stts = stbl.one(b"stts")
    (count,) = reader.fields(stts, "I", 4)
    return count == 1 and reader.fields(stts, "II", 8)[1] == 1


def _placement(runs: list[tuple[int, int]], media: list[tuple[int, int]]) -> Iterator[Violation]:
    """Whether the stretches of all audio tracks lie in ``mdat`` boxes, each for itself."""
    runs.sort()
    starts = [start for start, _ in media]
    for start, end in runs:
        index = bisect_right(starts, start) - 1
        if index < 0 or end > media[index][1]:
            yield Violation(Code.SAMPLES_OUTSIDE_MDAT, f"samples at {start} lie outside mdat")
            break
    reached = 0
    for start, end in runs:
        if start < reached:
            yield Violation(Code.SAMPLES_OVERLAP, f"samples at {start} overlap others")
            break
        reached = max(reached, end)
