"""The essence of MP4: what is hashed, what is not, and every place where a player could differ."""

from __future__ import annotations

import hashlib
import random
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.mp4 import Mp4
from noai.containers.ogg import Ogg
from noai.containers.registry import detect
from noai.errors import ContainerError, ContainerMalformed, LimitExceeded
from noai.essence import EssenceReading
from noai.limits import MP4_EDITS, MP4_TRACKS, READ_SIZE
from noai.sources import BytesSource
from tests.audio import Studio, ffmpeg, run
from tests.unit.mp4_files import (
    ASC,
    FTYP,
    VIDEO,
    Track,
    box,
    data,
    entry,
    esds,
    freeform,
    full,
    meta,
    movie,
    u32,
    u64,
    with_offsets,
)

MP4 = Mp4()
#: Where the first sample lies in ``movie()``.
START = len(FTYP) + 8


def read(content: bytes) -> EssenceReading:
    return MP4.read_essence(BytesSource(content))


def codes(content: bytes) -> set[Code]:
    return {violation.code for violation in read(content).violations}


def of(path: Path) -> EssenceReading:
    return read(path.read_bytes())


# -- the preimage -------------------------------------------------------------------------------


def test_the_digest_is_what_the_format_document_says() -> None:
    """Computed here from the definition alone."""
    track = Track()
    payload = b"".join(track.samples)
    lengths = struct.pack("<4I", *track.sizes)
    config = struct.pack("<BIB", 2, 44_100, 2)
    record = b"\x03aac" + struct.pack("<I", len(config)) + config
    record += struct.pack("<Q", len(payload)) + hashlib.sha256(payload).digest()
    record += b"\x01" + struct.pack("<Q", 4) + hashlib.sha256(lengths).digest()
    expected = hashlib.sha256(b"noai-essence/1\x00" + struct.pack("<I", 1) + record).digest()
    found = read(movie(track))
    assert (found.digest.scheme, found.digest.digest) == ("aac/1", expected)
    assert (found.payload_bytes, found.violations) == (850, ())


def test_the_layout_of_the_file_does_not_matter() -> None:
    track = Track(sizes=tuple(range(1, 40)))
    expected = read(movie(track))
    compact = full(b"stz2", u32(16, 39) + struct.pack(">39H", *track.sizes))
    for other in (
        movie(track, first=True),
        movie(replace(track, per_chunk=1)),
        movie(replace(track, per_chunk=7)),
        movie(replace(track, wide=True)),
        movie(replace(track, stsz=compact)),
        movie(replace(track, stsz=full(b"stz2", u32(8, 39) + bytes(track.sizes)))),
        movie(replace(track, stts=((38, 1024), (1, 700)))),
        movie(replace(track, scale=44_100 * 2, stts=((39, 2048),))),
        movie(replace(track, edits=((2000, 1024, 0x10000),))),
        movie(replace(track, entries=(entry(inner=esds(ASC, bit_rate=64_000)),))),
        movie(replace(track, in_trak=box(b"udta", b""))),
        movie(track, VIDEO),
        movie(track, before=box(b"free", bytes(99)), after=box(b"uuid", bytes(30))),
        movie(track, udta=meta(freeform("NOAI", data(b"x")))),
        movie(track, mdat_head=u32(1) + b"mdat" + u64(16 + sum(track.sizes))),
    ):
        assert read(other) == expected


def test_sizes_of_four_bits() -> None:
    track = Track(sizes=(1, 15, 7, 3, 9))
    compact = full(b"stz2", u32(4, 5) + bytes([0x1F, 0x73, 0x90]))
    assert read(movie(replace(track, stsz=compact))) == read(movie(track))


