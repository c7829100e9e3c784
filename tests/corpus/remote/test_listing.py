"""Which names of a listing are sidecars of which, held against looking at all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.corpus.remote_listing import _Beside
from noai.corpus.remote_urls import is_prefix, recorded, shown, sidecars_of
from noai.errors import LimitExceeded, SourceError

NAMES = st.lists(
    st.sampled_from(["a", "a-1", "b", ".", "/", ".mp3", ".xmp", ".XMP", ".c2pa", "é"]), min_size=1
)
KEYS = st.lists(NAMES.map("".join), max_size=30, unique=True)


def told(keys: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    beside = _Beside()
    found = [each for key in keys for each in beside.add(key)]
    return [*found, *beside.rest()]


@given(KEYS)
def test_the_same_sidecars_are_found_as_by_looking_at_all_names(names: list[str]) -> None:
    keys = sorted(f"s3://bucket/{name}" for name in names)
    expected = [(key, tuple(name for name, _ in sidecars_of(key) if name in keys)) for key in keys]
    assert told(keys) == expected


def test_names_are_let_go_of_at_once() -> None:
    beside = _Beside()
    for number in range(100_000):
        ready = list(beside.add(f"s3://bucket/{number:06}.mp3"))
        assert len(ready) == (number > 0)


def test_a_listing_in_no_order_is_refused() -> None:
    with pytest.raises(SourceError, match="not in order"):
        told(["s3://bucket/b.mp3", "s3://bucket/a.mp3"])


def test_names_that_are_never_complete_are_a_limit() -> None:
    keys = ["s3://bucket/a", *(f"s3://bucket/a.{number:06}.mp3" for number in range(20_000))]
    with pytest.raises(LimitExceeded):
        told(keys)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://bucket", True),
        ("s3://bucket/", True),
        ("gs://bucket/set/", True),
        ("s3://bucket/a.mp3", False),
        ("https://example.org/set/", False),
        ("https://example.org", False),
    ],
)
def test_what_stands_for_everything_below_it(url: str, expected: bool) -> None:
    assert is_prefix(url) is expected


@pytest.mark.parametrize(
    ("url", "record", "message"),
    [
        ("https://u:p@h/a?s=1", "https://h/a?s=1", "https://h/a?…"),
        ("https://u:p@q@h/a@b", "https://h/a@b", "https://h/a@b"),
        ("https://h?u@p", "https://h?u@p", "https://h?…"),
        ("s3://b/a?b@c", "s3://b/a?b@c", "s3://b/a?b@c"),
    ],
)
def test_what_is_shown_of_a_url(url: str, record: str, message: str) -> None:
    assert (recorded(url), shown(url)) == (record, message)


def test_sidecars_of_a_web_page_keep_its_query() -> None:
    assert [name for name, _ in sidecars_of("https://h/x/a.mp3?s=1")][:2] == [
        "https://h/x/a.mp3.c2pa?s=1",
        "https://h/x/a.c2pa?s=1",
    ]
