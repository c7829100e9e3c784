"""A glance at MP3 files: it tells of what encoders and taggers write, and nothing but the truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import mutagen.id3 as id3
import pytest

from noai.containers import _glance_frames
from noai.containers.glances import glance
from noai.marking import mark
from noai.silence import is_silent_name
from noai.sources import BytesSource
from tests.audio import SAMPLES, ffmpeg, run
from tests.glances import assert_holds, mutations
from tests.signers import NOW, signer
from tests.tracks import plant, unmarked
from tests.unit.id3_bytes import frame, tag
from tests.unit.mp3_bytes import ape, id3v1, sound

#: At 48 kHz, where frames of one bit rate are of one length.
HEADER = b"\xff\xfb\x94\x40"
LONG = sound(60, HEADER)
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJub2FpIjoxfQ.AAAA"


def counting(frames: int, magic: bytes = b"Info") -> bytes:
    """A frame that counts itself and ``frames`` others."""
    counts = frames.to_bytes(4, "big") + (384 * (frames + 1)).to_bytes(4, "big")
    return (HEADER + bytes(32) + magic + b"\0\0\0\3" + counts).ljust(384, b"\0")


def text(version: int, *pairs: tuple[str, str], encoding: int = 3) -> bytes:
    codec = {0: "latin-1", 1: "utf-16", 3: "utf-8"}[encoding]
    end = b"\0\0" if encoding == 1 else b"\0"
    frames = []
    for name, value in pairs:
        payload = bytes([encoding])
        if name.startswith(("TXXX:", "COMM:")):
            name, _, description = name.partition(":")
            payload += b"eng" if name == "COMM" else b""
            payload += description.encode(codec) + end
        frames.append(frame(version, name, payload + value.encode(codec)))
    return tag(version, *frames, padding=bytes(300))


INFO = counting(60)
COMMON = (
    ("TIT2", "A song"), ("TPE1", "Somebody ünd"), ("TALB", "x" * 200), ("TRCK", "1/9"),
    ("COMM:", "a comment"), ("COMM:iTunNORM", " 000003"),
    ("TXXX:replaygain_track_gain", "-3 dB"), ("TXXX:MusicBrainz Album Id", "0-0"),
    ("TSSE", "LAME"), ("TDRC", "1999"), ("TCON", ""),
)  # fmt: skip
TAGS = [
    text(version, *COMMON[:-2], encoding=encoding) for version, encoding in ((3, 0), (3, 1), (4, 3), (4, 0))
]
PICTURE = frame(4, "APIC", b"\0image/png\0\x03cover\0" + b"\x89PNG" + bytes(range(256)) * 80)
OTHERS = [
    frame(4, "UFID", b"http://musicbrainz.org\0" + b"0" * 36),
    frame(4, "PRIV", b"WM/MediaClassPrimaryID\0" + bytes(16)),
    frame(4, "PRIV", b"AverageLevel\0\x01\x02\x03"),
    frame(4, "GEOB", b"\0application/octet-stream\0\0Serato Overview\0\x01\x05" + bytes(500)),
    frame(4, "POPM", b"a@b.c\0\xff\0\0\0\0"), frame(4, "PCNT", b"\0\0\0\x09"), frame(4, "WCOM", b"http://x.example"),
]  # fmt: skip
PLAIN = [
    LONG,
    INFO + LONG,
    *(each + INFO + LONG for each in TAGS),
    TAGS[2] + INFO + LONG + id3v1(b"a comment"),
    TAGS[1] + LONG + ape(("REPLAYGAIN_TRACK_GAIN", b"-3 dB"), ("MP3GAIN_UNDO", b"1")),
    TAGS[1] + LONG + ape(("Title", b"x"), header=False) + id3v1(),
    tag(4, PICTURE, *OTHERS, frame(4, "TIT2", b"\0behind the picture")) + LONG,
    tag(4, *OTHERS, PICTURE, padding=bytes(9000)) + LONG,
]
MARKED = [
    tag(3, frame(3, "TXXX", b"\0NOAI\0" + TOKEN.encode())) + LONG,
    tag(4, frame(4, "TIT2", b"\3x"), frame(4, "TXXX", b"\3noai\0" + TOKEN.encode()), PICTURE) + LONG,
    tag(3, frame(3, "TXXX", b"\1" + "NOAI\0".encode("utf-16") + TOKEN.encode("utf-16"))) + LONG,
    LONG + ape(("noai", TOKEN.encode())),
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
    text(4, ("TXXX:AI_TRAINING_OPT_OUT", "1")), text(3, ("TXXX:No-AI", "x"), encoding=1),
    text(4, ("COMM:noai", "1")), text(4, ("COMM:", "noai:AAAAAAAAAAAAAAAAAAAAAA No AI")),
    text(3, ("TCOP", "(c) | NOAİ:AAAA"), encoding=1), tag(4, frame(4, "PRIV", b"XMP\0<x/>")),
    tag(4, frame(4, "GEOB", b"\0application/c2pa\0c2pa\0c2pa\0\0\0\0\x08jumb")),
    tag(4, frame(4, "UFID", b"NOAI\0001")), tag(4, frame(4, "PRIV", b"x\0\x01no\0ai:AAAA")),
]  # fmt: skip
STATEMENT = b" noai:AAAAAAAAAAAAAAAAAAAAAA No AI training without permission."
SERATO = b"\0application/octet-stream\0\0Serato "
EMPTY = [frame(3, "TIT2", b"")] * 1_600
#: What stands where a shortcut, or a bound of the glance, could pass it over.
FAR = [
    tag(4, frame(4, "GEOB", SERATO + b"x.NO_AI_TRAINING_MARKER\0" + bytes(500))),
    tag(4, frame(4, "TXXX", SERATO + b"x" * 20_000 + STATEMENT)),
    tag(3, frame(3, "TIT2", SERATO + b"x" * 20_000 + STATEMENT)),
    tag(3, frame(3, "TXXX", SERATO + b"x" * 300_000)),
    tag(
        3,
        frame(3, "TIT2", b"\0" + b"y" * (8_160 - len(SERATO))),
        frame(3, "GEOB", SERATO + STATEMENT + b"\0"),
    ),
    tag(4, frame(4, "APIC", b"\0image/png\0\x03" + b"x" * 1_500 + STATEMENT + b"\0" + bytes(20_000))),
    tag(3, *EMPTY, *[frame(3, "TIT2", b"\0" + b"y" * 130)] * 250),
]
UNUSUAL = [
    tag(2, frame(2, "TT2", b"\0x")), tag(3, frame(3, "NOAI", b"\0x")),
    tag(4, frame(4, "TIT2", b"\0x", flags=8)), tag(3, frame(3, "CHAP", b"a\0" + bytes(16))),
    tag(3, frame(3, "TIT2", b"\0x"), padding=b"\0\0x" + bytes(8)),
    tag(3, frame(3, "TIT2", b"\x09x")), tag(3, frame(3, "TIT2", b"\0x")) * 2, tag(3, flags=0x80),
    tag(4, frame(4, "SEEK", b"\0\0\0\0")), tag(4, *[frame(4, "TIT2", b"\0")] * 2_500),
    tag(4, *[frame(4, "GEOB", b"\0application/c2pa\0\0\0jumb")] * 5, frame(4, "TXXX", b"\0NOAI\0a.b.c")),
]  # fmt: skip


@pytest.mark.parametrize("front", [*SPEAKING, *UNUSUAL, *FAR])
def test_whatever_speaks_or_is_unusual_is_read(front: bytes) -> None:
    assert glance(BytesSource(front + LONG)) is None


@pytest.mark.parametrize(
    "data",
    [
        LONG + b"x" * 50, LONG + LONG[:100] + tag(3) + LONG, LONG + ape(("NO_AI_TRAINING", b"1")),
        LONG + bytes(9) + id3v1(), LONG + ape(("a b", b"x")) * 5, b"\0" + LONG,
        LONG + id3v1(b"noai:AAAA"), counting(30) + LONG,
    ],
)  # fmt: skip
def test_what_is_around_the_audio_counts(data: bytes) -> None:
    assert glance(BytesSource(data)) is None


def test_names_that_the_pattern_passes_over_say_nothing_even_if_cut_off() -> None:
    names = (*_glance_frames.DESCRIPTIONS, *_glance_frames.REMARKS, *_glance_frames.OWNERS)
    assert all(is_silent_name(name[:length]) for name in names for length in range(len(name) + 1))


Encoder = Callable[[Path, Path], object]
ENCODERS: dict[str, Encoder] = {
    "lame cbr": lambda wav, out: run("lame", "--quiet", "-b", "128", "--tt", "A title", wav, out),
    "lame vbr": lambda wav, out: run("lame", "--quiet", "-V", "2", "--add-id3v2", "--ta", "ö", wav, out),
    "lame without an Info frame": lambda wav, out: run("lame", "--quiet", "-t", "-b", "128", wav, out),
    "ffmpeg": lambda wav, out: ffmpeg("-i", wav, "-b:a", "128k", "-metadata", "title=A song", out),
    "ffmpeg 2.3": lambda wav, out: ffmpeg(
        "-i", wav, "-q:a", "3", "-id3v2_version", "3", "-write_id3v1", "1", "-metadata", "comment=x", out
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return SAMPLES / "unmarked" / "tune.wav"


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("tagger", ["none", "mutagen 2.3", "mutagen 2.4", "id3v2", "eyeD3"])
def test_what_encoders_and_taggers_write_is_told_by_a_glance(
    name: str, tagger: str, wav: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp3"
    ENCODERS[name](wav, out)
    if tagger.startswith("mutagen"):
        tags = id3.ID3()
        tags.add(id3.TIT2(encoding=1, text="A tïtle"))
        tags.add(id3.TXXX(encoding=1, desc="MusicBrainz Artist Id", text="0-0"))
        tags.add(id3.APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=b"\xff\xd8" * 20_000))
        tags.add(id3.COMM(encoding=1, lang="eng", desc="", text="a comment"))
        tags.save(out, v2_version=int(tagger[-1]))
    elif tagger == "id3v2":
        run("id3v2", "-2", "-a", "Somebody", "-t", "A title", "-c", "a comment", out)
    elif tagger == "eyeD3":
        run("eyeD3", "-Q", "-a", "Somebody", "-t", "A title", "--user-text-frame", "mood:calm", out)
    data = out.read_bytes()
    assert assert_holds(data)
    for token in (TOKEN, "1"):
        assert assert_holds(plant(data, [token]))


@cache
def seeds() -> list[bytes]:
    own = [
        mark(unmarked("tune.mp3"), signer=signer(), c2pa=c2pa, now=NOW)[:40_000] + LONG
        for c2pa in (True, False)
    ]
    return [*PLAIN, *MARKED, *(front + LONG for front in (*SPEAKING, *UNUSUAL, *FAR)), *own]


def test_mutated_files_are_told_truly_or_not_at_all() -> None:
    told = [assert_holds(data) for data in mutations(seeds(), 1_500)]
    assert 75 < sum(told) < 1_300
