"""Much at once, and much in one: what it does to memory."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.audio import SAMPLES
from tests.service.live import Live, head, read_answer, served

MIB = 2**20
CLIENTS = 64


def peak(live: Live) -> int:
    """The most memory that a server has had so far, in bytes."""
    status = Path(f"/proc/{live.process.pid}/status").read_text("ascii")
    (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kib) * 1024


def test_a_large_upload_is_not_held_in_memory(tmp_path: Path) -> None:
    """Sent by clients that hang back in the middle, so that all are there at once."""
    size, clients = 48 * MIB, 8
    with served(tmp_path) as live:
        live.verify((SAMPLES / "unmarked" / "tune.flac").read_bytes())
        before = peak(live)
        lines = [live.connect() for _ in range(clients)]
        for line in lines:
            line.sendall(head(size))
        for _ in range(size // MIB):
            for line in lines:
                line.sendall(bytes(MIB))
        for line in lines:
            record = read_answer(line).json
            line.close()
            assert (record["size"], record["decision"]) == (size, "undecided")
        assert peak(live) - before < 2 * size
        assert live.left() == []


def test_many_clients_at_once_are_all_served(tmp_path: Path) -> None:
    """As many uploads are at work as there are clients; each has its own answer, and none is refused."""
    tracks = [
        ((SAMPLES / folder / name).read_bytes(), decision)
        for folder, decision in (("marked", "rejected"), ("unmarked", "unreserved"))
        for name in ("tune.mp3", "tune.opus", "tune.m4a")
    ]
    with served(tmp_path) as live:

        def judge(number: int) -> bool:
            data, decision = tracks[number % len(tracks)]
            answer = live.verify(data, f"{number}.mp3")
            record = answer.json
            return (record["path"], record["decision"], record["size"]) == (
                f"{number}.mp3",
                decision,
                len(data),
            )

        with ThreadPoolExecutor(CLIENTS) as clients:
            assert all(clients.map(judge, range(CLIENTS * 4)))
        assert live.left() == []
        assert {line["status"] for line in live.requests(CLIENTS * 4)} == {200}
