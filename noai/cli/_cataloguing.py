"""``noai mark --claims``: which rows of a catalogue are which files, and what is said in each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from noai import catalogue
from noai.catalogue import Entry, Problems
from noai.cli import _render
from noai.cli._planning import Job, Plan, distinct, find, refusal_of
from noai.corpus.walking import Candidate
from noai.declaration import Declaration
from noai.errors import CatalogueError, MarkError, NoaiError, SourceMissing, UsageError
from noai.text import printable


@dataclass(frozen=True)
class Unlisted:
    """What a run with a catalogue passes over."""

    #: Tracks that are in no row.
    tracks: int = 0
    #: Rows whose file is not among the paths that were named.
    rows: int = 0


def plan_catalogue(
    path: str, paths: Sequence[str], output: Path | None, general: Declaration
) -> tuple[Plan, Unlisted]:
    """One job for each row of the catalogue ``path``, with its claim, and what is passed over.

    A row is a file below one of ``paths``, or below the folder of the catalogue, which is searched where
    there are no ``paths``.

    Raises:
        UsageError: if anything is wrong with the catalogue, told on stderr; or as :func:`plan` does.
    """
    try:
        entries = catalogue.read(path)
        folder = os.path.dirname(path) or os.curdir
        found = find(paths or (folder,), output)
        problems = Problems(path)
        matcher = _Matcher(found.jobs, [*filter(os.path.isdir, paths), folder], bool(paths))
        jobs = [job for entry in entries if (job := matcher.job(entry, general, problems)) is not None]
        problems.require_none()
    except CatalogueError as error:
        for problem in error.problems:
            _render.say(problem)
        raise UsageError(f"{error.summary}; nothing was marked") from None
    others = sum(realpath not in matcher.taken for realpath in matcher.tracks)
    return replace(found, jobs=distinct(jobs)), Unlisted(others, matcher.elsewhere)


class _Matcher:
    """Finds the file of each row among those that were found in the folders."""

    def __init__(self, found: Iterable[Job], folders: Sequence[str], narrowed: bool) -> None:
        self.tracks = {os.path.realpath(job.source): job for job in found}
        #: The row that each file belongs to.
        self.taken: dict[str, str] = {}
        self.elsewhere = 0
        self._folders = tuple(dict.fromkeys(folders))
        self._narrowed = narrowed

    def job(self, entry: Entry, general: Declaration, problems: Problems) -> Job | None:
        """None for a row with a problem, and for one that is not among the named paths."""
        ways = [os.path.join(folder, entry.path) for folder in self._folders]
        there = {os.path.realpath(way): way for way in reversed(ways) if os.path.lexists(way)}
        among = {real: self.tracks[real] for real in there if real in self.tracks}
        try:
            claim = entry.declaration.over(general).claim()
        except UsageError as error:
            problems.add(entry.place, error)
            return None
        if len(among) > 1:
            problems.add(entry.place, f"{printable(entry.path)} is in more than one of the folders")
            return None
        for real, job in among.items():
            first = self.taken.setdefault(real, entry.place)
            if first == entry.place:
                return replace(job, claim=claim)
            problems.add(entry.place, f"{printable(entry.path)} is the same file as in {first}")
            return None
        if there and self._narrowed:
            self.elsewhere += 1
            return None
        return Job(ways[0], None, _obstacle(ways, there, entry), claim)


def _obstacle(ways: Sequence[str], there: dict[str, str], entry: Entry) -> NoaiError:
    """Why a row is not among the tracks that were found."""
    if not there:
        return SourceMissing(f"{ways[0]}: does not exist ({entry.place} of the catalogue)")
    path = next(iter(there.values()))
    return refusal_of(Candidate(path, path, True)) or MarkError(
        f"{path}: was not looked at: it lies behind a link to a folder, or where marked files go"
    )
