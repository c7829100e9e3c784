"""The gate that other people's programs put before a corpus: one object behind every integration."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from noai._version import __version__
from noai.codes import Code
from noai.corpus.judging import judge, where
from noai.corpus.remote_urls import is_remote
from noai.corpus.walking import Candidate
from noai.errors import NoaiError
from noai.policy import Policy
from noai.report import Depth, Note, Report
from noai.sources import BytesSource, FileSource, Source
from noai.text import printable
from noai.trust import TrustList
from noai.verdict import Verdict
from noai.verifying import Verifier

if TYPE_CHECKING:
    from noai.consent.held import Consent


@dataclass(frozen=True)
class Gate:
    """Says of one source after another whether it may enter; it can be pickled, and judges alike everywhere.

    The trust list is read when the gate is made, so that every process judges by the same one. What goes
    wrong with a source, a failure of noai itself included, makes that source ``undecided``; nothing that a
    source holds raises.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    verifier: Verifier

    def __post_init__(self) -> None:
        object.__setattr__(self, "verifier", replace(self.verifier, trust=self.verifier.trust_list))

    @classmethod
    def of(
        cls,
        policy: Policy | None = None,
        trust: TrustList | None = None,
        *,
        depth: Depth = Depth.DECISION,
        now: datetime | None = None,
        consent: Consent | None = None,
    ) -> Gate:
        """A gate from the arguments of :func:`noai.verify`; at decision depth, as for many files."""
        return cls(Verifier(policy or Policy(), trust, now, depth, consent=consent))

    def verdict(self, source: Source, *, name: str | None = None, member: str | None = None) -> Verdict:
        """The verdict on a path, a URL that noai reads, bytes, or a seekable binary file object.

        ``name`` and ``member`` are what the record calls bytes and file objects, ``member`` being the name
        inside the archive ``name``. A URL takes ``noai[remote]``.

        Raises:
            UsageError: for something that is no source at all.
        """
        if isinstance(source, (str, os.PathLike)):
            return self._named(os.fspath(source))
        if isinstance(source, (bytes, bytearray, memoryview)):
            data: BytesSource | FileSource = BytesSource(source)
        else:
            data = FileSource(source)
        try:
            return self.verifier.policy.decide(self.verifier.examine(data, path=name, member=member))
        except Exception as error:  # noqa: BLE001  one source's bug must neither stop nor admit the others
            return self.failed(error, name=name, member=member)

    def admits(self, source: Source) -> bool:
        """Whether a source may enter. Raises as :meth:`verdict` does."""
        return self.verdict(source).admitted

    def undecided(
        self,
        message: str,
        code: Code = Code.SOURCE_UNREADABLE,
        *,
        name: str | None = None,
        member: str | None = None,
    ) -> Verdict:
        """The verdict on what a program that uses this gate could not even hand over."""
        note = Note(code, message)
        report = Report(name, None, None, None, self.verifier.depth, error=note, member=member)
        return self.verifier.policy.decide(report)

    def failed(self, error: Exception, *, name: str | None = None, member: str | None = None) -> Verdict:
        """The same where ``error`` is why: one of noai's own keeps its code, another one is a bug."""
        if isinstance(error, NoaiError):
            return self.undecided(str(error), Code.of(error.code), name=name, member=member)
        message = f"{Code.INTERNAL_ERROR.meaning} ({where(error)})"
        return self.undecided(message, Code.INTERNAL_ERROR, name=name, member=member)

    def _named(self, path: str) -> Verdict:
        if not is_remote(path):
            return judge(Candidate(path, path, True), self.verifier).verdict
        if path.endswith("/"):
            return self.undecided(f"{path}: names a folder", Code.SOURCE_NOT_A_FILE, name=path)
        try:
            from noai.corpus.remote import scan_remote

            with closing(scan_remote([path], self.verifier)) as judged:
                return next(judged).verdict
        except Exception as error:  # noqa: BLE001  as above
            return self.failed(error, name=path)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, hex, of all that verdicts depend on beside the sources and the time.

        Two gates with one fingerprint say the same, so that what was kept of one's answers is not stale.
        """
        verifier = self.verifier
        policy, consent = verifier.policy, verifier.consent
        said = {
            "noai": __version__,
            "uses": [use.value for use in policy.uses],
            "admission": policy.admission.value,
            "licensee": policy.licensee,
            "depth": verifier.depth.value,
            "digest": verifier.digest,
            "now": None if verifier.now is None else verifier.now.isoformat(),
            "trust": verifier.trust_list.fingerprint,
            "consent": None if consent is None else hashlib.sha256(pickle.dumps(consent)).hexdigest(),
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def __reduce__(self) -> tuple[object, ...]:
        # The fingerprint goes along for caches that know a function by its pickle: another version of noai
        # is another gate.
        return _restored, (self.fingerprint, self.verifier)


def _restored(fingerprint: str, verifier: Verifier) -> Gate:
    return Gate(verifier)


def why(verdict: Verdict) -> str:
    """One line for logs and messages: the decision and its reasons."""
    reasons = "; ".join(reason.message for reason in verdict.reasons)
    return printable(f"{verdict.decision}: {reasons}" if reasons else str(verdict.decision))
