"""The essence of Matroska: that of other containers, however blocks are laid, and what forbids binding."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers.matroska import Matroska
from noai.containers.registry import detect
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import EssenceReading
from noai.limits import MATROSKA_BLOCK_BYTES
from noai.sources import BytesSource
from tests.audio import SAMPLES, Studio, ffmpeg, run
from tests.unit.mkv_files import (
    HEAD,
    OPUS_HEAD,
    SILENCE,
    audio,
    block,
    blocks,
    checked,
    cluster,
    clusters,
    element,
    group,
    info,
    matroska,
    open_element,
    packet,
    real,
    segment,
    simple_block,
    size,
    track,
    tracks,
    uint,
    void,
)

MKV = Matroska()


def essence(data: bytes) -> EssenceReading:
    return MKV.read_essence(BytesSource(data))


def codes(data: bytes) -> set[Code]:
    return {violation.code for violation in essence(data).violations}


PLAIN = essence(matroska())


# -- how blocks are laid plays no part ------------------------------------------------------


def in_clusters(*content: bytes) -> bytes:
    return matroska(info(), tracks(), cluster(0, *content))


PACKETS = [packet(n) for n in range(30)]
THREE = [packet(n) + bytes(n) for n in range(3)]
ONE_BY_ONE = in_clusters(*(simple_block(20 * n, data) for n, data in enumerate(THREE)))


def xiph(*frames: bytes) -> bytes:
    sizes = (b"\xff" * (len(frame) // 255) + bytes((len(frame) % 255,)) for frame in frames[:-1])
    return bytes((len(frames) - 1,)) + b"".join(sizes)


def ebml(*frames: bytes) -> bytes:
    """The first size, then differences in two bytes each."""
    lengths = [len(frame) for frame in frames]
    steps = (later - earlier for earlier, later in pairwise(lengths[:-1]))
    return bytes((len(frames) - 1,)) + size(lengths[0]) + b"".join(size(step + 0x1FFF, 2) for step in steps)


@pytest.mark.parametrize(("flags", "lacing"), [(0x82, xiph), (0x86, ebml)], ids=["xiph", "ebml"])
def test_laced_frames_are_packets_of_their_own(flags: int, lacing: Callable[..., bytes]) -> None:
    laced = in_clusters(simple_block(0, *THREE, flags=flags, lacing=lacing(*THREE)))
    assert essence(laced) == essence(ONE_BY_ONE)


@pytest.mark.parametrize("length", [254, 255, 256, 600])
def test_long_frames_in_xiph_lacing(length: int) -> None:
    frames = SILENCE + bytes(length - 3), packet(1)
    laced = in_clusters(simple_block(0, *frames, flags=0x82, lacing=xiph(*frames)))
    alone = in_clusters(*(simple_block(20 * n, frame) for n, frame in enumerate(frames)))
    assert essence(laced) == essence(alone)


def test_frames_of_one_size_are_packets_of_their_own() -> None:
    laced = (simple_block(200 * n, *PACKETS[10 * n :][:10], flags=0x84, lacing=b"\x09") for n in range(3))
    assert essence(in_clusters(*laced)) == PLAIN


def content(n: int) -> tuple[bytes, ...]:
    return uint(0xE7, 200 * n), *blocks(10 * n)


def cluster_of(number: int, n: int) -> bytes:
    packets = enumerate(PACKETS[10 * n :][:10])
    return cluster(200 * n, *(simple_block(20 * k, data, number=number) for k, data in packets))


@pytest.mark.parametrize(
    "data",
    [
        matroska(info(), tracks(), *clusters(1), void(300), *clusters(3)[1:]),
        matroska(info(), tracks(), *(cluster(20 * n, simple_block(0, p)) for n, p in enumerate(PACKETS))),
        matroska(info(), tracks(), cluster(0, *(group(20 * n, p) for n, p in enumerate(PACKETS)))),
        HEAD + open_element(0x18538067, info(), tracks(), *clusters()),
        HEAD
        + open_element(
            0x18538067,
            info(),
            tracks(),
            *(open_element(0x1F43B675, *content(n)) for n in range(3)),
        ),
        matroska(info(), tracks(), *(checked(0x1F43B675, *content(n)) for n in range(3))),
        matroska(info(), tracks(track(number=5)), *(cluster_of(5, n) for n in range(3))),
        matroska(info(), tracks(track(number=300)), *(cluster_of(300, n) for n in range(3))),
        matroska(info(), tracks(), info(), tracks(), *clusters()),
        matroska(info(real(0x4489, 600.0)), tracks(track(uint(0x56AA, 6_500_000))), *clusters()),
        matroska(info(), tracks(), *clusters()) + bytes(100),
    ],
    ids=range(11),
)
def test_clusters_groups_sizes_and_numbers_play_no_part(data: bytes) -> None:
    assert essence(data) == PLAIN


def test_stripped_headers_are_put_back() -> None:
    stripping = element(0x5034, uint(0x4254, 3), element(0x4255, SILENCE))
    entry = track(element(0x6D80, element(0x6240, stripping)))
    short = (simple_block(20 * n, data[3:]) for n, data in enumerate(PACKETS))
    assert essence(matroska(info(), tracks(entry), cluster(0, *short))) == PLAIN
    tails = [data[3:] for data in PACKETS]
    laced = (simple_block(200 * n, *tails[10 * n :][:10], flags=0x84, lacing=b"\x09") for n in range(3))
    assert essence(matroska(info(), tracks(entry), cluster(0, *laced))) == PLAIN


def test_video_and_subtitles_are_not_in_it() -> None:
    video = element(0xAE, uint(0xD7, 2), uint(0x73C5, 2), uint(0x83, 1), element(0x86, b"V_VP8"))
    words = element(0xAE, uint(0xD7, 3), uint(0x73C5, 3), uint(0x83, 17), element(0x86, b"S_TEXT/UTF8"))
    first = cluster(0, simple_block(0, b"v" * 9_000, number=2), *blocks(), group(5, b"word", number=3))
    data = matroska(info(), tracks(track(), video, words), first, *clusters()[1:])
    assert essence(data) == PLAIN


def test_audio_tracks_are_ordered_by_their_numbers() -> None:
    def two(first: int, second: int) -> bytes:
        entries = track(number=first), track(number=second, private=OPUS_HEAD[:9] + b"\1" + OPUS_HEAD[10:])
        both = (simple_block(0, packet(1), number=first), simple_block(0, packet(2), number=second))
        return matroska(info(), tracks(*entries), cluster(0, *both))

    assert essence(two(1, 2)) != PLAIN
    assert essence(two(1, 2)).digest != essence(two(2, 1)).digest
    assert essence(two(1, 9)).digest == essence(two(1, 2)).digest


@pytest.mark.parametrize("number", [0, 7, 29])
def test_every_packet_counts(number: int) -> None:
    changed = [p if n != number else p[:-1] + b"\xaa" for n, p in enumerate(PACKETS)]
    data = in_clusters(*(simple_block(20 * n, p) for n, p in enumerate(changed)))
    assert essence(data).digest != PLAIN.digest
    gone = in_clusters(*(simple_block(20 * n, p) for n, p in enumerate(PACKETS) if n != number))
    assert essence(gone).digest != PLAIN.digest


# -- codecs ---------------------------------------------------------------------------------


def with_codec(codec: str, private: bytes, sound: bytes | None = None, data: bytes = b"frame" * 4) -> bytes:
    entry = track(codec=codec, private=private, sound=sound)
    return matroska(info(), tracks(entry), cluster(0, simple_block(0, data)))


@pytest.mark.parametrize(
    ("codec", "private", "scheme"),
    [
        ("A_AAC", bytes.fromhex("1190"), "aac/1"),
        ("A_AAC/MPEG4/LC", b"", "aac/1"),
        ("A_AAC", bytes.fromhex("f8e840"), "mp4a-40.39/1"),
        ("A_MPEG/L3", b"", "mp3-packets/1"),
        ("A_MPEG/L2", b"", "mp3-packets/1"),
        ("A_AC3", b"", "ac3/1"),
        ("A_EAC3", b"", "eac3/1"),
        ("A_ALAC", bytes(24), "alac/1"),
        ("A_FLAC", b"fLaC\x80\0\0\x22" + bytes(34), "flac-packets/1"),
        ("A_DTS", b"", "mkv-A_DTS/1"),
        ("A_REAL/COOK", b"x", "mkv-A_REAL/COOK/1"),
        ("A_" + "x" * 40, b"", "mkv-other/1"),
    ],
)
def test_codecs_have_the_ids_of_other_containers(codec: str, private: bytes, scheme: str) -> None:
    reading = essence(with_codec(codec, private))
    assert (reading.digest.scheme, reading.violations) == (scheme, ())


def test_the_profile_in_the_name_says_what_a_configuration_would() -> None:
    named = with_codec("A_AAC/MPEG4/LC", b"", audio(48_000.0, 2))
    assert essence(named) == essence(with_codec("A_AAC", bytes.fromhex("1190"), audio(48_000.0, 2)))


def test_codecs_of_no_other_container_are_told_apart_by_all_that_is_said() -> None:
    base = essence(with_codec("A_DTS", b"", audio(48_000.0, 2)))
    for other in (
        with_codec("A_DTS", b"x", audio(48_000.0, 2)),
        with_codec("A_DTS", b"", audio(44_100.0, 2)),
        with_codec("A_DTS", b"", audio(48_000.0, 6)),
        with_codec("A_DTS", b"", audio(48_000.0, 2, uint(0x6264, 24))),
        with_codec("A_DTS/EXPRESS", b"", audio(48_000.0, 2)),
    ):
        assert essence(other).digest != base.digest


def wave(bits: int, tag: int = 1, channels: int = 2, rate: int = 48_000) -> bytes:
    frame = channels * ((bits + 7) // 8)
    return struct.pack("<HHIIHHH", tag, channels, rate, rate * frame, frame, bits, 0)


@pytest.mark.parametrize(
    ("codec", "bits", "tag"),
    [("A_PCM/INT/LIT", 16, 1), ("A_PCM/INT/LIT", 24, 1), ("A_PCM/FLOAT/IEEE", 32, 3)],
)
def test_pcm_is_that_of_wave_in_both_spellings(codec: str, bits: int, tag: int) -> None:
    samples = bytes(range(96))
    native = with_codec(codec, b"", audio(48_000.0, 2, uint(0x6264, bits)), samples)
    reading = essence(native)
    assert (reading.digest.scheme, reading.violations) == ("pcm/1", ())
    assert reading == essence(with_codec("A_MS/ACM", wave(bits, tag), None, samples))
    halves = simple_block(0, samples[:48]), simple_block(0, samples[48:])
    entry = track(codec=codec, private=b"", sound=audio(48_000.0, 2, uint(0x6264, bits)))
    assert reading == essence(matroska(info(), tracks(entry), cluster(0, *halves)))


@pytest.mark.parametrize(
    ("sound", "data"),
    [
        (audio(48_000.0, 2, uint(0x6264, 16)), b"123"),
        (audio(48_000.0, 2), b"1234"),
        (audio(48_000.0, 2, uint(0x6264, 16), real(0x78B5, 96_000.0)), b"1234"),
        (audio(0.5, 2, uint(0x6264, 16)), b"1234"),
    ],
)
def test_pcm_that_players_could_read_differently(sound: bytes, data: bytes) -> None:
    assert codes(with_codec("A_PCM/INT/LIT", b"", sound, data)) == {Code.ESSENCE_UNSUPPORTED}


@pytest.mark.parametrize(
    ("codec", "private"),
    [
        ("A_OPUS", b""),
        ("A_OPUS", OPUS_HEAD[:-1]),
        ("A_VORBIS", b"\x02\x1e\x05"),
        ("A_VORBIS", b"\x01" + bytes(60)),
        ("A_AAC", b""),
        ("A_ALAC", b"short"),
        ("A_FLAC", b"34 bytes"),
    ],
)
def test_a_codec_without_its_configuration_is_an_error(codec: str, private: bytes) -> None:
    with pytest.raises(ContainerMalformed):
        essence(with_codec(codec, private))


def test_true_audio_has_no_digest_since_the_duration_configures_it() -> None:
    assert codes(with_codec("A_TTA1", b"")) == {Code.ESSENCE_UNSUPPORTED}


# -- remuxing -------------------------------------------------------------------------------


def digest(path: Path) -> str:
    source = BytesSource(path.read_bytes())
    reading = detect(source).container.read_essence(source)
    assert not reading.violations, reading.violations
    return f"{reading.digest.scheme} {reading.digest.digest.hex()}"


def remuxed(source: Path, out: Path, *options: str) -> Path:
    """``source`` in another container, packet by packet."""
    ffmpeg("-i", source, "-map", "0:a", "-c", "copy", *options, out)
    return out


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("tune.opus", ("webm", "mp4", "mka", "opus")),
        ("tune.ogg", ("webm", "mka", "ogg")),
        ("tune.m4a", ("mka", "m4a", "mkv")),
        ("tune-alac.m4a", ("mka", "m4a")),
        ("tune.wav", ("mka", "wav")),
    ],
)
def test_remuxing_by_ffmpeg_keeps_the_digest(tmp_path: Path, name: str, chain: tuple[str, ...]) -> None:
    path = SAMPLES / "unmarked" / name
    expected = digest(path)
    for number, extension in enumerate(chain):
        path = remuxed(path, tmp_path / f"{number}.{extension}")
        assert digest(path) == expected, extension


@pytest.mark.parametrize("name", ["tune.opus", "tune.ogg", "tune.m4a", "tune-alac.m4a", "tune.wav"])
def test_remuxing_by_mkvmerge_keeps_the_digest(tmp_path: Path, name: str) -> None:
    path = SAMPLES / "unmarked" / name
    run("mkvmerge", "-q", "-o", tmp_path / "out.mka", path)
    assert digest(tmp_path / "out.mka") == digest(path)


def test_flac_keeps_the_digest_between_mp4_and_matroska(tmp_path: Path) -> None:
    path = SAMPLES / "unmarked" / "tune.flac"
    first = remuxed(path, tmp_path / "a.mka")
    run("mkvmerge", "-q", "-o", tmp_path / "b.mka", path)
    second = remuxed(first, tmp_path / "c.mp4", "-strict", "-2")
    assert digest(first) == digest(tmp_path / "b.mka") == digest(second)
    assert digest(first) == digest(remuxed(second, tmp_path / "d.mkv"))


def test_mp3_keeps_the_digest_but_where_mkvmerge_keeps_the_info_frame(tmp_path: Path) -> None:
    """ffmpeg drops the Info frame of an MP3; to mkvmerge it is a frame like others."""
    path = SAMPLES / "unmarked" / "tune.mp3"
    first = remuxed(path, tmp_path / "a.mka")
    assert digest(first) == digest(remuxed(path, tmp_path / "b.mp4"))
    run("mkvmerge", "-q", "-o", tmp_path / "c.mka", path)
    assert digest(tmp_path / "c.mka") != digest(first)


@pytest.mark.parametrize("form", ["s24le", "u8", "f32le", "s32le", "alaw", "s16be"])
def test_pcm_keeps_the_digest_in_wave_aiff_and_matroska(studio: Studio, tmp_path: Path, form: str) -> None:
    native = tmp_path / ("in.aiff" if form.endswith("be") else "in.wav")
    ffmpeg("-i", studio.materials.clip, "-c:a", f"pcm_{form}", native)
    assert digest(remuxed(native, tmp_path / "out.mka")) == digest(native)


@pytest.mark.parametrize("codec", ["ac3", "eac3"])
def test_dolby_keeps_the_digest_between_mp4_and_matroska(studio: Studio, tmp_path: Path, codec: str) -> None:
    first = tmp_path / "a.mka"
    ffmpeg("-i", studio.materials.clip, "-c:a", codec, first)
    run("mkvmerge", "-q", "-o", tmp_path / "b.mka", first)
    assert digest(first) == digest(remuxed(first, tmp_path / "c.mp4")) == digest(tmp_path / "b.mka")


# -- what forbids binding -------------------------------------------------------------------


def grouped(*more: bytes, at: int = 29) -> bytes:
    """The packets, one of them in a group with ``more``."""
    content = [simple_block(20 * n, p) for n, p in enumerate(PACKETS)]
    content[at] = group(20 * at, PACKETS[at], more=b"".join(more))
    return in_clusters(*content)


def padding(nanoseconds: int) -> bytes:
    return element(0x75A2, nanoseconds.to_bytes(5, "big", signed=True))


@pytest.mark.parametrize(
    "data",
    [
        grouped(padding(19_000_000)),
        grouped(padding(20_000_000)),
        grouped(padding(0), at=3),
        grouped(padding(-500_000_000), at=0),
        grouped(uint(0x9B, 20), at=4),
        matroska(info(real(0x4489, 581.0)), tracks(), *clusters()),
        matroska(info(), tracks(track(uint(0x56AA, 6_500_000))), *clusters()),
        matroska(info(), tracks(track(uint(0xB9, 1), real(0x23314F, 1.0), element(0x56AA))), *clusters()),
        matroska(info(), tracks(), *(cluster(3_000 + 200 * n, *blocks(10 * n)) for n in range(3))),
    ],
    ids=range(9),
)
def test_times_that_hide_nothing_are_fine(data: bytes) -> None:
    assert essence(data) == PLAIN


@pytest.mark.parametrize(
    "data",
    [
        grouped(padding(20_100_000)),
        grouped(padding(5_000_000), at=28),
        grouped(padding(-500_000_000), at=5),
        grouped(padding(-1_100_000_000), at=0),
        matroska(info(real(0x4489, 450.0)), tracks(), *clusters()),
        matroska(info(), tracks(track(uint(0x56AA, 60_000_000))), *clusters()),
        matroska(info(), tracks(), *(cluster(100 * n, *blocks(10 * n)) for n in range(3))),
        matroska(info(), tracks(), *(cluster(400 - 200 * n, *blocks(10 * n)) for n in range(3))),
    ],
    ids=range(8),
)
def test_times_that_hide_audio_forbid_binding(data: bytes) -> None:
    reading = essence(data)
    assert {violation.code for violation in reading.violations} == {Code.EDIT_HIDES_AUDIO}
    assert reading.digest == PLAIN.digest


def test_a_lame_tag_may_cut_off_more_than_a_frame(studio: Studio, tmp_path: Path) -> None:
    """ffmpeg turns the padding that it counts into DiscardPadding of the last frame."""
    out = tmp_path / "out.mka"
    ffmpeg("-i", SAMPLES / "unmarked" / "tune.mp3", "-map", "0:a", "-c", "copy", out)
    assert not essence(out.read_bytes()).violations


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (element(0xA3, b"\x81\0"), ContainerMalformed),
        (element(0xA3, b"\0\0\0\0\0"), ContainerMalformed),
        (simple_block(0, b"abc", flags=0x84, lacing=b"\x01"), ContainerMalformed),
        (simple_block(0, b"abc", flags=0x84, lacing=b"\x05"), ContainerMalformed),
        (simple_block(0, b"", flags=0x84, lacing=b"\xff"), ContainerMalformed),
        (simple_block(0, b"abc", flags=0x82, lacing=b"\x01\x09"), ContainerMalformed),
        (simple_block(0, b"abc", flags=0x82, lacing=b"\x01\xff"), ContainerMalformed),
        (simple_block(0, b"abc", flags=0x86, lacing=b"\x02\x82\x80"), ContainerMalformed),
        (simple_block(0, b"abc", flags=0x86, lacing=b"\x01"), ContainerMalformed),
        (simple_block(0, flags=0x82), ContainerMalformed),
        (element(0xA0, uint(0x9B, 20)), ContainerMalformed),
        (element(0xA0, element(0xA1, block(0, b"x")), element(0x9B, bytes(9))), ContainerMalformed),
        (b"\xa3\xff" + block(0, b"x"), ContainerMalformed),
        (simple_block(0, bytes(MATROSKA_BLOCK_BYTES + 1)), LimitExceeded),
        (b"\xec\x80" * 260_000, LimitExceeded),
    ],
    ids=range(15),
)
def test_damaged_blocks_are_errors(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        essence(in_clusters(content, *blocks()))


def test_a_block_in_front_of_the_time_of_its_cluster_is_an_error() -> None:
    with pytest.raises(ContainerMalformed):
        essence(matroska(info(), tracks(), element(0x1F43B675, *blocks(), uint(0xE7, 0))))


@pytest.mark.parametrize(
    "parts",
    [
        (info(), *clusters()),
        (info(), tracks(track(number=1), track(number=1)), *clusters()),
        (info(), element(0x1654AE6B, element(0xAE, uint(0x83, 2))), *clusters()),
        (info(element(0x4489, bytes(3))), tracks(), *clusters()),
        (info(), tracks(track(element(0x536E, b"x" * 17_000_000))), *clusters()),
    ],
    ids=range(5),
)
def test_parts_that_are_not_well_formed_are_errors(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(ContainerMalformed):
        essence(matroska(*parts))


def test_a_file_without_audio_binds_nothing() -> None:
    video = element(0xAE, uint(0xD7, 1), uint(0x73C5, 1), uint(0x83, 1), element(0x86, b"V_VP8"))
    assert codes(matroska(info(), tracks(video), cluster(0, simple_block(0, b"v")))) == {Code.ESSENCE_EMPTY}
    with pytest.raises(ContainerMalformed):
        essence(HEAD)
    with pytest.raises(ContainerMalformed):
        essence(HEAD + segment())
