"""Folders of any number of files: hard links to the base files, a thousand a folder."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Copies of each base file where a tree is not to consist of the same 48 over and over: what the processor
#: finds in its cache decides whether opening and reading takes 1.7 or 3.4 µs.
COPIES = 10
#: Links that one file may have on ext4; other file systems allow more.
LINKS = 65_000
PER_FOLDER = 1_000


@dataclass(frozen=True)
class Tree:
    """How many files, and how many per cent of them are marked: every other one with C2PA, or as said."""

    files: int
    marked: int = 0
    edition: str | None = None
    #: Only files with this extension, as ``.mp3``.
    suffix: str = ""
    #: The long files instead.
    long: bool = False
    #: Whether unmarked files are links to ten copies each.
    copies: bool = False

    @property
    def name(self) -> str:
        parts = ["long"] if self.long else []
        parts += [str(self.files), "marked", str(self.marked), self.edition or "", self.suffix[1:]]
        return "-".join([part for part in parts if part] + ["copies"] * self.copies)


def plant(folder: Path, tree: Tree) -> Path:
    """The folder of ``tree`` below ``folder``, made if it is not there in full."""
    root, done = folder / "trees" / tree.name, folder / "trees" / f"{tree.name}.done"
    if done.exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    base = folder / "long" if tree.long else folder
    # A marked file has the name that it had unmarked.
    names = sorted(name for name in os.listdir(base / "unmarked") if name.endswith(tree.suffix))
    if tree.files > LINKS * len(names) // 2:
        raise SystemExit(f"{tree.files} files of {len(names)} would need more links than a file may have")
    if tree.copies:
        _copy(folder)
    for number, (edition, name) in enumerate(_files(tree, names)):
        group, within = divmod(number, PER_FOLDER)
        if within == 0:
            current = root / f"{group:04}"
            current.mkdir()
        source = base / edition / name
        if tree.copies and edition == "unmarked":
            source = folder / "copies" / str(number // len(names) % COPIES) / name
        os.link(source, current / f"{within:03} {name}")
    done.touch()
    return root


def paths(root: Path) -> list[str]:
    """The files of a tree, in order."""
    return [str(path) for group in sorted(root.iterdir()) for path in sorted(group.iterdir())]


def _copy(folder: Path) -> None:
    """The unmarked base files, several times: made if they are not there in full."""
    for number in range(COPIES):
        copy = folder / "copies" / str(number)
        if not copy.exists():
            half = copy.with_name(f"{number}.half")
            shutil.rmtree(half, ignore_errors=True)
            shutil.copytree(folder / "unmarked", half)
            half.rename(copy)


def _files(tree: Tree, names: list[str]) -> Iterator[tuple[str, str]]:
    """Edition and name of every file: each run of as many as there are holds each once, in some order."""
    order = list(names)
    marked = 0
    for number in range(tree.files):
        if number % len(order) == 0:
            random.Random(number).shuffle(order)
        name = order[number % len(order)]
        if (number + 1) * tree.marked // 100 == number * tree.marked // 100:
            yield "unmarked", name
        else:
            marked += 1
            yield tree.edition or ("c2pa" if marked % 2 else "marker"), name
