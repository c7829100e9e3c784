"""The structure of an MP4: its movie box, its tracks, its fragments, and where media data lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from noai.codes import Code
from noai.containers._bmff import Box, BoxReader, Node, descend
from noai.containers._mp4_codecs import AUDIO_TYPES, sample_entries
from noai.containers._mp4_fragments import Timeline, TrackFragments, read_fragments
from noai.containers._mp4_index import index_violations
from noai.containers._mp4_samples import ChunkLayout, Samples, read_samples
from noai.containers._mp4_timing import Clock, read_clock, read_times
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import Violation
from noai.limits import MP4_TRACKS

_MOOV: Final = (b"moov",)
_TRAK: Final = (*_MOOV, b"trak")
_MDIA: Final = (*_TRAK, b"mdia")
_STBL: Final = (*_MDIA, b"minf", b"stbl")
_MVEX: Final = (*_MOOV, b"mvex")
_MOOF: Final = (b"moof",)
_TRAF: Final = (*_MOOF, b"traf")
_NOWHERE: Final = (b"",)
#: Boxes that players obey wherever they meet them, and the one place where each belongs.
_PLACES: Final[dict[bytes, tuple[bytes, ...]]] = {
    **dict.fromkeys((b"moov", b"moof", b"mfra", b"sidx"), ()),
    **dict.fromkeys((b"mvhd", b"trak", b"mvex"), _MOOV),
    **dict.fromkeys((b"tkhd", b"edts", b"mdia"), _TRAK),
    b"elst": (*_TRAK, b"edts"),
    **dict.fromkeys((b"mdhd", b"minf"), _MDIA),
    b"stbl": _STBL[:-1],
    **dict.fromkeys((b"stsd", b"stts", b"ctts", b"stsc", b"stsz", b"stz2", b"stco", b"co64"), _STBL),
    **dict.fromkeys((b"trex", b"mehd"), _MVEX),
    **dict.fromkeys((b"mfhd", b"traf"), _MOOF),
    **dict.fromkeys((b"tfhd", b"tfdt", b"trun"), _TRAF),
    **dict.fromkeys((b"esds", b"wave", b"alac", b"dOps", b"dfLa", b"glbl", b"cmov"), _NOWHERE),
}
#: Boxes that have a handler box of their own.
_HANDLED: Final = frozenset((b"mdia", b"minf", b"meta"))


@dataclass(frozen=True)
class Track:
    """One track of the movie."""

    node: Node
    id: int
    audio: bool
    fragments: TrackFragments = field(default_factory=TrackFragments)

    def stbl(self) -> Node:
        """Raises ContainerMalformed if there is not exactly one sample table."""
        self.node.one(b"mdia", b"minf", b"stbl")
        return self.node.nodes(b"mdia", b"minf", b"stbl")[0]

    def samples(self, reader: BoxReader, layout: ChunkLayout | None = None) -> Samples:
        """All of its samples: those of the sample table, then those of the fragments in file order.

        Raises:
            ContainerMalformed, LimitExceeded: as :func:`noai.containers._mp4_samples.read_samples`.
        """
        samples = read_samples(reader, self.stbl(), layout)
        samples.extend(self.fragments.samples)
        return samples


@dataclass
class Movie:
    """A file: its top-level boxes, and what its movie says."""

    top: list[Box]
    #: All top-level boxes but fragments and media data, with what is in them.
    roots: list[Node]
    moov: Node
    clock: Clock
    tracks: list[Track]
    violations: list[Violation] = field(default_factory=list)

    @property
    def moofs(self) -> list[Box]:
        return [box for box in self.top if box.type == b"moof"]

    @property
    def media(self) -> list[tuple[int, int]]:
        """Payload ranges of the ``mdat`` boxes, in file order."""
        return [(box.body, box.end) for box in self.top if box.type == b"mdat"]


def read_movie(reader: BoxReader, top: list[Box]) -> Movie:
    """The structure below the top-level boxes ``top``.

    Raises:
        ContainerMalformed: if there is no movie, or its boxes contradict each other.
        LimitExceeded: beyond the limits on boxes, tracks and samples.
    """
    nodes = [descend(reader, box) for box in top if box.type not in (b"moof", b"mdat")]
    moovs = [node for node in nodes if node.box.type == b"moov"]
    if not moovs:
        raise ContainerMalformed("there is no moov box: the file is cut short or a fragment")
    moov = moovs[0]
    violations = list(_order(top, len(moovs)))
    for node in nodes:
        violations.extend(_misplaced(node, ()))
    clock = read_clock(reader, moov.one(b"mvhd"), moov.optional(b"mvex", b"mehd"))
    traks = moov.nodes(b"trak")
    if len(traks) > MP4_TRACKS:
        raise LimitExceeded(f"more than {MP4_TRACKS} tracks")
    tracks = sorted((_read_track(reader, trak) for trak in traks), key=lambda track: track.id)
    if len({track.id for track in tracks}) != len(tracks):
        raise ContainerMalformed("two tracks have one id")
    movie = Movie(top, nodes, moov, clock, tracks)
    if movie.moofs:
        _add_fragments(reader, movie, violations)
    violations.extend(index_violations(reader, top))
    movie.violations = list(dict.fromkeys(violations))
    return movie


def _add_fragments(reader: BoxReader, movie: Movie, violations: list[Violation]) -> None:
    for track in movie.tracks:
        reached = read_times(reader, track.stbl()).total
        track.fragments.times = Timeline(reached, 0 if reached else None)
    fragments = {track.id: track.fragments for track in movie.tracks}
    read_fragments(reader, movie.moov, _checked(reader, movie.moofs, violations), fragments, violations)


def _order(top: list[Box], moovs: int) -> Iterator[Violation]:
    kinds = [box.type for box in top]
    if moovs > 1:
        yield Violation(Code.MOOV_DUPLICATE, f"{moovs} moov boxes")
    if kinds.count(b"ftyp") > 1:
        yield Violation(Code.BOX_MISPLACED, "several ftyp boxes: files were put one behind the other")
    if b"moof" in kinds[: kinds.index(b"moov")]:
        yield Violation(Code.FRAGMENT_SEQUENCE, "a fragment stands in front of the movie")


def _checked(reader: BoxReader, moofs: list[Box], violations: list[Violation]) -> Iterator[Node]:
    """The fragments, one after the other, each looked through for misplaced boxes."""
    for box in moofs:
        node = descend(reader, box)
        violations.extend(_misplaced(node, ()))
        yield node


def _misplaced(node: Node, path: tuple[bytes, ...]) -> Iterator[Violation]:
    kind = node.box.type
    if _PLACES.get(kind, path) != path or (kind == b"hdlr" and not _HANDLED & set(path[-1:])):
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
