"""Marks one track again and again in processes of its own, each killed at another of its own steps.

Run as a program, so that nothing of the test runner is forked. A step is what the interpreter's profiler
sees: a call or return, of Python or native code. Steps can be counted, so that the kills are spread over
the whole run, and calls that touch the file system are among the places, before they begin and after.

Its argument is a JSON object: a folder for the runs, the track, key and chain, how to mark, and how many
kills to spread. Prints one JSON object: how many steps there are, and how each run ended.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

# Imported before the forks, so that what is counted is marking alone.
import c2pa  # noqa: F401

from noai.marking import mark
from noai.signing import KeySigner

FILE_CALLS = frozenset(
    (
        "open", "write", "truncate", "flush", "close", "replace", "rename", "unlink", "fsync", "fchmod",
        "fchown", "setxattr", "flock", "sendfile", "copy_file_range", "lseek", "seek",
    )
)  # fmt: skip


class Steps:
    """Counts steps, and kills the process at number ``limit``."""

    def __init__(self, limit: int = 0) -> None:
        self.count = 0
        self.file_calls: list[int] = []
        self._limit = limit

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        self.count += 1
        if self.count == self._limit:
            os.kill(os.getpid(), signal.SIGKILL)
        if event in ("c_call", "c_return") and getattr(argument, "__name__", "") in FILE_CALLS:
            self.file_calls.append(self.count)


def run(folder: Path, arguments: dict[str, Any], steps: Steps) -> None:
    signer = KeySigner.from_files(Path(arguments["key"]), Path(arguments["chain"]))
    track = folder / Path(arguments["track"]).name
    destination = folder / arguments["copy"] if arguments["copy"] else None
    sys.setprofile(steps)
    try:
        mark(track, destination, in_place=destination is None, sidecar=arguments["sidecar"], signer=signer)
    finally:
        sys.setprofile(None)


def counted(folder: Path, arguments: dict[str, Any]) -> Steps:
    """The steps of a run that nobody kills, taken in a process of its own like all others."""
    told = folder / "steps.json"
    child = os.fork()
    if not child:
        steps = Steps()
        run(folder, arguments, steps)
        told.write_text(json.dumps([steps.count, steps.file_calls]))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(f"the run that counts the steps ended with {status}")
    steps = Steps()
    steps.count, steps.file_calls = json.loads(told.read_text())
    told.unlink()
    return steps


def places(steps: Steps, spread: int) -> Iterator[int]:
    """Every file system call, thinned out to ``spread`` of them, and as many places in between."""
    calls = steps.file_calls
    yield from calls[:: max(1, len(calls) // spread)]
    yield from range(1, steps.count, max(1, steps.count // spread))
    # The last calls are the renames, where everything is decided.
    yield from calls[-spread // 2 :]


def main() -> None:
    arguments = json.loads(sys.argv[1])
    base = Path(arguments["folder"])

    def prepared(name: str) -> Path:
        folder = base / name
        folder.mkdir()
        shutil.copy(arguments["track"], folder)
        return folder

    steps = counted(prepared("whole"), arguments)
    ended: dict[int, int] = {}
    for place in sorted(set(places(steps, arguments["spread"]))):
        folder = prepared(str(place))
        child = os.fork()
        if not child:
            run(folder, arguments, Steps(place))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        ended[place] = os.waitstatus_to_exitcode(status)
    print(json.dumps({"steps": steps.count, "file_calls": len(steps.file_calls), "ended": ended}))


if __name__ == "__main__":
    main()
