"""What marking and verifying cost on files of several gigabytes: seconds, peak memory, room on disk.

    python benchmarks/large_files.py [FOLDER]

The files are sparse: islands of sound in silence that takes no room. ``noai mark`` and ``noai verify`` each
run in a process of their own, whose peak memory the system tells. The table is printed in Markdown.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import _large_m4a

GB = 10**9
MB = 10**6
ISLAND = 64 * 1024
ISLANDS = 32
#: Bytes of a ds64 chunk without a table.
DS64 = 36


@dataclass(frozen=True)
class Run:
    seconds: float
    peak_mb: float


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def fmt() -> bytes:
    """Stereo, 96 kHz, 24 bits."""
    return chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 96_000, 576_000, 6, 24))


def info() -> bytes:
    """What ffmpeg and recorders leave in front of the audio."""
    return chunk(b"LIST", b"INFO" + chunk(b"ICOP", b"(c) the band\0") + chunk(b"ISFT", b"recorder\0"))


def rf64(path: Path, size: int) -> None:
    audio = size // 6 * 6
    behind, tail = fmt() + info() + b"data\xff\xff\xff\xff", chunk(b"cue ", bytes(4))
    form = len(b"WAVE") + DS64 + len(behind) + audio + len(tail)
    ds64 = chunk(b"ds64", struct.pack("<QQQI", form, audio, audio // 6, 0))
    write_sparse(path, b"RF64\xff\xff\xff\xffWAVE" + ds64 + behind, audio, tail)


def wav(path: Path, size: int) -> None:
    audio = size // 6 * 6
    head = b"WAVE" + fmt() + info() + b"data" + struct.pack("<I", audio)
    write_sparse(path, b"RIFF" + struct.pack("<I", len(head) + audio) + head, audio, b"")


def write_sparse(path: Path, head: bytes, audio: int, tail: bytes) -> None:
    chance = random.Random(path.name)
    with path.open("wb") as file:
        file.write(head)
        for number in range(ISLANDS):
            file.seek(len(head) + audio * number // ISLANDS)
            file.write(chance.randbytes(ISLAND))
        file.seek(len(head) + audio)
        file.write(tail)
        file.truncate(len(head) + audio + len(tail))


#: How each file is made, by its name.
FILES: dict[str, Callable[[Path], None]] = {
    "sparse-rf64.wav": lambda path: rf64(path, 6 * GB),
    "sparse-riff.wav": lambda path: wav(path, 4 * GB),
    "moov-last.m4a": _large_m4a.make,
    "moov-first.m4a": lambda path: _large_m4a.make(path, first=True),
}


def noai(*arguments: str | Path, home: Path) -> Run:
    """One run of the command line; it must succeed."""
    environment = {**os.environ, "NOAI_HOME": str(home)}
    start = time.perf_counter()
    command = [sys.executable, "-m", "noai", *(str(part) for part in arguments)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        shown = process.stdout.read() if process.stdout is not None else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode and (arguments[0] != "verify" or process.returncode != 1):
        raise SystemExit(f"{' '.join(command)}: {shown}")
    if arguments[0] == "verify" and '"binding": "pass"' not in shown:
        raise SystemExit(f"{' '.join(command)}: the mark does not bind: {shown}")
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return Run(seconds, usage.ru_maxrss * unit / MB)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="where the files go for the time of the run")
    with tempfile.TemporaryDirectory(dir=parser.parse_args().folder) as made:
        folder = Path(made)
        home, out = folder / "home", folder / "marked"
        noai("keygen", "bench", home=home)
        print("| file | bytes | mark s | verify s | peak MB, mark | peak MB, verify | on disk MB |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, make in FILES.items():
            source = folder / name
            # Elsewhere, because a process begins with the peak of the one that started it.
            maker = multiprocessing.get_context("fork").Process(target=make, args=(source,))
            maker.start()
            maker.join()
            marked = noai("mark", source, "-o", out, home=home)
            verified = noai("verify", out / name, "--format", "json", home=home)
            disk = (out / name).stat().st_blocks * 512 / MB
            print(
                f"| {name} | {source.stat().st_size:,} | {marked.seconds:.1f} | {verified.seconds:.1f} "
                f"| {marked.peak_mb:.0f} | {verified.peak_mb:.0f} | {disk:.0f} |",
                flush=True,
            )
            source.unlink()
            (out / name).unlink()


if __name__ == "__main__":
    main()
