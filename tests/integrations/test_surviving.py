"""A batch at which processes die, again and again, until one file of it is given up."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa

from noai.integrations.gate import Gate
from noai.integrations.surviving import SurvivingGate
from tests.audio import SAMPLES

_DIES_AT = """
import json, os, signal, sys
import pyarrow as pa
from noai.integrations.gate import Gate
from noai.integrations.surviving import SurvivingGate

def trap(event, arguments):
    if event == "open" and os.path.basename(str(arguments[0])) in sys.argv[3:]:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(trap)
rows = pa.table({"path": json.loads(sys.argv[2])})
found = SurvivingGate(Gate.of(), journal=sys.argv[1])(rows)
print(json.dumps(found.select(["path", "decision", "error"]).to_pylist()))
"""


def judged(journal: Path, paths: list[str | None], *deadly: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", _DIES_AT, str(journal), json.dumps(paths), *deadly]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def copies(folder: Path, *names: str) -> list[str]:
    for name in names:
        shutil.copy(SAMPLES / "unmarked" / "tune.mp3", folder / name)
    return [str(folder / name) for name in names]


def test_a_file_at_which_processes_die_is_undecided_and_the_others_are_not(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.mkdir()
    paths: list[str | None] = [*copies(tmp_path, "a.mp3", "deadly.mp3", "b.mp3"), None]
    deaths = 0
    while (done := judged(journal, paths, "deadly.mp3")).returncode == -signal.SIGKILL:
        deaths += 1
    assert done.returncode == 0, done.stderr
    # In a batch, and at the file twice: no more than engines try.
    assert deaths == 3
    found = json.loads(done.stdout)
    assert [row["path"] for row in found] == paths
    assert [row["decision"] for row in found] == ["unreserved", "undecided", "unreserved", "undecided"]
    assert found[1]["error"]["code"] == "internal_error"
    assert list(journal.iterdir()) == []


def test_one_death_is_nobody_s_fault(tmp_path: Path) -> None:
    """Not even of the file that was read at the moment."""
    journal = tmp_path / "journal"
    journal.mkdir()
    paths: list[str | None] = [*copies(tmp_path, "a.mp3", "b.mp3")]
    for _ in range(2):
        assert judged(journal, paths, "b.mp3").returncode == -signal.SIGKILL
    found = json.loads(judged(journal, paths).stdout)
    assert [row["decision"] for row in found] == ["unreserved"] * 2


def test_without_a_journal_it_judges_all_the_same(tmp_path: Path) -> None:
    rows = pa.table({"path": copies(tmp_path, "a.mp3")})
    for journal in (tmp_path / "nowhere", tmp_path / "a.mp3"):
        assert SurvivingGate(Gate.of(), journal=str(journal))(rows)["decision"].to_pylist() == ["unreserved"]
    assert SurvivingGate(Gate.of(), "other", journal=str(tmp_path))(rows)["decision"].to_pylist() == [
        "undecided"
    ]
