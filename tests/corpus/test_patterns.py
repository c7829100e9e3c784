"""Which files of a folder a pattern means."""

from __future__ import annotations

import pytest

from noai.corpus.patterns import Selection
from noai.errors import UsageError


@pytest.mark.parametrize(
    ("pattern", "ways", "others"),
    [
        ("*.mp3", ["a.mp3", "x/y/a.mp3", ".mp3"], ["a.MP3", "a.mp3.txt", "a.mp3/b.wav"]),
        ("a?.wav", ["ab.wav", "x/ab.wav"], ["a.wav", "abc.wav", "a/.wav"]),
        ("[ab]*.wav", ["a.wav", "b1.wav"], ["c.wav"]),
        ("[!ab]*.wav", ["c.wav"], ["a.wav", "b1.wav"]),
        ("x/*.wav", ["x/a.wav"], ["a.wav", "y/x/a.wav", "x/y/a.wav"]),
        ("/a.wav", ["a.wav"], ["x/a.wav"]),
        ("x/**", ["x/a.wav", "x/y/z.wav", "y/x/a.wav"], ["x", "xx/a.wav"]),
        ("/x/**", ["x/a.wav", "x/y/z.wav"], ["y/x/a.wav"]),
        ("x/", ["x/a.wav", "y/x/a.wav"], ["x", "a.x"]),
        ("x/**/a.wav", ["x/a.wav", "x/y/z/a.wav"], ["x/ya.wav", "a.wav"]),
        ("**/a.wav", ["a.wav", "x/y/a.wav"], ["xa.wav"]),
        ("a[.wav", ["a[.wav"], ["a.wav"]),
        ("a+(b).wav", ["a+(b).wav"], ["aab.wav"]),
        ("[]a].wav", ["].wav", "a.wav"], ["b.wav"]),
        ("[a-c].wav", ["b.wav"], ["d.wav", "-.wav"]),
        ("\udcff*", ["\udcff.wav"], ["a"]),
        ("a\nb*", ["a\nb.wav"], ["a"]),
    ],
)
def test_a_pattern(pattern: str, ways: list[str], others: list[str]) -> None:
    included, excluded = Selection([pattern]), Selection((), [pattern])
    for way in ways:
        assert included.takes(way), way
        assert not excluded.takes(way), way
    for way in others:
        assert not included.takes(way), way
        assert excluded.takes(way), way


def test_folders_are_left_out_whole() -> None:
    for pattern in ("x", "x/", "x/**", "/x", "x/**/"):
        selection = Selection((), [pattern])
        assert not selection.enters("x"), pattern
        assert selection.enters("y")
    assert Selection(["*.wav"]).enters("x")
    assert not Selection((), ["x/y"]).enters("x/y")
    assert Selection((), ["x/y"]).enters("x")


def test_what_is_left_out_wins() -> None:
    selection = Selection(["*.wav", "*.mp3"], ["b*"])
    assert [selection.takes(name) for name in ("a.wav", "b.wav", "a.mp3", "a.ogg")] == [
        True,
        False,
        True,
        False,
    ]
    assert not Selection()


@pytest.mark.parametrize("pattern", ["", "//", "[z-a]", "x" * 5000])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(UsageError):
        Selection([pattern])
