"""A glance at FLAC files: it tells of what encoders and taggers write, and nothing but the truth."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import mutagen.flac
import pytest

from noai.containers import _glance_comments
from noai.containers._flac_blocks import (
    APPLICATION,
    CUESHEET,
    LAST,
    PADDING,
    PICTURE,
    SEEKTABLE,
    VORBIS_COMMENT,
    read_layout,
)
from noai.containers.glances import glance
from noai.marking import mark
from noai.silence import is_silent_name
from noai.sources import BytesSource
from tests.audio import Studio, run
from tests.glances import assert_holds, mutations
from tests.signers import NOW, signer
from tests.tracks import plant, unmarked
from tests.unit.id3_bytes import frame, tag
from tests.unit.mp3_bytes import ape, id3v1

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJub2FpIjoxfQ.AAAA"
STATEMENT = "(c) | noai:AAAAAAAAAAAAAAAAAAAAAA No AI training without permission."
COMMON = (
    "TITLE=A song", "ARTIST=Somebody ünd", "ALBUM=" + "x" * 200, "TRACKNUMBER=1", "date=1999",
    "MUSICBRAINZ_ALBUMID=0-0", "replaygain_track_gain=-3 dB", "LYRICS=" + "la la\n" * 400,
    "COMMENT=a comment", "ENCODER=x", "Acoustid Id=1", "AÄ=1", "A.B=1", "encoded-by=x", "GENRE=", "1=2",
)  # fmt: skip


def comments(*items: str | bytes, behind: bytes = b"", count: int | None = None) -> bytes:
    packed = [item.encode() if isinstance(item, str) else item for item in items]
    body = b"".join(struct.pack("<I", len(item)) + item for item in packed)
    return b"\x04\0\0\0test" + struct.pack("<I", len(packed) if count is None else count) + body + behind


def picture(description: bytes = b"", mime: bytes = b"image/png", data: bytes = b"x" * 30_000) -> bytes:
    head = struct.pack(">II", 3, len(mime)) + mime + struct.pack(">I", len(description)) + description
    return head + struct.pack(">IIIII", 1, 1, 24, 0, len(data)) + data


def blocks(*more: tuple[int, bytes], base: str = "tune.flac") -> bytes:
    """The sample with STREAMINFO and these blocks alone in front of its audio."""
    data = unmarked(base)
    layout = read_layout(BytesSource(data))
    made = b""
    for number, (kind, content) in enumerate(more, start=1):
        made += (
            bytes([kind | (LAST if number == len(more) else 0)]) + len(content).to_bytes(3, "big") + content
        )
    info = bytes([0 if more else LAST]) + data[5:42]
    return b"fLaC" + info + made + data[layout.audio :]


COMMENTED = (VORBIS_COMMENT, comments(*COMMON))
PLAIN = [
    blocks(), blocks(COMMENTED), blocks(COMMENTED, (PADDING, bytes(8192))),
    blocks((PADDING, bytes(20_000)), COMMENTED),
    blocks((SEEKTABLE, bytes(range(180))), COMMENTED, (PICTURE, picture()), (PADDING, bytes(4000))),
    blocks((PICTURE, picture(b"a cover", b"image/jpeg")), (PICTURE, picture()), COMMENTED),
    blocks((CUESHEET, b"1234567890128" + bytes(500)), COMMENTED), blocks((VORBIS_COMMENT, comments())),
    blocks((VORBIS_COMMENT, comments("TITLE=x", behind=b"\1\0\0"))),
    blocks((VORBIS_COMMENT, comments(*(f"X{number}=y" for number in range(200))))),
]  # fmt: skip
MARKED = [
    blocks((VORBIS_COMMENT, comments(*COMMON, f"NOAI={TOKEN}"))),
    blocks((VORBIS_COMMENT, comments(f"noai={TOKEN}", f"COPYRIGHT={STATEMENT}")), (PICTURE, picture())),
    blocks((VORBIS_COMMENT, comments("TITLE=x", f"NoAI ={TOKEN}", "COMMENT=y"))),
    blocks((VORBIS_COMMENT, comments(f"noaı={TOKEN}"))),
]


@pytest.mark.parametrize("data", PLAIN)
def test_plain_files_are_told_by_a_glance(data: bytes) -> None:
    assert assert_holds(data)
    seen = glance(BytesSource(data))
    assert seen is not None
    assert not seen.markers


@pytest.mark.parametrize("data", MARKED)
def test_a_marker_is_seen(data: bytes) -> None:
    assert assert_holds(data)
    seen = glance(BytesSource(data))
    assert seen is not None
    assert [field.value for field in seen.markers] == [TOKEN]


SPEAKING = [
    *(
        blocks((VORBIS_COMMENT, comments("TITLE=x", item)))
        for item in (
            "NO_AI_TRAINING=1", "No-AI=x", "ＮＯＡＩ=1", "org.example.NOAI=1", "Content-Usage=train-ai=n",
            "tdm-reservation=1", f"COPYRIGHT={STATEMENT}", "COMMENT=NOAİ:AAAA", "noai", "NOAI",
            STATEMENT, b"NOAI=\xff", "AIOPTOUT=1",
        )
    ),
    blocks((PICTURE, picture(STATEMENT.encode()))), blocks((PICTURE, picture(mime=STATEMENT.encode()))),
    blocks((CUESHEET, b"noai:AAAAAAAAAAAAAAAAAAAAAA".ljust(128, b"\0"))),
]  # fmt: skip
UNUSUAL = [
    blocks(COMMENTED, COMMENTED), blocks((APPLICATION, b"riff" + bytes(20))), blocks((9, b"x"), COMMENTED),
    blocks((VORBIS_COMMENT, comments("TITLE=x", behind=b"\1x"))),
    blocks((VORBIS_COMMENT, comments("A=1", count=2))),
    blocks((VORBIS_COMMENT, comments("A=1", "B=2", count=1))), blocks((PADDING, b"NOAI=1".ljust(64, b"\0"))),
    blocks((SEEKTABLE, b"datamining")), blocks((PICTURE, picture()[:20])),
    blocks((VORBIS_COMMENT, b"\xff" * 12)),
    blocks((VORBIS_COMMENT, comments(*(f"X{number}=y" for number in range(300))))),
    blocks((VORBIS_COMMENT, comments("LYRICS=" + "x" * 60_000))),
]  # fmt: skip


@pytest.mark.parametrize("data", [*SPEAKING, *UNUSUAL])
def test_whatever_speaks_or_is_unusual_is_read(data: bytes) -> None:
    assert glance(BytesSource(data)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda data: tag(4) * 2 + data, lambda data: data + id3v1(), lambda data: data + ape(("a b", b"x")),
        lambda data: data + data, lambda data: data[:-3000],
        lambda data: data + bytes(5000) + id3v1(b"x"), lambda data: data[:-60] + b"NOAI=" + data[-55:],
        lambda data: data[:4] + data[4:5] + data[5:21] + bytes(5) + data[26:],
    ],
)  # fmt: skip
def test_what_is_around_the_audio_counts(change: Callable[[bytes], bytes]) -> None:
    assert glance(BytesSource(change(blocks(COMMENTED)))) is None


def test_one_tag_in_front_is_looked_at_too() -> None:
    title, statement = frame(4, "TIT2", b"\3x"), frame(4, "TCOP", b"\3noai:AAAA")
    slot = frame(4, "TXXX", b"\3NOAI\0a.b.c")
    flac = blocks(COMMENTED)
    told = {tagged: assert_holds(tag(4, tagged) + flac) for tagged in (title, statement, slot)}
    assert told == {title: True, statement: False, slot: True}
    seen = glance(BytesSource(tag(4, slot) + flac))
    assert seen is not None
    assert [field.value for field in seen.markers] == ["a.b.c"]


def test_keys_that_the_pattern_passes_over_say_nothing() -> None:
    assert all(map(is_silent_name, _glance_comments.KEYS))
    for key in ("NOAI", "AIOPTOUT", "TDMPOLICY", "CONTENT_USAGE", "DO_NOT_TRAIN", "AI_TRAINING_OPT_OUT"):
        for form in (key, key.lower(), f" {key}", f"_{key}"):
            data = comments("TITLE=x", f"{form}=1")
            assert (
                glance(BytesSource(blocks((VORBIS_COMMENT, data)))) is None or form.upper().strip() == "NOAI"
            )


VARIANTS = ("plain", "long", "tagged", "cover", "chapters", "ffmpeg", "24bit")


@pytest.mark.parametrize("tagger", ["none", "mutagen", "metaflac", "kid3"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_what_encoders_and_taggers_write_is_told_by_a_glance(
    studio: Studio, variant: str, tagger: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.flac"
    out.write_bytes(studio.encoded("flac", variant).read_bytes())
    if tagger == "mutagen":
        tags = mutagen.flac.FLAC(out)
        tags["title"], tags["lyrics"] = "A tïtle", "la\n" * 2_000
        cover = mutagen.flac.Picture()
        cover.data, cover.mime, cover.desc = b"\xff\xd8" * 30_000, "image/jpeg", "front"
        tags.add_picture(cover)
        tags.save()
    elif tagger == "metaflac":
        run("metaflac", "--set-tag=ARTIST=Somebody", "--add-replay-gain", out)
    elif tagger == "kid3":
        run("kid3-cli", "-c", "set title 'A title'", "-c", "set comment 'x'", "-c", "save", out)
    data = out.read_bytes()
    assert assert_holds(data)
    for token in (TOKEN, "1"):
        assert assert_holds(plant(data, [token]))


@cache
def seeds() -> list[bytes]:
    own = [mark(unmarked("tune.flac"), signer=signer(), c2pa=c2pa, now=NOW) for c2pa in (True, False)]
    return [*PLAIN, *MARKED, *SPEAKING, *UNUSUAL, *own]


def test_mutated_files_are_told_truly_or_not_at_all() -> None:
    told = [assert_holds(data) for data in mutations(seeds(), 600)]
    assert 60 < sum(told) < 500
