"""What people other than the one who ran it read of a run."""

from __future__ import annotations

import tarfile
from pathlib import Path

from noai.corpus.receipts import read_receipt
from tests.audio import SAMPLES
from tests.cli.conftest import Run


def test_passwords_and_signatures_in_urls_are_not_handed_on(noai: Run, ana: Path) -> None:
    url = "https://user:hunter2@127.0.0.1:9/a.mp3?sig=SECRET"
    track = str(SAMPLES / "unmarked" / "waltz.mp3")
    noai("verify", track, url, "--format", "jsonl", "-o", "out.jsonl", "--run-receipt", "run.jws")
    text = Path("run.jws").read_text("ascii")
    said = str(read_receipt(text)) + noai("receipt", "verify", "run.jws").out + Path("out.jsonl").read_text()
    assert "hunter2" not in said
    assert "SECRET" not in noai("receipt", "verify", "run.jws", "--json").out
    assert "127.0.0.1:9/a.mp3" in said


def test_members_of_archives_are_named_for_people(noai: Run) -> None:
    with tarfile.open("shard.tar", "w") as shard:
        shard.add(SAMPLES / "marked" / "tune.mp3", "song.mp3")
    done = noai("verify", "shard.tar")
    assert done.code == 1
    assert "rejected   shard.tar: song.mp3 (mp3)" in done.out
