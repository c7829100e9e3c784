"""Marking: what :func:`mark` does, step by step, never touching the original before the end.

:mod:`noai.planning` decides what has to change, :mod:`noai.workspace` owns the temporary files;
:mod:`noai.rechecking` compares the finished copy with the original; this module writes and publishes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, overload

from noai import destinations, manifesting, signing
from noai.claim import Claim, Profile, Rights, Use, Work
from noai.errors import (
    MarkError,
    UsageError,
)
from noai.marker import Marker
from noai.planning import (
    Situation,
    examine,
    plan_marking,
    require_bindable,
    stricter_statements,
)
from noai.rechecking import edit_of, recheck, reread
from noai.sidecars import MANIFEST_SIDECAR, Sidecars, read_sidecars
from noai.signing import Signer, check_signer
from noai.sources import ByteSource, Source, as_path, open_path
from noai.verifying import open_source
from noai.words import Word
from noai.workspace import FolderWorkspace, MemoryWorkspace, Workspace, copy_to


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
class MarkResult:
    """What :func:`mark` did."""

    outcome: Outcome
    container: str
    #: The marker's id (``urn:uuid:…``).
    id: str
    #: Whether the file carries, or has beside it, a C2PA manifest by the same key.
    c2pa: bool
    #: Where the marked file is; None for bytes and file objects.
    path: Path | None = None
    #: The C2PA sidecar that was written, if any.
    sidecar: Path | None = None
    #: Sentences about what was left out, and why.
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Job:
    """Everything about a marking but the file."""

    claim: Claim
    signer: Signer
    now: datetime
    c2pa: bool
    wishes: manifesting.Wishes

    def needs_manifest(self, situation: Situation) -> bool:
        """Whether a manifest is wanted, possible, and not there already."""
        possible = manifesting.is_possible(situation, self.wishes)
        return self.c2pa and possible and not situation.own_manifest_holds(self.claim)


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
        return MarkResult(self.outcome, name, self.marker.id, self.c2pa, path, sidecar, self.notices)


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
    rights: Rights | None = ...,
    work: Work | None = ...,
    c2pa: bool = ...,
    c2pa_in_ogg: bool = ...,
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
    rights: Rights | None = ...,
    work: Work | None = ...,
    c2pa: bool = ...,
    c2pa_in_ogg: bool = ...,
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
    rights: Rights | None = None,
    work: Work | None = None,
    c2pa: bool = True,
    c2pa_in_ogg: bool = False,
    sidecar: bool = False,
    in_place: bool = False,
    now: datetime | None = None,
) -> MarkResult | bytes:
    """Put a signed declaration into one audio file.

    ``source`` is a path (with a ``destination`` path, or ``in_place=True``), bytes (the marked
    bytes are returned), or a binary file object (with a ``destination`` object open for reading
    and writing). What is declared is ``profile`` with ``deny`` and ``allow`` on top, or a whole
    ``claim``.

    ``c2pa`` embeds a C2PA manifest where the container takes one; ``sidecar`` writes one beside
    the file where it does not. ``c2pa_in_ogg`` embeds one in Ogg, too, which TagLib and some players
    do not take. Files above :data:`noai.limits.C2PA_SIGN_BYTES` get none, with a notice.

    Nothing is published before the copy was read again: essence unchanged, every other tag
    unchanged, marker and manifest verified. On any error the destination is as it was.

    Raises:
        UsageError: for arguments that do not fit together.
        SourceError, ContainerError: if the source cannot be read as audio.
        SigningError: if the signer cannot sign marks.
        MarkError: if the file cannot be marked safely.
        ManifestError: if the C2PA layer fails.
    """
    if claim is None:
        claim = Claim.from_profile(
            Profile.parse(str(profile)),
            deny=[Use.parse(str(use)) for use in deny],
            allow=[Use.parse(str(use)) for use in allow],
            rights=rights,
            work=work,
        )
    at = now or signing.now()
    check_signer(signer, at)
    job = _Job(claim, signer, at, c2pa, manifesting.Wishes(sidecar, c2pa_in_ogg))
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


def _mark_object(data: ByteSource, workspace: MemoryWorkspace, job: _Job) -> MarkResult:
    marked = _mark(data, Sidecars(), workspace, job)
    workspace.publish(marked.file or _copy(data, workspace))
    return marked.result()


def _mark_path(source: Path, destination: Path, job: _Job) -> MarkResult:
    try:
        return _mark_file(source, destination, job)
    except OSError as error:
        if error.errno not in destinations.CANNOT_BE_WRITTEN:
            raise
        raise MarkError(f"{destination}: cannot be written: {error.strerror}") from error


def _mark_file(source: Path, destination: Path, job: _Job) -> MarkResult:
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


def _mark(data: ByteSource, sidecars: Sidecars, workspace: Workspace, job: _Job) -> _Marked:
    # 1. What is there, and may it be marked at all?
    before = examine(data, sidecars, job.signer, job.now)
    require_bindable(before)
    standing = before.standing_marker(job.claim, job.now)
    notices = manifesting.notices(before, job.wishes) if job.c2pa else ()
    # 2. The same claim by the same key: nothing to do.
    if standing is not None and not job.needs_manifest(before):
        return _Marked(Outcome.UNCHANGED, before, standing, before.own_manifest_holds(job.claim), notices)
    # 3. Statement, vocabularies and marker into a copy; a stale manifest is re-signed alone.
    file = _copy(data, workspace)
    if standing is None:
        plan = plan_marking(before, job.claim, job.signer, job.now)
        before.detected.container.write_tags(file, plan.edit)
        marker, edit, notices = plan.marker, plan.edit, (*notices, *plan.notices)
        outcome = Outcome.SUPERSEDED if marker.supersedes else Outcome.MARKED
    else:
        marker, edit, outcome = standing, edit_of(before, standing), Outcome.RESIGNED
    # 4. The copy is read again as a stranger would read it.
    plain = reread(file, sidecars, job.signer, job.now)
    recheck(before, plain, edit, marker, with_manifest=False)
    # 5. C2PA last, since its hard binding covers the whole file; then the same again.
    layer = None
    if job.c2pa and manifesting.is_possible(before, job.wishes):
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


def _copy(data: ByteSource, workspace: Workspace) -> BinaryIO:
    file = workspace.new_file()
    copy_to(data, file)
    file.seek(0)
    return file
