"""Judging candidates: one verdict a file, whatever happens to it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import Any, Final

from noai.codes import Code
from noai.corpus.walking import ARCHIVE_SUFFIXES, Candidate
from noai.errors import SourceError
from noai.glancing import Glimpse
from noai.report import Depth, Note, Report
from noai.verdict import Decision, Verdict
from noai.verifying import Verifier

#: There is nothing to judge where one of these is all that is known of an unnamed file.
NOT_AUDIO: Final = frozenset(
    {Code.CONTAINER_UNKNOWN, Code.SOURCE_EMPTY, Code.SOURCE_MISSING, Code.SOURCE_NOT_A_FILE}
)
#: There were no bytes to look at.
UNREADABLE: Final = frozenset(
    {Code.SOURCE_MISSING, Code.SOURCE_FORBIDDEN, Code.SOURCE_NOT_A_FILE, Code.SOURCE_UNREADABLE}
)


@dataclass(frozen=True)
class Judged:
    """One candidate's verdict."""

    verdict: Verdict
    #: Not audio, not named audio, and not named by the caller: no record is owed.
    skipped: bool = False

    @property
    def record(self) -> dict[str, Any]:
        """The verdict record, schema ``noai.verdict/1``; made anew each time."""
        return self.verdict.record()

    @property
    def decision(self) -> Decision:
        return self.verdict.decision

    @property
    def admitted(self) -> bool:
        return self.verdict.admitted

    @property
    def error(self) -> Code | None:
        """Why the file could not be read as audio, if so."""
        error = self.verdict.report.error
        return None if error is None else error.code

    @property
    def readable(self) -> bool:
        """Whether there was a file with bytes to look at."""
        return self.error not in UNREADABLE


def judge(candidate: Candidate, verifier: Verifier) -> Judged:
    """The verdict on one candidate. A failure of noai itself makes it ``undecided``.

    Raises:
        TrustError, KeyFileError: if the verifier's trust list cannot be read.
    """
    if candidate.error is not None:
        return _judged(candidate, verifier, _unlisted(verifier, candidate.error))
    # A damaged list must stop the run, so it is read outside the guard.
    trust = verifier.trust_list
    if candidate.plain and (glimpse := glanced(candidate.path, verifier)) is not None:
        return Judged(verifier.policy.decide(glimpse.report(candidate.path)))
    if verifier.trust is None:
        verifier = replace(verifier, trust=trust)
    try:
        return _judged(candidate, verifier, verifier.report(candidate.path))
    except Exception as error:  # noqa: BLE001  one file's bug must neither stop nor admit the others
        return crashed(candidate, verifier, where(error))


def glanced(path: str, verifier: Verifier, *, known: bool = True) -> Glimpse | None:
    """What a glance tells of a file; None if it has to be judged, for whatever reason.

    ``known``: its folder showed a regular file without sidecars.
    """
    if verifier.depth is not Depth.DECISION or verifier.digest:
        return None
    try:
        return verifier.glance(path) if known else verifier.glance_at_named(path)
    except Exception:  # noqa: BLE001  judging the file will meet the same bug, and say so
        return None


def crashed(candidate: Candidate, verifier: Verifier, what: str) -> Judged:
    """The verdict on a candidate at which noai itself failed: ``undecided``."""
    note = Note(Code.INTERNAL_ERROR, f"{Code.INTERNAL_ERROR.meaning} ({what})")
    return _judged(candidate, verifier, Report(None, None, None, None, verifier.depth, error=note))


def unopened(candidate: Candidate, verifier: Verifier) -> Judged:
    """The verdict on what is named like an archive where archives are not looked into.

    It is passed over, or ``undecided`` if it was named: its content says nothing of what is in it.
    """
    note = Note(Code.CONTAINER_UNKNOWN, f"{candidate.path}: is named like an archive; none is looked into")
    report = Report(candidate.path, None, None, None, verifier.depth, error=note)
    return Judged(verifier.policy.decide(report), not candidate.explicit)


def _judged(candidate: Candidate, verifier: Verifier, report: Report) -> Judged:
    # As it was given: a list that is joined with the records must find its own spelling.
    report = report if report.path == candidate.path else replace(report, path=candidate.path)
    verdict = verifier.policy.decide(report)
    error = None if report.error is None else report.error.code
    # What is named like an archive may hold audio, whatever was to be seen of it.
    promises = candidate.expects_audio or candidate.path.lower().endswith(ARCHIVE_SUFFIXES)
    unexpected = not candidate.explicit and not promises and candidate.error is None
    return Judged(verdict, unexpected and error in NOT_AUDIO)


def _unlisted(verifier: Verifier, error: SourceError) -> Report:
    return Report(None, None, None, None, verifier.depth, error=Note(Code.of(error.code), str(error)))


def where(error: Exception) -> str:
    """What a bug report needs to know about an unexpected exception."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, line {frame.lineno}: {error}"
