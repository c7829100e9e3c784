"""What marking a file would come to, without writing or signing anything."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from noai import destinations
from noai.claim import Claim
from noai.errors import ContainerReadOnly
from noai.outcomes import Job, Outcome, decide
from noai.planning import examine, stricter_statements
from noai.sidecars import read_sidecars
from noai.sources import open_path


@dataclass(frozen=True)
class Preview:
    """What a marking would do, as far as the file as it is tells; some obstacles show only in the writing."""

    outcome: Outcome
    container: str
    #: What would be signed, what the file's own tags say of the work included.
    claim: Claim
    #: The id of the marker that would stay; None where one would be made.
    id: str | None
    c2pa: bool
    notices: tuple[str, ...]


def preview(source: Path, destination: Path | None, job: Job) -> Preview:
    """What marking ``source`` into ``destination``, or in place, would do.

    Raises:
        SourceError, ContainerError: if the source cannot be read as audio.
        MarkError: if it cannot be marked, as far as that can be seen.
    """
    destination = source.resolve() if destination is None else destination
    with ExitStack() as stack:
        data, status = stack.enter_context(open_path(source))
        left: tuple[str, ...] = ()
        if destination.exists() and not os.path.samestat(status, destination.stat()):
            destinations.require_copy(data, destination, job.signer, job.now)
            data, _ = stack.enter_context(open_path(destination))
        elif not destination.exists():
            left = destinations.left_behind(source)
        before = examine(data, read_sidecars(destination), job.signer, job.now)
        decided = decide(before, job)
        if not before.detected.container.writable and decided.outcome is not Outcome.UNCHANGED:
            raise ContainerReadOnly(f"noai reads {before.detected.name}, and does not mark it")
        more = stricter_statements(before, decided.job.claim) if decided.standing is None else ()
        return Preview(
            decided.outcome,
            before.detected.name,
            decided.job.claim,
            None if decided.standing is None else decided.standing.id,
            job.makes_manifest(before) or before.own_manifest_holds(decided.job.claim),
            (*decided.notices, *more, *left),
        )
