"""FLAC: blocks and padding, ID3 around the stream, what retagging keeps and what damage shows."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import mutagen.apev2
import mutagen.flac
import mutagen.id3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers._flac_blocks import (
    LARGEST_BLOCK,
    LAST,
    PADDING,
    PICTURE,
    SEEKTABLE,
    STREAMINFO,
    VORBIS_COMMENT,
    Block,
    FlacLayout,
    read_layout,
)
from noai.containers._flac_end import ends_with_crc16
from noai.containers.flac import Flac
from noai.containers.interface import ContainerName, FieldRole, TagArea, TagEdit
from noai.errors import ContainerError, ContainerMalformed, LimitExceeded, MarkError
from noai.essence import EssenceReading
from noai.limits import BOXES, READ_SIZE
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, ffmpeg, run

Files = Callable[..., Path]

MARKER = "eyJhbGciOiJFUzI1NiIs." + "eyJub2FpIjoxLCJpZCI6" * 120 + ".Zm9vYmFy"
STATEMENT = "noai:AbCdEfGhIjKlMnOpQrStUv No AI training without permission."
MARK = TagEdit(markers=(MARKER,), statement=STATEMENT)
LIFT = TagEdit(markers=(), lifted_statements=(STATEMENT,))
NOTHING = TagEdit(markers=())

VARIANTS = ("plain", "tagged", "cover", "chapters", "ffmpeg", "24bit", "id3")
every_file = pytest.mark.parametrize("variant", VARIANTS)


def essence(data: bytes) -> EssenceReading:
    return Flac().read_essence(BytesSource(data))


def tags(data: bytes) -> TagArea:
    return Flac().read_tags(BytesSource(data))


def layout(data: bytes) -> FlacLayout:
    return read_layout(BytesSource(data))


def markers(data: bytes) -> list[str]:
    return [field.value for field in tags(data).fields if field.role is FieldRole.MARKER]


def written(data: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(data)
    Flac().write_tags(file, edit)
    return file.getvalue()


def same_inventory(before: bytes, after: bytes, edit: TagEdit) -> bool:
    return Flac().inventory(BytesSource(before), edit) == Flac().inventory(BytesSource(after), edit)


def codes(reading: EssenceReading) -> set[Code]:
    return {violation.code for violation in reading.violations}


def content(data: bytes, block: Block) -> bytes:
    return data[block.data : block.end]


def flac(*blocks: tuple[int, bytes], audio: bytes = b"", front: bytes = b"") -> bytes:
    written_blocks = [
        bytes([kind | (LAST if number == len(blocks) - 1 else 0)]) + len(data).to_bytes(3, "big") + data
        for number, (kind, data) in enumerate(blocks)
    ]
    return front + b"fLaC" + b"".join(written_blocks) + audio


def comments(*items: bytes) -> bytes:
    sized = b"".join(struct.pack("<I", len(item)) + item for item in items)
    return struct.pack("<I", 1) + b"v" + struct.pack("<I", len(items)) + sized


@pytest.fixture(scope="module")
def parts(studio: Studio) -> tuple[bytes, bytes]:
    """STREAMINFO and the audio of a real file."""
    data = studio.encoded("flac", "plain").read_bytes()
    found = layout(data)
    return content(data, found.blocks[0]), data[found.audio :]


# -- detection ------------------------------------------------------------------------------


def test_flac_is_told_by_its_first_block(parts: tuple[bytes, bytes]) -> None:
    info, _ = parts
    id3 = b"ID3\x03\x00\x00\x00\x00\x00\x0a" + bytes(10)

    def detect(data: bytes) -> ContainerName | None:
        return Flac().detect(BytesSource(data))

    assert detect(flac((STREAMINFO, info))) == ContainerName("flac")
    assert detect(flac((STREAMINFO, info), (PADDING, b""), front=id3 * 3)) == ContainerName("flac")
    assert detect(flac((STREAMINFO, info), front=id3 * 9)) is None
    assert detect(flac((PADDING, info))) is None
    assert detect(flac((STREAMINFO, info + b"x"))) is None
    assert detect(b"fLaC") is None
    with pytest.raises(ContainerMalformed):
        tags(b"fLaC, a text")


# -- the essence ----------------------------------------------------------------------------


def with_metaflac(path: Path) -> None:
    run("metaflac", "--remove-tag=TITLE", "--set-tag=TITLE=Another", path)
    run("metaflac", "--add-padding=20000", path)
    run("metaflac", "--sort-padding", path)


def without_padding(path: Path) -> None:
    run("metaflac", "--dont-use-padding", "--remove", "--block-type=PADDING,SEEKTABLE", path)


def kid3(path: Path) -> None:
    run("kid3-cli", "-c", "set title 'Another'", "-c", "save", path)


def with_mutagen(path: Path) -> None:
    file = mutagen.flac.FLAC(path)
    file["TITLE"] = "T" * 70_000
    picture = mutagen.flac.Picture()
    picture.data = bytes(100_000)
    file.add_picture(picture)
    file.save()


def with_ffmpeg(path: Path) -> None:
    copy = path.with_name("copy.flac")
    ffmpeg("-i", path, "-c", "copy", "-metadata", "title=Copied", copy)
    copy.replace(path)


def with_id3v2(path: Path) -> None:
    run("id3v2", "--song", "Above", path)


@every_file
@pytest.mark.parametrize(
    "retag", [with_metaflac, without_padding, kid3, with_mutagen, with_ffmpeg, with_id3v2]
)
def test_retagging_keeps_the_essence(fresh: Files, variant: str, retag: Callable[[Path], None]) -> None:
    path = fresh("flac", variant)
    path.write_bytes(written(path.read_bytes(), MARK))
    before = essence(path.read_bytes())
    assert before.violations == ()
    retag(path)
    assert essence(path.read_bytes()) == before
    assert markers(path.read_bytes()) == [MARKER]


def test_the_frame_sizes_are_no_part_of_the_essence(parts: tuple[bytes, bytes]) -> None:
    info, audio = parts
    original = essence(flac((STREAMINFO, info), audio=audio))
    for at in range(34):
        changed = bytearray(info)
        changed[at] ^= 1
        same = essence(flac((STREAMINFO, bytes(changed)), audio=audio)).digest == original.digest
        assert same == (4 <= at < 10), at


@settings(max_examples=50)
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_every_flipped_bit_of_audio_breaks_the_essence(
    parts: tuple[bytes, bytes], place: int, bit: int
) -> None:
    info, audio = parts
    changed = bytearray(audio)
    changed[place % len(audio)] ^= 1 << bit
    first = essence(flac((STREAMINFO, info), audio=audio))
    assert essence(flac((STREAMINFO, info), audio=bytes(changed))).digest != first.digest


def test_bytes_behind_the_audio_are_in_the_digest_but_for_id3v1(parts: tuple[bytes, bytes]) -> None:
    info, audio = parts
    data = flac((STREAMINFO, info), audio=audio)
    id3v1 = b"TAG" + b"title".ljust(125, b"\x00")
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0) + bytes(8)
    assert essence(data + id3v1) == essence(data)
    assert essence(data + ape).digest != essence(data).digest
    assert essence(data + b"\x00").digest != essence(data).digest
    assert essence(data[:-1]).digest != essence(data).digest


def test_what_decoders_could_play_otherwise_is_a_violation(parts: tuple[bytes, bytes]) -> None:
    info, audio = parts
    data = flac((STREAMINFO, info), audio=audio)
    for gap in (0, READ_SIZE - 4, READ_SIZE - 1):
        joined = data + bytes(max(0, gap - len(audio))) + data
        assert codes(essence(joined)) == {Code.TRAILING_AUDIO}
    assert codes(essence(flac((STREAMINFO, info), (STREAMINFO, info), audio=audio))) == {Code.FLAC_BLOCKS}
    assert codes(essence(flac((STREAMINFO, info), audio=b"\x00" + audio))) == {Code.FLAC_SYNC}
    assert codes(essence(flac((STREAMINFO, info)))) == {Code.ESSENCE_EMPTY}
    assert codes(essence(data + b"TAG\xff\xf8" + bytes(123))) == {Code.AUDIO_IN_TAG}
    not_syncsafe = b"ID3\x03\x00\x00\x00\x00\x00\x80" + bytes(128)
    assert codes(essence(not_syncsafe + data)) == {Code.ID3_SIZE}
    unknown = b"ID3\x05\x00\x00\x00\x00\x00\x0a" + bytes(10)
    assert codes(essence(unknown + data)) == {Code.ID3_VERSION}


# -- the tag area ---------------------------------------------------------------------------


def test_id3_around_the_stream_is_read(fresh: Files) -> None:
    path = fresh("flac", "plain")
    data = path.read_bytes()
    frames = mutagen.id3.ID3()
    frames.add(mutagen.id3.TXXX(encoding=3, desc="noai", text="a.b.c"))
    frames.add(mutagen.id3.TCOP(encoding=3, text=STATEMENT))
    frames.add(mutagen.id3.TIT2(encoding=3, text="kept"))
    frames.save(path, v1=2)
    marked = path.read_bytes()
    assert marked.endswith(data[-100:]) or marked[-128:-125] == b"TAG"
    assert markers(marked) == ["a.b.c"]
    assert essence(marked) == essence(data)
    assert markers(written(marked, MARK)) == [MARKER]
    lifted = written(marked, LIFT)
    assert [field.value for field in tags(lifted).fields if field.place.startswith("ID3v2")] == ["kept"]
    assert same_inventory(marked, lifted, LIFT)
    assert not same_inventory(marked, data, LIFT)
    path.write_bytes(lifted)
    assert decoded_md5(path) == decoded_md5(fresh("flac", "plain"))


def test_tags_behind_the_audio_are_read(parts: tuple[bytes, bytes]) -> None:
    info, audio = parts
    data = flac((STREAMINFO, info), audio=audio)
    file = io.BytesIO()
    items = mutagen.apev2.APEv2()
    items["NOAI"] = "a.b.c"
    items.save(file)
    id3v1 = b"TAG" + b"title".ljust(125, b"\x00")
    assert markers(data + file.getvalue() + id3v1) == ["a.b.c"]
    assert essence(data + file.getvalue() + id3v1) == essence(data + file.getvalue())
    before, after = data + id3v1, data + id3v1[:-1] + b"\x01"
    assert not same_inventory(before, after, NOTHING)


def test_all_comment_blocks_are_read_and_cleared(parts: tuple[bytes, bytes]) -> None:
    info, audio = parts
    blocks = [(STREAMINFO, info), (VORBIS_COMMENT, comments(b"A=1", b"NOAI=a")), (PADDING, bytes(9))]
    data = flac(*blocks, (VORBIS_COMMENT, comments(b"noai=b", b"B=2")), audio=audio)
    assert markers(data) == ["a", "b"]
    assert [note.code for note in tags(data).notes] == [Code.TAG_DUPLICATE]
    after = written(data, MARK)
    assert markers(after) == [MARKER]
    assert [field.key for field in tags(after).fields] == ["A", "COPYRIGHT", "COMMENT", "NOAI", "B"]
    assert same_inventory(data, after, MARK)
    assert essence(after) == essence(data)


@pytest.mark.parametrize(
    "damaged",
    [
        lambda data: data[:30],
        lambda data: data[: layout(data).audio - 3],
        lambda data: data.replace(b"\x84\x00\x00", b"\xff\x00\x00", 1),
        lambda data: data.replace(b"\x84\x00\x00", b"\x84\xff\xff", 1),
        lambda data: data.replace(b"\x84\x00\x00", b"\x04\x00\x00", 1),
    ],
    ids=["in streaminfo", "in comments", "type 127", "block beyond the file", "no last block"],
)
def test_damaged_blocks_are_a_note(parts: tuple[bytes, bytes], damaged: Callable[[bytes], bytes]) -> None:
    info, _ = parts
    data = damaged(flac((STREAMINFO, info), (VORBIS_COMMENT, comments(b"NOAI=a", b"TITLE=t"))))
    assert Code.TAG_UNREADABLE in [note.code for note in tags(data).notes]
    for refuse in (essence, lambda data: Flac().inventory(BytesSource(data), NOTHING)):
        with pytest.raises(ContainerMalformed):
            refuse(data)
    with pytest.raises(MarkError):
        written(data, MARK)


def test_a_damaged_comment_block_keeps_what_it_said(parts: tuple[bytes, bytes]) -> None:
    info, audio = parts
    broken = comments(b"NOAI=a", b"TITLE=t")[:-1]
    data = flac((STREAMINFO, info), (VORBIS_COMMENT, broken), audio=audio)
    assert markers(data) == ["a"]
    assert [note.code for note in tags(data).notes] == [Code.TAG_UNREADABLE]
    with pytest.raises(MarkError):
        written(data, MARK)


def test_limits_hold(parts: tuple[bytes, bytes]) -> None:
    info, audio = parts
    many = flac((STREAMINFO, info), *[(PADDING, b"")] * BOXES, audio=audio)
    assert [note.code for note in tags(many).notes] == [Code.LIMIT_EXCEEDED]
    with pytest.raises(LimitExceeded):
        essence(many)
    wordy = flac((STREAMINFO, info), (VORBIS_COMMENT, comments(*[b"A=b"] * 2_000)), audio=audio)
    assert tags(wordy).notes == ()
    with pytest.raises(MarkError):
        written(wordy, MARK)


# -- writing --------------------------------------------------------------------------------


@every_file
def test_a_mark_changes_comments_and_padding_only(fresh: Files, variant: str) -> None:
    path = fresh("flac", variant)
    data = path.read_bytes()
    after = written(data, MARK)
    path.write_bytes(after)
    before, now = layout(data), layout(after)
    own = (VORBIS_COMMENT, PADDING)
    kept = [(block.type, content(data, block)) for block in before.blocks if block.type not in own]
    assert [(b.type, content(after, b)) for b in now.blocks if b.type not in own] == kept
    assert [block.type for block in now.blocks] == [block.type for block in before.blocks]
    assert after[now.audio :] == data[before.audio :]
    assert same_inventory(data, after, MARK)
    lifted = written(after, LIFT)
    assert lifted == data or (len(lifted) == len(after) > len(data) and before.of_type(PADDING))
    assert tags(lifted) == tags(data)
    if not before.leading:
        run("flac", "--silent", "--test", path)
    shown = run("metaflac", "--show-tag=NOAI", path) if not before.leading else b"NOAI=" + MARKER.encode()
    assert shown.strip() == b"NOAI=" + MARKER.encode()


@every_file
def test_the_marker_stands_in_the_first_comments(encoded: Files, variant: str) -> None:
    data = written(encoded("flac", variant).read_bytes(), MARK)
    block = layout(data).of_type(VORBIS_COMMENT)[0]
    assert block.data < data.index(b"NOAI=") < block.end


def test_padding_takes_up_the_mark(parts: tuple[bytes, bytes]) -> None:
    info, audio = parts
    growth = len(written(flac((STREAMINFO, info), (VORBIS_COMMENT, comments())), MARK)) - len(
        flac((STREAMINFO, info), (VORBIS_COMMENT, comments()))
    )
    for padding, grows in ((growth + 9, 0), (growth, 0), (growth - 1, growth)):
        around = ((PICTURE, b"\xff" * 50), (PADDING, bytes(padding)), (SEEKTABLE, bytes(18)))
        data = flac((STREAMINFO, info), (VORBIS_COMMENT, comments()), *around, audio=audio)
        after = written(data, MARK)
        assert len(after) == len(data) + grows
        assert essence(after) == essence(data)
        lifted = written(after, LIFT)
        assert lifted == data or grows
        assert len(lifted) == len(after)


def test_padding_that_is_not_zero_is_kept(parts: tuple[bytes, bytes]) -> None:
    info, audio = parts
    hidden = b"hidden".ljust(9_000, b"\x00")
    data = flac((STREAMINFO, info), (VORBIS_COMMENT, comments()), (PADDING, hidden), audio=audio)
    after = written(data, MARK)
    assert hidden in after
    assert same_inventory(data, after, MARK)
    assert "PADDING" in "".join(Flac().inventory(BytesSource(data), NOTHING))


def test_a_file_without_comments_gets_a_block(parts: tuple[bytes, bytes]) -> None:
    info, audio = parts
    for rest in ([], [(PADDING, bytes(20_000))], [(SEEKTABLE, bytes(18))]):
        data = flac((STREAMINFO, info), *rest, audio=audio)
        after = written(data, MARK)
        assert markers(after) == [MARKER]
        assert [block.type for block in layout(after).blocks[:2]] == [STREAMINFO, VORBIS_COMMENT]
        assert len(layout(after).blocks) == 2 + len(rest)
        assert essence(after) == essence(data)
        assert same_inventory(data, after, MARK)
        assert written(data, LIFT) == data


def test_comments_that_fill_their_block_take_no_mark(parts: tuple[bytes, bytes]) -> None:
    info, audio = parts
    picture = b"COVERART=" + b"A" * (LARGEST_BLOCK - 100)
    data = flac((STREAMINFO, info), (VORBIS_COMMENT, comments(picture)), audio=audio)
    with pytest.raises(MarkError):
        written(data, MARK)


def test_a_mark_in_a_large_file_moves_the_audio(parts: tuple[bytes, bytes]) -> None:
    """More than one read has to be moved, up and down again."""
    info, audio = parts
    long = audio * (3 * READ_SIZE // len(audio))
    data = flac((STREAMINFO, info), (VORBIS_COMMENT, comments(b"A=1")), audio=long)
    after = written(data, MARK)
    assert len(after) > len(data)
    assert essence(after) == essence(data)
    assert written(after, LIFT) == data


kinds = st.sampled_from([PADDING, SEEKTABLE, VORBIS_COMMENT, PICTURE, 2, 100, 127])
bodies = st.one_of(
    st.binary(max_size=40), st.integers(0, 4_000).map(bytes), st.just(comments(b"A=1", b"NOAI=x"))
)


@given(blocks=st.lists(st.tuples(kinds, bodies), max_size=6), cut=st.integers(0, 12))
def test_any_blocks_are_marked_soundly_or_refused(
    parts: tuple[bytes, bytes], blocks: list[tuple[int, bytes]], cut: int
) -> None:
    info, audio = parts
    data = flac((STREAMINFO, info), *blocks, audio=audio[:200])
    data = data[: len(data) - 20 * cut]
    try:
        before = essence(data)
        after = written(data, MARK)
    except (ContainerError, MarkError):
        tags(data) if Flac().detect(BytesSource(data)) else None
        return
    assert essence(after) == before
    assert markers(after) == [MARKER]
    assert same_inventory(data, after, MARK)
    assert written(after, MARK) == after


@pytest.mark.parametrize("name", ["flac", "ffmpeg"])
def test_a_flac_that_is_cut_off_anywhere_is_a_truncated_file(name: str, encoded: Callable[..., Path]) -> None:
    data = encoded("flac", "plain" if name == "flac" else "ffmpeg").read_bytes()
    assert codes(essence(data)) == set()
    for missing in (1, 2, 500, len(data) // 3, len(data) // 2):
        assert Code.ESSENCE_TRUNCATED in codes(essence(data[:-missing]))


def test_a_flac_cut_at_the_end_of_a_frame_lacks_promised_samples(encoded: Callable[..., Path]) -> None:
    data = encoded("flac", "plain").read_bytes()
    starts = [
        at
        for at in range(len(data) // 2, len(data))
        if data[at : at + 2] in (b"\xff\xf8", b"\xff\xf9") and not codes_but_truncated(data[:at])
    ]
    messages = {v.message for at in starts for v in essence(data[:at]).violations}
    assert any("are promised" in message for message in messages)


def codes_but_truncated(data: bytes) -> set[Code]:
    return codes(essence(data)) - {Code.ESSENCE_TRUNCATED}


# -- the checksum of a frame ------------------------------------------------------------------


def crc16(data: bytes) -> int:
    """RFC 9639 §9.3, bit by bit: polynomial x^16 + x^15 + x^2 + 1, from zero."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


@given(data=st.binary(max_size=400))
def test_the_checksum_of_a_frame_is_that_of_the_standard(data: bytes) -> None:
    assert ends_with_crc16(data) == (crc16(data) == 0)
    assert ends_with_crc16(data + crc16(data).to_bytes(2, "big"))


@given(data=st.binary(min_size=1, max_size=400), flips=st.sets(st.integers(0, 3200), min_size=1, max_size=5))
def test_bits_that_were_changed_are_seen_by_the_checksum(data: bytes, flips: set[int]) -> None:
    frame = data + crc16(data).to_bytes(2, "big")
    number = int.from_bytes(frame, "big")
    for flip in flips:
        number ^= 1 << flip % (8 * len(frame))
    changed = number.to_bytes(len(frame), "big")
    assert ends_with_crc16(changed) == (crc16(changed) == 0)