def test_old_chunks_are_cut_into_the_packets_that_the_entry_states() -> None:
    """``stsz`` counts frames, and says that each has one byte; so do players."""
    table = Track(entries=(OLD,), fixed=1, sizes=(1,) * 40, per_chunk=40, stts=((40, 1),), scale=40)
    content = movie(table, after=box(b"mdat", b""))
    short = read(content[: START + 40] + content[START + 40 :])
    assert Code.SAMPLES_OUTSIDE_MDAT in {violation.code for violation in short.violations}
    packets = Track(entries=(OLD,), fixed=10, sizes=(10,) * 10, per_chunk=10, stts=((10, 4),), scale=40)
    whole = movie(packets)
    old = whole.replace(full(b"stsz", u32(10, 10)), full(b"stsz", u32(1, 40)))
    old = old.replace(full(b"stts", u32(1, 10, 4)), full(b"stts", u32(1, 40, 1)))
    old = old.replace(full(b"stsc", u32(1, 1, 10, 1)), full(b"stsc", u32(1, 1, 40, 1)))
    assert (read(old), read(old).violations) == (read(whole), ())
    assert read(old).payload_bytes == 100


def test_old_chunks_hold_whole_packets() -> None:
    table = Track(entries=(OLD,), fixed=1, sizes=(1,) * 42, per_chunk=42, stts=((42, 1),), scale=40)
    with pytest.raises(ContainerMalformed):
        read(movie(table))


