"""Facts: read a source's tag area, let every vocabulary's reader look at it, report what was found."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

from noai import identities, signing
from noai.claim import Use
from noai.codes import Code
from noai.combining import resolve
from noai.containers.interface import AreaNote, Detected, TagArea
from noai.containers.registry import detect
from noai.errors import ContainerError, NoaiError, SourceChanged, SourceError, UsageError
from noai.essence import EssenceDigest, Violation
from noai.glancing import Glimpse, look
from noai.hashing import sha256
from noai.policy import Policy
from noai.report import Depth, Finding, Note, Report, SignalSource
from noai.sidecars import NO_SIDECARS, Sidecars, read_sidecars
from noai.signals.interface import Evidence
from noai.signals.registry import read_all
from noai.sources import (
    ByteSource,
    BytesSource,
    DescriptorSource,
    FileSource,
    Source,
    as_path,
    open_path,
)
from noai.trust import TrustList
from noai.verdict import Verdict

if TYPE_CHECKING:
    from noai.consent.held import Consent

#: What statements of consent can be about.
_SIGNED: Final = (SignalSource.MARKER, SignalSource.C2PA)
#: Without waiting for a writer, and without following a link that took the file's place.
_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW


@dataclass(frozen=True)
class Verifier:
    """Verifies any number of sources with one policy, one trust list and one clock.

    ``trust`` None means the list in the configuration folder together with the local identities;
    ``now`` None means the time of each call. With ``digest`` the SHA-256 of all bytes of a source is
    part of its report, so that what is used later can be shown to be what was checked.

    Raises:
        TrustError, KeyFileError: on the first use, if the configuration folder's list is damaged.
    """

    policy: Policy = field(default_factory=Policy)
    trust: TrustList | None = None
    now: datetime | None = None
    depth: Depth = Depth.EVIDENCE
    digest: bool = False
    #: What was consented to, and to whom; None where nobody is asked about in particular.
    consent: Consent | None = None

    def __post_init__(self) -> None:
        if self.consent is None:
            return
        licensee = self.consent.declared.licensee
        if self.policy.licensee not in (None, licensee):
            raise UsageError("the policy asks for another licensee than consent was judged for")
        object.__setattr__(self, "policy", replace(self.policy, licensee=licensee))

    def __reduce__(self) -> tuple[object, ...]:
        # Without what is kept for speed, so that a verifier has one pickle whatever it has done.
        return type(self), tuple(getattr(self, each.name) for each in fields(self))

    def verify(self, source: Source) -> Verdict:
        """The verdict on one source. A source that cannot be read is ``undecided``, never an error.

        Raises:
            UsageError: for something that is no source at all.
        """
        return self.policy.decide(self.report(source))

    def report(self, source: Source) -> Report:
        """The facts about one source, without judgement. Does not raise on any content."""
        if not isinstance(source, (str, os.PathLike)):
            return self.examine(_in_memory(source))
        path = os.fspath(source)
        # The trust list is read outside the guard: a damaged list must stop the run.
        trust = self.trust_list
        glimpse = self.glance_at_named(path)
        if glimpse is not None:
            return glimpse.report(path)
        try:
            with open_path(path) as (opened, status):
                report = Report(path, None, status.st_size, status.st_mtime_ns, self.depth)
                # A glance was taken already, but not behind a link, nor where a digest is asked.
                looks = self.digest or os.path.islink(path)
                report = self._examine(opened, read_sidecars(path), report, trust, looks=looks)
                return _unless_changed(report, opened)
        except SourceError as error:
            return Report(path, None, None, None, self.depth, error=_note(error))

    def examine(
        self,
        data: ByteSource,
        *,
        path: str | None = None,
        member: str | None = None,
        mtime_ns: int | None = None,
        sidecars: Sidecars = NO_SIDECARS,
    ) -> Report:
        """The facts about bytes that are no local file of their own: in an archive, or elsewhere.

        ``path`` and ``member`` are what the record calls them; ``sidecars`` what stands beside them.
        A source that cannot be read has an ``error``. Does not raise on any content.
        """
        report = Report(path, None, data.size, mtime_ns, self.depth, member=member)
        return self._examine(data, sidecars, report, self.trust_list)

    @cached_property
    def trust_list(self) -> TrustList:
        """The trust list in use.

        Raises:
            UsageError: if consent was judged by another one.
        """
        trust = default_trust() if self.trust is None else self.trust
        if self.consent is not None and self.consent.trust not in ("", trust.fingerprint):
            raise UsageError("consent has to be judged by the trust list that files are verified with")
        return trust

    def glance(self, path: str) -> Glimpse | None:
        """What a glance tells of a file, if that is all that its decision needs; else None.

        For corpora, at decision depth: ``path`` is known to be a regular file, and to have no sidecars. A
        file that cannot be opened, or is no regular one any more, is for :meth:`report` to say.
        """
        try:
            descriptor = os.open(path, _OPEN)
        except (OSError, ValueError):
            return None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return None
            source = DescriptorSource(descriptor, status.st_size)
            glimpse = look(source, self._requested, status.st_mtime_ns)
            if glimpse is not None and not self._is_told(glimpse):
                return None
            # Of a file that changes meanwhile reading it in full has to say so.
            return glimpse if source.is_unchanged(status.st_mtime_ns) else None
        except SourceError:
            return None
        finally:
            os.close(descriptor)

    def glance_at_named(self, path: str) -> Glimpse | None:
        """The same for a path of which nothing is known; None also at evidence depth, or with a digest."""
        if self.depth is not Depth.DECISION or self.digest:
            return None
        try:
            # Looked at before it is opened, because opening a device can have effects of its own.
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return None
        except (OSError, ValueError):
            return None
        return self.glance(path) if read_sidecars(path) is NO_SIDECARS else None

    def _is_told(self, glimpse: Glimpse) -> bool:
        """Whether a glance is all that it takes: against a marker a grant may stand."""
        return self.consent is None or glimpse.marker is None

    @cached_property
    def _requested(self) -> frozenset[Use]:
        return frozenset(self.policy.uses)

    def _examine(
        self, data: ByteSource, sidecars: Sidecars, report: Report, trust: TrustList, *, looks: bool = True
    ) -> Report:
        try:
            if self.digest:
                report = replace(report, sha256=sha256(data).hex())
            if looks and self.depth is Depth.DECISION and sidecars is NO_SIDECARS:
                glimpse = look(data, self._requested, report.mtime_ns)
                if glimpse is not None and self._is_told(glimpse):
                    return glimpse.report(report.path, report.member, report.sha256)
            return self._read(data, sidecars, report, trust)
        except (SourceError, ContainerError) as error:
            return replace(report, error=_note(error))

    def _read(self, data: ByteSource, sidecars: Sidecars, report: Report, trust: TrustList) -> Report:
        try:
            detected = detect(data)
        except NoaiError as error:
            return replace(report, error=_note(error), notes=sidecars.notes)
        report = replace(report, container=detected.name)
        now = self.now or signing.now()
        evidence, notes = gather(data, detected, sidecars, trust, now)
        return replace(report, findings=self._find(evidence), notes=notes)

    def _find(self, evidence: Evidence) -> tuple[Finding, ...]:
        if self.depth is Depth.DECISION:
            stated = all_findings(replace(evidence, checks=False))
            if not stated or self._is_settled(stated):
                return stated
        found = all_findings(evidence)
        if self.consent is None:
            return resolve(found, evidence.now)
        from noai.consent.lifting import lift
        from noai.consent.taking_back import take_back

        found = resolve(take_back(found, self.consent), evidence.now)
        return lift(found, self.consent, lambda: _bound(evidence), evidence.now)

    def _is_settled(self, stated: Iterable[Finding]) -> bool:
        """Whether ``stated``, unchecked, already rejects whatever the checks would show.

        Only a proven marker can lift another finding. So a reservation settles the matter where
        there is no marker at all, or where a marker makes it that no other one claims to replace.
        """
        stated = list(stated)
        if self.consent is not None and any(finding.source in _SIGNED for finding in stated):
            return False  # a grant or a revocation may stand against it
        markers = [finding for finding in stated if finding.marker is not None]
        replaced = {item.id for m in markers if m.marker for item in m.marker.supersedes}
        return any(
            not finding.denies.isdisjoint(self.policy.uses)
            and (not markers or (finding.source is SignalSource.MARKER and finding.id not in replaced))
            for finding in stated
        )


def verify(
    source: Source,
    *,
    policy: Policy | None = None,
    trust: TrustList | None = None,
    now: datetime | None = None,
    depth: Depth = Depth.EVIDENCE,
    consent: Consent | None = None,
) -> Verdict:
    """Check one source: a path, bytes, or a seekable binary file object.

    Reads the source and the configuration folder; opens no network connection.

    Raises:
        UsageError: for something that is no source at all.
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """
    return Verifier(policy or Policy(), trust, now, depth, consent=consent).verify(source)


def default_trust() -> TrustList:
    """The trust list in the configuration folder, with the local identities added as own.

    Raises:
        TrustError, KeyFileError: if it is damaged.
    """
    home = identities.home()
    return replace(TrustList.load(home), own=identities.IdentityStore(home).trusted())


def gather(
    data: ByteSource, detected: Detected, sidecars: Sidecars, trust: TrustList, now: datetime
) -> tuple[Evidence, tuple[Note, ...]]:
    """The tag area of a source with the means to check it, and what must be known about it as a whole."""
    notes = list(sidecars.notes)
    try:
        area = detected.container.read_tags(data)
    except NoaiError as error:
        # What could not be read to its end may have held anything: the note blocks.
        area = TagArea(notes=(AreaNote(Code.of(error.code), str(error)),))
    notes += [Note(note.code, note.message) for note in area.notes]
    area = replace(area, xmp=(*area.xmp, *sidecars.xmp))
    evidence = Evidence(data, detected, area, trust, now, sidecar_manifests=sidecars.manifests)
    return evidence, tuple(notes)


def all_findings(evidence: Evidence) -> tuple[Finding, ...]:
    """What every reader finds, in the order of the registry."""
    return read_all(evidence)


def _in_memory(source: Source) -> ByteSource:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return BytesSource(source)
    if isinstance(source, (str, os.PathLike)):
        raise AssertionError("paths are opened by the caller")
    return FileSource(source)


def _unless_changed(report: Report, opened: DescriptorSource) -> Report:
    """``report``, with an error if the file is not what it was when it was opened.

    What was found all the same was in it, so that a denial stands.
    """
    if report.error is not None or opened.is_unchanged(report.mtime_ns):
        return report
    return replace(report, error=_note(SourceChanged(f"{report.path}: changed while it was being read")))


def _bound(evidence: Evidence) -> EssenceDigest | None:
    """The essence of a file, if anything can be bound to it."""
    essence = evidence.essence
    return None if isinstance(essence, Violation) or essence.violations else essence.digest


def _note(error: NoaiError) -> Note:
    return Note(Code.of(error.code), str(error))


def open_source(source: Source, stack: ExitStack) -> ByteSource:
    """``source`` as bytes to read at any offset, kept open by ``stack``.

    Raises:
        SourceError, UsageError: if it cannot be had.
    """
    path = as_path(source)
    if path is None:
        return _in_memory(source)
    return stack.enter_context(open_path(path))[0]
