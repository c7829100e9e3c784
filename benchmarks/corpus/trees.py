"""Folders of any number of files: hard links to the base files, a thousand a folder."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Copies of each base file, so that no tree consists of the same 48 over and over: what the processor finds
#: in its cache decides whether opening and reading takes 1.7 or 3.4 µs.
COPIES = 10
#: All copies but the first keep so many bytes of each end, which is more than anybody looks at who does not
#: read every byte, and a hole between.
ENDS = 1_200_000
#: Links that one file may have on ext4; other file systems allow more.
LINKS = 65_000
PER_FOLDER = 1_000
#: Folders of the corpus: the same tracks unmarked, with a marker, and with a C2PA manifest beside it.
EDITIONS = ("unmarked", "marker", "c2pa")


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

    @property
    def name(self) -> str:
        parts = ["long"] if self.long else []
        parts += [str(self.files), "marked", str(self.marked), self.edition or "", self.suffix[1:]]
        return "-".join(part for part in parts if part)


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
    copies = _copies(base)
    for number, (edition, name) in enumerate(_files(tree, names)):
        group, within = divmod(number, PER_FOLDER)
        if within == 0:
            current = root / f"{group:04}"
            current.mkdir()
        source = copies / str(number // len(names) % COPIES) / edition / name
        os.link(source, current / f"{within:03} {name}")
    done.touch()
    return root


def paths(root: Path) -> list[str]:
    """The files of a tree, in order."""
    return [str(path) for group in sorted(root.iterdir()) for path in sorted(group.iterdir())]


def _copies(base: Path) -> Path:
    """The folder with the base files several times: made if it is not there in full."""
    copies = base / "copies"
    if not copies.exists():
        half = base / "copies.half"
        shutil.rmtree(half, ignore_errors=True)
        for edition in EDITIONS:
            for number in range(COPIES):
                (half / str(number) / edition).mkdir(parents=True)
                for source in (base / edition).iterdir():
                    copy = half / str(number) / edition / source.name
                    os.link(source, copy) if number == 0 else _copy_ends(source, copy)
        half.rename(copies)
    return copies


def _copy_ends(source: Path, copy: Path) -> None:
    size = source.stat().st_size
    with source.open("rb") as old, copy.open("wb") as new:
        new.write(old.read(ENDS))
        behind = max(old.tell(), size - ENDS)
        old.seek(behind)
        new.seek(behind)
        new.write(old.read())
        new.truncate(size)


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
