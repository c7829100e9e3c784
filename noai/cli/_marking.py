"""Marking one file of a run, whatever happens to it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noai.claim import Claim, Rights, Work
from noai.cli._exits import OutputFailed
from noai.cli._planning import Job
from noai.codes import Code
from noai.corpus.judging import UNREADABLE, where
from noai.errors import NoaiError, TokenRefused
from noai.limits import TOKEN_CHARS
from noai.manifesting import Wishes
from noai.marking import MarkResult
from noai.marking import mark as mark_file
from noai.outcomes import Job as Marking
from noai.previewing import Preview, preview
from noai.signing import Signer, now
from noai.text import escape_path


@dataclass(frozen=True)
class Done:
    """What became of one file."""

    job: Job
    #: A preview where nothing was to be written.
    result: MarkResult | Preview | None
    error: NoaiError | None

    @property
    def outcome(self) -> str:
        return "failed" if self.result is None else self.result.outcome.value

    @property
    def readable(self) -> bool:
        """Whether there was a file with bytes to look at."""
        return self.error is None or Code.of(self.error.code) not in UNREADABLE

    def record(self) -> dict[str, Any]:
        result, destination = self.result, self.job.destination
        sidecar = result.sidecar if isinstance(result, MarkResult) else None
        foreseen = {"dry_run": True} if isinstance(result, Preview) else {}
        return {
            "path": escape_path(self.job.source),
            "destination": None if destination is None else escape_path(str(destination)),
            "outcome": self.outcome,
            "id": None if result is None else result.id,
            "container": None if result is None else result.container,
            "c2pa": None if result is None else result.c2pa,
            "sidecar": None if sidecar is None else escape_path(str(sidecar)),
            "notices": [] if result is None else list(result.notices),
            **foreseen,
            "error": None if self.error is None else {"code": self.error.code, "message": str(self.error)},
        }


@dataclass(frozen=True)
class Settings:
    """Everything about a run but its files."""

    claim: Claim
    signer: Signer
    c2pa: bool
    c2pa_in_ogg: bool
    sidecar: bool
    #: The address of a timestamp authority.
    tsa: str | None = None
    #: Whether what the claim leaves open about the work is taken from the files' own tags.
    from_tags: bool = True
    #: Whether nothing is written, and only said what would be.
    dry_run: bool = False


class _Bug(NoaiError):
    """noai itself failed on a file."""

    code = Code.INTERNAL_ERROR.value


def mark_one(job: Job, settings: Settings) -> Done:
    """Mark one file; every failure, a bug of noai among them, is that file's alone."""
    if job.refusal is not None:
        return Done(job, None, job.refusal)
    made: list[Path] = []
    claim = job.claim or settings.claim
    try:
        if settings.dry_run:
            return Done(job, _preview(job, claim, settings), None)
        if job.destination is not None:
            _make_folders(job.destination.parent, made)
        result = mark_file(
            job.source,
            job.destination,
            in_place=job.destination is None,
            signer=settings.signer,
            claim=claim,
            from_tags=settings.from_tags,
            c2pa=settings.c2pa,
            c2pa_in_ogg=settings.c2pa_in_ogg,
            sidecar=settings.sidecar,
            tsa=settings.tsa,
        )
    except TokenRefused as error:
        failure = _too_long(error, claim)
    except NoaiError as error:
        failure = error
    except OSError as error:
        failure = OutputFailed(f"{error.filename or job.source}: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001  one file's bug must not stop the others
        failure = _Bug(f"{Code.INTERNAL_ERROR.meaning} ({where(error)})")
    else:
        return Done(job, result, None)
    # A file that was not written leaves no empty folder behind.
    for folder in reversed(made):
        with suppress(OSError):
            folder.rmdir()
    return Done(job, None, failure)


def _preview(job: Job, claim: Claim, settings: Settings) -> Preview:
    wishes = Wishes(settings.sidecar, settings.c2pa_in_ogg, settings.tsa)
    marking = Marking(claim, settings.signer, now(), settings.c2pa, wishes, settings.from_tags)
    return preview(Path(job.source), job.destination, marking)


def _too_long(error: TokenRefused, claim: Claim) -> NoaiError:
    """The error in words that say what to shorten, if it is the text of the options."""
    if error.rule is not Code.TOKEN_TOO_LARGE or (claim.rights == Rights() and claim.work == Work()):
        return error
    return TokenRefused(
        Code.TOKEN_TOO_LARGE,
        f"what is said of rights and work is too long for a marker ({TOKEN_CHARS} characters in all)",
    )


def _make_folders(folder: Path, made: list[Path]) -> None:
    """Make ``folder`` and what it needs above it, and say which were made, outermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        made.append(folder)
