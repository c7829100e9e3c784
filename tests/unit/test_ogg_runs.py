"""Pages taken many at once say what they say one by one, whatever was done to them."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noai.containers import _ogg_essence, _ogg_runs
from noai.containers._ogg_essence import _AudioStream
from noai.containers._ogg_pages import split_lacing, with_checksum
from noai.errors import NoaiError
from noai.essence import EssenceReading
from tests.unit.ogg_bytes import KINDS, essence, pages

Files = Callable[..., Path]
Damage = Callable[[list[bytes], int, random.Random], None]


def field(layout: str, at: int, value: int, *, checksum: bool = True) -> Damage:
    """Another value in the header of a page."""

    def damage(parts: list[bytes], index: int, _: random.Random) -> None:
        changed = bytearray(parts[index])
        struct.pack_into(layout, changed, at, value)
        parts[index] = with_checksum(bytes(changed)) if checksum else bytes(changed)

    return damage


def anywhere(parts: list[bytes], index: int, chance: random.Random) -> None:
    changed = bytearray(parts[index])
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    parts[index] = bytes(changed)


def in_lacing(parts: list[bytes], index: int, chance: random.Random) -> None:
    changed = bytearray(parts[index])
    if changed[26]:
        changed[27 + chance.randrange(changed[26])] = chance.choice((0, 1, 254, 255))
        parts[index] = with_checksum(bytes(changed))


def swapped(parts: list[bytes], index: int, _: random.Random) -> None:
    parts[index - 1 : index + 1] = parts[index - 1 : index + 1][::-1]


DAMAGES: dict[str, Damage] = {
    "nothing": lambda parts, index, chance: None,
    "flags": field("B", 5, 0),
    "continued": field("B", 5, 1),
    "first": field("B", 5, 2),
    "last": field("B", 5, 4),
    "version": field("B", 4, 1),
    "granule": field("<q", 6, 12_345),
    "no granule": field("<q", 6, -1),
    "far granule": field("<q", 6, 1 << 40),
    "serial": field("<I", 14, 99),
    "sequence": field("<I", 18, 77_777),
    "wrapped": field("<I", 18, 0),
    "checksum": field("<I", 22, 1, checksum=False),
    "empty": field("B", 26, 0),
    "a bit": anywhere,
    "lacing": in_lacing,
    "gone": lambda parts, index, chance: parts.__delitem__(index),
    "twice": lambda parts, index, chance: parts.insert(index, parts[index]),
    "swapped": swapped,
    "junk": lambda parts, index, chance: parts.insert(index, chance.randbytes(50)),
    "cut": lambda parts, index, chance: parts.__setitem__(slice(index, None), [parts[index][:-7]]),
    "other stream": lambda parts, index, chance: parts.insert(index, parts[0]),
}


def read(data: bytes, *, window: int, runs: bool) -> EssenceReading | tuple[type[NoaiError], str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_ogg_essence, "_WINDOW", window)
        if not runs:
            patch.setattr(_AudioStream, "can_run", lambda self: False)
        try:
            return essence(data)
        except NoaiError as error:
            return type(error), str(error)


@pytest.mark.parametrize("container", KINDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    damages=st.lists(st.tuples(st.sampled_from(sorted(DAMAGES)), st.floats(0, 1)), max_size=3),
    window=st.sampled_from((1_000, 9_000, 20_000, 1 << 18)),
    seed=st.integers(0, 99),
)
def test_runs_of_pages_read_as_single_pages_do(
    encoded: Files, container: str, damages: list[tuple[str, float]], window: int, seed: int
) -> None:
    parts, chance = pages(encoded(container).read_bytes()), random.Random(seed)
    for name, where in damages:
        index = min(len(parts) - 1, 1 + int(where * len(parts)))
        if len(parts[index]) >= 27 + 255 or name == "junk":
            DAMAGES[name](parts, index, chance)
    data = b"".join(parts)
    assert read(data, window=window, runs=True) == read(data, window=1 << 20, runs=False)


@pytest.mark.parametrize("container", KINDS)
def test_whole_files_are_read_in_runs(
    encoded: Files, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all pages only those of the headers, the first, and one a window are looked at one by one."""
    data = encoded(container).read_bytes()
    taken: list[int] = []
    real = _ogg_runs.read_run

    def counting(*arguments: object) -> _ogg_runs.Run | None:
        run = real(*arguments)  # type: ignore[arg-type]
        taken.append(0 if run is None else run.place.sequence)
        return run

    monkeypatch.setattr(_ogg_essence, "read_run", counting)
    assert not essence(data).violations
    assert max(taken) >= len(pages(data)) - 2


@given(lacing=st.lists(st.sampled_from((0, 1, 7, 254, 255, 255, 255)), max_size=255))
def test_lacing_is_split_as_the_standard_says(lacing: list[int]) -> None:
    lengths: list[int] = []
    open_bytes = 0
    for value in lacing:
        open_bytes += value
        if value < 255:
            lengths.append(open_bytes)
            open_bytes = 0
    assert split_lacing(bytes(lacing)) == (lengths, open_bytes)
