"""A corpus as in the wild, made on the spot: real encoders, real taggers, the same files every time.

* ``sounds`` makes music, covers and encodings; ``words`` draws what stands in tags;
* ``id3`` and ``tags`` write it as shops, players and DJs do;
* ``mix`` says which 48 tracks there are, and marks them;
* ``trees`` makes folders of any number of them by hard links.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import platformdirs

from corpus.mix import MIX, build
from corpus.trees import COPIES, EDITIONS, Tree, paths, plant

__all__ = ["COPIES", "EDITIONS", "MIX", "Tree", "default_folder", "paths", "plant", "ready"]

#: Counts up whenever the same folder would no longer hold the same files.
EDITION = 2


def default_folder() -> Path:
    """Where the corpus is kept between runs: ``NOAI_BENCH``, else the platform's cache."""
    chosen = os.environ.get("NOAI_BENCH")
    return Path(chosen) if chosen else platformdirs.user_cache_path("noai-bench")


def ready(folder: Path | None = None) -> Path:
    """The folder of the corpus, which is built if it is not there."""
    folder = folder or default_folder()
    state = folder / "corpus.json"
    if not state.exists() or json.loads(state.read_text()) != EDITION:
        folder.mkdir(parents=True, exist_ok=True)
        build(folder)
        state.write_text(json.dumps(EDITION))
    return folder
