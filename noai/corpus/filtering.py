"""What enters a corpus: admitted files as verdicts, as a list, as links or copies, or as filtered shards."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from noai.codes import Code
from noai.corpus.archives.registry import is_archive
from noai.corpus.judging import UNREADABLE, Judged
from noai.corpus.outputs import Encoding, unpickled
from noai.corpus.placing import Placing, place
from noai.corpus.remote_urls import is_remote
from noai.corpus.resharding_pool import Task, filter_archives
from noai.corpus.scanning import Paths, Scan, scan
from noai.corpus.walking import Candidate
from noai.errors import DestinationExists, FilterError, NoaiError, NotAShard, SourceError
from noai.policy import Policy
from noai.report import Depth, Note
from noai.trust import TrustList
from noai.verdict import Verdict

if TYPE_CHECKING:
    from noai.consent.held import Consent

#: Something was not read, or not to its end. What else is undecided was read, and is not understood.
_UNREAD: Final = UNREADABLE | {
    Code.SOURCE_CHANGED,
    Code.INTERNAL_ERROR,
    Code.EXTRA_MISSING,
    Code.ARCHIVE_ERROR,
    Code.ARCHIVE_MALFORMED,
}


def admitted(
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
    """The verdicts of :func:`noai.corpus.scan` on what may enter the corpus, and no others.

    A member of an archive is told by the archive's ``path`` and its own ``member``. Arguments and errors are
    those of :func:`noai.corpus.scan`.
    """
    found = scan(
        paths,
        policy=policy,
        trust=trust,
        now=now,
        depth=depth,
        jobs=jobs,
        ordered=ordered,
        include=include,
        exclude=exclude,
        archives=archives,
        digest=digest,
        consent=consent,
    )
    return (verdict for verdict in found if verdict.admitted)


@dataclass(frozen=True)
class Filtered:
    """One verdict, and what became of what it is about."""

    #: None for an archive that could not be written at all.
    judged: Judged | None
    #: Why it is not in the output, although it is admitted.
    failure: NoaiError | None = None

    @property
    def is_unread(self) -> bool:
        """Whether there was something that was not read, or not to its end."""
        if self.judged is None or self.judged.skipped:
            return False
        report, code = self.judged.verdict.report, self.judged.error
        # Of a member the limit is a reason; of an archive it says that the rest was not read.
        at_a_limit = code is Code.LIMIT_EXCEEDED and report.member is None and report.size is None
        return code in _UNREAD or at_a_limit


class Destination(Protocol):
    """Where what is admitted goes."""

    def filter(self, scan: Scan, paths: Iterable[str]) -> Generator[Filtered, None, None]:
        """Judge what ``paths`` name or hold and take what is admitted.

        Raises:
            TrustError, KeyFileError: if the verifier's trust list cannot be read.
            OSError: if the destination cannot be written.
        """


class Listed(Protocol):
    """A list of what is admitted."""

    def add(self, verdict: Verdict) -> None:
        """
        Raises:
            NotListable: if the list cannot take this name.
        """


@dataclass(frozen=True)
class ListDestination:
    """Names what is admitted, members of archives too."""

    listed: Listed

    def filter(self, scan: Scan, paths: Iterable[str]) -> Generator[Filtered, None, None]:
        with closing(scan.outcomes(paths, Encoding.JUDGED)) as outcomes:
            for outcome in outcomes:
                for chunk in outcome.chunks():
                    for judged in unpickled(chunk):
                        yield self._take(judged)

    def _take(self, judged: Judged) -> Filtered:
        if judged.admitted and not judged.skipped:
            try:
                self.listed.add(judged.verdict)
            except FilterError as error:
                return Filtered(judged, error)
        return Filtered(judged)


@dataclass(frozen=True)
class FolderDestination:
    """A folder of what is admitted, each at its way below the folder in which it was found.

    Archives are written anew without what is not admitted; files are placed, or refused where ``placing``
    is None.
    """

    folder: Path
    placing: Placing | None

    def filter(self, scan: Scan, paths: Iterable[str]) -> Generator[Filtered, None, None]:
        scan = replace(scan, verifier=replace(scan.verifier, trust=scan.verifier.trust_list))
        apart = _Apart(scan.archives)
        local = _only_local(paths)
        with closing(scan.outcomes(local, Encoding.JUDGED, apart)) as outcomes:
            for outcome in outcomes:
                for chunk in outcome.chunks():
                    for judged in unpickled(chunk):
                        yield self._place(judged, apart.way_of(judged.verdict.path), scan)
        tasks = [Task(each.path, self.folder / each.relative) for each in apart.archives]
        with closing(filter_archives(tasks, scan.verifier, scan.jobs)) as told:
            for each in told:
                yield Filtered(each) if isinstance(each, Judged) else Filtered(None, each)

    def _place(self, judged: Judged, way: str | None, scan: Scan) -> Filtered:
        if judged.skipped or not judged.admitted or way is None:
            return Filtered(judged)
        if self.placing is None:
            error = NotAShard(f"{judged.verdict.path}: is no archive; links or copies take such files")
            return Filtered(judged, error)
        report = judged.verdict.report
        try:
            place(self.placing, report, self.folder / way)
        except SourceError as error:
            # What is there now was not checked.
            note = Note(Code.of(error.code), str(error))
            return Filtered(Judged(scan.verifier.policy.decide(replace(report, error=note))))
        except DestinationExists as error:
            return Filtered(judged, error)
        return Filtered(judged)


@dataclass
class _Apart:
    """Takes archives out of a walk, and remembers the ways of the files until they are judged."""

    looks_into_archives: bool
    archives: list[Candidate] = field(default_factory=list)
    #: A file may be found in several ways; it is judged once for each.
    _ways: dict[str, list[str]] = field(default_factory=dict)

    def take(self, candidates: Iterator[Candidate]) -> Iterator[Candidate]:
        for candidate in candidates:
            if self.looks_into_archives and candidate.error is None and is_archive(candidate.path):
                self.archives.append(candidate)
            else:
                self._ways.setdefault(candidate.path, []).append(candidate.relative)
                yield candidate

    def takes_remote(self, url: str) -> bool:
        return False

    def way_of(self, path: str | None) -> str | None:
        """The way of a file that was judged; None for one that was there before."""
        ways = [] if path is None else self._ways.get(path, [])
        way = ways.pop(0) if ways else None
        if path is not None and not ways:
            self._ways.pop(path, None)
        return way


def _only_local(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if is_remote(path):
            raise FilterError(f"{path}: what is elsewhere can be listed, and not be placed in a folder")
        yield path
