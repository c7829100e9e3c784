"""The container contract on damaged, hostile and large content: typed errors, and never a false pass."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noai.containers.interface import Detected
from noai.containers.registry import CONTAINERS, detect
from noai.errors import ContainerError, ContainerUnknown, NoaiError, SourceEmpty
from noai.essence import EssenceReading
from noai.limits import KIB
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5
from tests.contract.edits import LIFT, LONG, MARK, PLAIN, TAGGED, opened, write, written

Files = Callable[..., Path]

every_codec = pytest.mark.parametrize(("container", "variant"), PLAIN)
every_kind = pytest.mark.parametrize(("container", "variant"), [*PLAIN, *TAGGED])
every_long = pytest.mark.parametrize(("container", "variant"), LONG)


def recognised(source: BytesSource) -> Detected | None:
    try:
        return detect(source)
    except (ContainerUnknown, SourceEmpty):
        return None


def read_everything(source: BytesSource) -> EssenceReading | None:
    """Call every reader; only container errors may come out. The essence, if it could be read."""
    detected = recognised(source)
    if detected is None:
        return None
    container = detected.container
    for read in (
        lambda: container.read_tags(source),
        lambda: container.inventory(source, MARK),
        lambda: container.inventory(source, LIFT),
    ):
        try:
            read()
        except ContainerError:
            continue
    try:
        return container.read_essence(source)
    except ContainerError:
        return None


def binds(data: bytes, original: EssenceReading) -> bool:
    """Whether a marker on ``original`` would pass its binding check on ``data``."""
    reading = read_everything(BytesSource(data))
    return reading is not None and not reading.violations and reading.digest == original.digest


def essence_of(data: bytes) -> EssenceReading:
    source = BytesSource(data)
    return detect(source).container.read_essence(source)


@every_kind
def test_a_truncated_file_binds_only_if_it_plays_the_same(
    encoded: Files, tmp_path: Path, container: str, variant: str
) -> None:
    path = encoded(container, variant)
    data = written(path.read_bytes(), MARK)
    original, played = essence_of(data), decoded_md5(path)
    size = len(data)
    lengths = {0, 1, 3, 4, 9, 10, 11, 27, 28, 43, 44, 45, 100, size - 1, size - 2, size - 9, size - 128}
    lengths |= {size * step // 40 for step in range(1, 40)}
    for length in sorted(lengths):
        if binds(data[:length], original):
            cut = tmp_path / f"cut{path.suffix}"
            cut.write_bytes(data[:length])
            assert decoded_md5(cut) == played, length


@every_codec
def test_a_changed_byte_binds_only_if_it_plays_the_same(
    encoded: Files, tmp_path: Path, container: str, variant: str
) -> None:
    path = encoded(container, variant)
    data = written(path.read_bytes(), MARK)
    original, played = essence_of(data), decoded_md5(path)
    chance = random.Random(path.name)
    inside = [chance.randrange(len(data) // 4, len(data)) for _ in range(40)]
    edges = [chance.randrange(0, 64) for _ in range(4)] + [
        len(data) - 1 - chance.randrange(64) for _ in range(4)
    ]
    bound = 0
    for position in inside + edges:
        changed = bytearray(data)
        changed[position] ^= 1 << chance.randrange(8)
        if binds(bytes(changed), original):
            bound += 1
            flipped = tmp_path / f"flipped{path.suffix}"
            flipped.write_bytes(changed)
            assert decoded_md5(flipped) == played, position
    assert bound < len(inside)


def mutated(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    """``data`` after ``changes``, each at a place counted from the start, or from the end if negative."""
    for kind, place, piece in changes:
        at = place % (len(data) + 1)
        if kind == "overwrite":
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "insert":
            data = data[:at] + piece + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + 37 * len(piece) :]
        elif kind == "repeat":
            data = data[: at + 50 * len(piece)] + data[at:]
        else:
            data = data[:at]
    return data


#: Most of what a parser decides on stands at the edges.
places = st.one_of(
    st.integers(0, 300),
    st.integers(0, 6_000),
    st.integers(-4_000, -1),
    st.integers(0, 2**20),
)
NUMBERS = (b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff", b"\x00\x00\x00\x01", b"\x80")
NAMES = (b"ID3\x04\x00\x00", b"APETAGEX", b"TAG", b"OggS", b"fLaC", b"RIFF", b"data", b"moov", b"LIST")
pieces = st.one_of(st.binary(min_size=1, max_size=9), st.sampled_from(NUMBERS), st.sampled_from(NAMES))
kinds = st.sampled_from(["overwrite", "overwrite", "overwrite", "insert", "delete", "repeat", "cut"])
changes = st.lists(st.tuples(kinds, places, pieces), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def marked(studio: Studio) -> Callable[[str, str], bytes]:
    """Marked files in memory, each made once."""
    made: dict[tuple[str, str], bytes] = {}

    def get(container: str, variant: str) -> bytes:
        if (container, variant) not in made:
            data = studio.encoded(container, variant).read_bytes()
            made[container, variant] = written(data, MARK)
        return made[container, variant]

    return get


@every_kind
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(changes=changes)
def test_damaged_files_raise_only_container_errors(
    marked: Callable[[str, str], bytes], container: str, variant: str, changes: list[tuple[str, int, bytes]]
) -> None:
    read_everything(BytesSource(mutated(marked(container, variant), changes)))


@every_kind
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(changes=changes)
def test_writing_to_damaged_files_keeps_the_audio_or_raises(
    marked: Callable[[str, str], bytes], container: str, variant: str, changes: list[tuple[str, int, bytes]]
) -> None:
    """A writer may refuse. What it writes on audio that would bind must still bind, unless it raises."""
    data = mutated(marked(container, variant), changes)
    before = read_everything(BytesSource(data))
    if before is None:
        return
    file = io.BytesIO(data)
    try:
        detect(BytesSource(data)).container.write_tags(file, MARK)
    except NoaiError:
        return
    if not before.violations:
        assert binds(file.getvalue(), before)


@given(data=st.binary(max_size=400))
def test_random_bytes_raise_only_container_errors(data: bytes) -> None:
    source = BytesSource(data)
    for container in CONTAINERS:
        for read in (container.read_tags, container.read_essence):
            try:
                read(source)
            except ContainerError:
                continue
        try:
            container.inventory(source, MARK)
        except ContainerError:
            continue
    read_everything(source)


class CountingSource(BytesSource):
    """Counts what is read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads = 0
        self.bytes_read = 0

    def read_at(self, offset: int, length: int) -> bytes:
        data = super().read_at(offset, length)
        self.reads += 1
        self.bytes_read += len(data)
        return data


