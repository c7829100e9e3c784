"""Judging many files, in this process and in several."""

from __future__ import annotations

import os
import pickle
import signal
from pathlib import Path

import pytest

from noai.codes import Code
from noai.corpus import Candidate, judge, judge_all, walk, workers
from noai.errors import SourceForbidden
from noai.policy import Policy
from noai.report import Report
from noai.trust import Kind, May, TrustEntry, TrustList
from noai.verdict import Decision
from noai.verifying import Verifier
from tests.audio import SAMPLES
from tests.signers import signer

UNMARKED = SAMPLES / "unmarked"


@pytest.fixture
def verifier() -> Verifier:
    anchor = signer().chain[-1]
    entry = TrustEntry(anchor, frozenset({May.IDENTIFY, May.PERMIT}), Kind.AUTHORITY, ("k",), ("QZ",))
    return Verifier(Policy(), TrustList((entry,), (TrustEntry(anchor),)))


def named(path: str) -> Candidate:
    return Candidate(path, path, explicit=True)


def test_processes_give_the_same_in_the_same_order(verifier: Verifier, marked_album: Path) -> None:
    paths = [*map(str, sorted(UNMARKED.iterdir())), *map(str, sorted(marked_album.iterdir())), "missing.mp3"]
    alone = list(judge_all(walk(paths * 3), verifier))
    assert list(judge_all(walk(paths * 3), verifier, jobs=2)) == alone
    assert {judged.decision for judged in alone} == {
        Decision.REJECTED,
        Decision.UNRESERVED,
        Decision.UNDECIDED,
    }


def test_a_verifier_crosses_to_another_process_whole(verifier: Verifier) -> None:
    opened = pickle.loads(pickle.dumps(verifier))  # noqa: S301  our own
    assert opened.trust_list == verifier.trust_list
    assert opened.trust_list.digest == verifier.trust_list.digest
    assert [entry.fingerprint for entry in opened.trust_list.own] == [
        entry.fingerprint for entry in verifier.trust_list.own
    ]
    assert opened.policy == verifier.policy


class _Broken(Verifier):
    def report(self, source: object) -> Report:
        raise ZeroDivisionError("a bug")


def test_a_bug_makes_the_file_undecided(verifier: Verifier) -> None:
    judged = judge(named("x.mp3"), _Broken(verifier.policy, verifier.trust))
    assert judged.decision is Decision.UNDECIDED
    assert not judged.admitted
    assert judged.record["error"]["code"] == Code.INTERNAL_ERROR.value
    assert "ZeroDivisionError" in judged.record["error"]["message"]
    assert judged.record["path"] == "x.mp3"


class _Deadly(Verifier):
    """Kills its process at files named so; crosses to other processes as itself."""

    def report(self, source: object) -> Report:
        if "deadly" in os.path.basename(str(source)):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().report(source)  # type: ignore[arg-type]


def test_a_worker_that_dies_takes_no_other_file_with_it(
    verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "BATCH", 2)
    tune, at = str(UNMARKED / "tune.wav"), 3
    candidates = [named(tune) for _ in range(10)]
    candidates[at] = named("deadly.mp3")
    deadly = _Deadly(verifier.policy, verifier.trust)
    judged = list(judge_all(iter(candidates), deadly, jobs=2))
    assert [j.record["path"] for j in judged] == [c.path for c in candidates]
    assert judged[at].error is Code.INTERNAL_ERROR
    assert {j.decision for n, j in enumerate(judged) if n != at} == {Decision.UNRESERVED}


def test_leaving_early_ends_the_processes(verifier: Verifier) -> None:
    judgements = judge_all(iter([named(str(UNMARKED / "tune.wav"))] * 100), verifier, jobs=2)
    assert next(judgements).decision is Decision.UNRESERVED
    judgements.close()


def test_a_folder_that_cannot_be_listed_is_undecided(verifier: Verifier) -> None:
    closed = Candidate("tree/closed", "tree", explicit=False, error=SourceForbidden("tree/closed: no"))
    judged = judge(closed, verifier)
    assert (judged.decision, judged.error, judged.skipped) == (
        Decision.UNDECIDED,
        Code.SOURCE_FORBIDDEN,
        False,
    )


def test_what_is_passed_over_in_folders() -> None:
    verifier = Verifier(trust=TrustList())
    Path("text").write_text("no audio")
    Path("empty").touch()
    os.mkfifo("pipe")
    Path("broken").symlink_to("nowhere")
    for path in ("text", "empty", "pipe", "broken"):
        assert judge(Candidate(path, ".", explicit=False), verifier).skipped
        assert not judge(Candidate(path, path, explicit=True), verifier).skipped
        named_audio = f"{path}.flac"
        os.rename(path, named_audio)
        judged = judge(Candidate(named_audio, ".", explicit=False), verifier)
        assert not judged.skipped
        assert judged.decision is Decision.UNDECIDED
