"""Work as it goes to a worker, and what comes back: plain data, and little of it for each file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import IO, Final, NamedTuple

from noai.codes import Code
from noai.corpus.judging import UNREADABLE, Judged, crashed, glanced, judge, unopened, where
from noai.corpus.outputs import Encoding
from noai.corpus.tallying import Tally
from noai.corpus.walking import ARCHIVE_SUFFIXES, Candidate
from noai.errors import SourceError
from noai.limits import BATCH_FILES, OUTPUT_SPILL_BYTES
from noai.verifying import Verifier

#: What is known of a path, as bits.
EXPLICIT: Final = 1
PLAIN: Final = 2
ARCHIVE: Final = 4
#: Says nothing about a file as it is: an output that holds it is not gone on with there.
AGAIN: Final = frozenset({*UNREADABLE, Code.SOURCE_CHANGED, Code.INTERNAL_ERROR})
#: Seconds that one batch shall take: long beside handing it over, short beside anybody's patience.
_BATCH_SECONDS: Final = 0.05
_LENGTH_BYTES: Final = 8
_SUFFIX: Final = max(map(len, ARCHIVE_SUFFIXES))


class Batch(NamedTuple):
    """Some candidates. Lists of texts cross between processes faster than objects do."""

    paths: list[str]
    #: One byte a path.
    flags: bytes
    #: By position: why a folder could not be listed.
    errors: dict[int, SourceError]

    def candidates(self) -> Iterator[Candidate]:
        for position, (path, flags) in enumerate(zip(self.paths, self.flags, strict=True)):
            yield candidate(path, flags, self.errors.get(position))

    def singly(self) -> Iterator[Batch]:
        """Each path as a batch of its own."""
        for position, path in enumerate(self.paths):
            error = self.errors.get(position)
            errors = {} if error is None else {0: error}
            yield Batch([path], self.flags[position : position + 1], errors)


def candidate(path: str, flags: int, error: SourceError | None = None) -> Candidate:
    return Candidate(path, path, bool(flags & EXPLICIT), error, bool(flags & PLAIN))


class Finished(NamedTuple):
    """An archive that was read, as it was before and after."""

    path: str
    size: int
    mtime_ns: int


@dataclass
class Outcome:
    """What one batch came to."""

    tally: Tally = field(default_factory=Tally)
    #: Candidates in the batch, an archive being one.
    candidates: int = 0
    seconds: float = 0.0
    held: list[bytes] = field(default_factory=list)
    #: A file with the chunks that were too many, each with its length in front.
    spilled: str | None = None
    finished: tuple[Finished, ...] = ()

    def chunks(self) -> Iterator[bytes]:
        """The chunks, once; the file that held the rest of them is gone afterwards."""
        yield from self.held
        if self.spilled is None:
            return
        with open(self.spilled, "rb") as stream:
            os.unlink(self.spilled)
            while length := stream.read(_LENGTH_BYTES):
                yield stream.read(int.from_bytes(length, "big"))


class Clerk:
    """Judges batches and writes down what they come to, as one encoding has it."""

    def __init__(
        self, verifier: Verifier, encoding: Encoding, *, archives: bool, folder: str | None = None
    ) -> None:
        self._verifier = verifier
        self._encoder = encoding.encoder(verifier.policy)
        self._archives = archives
        self._folder = folder

    def work(self, batch: Batch) -> Outcome:
        """Judge one batch. A failure of noai itself makes a file ``undecided``."""
        started = monotonic()
        outcome = Outcome(candidates=len(batch.paths))
        count, told = outcome.tally.count, self._encoder.glimpse
        verifier = self._verifier
        for position, (path, flags) in enumerate(zip(batch.paths, batch.flags, strict=True)):
            if flags in (PLAIN, EXPLICIT):
                glimpse = glanced(path, verifier, known=flags == PLAIN)
                if glimpse is not None:
                    decision, admitted = told(path, glimpse)
                    count(decision, admitted, True)
                    continue
            # No longer plain: another glance would tell no more.
            self._judge(candidate(path, flags & ~PLAIN, batch.errors.get(position)), flags, outcome)
        return self._closed(outcome, started)

    def crash(self, batch: Batch) -> Outcome:
        """What becomes of candidates at which the process died."""
        started = monotonic()
        outcome = Outcome(candidates=len(batch.paths))
        for each in batch.candidates():
            self._add(crashed(each, self._verifier, "the process that read it died"), outcome)
        return self._closed(outcome, started)

    def write(self, judgements: Iterable[Judged], started: float) -> Outcome:
        """What ``judgements`` that were made elsewhere come to."""
        outcome = Outcome()
        for judged in judgements:
            self._add(judged, outcome)
            outcome.candidates += 1
        return self._closed(outcome, started)

    def _judge(self, each: Candidate, flags: int, outcome: Outcome) -> None:
        if not flags & ARCHIVE:
            self._add(judge(each, self._verifier), outcome)
            return
        if not self._archives:
            self._add(unopened(each, self._verifier), outcome)
            return
        before, again = _state(each.path), False
        with _Spill(self._folder) as spill:
            for judged in judgements(each, self._verifier):
                again = again or judged.error in AGAIN
                self._add(judged, outcome)
                if self._encoder.is_full:
                    spill.put(self._encoder.take(), outcome)
        if before is not None and not again and _state(each.path) == before:
            outcome.finished = (*outcome.finished, before)

    def _add(self, judged: Judged, outcome: Outcome) -> None:
        outcome.tally.add(judged)
        self._encoder.add(judged)

    def _closed(self, outcome: Outcome, started: float) -> Outcome:
        last = self._encoder.take()
        if last and outcome.spilled is not None:
            with open(outcome.spilled, "ab") as stream:
                _put(stream, last)
        elif last:
            outcome.held.append(last)
        outcome.seconds = monotonic() - started
        return outcome


def judgements(each: Candidate, verifier: Verifier) -> Iterator[Judged]:
    """The verdicts on what is named like an archive: on its members, if it is one."""
    from noai.corpus import archives

    try:
        if archives.is_archive(each.path):
            yield from archives.judge_archive(each.path, verifier)
        else:
            yield judge(each, verifier)
    except Exception as error:  # noqa: BLE001  one archive's bug must neither stop nor admit the others
        yield crashed(each, verifier, where(error))


def is_named_like_an_archive(path: str) -> bool:
    return path[-_SUFFIX:].lower().endswith(ARCHIVE_SUFFIXES)


class _Spill:
    """Takes chunks: into the outcome first, into a file when they are many."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._stream: IO[bytes] | None = None

    def __enter__(self) -> _Spill:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def put(self, chunk: bytes, outcome: Outcome) -> None:
        if self._stream is None and outcome.spilled is None:
            outcome.held.append(chunk)
            if sum(map(len, outcome.held)) >= OUTPUT_SPILL_BYTES:
                descriptor, outcome.spilled = tempfile.mkstemp(prefix="chunks-", dir=self._folder)
                self._stream = open(descriptor, "wb")  # noqa: SIM115  closed by __exit__
            return
        if self._stream is None:
            assert outcome.spilled is not None
            self._stream = open(outcome.spilled, "ab")  # noqa: SIM115  closed by __exit__
        _put(self._stream, chunk)


