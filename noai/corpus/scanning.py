"""Any number of paths, whatever they are: files, folders, archives, objects elsewhere."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

from noai.corpus.batches import Clerk, Outcome, is_named_like_an_archive, judgements
from noai.corpus.judging import Judged, judge, unopened
from noai.corpus.outputs import Encoding, unpickled
from noai.corpus.patterns import EVERYTHING, Selection
from noai.corpus.remote_urls import is_remote
from noai.corpus.walking import Candidate, FolderId, Passed, walk
from noai.corpus.workers import Plan, usable_cores
from noai.errors import UsageError
from noai.limits import OUTPUT_CHUNK_VERDICTS
from noai.policy import Policy
from noai.report import Depth
from noai.trust import TrustList
from noai.verdict import Verdict
from noai.verifying import Verifier

if TYPE_CHECKING:
    from noai.consent.held import Consent

#: Seconds after which remote verdicts are handed on, few as they may be.
_REMOTE_SECONDS: Final = 0.2
Paths = Iterable["str | os.PathLike[str]"]


class Left(Protocol):
    """What is left to do of some work."""

    def take(self, candidates: Iterator[Candidate]) -> Iterator[Candidate]:
        """The candidates of one walk that have to be judged, in their order."""

    def takes_remote(self, url: str) -> bool:
        """Whether an object elsewhere has to be judged."""


def scan(
    paths: Paths | str | os.PathLike[str],
    *,
    policy: Policy | None = None,
    trust: TrustList | None = None,
    now: datetime | None = None,
    depth: Depth = Depth.DECISION,
    jobs: int | None = None,
    ordered: bool = False,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    archives: bool = True,
    digest: bool = False,
    consent: Consent | None = None,
) -> Iterator[Verdict]:
    """The verdicts on any number of files, by several processes, in memory that does not grow with them.

    ``paths`` are files, folders, archives and URLs (``s3://``, ``gs://``, ``https://``, with
    ``noai[remote]``), asked for one by one as the work goes on. Folders are walked: what is neither audio
    nor named like it is passed over there, links to folders are not followed, special files are not opened,
    and ``include`` and ``exclude`` say what is meant (:class:`noai.corpus.Selection`). With ``archives``,
    tar, zip and Parquet files are looked into, and each member of one has a verdict.

    ``jobs`` is the number of processes, as many as there are usable cores by default; with 1, or where
    there is little to do, everything happens in this process. Verdicts come as they are there, or in
    the order of the paths if ``ordered``. Whoever stops iterating stops the work; close the iterator, or
    let go of it. A program that uses several processes needs the usual
    ``if __name__ == "__main__":``, since they are spawned.

    A file that cannot be read, has vanished or changes meanwhile is ``undecided``, never an error.

    ``consent`` is what was granted, judged once for the whole work (:func:`noai.consent.load`).

    Raises:
        UsageError: for a pattern that is none, or fewer jobs than one.
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """
    verifier = Verifier(policy or Policy(), trust, now, depth, digest, consent)
    job = Scan(
        verifier,
        jobs=usable_cores() if jobs is None else jobs,
        ordered=ordered,
        selection=Selection(include, exclude),
        archives=archives,
    )
    return job.verdicts([paths] if isinstance(paths, (str, os.PathLike)) else paths)


@dataclass(frozen=True)
class Scan:
    """How paths are worked through."""

    verifier: Verifier
    jobs: int = 1
    ordered: bool = False
    selection: Selection = EVERYTHING
    archives: bool = True
    #: Folders that are not walked.
    exclude: frozenset[FolderId] = frozenset()
    #: What the walk counts.
    passed: Passed = field(default_factory=Passed)

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise UsageError("work needs at least one process")

    def verdicts(self, paths: Paths) -> Iterator[Verdict]:
        """The verdicts, one each."""
        verifier = replace(self.verifier, trust=self.verifier.trust_list)
        return _verdicts(replace(self, verifier=verifier), (os.fspath(path) for path in paths))

    def outcomes(
        self, paths: Iterable[str], encoding: Encoding, left: Left | None = None
    ) -> Generator[Outcome, None, None]:
        """What ``paths`` come to, in chunks of ``encoding``; without what ``left`` leaves out.

        Raises:
            TrustError, KeyFileError: if the verifier's trust list cannot be read.
        """
        scan = replace(self, verifier=replace(self.verifier, trust=self.verifier.trust_list))
        for is_elsewhere, some in groupby(paths, is_remote):
            if is_elsewhere:
                yield from _remote_outcomes(scan, some, encoding, left)
                continue
            candidates = scan.candidates(some)
            plan = Plan(scan.verifier, encoding, self.jobs, self.ordered, self.archives)
            plan, chosen = plan.fits(candidates if left is None else left.take(candidates))
            with closing(plan.run(chosen)) as outcomes:
                yield from outcomes

    def candidates(self, paths: Iterable[str]) -> Iterator[Candidate]:
        """The files that ``paths`` name or hold."""
        return walk(paths, passed=self.passed, exclude=self.exclude, selection=self.selection)


def _verdicts(scan: Scan, paths: Iterable[str]) -> Generator[Verdict, None, None]:
    for is_elsewhere, some in groupby(paths, is_remote):
        if is_elsewhere:
            with closing(_remote(scan, some)) as judged_there:
                yield from (judged.verdict for judged in judged_there if not judged.skipped)
            continue
        plan = Plan(scan.verifier, Encoding.VERDICTS, scan.jobs, scan.ordered, scan.archives)
        plan, candidates = plan.fits(scan.candidates(some))
        if plan.jobs == 1:
            for each in candidates:
                yield from _here(scan, each)
            continue
        with closing(plan.run(candidates)) as outcomes:
            for outcome in outcomes:
                for chunk in outcome.chunks():
                    yield from (judged.verdict for judged in unpickled(chunk))


def _here(scan: Scan, each: Candidate) -> Iterator[Verdict]:
    """The verdicts on one candidate, by this process."""
    if each.error is not None or not is_named_like_an_archive(each.path):
        found = iter((judge(each, scan.verifier),))
    elif scan.archives:
        found = judgements(each, scan.verifier)
    else:
        found = iter((unopened(each, scan.verifier),))
    return (judged.verdict for judged in found if not judged.skipped)


def _remote(scan: Scan, urls: Iterable[str], left: Left | None = None) -> Generator[Judged, None, None]:
    from noai.corpus import remote

    found = remote.scan_remote(
        urls,
        scan.verifier,
        ordered=scan.ordered,
        selection=scan.selection,
        passed=scan.passed,
        wanted=None if left is None else left.takes_remote,
    )
    with closing(found):
        yield from found


def _remote_outcomes(
    scan: Scan, urls: Iterable[str], encoding: Encoding, left: Left | None
) -> Generator[Outcome, None, None]:
    clerk = Clerk(scan.verifier, encoding, archives=False)
    with closing(_remote(scan, urls, left)) as judged_there:
        held: list[Judged] = []
        started = monotonic()
        for judged in judged_there:
            held.append(judged)
            if len(held) >= OUTPUT_CHUNK_VERDICTS or monotonic() - started > _REMOTE_SECONDS:
                yield clerk.write(held, started)
                held, started = [], monotonic()
        if held:
            yield clerk.write(held, started)
