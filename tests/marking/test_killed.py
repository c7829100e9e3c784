"""A process that is killed while it marks leaves the original or the finished file, and nothing that stays.

The process kills itself at one of its own audit events (opening, renaming, importing, …), which are spread
over the whole run and can be counted, so that every run is killed at the same places.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from noai.marking import mark
from noai.workspace import is_temporary
from tests.signers import ROOT, Cert, key_pem, new_key, trusting
from tests.tracks import unmarked

POINTS = 12

CHILD = """
import os, signal, sys
import noai.marking, noai.signing, noai.manifest, pathlib
limit, counter, seen = int(sys.argv[4]), open(sys.argv[5], "w"), 0
signer = noai.signing.KeySigner.from_files(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))

def watch(event, arguments):
    global seen
    seen += 1
    if seen == limit:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
noai.marking.mark(sys.argv[1], in_place=True, signer=signer)
total, limit = seen, 0
counter.write(str(total))
counter.close()
"""


@pytest.fixture
def identity(tmp_path: Path) -> tuple[Path, Path]:
    from noai import certificates

    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    key.write_bytes(key_pem(new_key("es256")))
    chain.write_text(certificates.pem([Cert().issue(ROOT), ROOT.issue()]))
    return key, chain


def run(track: Path, identity: tuple[Path, Path], limit: int, counter: Path) -> int:
    arguments = [str(track), *map(str, identity), str(limit), str(counter)]
    return subprocess.run([sys.executable, "-c", CHILD, *arguments], check=False).returncode


@pytest.mark.parametrize("name", ["tune.mp3", "tune.m4a"])
def test_the_original_or_the_finished_file(name: str, tmp_path: Path, identity: tuple[Path, Path]) -> None:
    from noai.report import SignalSource
    from noai.signing import KeySigner
    from noai.verifying import verify

    original = unmarked(name)
    album = tmp_path / "album"
    album.mkdir()
    track, counter = album / name, tmp_path / "count"
    track.write_bytes(original)
    assert run(track, identity, 0, counter) == 0
    total = int(counter.read_text())
    trust = trusting(KeySigner.from_files(*identity).chain)
    whole = broken_off = 0
    for point in range(POINTS):
        track.write_bytes(original)
        killed = run(track, identity, 1 + point * (total - 1) // (POINTS - 1), counter)
        assert killed == -signal.SIGKILL
        now = track.read_bytes()
        if now == original:
            broken_off += 1
        else:
            found = {finding.source: finding for finding in verify(track, trust=trust).signals}
            assert found[SignalSource.MARKER].proven
            assert found[SignalSource.C2PA].proven
            whole += 1
        left = set(os.listdir(album)) - {name}
        assert all(is_temporary(stray) for stray in left)
    assert broken_off
    # The next run clears what the killed ones left.
    mark(track, in_place=True, signer=KeySigner.from_files(*identity))
    assert os.listdir(album) == [name]