def _put(stream: IO[bytes], chunk: bytes) -> None:
    stream.write(len(chunk).to_bytes(_LENGTH_BYTES, "big"))
    stream.write(chunk)


def _state(path: str) -> Finished | None:
    """What an archive is known by, None if it cannot be seen."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return Finished(path, status.st_size, status.st_mtime_ns)


class Batches:
    """Candidates as batches: few at first, so that a short run is quick; as many as take a while, then."""

    def __init__(self, candidates: Iterable[Candidate], largest: int = BATCH_FILES) -> None:
        self._source = iter(candidates)
        self._largest = largest
        self._size = min(4, largest)
        #: An archive that was met while a batch was made: it is one of its own.
        self._alone: list[Batch] = []

    def learn(self, batch: Batch, seconds: float) -> None:
        """Take into account how long a batch took."""
        if batch.flags[0] & ARCHIVE:
            return
        candidates = len(batch.paths)
        fitting = int(_BATCH_SECONDS * candidates / seconds) if seconds > 0 else self._largest
        self._size = max(1, min(self._largest, 2 * self._size, fitting))

    def next(self) -> Batch | None:
        """The next one, None at the end."""
        if self._alone:
            return self._alone.pop()
        paths: list[str] = []
        flags = bytearray()
        errors: dict[int, SourceError] = {}
        for each in self._source:
            path, _, explicit, error, plain = each
            flag = (EXPLICIT if explicit else 0) | (PLAIN if plain else 0)
            if error is None and is_named_like_an_archive(path):
                self._alone.append(Batch([path], bytes((flag | ARCHIVE,)), {}))
                break
            if error is not None:
                errors[len(paths)] = error
            paths.append(path)
            flags.append(flag)
            if len(paths) >= self._size:
                break
        if paths:
            return Batch(paths, bytes(flags), errors)
        return self._alone.pop() if self._alone else None
