"""Canonical decoder configurations in MP4, byte by byte."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.containers._bmff import BoxReader
from noai.containers._mp4_codecs import (
    Decoder,
    alac_config,
    flac_config,
    opus_config,
    read_decoder,
    sample_entries,
)
from noai.containers._mpeg4_audio import aac_config, decoder_config, read_audio_specific
from noai.containers._opus import OpusHead
from noai.errors import ContainerMalformed
from noai.sources import BytesSource
from tests.unit.mp4_files import ASC, box, descriptor, entry, esds, full, u32

COOKIE = bytes.fromhex("00001000 00 10 28 0a 0e 02 00ff 00002400 00000acc 0000ac44")


def decoder(*entries: bytes, version: int = 0) -> Decoder:
    reader = BoxReader(BytesSource(full(b"stsd", u32(len(entries)) + b"".join(entries), version)))
    (stsd,) = reader.top()
    return read_decoder(reader, stsd, sample_entries(reader, stsd)[0])


# -- AAC ----------------------------------------------------------------------------------------

LC_44100_STEREO = bytes.fromhex("02 44ac0000 02")


@pytest.mark.parametrize(
    "specific",
    [
        "1210",  # ADTS, Apple, FAAC
        "121000",  # padded
        "121056e500",  # ffmpeg: "no SBR" stated
        "121056e50000",
        f"{int(f'{2:05b}{15:04b}{44_100:024b}{2:04b}{0:03b}', 2):010x}",  # the rate in full
    ],
)
def test_equal_aac_configurations_have_one_form(specific: str) -> None:
    assert aac_config(bytes.fromhex(specific)) == LC_44100_STEREO


@pytest.mark.parametrize(
    "specific",
    [
        "1212",  # a core coder flag
        "1214",  # 960 frames
        "1200",  # channels in a program config element
        "121056e580",  # SBR, signalled backward compatibly
        "121056e5a548",  # SBR and PS
        "2b920800",  # SBR, signalled explicitly
        "eb8a0800",  # PS, signalled explicitly
        "12100001",  # something behind
        "f8e85000",  # ELD
    ],
)
def test_everything_else_that_an_aac_configuration_says_stays(specific: str) -> None:
    raw = bytes.fromhex(specific)
    canonical = aac_config(raw)
    assert canonical.endswith(raw)
    assert len(canonical) == 6 + len(raw)


@pytest.mark.parametrize("specific", ["", "12", "16", "f8", "1780", "1690", "1710"])
def test_aac_configurations_that_no_decoder_takes(specific: str) -> None:
    with pytest.raises(ContainerMalformed):
        read_audio_specific(bytes.fromhex(specific))


@given(st.binary(max_size=12))
def test_any_bytes_as_an_aac_configuration(specific: bytes) -> None:
    try:
        assert len(aac_config(specific)) in (6, 6 + len(specific))
    except ContainerMalformed:
        return


@pytest.mark.parametrize(
    ("indication", "specific", "codec"),
    [
        (0x40, ASC, "aac"),
        (0x67, ASC, "aac"),
        (0x40, bytes.fromhex("eb8a0800"), "aac"),
        (0x40, bytes.fromhex("f8e85000"), "mp4a-40.39"),
        (0x6B, b"", "mp3-packets"),
        (0x69, b"", "mp3-packets"),
        (0xA5, b"", "ac3"),
        (0xA6, b"", "eac3"),
        (0xDD, b"abc", "mp4a-dd"),
    ],
)
def test_object_types_of_mp4a(indication: int, specific: bytes, codec: str) -> None:
    assert decoder(entry(inner=esds(specific, indication))).codec == codec


def test_optional_fields_of_an_elementary_stream_descriptor() -> None:
    config = descriptor(4, b"\x40\x15" + bytes(11) + descriptor(5, ASC))
    head = b"\x00\x01\xe0" + b"\x00\x02" + b"\x03url" + b"\x00\x05"
    assert decoder_config(bytes(4) + descriptor(3, head + config)) == (0x40, ASC)
    short = bytes([4, 13]) + b"\x40\x15" + bytes(11)
    assert decoder_config(bytes(4) + bytes([3, 18]) + b"\x00\x01\x00" + short) == (0x40, b"")


@given(st.binary(max_size=60))
def test_any_bytes_as_an_elementary_stream_descriptor(payload: bytes) -> None:
    for tried in (payload, bytes(4) + b"\x03" + payload, esds(payload)[8:]):
        try:
            decoder_config(tried)
        except ContainerMalformed:
            continue


# -- others -------------------------------------------------------------------------------------


def test_alac_without_measurements() -> None:
    measured = COOKIE[:12] + u32(0x4004, 705_600) + COOKIE[20:]
    expected = COOKIE[:12] + bytes(8) + COOKIE[20:]
    assert alac_config(COOKIE) == alac_config(measured) == expected
    layout = full(b"chan", bytes(12))
    assert alac_config(COOKIE + layout) == expected + layout


def test_opus_is_the_configuration_of_its_head() -> None:
    dops = bytes.fromhex("00 02 0138 0000bb80 ff00 00")
    head = b"OpusHead\x01\x02" + bytes.fromhex("3801 80bb0000 0500 00")
    assert opus_config(dops) == OpusHead.parse(head).configuration() == bytes.fromhex("02 3801 80bb0000 00")
    surround = bytes.fromhex("00 03 0138 0000bb80 0000 01 02 01 000102")
    assert opus_config(surround) == bytes.fromhex("03 3801 80bb0000 01 02 01 000102")


def test_flac_without_frame_sizes() -> None:
    info = bytes(range(34))
    blocks = b"\x00\x00\x00\x22" + info + b"\x84\x00\x00\x04" + bytes(4)
    assert flac_config(blocks) == flac_config(b"\x80" + blocks[1:38]) == info[:4] + bytes(6) + info[10:]


@pytest.mark.parametrize(
    ("read", "payload"),
    [
        (alac_config, COOKIE[:-1]),
        (opus_config, bytes(10)),
        (opus_config, bytes.fromhex("01 02 0138 0000bb80 0000 00")),
        (opus_config, bytes.fromhex("00 00 0138 0000bb80 0000 00")),
        (opus_config, bytes.fromhex("00 02 0138 0000bb80 0000 00 01")),
        (opus_config, bytes.fromhex("00 02 0138 0000bb80 0000 01 02 01 00")),
        (flac_config, b"\x04\x00\x00\x22" + bytes(34)),
        (flac_config, b"\x00\x00\x00\x21" + bytes(34)),
        (flac_config, b"\x00\x00\x00\x22" + bytes(33)),
    ],
)
def test_configurations_that_are_broken(read: object, payload: bytes) -> None:
    assert callable(read)
    with pytest.raises(ContainerMalformed):
        read(payload)


def test_quicktime_keeps_configurations_in_wave() -> None:
    wave = box(b"wave", box(b"frma", b"mp4a") + box(b"mp4a", bytes(4)) + esds(ASC) + box(bytes(4), b""))
    first = entry(inner=wave, version=1, head=bytes(16))
    second = entry(inner=wave, version=2, head=bytes(36))
    assert decoder(first) == decoder(second) == decoder(entry())


def test_version_1_in_a_new_sample_description_has_no_quicktime_fields() -> None:
    assert decoder(entry(version=1), version=1) == decoder(entry())


def test_bit_rates_are_left_out_of_any_sample_entry() -> None:
    plain = entry(b"dtsc", box(b"ddts", b"12345"))
    with_rate = entry(b"dtsc", box(b"btrt", bytes(12)) + box(b"ddts", b"12345"))
    assert decoder(plain) == decoder(with_rate)
    assert decoder(plain).codec == "mp4-dtsc"
    assert decoder(plain).config != decoder(entry(b"dtsc", box(b"ddts", b"12346"))).config


def test_a_type_that_is_no_text_is_named_in_hexadecimal() -> None:
    assert decoder(entry(b"ms\x00\x02", b"")).codec == "mp4-6d730002"
    assert decoder(entry(b"ms\x00\x55", b"")).codec == "mp3-packets"


def test_junk_behind_a_sound_description_counts_as_configuration() -> None:
    assert decoder(entry(b"QDM2", b"junk")).config.endswith(b"junk")


def pcm(tag: int, bits: int, rate: int = 44_100) -> bytes:
    """Stereo, as WAVE describes it."""
    return struct.pack("<HHIHH", tag, 2, rate, bits, bits)


def v2(bits: int, flags: int, rate: float = 44_100.0) -> bytes:
    return u32(72) + struct.pack(">d", rate) + u32(2, 0x7F000000, bits, flags, bits // 4, 1)


def wave(*boxes: bytes) -> bytes:
    return box(b"wave", box(b"frma", b"abcd") + b"".join(boxes) + box(bytes(4), b""))


LITTLE, BIG_ENDIAN = box(b"enda", b"\x00\x01"), box(b"enda", b"\x00\x00")
CHAN = full(b"chan", bytes(12))


@pytest.mark.parametrize(
    ("described", "codec", "config"),
    [
        (entry(b"sowt", b""), "pcm", pcm(1, 16)),
        (entry(b"sowt", CHAN), "pcm", pcm(1, 16)),
        (entry(b"twos", b""), "pcm-be", pcm(1, 16)),
        (entry(b"raw ", b"", bits=8), "pcm", pcm(1, 8)),
        (entry(b"twos", b"", bits=8), "pcm-be", pcm(1, 8)),
        (entry(b"sowt", b"", bits=8), "pcm-be", pcm(1, 8)),
        (entry(b"ulaw", b""), "pcm", pcm(7, 8)),
        (entry(b"alaw", wave(), version=1, head=u32(1, 1, 2, 2)), "pcm", pcm(6, 8)),
        (entry(b"in24", wave(), version=1, head=u32(1, 3, 6, 2)), "pcm-be", pcm(1, 24)),
        (entry(b"in24", wave(BIG_ENDIAN), version=1, head=u32(1, 3, 6, 2)), "pcm-be", pcm(1, 24)),
        (entry(b"in24", wave(LITTLE) + CHAN, version=1, head=u32(1, 3, 6, 2)), "pcm", pcm(1, 24)),
        (entry(b"in32", wave(LITTLE), version=1, head=u32(1, 4, 8, 2)), "pcm", pcm(1, 32)),
        (entry(b"fl32", b"", version=1, head=u32(1, 4, 8, 2)), "pcm-be", pcm(3, 32)),
        (entry(b"fl64", wave(LITTLE), version=1, head=u32(1, 8, 16, 2)), "pcm", pcm(3, 64)),
        (entry(b"lpcm", b"", version=2, head=v2(24, 12)), "pcm", pcm(1, 24)),
        (entry(b"lpcm", b"", version=2, head=v2(16, 14)), "pcm-be", pcm(1, 16)),
        (entry(b"lpcm", b"", version=2, head=v2(32, 9, 192_000.0)), "pcm", pcm(3, 32, 192_000)),
        (entry(b"lpcm", b"", version=2, head=v2(8, 8)), "pcm", pcm(1, 8)),
        (entry(b"ipcm", full(b"pcmC", b"\x01\x10")), "pcm", pcm(1, 16)),
        (entry(b"fpcm", full(b"pcmC", b"\x00\x20"), bits=32), "pcm-be", pcm(3, 32)),
    ],
)
def test_pcm_is_described_as_wave_and_aiff_describe_it(described: bytes, codec: str, config: bytes) -> None:
    found = decoder(described)
    assert (found.codec, found.config, found.packets) == (codec, config, False)


@pytest.mark.parametrize(
    "described",
    [
        entry(b"NONE", b""),
        entry(b"raw ", b""),
        entry(b"sowt", b"", bits=24),
        entry(b"sowt", b"junk"),
        entry(b"sowt", box(b"abcd", b"x")),
        entry(b"in24", wave(LITTLE, LITTLE), version=1, head=u32(1, 3, 6, 2)),
        entry(b"in24", wave(box(b"enda", b"\x01")), version=1, head=u32(1, 3, 6, 2)),
        entry(b"in24", wave(), version=1, head=u32(1, 3, 8, 2)),
        entry(b"lpcm", b"", version=2, head=v2(24, 4)),
        entry(b"lpcm", b"", version=2, head=v2(16, 8)),
        entry(b"lpcm", b"", version=2, head=v2(16, 12, 44_100.5)),
        entry(b"lpcm", box(b"chan", b""), version=2, head=v2(16, 12)),
        entry(b"lpcm", b"", version=2, head=b"short"),
        entry(b"ipcm", b""),
        entry(b"ipcm", full(b"pcmC", b"\x01\x0c")),
        entry(b"ipcm", full(b"pcmC", b"\x01\x10") + full(b"srat", u32(96_000))),
    ],
)
def test_pcm_that_nothing_else_describes_keeps_its_sample_entry(described: bytes) -> None:
    found = decoder(described)
    assert (found.codec[:4], found.packets) == ("mp4-", False)


@pytest.mark.parametrize(
    ("version", "head", "size"),
    [
        (0, b"", 4),
        (1, u32(1, 3, 6, 2), 6),
        (2, u32(72) + bytes(8) + u32(2, 0x7F000000, 24, 12, 6, 1), 6),
    ],
)
def test_frame_size_of_pcm(version: int, head: bytes, size: int) -> None:
    found = decoder(entry(b"lpcm", b"", version=version, head=head))
    assert (found.frame_bytes, found.packets) == (size, False)
