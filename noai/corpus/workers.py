"""Batches by one process or several: what they come to, in bounded memory.

Processes are spawned, never forked: a C2PA context does not survive a fork. What crosses between
them is plain data.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from threading import Thread
from time import monotonic
from typing import Final

from noai.corpus.batches import Batch, Batches, Clerk, Outcome
from noai.corpus.judging import Judged, judge
from noai.corpus.outputs import Encoding, unpickled
from noai.corpus.walking import Candidate
from noai.errors import UsageError
from noai.limits import BATCH_FILES
from noai.report import Depth
from noai.verifying import Verifier

#: Files that one worker gets at a time, and such batches that wait for each worker.
BATCH: Final = BATCH_FILES
BATCHES_AHEAD: Final = 3
#: Runs of no more files are over before processes would have started.
SHORT_RUN: Final = {Depth.DECISION: 1_000, Depth.EVIDENCE: 16}


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Plan:
    """How candidates are worked through."""

    verifier: Verifier
    encoding: Encoding
    jobs: int = 1
    #: Whether outcomes come in the order of the candidates, or as they are there.
    ordered: bool = True
    archives: bool = False

    def run(self, candidates: Iterable[Candidate]) -> Generator[Outcome, None, None]:
        """What ``candidates`` come to. Whoever stops asking stops the work.

        A worker that dies takes no other file with it: the file that kills a worker even alone is
        ``undecided``.

        Raises:
            TrustError, KeyFileError: if the verifier's trust list cannot be read.
            UsageError: if no worker can be started.
        """
        # A damaged list must stop the run, so it is read before the first file.
        plan = replace(self, verifier=replace(self.verifier, trust=self.verifier.trust_list))
        batches = Batches(candidates, BATCH)
        with tempfile.TemporaryDirectory(prefix="noai-") as folder:
            if plan.jobs == 1:
                yield from _alone(plan, batches, folder)
            else:
                yield from _Pool(plan, folder).run(batches)

    def fits(self, candidates: Iterable[Candidate]) -> tuple[Plan, Iterable[Candidate]]:
        """This plan, without other processes if there are few ``candidates``; and those, all of them."""
        if self.jobs == 1:
            return self, candidates
        source = iter(candidates)
        first = list(islice(source, SHORT_RUN[self.verifier.depth] + 1))
        if len(first) <= SHORT_RUN[self.verifier.depth]:
            return replace(self, jobs=1), first
        return self, chain(first, source)


def judge_all(
    candidates: Iterable[Candidate], verifier: Verifier, jobs: int = 1
) -> Generator[Judged, None, None]:
    """The verdicts on ``candidates``, one each and in their order, by ``jobs`` processes.

    Raises:
        TrustError, KeyFileError: if the verifier's trust list cannot be read.
    """
    verifier = replace(verifier, trust=verifier.trust_list)
    if jobs == 1:
        return (judge(candidate, verifier) for candidate in candidates)
    return _judged_by_processes(candidates, verifier, jobs)


def _judged_by_processes(
    candidates: Iterable[Candidate], verifier: Verifier, jobs: int
) -> Generator[Judged, None, None]:
    with closing(Plan(verifier, Encoding.JUDGED, jobs).run(candidates)) as outcomes:
        for outcome in outcomes:
            for chunk in outcome.chunks():
                yield from unpickled(chunk)


def _alone(plan: Plan, batches: Batches, folder: str) -> Generator[Outcome, None, None]:
    """By this process."""
    clerk = Clerk(plan.verifier, plan.encoding, archives=plan.archives, folder=folder)
    started = monotonic()
    while batch := batches.next():
        yield clerk.work(batch)
        # What waiting for the next path takes counts: what was judged must not wait with it.
        batches.learn(batch, monotonic() - started)
        started = monotonic()


#: What this worker process does.
_clerk: Clerk | None = None


def _start_worker(verifier: Verifier, encoding: Encoding, archives: bool, folder: str) -> None:
    global _clerk
    Thread(target=_end_with_parent, daemon=True).start()
    _clerk = Clerk(verifier, encoding, archives=archives, folder=folder)


def _end_with_parent() -> None:
    """End this process when the one that it works for is gone, which may have been killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(batch: Batch) -> Outcome:
    assert _clerk is not None
    return _clerk.work(batch)


@dataclass(frozen=True, eq=False)
class _Pending:
    batch: Batch
    future: Future[Outcome]

    @property
    def is_safe(self) -> bool:
        """Whether the batch was finished before the pool broke."""
        return self.future.done() and self.future.exception() is None


class _Pool:
    """Worker processes with a bounded queue."""

    def __init__(self, plan: Plan, folder: str) -> None:
        self._plan = plan
        self._folder = folder
        self._verifier = plan.verifier
        self._executor = self._start()

    def run(self, batches: Batches) -> Generator[Outcome, None, None]:
        queue: deque[_Pending] = deque()
        try:
            while True:
                # What is finished goes first: the next path may take long to come.
                while (
                    not self._has_finished(queue)
                    and len(queue) < self._plan.jobs * BATCHES_AHEAD
                    and (batch := batches.next())
                ):
                    queue.append(self._submit(batch))
                if not queue:
                    return
                pending = self._next(queue)
                try:
                    outcome = pending.future.result()
                except BrokenProcessPool:
                    outcomes = self._one_by_one(pending.batch)
                    queue = deque(item if item.is_safe else self._submit(item.batch) for item in queue)
                    yield from outcomes
                else:
                    batches.learn(pending.batch, outcome.seconds)
                    yield outcome
        finally:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _has_finished(self, queue: deque[_Pending]) -> bool:
        """Whether an outcome can be had without waiting, and enough is left to do meanwhile."""
        if len(queue) <= self._plan.jobs:
            return False
        return queue[0].future.done() if self._plan.ordered else any(item.future.done() for item in queue)

    def _next(self, queue: deque[_Pending]) -> _Pending:
        """Take the next one from ``queue``: the first, or one that is finished."""
        if self._plan.ordered:
            return queue.popleft()
        wait([pending.future for pending in queue], return_when=FIRST_COMPLETED)
        pending = next(pending for pending in queue if pending.future.done())
        queue.remove(pending)
        return pending

    def _one_by_one(self, batch: Batch) -> list[Outcome]:
        """After a worker died: the file that kills one even alone is the culprit, if it is among these."""
        self._restart()
        outcomes = []
        for single in batch.singly():
            try:
                outcomes.append(self._submit(single).future.result())
            except BrokenProcessPool:
                self._restart()
                outcomes.append(Clerk(self._plan.verifier, self._plan.encoding, archives=False).crash(single))
        return outcomes

    def _submit(self, batch: Batch) -> _Pending:
        # The terminal sends Ctrl-C to every process of the group; this one alone answers it. The
        # others are started here, and inherit the mask before they run a line of Python.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            future = self._executor.submit(_work, batch)
        except BrokenProcessPool as error:
            future = Future()
            future.set_exception(error)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return _Pending(batch, future)

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._plan.jobs,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(self._verifier, self._plan.encoding, self._plan.archives, self._folder),
        )

    def _restart(self) -> None:
        """Have new workers.

        Raises:
            UsageError: if there are none to be had: then no file is to blame.
        """
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._start()
        try:
            self._submit(Batch([], b"", {})).future.result()
        except BrokenProcessPool:
            raise UsageError(
                "the processes that share the work cannot be started; a script needs its "
                "'if __name__ == \"__main__\":' around what starts them, or use one job"
            ) from None
