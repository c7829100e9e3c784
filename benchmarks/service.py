"""``noai serve`` under 64 clients at once: what is refused or wrong, how long answers take, how much memory.

    python benchmarks/service.py [--seconds 60] [--clients 64]

Each client sends one track after another, on one connection, and compares each answer with what
``noai.verify`` said of the same file. Every 17th unmarked one is to be marked; the result is verified.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, process_time

import noai

SAMPLES = Path(__file__).resolve().parents[1] / "sample_audio"
TOKEN = "a-token-for-measuring"
BOUNDARY = "a-boundary"
MARK_EVERY = 17


@dataclass
class Seen:
    """What the clients met."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, seconds: float) -> None:
        with self.lock:
            self.answers[what] += 1
            self.seconds.append(seconds)


def form(data: bytes, name: str) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def client(number: int, port: int, tracks: list[tuple[bytes, str]], until: float, seen: Seen) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Authorization": f"Bearer {TOKEN}",
    }
    at = number
    while monotonic() < until:
        at += 1
        data, expected = tracks[at % len(tracks)]
        marking = at % MARK_EVERY == 0 and expected == "unreserved"
        name = f"{number}-{at}.mp3"
        started = monotonic()
        try:
            connection.request("POST", "/v1/mark" if marking else "/v1/verify", form(data, name), headers)
            response = connection.getresponse()
            body = response.read()
        except OSError as error:
            seen.add(f"refused: {type(error).__name__}", monotonic() - started)
            connection.close()
            continue
        seconds = monotonic() - started
        if response.status != 200:
            seen.add(f"refused: {response.status}", seconds)
        elif marking:
            seen.add("marked" if noai.verify(body).decision == "rejected" else "wrong", seconds)
        else:
            record = json.loads(body)
            right = (record["path"], record["decision"], record["size"]) == (name, expected, len(data))
            seen.add("verified" if right else "wrong", seconds)
    connection.close()


def started(folder: Path) -> tuple[subprocess.Popen[str], int]:
    environment = {
        **os.environ,
        "NOAI_HOME": str(folder / "home"),
        "NOAI_TOKEN": TOKEN,
        "TMPDIR": str(folder),
    }
    noai_ = [sys.executable, "-m", "noai"]
    subprocess.run([*noai_, "keygen", "ana"], env=environment, check=True, capture_output=True)
    command = [*noai_, "serve", "--port", "0", "--identity", "ana"]
    log = (folder / "log").open("w+")
    process = subprocess.Popen(command, env=environment, stderr=log, text=True)
    while process.poll() is None:
        for line in (folder / "log").read_text().splitlines():
            if '"listening"' in line:
                return process, json.loads(line)["port"]
    raise SystemExit((folder / "log").read_text())


def status(pid: int, name: str) -> float:
    """A size of a process, in MiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=64)
    asked = parser.parse_args()
    paths = sorted(path for path in SAMPLES.glob("*marked/*") if path.suffix != ".md")
    tracks = [(path.read_bytes(), noai.verify(path.read_bytes()).decision.value) for path in paths]
    tracks.append((b"no audio", "undecided"))
    seen = Seen()
    with tempfile.TemporaryDirectory() as folder:
        process, port = started(Path(folder))
        try:
            first, begun = status(process.pid, "VmRSS"), monotonic()
            until = begun + asked.seconds
            threads = [
                threading.Thread(target=client, args=(number, port, tracks, until, seen))
                for number in range(asked.clients)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds, most = monotonic() - begun, status(process.pid, "VmHWM")
        finally:
            process.terminate()
            code = process.wait()
        left = [name for name in os.listdir(folder) if name not in ("home", "log")]
    waits = sorted(seen.seconds)
    wrong = seen.answers["wrong"]
    refused = sum(number for what, number in seen.answers.items() if what.startswith("refused"))
    largest = max(len(data) for data, _ in tracks) / 2**20
    print(f"{asked.clients} clients, {seconds:.0f} s, {len(tracks)} tracks of up to {largest:.1f} MiB")
    print(f"requests {len(waits)} ({len(waits) / seconds:.0f}/s): {dict(seen.answers)}")
    print(f"wrong {wrong}, refused {refused}")
    median, slow = waits[len(waits) // 2], waits[-max(1, len(waits) // 100)]
    print(f"answers in {median:.2f} s (median), {slow:.2f} s (99 %), {waits[-1]:.2f} s (most)")
    print(
        f"memory {first:.0f} MiB at first, {most:.0f} MiB at most; clients took {process_time():.0f} s of CPU"
    )
    print(f"exit code {code}, files left behind {len(left)}")
    sys.exit(bool(wrong or refused or code or left))


if __name__ == "__main__":
    main()
