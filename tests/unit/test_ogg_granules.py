"""Granule positions: real encoders pass, and positions that make players leave audio out are violations."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers import _ogg_flac
from noai.containers._ogg_durations import Durations, _long_blocks, durations_of
from noai.containers._ogg_granules import Timeline
from noai.containers._ogg_streams import read_heads
from noai.errors import ContainerMalformed
from noai.sources import BytesSource
from tests.audio import Studio, ffmpeg, run
from tests.unit.ogg_bytes import (
    KINDS,
    MARK,
    codes,
    essence,
    granule_of,
    header_packets,
    markers,
    notes,
    pages,
    with_granule,
    with_headers,
    written,
)

Files = Callable[..., Path]

EACH = pytest.mark.parametrize("container", KINDS)
#: Samples a second by which granule positions count, in the files made here.
RATES = {"ogg-vorbis": 44_100, "ogg-opus": 48_000, "ogg-flac": 44_100, "ogg-speex": 44_100}


def headers_of(data: bytes) -> int:
    """How many pages hold headers."""
    return len(read_heads(BytesSource(data)).streams[0].header_pages)


def shifted(data: bytes, by: int, *, first: int = 0) -> bytes:
    """The positions of all audio pages from number ``first`` on moved."""
    parts = pages(data)
    begin = headers_of(data) + first
    moved = [with_granule(part, granule_of(part) + by) for part in parts[begin:]]
    return b"".join([*parts[:begin], *moved])


# -- what is left out -------------------------------------------------------------------------


@EACH
def test_an_early_end_is_a_violation(encoded: Files, container: str) -> None:
    """libsndfile and GStreamer stop there, and every header byte else is as it was."""
    data = encoded(container, "long").read_bytes()
    *kept, last = pages(data)
    end = granule_of(last)
    for granule in (0, end // 2, end - RATES[container], -2, -(2**63)):
        changed = b"".join([*kept, with_granule(last, granule)])
        assert essence(changed).digest == essence(data).digest
        assert codes(essence(changed)) == {Code.OGG_GRANULES}, granule
    assert essence(b"".join([*kept, with_granule(last, end - 1)])) == essence(data)
    late = b"".join([*kept, with_granule(last, end + 10 * RATES[container])])
    assert essence(late) == essence(data)


@EACH
def test_an_early_end_that_positions_before_make_up_for_is_a_violation(
    encoded: Files, container: str
) -> None:
    """The length is right again, and decoders cut the last page."""
    data = encoded(container, "long").read_bytes()
    *kept, last = pages(shifted(data, RATES[container], first=1))
    changed = b"".join([*kept, with_granule(last, granule_of(last) - RATES[container])])
    assert codes(essence(changed)) == {Code.OGG_GRANULES}


@EACH
def test_a_start_before_zero_is_a_violation_beyond_a_second(encoded: Files, container: str) -> None:
    """GStreamer plays nothing of it."""
    data = encoded(container, "long").read_bytes()
    assert codes(essence(shifted(data, -3 * RATES[container]))) == {Code.OGG_GRANULES}
    assert essence(shifted(data, -RATES[container] // 2)) == essence(data)


@EACH
def test_a_stream_may_begin_at_any_position(encoded: Files, container: str) -> None:
    data = encoded(container, "long").read_bytes()
    for by in (1, 1_000_000, 2**40):
        assert essence(shifted(data, by)) == essence(data)
        assert notes(shifted(data, by)) == []


@EACH
def test_positions_that_go_back_are_a_note(encoded: Files, container: str) -> None:
    data = encoded(container, "long").read_bytes()
    parts = pages(data)
    at = headers_of(data) + 1
    jump = [*parts[:at], with_granule(parts[at], 1), *parts[at + 1 :]]
    assert notes(b"".join(jump)) == [Code.OGG_GRANULE_ORDER]
    assert not Code.OGG_GRANULE_ORDER.blocks


@EACH
def test_a_stream_without_positions_is_a_violation(encoded: Files, container: str) -> None:
    data = encoded(container, "long").read_bytes()
    parts = pages(data)
    begin = headers_of(data)
    bare = [*parts[:begin], *(with_granule(part, -1) for part in parts[begin:])]
    assert codes(essence(b"".join(bare))) == {Code.OGG_GRANULES}


@EACH
def test_one_page_may_leave_out_a_second_at_most(encoded: Files, tmp_path: Path, container: str) -> None:
    """Whether at its start, as a cut does, or at its end, cannot be told."""
    path = encoded(container, "plain")
    out = tmp_path / path.name
    ffmpeg("-i", path, "-c", "copy", "-page_duration", "9000000", out)
    data = out.read_bytes()
    *kept, last = pages(data)
    if len(kept) != headers_of(data):
        assert container == "ogg-flac"
        return
    assert essence(data).violations == ()
    for seconds, found in ((0.9, set()), (1.1, {Code.OGG_GRANULES})):
        early = with_granule(last, granule_of(last) - int(seconds * RATES[container]))
        assert codes(essence(b"".join([*kept, early]))) == found


# -- what real tools write --------------------------------------------------------------------


def cuts(tmp_path: Path, source: Path) -> Iterator[tuple[str, bytes]]:
    """What ffmpeg makes of a file without encoding it again. It cuts where pages begin."""
    out = tmp_path / f"cut{source.suffix}"
    for options in (
        ("-ss", "0.7"),
        ("-ss", "0.8", "-t", "0.5"),
        ("-ss", "0.9", "-copyts"),
        ("-page_duration", "100000"),
        ("-page_duration", "5000000"),
    ):
        before = options if options[0] == "-ss" else ()
        after = () if before else options
        ffmpeg(*before, "-i", source, "-c", "copy", *after, out)
        yield " ".join(options), out.read_bytes()


@EACH
def test_cuts_by_ffmpeg_bind_and_can_be_marked(encoded: Files, tmp_path: Path, container: str) -> None:
    for what, data in cuts(tmp_path, encoded(container, "plain")):
        assert essence(data).violations == (), what
        assert notes(data) == [], what
        assert len(markers(written(data, MARK))) == 1


@pytest.mark.parametrize("frame", ["2.5", "10", "60"])
def test_opus_packets_of_each_length(studio: Studio, tmp_path: Path, frame: str) -> None:
    out = tmp_path / "a.opus"
    run("opusenc", "--quiet", "--framesize", frame, studio.materials.clip, out)
    assert essence(out.read_bytes()).violations == ()
    ffmpeg("-i", studio.materials.clip, "-c:a", "libopus", "-frame_duration", frame, out)
    assert essence(out.read_bytes()).violations == ()


@pytest.mark.parametrize("samples", [1, 63, 1000, 10_000])
def test_the_shortest_files(studio: Studio, tmp_path: Path, samples: int) -> None:
    clip = tmp_path / "a.wav"
    ffmpeg("-i", studio.materials.clip, "-af", f"atrim=end_sample={samples}", clip)
    made = {name: tmp_path / name for name in ("a.ogg", "a.opus", "a.oga", "a.spx", "b.ogg")}
    run("oggenc", "--quiet", clip, "-o", made["a.ogg"])
    run("opusenc", "--quiet", clip, made["a.opus"])
    run("flac", "--ogg", "--silent", clip, "-o", made["a.oga"])
    run("speexenc", "--quiet", clip, made["a.spx"])
    ffmpeg("-i", clip, "-c:a", "vorbis", "-strict", "-2", made["b.ogg"])
    for name, path in made.items():
        assert essence(path.read_bytes()).violations == (), name


# -- durations --------------------------------------------------------------------------------


def test_durations_add_up_to_what_was_encoded(encoded: Files) -> None:
    """30 s of 44.1 kHz: what the packets last, against the WAVE file that they were made from."""
    for container in KINDS:
        data = encoded(container, "long").read_bytes()
        last = granule_of(pages(data)[-1])
        assert abs(last - 30 * RATES[container]) < RATES[container] / 20, container


class Counted:
    """Ten samples a packet."""

    rate = 1000
    longest = 10

    def of(self, body: bytes, starts: Sequence[int]) -> int:
        return 10 * len(starts)


@given(
    pieces=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12),
    cut=st.integers(0, 60),
)
def test_packets_over_pages_count_where_they_end(pieces: list[tuple[int, bool]], cut: int) -> None:
    """Pages of some packets, the last of which may go on behind them."""
    counted: Durations = Counted()
    timeline = Timeline(counted)
    total, open_packet = 0, False
    granules: list[int] = []
    for number, (packets, unfinished) in enumerate(pieces):
        is_last = number == len(pieces) - 1
        unfinished = unfinished and not is_last
        ended = packets + (open_packet and (packets > 0 or not unfinished))
        starts = list(range(packets + (unfinished and (packets > 0 or not open_packet))))
        if open_packet and not packets and unfinished:
            ended, starts = 0, []
        total += 10 * ended
        granule = 1000 + total - (cut if is_last else 0) if ended or is_last else -1
        granules.append(granule)
        timeline.page(granule, bytes(99), starts, continued=open_packet, unfinished=unfinished)
        open_packet = unfinished
    several = any(granule != -1 for granule in granules[:-1])
    assert bool(list(timeline.problems())) == (several and cut > 10)


@given(data=st.binary(max_size=20))
def test_frame_headers_of_any_bytes_have_a_duration(data: bytes) -> None:
    assert 0 <= _ogg_flac.samples_of(data) <= 65_536


@pytest.mark.parametrize(
    ("head", "samples"),
    [
        ("fff8 1918 00", 192),
        ("fff8 5918 00", 4608),
        ("fff8 c918 00", 4096),
        ("fff8 6918 00 0f", 16),
        ("fff8 7918 00 0fff", 4096),
        ("fff9 7918 c280 0fff", 4096),
        ("fff9 7918 fe8080808080 80 ffff", 65_536),
        ("fff8 7918 00 0f", 0),
        ("fff8 0918 00", 0),
        ("fff8", 0),
    ],
)
def test_the_samples_of_a_flac_frame(head: str, samples: int) -> None:
    assert _ogg_flac.samples_of(bytes.fromhex(head.replace(" ", ""))) == samples


def setup(flags: list[int]) -> bytes:
    """The end of a Vorbis setup header with these modes, behind some codebook."""
    bits = "".join(
        reversed([f"{len(flags) - 1:06b}"] + [f"{7:08b}" + "0" * 32 + str(flag) for flag in flags])
    )
    bits = "".join([f"{7:08b}" + "0" * 32 + str(flag) for flag in reversed(flags)]) + f"{len(flags) - 1:06b}"
    return b"\x05vorbis" + b"\x55" * 20 + int("1" + bits, 2).to_bytes(len(bits) // 8 + 1, "little")


@given(flags=st.lists(st.integers(0, 1), min_size=1, max_size=64))
def test_modes_are_found_from_the_end(flags: list[int]) -> None:
    assert _long_blocks(setup(flags))[-len(flags) :] == flags
    assert _long_blocks(setup(flags) + bytes(9)) == _long_blocks(setup(flags))


@given(data=st.binary(max_size=600))
def test_modes_of_any_bytes(data: bytes) -> None:
    try:
        assert 1 <= len(_long_blocks(data)) <= 64
    except ContainerMalformed:
        return


def test_a_setup_header_without_modes_is_refused(encoded: Files) -> None:
    data = encoded("ogg-vorbis", "plain").read_bytes()
    first, comment, _ = header_packets(data)
    with pytest.raises(ContainerMalformed):
        essence(with_headers(data, [first, comment, b"\x05vorbis" + b"\xff" * 90]))


def test_what_does_not_decode_lasts_no_time(encoded: Files) -> None:
    stream = read_heads(BytesSource(encoded("ogg-vorbis", "plain").read_bytes())).streams[0]
    durations = durations_of(stream)
    assert durations.of(b"\x01\x03\x05", [0, 1, 2]) == 0
    assert durations.of(b"", []) == 0
    assert durations.rate == 44_100
    assert struct.unpack("<I", stream.packets[0].read_at(12, 4)) == (44_100,)
