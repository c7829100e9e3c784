"""Where a C2PA box goes in an MP4, and what has to follow it."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from noai.containers._mp4_manifest import write_manifest
from noai.containers._mp4_uuid import C2PA_UUID
from noai.containers._mp4_values import atom as box
from noai.containers.mp4 import Mp4
from noai.errors import ContainerError, ContainerReadOnly
from noai.sources import BytesSource
from tests.unit.mp4_files import FTYP, THREE, Track, fragmented, full, movie, u32, u64, with_offsets

STORE = b"jumbf" * 50
HEAD = C2PA_UUID + bytes(4) + b"manifest\0" + bytes(8)
WHOLE = box(b"uuid", HEAD + STORE)
TWO = (Track(), Track(id=2, wide=True, seed=2))


def with_store(data: bytes, store: bytes = STORE) -> bytes:
    file = io.BytesIO(data)
    write_manifest(file, store)
    return file.getvalue()


def digest(data: bytes) -> bytes:
    return Mp4().read_essence(BytesSource(data)).digest.digest


@pytest.mark.parametrize("first", [False, True], ids=["mdat first", "moov first"])
def test_it_stands_behind_ftyp_and_chunk_offsets_follow(first: bool) -> None:
    old = movie(*TWO, first=first)
    new = with_store(old)
    assert new.startswith(FTYP + WHOLE)
    assert len(new) == len(old) + len(WHOLE)
    assert digest(new) == digest(old)
    assert Mp4().read_essence(BytesSource(new)).violations == ()


def test_one_of_the_same_length_is_written_over_it_and_nothing_moves() -> None:
    new = with_store(movie())
    assert with_store(new, STORE[::-1]) == new.replace(STORE, STORE[::-1])


@pytest.mark.parametrize("store", [b"short", STORE * 3])
@pytest.mark.parametrize("where", ["behind ftyp", "between", "at the end", "twice"])
def test_old_ones_go_wherever_they_stand(store: bytes, where: str) -> None:
    old = {
        "behind ftyp": movie(before=WHOLE),
        "between": movie(*TWO, first=True, between=WHOLE),
        "at the end": movie(*TWO, after=WHOLE),
        "twice": movie(before=WHOLE, between=box(b"free", b"") + WHOLE),
    }[where]
    new = with_store(old, store)
    assert new.startswith(FTYP + box(b"uuid", HEAD + store))
    assert STORE not in new.replace(store, b"")
    assert digest(new) == digest(old)


def test_other_uuid_boxes_stay() -> None:
    other = box(b"uuid", bytes(16) + b"somebody's")
    assert with_store(movie(before=other)).startswith(FTYP + WHOLE + other)


def test_an_offset_that_no_longer_fits_is_refused() -> None:
    full_up = movie(with_offsets(Track(), 0xFFFFFFFF))
    with pytest.raises(ContainerReadOnly, match="32 bits"):
        with_store(full_up)


@pytest.mark.parametrize(
    "old",
    [
        movie()[len(FTYP) :],
        movie(inner=box(b"meta", bytes(4) + full(b"iloc", bytes(8)))),
        movie(Track(in_stbl=full(b"saio", bytes(8)))),
    ],
    ids=["no ftyp", "iloc", "saio"],
)
def test_what_has_offsets_that_are_not_corrected_is_refused(old: bytes) -> None:
    file = io.BytesIO(old)
    with pytest.raises(ContainerReadOnly):
        write_manifest(file, STORE)
    assert file.getvalue() == old


@pytest.mark.parametrize("base", ["file", "moof", "first"])
def test_fragments_and_the_tables_of_them_follow(base: str) -> None:
    old = fragmented(*(replace(each, base=base) for each in THREE), access=True, index=True)
    new = with_store(old)
    assert digest(new) == digest(old)
    assert Mp4().read_essence(BytesSource(new)).violations == ()
    assert new[-16:] == old[-16:]
    places = [at - 4 for at in range(len(new)) if new.startswith(b"moof", at)]
    assert all(u64(place) in new[new.rindex(b"tfra") :] for place in places)


@pytest.mark.parametrize("damage", [b"\0\0\0\1stco", b"\xff\xff\xff\xffstco", b"\0\0\0\x0cstco"])
def test_damage_is_an_error_of_ours_and_changes_nothing(damage: bytes) -> None:
    old = movie()
    at = old.index(b"stco") - 4
    broken = old[:at] + damage + old[at + 8 :]
    file = io.BytesIO(broken)
    with pytest.raises((ContainerError, ContainerReadOnly)):
        write_manifest(file, STORE)
    assert file.getvalue() == broken


def test_a_table_without_entries_is_no_trouble() -> None:
    empty = replace(Track(), id=2, sizes=(), stts=(), offsets=(), stsc=full(b"stsc", u32(0)))
    new = with_store(movie(Track(), empty))
    assert new.startswith(FTYP + WHOLE)
