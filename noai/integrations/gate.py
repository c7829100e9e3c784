"""The gate that other people's programs put before a corpus: one object behind every integration."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from noai._version import __version__
from noai.claim import TRAINING_USES, Use
from noai.codes import Code
from noai.corpus.judging import judge, where
from noai.corpus.remote_urls import is_remote
from noai.corpus.walking import Candidate
from noai.errors import NoaiError, UsageError
from noai.policy import Admission, Policy
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

    @classmethod
    def in_words(
        cls,
        policy: str = Admission.OPT_OUT.value,
        uses: Iterable[str] = TRAINING_USES,
        depth: str = Depth.DECISION.value,
    ) -> Gate:
        """A gate from a program's settings, in the words of the options of ``noai verify``.

        Raises:
            UsageError: for words that mean nothing.
            TrustError, KeyFileError: if the configuration folder's trust list is damaged.
        """
        asked = tuple(Use.parse(use.strip()) for use in uses)
        try:
            return cls.of(Policy(asked, Admission(policy)), depth=Depth(depth))
        except ValueError as error:
            raise UsageError(str(error)) from None

    def verdict(self, source: Source, *, name: str | None = None, member: str | None = None) -> Verdict:
        """The verdict on a path, a URL that noai reads, bytes, or a seekable binary file object.

        ``name`` and ``member`` are what the record calls bytes and file objects, ``member`` being the name
        inside the archive ``name``. A URL takes ``noai[remote]``.

        Raises:
            UsageError: for something that is no source at all.
        """
        try:
            if isinstance(source, (str, os.PathLike)):
                return self._named(os.fsdecode(source))
            if isinstance(source, (bytes, bytearray, memoryview)):
                data: BytesSource | FileSource = BytesSource(source)
            else:
                data = FileSource(source)
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001  as below
            return self.failed(error, name=name, member=member)
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
            "consent": None if consent is None else hashlib.sha256(_sealed(replace(consent))).hexdigest(),
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def __reduce__(self) -> tuple[object, ...]:
        # The fingerprint goes along for caches that know a function by its pickle: another version of noai
        # is another gate. Consent is sealed, since its sets would have another order in another process, and
        # replaced, since it keeps what it was asked.
        consent = self.verifier.consent
        sealed = None if consent is None else _sealed(replace(consent))
        return _restored, (self.fingerprint, replace(self.verifier, consent=None), sealed)


def _restored(fingerprint: str, verifier: Verifier, sealed: bytes | None) -> Gate:
    consent = None if sealed is None else _Opening(io.BytesIO(sealed)).load()
    return Gate(replace(verifier, consent=consent))


class _Sealing(pickle.Pickler):
    """Pickles equal values alike: sets in one order."""

    def persistent_id(self, value: object) -> tuple[object, ...] | None:
        return tuple(sorted(value, key=_sealed)) if isinstance(value, frozenset) else None


class _Opening(pickle.Unpickler):
    def persistent_load(self, members: Iterable[object]) -> frozenset[object]:
        return frozenset(members)


def _sealed(value: object) -> bytes:
    written = io.BytesIO()
    pickler = _Sealing(written, protocol=4)
    pickler.fast = True  # or what is one object twice would be told from two that are equal
    pickler.dump(value)
    return written.getvalue()


def why(verdict: Verdict) -> str:
    """One line for logs and messages: the decision and its reasons."""
    reasons = "; ".join(reason.message for reason in verdict.reasons)
    return printable(f"{verdict.decision}: {reasons}" if reasons else str(verdict.decision))
