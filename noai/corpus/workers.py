"""Many candidates by one process or several: verdicts in order, in bounded memory.

Processes are spawned, never forked: a C2PA context does not survive a fork. What crosses between
them is plain data.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from noai import certificates
from noai.corpus.judging import Judged, crashed, judge
from noai.corpus.walking import Candidate
from noai.trust import Kind, May, TrustEntry, TrustList
from noai.verifying import Verifier

#: Files that one worker gets at a time, and such batches that wait for each worker.
BATCH: Final = 16
BATCHES_AHEAD: Final = 2


def judge_all(
    candidates: Iterable[Candidate], verifier: Verifier, jobs: int = 1
) -> Generator[Judged, None, None]:
    """The verdicts on ``candidates``, in their order, by ``jobs`` processes.

    A worker that dies takes no other file with it: the file that kills a worker even alone is
    ``undecided``.

    Raises:
        TrustError, KeyFileError: if the verifier's trust list cannot be read.
    """
    verifier = replace(verifier, trust=verifier.trust_list)
    if jobs == 1:
        return (judge(candidate, verifier) for candidate in candidates)
    return _Pool(verifier, jobs).run(candidates)


@dataclass(frozen=True)
class _Entry:
    """A trust entry that can be pickled: certificates cannot, their DER can."""

    der: bytes
    may: frozenset[May]
    kind: Kind
    keys: tuple[str, ...]
    isrc_prefixes: tuple[str, ...]

    @classmethod
    def of(cls, entry: TrustEntry) -> _Entry:
        der = certificates.der(entry.certificate)
        return cls(der, entry.may, entry.kind, entry.keys, entry.isrc_prefixes)

    def open(self) -> TrustEntry:
        certificate = certificates.load_der(self.der)
        return TrustEntry(certificate, self.may, self.kind, self.keys, self.isrc_prefixes)


@dataclass(frozen=True)
class _Terms:
    """A verifier that can be pickled."""

    verifier: Verifier
    entries: tuple[_Entry, ...]
    own: tuple[_Entry, ...]

    @classmethod
    def of(cls, verifier: Verifier) -> _Terms:
        trust = verifier.trust_list
        return cls(
            Verifier(verifier.policy, None, verifier.now, verifier.depth, verifier.digest),
            tuple(_Entry.of(entry) for entry in trust.entries),
            tuple(_Entry.of(entry) for entry in trust.own),
        )

    def open(self) -> Verifier:
        trust = TrustList(tuple(e.open() for e in self.entries), tuple(e.open() for e in self.own))
        return replace(self.verifier, trust=trust)


#: The verifier of this worker process.
_worker: Verifier | None = None


def _start_worker(terms: _Terms) -> None:
    global _worker
    _worker = terms.open()


def _judge_batch(batch: Sequence[Candidate]) -> list[Judged]:
    assert _worker is not None
    return [judge(candidate, _worker) for candidate in batch]


@dataclass(frozen=True)
class _Pending:
    batch: Sequence[Candidate]
    future: Future[list[Judged]]


class _Pool:
    """Worker processes with a bounded queue; results in the order of the candidates."""

    def __init__(self, verifier: Verifier, jobs: int) -> None:
        self._verifier = verifier
        self._jobs = jobs
        self._terms = _Terms.of(verifier)
        self._executor = self._start()

    def run(self, candidates: Iterable[Candidate]) -> Generator[Judged, None, None]:
        source = iter(candidates)
        queue: deque[_Pending] = deque()
        try:
            while True:
                while len(queue) < self._jobs * BATCHES_AHEAD and (batch := list(islice(source, BATCH))):
                    queue.append(self._submit(batch))
                if not queue:
                    return
                pending = queue.popleft()
                try:
                    judged = pending.future.result()
                except BrokenProcessPool:
                    judged = self._one_by_one(pending.batch)
                    queue = deque(item if _is_safe(item) else self._submit(item.batch) for item in queue)
                yield from judged
        finally:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _one_by_one(self, batch: Sequence[Candidate]) -> list[Judged]:
        """After a worker died: the file that kills one even alone is the culprit, if it is among these."""
        self._restart()
        judged = []
        for candidate in batch:
            try:
                judged += self._submit([candidate]).future.result()
            except BrokenProcessPool:
                self._restart()
                judged.append(crashed(candidate, self._verifier, "the process that read it died"))
        return judged

    def _submit(self, batch: Sequence[Candidate]) -> _Pending:
        # The terminal sends Ctrl-C to every process of the group; this one alone answers it. The
        # others are started here, and inherit the mask before they run a line of Python.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            future = self._executor.submit(_judge_batch, batch)
        except BrokenProcessPool as error:
            future = Future()
            future.set_exception(error)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return _Pending(batch, future)

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._jobs,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(self._terms,),
        )

    def _restart(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._start()


def _is_safe(pending: _Pending) -> bool:
    """Whether a batch was finished before the pool broke."""
    return pending.future.done() and pending.future.exception() is None
