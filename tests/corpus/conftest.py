"""Folders of many files for the tests of this package."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.audio import SAMPLES

#: The installed command, and nothing of the caller's own configuration.
UNMARKED = sorted((SAMPLES / "unmarked").glob("tune*"))
MARKED = sorted((SAMPLES / "marked").glob("tune*"))


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty configuration folder, and nothing relative to the repository."""
    monkeypatch.setenv("NOAI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NOAI_PASSPHRASE", raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


def plant_tree(root: Path, files: int) -> Path:
    """``files`` tracks in folders of a hundred, every tenth marked, and some that are no tracks.

    Hard links: a corpus of thousands takes no room.
    """
    originals = root.parent / f"{root.name}-originals"
    originals.mkdir(parents=True)
    copies = [Path(shutil.copy(path, originals / f"{n}{path.suffix}")) for n, path in enumerate(UNMARKED)]
    marked = [Path(shutil.copy(path, originals / f"m{n}{path.suffix}")) for n, path in enumerate(MARKED)]
    for number in range(files):
        kind = marked if number % 10 == 9 else copies
        source = kind[number % len(kind)]
        folder = root / f"{number // 100:04}"
        folder.mkdir(parents=True, exist_ok=True)
        os.link(source, folder / f"{number:06}{source.suffix}")
        if number % 50 == 0:
            (folder / f"{number:06}.txt").write_text("no audio")
    return root
