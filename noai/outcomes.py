"""What a marking is asked for, and what it comes to: decided from the file, before a byte is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from noai import manifesting, work_tags
from noai.claim import Claim
from noai.marker import Marker
from noai.planning import Situation, is_timestamped, predecessors, require_bindable
from noai.signing import Signer
from noai.words import Word


class Outcome(Word):
    """What a marking came to."""

    MARKED = "marked"
    #: Marked anew in place of an earlier marker by the same key.
    SUPERSEDED = "superseded"
    #: Only the C2PA manifest was signed again.
    RESIGNED = "resigned"
    #: The same claim by the same key stood there already.
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Job:
    """Everything about a marking but the file."""

    claim: Claim
    signer: Signer
    now: datetime
    c2pa: bool
    wishes: manifesting.Wishes
    #: Whether what the claim leaves open about the work is taken from the file's own tags.
    from_tags: bool = False

    def makes_manifest(self, situation: Situation) -> bool:
        """Whether a manifest is wanted and possible."""
        return self.c2pa and manifesting.is_possible(situation, self.wishes)


@dataclass(frozen=True)
class Decided:
    """What one file's marking comes to. ``job`` has the claim that will stand in it."""

    job: Job
    outcome: Outcome
    #: The signer's own marker that stays; None where one is made.
    standing: Marker | None
    notices: tuple[str, ...]


def decide(before: Situation, job: Job) -> Decided:
    """What ``job`` comes to in a file with this in it.

    Raises:
        EssenceUnbindable: where a mark on this file could never pass.
    """
    require_bindable(before)
    taken: tuple[str, ...] = ()
    if job.from_tags:
        work, taken = work_tags.filled(job.claim.work, before.evidence.area)
        job = replace(job, claim=replace(job.claim, work=work))
    standing = before.standing_marker(job.claim, job.now)
    if job.wishes.tsa is not None and standing is not None and not is_timestamped(before, standing):
        standing = None
    notices = manifesting.notices(before, job.wishes) if job.c2pa else ()
    if standing is None:
        outcome = Outcome.SUPERSEDED if predecessors(before) else Outcome.MARKED
        return Decided(job, outcome, None, (*taken, *notices))
    complete = not job.makes_manifest(before) or before.own_manifest_holds(job.claim)
    return Decided(job, Outcome.UNCHANGED if complete else Outcome.RESIGNED, standing, notices)
