"""Build the corpus of the benchmarks, or remove it.

python benchmarks/build_corpus.py [--folder F] [--tree FILES:PER_CENT]... [--list]
python benchmarks/build_corpus.py --remove | --remove-trees
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections import defaultdict
from pathlib import Path

from corpus import Tree, default_folder, plant, ready

MB = 10**6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where it is kept")
    parser.add_argument("--tree", action="append", default=[], help="files and per cent marked, as 2880:50")
    parser.add_argument("--list", action="store_true", help="say what is in it")
    parser.add_argument("--remove", action="store_true", help="remove all of it")
    parser.add_argument("--remove-trees", action="store_true", help="remove the folders of hard links")
    arguments = parser.parse_args()
    if arguments.remove or arguments.remove_trees:
        shutil.rmtree(arguments.folder / "trees" if arguments.remove_trees else arguments.folder)
        return
    start = time.perf_counter()
    folder = ready(arguments.folder)
    print(f"{folder}: ready after {time.perf_counter() - start:.0f} s")
    for text in arguments.tree:
        files, _, marked = text.partition(":")
        print(plant(folder, Tree(int(files), int(marked or 0))))
    if arguments.list:
        show(folder)


def show(folder: Path) -> None:
    for edition in ("unmarked", "marker", "c2pa", "long/unmarked"):
        sizes = defaultdict(list)
        for path in (folder / edition).iterdir():
            sizes[path.suffix].append(path.stat().st_size / MB)
        text = ", ".join(f"{len(s)} {k} {min(s):.1f} to {max(s):.1f}" for k, s in sorted(sizes.items()))
        print(f"{edition}: {sum(map(sum, sizes.values())):.0f} MB: {text}")


if __name__ == "__main__":
    main()
