"""Judging what is in archives: one verdict a member, and one on the archive where it cannot be read on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from noai.codes import Code
from noai.corpus.archives.interface import Member
from noai.corpus.archives.registry import Opened, open_archive
from noai.corpus.judging import NOT_AUDIO, Judged, where
from noai.errors import NoaiError, SourceChanged
from noai.report import Note, Report
from noai.verifying import Verifier


def members(path: str) -> Iterator[Member]:
    """What is in the archive at ``path``. The bytes of a member can be read until the next one is asked for.

    Raises:
        ArchiveError, LimitExceeded, SourceError: where it cannot be read on; what came before counts.
    """
    with open_archive(path) as opened:
        for sample in opened.archive.samples():
            yield from sample.members


def judge_archive(path: str, verifier: Verifier) -> Iterator[Judged]:
    """The verdicts on the members of the archive at ``path``, in its order; none is unpacked.

    Their records have ``path`` as given, and the member's name. Members that are neither audio nor named
    like audio are ``skipped``. Where the archive cannot be read on, the last verdict is ``undecided`` and on
    itself: its ``member`` is None.

    Raises:
        TrustError, KeyFileError: if the verifier's trust list cannot be read.
    """
    verifier = replace(verifier, trust=verifier.trust_list)
    try:
        with open_archive(path) as opened:
            for sample in opened.archive.samples():
                for member in sample.members:
                    yield judge_member(path, member, verifier)
                require_unchanged(path, opened)
            require_unchanged(path, opened)
    except Exception as error:  # noqa: BLE001  one archive's bug must neither stop nor admit the others
        yield unreadable(path, error, verifier)


def judge_member(path: str, member: Member, verifier: Verifier) -> Judged:
    """The verdict on one member of the archive at ``path``."""
    report = Report(path, None, member.size, member.mtime_ns, verifier.depth, member=member.name)
    if member.data is None:
        assert member.error is not None
        report = replace(report, error=_note(member.error))
    else:
        try:
            report = verifier.examine(
                member.data,
                path=path,
                member=member.name,
                mtime_ns=member.mtime_ns,
                sidecars=member.sidecars,
            )
        except Exception as error:  # noqa: BLE001  one member's bug must neither stop nor admit the others
            report = replace(report, error=_note(error))
    code = None if report.error is None else report.error.code
    return Judged(verifier.policy.decide(report), not member.expects_audio and code in NOT_AUDIO)


def unreadable(path: str, error: Exception, verifier: Verifier) -> Judged:
    """The verdict on an archive that could not be read to its end."""
    note = _note(error)
    note = replace(note, message=f"{path}: {note.message.removeprefix(f'{path}: ')}")
    return Judged(verifier.policy.decide(Report(path, None, None, None, verifier.depth, error=note)))


def require_unchanged(path: str, opened: Opened) -> None:
    """
    Raises:
        SourceChanged: if the archive is not what it was when it was opened.
    """
    if not opened.is_unchanged():
        raise SourceChanged(f"{path}: changed while it was being read")


def _note(error: Exception) -> Note:
    if isinstance(error, NoaiError):
        return Note(Code.of(error.code), str(error))
    return Note(Code.INTERNAL_ERROR, f"{Code.INTERNAL_ERROR.meaning} ({where(error)})")
