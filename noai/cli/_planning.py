"""Which files a run of ``noai mark`` marks, and where each goes: settled before anything is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from noai.claim import Claim
from noai.codes import Code
from noai.containers.registry import detect
from noai.corpus.judging import NOT_AUDIO
from noai.corpus.walking import Candidate, Passed, folder_id, walk
from noai.errors import NoaiError, UsageError
from noai.sources import open_path
from noai.workspace import is_temporary


@dataclass(frozen=True)
class Job:
    """One file to mark. ``destination`` is None in place; ``refusal`` says why it cannot be."""

    source: str
    destination: Path | None
    refusal: NoaiError | None = None
    #: What is said in this file; None: what the run says in all.
    claim: Claim | None = None


@dataclass(frozen=True)
class Plan:
    jobs: tuple[Job, ...]
    #: Files that are not audio and that nobody called audio.
    skipped: int
    folder_links: int


def plan(paths: Sequence[str], output: Path | None) -> Plan:
    """The jobs for ``paths``, in their order; ``output`` None means in place.

    Raises:
        UsageError: if two tracks would become one file, or one would replace its own source.
    """
    found = find(paths, output)
    return replace(found, jobs=distinct(found.jobs))


def find(paths: Sequence[str], output: Path | None) -> Plan:
    """All tracks that ``paths`` name or hold, those too that would become one file.

    Raises:
        UsageError: if ``output`` is no folder, or one that is read.
    """
    if output is not None and os.path.lexists(output) and not output.is_dir():
        raise UsageError(f"{output}: is not a folder; give a folder with -o")
    # What an earlier run wrote there is not marked again.
    inside = folder_id(str(output)) if output is not None else None
    if inside is not None and any(folder_id(path) == inside for path in paths):
        raise UsageError(f"{output}: is the folder that is read; to mark in place, say --in-place")
    passed = Passed()
    jobs, skipped = [], 0
    for candidate in walk(paths, passed=passed, exclude=() if inside is None else (inside,)):
        if not candidate.explicit and is_temporary(os.path.basename(candidate.path)):
            continue  # a copy that a run is working on, or that a killed one left
        refusal = refusal_of(candidate)
        if refusal is not None and _is_no_track(candidate, refusal):
            skipped += 1
        else:
            destination = None if output is None else output / candidate.relative
            jobs.append(Job(candidate.path, destination, refusal))
    return Plan(tuple(jobs), skipped, passed.folder_links)


def refusal_of(candidate: Candidate) -> NoaiError | None:
    """Why this cannot be read as audio; found now, so that only tracks take part in the plan."""
    if candidate.error is not None:
        return candidate.error
    try:
        with open_path(candidate.path) as (source, _):
            detect(source)
    except NoaiError as error:
        return error
    return None


def _is_no_track(candidate: Candidate, refusal: NoaiError) -> bool:
    if candidate.explicit or candidate.expects_audio or candidate.error is not None:
        return False
    return Code.of(refusal.code) in NOT_AUDIO


def distinct(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """``jobs`` without repetitions of one file.

    Raises:
        UsageError: if two files would become one.
    """
    kept: dict[tuple[bool, str], Job] = {}
    for job in jobs:
        source = os.path.realpath(job.source)
        if job.refusal is not None or job.destination is None:
            target = source
        else:
            target = os.path.abspath(job.destination)
            if _is_same_file(job.source, job.destination):
                raise UsageError(f"{job.source}: would be replaced by -o; to mark in place, say --in-place")
        other = kept.setdefault((job.refusal is None, target), job)
        if os.path.realpath(other.source) != source:
            raise UsageError(
                f"{other.source} and {job.source} would both become {job.destination}; mark them one by one"
            )
    return tuple(kept.values())


def _is_same_file(source: str, destination: Path) -> bool:
    try:
        return os.path.samefile(source, destination)
    except OSError:
        return False