def test_a_table_over_several_reads() -> None:
    """Tables are read in blocks; a chunk may begin in one and end in the next."""
    sizes = tuple(1 + number % 3 for number in range(READ_SIZE // 4 + 1000))
    expected = read(movie(Track(sizes=sizes, per_chunk=len(sizes))))
    assert expected.payload_bytes == sum(sizes)
    for per_chunk in (7, 100_000, READ_SIZE // 4):
        assert read(movie(Track(sizes=sizes, per_chunk=per_chunk))) == expected
    wide = full(b"stz2", u32(16, len(sizes)) + struct.pack(f">{len(sizes)}H", *sizes))
    assert read(movie(Track(sizes=sizes, per_chunk=999, stsz=wide))) == expected


def test_equal_sizes_may_be_stated_once() -> None:
    assert read(movie(Track(fixed=50, sizes=(50,) * 9))) == read(movie(Track(sizes=(50,) * 9)))


def test_every_byte_of_every_sample_counts() -> None:
    track = Track(sizes=(3, 5, 2), per_chunk=2)
    content = movie(track, VIDEO)
    original = read(content).digest
    for position in range(START, START + 10):
        changed = bytearray(content)
        changed[position] ^= 1
        assert read(bytes(changed)).digest != original
    changed = bytearray(content)
    changed[START + 10] ^= 1
    assert read(bytes(changed)).digest == original


@pytest.mark.parametrize(
    "other",
    [
        Track(sizes=(200, 300, 350)),
        Track(sizes=(300, 200, 100, 250)),
        Track(sizes=(200, 300, 100, 250, 1)),
        Track(entries=(entry(inner=esds(bytes.fromhex("1190"))),)),
        Track(entries=(entry(inner=esds(bytes.fromhex("1208"))),)),
        Track(entries=(entry(inner=esds(bytes.fromhex("121056e580"))),)),
        Track(entries=(entry(inner=esds(bytes.fromhex("0a10"))),)),
    ],
)
def test_packet_limits_and_configuration_count(other: Track) -> None:
    assert read(movie(other)).digest != read(movie(Track())).digest


def test_tracks_are_hashed_in_the_order_of_their_ids() -> None:
    one, two = Track(id=1, seed=1), Track(id=2, seed=2)
    assert read(movie(one, two)) == read(movie(two, one))
    assert read(movie(one, two)).digest != read(movie(replace(one, id=3), two)).digest
    assert read(movie(one, two)).digest != read(movie(one)).digest


@pytest.mark.parametrize("handler", [b"text", b"meta", b"xxxx"])
def test_audio_counts_whatever_its_handler_says(handler: bytes) -> None:
    """ffmpeg plays a track with an audio sample entry that has no known handler."""
    assert read(movie(Track(handler=handler))) == read(movie(Track()))


# -- violations ---------------------------------------------------------------------------------


#: MS ADPCM, version 1: four frames make a packet of ten bytes.
OLD = entry(b"ms\x00\x02", b"", version=1, head=u32(4, 5, 10, 2))


def misplaced(kind: bytes) -> bytes:
    return box(b"udta", box(kind, bytes(40)))


VIOLATIONS = {
    "offset into free": (
        movie(with_offsets(Track(), START + 100), before=box(b"free", bytes(2000))),
        Code.SAMPLES_OUTSIDE_MDAT,
    ),
    "offset into moov": (movie(with_offsets(Track(sizes=(8,)), 40 + 8 + 100)), Code.SAMPLES_OUTSIDE_MDAT),
    "offset into mdat's own head": (movie(with_offsets(Track(), START - 1)), Code.SAMPLES_OUTSIDE_MDAT),
    "a run over the end of mdat": (movie(with_offsets(Track(), START + 1)), Code.SAMPLES_OUTSIDE_MDAT),
    "samples in another file": (
        movie(Track(dref=box(b"url ", bytes(4) + b"file:///x\x00"))), Code.SAMPLES_OUTSIDE_MDAT,
    ),
    "no such data reference": (
        movie(Track(entries=(entry(reference=2),))), Code.SAMPLES_OUTSIDE_MDAT,
    ),
    "one chunk twice": (
        movie(with_offsets(Track(sizes=(20, 20), per_chunk=1), START, START)), Code.SAMPLES_OVERLAP,
    ),
    "tracks that share samples": (movie(Track(), with_offsets(Track(id=2), START)), Code.SAMPLES_OVERLAP),
    "two movies": (movie() + movie()[len(FTYP):], Code.MOOV_DUPLICATE),
    "an encrypted track": (movie(Track(entries=(entry(b"enca"),))), Code.ESSENCE_UNSUPPORTED),
    "two sample entries": (movie(Track(entries=(entry(), entry()))), Code.ESSENCE_UNSUPPORTED),
    "an unknown sample entry": (movie(Track(description=2)), Code.ESSENCE_UNSUPPORTED),
    "old chunk layout": (movie(Track(stts=((4, 1),), scale=40)), Code.ESSENCE_UNSUPPORTED),
    "old chunk layout, sizes one by one": (
        movie(Track(entries=(OLD,), stts=((4, 1),), scale=40)), Code.ESSENCE_UNSUPPORTED,
    ),
    "two files joined": (movie() + box(b"ftyp", b"M4A " + bytes(4)), Code.BOX_MISPLACED),
    "PCM with lying sizes": (
        movie(Track(entries=(entry(b"sowt", b""),), fixed=1, sizes=(1,) * 40, per_chunk=40)),
        Code.ESSENCE_UNSUPPORTED,
    ),
    "no audio": (movie(VIDEO), Code.ESSENCE_EMPTY),
    "no samples": (movie(Track(sizes=(), offsets=(), stsc=full(b"stsc", u32(0)))), Code.ESSENCE_EMPTY),
    "handler in a track": (
        movie(Track(in_trak=full(b"hdlr", bytes(4) + b"soun" + bytes(13)))), Code.BOX_MISPLACED,
    ),
    **{
        f"{kind.decode()} in user data": (movie(inner=misplaced(kind)), Code.BOX_MISPLACED)
        for kind in (b"stco", b"stsd", b"esds", b"alac", b"dOps", b"wave", b"glbl", b"elst", b"mvhd")
    },
    **{
        f"{kind.decode()} at the top": (movie(after=box(kind, b"")), Code.BOX_MISPLACED)
        for kind in (b"trak", b"mdia", b"stbl", b"stsz", b"edts")
    },
}  # fmt: skip


@pytest.mark.parametrize("case", VIOLATIONS)
def test_where_players_could_differ_binding_fails(case: str) -> None:
    content, code = VIOLATIONS[case]
    assert code in codes(content)


#: One second of packets.
SECOND = Track(sizes=(9,) * 44, per_chunk=44, stts=((43, 1024), (1, 68)))

HIDING = {
    "starts late": ((1000, 44_101, 0x10000),),
    "ends early": ((900, 0, 0x10000),),
    "empty": ((1000, -1, 0x10000),),
    "no time": ((0, 0, 0x10000),),
    "half speed": ((2000, 0, 0x8000),),
    "still": ((1000, 0, 0),),
    "negative start": ((1000, -2, 0x10000),),
    "skips": ((300, 0, 0x10000), (300, 30_000, 0x10000)),
    "repeats": ((500, 0, 0x10000), (1000, 0, 0x10000)),
}
HARMLESS = {
    "encoder delay": ((1000, 1024, 0x10000),),
    "trailing padding": ((977, 0, 0x10000),),
    "silence first": ((250, -1, 0x10000), (1000, 0, 0x10000)),
    "cut in two": ((500, 0, 0x10000), (500, 22_050, 0x10000)),
    "longer than the media": ((5000, 0, 0x10000),),
    "no entries": (),
}


@pytest.mark.parametrize("case", HIDING)
def test_edit_lists_that_hide_audio(case: str) -> None:
    assert codes(movie(replace(SECOND, edits=HIDING[case]))) == {Code.EDIT_HIDES_AUDIO}


@pytest.mark.parametrize("case", HARMLESS)
def test_edit_lists_that_hide_nothing(case: str) -> None:
    assert codes(movie(replace(SECOND, edits=HARMLESS[case]))) == set()


def test_edit_lists_of_version_1() -> None:
    for start, expected in ((1024, set()), (50_000, {Code.EDIT_HIDES_AUDIO})):
        listed = full(b"elst", u32(1) + struct.pack(">QqI", 1000, start, 0x10000), version=1)
        assert codes(movie(replace(SECOND, in_trak=box(b"edts", listed)))) == expected


@pytest.mark.parametrize(
    ("content", "hides"),
    [
        (movie(SECOND, duration=1000), False),
        (movie(SECOND, duration=0), False),
        (movie(SECOND, duration=0xFFFF_FFFF), False),
        (movie(SECOND, duration=500), True),
        (movie(replace(SECOND, edits=((1000, 0, 0x10000),)), duration=500), False),
        (movie(replace(SECOND, duration=0)), False),
        (movie(replace(SECOND, duration=22_050)), True),
        (movie(replace(SECOND, stts=((43, 1024),))), True),
        (movie(replace(SECOND, stts=((45, 1024),))), True),
        (movie(replace(SECOND, stts=((44, 100),))), True),
        (movie(replace(SECOND, stts=((44, 1020),))), False),
        (movie(replace(SECOND, in_stbl=full(b"ctts", u32(1, 44, 1024)))), False),
        (movie(replace(SECOND, in_stbl=full(b"ctts", u32(1, 44, 90_000)))), True),
        (movie(replace(SECOND, in_stbl=full(b"ctts", u32(1, 44, 0xFFFF_FFFF - 90_000)))), True),
    ],
)
def test_durations_and_times_that_hide_audio(content: bytes, hides: bool) -> None:
    assert codes(content) == ({Code.EDIT_HIDES_AUDIO} if hides else set())


# -- contradictions -----------------------------------------------------------------------------

BROKEN = {
    "no stsz": Track(stsz=b""),
    "stsz and stz2": Track(in_stbl=full(b"stz2", u32(8, 4) + bytes(4))),
    "two stsz": Track(in_stbl=full(b"stsz", u32(5, 4))),
    "stsz too short": Track(stsz=full(b"stsz", u32(0, 9, 1))),
    "stz2 of 12 bits": Track(stsz=full(b"stz2", u32(12, 4) + bytes(6))),
    "stz2 too short": Track(stsz=full(b"stz2", u32(16, 4) + bytes(7))),
    "stco and co64": Track(in_stbl=full(b"co64", u32(0))),
    "two stco": Track(in_stbl=full(b"stco", u32(0))),
    "no stsc": Track(stsc=b""),
    "stsc from chunk 2": Track(stsc=full(b"stsc", u32(1, 2, 4, 1))),
    "stsc out of order": Track(stsc=full(b"stsc", u32(2, 1, 4, 1, 1, 4, 1))),
    "empty chunks": Track(stsc=full(b"stsc", u32(1, 1, 0, 1))),
    "fewer samples in chunks": Track(stsc=full(b"stsc", u32(1, 1, 3, 1))),
    "more chunks than samples": Track(stsc=full(b"stsc", u32(1, 1, 4, 1)), offsets=(36, 886)),
    "samples behind the end": with_offsets(Track(), 5_000),
    "samples far behind the end": with_offsets(replace(Track(), wide=True), 1 << 60),
    "no time scale": Track(scale=0),
    "two stts": Track(in_stbl=full(b"stts", u32(0))),
    "two edit lists": Track(edits=(), in_trak=box(b"edts", full(b"elst", u32(0)))),
    "edit list too short": Track(in_trak=box(b"edts", full(b"elst", u32(3)))),
    "edit list of version 2": Track(in_trak=box(b"edts", full(b"elst", u32(0), version=2))),
    "no esds": Track(entries=(entry(b"alac", b""),)),
    "two esds": Track(entries=(entry(inner=esds(ASC) * 2),)),
    "esds and alac": Track(entries=(entry(inner=esds(ASC) + full(b"alac", bytes(24))),)),
    "esds cut": Track(entries=(entry(inner=full(b"esds", b"\x03\x80\x80")),)),
    "short entry": Track(entries=(box(b"mp4a", bytes(20)),)),
    "no entry": Track(entries=()),
    "data references miscounted": Track(dref=box(b"url ", b"\x00\x00\x00\x01") * 2),
    "two media": Track(in_trak=box(b"mdia", box(b"minf", box(b"stbl", b"")))),
    "a second header": Track(in_trak=full(b"tkhd", bytes(80))),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_tables_that_contradict_each_other(case: str) -> None:
    with pytest.raises(ContainerMalformed):
        read(movie(BROKEN[case]))


def test_two_tracks_of_one_id() -> None:
    with pytest.raises(ContainerMalformed):
        read(movie(Track(), Track(seed=2)))


def test_a_last_chunk_that_is_not_full() -> None:
    """Muxers leave out the stsc entry for it."""
    full_chunks = Track(sizes=(9,) * 10, per_chunk=4)
    assert read(movie(full_chunks)) == read(movie(Track(sizes=(9,) * 10, per_chunk=10)))


@pytest.mark.parametrize(
    "content",
    [
        movie(*[Track(id=number, sizes=(1,)) for number in range(1, MP4_TRACKS + 2)]),
        movie(Track(edits=((1, 0, 0x10000),) * (MP4_EDITS + 1))),
        movie(Track(entries=(entry(inner=box(b"xxxx", bytes(70_000))),))),
    ],
    ids=["tracks", "edits", "entry"],
)
def test_limits(content: bytes) -> None:
    with pytest.raises(LimitExceeded):
        read(content)


@pytest.mark.parametrize("table", [b"stts", b"stsz", b"stsc", b"stco", b"ctts"])
def test_a_table_that_claims_billions_costs_nothing(table: bytes) -> None:
    content = movie(Track(in_stbl=full(b"ctts", u32(1, 4, 0))))
    at = content.index(table) + (12 if table == b"stsz" else 8)
    for claimed in (0xFFFF_FFFF, 0x1000_0000):
        with pytest.raises(ContainerError):
            read(content[:at] + u32(claimed) + content[at + 4 :])


def test_a_sample_size_that_claims_billions_costs_nothing() -> None:
    stsz, stsc = full(b"stsz", u32(1 << 30, 1 << 31)), full(b"stsc", u32(1, 1, 1 << 31, 1))
    with pytest.raises(ContainerMalformed):
        read(movie(Track(stsz=stsz, stsc=stsc)))


class Counting(BytesSource):
    reads = 0

    def read_at(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return super().read_at(offset, length)


def test_contiguous_samples_are_read_together() -> None:
    source = Counting(movie(Track(sizes=(400,) * 5_000, per_chunk=20)))
    MP4.read_essence(source)
    assert source.reads < 60


# -- any bytes ------------------------------------------------------------------------------------

SEEDS = [
    movie(Track(edits=((100, 0, 0x10000),)), udta=meta(freeform("NOAI", data(b"x")))),
    movie(Track(wide=True, per_chunk=2), VIDEO, first=True),
    movie(Track(entries=(entry(b"sowt", b""),), fixed=4, sizes=(4,) * 40, per_chunk=40, stts=((40, 1),))),
    movie(Track(entries=(entry(b"alac", full(b"alac", u32(4096) + bytes(20))),))),
]
NUMBERS = [b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff", u32(1), u32(8), b"moov", b"trak", b"stbl"]
PIECES = st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from(NUMBERS))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 5_000), PIECES), max_size=5),
)
def test_mutated_files_raise_only_container_errors(seed: bytes, changes: list[tuple[int, bytes]]) -> None:
    for place, piece in changes:
        at = place % len(seed)
        seed = seed[:at] + piece + seed[at + len(piece) :]
    try:
        read(seed)
    except ContainerError:
        return


# -- real files -----------------------------------------------------------------------------------


def each(*cases: tuple[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("container", "variant"), cases)


def remuxed(source: Path, target: Path, *options: str) -> Path:
    ffmpeg("-i", source, "-map", "0:a", "-c", "copy", *options, "-strict", "-2", target)
    return target


@each(("mp4", "tagged"), ("mp4", "chapters"), ("mp4-alac", "plain"))
def test_remuxing_keeps_the_digest(studio: Studio, tmp_path: Path, container: str, variant: str) -> None:
    path = studio.encoded(container, variant)
    quicktime = remuxed(path, tmp_path / "x.mov")
    matroska = remuxed(path, tmp_path / "x.mkv")
    for other in (
        remuxed(path, tmp_path / "front.m4a", "-movflags", "+faststart"),
        remuxed(path, tmp_path / "keys.mp4", "-movflags", "use_metadata_tags"),
        remuxed(path, tmp_path / "phone.mp4", "-brand", "mp42"),
        quicktime,
        remuxed(quicktime, tmp_path / "back.m4a"),
        remuxed(matroska, tmp_path / "from-matroska.m4a"),
    ):
        assert of(other) == of(path)


def test_aac_through_adts_keeps_the_digest(studio: Studio, tmp_path: Path) -> None:
    path = studio.encoded("mp4", "plain")
    adts = remuxed(path, tmp_path / "x.aac")
    assert of(remuxed(adts, tmp_path / "x.m4a")).digest == of(path).digest


def test_opus_has_one_digest_in_ogg_and_mp4(studio: Studio, tmp_path: Path) -> None:
    ogg = tmp_path / "x.opus"
    ffmpeg("-i", studio.materials.clip, "-c:a", "libopus", ogg)
    found = of(remuxed(ogg, tmp_path / "x.mp4"))
    assert found.digest == Ogg().read_essence(BytesSource(ogg.read_bytes())).digest
    assert found.violations == ()


@pytest.mark.parametrize(
    ("codec", "name", "scheme"),
    [
        ("flac", "x.mp4", "flac-packets/1"),
        ("libmp3lame", "x.mp4", "mp3-packets/1"),
        ("libmp3lame", "x.mov", "mp3-packets/1"),
        ("ac3", "x.mp4", "ac3/1"),
        ("eac3", "x.mp4", "eac3/1"),
        ("libopus", "x.mp4", "opus/1"),
        ("alac", "x.mov", "alac/1"),
        ("pcm_s16le", "x.mov", "pcm/1"),
        ("pcm_s24be", "x.mov", "pcm-be/1"),
        ("pcm_f32le", "x.mov", "pcm/1"),
        ("pcm_u8", "x.mov", "pcm/1"),
        ("pcm_mulaw", "x.mov", "pcm/1"),
        ("mp2", "x.mov", "mp3-packets/1"),
        ("mp2", "x.mp4", "mp3-packets/1"),
        ("libvorbis", "x.mp4", "mp4a-dd/1"),
        ("aac", "x.3gp", "aac/1"),
        ("aac", "x.m4b", "aac/1"),
    ],
)
def test_other_codecs_bind_and_survive_a_remux(
    studio: Studio, tmp_path: Path, codec: str, name: str, scheme: str
) -> None:
    path = tmp_path / name
    ffmpeg("-i", studio.materials.clip, "-c:a", codec, "-strict", "-2", path)
    found = of(path)
    assert (found.digest.scheme, found.violations) == (scheme, ())
    assert of(remuxed(path, path.with_stem("again"), "-movflags", "+faststart")) == found


@pytest.mark.parametrize(
    ("codec", "scheme"), [("adpcm_ima_qt", "mp4-ima4/1"), ("adpcm_ms", "mp4-6d730002/1")]
)
def test_codecs_of_constant_packets_bind(studio: Studio, tmp_path: Path, codec: str, scheme: str) -> None:
    """ffmpeg describes the first anew when it remuxes, and cannot remux the other."""
    path = tmp_path / "x.mov"
    ffmpeg("-i", studio.materials.clip, "-c:a", codec, path)
    found = of(path)
    assert (found.digest.scheme, found.violations) == (scheme, ())


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("pcm_s16le", "x.wav"),
        ("pcm_s24le", "x.wav"),
        ("pcm_f64le", "x.wav"),
        ("pcm_u8", "x.wav"),
        ("pcm_alaw", "x.wav"),
        ("pcm_s16be", "x.aiff"),
        ("pcm_s24be", "x.aiff"),
        ("pcm_s8", "x.aiff"),
    ],
)
def test_pcm_has_one_digest_in_quicktime_and_elsewhere(
    studio: Studio, tmp_path: Path, codec: str, name: str
) -> None:
    movie_path = tmp_path / "x.mov"
    ffmpeg("-i", studio.materials.clip, "-c:a", codec, movie_path)
    other = BytesSource(remuxed(movie_path, tmp_path / name).read_bytes())
    assert detect(other).container.read_essence(other).digest == of(movie_path).digest


