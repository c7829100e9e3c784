"""Markers where few look in FLAC: in blocks of every kind, behind the last block, in joined streams."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from noai.containers._flac_blocks import LAST, PADDING, PICTURE, SEEKTABLE, VORBIS_COMMENT, read_layout
from noai.errors import EssenceUnbindable, MarkError
from noai.limits import FLAC_STREAMS
from noai.marking import mark
from noai.sources import BytesSource
from noai.verdict import Decision
from tests.attacks.places import (
    ARTIST,
    DENIAL,
    PERMISSION,
    STATEMENT,
    Files,
    Place,
    block,
    id3,
    judge,
    require_not_admitted,
    require_rejected,
    with_block,
)
from tests.audio import Studio, run
from tests.signers import NOW
from tests.unit.mp3_bytes import ape
from tests.unit.wav_bytes import chunk

APPLICATION, CUESHEET, RESERVED = 2, 5, 64


@pytest.fixture(scope="module")
def files(studio: Studio) -> Files:
    return Files(studio)


def comments(*values: str) -> bytes:
    packed = [value.encode() for value in values]
    return struct.pack("<II", 0, len(packed)) + b"".join(struct.pack("<I", len(v)) + v for v in packed)


def picture(description: bytes = b"", mime: bytes = b"image/png", data: bytes = b"PNG") -> bytes:
    texts = b"".join(struct.pack(">I", len(text)) + text for text in (mime, description))
    return struct.pack(">I", 3) + texts + bytes(16) + struct.pack(">I", len(data)) + data


def behind_the_last(data: bytes, text: str) -> bytes:
    """A block where the flag of the one in front says that there are no more."""
    audio = read_layout(BytesSource(data)).audio
    return data[:audio] + block(VORBIS_COMMENT, comments(f"NOAI={text}"), last=True) + data[audio:]


def without_end(data: bytes, text: str) -> bytes:
    """No block is the last one."""
    layout = read_layout(BytesSource(data))
    at = layout.blocks[-1].offset
    opened = data[:at] + bytes((data[at] & ~LAST,)) + data[at + 1 : layout.audio]
    return opened + block(VORBIS_COMMENT, comments(f"NOAI={text}")) + data[layout.audio :]


def bare_stream(data: bytes, text: str) -> bytes:
    """STREAMINFO and a comment, without a frame."""
    info = read_layout(BytesSource(data)).blocks[0]
    return (
        b"fLaC"
        + block(0, data[info.data : info.end])
        + block(VORBIS_COMMENT, comments(f"NOAI={text}"), last=True)
    )


def tagged_stream(data: bytes, text: str) -> bytes:
    return with_block(data, VORBIS_COMMENT, comments(f"NOAI={text}"))


def in_the_middle(data: bytes, piece: bytes) -> bytes:
    layout = read_layout(BytesSource(data))
    at = data.index(b"\xff\xf8", (layout.audio + layout.end) // 2)
    return data[:at] + piece + data[at:]


PLACES = (
    Place("second comment block", tagged_stream),
    Place(
        "third comment block",
        lambda d, t: tagged_stream(with_block(d, VORBIS_COMMENT, comments("TITLE=x")), t),
    ),
    Place(
        "comment behind a picture", lambda d, t: with_block(tagged_stream(d, t), PICTURE, picture(b"", b""))
    ),
    Place(
        "damaged comment block",
        lambda d, t: with_block(d, VORBIS_COMMENT, struct.pack("<III", 0, 9, 2**31) + t.encode()),
    ),
    Place("padding", lambda d, t: with_block(d, PADDING, bytes(100) + f"NOAI={t}".encode() + bytes(100))),
    Place("whole block in padding", lambda d, t: with_block(d, PADDING, block(4, comments(f"noai={t}")))),
    Place("ID3 in padding", lambda d, t: with_block(d, PADDING, id3(t))),
    Place("block of a reserved type", lambda d, t: with_block(d, RESERVED, comments(f"NOAI={t}"))),
    Place("block of the forbidden type", lambda d, t: with_block(d, 127, comments(f"NOAI={t}"))),
    Place("application", lambda d, t: with_block(d, APPLICATION, b"ABCD" + comments(f"NoAI={t}"))),
    Place("seek table", lambda d, t: with_block(d, SEEKTABLE, f"NOAI={t}".encode())),
    Place("kept id3 chunk", lambda d, t: with_block(d, APPLICATION, b"riff" + chunk(b"id3 ", id3(t)))),
    Place("kept JUNK chunk", lambda d, t: with_block(d, APPLICATION, b"riff" + chunk(b"JUNK", id3(t)))),
    Place(
        "kept INFO chunk",
        lambda d, t: with_block(
            d, APPLICATION, b"riff" + chunk(b"LIST", b"INFO" + chunk(b"NOAI", t.encode()))
        ),
    ),
    Place("kept data chunk", lambda d, t: with_block(d, APPLICATION, b"riff" + chunk(b"data", id3(t)))),
    Place("kept AIFF chunk", lambda d, t: with_block(d, APPLICATION, b"aiff" + b"ID3 \0\0\0\x04" + id3(t))),
    Place(
        "kept chunk that is cut off",
        lambda d, t: with_block(d, APPLICATION, b"riffid3 \xff\xff\0\0" + id3(t)),
    ),
    Place("behind the last block", behind_the_last),
    Place("blocks without a last one", without_end),
    Place("block behind the audio", lambda d, t: d + block(VORBIS_COMMENT, comments(f"NOAI={t}"), last=True)),
    Place("stream behind the audio", lambda d, t: d + bare_stream(d, t)),
    Place("stream behind an equal one", lambda d, t: d + tagged_stream(d, t)),
    Place("stream in front of an equal one", lambda d, t: tagged_stream(d, t) + d),
    Place("stream with ID3 in front", lambda d, t: d + id3(t) + d),
    Place("stream among frames", lambda d, t: in_the_middle(d, bare_stream(d, t)) + d),
    Place("APEv2 between streams", lambda d, t: d + ape(("NOAI", t.encode())) + d),
)
TEXTS = (
    Place(
        "picture", lambda d, t: with_block(d, PICTURE, picture(b"image/png", STATEMENT.encode())), slot=False
    ),
    Place(
        "link to a picture", lambda d, t: with_block(d, PICTURE, picture(STATEMENT.encode(), b"")), slot=False
    ),
    Place(
        "second picture",
        lambda d, t: with_block(with_block(d, PICTURE, picture(STATEMENT.encode())), PICTURE, picture()),
        slot=False,
    ),
    Place("damaged picture", lambda d, t: with_block(d, PICTURE, b"\0\0\0\3\xff\xff\xff\xff"), slot=False),
    Place(
        "cue sheet", lambda d, t: with_block(d, CUESHEET, STATEMENT.encode().ljust(400, b"\0")), slot=False
    ),
    Place(
        "kept bext chunk",
        lambda d, t: with_block(
            d, APPLICATION, b"riff" + chunk(b"bext", STATEMENT.encode().ljust(602, b"\0"))
        ),
        slot=False,
    ),
)

each_slot = pytest.mark.parametrize("place", PLACES, ids=str)
each_place = pytest.mark.parametrize("place", [*PLACES, *TEXTS], ids=str)


@each_place
@pytest.mark.parametrize("variant", ["plain", "tagged", "cover"])
def test_a_denial_hidden_in_an_unmarked_flac_is_seen(files: Files, variant: str, place: Place) -> None:
    require_not_admitted(place.put(files.plain("flac", variant), DENIAL))


@each_slot
def test_a_permission_hidden_in_a_marked_flac_opens_nothing(files: Files, place: Place) -> None:
    require_not_admitted(place.put(files.marked("flac"), PERMISSION))


@each_place
def test_a_denial_hidden_in_a_permitted_flac_counts(files: Files, place: Place) -> None:
    assert judge(files.permitted("flac")).decision is Decision.ALLOWED
    require_not_admitted(place.put(files.permitted("flac"), DENIAL))


def test_what_flac_keeps_of_a_marked_wav_is_rejected(files: Files, tmp_path: Path) -> None:
    """``flac --keep-foreign-metadata``: the marker comes through in an APPLICATION block."""
    wave, kept = tmp_path / "marked.wav", tmp_path / "kept.flac"
    wave.write_bytes(files.marked("wav"))
    run("flac", "--silent", "--keep-foreign-metadata", "-o", kept, wave)
    require_rejected(kept.read_bytes())


def test_the_third_of_three_joined_streams_is_rejected(files: Files) -> None:
    require_rejected(files.plain("flac") + files.plain("flac", "cover") + files.marked("flac", "24bit"))


def test_more_joined_streams_than_the_limit_are_undecided(files: Files) -> None:
    data = files.plain("flac")
    require_not_admitted(data + bare_stream(data, "x" * 8) * (FLAC_STREAMS + 1))


def test_a_first_stream_that_is_cut_off_hides_nothing(files: Files) -> None:
    require_rejected(files.plain("flac")[:-5000] + files.marked("flac"))


def test_a_first_stream_of_unknown_length_hides_nothing(files: Files) -> None:
    """As an encoder leaves it that writes to a pipe."""
    data = bytearray(files.plain("flac"))
    data[21:26] = bytes((data[21] & 0xF0,)) + bytes(4)
    assert judge(bytes(data)).decision is Decision.UNRESERVED
    require_rejected(bytes(data) + files.marked("flac"))


def test_ordinary_blocks_are_no_finding(files: Files) -> None:
    for variant in ("plain", "tagged", "cover", "chapters", "ffmpeg", "24bit", "id3"):
        verdict = judge(files.plain("flac", variant))
        assert verdict.decision is Decision.UNRESERVED
        assert verdict.report.notes == ()


@pytest.mark.parametrize("kind", [PADDING, APPLICATION, PICTURE, RESERVED])
def test_an_mp3_inside_a_block_is_not_covered_by_a_permission(files: Files, kind: int) -> None:
    mp3 = files.plain("mp3")
    content = picture(data=mp3) if kind == PICTURE else b"ABCD" + mp3
    hidden = with_block(files.permitted("flac"), kind, content)
    assert judge(hidden).decision is Decision.UNDECIDED


def test_joined_streams_are_not_marked(files: Files) -> None:
    """What noai cannot bind to it does not mark."""
    for second in (files.plain("flac"), files.marked("flac")):
        with pytest.raises((EssenceUnbindable, MarkError)):
            mark(files.plain("flac") + second, signer=ARTIST, c2pa=False, now=NOW)
