"""The essence of a Matroska file: the frames of all its audio tracks, in the order of their numbers.

Where a player could play something that these frames do not cover, or leave some of them out, a
violation says so.
"""

from __future__ import annotations

from noai.containers._ebml import ElementReader
from noai.containers._mkv_blocks import ClusterReader
from noai.containers._mkv_codecs import read_decoder
from noai.containers._mkv_frames import AudioTrack
from noai.containers._mkv_layout import Layout, Segment
from noai.containers._mkv_rules import Rules
from noai.containers._mkv_schema import CLUSTER, DURATION, INFO, TIMESTAMP_SCALE, TRACKS
from noai.containers._mkv_tracks import read_tracks
from noai.errors import ContainerMalformed
from noai.essence import EssenceReading, Violation
from noai.sources import ByteSource

_SCALE = 1_000_000


def read_essence(source: ByteSource, layout: Layout) -> EssenceReading:
    """
    Raises:
        ContainerMalformed: if there is no segment with tracks, or an element is not well-formed.
        LimitExceeded: for more or larger elements than are read.
    """
    if not layout.segments:
        raise ContainerMalformed("there is no segment")
    # Several segments are a problem already, so that the others need not be hashed.
    segment = layout.segments[0]
    reader = ElementReader(source)
    rules = Rules(reader)
    rules.segment(segment)
    scale, duration = _clock(reader, segment)
    if not scale:
        rules.violate("the segment has no time scale")
    parts = segment.all(TRACKS)
    if not parts:
        raise ContainerMalformed("there are no tracks")
    audio: dict[int, AudioTrack] = {}
    others: dict[int, bool] = {}
    violations: list[Violation] = []
    for track in read_tracks(reader, parts[0]):
        if not track.audio:
            others[track.number] = track.opened
            continue
        decoder = read_decoder(track)
        violations += [*track.violations, *decoder.violations]
        audio[track.number] = AudioTrack(track, decoder, rules)
    clusters = ClusterReader(source, audio, others, scale, rules)
    for cluster in segment.all(CLUSTER):
        clusters.read(cluster)
        rules.checksum(cluster)
    for each in audio.values():
        violations += each.timing.finish(duration * scale)
    found = dict.fromkeys((*layout.problems, *rules.violations, *violations))
    return EssenceReading.of([each.hasher for each in audio.values()], list(found))


def _clock(reader: ElementReader, segment: Segment) -> tuple[int, float]:
    """Nanoseconds of a tick, and the duration in ticks, 0 where none is stated (RFC 9559 §5.1.2)."""
    scale, duration = _SCALE, 0.0
    for info in segment.all(INFO)[:1]:
        for element in reader.children(info, 2):
            if element.id == TIMESTAMP_SCALE and element.length:
                scale = reader.uint(element)
            elif element.id == DURATION:
                duration = reader.real(element)
    return scale, duration
