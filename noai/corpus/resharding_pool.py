"""Several archives written anew at a time, each by one process."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Final, NamedTuple, Union

from noai.corpus.judging import Judged, crashed
from noai.corpus.placing import join_run, run_id
from noai.corpus.resharding import filter_archive
from noai.corpus.walking import Candidate
from noai.corpus.workers import _end_with_parent
from noai.errors import DestinationExists
from noai.limits import OUTPUT_CHUNK_VERDICTS
from noai.verifying import Verifier

#: Archives that wait for each process.
_AHEAD: Final = 2
#: A verdict, or why an archive could not be written.
Told = Union[Judged, DestinationExists]


class Task(NamedTuple):
    """One archive, and where it goes."""

    path: str
    destination: Path


def filter_archives(tasks: Sequence[Task], verifier: Verifier, jobs: int) -> Generator[Told, None, None]:
    """What :func:`noai.corpus.filter_archive` says of each of ``tasks``, in their order.

    At most ``jobs`` processes share them. An archive that kills the process that reads it is ``undecided``,
    and not written.

    Raises:
        TrustError, KeyFileError: if the verifier's trust list cannot be read.
        OSError: if a destination cannot be written.
    """
    if min(jobs, len(tasks)) > 1:
        with tempfile.TemporaryDirectory(prefix="noai-") as folder:
            yield from _Pool(verifier, min(jobs, len(tasks)), folder).run(tasks)
        return
    for task in tasks:
        yield from _filtered(task, verifier)


def _filtered(task: Task, verifier: Verifier) -> Iterator[Told]:
    try:
        yield from filter_archive(task.path, task.destination, verifier)
    except DestinationExists as error:
        yield error


#: The verifier of this worker process.
_verifier: Verifier | None = None


def _start_worker(verifier: Verifier, run: str) -> None:
    global _verifier
    join_run(run)
    Thread(target=_end_with_parent, daemon=True).start()
    _verifier = verifier


def _work(task: Task, folder: str) -> str:
    """Write one archive. What is told of it stands in the file that is returned: it may be any amount."""
    assert _verifier is not None
    descriptor, name = tempfile.mkstemp(dir=folder)
    with open(descriptor, "wb") as stream:
        told = _filtered(task, _verifier)
        while chunk := list(islice(told, OUTPUT_CHUNK_VERDICTS)):
            pickle.dump(chunk, stream)
    return name


def _read(name: str) -> Iterator[Told]:
    with open(name, "rb") as stream:
        os.unlink(name)
        while stream.peek(1):
            yield from pickle.load(stream)  # noqa: S301  written by a worker of this run


@dataclass(frozen=True)
class _Pending:
    task: Task
    future: Future[str]

    @property
    def is_safe(self) -> bool:
        """Whether the archive was written before the pool broke."""
        return self.future.done() and self.future.exception() is None


class _Pool:
    """Worker processes with a bounded queue; answers in the order of the tasks."""

    def __init__(self, verifier: Verifier, jobs: int, folder: str) -> None:
        self._verifier = replace(verifier, trust=verifier.trust_list)
        self._jobs = jobs
        self._folder = folder
        self._executor = self._start()

    def run(self, tasks: Iterable[Task]) -> Generator[Told, None, None]:
        source = iter(tasks)
        queue: deque[_Pending] = deque()
        try:
            while True:
                while len(queue) < self._jobs * _AHEAD and (task := next(source, None)):
                    queue.append(self._submit(task))
                if not queue:
                    return
                pending = queue.popleft()
                try:
                    name = pending.future.result()
                except BrokenProcessPool:
                    self._restart([pending, *queue])
                    yield from self._alone(pending.task)
                    queue = deque(item if item.is_safe else self._submit(item.task) for item in queue)
                else:
                    yield from _read(name)
        finally:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _alone(self, task: Task) -> Iterator[Told]:
        """After a worker died: whatever kills one even alone is the culprit."""
        pending = self._submit(task)
        try:
            name = pending.future.result()
        except BrokenProcessPool:
            self._restart([pending])
            candidate = Candidate(task.path, task.path, True)
            yield crashed(candidate, self._verifier, "the process that read it died")
        else:
            yield from _read(name)

    def _submit(self, task: Task) -> _Pending:
        # Ctrl-C is answered by this process alone; the others inherit the mask when they are started.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            future = self._executor.submit(_work, task, self._folder)
        except BrokenProcessPool as error:
            future = Future()
            future.set_exception(error)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return _Pending(task, future)

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._jobs,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(self._verifier, run_id()),
        )

    def _restart(self, pending: Iterable[_Pending]) -> None:
        """All workers are gone: what they had begun to write goes, too."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        for item in pending:
            for left in item.task.destination.parent.glob(f".noai-{run_id()}*.tmp"):
                with contextlib.suppress(OSError):
                    left.unlink()
        self._executor = self._start()
