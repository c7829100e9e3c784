"""A glance at a file held against what reading it in full finds."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final

from noai.containers.glances import glance
from noai.containers.interface import FieldRole
from noai.containers.registry import detect
from noai.sidecars import NO_SIDECARS
from noai.sources import BytesSource
from noai.trust import TrustList
from noai.verifying import all_findings, gather
from tests.signers import NOW

#: What could hide in a file: names, sentences, tags and blocks of every kind, and bits of structure.
SPLICES: Final = (
    b"NOAI", b"noai\0", b"NOAI=1", b"No-AI", "ＮＯＡＩ".encode(), b"NO_AI_TRAINING=1", b"Content-Usage",
    b"tdm-reservation", b"noai:AAAAAAAAAAAAAAAAAAAAAA", "noai:x".encode("utf-16"), b"n\0o\0a\0i\0:\0x\0",
    b"TXXX\0\0\0\x07\0\0\0NOAI\0001", b"ID3\x03\0\0\0\0\0\0",
    b"ID3\x04\0\0\0\0\0\x0bTXXX\0\0\0\x01\0\0\0", b"APETAGEX", b"TAG" + bytes(125), b"LYRICSBEGIN",
    b"LYRICSEND", b"3DI", b"XMP\0", b"jumb", b"C2PA", b"OggS\0", b"fLaC\0\0\0\x22", b"LIST", b"id3 ",
    b"uuid", b"----", b"moov", b"free", b"\0", b"\x01", b"\xff", b"\0\0\0\0", b"\xff\xfb\x90\x64",
)  # fmt: skip


def assert_holds(data: bytes) -> bool:
    """A glance at ``data`` tells nothing, or the truth. Whether it told anything.

    Raises:
        AssertionError: if reading in full finds something else.
    """
    source = BytesSource(data)
    seen = glance(source)
    if seen is None:
        return False
    detected = detect(source)
    assert detected.name == seen.container
    evidence, notes = gather(source, detected, NO_SIDECARS, TrustList(), NOW)
    evidence.checks = False
    # As a set: of empty values in a row the reader keeps one.
    assert {field for field in evidence.area.fields if field.role is FieldRole.MARKER} == set(seen.markers)
    if not seen.markers:
        assert not all_findings(evidence)
        assert not [note for note in notes if note.code.blocks]
    return True


def mutations(seeds: Sequence[bytes], count: int, seed: int = 0) -> Iterator[bytes]:
    """Variants of ``seeds``: bytes changed, taken out, put in, doubled and moved, mostly in tags."""
    chance = random.Random(seed)
    for number in range(count):
        data = bytearray(seeds[number % len(seeds)])
        for _ in range(chance.choice((1, 1, 2, 3))):
            _mutate(data, chance)
        yield bytes(data)


def _mutate(data: bytearray, chance: random.Random) -> None:
    if not data:
        return
    at = _place(len(data), chance)
    kind = chance.randrange(8)
    if kind == 0:
        data[at] = chance.randrange(256)
    elif kind == 1:
        data[at] = (data[at] + chance.choice((-1, 1))) % 256
    elif kind == 2:
        del data[at : at + chance.choice((1, 4, 10, 128))]
    elif kind == 3:
        data[at:at] = chance.choice(SPLICES)
    elif kind == 4:
        splice = chance.choice(SPLICES)
        data[at : at + len(splice)] = splice
    elif kind == 5:
        length = chance.choice((4, 10, 40, 400))
        data[at:at] = data[_place(len(data), chance) :][:length]
    elif kind == 6:
        end = len(data)
        data[end:end] = chance.choice(SPLICES) if chance.random() < 0.5 else bytes(chance.randrange(40))
    else:
        del data[chance.randrange(len(data)) :]


def _place(size: int, chance: random.Random) -> int:
    """Somewhere; mostly where tags are."""
    near = min(size, chance.choice((64, 512, 4096)))
    return chance.choice((chance.randrange(near), size - 1 - chance.randrange(near), chance.randrange(size)))
