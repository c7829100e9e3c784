"""The verdict: a decision, why, and the evidence; and its record, schema ``noai.verdict/1``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Final

from noai._version import __version__
from noai.claim import Permission, Use
from noai.codes import Code
from noai.report import Finding, Report, SignalSource
from noai.text import escape_path, printable
from noai.words import Word

SCHEMA: Final = "noai.verdict/1"


class Decision(Word):
    """What the facts come to (docs: decisions)."""

    REJECTED = "rejected"
    UNDECIDED = "undecided"
    ALLOWED = "allowed"
    UNRESERVED = "unreserved"


@dataclass(frozen=True)
class Reason:
    """One reason of a decision: a stable code, where it comes from, and a sentence."""

    code: Code
    source: SignalSource | None
    message: str


@dataclass(frozen=True)
class Verdict:
    """The answer for one source. True in a condition exactly when the source is admitted."""

    report: Report = field(repr=False)
    requested: tuple[Use, ...]
    policy: str
    decision: Decision
    admitted: bool
    reasons: tuple[Reason, ...]
    #: The combined result over all five uses; unstated ones are missing.
    uses: Mapping[Use, Permission]
    #: For whom the question was asked, as the caller declared; None for nobody in particular.
    licensee: str | None = None

    def __bool__(self) -> bool:
        return self.admitted

    @property
    def signals(self) -> tuple[Finding, ...]:
        """Everything that was found, with how far each check got."""
        return self.report.findings

    @property
    def path(self) -> str | None:
        return self.report.path

    @property
    def member(self) -> str | None:
        """The name inside the archive at :attr:`path`; None for a file of its own."""
        return self.report.member

    @property
    def error(self) -> str | None:
        """Why the source could not be read, or None."""
        return self.report.error.message if self.report.error else None

    @property
    def marked(self) -> bool:
        """Whether anything in the source speaks about AI use, whatever it says."""
        return any(f.uses or f.source is SignalSource.MARKER for f in self.report.findings)

    def __str__(self) -> str:
        subject = printable(self.path or "source")
        lines = [f"{subject}: {self.decision}" + (" (admitted)" if self.admitted else "")]
        lines += [f"  {reason.code}: {printable(reason.message)}" for reason in self.reasons]
        return "\n".join(lines)

    def record(self) -> dict[str, object]:
        """The verdict as the JSON object of schema ``noai.verdict/1``."""
        report = self.report
        return {
            "schema": SCHEMA,
            "path": None if report.path is None else escape_path(report.path),
            "member": None if report.member is None else escape_path(report.member),
            "container": report.container,
            "size": report.size,
            "mtime_ns": report.mtime_ns,
            "noai": __version__,
            "depth": report.depth.value,
            "policy": self.policy,
            "decision": self.decision.value,
            "admitted": self.admitted,
            "marked": self.marked,
            "requested": [use.value for use in self.requested],
            "uses": {use.value: permission.value for use, permission in self.uses.items()},
            "reasons": [
                {
                    "code": reason.code.value,
                    "source": reason.source.value if reason.source else None,
                    "message": reason.message,
                }
                for reason in self.reasons
            ],
            "signals": [finding_record(finding) for finding in report.findings],
            "sha256": report.sha256,
            "licensee": None if self.licensee is None else "declared",
            "notes": [{"code": n.code.value, "message": n.message} for n in report.notes],
            "error": None
            if report.error is None
            else {"code": report.error.code.value, "message": report.error.message},
        }


def finding_record(finding: Finding) -> dict[str, object]:
    """One finding as the record shows it."""
    signer = finding.signed_by
    return {
        "source": finding.source.value,
        "place": finding.place,
        "uses": {use.value: permission.value for use, permission in finding.uses.items()},
        "signature": finding.signature.value,
        "signer": finding.signer.value,
        "binding": finding.binding.value,
        "time": finding.time.value,
        "codes": [code.value for code in finding.codes],
        "message": finding.message,
        "signed_by": None
        if signer is None
        else {"kid": signer.kid, "subject": signer.subject, "trusted_as": signer.trusted_as},
        "signed_at": None if finding.signed_at is None else iso(finding.signed_at),
        "id": finding.id,
        "lifted": finding.lifted,
        "granted": [use.value for use in finding.uses if use in finding.granted],
    }


def iso(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
