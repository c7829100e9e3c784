"""MP4 files built box by box, so that a test can break exactly one rule."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from noai.containers._mp4_values import atom as box
from noai.containers._mp4_values import data_atom

FTYP = box(b"ftyp", b"M4A \x00\x00\x02\x00M4A isomiso2")
#: AAC-LC, 44.1 kHz, stereo, with the extension that says "no SBR", as ffmpeg writes it.
ASC = bytes.fromhex("121056e500")
SELF_CONTAINED = box(b"url ", b"\x00\x00\x00\x01")


def full(kind: bytes, payload: bytes, version: int = 0) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]) + payload)


def u32(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def u64(*values: int) -> bytes:
    return struct.pack(f">{len(values)}Q", *values)


def descriptor(tag: int, payload: bytes) -> bytes:
    return bytes([tag, 0x80, 0x80, len(payload)]) + payload


def esds(specific: bytes, indication: int = 0x40, bit_rate: int = 128_000) -> bytes:
    config = bytes([indication, 0x15]) + bytes(3) + u32(bit_rate, bit_rate)
    config += descriptor(5, specific) if specific else b""
    return full(b"esds", descriptor(3, b"\x00\x01\x00" + descriptor(4, config) + descriptor(6, b"\x02")))


def entry(
    kind: bytes = b"mp4a",
    inner: bytes | None = None,
    *,
    reference: int = 1,
    version: int = 0,
    head: bytes = b"",
    bits: int = 16,
) -> bytes:
    """An audio sample entry; ``head`` are the further fields of QuickTime versions 1 and 2."""
    fields = bytes(6) + struct.pack(">HHHIHHHHI", reference, version, 0, 0, 2, bits, 0, 0, 44_100 << 16)
    return box(kind, fields + head + (esds(ASC) if inner is None else inner))


@dataclass(frozen=True)
class Track:
    """One track; fields that are None are made to fit the others."""

    id: int = 1
    entries: tuple[bytes, ...] = field(default_factory=lambda: (entry(),))
    sizes: tuple[int, ...] = (200, 300, 100, 250)
    #: Bytes of every sample; ``sizes`` then only gives their number.
    fixed: int = 0
    per_chunk: int = 4
    description: int = 1
    stsc: bytes | None = None
    stsz: bytes | None = None
    stts: tuple[tuple[int, int], ...] | None = None
    scale: int = 44_100
    duration: int | None = None
    #: Duration in movie ticks, media time, rate; None for no edit list.
    edits: tuple[tuple[int, int, int], ...] | None = None
    handler: bytes = b"soun"
    dref: bytes = SELF_CONTAINED
    wide: bool = False
    offsets: tuple[int, ...] | None = None
    in_trak: bytes = b""
    in_mdia: bytes = b""
    in_stbl: bytes = b""
    seed: int = 1

    @property
    def samples(self) -> list[bytes]:
        chance = random.Random(self.seed)
        return [chance.randbytes(self.fixed or size) for size in self.sizes]

    @property
    def times(self) -> tuple[tuple[int, int], ...]:
        return ((len(self.sizes), 1024),) if self.stts is None else self.stts

    @property
    def length(self) -> int:
        return sum(number * delta for number, delta in self.times)

    def chunk_offsets(self, start: int) -> list[int]:
        found, position = [], start
        for number, sample in enumerate(self.samples):
            if number % self.per_chunk == 0:
                found.append(position)
            position += len(sample)
        return found

    def box(self, start: int) -> bytes:
        offsets = self.chunk_offsets(start) if self.offsets is None else list(self.offsets)
        table = u64(*offsets) if self.wide else u32(*offsets)
        stsz = self.stsz
        if stsz is None:
            sizes = b"" if self.fixed else u32(*self.sizes)
            stsz = full(b"stsz", u32(self.fixed, len(self.sizes)) + sizes)
        times = b"".join(u32(*entry) for entry in self.times)
        stbl = box(
            b"stbl",
            full(b"stsd", u32(len(self.entries)) + b"".join(self.entries))
            + full(b"stts", u32(len(self.times)) + times)
            + (full(b"stsc", u32(1, 1, self.per_chunk, self.description)) if self.stsc is None else self.stsc)
            + stsz
            + full(b"co64" if self.wide else b"stco", u32(len(offsets)) + table)
            + self.in_stbl,
        )
        dinf = box(b"dinf", full(b"dref", u32(1) + self.dref))
        minf = box(b"minf", full(b"smhd", bytes(4)) + dinf + stbl)
        length = self.length if self.duration is None else self.duration
        mdhd = full(b"mdhd", u32(0, 0, self.scale, length) + bytes(4))
        hdlr = full(b"hdlr", bytes(4) + self.handler + bytes(13))
        mdia = box(b"mdia", mdhd + hdlr + minf + self.in_mdia)
        tkhd = full(b"tkhd", u32(0, 0, self.id, 0, length) + bytes(60))
        edts = b""
        if self.edits is not None:
            listed = b"".join(struct.pack(">IiI", *edit) for edit in self.edits)
            edts = box(b"edts", full(b"elst", u32(len(self.edits)) + listed))
        return box(b"trak", tkhd + edts + mdia + self.in_trak)


#: A second track that is no audio.
VIDEO = Track(id=9, handler=b"vide", entries=(box(b"mp4v", bytes(78)),), sizes=(50, 60), per_chunk=2, seed=9)


def moov(tracks: Sequence[Track], starts: Sequence[int], inner: bytes = b"", duration: int = 0) -> bytes:
    mvhd = full(b"mvhd", u32(0, 0, 1000, duration) + bytes(80))
    traks = b"".join(track.box(start) for track, start in zip(tracks, starts, strict=True))
    return box(b"moov", mvhd + traks + inner)


def movie(
    *tracks: Track,
    udta: bytes = b"",
    inner: bytes = b"",
    first: bool = False,
    before: bytes = b"",
    between: bytes = b"",
    after: bytes = b"",
    duration: int = 0,
    mdat_head: bytes | None = None,
) -> bytes:
    """A whole file: ``ftyp``, ``before``, then ``mdat`` and ``moov`` in either order, then ``after``.

    ``between`` stands behind the one that comes first. ``mdat_head`` replaces the 8 bytes of
    size and type.
    """
    tracks = tracks or (Track(),)
    payloads = [b"".join(track.samples) for track in tracks]
    mdat = box(b"mdat", b"".join(payloads))
    head = mdat[:8] if mdat_head is None else mdat_head
    mdat = head + mdat[8:]
    inner += box(b"udta", udta) if udta else b""
    size = len(moov(tracks, [0] * len(tracks), inner, duration)) if first else 0
    start = len(FTYP + before) + (size + len(between) if first else 0) + len(head)
    starts = [start + sum(map(len, payloads[:number])) for number in range(len(tracks))]
    made = moov(tracks, starts, inner, duration)
    parts = [made, between, mdat] if first else [mdat, between, made]
    return FTYP + before + b"".join(parts) + after


def with_offsets(track: Track, *offsets: int) -> Track:
    return replace(track, offsets=offsets)


# -- fragments ----------------------------------------------------------------------------------

#: Defaults of track 1: sample description, duration, size, flags.
TREX = full(b"trex", u32(1, 1, 1024, 0, 0))
#: A track whose samples all lie in fragments.
EMPTY = Track(sizes=(), offsets=(), stsc=full(b"stsc", u32(0)), stts=())


@dataclass(frozen=True)
class Run:
    """A ``trun`` box; the sizes of its samples are always in it."""

    sizes: tuple[int, ...]
    durations: tuple[int, ...] | None = None
    shifts: tuple[int, ...] | None = None
    #: Where it says that its samples lie, from the base; None for where they do, False for nowhere.
    offset: int | bool | None = None
    version: int = 0

    def box(self, offset: int) -> bytes:
        columns = [(0x100, self.durations), (0x200, self.sizes), (0x800, self.shifts)]
        present = [(flag, column) for flag, column in columns if column is not None]
        rows = b"".join(u32(*row) for row in zip(*(column for _, column in present), strict=True))
        flags = sum(flag for flag, _ in present) | (0 if self.offset is False else 1)
        stated = offset if self.offset is None else self.offset
        head = u32(len(self.sizes)) + (b"" if self.offset is False else struct.pack(">i", stated))
        return box(b"trun", bytes([self.version]) + flags.to_bytes(3, "big") + head + rows)


@dataclass(frozen=True)
class Fragment:
    """A ``moof`` box with one track fragment, and its ``mdat``."""

    runs: tuple[Run, ...] = (Run((200, 300)),)
    number: int = 1
    time: int | None = None
    track: int = 1
    #: From what data offsets count: ``moof`` (flag), ``file`` (an explicit base), ``first`` (nothing said).
    base: str = "moof"
    description: int | None = None
    flags: int = 0
    in_moof: bytes = b""
    in_traf: bytes = b""
    seed: int = 1

    @property
    def payload(self) -> bytes:
        chance = random.Random(f"{self.seed} {self.number}")
        return b"".join(chance.randbytes(size) for run in self.runs for size in run.sizes)

    def box(self, start: int) -> bytes:
        size = len(self._moof(start, 0))
        return self._moof(start, size + 8) + box(b"mdat", self.payload)

    def _moof(self, start: int, data: int) -> bytes:
        flags = self.flags | {"moof": 0x20000, "file": 1, "first": 0}[self.base]
        head = u32(self.track) + (u64(start) if self.base == "file" else b"")
        if self.description is not None:
            flags, head = flags | 2, head + u32(self.description)
        traf = box(b"tfhd", u32(flags) + head)
        if self.time is not None:
            traf += full(b"tfdt", u64(self.time), version=1)
        for run in self.runs:
            traf += run.box(data)
            data += sum(run.sizes)
        return box(
            b"moof", full(b"mfhd", u32(self.number)) + box(b"traf", traf + self.in_traf) + self.in_moof
        )


#: Three seconds in three fragments.
THREE = tuple(
    Fragment((Run(tuple(range(9 + number, 52 + number))),), number, (number - 1) * 44_032)
    for number in (1, 2, 3)
)


def fragmented(
    *fragments: Fragment,
    track: Track = EMPTY,
    mvex: bytes = TREX,
    before: bytes = b"",
    between: bytes = b"",
    index: bool = False,
    access: bool = False,
    extra: bytes = b"",
) -> bytes:
    """A movie box with ``extra`` in it, and ``fragments``, with a ``sidx`` or ``mfra`` box if asked for."""
    fragments = fragments or THREE
    inner = (box(b"mvex", mvex) if mvex else b"") + extra
    media = b"".join(track.samples)
    head = FTYP + before
    start = len(head) + len(moov([track], [0], inner))
    made = head + moov([track], [start + 8], inner)
    made += (box(b"mdat", media) if media else b"") + between
    if index:
        made += sidx([len(fragment.box(0)) for fragment in fragments])
    places = []
    for fragment in fragments:
        places.append((fragment.time or 0, len(made)))
        made += fragment.box(len(made))
    return made + (mfra(places) if access else b"")


def sidx(sizes: Sequence[int], first: int = 0, version: int = 0) -> bytes:
    """A segment index whose parts have these sizes; a negative size is that of another index."""
    head = u32(1, 44_100) + (u64(0, first) if version else u32(0, first)) + struct.pack(">HH", 0, len(sizes))
    rows = b"".join(u32(size if size >= 0 else 1 << 31 | -size, 44_032, 1 << 31) for size in sizes)
    return full(b"sidx", head + rows, version)


def mfra(places: Sequence[tuple[int, int]], version: int = 1) -> bytes:
    """A random access box with the time and place of each fragment."""
    rows = b"".join((u64(*place) if version else u32(*place)) + b"\x01\x01\x01" for place in places)
    tfra = full(b"tfra", u32(1, 0, len(places)) + rows, version)
    return box(b"mfra", tfra + full(b"mfro", u32(len(tfra) + 24)))


# -- tags -------------------------------------------------------------------------------------


def hdlr(kind: bytes = b"mdir") -> bytes:
    return box(b"hdlr", bytes(8) + kind + b"appl" + bytes(9))


def meta(*items: bytes, handler: bytes = b"mdir", before: bytes = b"") -> bytes:
    return box(b"meta", bytes(4) + hdlr(handler) + before + box(b"ilst", b"".join(items)))


def data(payload: bytes, kind: int = 1) -> bytes:
    return box(b"data", u32(kind, 0) + payload)


def item(kind: bytes, *texts: str) -> bytes:
    return box(kind, b"".join(data_atom(text) for text in texts))


def freeform(name: str, *datas: bytes, mean: str = "com.apple.iTunes") -> bytes:
    return box(b"----", full(b"mean", mean.encode()) + full(b"name", name.encode()) + b"".join(datas))


def keyed(pairs: Sequence[tuple[str, str]]) -> bytes:
    """A ``meta`` box of handler ``mdta``, as ``ffmpeg -movflags use_metadata_tags`` writes it."""
    keys = b"".join(u32(8 + len(key.encode())) + b"mdta" + key.encode() for key, _ in pairs)
    items = [box(u32(number), data_atom(text)) for number, (_, text) in enumerate(pairs, 1)]
    return meta(*items, handler=b"mdta", before=full(b"keys", u32(len(pairs)) + keys))


def string(kind: bytes, *texts: tuple[bytes, int]) -> bytes:
    """A QuickTime ``©`` atom with texts in languages."""
    return box(kind, b"".join(struct.pack(">HH", len(text), language) + text for text, language in texts))
