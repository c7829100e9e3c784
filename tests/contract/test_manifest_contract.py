"""The part of the container contract that is about C2PA: one body over every file that can hold a manifest.

The bytes that are embedded mean nothing here; ``tests/unit/test_c2pa_binding.py`` is about what they say.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from noai.containers.interface import Detected, Embedding, TagEdit
from noai.containers.registry import CONTAINERS, detect
from noai.errors import MarkError
from noai.signals._ranges import union, without
from noai.sources import BytesSource
from tests.audio import container_name, decoded_md5
from tests.contract.edits import CASES, MARK

Files = Callable[..., Path]

NOTHING = TagEdit(markers=())
STORE = bytes(range(256)) * 50
#: Ogg is among them, which gets none unasked.
NAMES = {name for each in CONTAINERS if isinstance(each, Embedding) for name in each.names}
every_file = pytest.mark.parametrize(
    ("container", "variant"), [case for case in CASES if container_name(case[0]) in NAMES]
)


def embedded(data: bytes, store: bytes = STORE) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    file = io.BytesIO(data)
    container = detected(data).container
    assert isinstance(container, Embedding)
    ranges = container.embed_manifest(file, store)
    return file.getvalue(), ranges


def detected(data: bytes) -> Detected:
    return detect(BytesSource(data))


def outside(data: bytes, ranges: tuple[tuple[int, int], ...]) -> list[bytes]:
    holes = union((start, start + length) for start, length in ranges)
    return [data[start:end] for start, end in without(((0, len(data)),), holes)]


@pytest.fixture
def data(encoded: Files, container: str, variant: str) -> bytes:
    """A file that was marked, as every file is before it gets a manifest."""
    whole = encoded(container, variant).read_bytes()
    file = io.BytesIO(whole)
    detect(BytesSource(whole)).container.write_tags(file, MARK)
    try:
        embedded(file.getvalue())
    except MarkError as error:
        pytest.skip(f"cannot hold a manifest: {error}")
    return file.getvalue()


def test_what_has_a_type_can_embed() -> None:
    for each in CONTAINERS:
        assert each.c2pa_type is None or isinstance(each, Embedding), each.names


@every_file
def test_the_store_is_found_where_it_was_put_and_is_the_only_one(data: bytes) -> None:
    new, ranges = embedded(data)
    source = BytesSource(new)
    (store,) = detected(new).container.read_tags(source).manifests
    assert store.read(source) == STORE
    wrapping = union((start, start + length) for start, length in store.wrapping)
    for pieces in (store.pieces, ranges):
        assert not without(union((start, start + length) for start, length in pieces), wrapping)
    assert list(ranges) == sorted(ranges)
    assert not without(union((s, s + n) for s, n in store.pieces), union((s, s + n) for s, n in ranges))


@every_file
def test_audio_and_all_other_tags_stay(data: bytes) -> None:
    new, _ = embedded(data)
    before, after = detected(data), detected(new)
    assert after.name == before.name
    one, other = (d.container.read_essence(BytesSource(b)) for d, b in ((before, data), (after, new)))
    assert (one.digest, one.violations) == (other.digest, other.violations)
    assert before.container.inventory(BytesSource(data), NOTHING) == after.container.inventory(
        BytesSource(new), NOTHING
    )
    areas = [d.container.read_tags(BytesSource(b)) for d, b in ((before, data), (after, new))]
    assert areas[0].fields == areas[1].fields
    assert areas[0].xmp == areas[1].xmp
    assert areas[0].notes == areas[1].notes


@every_file
def test_players_hear_the_same(
    data: bytes, encoded: Files, container: str, variant: str, tmp_path: Path
) -> None:
    suffix = encoded(container, variant).suffix
    before, after = tmp_path / f"before{suffix}", tmp_path / f"after{suffix}"
    before.write_bytes(data)
    after.write_bytes(embedded(data)[0])
    assert decoded_md5(before) == decoded_md5(after)


@every_file
def test_another_store_of_the_same_length_changes_nothing_else(data: bytes) -> None:
    first, ranges = embedded(data)
    second, again = embedded(first, STORE[::-1])
    assert again == ranges
    assert outside(first, ranges) == outside(second, ranges)
    assert embedded(second)[0] == first


@every_file
@pytest.mark.parametrize("length", [1, 999, 40_000])
def test_a_store_of_another_length_takes_the_place_of_the_old_one(data: bytes, length: int) -> None:
    new, _ = embedded(embedded(data)[0], b"s" * length)
    source = BytesSource(new)
    (store,) = detected(new).container.read_tags(source).manifests
    assert store.read(source) == b"s" * length
    assert (
        detected(new).container.read_essence(source).digest
        == detected(data).container.read_essence(BytesSource(data)).digest
    )


@every_file
def test_tags_can_be_edited_with_a_store_in_the_file(data: bytes) -> None:
    new, _ = embedded(data)
    file = io.BytesIO(new)
    container = detected(new).container
    container.write_tags(file, TagEdit(markers=("other.marker.value",), lifted_statements=()))
    source = BytesSource(file.getvalue())
    (store,) = container.read_tags(source).manifests
    assert store.read(source) == STORE
