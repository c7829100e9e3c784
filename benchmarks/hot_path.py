"""Where the time of deciding goes: a profile of one worker over a folder, or over one format.

    python benchmarks/hot_path.py [--format mp3] [--edition marker|c2pa] [--lines N] [FOLDER]

Python's profiler makes small functions look dearer than they are: trust what it says of calls, and measure
seconds with ``throughput.py``.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
from pathlib import Path

from corpus import MIX, Tree, default_folder, plant, ready

import noai
from noai import corpus

FILES = 60 * len(MIX)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("tree", nargs="?", type=Path, help="a folder of your own instead of the corpus")
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where the corpus is kept")
    parser.add_argument("--format", default="", help="an extension, such as mp3")
    parser.add_argument("--edition", choices=("marker", "c2pa"), help="marked files")
    parser.add_argument("--lines", type=int, default=25)
    arguments = parser.parse_args()
    suffix = f".{arguments.format}" if arguments.format else ""
    tree = Tree(FILES, 100 if arguments.edition else 0, arguments.edition, suffix)
    root = arguments.tree or plant(ready(arguments.folder), tree)

    def decide() -> int:
        return sum(1 for _ in corpus.scan([str(root)], trust=noai.TrustList(), jobs=1))

    decide()
    profile = cProfile.Profile()
    files = profile.runcall(decide)
    print(f"{files:,} files")
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(arguments.lines)


if __name__ == "__main__":
    main()
