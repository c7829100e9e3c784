"""A glance at MP4 files: it tells of what encoders and taggers write, and nothing but the truth."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import mutagen.mp4
import pytest

from noai.containers import _glance_atoms
from noai.containers._mp4_uuid import C2PA_UUID, XMP_UUID
from noai.containers._mp4_values import atom as box
from noai.containers.glances import glance
from noai.marking import mark
from noai.silence import SPEAKING_NAMES, is_silent_name
from noai.sources import BytesSource
from tests.audio import Studio, run
from tests.glances import SPLICES, assert_holds, mutations
from tests.signers import NOW, signer
from tests.tracks import plant, unmarked
from tests.unit.id3_bytes import frame, tag
from tests.unit.mp4_files import (
    VIDEO,
    Track,
    data,
    fragmented,
    freeform,
    full,
    hdlr,
    item,
    keyed,
    meta,
    movie,
    string,
    u32,
    u64,
)

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJub2FpIjoxfQ.AAAA"
SENTENCE = "noai:AAAAAAAAAAAAAAAAAAAAAA No AI training without permission."
LONG = Track(sizes=tuple(range(100, 6_100)))
EDITED = Track(edits=((4, 0, 1 << 16),))
COVER = box(b"covr", data(b"\xff\xd8" * 20_000, 13))
COMMON = (
    item(b"\xa9nam", "A song"), item(b"\xa9ART", "Somebody ünd"), item(b"aART", "x" * 200),
    item(b"xid ", "a:b"), box(b"trkn", data(b"\0\0\0\1\0\x09\0\0", 0)), box(b"cpil", data(b"\1", 21)),
    box(b"gnre", data(b"\0\x11", 0)),
    freeform("iTunNORM", data(b" 00000A2B" * 10)), freeform("MusicBrainz Track Id", data(b"0" * 36)),
    freeform("LABEL", data(b"Somebody")), freeform("ARTISTS", data(b"a"), data(b"b")),
    freeform("replaygain_track_gain", data(b"-3.21 dB"), mean="org.hydrogenaudio.replaygain"),
    item(b"\xa9wrt", "one", "two"), item(b"\xa9lyr", "la la\n" * 200), item(b"soaa", ""),
)  # fmt: skip
TAGS = box(b"udta", meta(*COMMON))
FREE = box(b"free", bytes(2_000))
XMP = box(b"uuid", XMP_UUID + b"<x/>")
C2PA = box(b"uuid", C2PA_UUID + full(b"", b"manifest\0" + u64(0) + b"\0\0\0\x20jumb")[8:])
MARKER = freeform("NOAI", data(TOKEN.encode()))
PLAIN = [
    movie(),
    movie(EDITED, udta=meta(*COMMON)),
    movie(LONG, udta=meta(*COMMON, COVER, item(b"cprt", "(c)")), first=True, between=FREE),
    movie(LONG, inner=TAGS + FREE, between=box(b"free", b"")),
    movie(first=True, udta=box(b"meta", bytes(4) + hdlr() + box(b"ilst", COVER) + FREE), between=FREE),
    movie(udta=meta(box(b"covr", data(b"a" * 20_000, 13) + data(b"b" * 20_000, 13)), *COMMON)),
    movie(udta=string(b"\xa9nam", (b"A song", 0)) + full(b"cprt", b"\x15\xc7(c)\0") + bytes(4)),
    movie(udta=box(b"name", b"Stereo") + box(b"chpl", bytes(9) + b"one")),
    movie(Track(in_trak=box(b"udta", box(b"name", b"Stereo"))), VIDEO, udta=meta()),
    movie(mdat_head=u32(1) + b"mdat" + u64(16 + 850), first=True),
    movie(mdat_head=u32(0) + b"mdat", first=True),
    movie(inner=box(b"iods", bytes(13)), before=box(b"wide", b"")),
    movie(Track(in_stbl=full(b"sgpd", b"roll" + u32(2, 1)) + full(b"sbgp", b"roll" + u32(0)))),
]  # fmt: skip
MARKED = [
    movie(udta=meta(*COMMON, MARKER)),
    movie(LONG, udta=meta(MARKER, item(b"cprt", SENTENCE), COVER, *COMMON), before=C2PA, after=XMP),
    movie(udta=meta(item(b"cprt", SENTENCE), COVER, *COMMON, MARKER), first=True, before=C2PA + XMP),
    movie(udta=meta(freeform("noai", data(TOKEN.encode("utf-16-be"), 2)))),
    movie(udta=meta(freeform("org.example.NoAI\0", data(TOKEN.encode(), 0), mean="x"))),
]  # fmt: skip
SPEAKING = [
    movie(udta=meta(freeform("AI_TRAINING_OPT_OUT", data(b"1")))), movie(udta=meta(item(b"NOAI", "1"))),
    movie(udta=meta(freeform("TDM-Reservation", data(b"1", 21)))), movie(udta=meta(freeform("NOAI"))),
    movie(udta=meta(item(b"cprt", SENTENCE))), movie(udta=meta(*COMMON, COVER, item(b"\xa9cmt", SENTENCE))),
    movie(udta=string(b"\xa9cpy", (SENTENCE.encode(), 0))), movie(udta=box(b"noai", TOKEN.encode())),
    movie(udta=full(b"cprt", b"\x15\xc7\xfe\xff" + SENTENCE.encode("utf-16-be"))), movie(after=XMP),
    movie(before=C2PA), movie(udta=box(b"XMP_", b"<x/>")), movie(udta=keyed([("com.example.noai", "1")])),
    movie(udta=meta(), between=box(b"free", bytes(99) + b"NOAI\0" + bytes(99))),
    movie(udta=meta(MARKER), between=box(b"free", bytes(99) + b"NoAI=" + bytes(99))),
    movie(udta=meta(MARKER) + box(b"cprt", b"noai=1")),
    movie(udta=meta(MARKER, box(b"free", b"noai\0data"))), movie(inner=box(b"abcd", b"plus:DataMining")),
    movie(Track(in_stbl=box(b"abcd", b"c2pa.training-mining"))),
    movie(udta=meta(MARKER) + full(b"ID32", b"\x15\xc7" + tag(4, frame(4, "TXXX", b"\3NOAI\0x")))),
]  # fmt: skip
UNUSUAL = [
    fragmented(), movie(inner=TAGS + keyed([("a", "b")])), movie(after=b"x"), movie(after=bytes(4)),
    movie(udta=meta(box(u32(1), data(b"x")))), movie(udta=meta(freeform("a", data(b"x")) + bytes(3))),
    movie(inner=box(b"cmov", b"x")), movie(after=movie()[28:]), movie(after=box(b"abcd", b"x")),
    movie(udta=box(b"udta", meta())), movie(udta=meta(full(b"----", full(b"mean", b"a") * 2 + data(b"x")))),
    movie(Track(in_trak=TAGS)), movie(after=XMP + XMP), movie(udta=meta(box(b"trkn", b"x" * 20))),
    movie()[:-1], movie()[:400], movie(after=box(b"free", bytes(1 << 17))),
    movie(udta=meta(*[item(b"soaa", "")] * 2_001)), movie(udta=meta(box(b"soaa", full(b"data", b"") * 9999))),
    movie(inner=box(b"free", bytes(0x8000) + b"NOAI\0AAA") + box(b"free", b"")),
    movie(first=True).replace(b"ftypM4A ", b"ftypavif"), box(b"ftyp", b"M4A ") + box(b"mdat", bytes(99)),
]  # fmt: skip


@pytest.mark.parametrize("content", PLAIN)
def test_plain_files_are_told_by_a_glance(content: bytes) -> None:
    assert assert_holds(content)
    seen = glance(BytesSource(content))
    assert seen is not None
    assert not seen.markers


@pytest.mark.parametrize("content", MARKED)
def test_a_marker_is_seen(content: bytes) -> None:
    assert assert_holds(content)
    seen = glance(BytesSource(content))
    assert seen is not None
    assert [field.value for field in seen.markers] == [TOKEN]


@pytest.mark.parametrize("content", [*SPEAKING, *UNUSUAL])
def test_whatever_speaks_or_is_unusual_is_read(content: bytes) -> None:
    assert glance(BytesSource(content)) is None


def test_names_that_the_patterns_pass_over_say_nothing() -> None:
    assert all(map(is_silent_name, _glance_atoms.FREEFORMS))
    # Those of four letters begin with another one than the pattern allows.
    assert [name for name in SPEAKING_NAMES if len(name) < 5] == ["NOAI"]
    for kind in (b"noai", b"NOAI", b"nOai", b"covr", b"free", b"skip", b"wide", b"----", b"\0\0\0\1"):
        assert _glance_atoms.PLAIN_ITEMS.match(box(kind, data(b"x"))) is None


@pytest.mark.parametrize("names", [COMMON])
def test_the_pattern_matches_items_of_the_sizes_that_they_state(names: tuple[bytes, ...]) -> None:
    for each in names:
        for wrong in (each + b"x", each[:-1]):
            found = _glance_atoms.PLAIN_ITEMS.match(wrong)
            assert found is None or found.end() == len(each)
    assert re.search(rb"NOAI", b"".join(names), re.IGNORECASE) is None


VARIANTS = {
    "mp4": (
        "plain", "long", "faststart", "tagged", "cover", "freeform", "atomicparsley", "video", "opus", "flac",
    ),
    "mp4-alac": ("plain", "tagged", "cover"),
}  # fmt: skip
CASES = [(kind, variant) for kind, variants in VARIANTS.items() for variant in variants]


def _mutagen(path: Path) -> None:
    tags = mutagen.mp4.MP4(path)
    tags["\xa9nam"], tags["trkn"] = "A tïtle", [(1, 9)]
    tags["----:com.apple.iTunes:MusicBrainz Album Id"] = b"0" * 36
    tags["covr"] = [mutagen.mp4.MP4Cover(b"\xff\xd8" * 30_000)] * 2
    tags["\xa9lyr"] = "la\n" * 2_000
    tags.save()


TAGGERS: dict[str, Callable[[Path], object]] = {
    "none": lambda path: None,
    "mutagen": _mutagen,
    "AtomicParsley": lambda path: run("AtomicParsley", path, "--title", "x", "--genre", "Rock", "-W"),
    "kid3": lambda path: run("kid3-cli", "-c", "set title 'A title'", "-c", "save", path),
}  # fmt: skip


@pytest.mark.parametrize("tagger", TAGGERS)
@pytest.mark.parametrize(
    ("kind", "variant"), [(kind, each) for kind, all_ in VARIANTS.items() for each in all_]
)
def test_what_encoders_and_taggers_write_is_told_by_a_glance(
    studio: Studio, kind: str, variant: str, tagger: str, tmp_path: Path
) -> None:
    made = studio.encoded(kind, variant)
    out = tmp_path / f"out{made.suffix}"
    out.write_bytes(made.read_bytes())
    TAGGERS[tagger](out)
    content = out.read_bytes()
    assert assert_holds(content)
    for token in (TOKEN, "1"):
        assert assert_holds(plant(content, [token]))


@cache
def seeds() -> list[bytes]:
    small = movie(udta=meta(*COMMON[:6]), first=True, between=FREE)
    files = (small, movie())
    own = [mark(each, signer=signer(), c2pa=c2pa, now=NOW) for each in files for c2pa in (True, False)]
    return [*PLAIN, *MARKED, *SPEAKING, *UNUSUAL, *own, unmarked("tune.m4a")]


def test_mutated_files_are_told_truly_or_not_at_all() -> None:
    told = [assert_holds(content) for content in mutations(seeds(), 1_000)]
    assert 30 < sum(told) < 850


#: Boxes of every kind to put into others, and kinds to give to them.
PIECES = (
    *COMMON, MARKER, TAGS, FREE, COVER, XMP, C2PA, item(b"cprt", SENTENCE), item(b"NOAI", "1"),
    box(b"name", b"NOAI=1"), box(b"free", b"x noai\0 x"), box(b"abcd", b"tdm-reservation"), box(b"free", b""),
    freeform("No-AI", data(b"1")), string(b"\xa9cpy", (SENTENCE.encode(), 0)), box(b"XMP_", b"<x/>"),
    full(b"ID32", b"\x15\xc7" + tag(4, frame(4, "TXXX", b"\3NOAI\0x"))), full(b"cprt", b"\x15\xc7NOAI:x"),
    data(b"noai:x"), full(b"name", b"noai"), full(b"mean", b"NOAI"), bytes(4), b"x",
    keyed([("noai", TOKEN)]), meta(MARKER), movie()[28:],
)  # fmt: skip
KINDS = (
    b"free", b"skip", b"udta", b"meta", b"ilst", b"----", b"uuid", b"moov", b"trak", b"stbl", b"cprt",
    b"name", b"covr", b"NOAI", b"noai", b"keys", b"mean", b"stsd", b"mdat", b"ID32", b"cmov", b"abcd",
    b"XMP_", b"data", b"\xa9nam", b"\0\0\0\1",
)  # fmt: skip
PARENTS = frozenset(b"moov trak mdia minf stbl edts dinf udta meta ilst ---- covr gmhd \xa9nam".split())


def rebuilt(content: bytes, chance: random.Random, odds: float) -> bytes:
    """``content`` with some boxes renamed, filled, doubled, taken out and put in, and all sizes right."""
    made: list[bytes] = []
    at = 0
    while len(content) - at >= 8:
        length = int.from_bytes(content[at : at + 4], "big")
        kind, payload = content[at + 4 : at + 8], content[at + 8 : at + length]
        if length < 8 or at + length > len(content):
            break
        at += length
        if kind in PARENTS:
            head = 4 if kind == b"meta" and payload[:4] == bytes(4) else 0
            payload = payload[:head] + rebuilt(payload[head:], chance, odds)
        made += [box(kind, payload)] if chance.random() >= odds else changed(kind, payload, chance)
    return b"".join(made) + content[at:]


def changed(kind: bytes, payload: bytes, chance: random.Random) -> list[bytes]:
    """What stands in the place of one box."""
    place = chance.randrange(len(payload) + 1)
    splice = chance.choice((*SPLICES, bytes([chance.randrange(256)])))
    whole = box(kind, payload)
    return chance.choice(
        (
            [],
            [whole, whole],
            [whole, chance.choice(PIECES)],
            [chance.choice(PIECES), whole],
            [box(chance.choice(KINDS), payload)],
            [box(kind, payload[:place] + splice + payload[place:])],
            [box(kind, payload[:place] + splice + payload[place + len(splice) :])],
        )
    )


def rebuilds(count: int, seed: int = 0) -> Iterator[bytes]:
    chance, files = random.Random(seed), [each for each in seeds() if len(each) < 100_000]
    for number in range(count):
        yield rebuilt(files[number % len(files)], chance, chance.choice((0.01, 0.05)))


def test_rebuilt_files_are_told_truly_or_not_at_all() -> None:
    told = [assert_holds(content) for content in rebuilds(1_000)]
    assert 150 < sum(told) < 850