@every_long
@pytest.mark.parametrize("edited", [False, True], ids=["unmarked", "marked"])
def test_reading_tags_touches_little_of_the_audio(
    fresh: Files, container: str, variant: str, edited: bool
) -> None:
    path = fresh(container, variant)
    if edited:
        write(path, MARK)
    source = CountingSource(path.read_bytes())
    detected = detect(source)
    assert source.bytes_read <= 64 * KIB
    assert source.reads <= 40
    source.reads = source.bytes_read = 0
    detected.container.read_tags(source)
    assert source.bytes_read <= 64 * KIB + source.size // 10


@every_long
def test_a_damaged_tag_area_does_not_read_as_empty(fresh: Files, container: str, variant: str) -> None:
    """The marker is overwritten where it starts: something must say so."""
    path = fresh(container, variant)
    write(path, MARK)
    data = path.read_bytes()
    with opened(path) as (source, detected):
        whole = detected.container.read_tags(source)
    spellings = (b"noai", "noai".encode("utf-16-le"))
    at = next(found for spelling in spellings if (found := data.lower().find(spelling)) >= 0)
    for junk in (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"):
        for offset in (-12, -8, -4):
            changed = data[: at + offset] + junk + data[at + offset + 4 :]
            source = BytesSource(changed)
            found = recognised(source)
            if found is None:
                continue
            try:
                area = found.container.read_tags(source)
            except ContainerError:
                continue
            assert area.notes or len(area.fields) >= len(whole.fields), (junk, offset)
