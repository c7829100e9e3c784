"""The essence of an MP4: the samples of all its audio tracks, in the order of their track ids.

Where a player could play something that these samples do not cover, a violation says so.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from noai.codes import Code
from noai.containers._bmff import BoxReader, Node
from noai.containers._mp4_codecs import Decoder, read_decoder, sample_entries
from noai.containers._mp4_movie import Movie, Track
from noai.containers._mp4_samples import ChunkLayout, Samples, read_sizes
from noai.containers._mp4_timing import hidden_audio
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.limits import MP4_RUNS
from noai.sources import chunks


def read_essence(reader: BoxReader, movie: Movie) -> EssenceReading:
    """The digest over all audio tracks of ``movie``, and what forbids binding to it.

    Raises:
        ContainerMalformed, LimitExceeded: if samples cannot be located.
    """
    violations = list(movie.violations)
    streams: list[StreamHasher] = []
    placed: list[Samples] = []
    for track in movie.tracks:
        if not track.audio:
            continue
        decoder, samples = _read_audio(reader, track, violations)
        violations.extend(
            hidden_audio(reader, movie.clock, track.node, samples, track.fragments.times, decoder.pace)
        )
        streams.append(hash_samples(reader, samples, decoder.codec, decoder.config, decoder.packets))
        placed.append(samples)
        if sum(len(each.starts) for each in placed) > MP4_RUNS:
            raise LimitExceeded(f"more than {MP4_RUNS} stretches of samples")
    violations.extend(_placement(placed, movie.media))
    return EssenceReading.of(streams, violations)


def hash_samples(
    reader: BoxReader, samples: Samples, codec: str, config: bytes, packets: bool = True
) -> StreamHasher:
    """The hashed bytes, and where ``packets`` the hashed lengths, of ``samples``."""
    hasher = StreamHasher(codec, config, packets=packets)
    if packets:
        for lengths, number in samples.lengths(reader):
            hasher.packet_lengths(lengths, number)
    for start, end in samples.runs():
        for data in chunks(reader.source, start, end):
            hasher.update(data)
    return hasher


def samples_of(reader: BoxReader, track: Track) -> Samples:
    """All samples of ``track``, as players find them.

    Raises:
        ContainerMalformed, LimitExceeded: if they cannot be located.
    """
    return _read_audio(reader, track, [])[1] if track.audio else track.samples(reader)


# -- audio tracks -----------------------------------------------------------------------------


def _read_audio(reader: BoxReader, track: Track, violations: list[Violation]) -> tuple[Decoder, Samples]:
    """Decoder and samples of a track; what forbids to rely on them goes to ``violations``."""
    stsd = track.stbl().one(b"stsd")
    entries = sample_entries(reader, stsd)
    if not entries:
        raise ContainerMalformed("an audio track without a sample entry")
    decoder = read_decoder(reader, stsd, entries[0])
    layout = _chunk_layout(reader, track.stbl(), decoder)
    samples = track.samples(reader, layout)
    if len(entries) > 1 or samples.descriptions - {1}:
        violations.append(_unsupported("a track that changes its decoder configuration"))
    if decoder.encrypted:
        violations.append(_unsupported("an encrypted track"))
    if not _self_contained(reader, track.node, decoder.data_reference):
        violations.append(Violation(Code.SAMPLES_OUTSIDE_MDAT, "a track whose samples lie in another file"))
    if layout is None and decoder.packets and samples.timed and _one_tick_samples(reader, track.stbl()):
        violations.append(_unsupported("compressed audio in QuickTime's old chunk layout"))
    if samples.overstated and _one_tick_samples(reader, track.stbl()):
        violations.append(
            Violation(Code.TRAILING_AUDIO, "players take more from the last chunk than stsz counts")
        )
    if not decoder.packets and samples.count and samples.fixed != decoder.frame_bytes:
        violations.append(_unsupported("PCM whose sample size is not that of its frames"))
    return decoder, samples


def _chunk_layout(reader: BoxReader, stbl: Node, decoder: Decoder) -> ChunkLayout | None:
    """How players cut chunks where they take nothing from ``stsz`` but the number of frames.

    They do so where every sample lasts one tick and all have one size, which then is often 1
    (QuickTime File Format, "Sample Size Atoms"; FFmpeg, GStreamer).
    """
    if not _one_tick_samples(reader, stbl):
        return None
    fixed = read_sizes(reader, stbl).fixed
    if not decoder.packets:
        return ChunkLayout(1, decoder.frame_bytes) if decoder.frame_bytes and fixed == 1 else None
    return decoder.chunks if fixed else None


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


def _unsupported(message: str) -> Violation:
    return Violation(Code.ESSENCE_UNSUPPORTED, message)


# -- where samples lie --------------------------------------------------------------------------


def _placement(tracks: Sequence[Samples], media: list[tuple[int, int]]) -> Iterator[Violation]:
    """Whether the stretches of all audio tracks lie in ``mdat`` boxes, each for itself."""
    starts = [start for start, _ in media]
    outside = overlap = False
    reached = 0
    for start, end in heapq.merge(*(_ascending(samples) for samples in tracks)):
        index = bisect_right(starts, start) - 1
        if not outside and (index < 0 or end > media[index][1]):
            outside = True
            yield Violation(Code.SAMPLES_OUTSIDE_MDAT, f"samples at {start} lie outside mdat")
        if not overlap and start < reached:
            overlap = True
            yield Violation(Code.SAMPLES_OVERLAP, f"samples at {start} overlap others")
        reached = max(reached, end)


def _ascending(samples: Samples) -> Iterator[tuple[int, int]]:
    """The stretches of one track by their place; most files have them so already."""
    starts, ends = samples.starts, samples.ends
    if all(first <= second for first, second in pairwise(starts)):
        return samples.runs()
    return ((starts[index], ends[index]) for index in sorted(range(len(starts)), key=starts.__getitem__))
