"""A glance at Ogg files: it tells of what encoders and taggers write, and nothing but the truth."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import mutagen
import pytest

from noai.containers._ogg_pages import CAPTURE, FIRST, LAST, with_checksum
from noai.containers.glances import glance
from noai.limits import OGG_WALKED_BYTES
from noai.sources import BytesSource
from tests.audio import Studio, ffmpeg, run
from tests.encoders.vorbis_tags import picture_tag
from tests.glances import SPLICES, assert_holds, mutations
from tests.tracks import plant
from tests.unit.ogg_bytes import header_packets, longer, page, pages, serial_of, with_headers, with_serial
from tests.unit.test_glance_flac import COMMON, STATEMENT, TOKEN, comments

KINDS = ("ogg-vorbis", "ogg-opus")
each_kind = pytest.mark.parametrize("kind", KINDS)
PICTURE = picture_tag(bytes(range(256)) * 100, b"image/png")


def with_comments(data: bytes, block: bytes) -> bytes:
    first, old, *rest = header_packets(data)
    magic = old[:8] if old.startswith(b"OpusTags") else old[:7]
    return with_headers(data, [first, magic + block, *rest], together=True)


PLAIN = {
    "none": comments(), "common": comments(*COMMON), "framing": comments(*COMMON, behind=b"\1"),
    "padding": comments(*COMMON, behind=b"\1" + bytes(500)),
    "a picture": comments("TITLE=x", PICTURE, "ARTIST=y"), "a picture at the end": comments(*COMMON, PICTURE),
    "a long picture": comments("TITLE=x", PICTURE * 6, "COMMENT=z", behind=b"\1"),
    "pictures": comments(PICTURE, PICTURE * 5, *COMMON, PICTURE),
    "cover art": comments("COVERART=" + "A" * 80_000),
    "long text": comments("LYRICS=" + "la " * 9_000, "ARTIST=y"),
}  # fmt: skip
MARKED = {
    "in front": comments(f"NOAI={TOKEN}", *COMMON),
    "lower case": comments("TITLE=x", f"noai={TOKEN}", f"C={STATEMENT}"),
    "behind a picture": comments(PICTURE * 6, f"NOAI={TOKEN}", "A=b"),
}  # fmt: skip
SPEAKING = {
    "name": comments("NO_AI_TRAINING=1"), "sentence": comments(f"COPYRIGHT={STATEMENT}"),
    "behind a picture": comments(PICTURE * 6, "tdm-reservation=1"), "no key": comments("noai"),
    "sentence behind a picture": comments(PICTURE * 6, f"COMMENT={STATEMENT}"),
}  # fmt: skip
UNUSUAL = {
    "too few": comments(*COMMON, count=99), "too many": comments(*COMMON, count=3),
    "something behind": comments("A=b", behind=b"\1\0x"), "damaged": comments("A=b")[:-2],
    "far too many": comments(*(f"X{number}=y" for number in range(400))),
    "a picture that is too long": comments(PICTURE * 6)[:-9],
}  # fmt: skip


@pytest.fixture(scope="module")
def base(studio: Studio) -> dict[str, bytes]:
    return {kind: studio.encoded(kind, "long").read_bytes() for kind in KINDS}


@each_kind
@pytest.mark.parametrize("what", PLAIN)
def test_plain_files_are_told_by_a_glance(base: dict[str, bytes], kind: str, what: str) -> None:
    data = with_comments(base[kind], PLAIN[what])
    assert assert_holds(data)
    seen = glance(BytesSource(data))
    assert seen is not None
    assert (seen.container, seen.markers) == (kind, ())


@each_kind
@pytest.mark.parametrize("what", MARKED)
def test_a_marker_is_seen(base: dict[str, bytes], kind: str, what: str) -> None:
    data = with_comments(base[kind], MARKED[what])
    assert assert_holds(data)
    seen = glance(BytesSource(data))
    assert seen is not None
    assert [field.value for field in seen.markers] == [TOKEN]


@each_kind
@pytest.mark.parametrize("what", [*SPEAKING.values(), *UNUSUAL.values()], ids=[*SPEAKING, *UNUSUAL])
def test_whatever_speaks_or_is_unusual_is_read(base: dict[str, bytes], kind: str, what: bytes) -> None:
    assert glance(BytesSource(with_comments(base[kind], what))) is None


@each_kind
def test_what_else_is_in_the_file_counts(base: dict[str, bytes], kind: str) -> None:
    data = base[kind]
    other = with_serial(data, serial_of(data) ^ 1)
    skeleton = page(5, 0, FIRST, b"fishead\0" + bytes(56))
    first, *rest = pages(data)
    for changed in (
        data[:OGG_WALKED_BYTES], data[:-1], data + b"\0", data + other, other + data, data + data,
        b"ID3\4\0\0\0\0\0\0" + data, skeleton + data, b"".join([first, skeleton, *rest]),
    ):  # fmt: skip
        assert glance(BytesSource(changed)) is None


@pytest.mark.parametrize("tagger", ["none", "mutagen", "vorbiscomment", "kid3", "ffmpeg"])
@pytest.mark.parametrize("encoder", ["oggenc", "opusenc", "libvorbis", "libopus"])
def test_what_encoders_and_taggers_write_is_told_by_a_glance(
    studio: Studio, encoder: str, tagger: str, tmp_path: Path
) -> None:
    wav, out = studio.materials.long, tmp_path / ("out.opus" if "opus" in encoder else "out.ogg")
    if encoder == "oggenc":
        run("oggenc", "--quiet", "-q", "5", "-c", "TITLE=A tïtle", "-o", out, wav)
    elif encoder == "opusenc":
        run("opusenc", "--quiet", "--bitrate", "128", "--picture", studio.materials.png, wav, out)
    else:
        ffmpeg("-i", wav, "-c:a", encoder, "-b:a", "128k", "-metadata", "title=A title", out)
    if tagger == "mutagen":
        tags = mutagen.File(out)
        tags["artist"], tags["metadata_block_picture"] = "Somebody", PICTURE.partition("=")[2] * 9
        tags["lyrics"] = "la\n" * 2_000
        tags.save()
    elif tagger == "vorbiscomment" and "opus" not in encoder:
        run("vorbiscomment", "-a", "-t", "ARTIST=Somebody", "-t", PICTURE, out)
    elif tagger == "kid3":
        run("kid3-cli", "-c", "set artist Somebody", "-c", "set comment x", "-c", "save", out)
    elif tagger == "ffmpeg":
        copy = out.with_name(f"copy{out.suffix}")
        ffmpeg("-i", out, "-c", "copy", "-map", "0:a", "-metadata", "artist=Somebody", copy)
        copy.replace(out)
    data = out.read_bytes()
    assert len(data) > OGG_WALKED_BYTES
    assert assert_holds(data)
    for token in (TOKEN, "1"):
        assert assert_holds(plant(data, [token]))


class Counted(BytesSource):
    """Counts what is read."""

    reads = 0

    def read_at(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return super().read_at(offset, length)


@each_kind
def test_a_mark_leaves_pages_that_a_glance_passes_over(studio: Studio, kind: str, tmp_path: Path) -> None:
    """Taggers put a cover on pages of 4 KiB, and the pages of audio behind them keep their numbers."""
    out = tmp_path / "out.ogg"
    out.write_bytes(studio.encoded(kind, "long").read_bytes())
    tags = mutagen.File(out)
    tags["lyrics"], tags["metadata_block_picture"] = "la\n" * 1_000, PICTURE.partition("=")[2] * 9
    tags.save(padding=lambda info: 0)
    data = out.read_bytes()
    marked = plant(data, [TOKEN])
    assert len(pages(marked)) == len(pages(data))
    source = Counted(marked)
    seen = glance(source)
    assert seen is not None
    assert [field.value for field in seen.markers] == [TOKEN]
    assert source.reads < 10


@cache
def shortened(studio: Studio, kind: str) -> bytes:
    """A file that is just long enough, from which most mutations are read in little time."""
    data, kept, length = studio.encoded(kind, "long").read_bytes(), [], 0
    for each in pages(data):
        kept.append(each)
        length += len(each)
        if length > OGG_WALKED_BYTES + 20_000:
            break
    kept[-1] = with_checksum(kept[-1][:5] + bytes([kept[-1][5] | LAST]) + kept[-1][6:])
    return b"".join(kept)


def seeds(studio: Studio) -> list[bytes]:
    blocks = [*PLAIN.values(), *MARKED.values(), *SPEAKING.values(), *UNUSUAL.values()]
    made = [with_comments(shortened(studio, kind), block) for kind in KINDS for block in blocks]
    small = [longer(studio.encoded("ogg-vorbis", "plain").read_bytes(), 9)]
    assert all(len(data) > OGG_WALKED_BYTES for data in (*made, *small))
    return [*made, *small]


def page_mutations(base: list[bytes], count: int, seed: int = 0) -> Iterator[bytes]:
    """Pages changed, taken out, put in, doubled and moved, with checksums that hold: mostly at both ends."""
    chance = random.Random(seed)
    for number in range(count):
        parts = _cut(base[number % len(base)])
        for _ in range(chance.choice((1, 1, 2))):
            at = min(chance.choice((chance.randrange(9), chance.randrange(len(parts)))), len(parts) - 1)
            at = at if chance.random() < 0.6 else len(parts) - 1 - at
            _change(parts, at, base, chance)
        yield b"".join(parts)


def _cut(data: bytes) -> list[bytes]:
    return [CAPTURE + part for part in data.split(CAPTURE)[1:]]


def _change(parts: list[bytes], at: int, base: list[bytes], chance: random.Random) -> None:
    part = bytearray(parts[at])
    kind = chance.randrange(9)
    if kind == 0 and len(parts) > 1:
        del parts[at]
    elif kind == 1:
        parts.insert(at, parts[chance.randrange(len(parts))])
    elif kind == 2:
        foreign = _cut(chance.choice(base))
        start = chance.randrange(4)
        parts[at:at] = foreign[start : start + chance.randrange(1, 4)]
    elif kind == 3 and len(part) > 27:
        part[5] ^= chance.choice((1, 2, 4))
        parts[at] = with_checksum(bytes(part))
    elif kind == 4 and len(part) > 27:
        field, size = chance.choice(((6, 8), (14, 4), (18, 4)))
        value = int.from_bytes(part[field : field + size], "little") + chance.choice(
            (-1, 1, -(2**31), 2**31, 7)
        )
        part[field : field + size] = struct.pack("<Q", value % 2**64)[:size]
        parts[at] = with_checksum(bytes(part))
    elif kind == 5 and len(part) > 40:
        place = chance.randrange(27, min(len(part), 400))
        part[place] = chance.randrange(256)
        parts[at] = with_checksum(bytes(part))
    elif kind == 6 and len(part) > 60:
        splice = chance.choice(SPLICES)
        place = chance.randrange(27 + part[26], len(part))
        part[place : place + len(splice)] = splice[: len(part) - place]
        parts[at] = with_checksum(bytes(part))
    elif kind == 7:
        other = chance.randrange(len(parts))
        parts[at], parts[other] = parts[other], parts[at]
    else:
        parts.insert(at, chance.choice(SPLICES))


def test_mutated_files_are_told_truly_or_not_at_all(studio: Studio) -> None:
    made = seeds(studio)
    told = [assert_holds(data) for data in mutations(made, 200)]
    assert 5 < sum(told) < 150
    at = 3_000
    heads = mutations([data[:at] for data in made], 400)
    told = [assert_holds(head + made[number % len(made)][at:]) for number, head in enumerate(heads)]
    assert 20 < sum(told) < 350
    told = [assert_holds(data) for data in page_mutations(made, 400)]
    assert 20 < sum(told) < 350
