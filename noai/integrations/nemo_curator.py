"""A stage of NeMo Curator: :class:`NoaiGateStage` lets through what may enter (``noai[nemo-curator]``)."""

from __future__ import annotations

import json
import logging
import os
import reprlib
from collections.abc import Iterable, Mapping
from uuid import uuid4

from nemo_curator.backends.base import WorkerMetadata
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import AudioTask

from noai.integrations.answers import Refusal
from noai.integrations.gate import Gate
from noai.integrations.nemo import AUDIO_KEYS, ManifestGate

_log = logging.getLogger(__name__)


class NoaiGateStage(ProcessingStage[AudioTask, AudioTask]):  # type: ignore[misc]
    """Drops audio tasks whose files may not enter; it belongs right behind the reader of the manifest.

    A later stage that resamples, cuts or joins writes new files, in which no mark is left.

    Args:
        rejected: A folder to which each worker adds a file of JSON lines: the entries that were dropped, with
            the decision and the reason. A worker that is started again may repeat some. They are also logged.
        gate: This and the others: as :class:`noai.integrations.nemo.ManifestGate` has them. Each worker
            checks a file once.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    name = "noai_gate"
    batch_size = 128

    def __init__(
        self,
        gate: Gate | None = None,
        *,
        rejected: str | os.PathLike[str] | None = None,
        root: str | os.PathLike[str] = ".",
        shards: str | None = None,
        keys: Iterable[str] = AUDIO_KEYS,
        read_as: Iterable[str | os.PathLike[str]] = (),
    ) -> None:
        self._judge = ManifestGate(root, gate=gate, shards=shards, keys=keys, read_as=read_as)
        self._rejected = None if rejected is None else os.path.abspath(rejected)
        self._file: str | None = None

    # What lacks a member that is asked for here stops the pipeline; it is to be undecided.
    def inputs(self) -> tuple[list[str], list[str]]:
        return [], []

    def outputs(self) -> tuple[list[str], list[str]]:
        return [], []

    def setup(self, _worker_metadata: WorkerMetadata | None = None) -> None:
        """Nothing; by having it, the stage gets workers that stay, and remember what they have checked."""

    def process(self, task: AudioTask) -> AudioTask | None:
        """The task, or None if it may not enter."""
        refusal = self._judge.refusal_of(task.data)
        if refusal is None:
            return task
        _log.info("%s", refusal.why)
        if self._rejected is not None:
            self._tell(task, refusal)
        return None

    def process_batch(self, tasks: list[AudioTask]) -> list[AudioTask | None]:
        """One task or None for each, by which Curator knows which is which."""
        kept = [self.process(task) for task in tasks]
        self._log_metrics({"input_count": len(tasks), "filtered_count": kept.count(None)})
        return kept

    def _tell(self, task: AudioTask, refusal: Refusal) -> None:
        assert self._rejected is not None
        if self._file is None:  # not in the constructor, which is called once for all workers
            os.makedirs(self._rejected, exist_ok=True)
            self._file = os.path.join(self._rejected, f"{uuid4().hex}.jsonl")
        told = {
            "decision": refusal.decision.value,
            "codes": [code.value for code in refusal.codes],
            "why": refusal.why,
            "entry": _told(task.data),
        }
        with open(self._file, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(told) + "\n")


def _told(entry: object) -> object:
    """An entry, of which JSON need not know every value, and which need not even be one."""
    if not isinstance(entry, Mapping):
        return reprlib.repr(entry)
    return {
        key if isinstance(key, str) else reprlib.repr(key): _as_json(value) for key, value in entry.items()
    }


def _as_json(value: object) -> object:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return reprlib.repr(value)
    return value
