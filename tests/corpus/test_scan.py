"""``noai.corpus.scan``: verdicts on many files as an iterator."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from noai import Decision, Verdict, Verifier
from noai.corpus import Passed, Selection, scan, walk
from noai.corpus.outputs import Encoding
from noai.corpus.workers import SHORT_RUN, Plan
from noai.errors import UsageError
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.trust import TrustList
from tests.audio import SAMPLES
from tests.corpus.conftest import plant_tree

#: More than a short run: other processes do it.
MANY = SHORT_RUN[Depth.DECISION] + 300


@pytest.fixture
def tree() -> Path:
    return plant_tree(Path("tree"), 60)


@pytest.fixture(scope="session")
def large_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More files than a short run has; never to be changed."""
    return plant_tree(tmp_path_factory.mktemp("large") / "tree", MANY)


def outline(verdicts: Iterator[Verdict]) -> list[tuple[str | None, Decision]]:
    return [(verdict.path, verdict.decision) for verdict in verdicts]


def test_every_file_has_a_verdict_in_order(tree: Path) -> None:
    expected = [(str(path), Verifier(depth=Depth.DECISION).verify(path).decision) for path in tracks(tree)]
    assert {decision for _, decision in expected} == {Decision.UNRESERVED, Decision.REJECTED}
    assert outline(scan([tree])) == expected
    assert outline(scan(tree)) == expected
    assert outline(scan(str(tree), jobs=1)) == expected


def tracks(tree: Path) -> list[Path]:
    return sorted(path for path in tree.rglob("*") if path.is_file() and path.suffix != ".txt")


def test_processes_give_the_same(large_tree: Path) -> None:
    alone = outline(scan([large_tree], jobs=1))
    assert len(alone) == MANY
    assert outline(scan([large_tree], jobs=2, ordered=True)) == alone
    assert sorted(outline(scan([large_tree], jobs=2)), key=str) == sorted(alone, key=str)


@pytest.mark.parametrize("depth", Depth)
def test_a_verdict_crosses_between_processes_whole(depth: Depth) -> None:
    for path in sorted(SAMPLES.rglob("*.*")):
        verdict = Verifier(depth=depth).verify(path)
        again = pickle.loads(pickle.dumps(verdict))  # noqa: S301  our own
        assert again == verdict
        assert again.record() == verdict.record()
        assert [type(f.uses) for f in again.signals] == [type(f.uses) for f in verdict.signals]


def test_paths_are_asked_for_as_the_work_goes_on(tree: Path) -> None:
    asked = []

    def endless() -> Iterator[str]:
        while True:
            asked.append(None)
            yield str(tracks(tree)[0])

    for jobs in (1, 2):
        asked.clear()
        verdicts = scan(endless(), jobs=jobs)
        assert len(list(islice(verdicts, 3))) == 3
        verdicts.close()  # type: ignore[attr-defined]
        assert len(asked) <= MANY


def test_policy_trust_and_depth_are_those_that_are_asked_for(tree: Path) -> None:
    policy = Policy(admission=Admission.OPT_IN)
    verdicts = list(scan(tree, policy=policy, trust=TrustList(), depth=Depth.EVIDENCE, digest=True))
    assert {verdict.policy for verdict in verdicts} == {"opt-in"}
    assert {verdict.report.depth for verdict in verdicts} == {Depth.EVIDENCE}
    assert all(verdict.report.sha256 for verdict in verdicts)
    assert not any(verdicts)


def test_what_is_left_out(tree: Path) -> None:
    assert [verdict.path for verdict in scan(tree, include=["*3.*"], exclude=["*.flac", "0001/"])] == [
        str(path) for path in tracks(tree) if path.stem.endswith("3") and path.suffix != ".flac"
    ]


def test_a_pattern_that_is_none(tree: Path) -> None:
    for pattern in ("", "/", "[z-a]"):
        with pytest.raises(UsageError):
            scan(tree, include=[pattern])
    with pytest.raises(UsageError):
        scan(tree, jobs=0)


def test_what_is_missing_or_vanishes(tree: Path) -> None:
    first, second = tracks(tree)[:2]
    verdicts = scan([str(first), str(second), "missing.mp3"], jobs=1)
    next(verdicts)
    second.unlink()
    assert [(v.decision, v.report.error and v.report.error.code.value) for v in verdicts] == [
        (Decision.UNDECIDED, "source_missing"),
        (Decision.UNDECIDED, "source_missing"),
    ]


