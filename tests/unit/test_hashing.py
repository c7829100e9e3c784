"""Digests taken in a thread: over all bytes or none, never beyond the life of the source."""

from __future__ import annotations

import hashlib
import io
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from noai.errors import SourceChanged, SourceError
from noai.hashing import Ahead, alongside
from noai.limits import HASH_ALONE, HASH_THREADS
from noai.sources import ByteSource, BytesSource, FileSource, open_path

DATA = random.Random(3).randbytes(3 * HASH_ALONE + 12_345)
RANGES = [(0, 0), (5, 5), (7, 1000), (0, HASH_ALONE), (1, HASH_ALONE), (3, len(DATA)), (0, len(DATA))]


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "noai"]


def sources() -> list[ByteSource]:
    return [BytesSource(DATA), FileSource(io.BytesIO(DATA))]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize(("start", "end"), RANGES)
@pytest.mark.parametrize("number", range(2))
def test_the_digest_and_the_blocks_are_those_of_the_range(number: int, start: int, end: int) -> None:
    digest = hashlib.sha256()
    with alongside(digest, sources()[number], start, end) as blocks:
        seen = b"".join(blocks)
    assert seen == DATA[start:end]
    assert digest.digest() == hashlib.sha256(seen).digest()


@pytest.mark.parametrize("number", range(2))
def test_nobody_has_to_look_at_all_blocks(number: int) -> None:
    digest = hashlib.sha256()
    with alongside(digest, sources()[number], 0, len(DATA)) as blocks:
        next(blocks)
    assert digest.digest() == hashlib.sha256(DATA).digest()


def test_a_large_file_is_hashed_in_a_thread_and_the_thread_ends(file: Path) -> None:
    digest = hashlib.sha256()
    readers: set[str] = set()
    with open_path(file) as (source, _):
        watched = _Watched(source, lambda _: readers.add(threading.current_thread().name))
        with alongside(digest, watched, 0, source.size) as blocks:
            assert b"".join(blocks) == DATA
    assert readers == {"noai", threading.current_thread().name}
    assert not threads()
    assert digest.digest() == hashlib.sha256(DATA).digest()


def test_an_error_in_the_middle_ends_the_thread_before_the_source_is_closed(file: Path) -> None:
    reads: list[int] = []

    def look() -> None:
        with open_path(file) as (source, _):
            watched = _Watched(source, reads.append)
            with alongside(hashlib.sha256(), watched, 0, source.size) as blocks:
                next(blocks)
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        look()
    assert not threads()
    assert reads


def test_what_cannot_be_read_is_an_error_and_no_digest(file: Path) -> None:
    def look() -> None:
        with open_path(file) as (source, _):
            os.truncate(file, HASH_ALONE)
            with alongside(hashlib.sha256(), source, 0, source.size) as blocks:
                next(blocks)

    with pytest.raises(SourceChanged):
        look()
    assert not threads()


def test_work_that_was_begun_gives_its_result_or_its_error() -> None:
    source = BytesSource(DATA)
    begun = Ahead.begin(source, lambda shared: shared.read_at(3, 4))
    assert begun is not None
    assert begun.result() == begun.result() == DATA[3:7]
    failed = Ahead.begin(source, lambda shared: 1 // (len(shared.read_at(0, 0))))
    assert failed is not None
    with pytest.raises(ZeroDivisionError):
        failed.result()


def test_work_that_was_stopped_has_no_result() -> None:
    gate = threading.Event()

    def work(source: ByteSource) -> bytes:
        gate.wait()
        return source.read_at(0, 1)

    begun = Ahead.begin(BytesSource(DATA), work)
    assert begun is not None
    stopping = threading.Thread(target=begun.stop)
    stopping.start()
    while not begun._source.stopped:
        pass
    gate.set()
    stopping.join()
    with pytest.raises(SourceError):
        begun.result()


def test_threads_are_bounded_and_digests_right_without_them() -> None:
    gate = threading.Event()
    source = BytesSource(DATA)
    busy = [Ahead.begin(source, lambda _: gate.wait()) for _ in range(HASH_THREADS)]
    try:
        assert all(busy)
        assert Ahead.begin(source, lambda _: None) is None
        digest = hashlib.sha256()
        with alongside(digest, source, 0, len(DATA)) as blocks:
            assert b"".join(blocks) == DATA
        assert digest.digest() == hashlib.sha256(DATA).digest()
    finally:
        gate.set()
    assert all(each is not None and each.result() for each in busy)
    assert Ahead.begin(source, lambda _: None) is not None


class _Watched:
    """A source that several may read, and that tells of each read."""

    is_shareable = True

    def __init__(self, source: ByteSource, tell: Callable[[int], None]) -> None:
        self.size = source.size
        self._source = source
        self._tell = tell

    def read_at(self, offset: int, length: int) -> bytes:
        self._tell(offset)
        return self._source.read_at(offset, length)
