"""WavPack: blocks, and what they keep of the original file."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import MarkError
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, ffmpeg, run
from tests.unit.id3_bytes import MARK, frame, tag
from tests.unit.mp3_bytes import ape
from tests.unit.stream_bytes import (
    BOTH_ENDS,
    CD,
    WAVPACK,
    block,
    essence,
    notes,
    sub_block,
    values,
    violations,
    wavpack,
    written,
)

Files = Callable[..., Path]
OTHER = TagEdit(markers=("d.e.f",))
RIFF_HEADER, RIFF_TRAILER, ALT_HEADER, ALT_TRAILER, MD5 = 0x21, 0x22, 0x23, 0x24, 0x26


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


INFO = chunk(b"LIST", b"INFO" + chunk(b"ICOP", b"me") + chunk(b"ICMT", b"mine"))
ID3_CHUNK = chunk(b"id3 ", tag(3, frame(3, "TIT2", b"\0x"), frame(3, "TXXX", b"\0NOAI\0a.b.c")))
HEAD = b"RIFF\xff\xff\0\0WAVE" + chunk(b"fmt ", bytes(16)) + INFO + b"data\0\x10\0\0"


# -- the stream ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (wavpack(), set()),
        (wavpack()[:-1], {Code.ESSENCE_TRUNCATED}),
        (wavpack()[: -len(block())], {Code.ESSENCE_TRUNCATED}),
        (wavpack() + block(300), {Code.TRAILING_AUDIO}),
        (wavpack() + wavpack(), {Code.FRAME_HEADER}),
        (wavpack() + b"junk", {Code.FRAME_SYNC}),
        (block() + b"junk" + block(100), {Code.FRAME_SYNC}),
        (block() + block(200), {Code.FRAME_HEADER}),
        (block() + block(100, flags=BOTH_ENDS | 10 << 23 | 1), {Code.FRAME_HEADER}),
        (block(flags=0x800 | CD) + block(flags=0x1000 | CD) + block(100), set()),
        (block(flags=0x800 | CD) + block(flags=0x1000 | CD)[:-1], {Code.ESSENCE_TRUNCATED}),
        (block(flags=0x800 | CD), {Code.ESSENCE_TRUNCATED}),
        (block(flags=0x1000 | CD), {Code.FRAME_HEADER}),
        (block() + block(flags=0x800 | CD), {Code.FRAME_HEADER, Code.ESSENCE_TRUNCATED}),
        (block(0, 0, sub_block(MD5, bytes(16))), {Code.ESSENCE_EMPTY}),
    ],
)
def test_what_is_not_one_stream_forbids_binding(data: bytes, expected: set[Code]) -> None:
    assert violations(WAVPACK, data) == expected


@pytest.mark.parametrize("where", ["front", "behind"])
def test_a_block_in_a_tag_forbids_binding(where: str) -> None:
    """libwavpack searches for the next block in whatever it meets."""
    hidden = block(300)
    if where == "front":
        data = tag(3, frame(3, "PRIV", b"x\0" + hidden)) + wavpack()
    else:
        data = wavpack() + ape(("Cover Art (Front)", b"x\0" + hidden))
    assert violations(WAVPACK, data) == {Code.AUDIO_IN_TAG}


def test_blocks_beside_the_audio_are_no_part_of_the_essence() -> None:
    plain = essence(WAVPACK, wavpack())
    assert essence(WAVPACK, wavpack(sub_block(MD5, bytes(16)), sub_block(RIFF_TRAILER, INFO))) == plain
    assert essence(WAVPACK, wavpack(sub_block(0x27, b"\0\0\1"))).digest != plain.digest
    inside = block(body=sub_block(RIFF_HEADER, HEAD) + b"\x8a\x02\x00\x00data", total=300)
    assert essence(WAVPACK, inside + wavpack()[len(block()) :]).digest != plain.digest


@pytest.mark.parametrize("variant", ["tagged", "wrapped", "hybrid", "surround", "mono"])
def test_ffmpegs_stream_copy_keeps_the_essence(studio: Studio, tmp_path: Path, variant: str) -> None:
    path, copied = studio.encoded("wavpack", variant), tmp_path / "copied.wv"
    ffmpeg("-i", path, "-c", "copy", copied)
    assert essence(WAVPACK, copied.read_bytes()) == essence(WAVPACK, path.read_bytes())
    assert decoded_md5(copied) == decoded_md5(path)


def test_a_correction_file_is_a_file_of_its_own(studio: Studio, tmp_path: Path) -> None:
    lossy = tmp_path / "a.wv"
    run("wavpack", "-q", "-b256", "-c", studio.materials.clip, "-o", lossy)
    correction = lossy.with_suffix(".wvc").read_bytes()
    assert WAVPACK.detect(BytesSource(correction)) == "wavpack"
    assert violations(WAVPACK, correction) == set()
    assert essence(WAVPACK, correction).digest != essence(WAVPACK, lossy.read_bytes()).digest


# -- the original file ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "trailer"),
    [
        ([HEAD], [ID3_CHUNK]),
        ([HEAD.replace(b"RIFF", b"RF64")], [b"\0" + ID3_CHUNK]),
        ([], [INFO + ID3_CHUNK]),
        ([HEAD[:30], HEAD[30:]], [ID3_CHUNK[:9], ID3_CHUNK[9:]]),
        ([HEAD], [ID3_CHUNK + b"\0\0\0"]),
    ],
    ids=["riff", "rf64-odd", "no-header", "pieces", "zeros-behind"],
)
def test_tags_of_the_original_wave_file_are_read(header: list[bytes], trailer: list[bytes]) -> None:
    first = block(body=b"".join(sub_block(RIFF_HEADER, each) for each in header) + b"\x8a\x02\0\0data")
    data = first + block(100) + block(200, 0, b"".join(sub_block(RIFF_TRAILER, each) for each in trailer))
    assert values(WAVPACK, data, FieldRole.MARKER) == ["a.b.c"]
    assert values(WAVPACK, data, FieldRole.COPYRIGHT) == ["me"]
    assert values(WAVPACK, data, FieldRole.COMMENT) == ["mine"]
    assert notes(WAVPACK, data) == []


def test_a_manifest_of_the_original_file_is_located_in_this_one() -> None:
    data = wavpack(sub_block(RIFF_TRAILER, b"\0" + chunk(b"C2PA", b"a store")))
    (store,) = WAVPACK.read_tags(BytesSource(data)).manifests
    assert store.read(BytesSource(data)) == b"a store"


@pytest.mark.parametrize(
    "trailer",
    [
        chunk(b"LIST", b"INFO" + chunk(b"ICMT", b"x"))[:-4],
        b"junk" + ID3_CHUNK[8:],
        chunk(b"id3 ", b"nothing of the kind"),
    ],
)
def test_damage_in_it_is_not_left_out_in_silence(trailer: bytes) -> None:
    data = wavpack(sub_block(RIFF_TRAILER, trailer))
    assert set(notes(WAVPACK, data)) == {Code.TAG_UNREADABLE}


def test_of_other_kinds_of_files_id3_in_the_trailer_is_read() -> None:
    """As in DSF."""
    trailer = sub_block(ALT_TRAILER, ID3_CHUNK[8:])
    data = block(body=sub_block(ALT_HEADER, b"DSD fmt data") + b"\x8a\x02\0\0data") + block(100, 0, trailer)
    assert values(WAVPACK, data, FieldRole.MARKER) == ["a.b.c"]
    assert notes(WAVPACK, data) == []


def test_of_other_kinds_of_files_text_is_searched() -> None:
    head = sub_block(ALT_HEADER, b"FORM\0\0\0\0AIFFCOMM") + b"\x8a\x02\0\0data"
    said = sub_block(ALT_TRAILER, b"ANNO\0\0\0\x10noai:AbC and more")
    assert values(WAVPACK, block(body=head) + block(100, 0, said), FieldRole.OTHER) == [
        "ANNO noai:AbC and more"
    ]
    tagged = sub_block(ALT_TRAILER, b"ANNO\0\0\0\x04textID3 " + ID3_CHUNK[4:])
    assert notes(WAVPACK, block(body=head) + block(100, 0, tagged)) == [Code.TAG_UNREADABLE]


def test_a_marker_inside_the_stream_is_a_reason_not_to_write() -> None:
    data = wavpack(sub_block(RIFF_TRAILER, ID3_CHUNK))
    with pytest.raises(MarkError, match="inside the stream"):
        written(WAVPACK, data, OTHER)


@pytest.mark.parametrize(
    "data",
    [
        block(body=b"\0\0" * 100),
        b"".join(block(0, 0, sub_block(RIFF_TRAILER, b"LI")) for _ in range(70)),
    ],
    ids=["sub-blocks", "pieces"],
)
def test_limits_are_findings(data: bytes) -> None:
    assert notes(WAVPACK, data) == [Code.LIMIT_EXCEEDED]


def test_wvunpack_restores_the_same_file_from_a_marked_one(fresh: Files, tmp_path: Path) -> None:
    path = fresh("wavpack", "wrapped")
    before, after = tmp_path / "before.wav", tmp_path / "after.wav"
    run("wvunpack", "-q", path, "-o", before)
    path.write_bytes(written(WAVPACK, path.read_bytes(), MARK))
    run("wvunpack", "-q", path, "-o", after)
    assert after.read_bytes() == before.read_bytes()
