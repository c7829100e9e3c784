"""A process killed while it marks leaves the original or the finished file, and nothing that stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from noai import certificates
from noai.marking import mark
from noai.report import Finding, SignalSource
from noai.signing import KeySigner
from noai.trust import TrustList
from noai.verifying import verify
from noai.workspace import is_temporary
from tests.signers import ROOT, Cert, key_pem, new_key, trusting
from tests.tracks import unmarked

#: Kills a case, at least; there are five cases.
POINTS = 60


@dataclass(frozen=True)
class Case:
    name: str
    copy: str = ""
    sidecar: bool = False
    #: Whether the track was marked by somebody else before.
    marked_before: bool = False
    c2pa: bool = True


CASES = {
    "mp3-in-place": Case("tune.mp3"),
    "m4a-in-place": Case("tune.m4a"),
    "flac-superseding": Case("tune.flac", marked_before=True),
    "wav-to-a-copy": Case("tune.wav", copy="copy.wav"),
    "opus-with-a-sidecar": Case("tune.opus", sidecar=True, c2pa=False),
}


def identity(folder: Path) -> tuple[Path, Path]:
    key, chain = folder / "key.pem", folder / "chain.pem"
    key.write_bytes(key_pem(new_key("es256")))
    chain.write_text(certificates.pem([Cert().issue(ROOT), ROOT.issue()]))
    return key, chain


def killed_runs(case: Case, track: Path, keys: tuple[Path, Path], folder: Path) -> dict[Path, int]:
    """The folder of every run that was killed, and how it ended."""
    folder.mkdir()
    arguments = {
        "folder": str(folder),
        "track": str(track),
        "copy": case.copy,
        "sidecar": case.sidecar,
        "key": str(keys[0]),
        "chain": str(keys[1]),
        "spread": POINTS // 2,
    }
    server = (sys.executable, "-m", "tests.marking.kill_server", json.dumps(arguments))
    done = subprocess.run(server, capture_output=True, check=False, cwd=Path(__file__).parents[2])
    assert not done.returncode, done.stderr.decode()
    return {folder / place: code for place, code in json.loads(done.stdout)["ended"].items()}


def marker_and_manifest(track: Path, trust: TrustList) -> dict[SignalSource, Finding]:
    return {finding.source: finding for finding in verify(track, trust=trust).signals}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_original_or_the_finished_file(case: Case, tmp_path: Path) -> None:
    keys = identity(tmp_path)
    signer = KeySigner.from_files(*keys)
    trust = trusting(signer.chain)
    track = tmp_path / case.name
    track.write_bytes(unmarked(case.name))
    if case.marked_before:
        mark(track, in_place=True, profile="no-training", signer=signer)
    original = track.read_bytes()
    runs = killed_runs(case, track, keys, tmp_path / "runs")
    assert len(runs) >= POINTS
    assert set(runs.values()) <= {-signal.SIGKILL, 0}
    assert list(runs.values()).count(-signal.SIGKILL) >= POINTS
    whole = broken_off = 0
    for folder in runs:
        result = folder / (case.copy or case.name)
        if case.copy:
            assert (folder / case.name).read_bytes() == original
        if not result.exists() or result.read_bytes() == original:
            assert result.exists() or case.copy
            broken_off += 1
        else:
            found = marker_and_manifest(result, trust)
            assert found[SignalSource.MARKER].proven
            assert not case.c2pa or found[SignalSource.C2PA].proven
            whole += 1
        left = set(os.listdir(folder)) - {case.name, case.copy, f"{result.name}.c2pa"}
        assert all(is_temporary(stray) for stray in left), left
    assert broken_off
    assert whole
    # The next run clears what the killed ones left.
    last = next(iter(runs))
    mark(last / case.name, in_place=True, signer=signer)
    assert set(os.listdir(last)) <= {case.name, case.copy, f"{case.name}.c2pa"}
