"""NeMo Curator over the corpus that every integration is held against."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from nemo_curator.backends.base import BaseStageAdapter
from nemo_curator.tasks import AudioTask

from noai.integrations.gate import Gate
from noai.integrations.nemo_curator import NoaiGateStage
from noai.policy import Admission, Policy
from tests.audio import SAMPLES
from tests.integrations.heavy.snippets import snippet
from tests.integrations.thousand import FILES, Corpus

CLEAN = str(SAMPLES / "unmarked" / "tune.wav")
MARKED = str(SAMPLES / "marked" / "tune.wav")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def task(**data: Any) -> AudioTask:
    return AudioTask(dataset_name="a", data=data)


# Ray warns of its own settings, and leaves sockets to the end of the process.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_a_pipeline_keeps_what_verify_keeps(
    thousand: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    entries = [{"audio_filepath": path, "n": n} for n, path in enumerate(thousand.paths)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")
    # Where there are fewer processors than stages with workers of their own, Ray Data would wait for ever.
    ray.init(num_cpus=8, include_dashboard=False)
    exec(snippet("nemo.md"))
    kept = lines(tmp_path / "kept.jsonl")
    assert sorted(kept, key=lambda entry: entry["n"]) == [
        entry for entry in entries if entry["audio_filepath"] in thousand.kept
    ]
    refused = [each for file in (tmp_path / "rejected").iterdir() for each in lines(file)]
    assert {each["entry"]["audio_filepath"]: each["decision"] for each in refused} == {
        path: record["decision"] for path, record in thousand.records.items() if path not in thousand.kept
    }
    assert len(kept) + len(refused) == FILES


def test_what_is_dropped_keeps_its_place_in_a_batch() -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"audio_filepath": None},
        {"audio_filepath": "/nowhere.wav"},
        {"audio_filepath": [CLEAN, MARKED]},
    ]
    tasks = [task(audio_filepath=CLEAN), *(task(**data) for data in odd), task(audio_filepath=[CLEAN])]
    stage = pickle.loads(pickle.dumps(NoaiGateStage()))  # noqa: S301  our own
    assert stage.process_batch(tasks) == [tasks[0], None, None, None, None, tasks[-1]]
    assert BaseStageAdapter(stage).process_batch(tasks) == [tasks[0], tasks[-1]]


def test_an_odd_entry_is_dropped_and_told_and_stops_nothing(tmp_path: Path) -> None:
    loop: list[Any] = []
    loop.append(loop)
    odd: list[dict[Any, Any]] = [
        {"audio_filepath": "~a\0b.wav"},
        {"audio_filepath": "~\ud800/x.wav"},
        {"audio_filepath": np.array([1, 2])},
        {"audio_filepath": [CLEAN, np.array([1])]},
        {"audio_filepath": "/nowhere.wav", (1, 2): 3, "x": {(1, 2): 3}, "y": loop, "z": {1}},
    ]
    stage = NoaiGateStage(rejected=tmp_path / "rejected")
    tasks = [AudioTask(dataset_name="a", data=data) for data in odd]
    assert stage.process_batch(tasks) == [None] * len(odd)
    (file,) = (tmp_path / "rejected").iterdir()
    told = lines(file)
    assert [each["decision"] for each in told] == ["undecided"] * len(odd)
    assert told[-1]["entry"]["audio_filepath"] == "/nowhere.wav"
    assert told[-1]["entry"]["(1, 2)"] == 3


def test_names_count_in_the_folder_of_the_manifest_that_is_written(tmp_path: Path) -> None:
    entry = task(audio_filepath="unmarked/tune.wav")
    assert NoaiGateStage(root=SAMPLES).process(entry) is not None
    assert NoaiGateStage(root=SAMPLES, read_as=[tmp_path / "kept.jsonl"]).process(entry) is None


def test_another_question_goes_along() -> None:
    stage = NoaiGateStage(Gate.of(Policy(admission=Admission.OPT_IN))).with_(name="another")
    assert stage.process(task(audio_filepath=CLEAN)) is None
    assert NoaiGateStage(root=SAMPLES).process(task(audio_filepath="unmarked/tune.wav")) is not None
    assert NoaiGateStage(root=SAMPLES).process(task(audio_filepath="marked/tune.wav")) is None
