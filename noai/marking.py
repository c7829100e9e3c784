"""Marking: what :func:`mark` does, step by step, never touching the original before the end.

:mod:`noai.planning` decides what has to change, :mod:`noai.workspace` owns the temporary files;
:mod:`noai.rechecking` compares the finished copy with the original; this module writes and publishes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, overload

from noai import destinations, manifesting, signing
from noai.claim import Claim, Profile, Rights, Use, Work
from noai.errors import (
    MarkError,
    UsageError,
)
from noai.identifiers import checked
from noai.marker import Marker
from noai.outcomes import Job, decide
from noai.outcomes import Outcome as Outcome
from noai.planning import Situation, examine, plan_marking, stricter_statements
from noai.rechecking import edit_of, recheck, reread
from noai.sidecars import MANIFEST_SIDECAR, Sidecars, read_sidecars
from noai.signing import Signer, check_signer
from noai.sources import ByteSource, Source, as_path, open_path
from noai.verifying import open_source
from noai.workspace import FolderWorkspace, MemoryWorkspace, Workspace, copy_to


@dataclass(frozen=True)
class MarkResult:
    """What :func:`mark` did."""

    outcome: Outcome
    container: str
    #: The marker's id (``urn:uuid:…``).
    id: str
    #: The signer's marker that stands in the file.
    marker: Marker = field(repr=False)
    #: Whether the file carries, or has beside it, a C2PA manifest by the same key.
    c2pa: bool
    #: Where the marked file is; None for bytes and file objects.
    path: Path | None = None
    #: The C2PA sidecar that was written, if any.
    sidecar: Path | None = None
    #: Sentences about what was left out, and why.
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Marked:
    """A finished marking, before it is told where the file is."""

    outcome: Outcome
    situation: Situation
    marker: Marker
    c2pa: bool
    notices: tuple[str, ...]
    #: What has to be published; None where nothing changed.
    file: BinaryIO | None = None
    sidecar: bytes | None = None

    def result(self, path: Path | None = None, sidecar: Path | None = None) -> MarkResult:
        name = self.situation.detected.name
        return MarkResult(
            self.outcome, name, self.marker.id, self.marker, self.c2pa, path, sidecar, self.notices
        )


@overload
def mark(
    source: bytes | bytearray | memoryview,
    destination: None = None,
    *,
    signer: Signer,
    profile: Profile | str = ...,
    claim: Claim | None = ...,
    deny: Iterable[Use | str] = ...,
    allow: Iterable[Use | str] = ...,
    constrain: Iterable[Use | str] = ...,
    constraint: str | None = ...,
    rights: Rights | None = ...,
    work: Work | None = ...,
    from_tags: bool | None = ...,
    c2pa: bool = ...,
    c2pa_in_ogg: bool = ...,
    tsa: str | None = ...,
    now: datetime | None = ...,
) -> bytes: ...


@overload
def mark(
    source: str | os.PathLike[str] | BinaryIO,
    destination: str | os.PathLike[str] | BinaryIO | None = None,
    *,
    signer: Signer,
    profile: Profile | str = ...,
    claim: Claim | None = ...,
    deny: Iterable[Use | str] = ...,
    allow: Iterable[Use | str] = ...,
    constrain: Iterable[Use | str] = ...,
    constraint: str | None = ...,
    rights: Rights | None = ...,
    work: Work | None = ...,
    from_tags: bool | None = ...,
    c2pa: bool = ...,
    c2pa_in_ogg: bool = ...,
    tsa: str | None = ...,
    sidecar: bool = ...,
    in_place: bool = ...,
    now: datetime | None = ...,
) -> MarkResult: ...


def mark(
    source: Source,
    destination: str | os.PathLike[str] | BinaryIO | None = None,
    *,
    signer: Signer,
    profile: Profile | str = Profile.NO_AI,
    claim: Claim | None = None,
    deny: Iterable[Use | str] = (),
    allow: Iterable[Use | str] = (),
    constrain: Iterable[Use | str] = (),
    constraint: str | None = None,
    rights: Rights | None = None,
    work: Work | None = None,
    from_tags: bool | None = None,
    c2pa: bool = True,
    c2pa_in_ogg: bool = False,
    tsa: str | None = None,
    sidecar: bool = False,
    in_place: bool = False,
    now: datetime | None = None,
) -> MarkResult | bytes:
    """Put a signed declaration into one audio file.

    ``source`` is a path (with a ``destination`` path, or ``in_place=True``), bytes (the marked
    bytes are returned), or a binary file object (with a ``destination`` object open for reading
    and writing). What is declared is ``profile`` with ``deny``, ``allow`` and ``constrain`` on top, or a
    whole ``claim``. ``constraint`` says what ``constrain`` asks for; given alone, it is about all that the
    profile denies.

    What ``work`` leaves open is taken from the file's own tags (``from_tags``; a whole ``claim`` stays as it
    is unless that is asked for). A notice says what was taken.

    ``c2pa`` embeds a C2PA manifest where the container takes one; ``sidecar`` writes one beside
    the file where it does not. ``c2pa_in_ogg`` embeds one in Ogg, too, which TagLib and some players
    do not take. Files above :data:`noai.limits.C2PA_SIGN_BYTES` get none, with a notice.

    ``tsa`` is the http or https address of a timestamp authority (RFC 3161) that is asked to date the
    marker and the manifest. A marker that stands there undated is then made anew.

    Nothing is published before the copy was read again: essence unchanged, every other tag
    unchanged, marker and manifest verified. On any error the destination is as it was.

    Raises:
        UsageError: for arguments that do not fit together.
        IdentifierError: for an identifier in ``work`` that is none.
        SourceError, ContainerError: if the source cannot be read as audio.
        SigningError: if the signer cannot sign marks.
        MarkError: if the file cannot be marked safely.
        ManifestError: if the C2PA layer fails.
        TimestampError: if ``tsa`` gives no usable timestamp, or the extra ``noai[tsa]`` is not installed.
    """
    if from_tags is None:
        from_tags = claim is None
    if claim is None:
        claim = Claim.from_profile(
            Profile.parse(str(profile)),
            deny=[Use.parse(str(use)) for use in deny],
            allow=[Use.parse(str(use)) for use in allow],
            constrain=[Use.parse(str(use)) for use in constrain],
            constraint_info=constraint,
            rights=rights,
            work=work,
        )
    claim = replace(claim, work=checked(claim.work))
    at = now or signing.now()
    check_signer(signer, at)
    job = Job(claim, signer, at, c2pa, manifesting.Wishes(sidecar, c2pa_in_ogg, tsa), from_tags)
    path = as_path(source)
    if path is not None:
        if in_place == (destination is not None):
            raise UsageError("give either a destination or in_place=True")
        if destination is not None and not isinstance(destination, (str, os.PathLike)):
            raise UsageError("a path needs a destination path")
        return _mark_path(path, path.resolve() if destination is None else Path(destination), job)
    if in_place or sidecar:
        raise UsageError("in_place and sidecar are for paths")
    if isinstance(source, (bytes, bytearray, memoryview)):
        if destination is not None:
            raise UsageError("bytes in, bytes out: a destination is for paths and file objects")
        kept = MemoryWorkspace()
        with ExitStack() as stack:
            _mark_object(open_source(source, stack), kept, job)
        return kept.data
    if destination is None or isinstance(destination, (str, os.PathLike)):
        raise UsageError("a file object needs a destination object")
    with ExitStack() as stack:
        return _mark_object(open_source(source, stack), MemoryWorkspace(destination), job)


def _mark_object(data: ByteSource, workspace: MemoryWorkspace, job: Job) -> MarkResult:
    marked = _mark(data, Sidecars(), workspace, job)
    workspace.publish(marked.file or _copy(data, workspace))
    return marked.result()


def _mark_path(source: Path, destination: Path, job: Job) -> MarkResult:
    try:
        return _mark_file(source, destination, job)
    except OSError as error:
        if error.errno not in destinations.CANNOT_BE_WRITTEN:
            raise
        raise MarkError(f"{destination}: cannot be written: {error.strerror}") from error


def _mark_file(source: Path, destination: Path, job: Job) -> MarkResult:
    with ExitStack() as stack:
        data, status = stack.enter_context(open_path(source))
        in_place = destination.exists() and os.path.samestat(status, destination.stat())
        left: tuple[str, ...] = ()
        if not in_place:
            if destination.exists():
                # Marked in place, so that a marking there before is superseded, not lost.
                destinations.require_copy(data, destination, job.signer, job.now)
                return _mark_file(destination, destination, job)
            left = destinations.left_behind(source)
        beside = Path(f"{destination}{MANIFEST_SIDECAR}")
        if beside.exists() and not beside.is_file():
            raise MarkError(f"{beside}: stands where a sidecar would, and is not a file")
        workspace = FolderWorkspace(destination, stack, like=source, opened_as=status)
        # What stands beside the destination is what a reader of it will see.
        marked = _mark(data, read_sidecars(destination), workspace, job)
        marked = replace(marked, notices=(*marked.notices, *left))
        # Everything that can fail comes before the first rename.
        second = None if marked.sidecar is None else FolderWorkspace(beside, stack, like=source)
        store = None if second is None else second.new_file()
        if store is not None and marked.sidecar is not None:
            store.write(marked.sidecar)
            store.flush()
        if marked.file is not None or not in_place:
            workspace.publish(marked.file or _copy(data, workspace))
        if second is None or store is None:
            return marked.result(destination)
        # The sidecar describes the published bytes, so it follows them.
        second.publish(store)
        return marked.result(destination, beside)


def _mark(data: ByteSource, sidecars: Sidecars, workspace: Workspace, job: Job) -> _Marked:
    # 1. What is there, and may it be marked at all?
    before = examine(data, sidecars, job.signer, job.now)
    decided = decide(before, job)
    job, standing, outcome, notices = decided.job, decided.standing, decided.outcome, decided.notices
    # 2. The same claim by the same key: nothing to do.
    if standing is not None and outcome is Outcome.UNCHANGED:
        return _Marked(outcome, before, standing, before.own_manifest_holds(job.claim), notices)
    # 3. Statement, vocabularies and marker into a copy; a stale manifest is re-signed alone.
    file = _copy(data, workspace)
    if standing is None:
        plan = plan_marking(before, job.claim, job.signer, job.now)
        if job.wishes.tsa is not None:
            plan = plan.timestamped(_stamp(job.wishes.tsa, plan.token, plan.marker.issued_at))
        before.detected.container.write_tags(file, plan.edit)
        marker, edit, notices = plan.marker, plan.edit, (*notices, *plan.notices)
    else:
        marker, edit = standing, edit_of(before, standing)
    # 4. The copy is read again as a stranger would read it.
    plain = reread(file, sidecars, job.signer, job.now)
    recheck(before, plain, edit, marker, with_manifest=False)
    # 5. C2PA last, since its hard binding covers the whole file; then the same again.
    layer = None
    if job.makes_manifest(before):
        layer, refusal = manifesting.add(before, file, workspace, job.signer, marker, edit, job.wishes)
        notices = (*notices, *refusal)
    if layer is None and standing is not None:
        return _Marked(Outcome.UNCHANGED, before, standing, False, notices)
    notices = (*notices, *stricter_statements(layer.after if layer is not None else plain, job.claim))
    if layer is None:
        return _Marked(outcome, before, marker, False, notices, file)
    # A sidecar that is signed again leaves the file as it is.
    changed = None if layer.sidecar is not None and outcome is Outcome.RESIGNED else layer.file
    return _Marked(outcome, before, marker, True, notices, changed, layer.sidecar)


def _stamp(tsa: str, token: str, issued_at: int) -> str:
    # Imported where it is asked for: an HTTP client takes a while to load.
    from noai.timestamping import stamp

    return stamp(tsa, token, issued_at)


def _copy(data: ByteSource, workspace: Workspace) -> BinaryIO:
    file = workspace.new_file()
    copy_to(data, file)
    file.seek(0)
    return file