def test_special_files_and_loops_are_not_opened(tree: Path) -> None:
    """A FIFO would wait for a writer for ever; the test would not end."""
    os.mkfifo(tree / "pipe.mp3")
    (tree / "itself.mp3").symlink_to("itself.mp3")
    (tree / "round").symlink_to(".", target_is_directory=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tree / "socket.wav"))
        found = {
            Path(verdict.path or "").name: verdict.report.error
            for verdict in scan(tree)
            if verdict.decision is Decision.UNDECIDED
        }
    assert {name: error and error.code.value for name, error in found.items()} == {
        "pipe.mp3": "source_not_a_file",
        "socket.wav": "source_not_a_file",
        "itself.mp3": "source_unreadable",
    }


def test_a_damaged_trust_list_stops_the_run_before_it_begins(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "trust.json").write_text("{")
    with pytest.raises(Exception, match=r"trust\.json"):
        scan(tree)


def test_a_plain_file_is_one_without_sidecars_and_links(tree: Path) -> None:
    folder = tree / "0000"
    flac, wav = folder / "a.flac", folder / "b.wav"
    shutil.copy(tracks(tree)[0], flac)
    shutil.copy(tracks(tree)[0], wav)
    (folder / "c.mp3").symlink_to("a.flac")
    assert plain(folder, "a.flac", "b.wav", "c.mp3") == {"a.flac", "b.wav"}
    (folder / "A.XMP").touch()
    assert plain(folder, "a.flac", "b.wav", "c.mp3") == {"b.wav"}
    (folder / "b.wav.c2pa").symlink_to("nowhere")
    assert plain(folder, "a.flac", "b.wav", "c.mp3") == set()


def plain(folder: Path, *names: str) -> set[str]:
    return {c.relative for c in walk([str(folder)]) if c.plain and c.relative in names}


def test_workers_end_with_a_parent_that_was_killed(large_tree: Path) -> None:
    script = (
        "import sys\n"
        "from itertools import count\n"
        "from noai.corpus import scan\n"
        "if __name__ == '__main__':\n"
        "    tree = sys.argv[1]\n"
        "    for number, _ in enumerate(scan((tree for _ in count()), jobs=2)):\n"
        "        if number == 3000:\n"
        "            print('running', flush=True)\n"
    )
    Path("run.py").write_text(script)
    with subprocess.Popen(
        [sys.executable, "run.py", large_tree], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
        os.kill(process.pid, signal.SIGKILL)
        # Ends only when the last of its workers, which hold it open as well, is gone.
        assert process.stdout.read() == b""


def test_a_short_run_starts_no_process(tree: Path) -> None:
    plan = Plan(Verifier(trust=TrustList(), depth=Depth.DECISION), Encoding.JSONL, jobs=2)
    fitting, candidates = plan.fits(walk([str(tree)]))
    assert fitting.jobs == 1
    assert [c.path for c in candidates] == [c.path for c in walk([str(tree)])]


def test_the_walk_counts_what_the_patterns_leave_out(tree: Path) -> None:
    passed = Passed()
    left = list(walk([str(tree)], passed=passed, selection=Selection(["*.wav"], ["0000/"])))
    assert left == []
    assert passed.left_out == 1


def test_a_script_without_its_guard_is_told_so(large_tree: Path) -> None:
    """Its workers run it again instead of working: no file is to blame for that."""
    Path("run.py").write_text("import sys\nfrom noai.corpus import scan\nlist(scan(sys.argv[1], jobs=2))\n")
    done = subprocess.run([sys.executable, "run.py", large_tree], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "UsageError: the processes that share the work cannot be started" in done.stderr


def test_a_sidecar_counts_whatever_letters_its_name_has(tmp_path: Path) -> None:
    """The lower case of a capital sigma depends on what follows it."""
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<r:Description xmlns:tdm="http://www.w3.org/ns/tdmrep/" tdm:reservation="1"/></r:RDF></x:xmpmeta>'
    )
    for name in ("\u0391\u03a3.3gp", "\u0391\u03a3.mp3"):
        shutil.copy(SAMPLES / "unmarked" / "waltz.mp3", tmp_path / name)
    (tmp_path / "\u0391\u03a3.xmp").write_text(packet)
    assert {v.decision for v in scan(tmp_path, jobs=1, trust=TrustList())} == {Decision.REJECTED}
