"""``kill -9`` in the middle of a run, then ``--resume``: is the output that of a run that was left alone?

python benchmarks/resume.py [--files N] [--folder F]
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from _measure import Bound, command, verify_words
from corpus import MIX, Tree, default_folder, plant, ready

FILES = 50_000 // len(MIX) * len(MIX) + len(MIX)
MARKED = 2
#: Shares of the output's size at which the run is killed, one after the other.
KILLS = (0.3, 0.6)
INTERVAL = 0.002


@dataclass(frozen=True)
class Result:
    files: int
    #: Records that were there when the run was killed.
    killed_at: tuple[int, ...]
    #: Whether the lines are the same, in whatever order.
    equal: bool
    seconds_alone: float
    seconds_resumed: float


def measure(folder: Path, files: int) -> Result:
    """One run alone; another that is killed twice, and goes on each time."""
    tree = plant(folder, Tree(files, MARKED))
    with tempfile.TemporaryDirectory() as made:
        scratch = Path(made)
        alone, broken = scratch / "alone.jsonl", scratch / "broken.jsonl"
        whole, _ = command(verify_words(tree, alone, 2), files, scratch, accepted=(0, 1))
        killed = []
        for share in KILLS:
            _kill(verify_words(tree, broken, 2), broken, int(alone.stat().st_size * share), scratch)
            killed.append(broken.read_bytes().count(b"\n"))
        rest, _ = command([*verify_words(tree, broken, 2), "--resume"], files, scratch, accepted=(0, 1))
        equal = sorted(alone.open("rb")) == sorted(broken.open("rb"))
    return Result(files, tuple(killed), equal, whole.wall, rest.wall)


def _kill(words: list[str], out: Path, size: int, home: Path) -> None:
    """Start a run, or go on with it, and kill all its processes when ``out`` has ``size`` bytes."""
    if out.exists():
        words = [*words, "--resume"]
    environment = os.environ | {"NOAI_HOME": str(home)}
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
    )
    while not (out.exists() and out.stat().st_size >= size):
        if process.poll() is not None:
            raise SystemExit(f"the run ended before it could be killed, with {process.returncode}")
        time.sleep(INTERVAL)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def resume_bounds(result: Result) -> list[Bound]:
    places = " and ".join(f"{count:,}" for count in result.killed_at)
    what = f"kill -9 at {places} of {result.files:,} files, then --resume"
    equal = "equal" if result.equal else "different"
    return [Bound(what, "output of a run left alone", equal, result.equal)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where the corpus is kept")
    parser.add_argument("--files", type=int, default=FILES)
    arguments = parser.parse_args()
    result = measure(ready(arguments.folder), arguments.files)
    for bound in resume_bounds(result):
        print(f"{bound.what}: {bound.measured}")
    print(f"alone {result.seconds_alone:.1f} s, what was left {result.seconds_resumed:.1f} s")
    raise SystemExit(not result.equal)


if __name__ == "__main__":
    main()