def test_a_file_with_video_counts_by_its_audio(studio: Studio, tmp_path: Path) -> None:
    audio, both = studio.encoded("mp4", "plain"), tmp_path / "x.mp4"
    ffmpeg("-i", audio, "-f", "lavfi", "-i", "testsrc=s=64x64:d=2", "-c:a", "copy", "-c:v", "mpeg4", both)
    assert of(both) == of(audio)


def test_an_edit_list_that_ffmpeg_makes_to_trim_is_seen(studio: Studio, tmp_path: Path) -> None:
    """Half of the samples stay in the file and are never played."""
    path = studio.encoded("mp4", "plain")
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 12
    content[at : at + 4] = u32(int.from_bytes(content[at : at + 4], "big") // 2)
    assert {violation.code for violation in read(bytes(content)).violations} == {Code.EDIT_HIDES_AUDIO}


@each(("mp4", "cover"), ("mp4", "faststart"), ("mp4-alac", "tagged"))
def test_taggers_keep_the_digest(studio: Studio, tmp_path: Path, container: str, variant: str) -> None:
    original = studio.encoded(container, variant)
    expected = of(original)
    path = tmp_path / original.name
    path.write_bytes(original.read_bytes())
    run("kid3-cli", "-c", "set title Retagged", "-c", "set genre Dub", "-c", "save", path)
    assert of(path) == expected
    run("exiftool", "-q", "-overwrite_original", "-Title=Again", "-XMP-dc:Creator=me", path)
    assert of(path) == expected
    picture = studio.materials.png
    run("AtomicParsley", path, "--album", "x", "--artwork", picture, "--overWrite")
    assert of(path) == expected


def test_random_sample_bytes_of_a_real_file(studio: Studio) -> None:
    content = studio.encoded("mp4", "plain").read_bytes()
    original = read(content).digest
    start = content.index(b"mdat") + 4
    end = start - 8 + int.from_bytes(content[start - 8 : start - 4], "big")
    for position in random.Random(7).sample(range(start, end), 60):
        changed = bytearray(content)
        changed[position] ^= 0x40
        # ffmpeg's mdat holds nothing but samples.
        assert read(bytes(changed)).digest != original
