"""Replacing byte ranges in place does what slicing would do."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.containers._splices import Splice, apply
from noai.errors import MarkError


@given(st.data())
def test_splices_do_what_slicing_does(data: st.DataObject) -> None:
    content = data.draw(st.binary(max_size=60))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    splices = [Splice(start, end - start, data.draw(st.binary(max_size=30))) for start, end in pairs]
    expected, at = b"", 0
    for splice in splices:
        expected += content[at : splice.offset] + splice.data
        at = splice.offset + splice.length
    file = io.BytesIO(content)
    apply(file, splices)
    assert file.getvalue() == expected + content[at:]


def test_large_files_are_spliced_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noai.containers._splices.READ_SIZE", 7)
    content = bytes(range(256)) * 4
    splices = [
        Splice(10, 5, b"x" * 40),
        Splice(300, 90, b""),
        Splice(800, 0, b"y" * 300),
        Splice(1000, 24, b"z"),
    ]
    path = tmp_path / "file"
    path.write_bytes(content)
    with path.open("r+b") as file:
        apply(file, splices)
    expected = (
        content[:10] + b"x" * 40 + content[15:300] + content[390:800] + b"y" * 300 + content[800:1000] + b"z"
    )
    assert path.read_bytes() == expected


@pytest.mark.parametrize("splices", [[Splice(0, 5, b""), Splice(3, 1, b"")], [Splice(9, 5, b"")]])
def test_splices_that_contradict_each_other_are_refused(splices: list[Splice]) -> None:
    with pytest.raises(MarkError):
        apply(io.BytesIO(b"0123456789"), splices)
