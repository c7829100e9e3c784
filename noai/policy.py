"""Judgement: from facts to a decision. Pure; it reads no file and no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from noai.claim import ALL_USES, TRAINING_USES, Permission, Use, Uses, strictest
from noai.codes import Code
from noai.errors import UsageError
from noai.report import Finding, Report, SignalSource
from noai.verdict import Decision, Reason, Verdict
from noai.words import Word

_ALLOWED: Final = Permission.ALLOWED


class Admission(Word):
    """What enters the corpus. Nothing admits ``undecided``."""

    OPT_OUT = "opt-out"
    OPT_IN = "opt-in"

    def admits(self, decision: Decision) -> bool:
        if decision is Decision.ALLOWED:
            return True
        return decision is Decision.UNRESERVED and self is Admission.OPT_OUT


@dataclass(frozen=True)
class Policy:
    """Which uses are asked about, and what is admitted.

    Raises:
        UsageError: when no use is asked about: an empty question has no safe answer.
    """

    uses: tuple[Use, ...] = TRAINING_USES
    admission: Admission = Admission.OPT_OUT
    #: For whom it is asked, as the caller declares and nobody else vouches for; None: nobody in particular.
    licensee: str | None = None

    def __post_init__(self) -> None:
        if not self.uses:
            raise UsageError("a policy must ask about at least one use")
        asked = {Use.parse(str(use)) for use in self.uses}
        object.__setattr__(self, "uses", tuple(use for use in ALL_USES if use in asked))
        object.__setattr__(self, "admission", Admission(self.admission))

    def decide(self, report: Report) -> Verdict:
        """The first decision that applies: rejected, undecided, allowed, unreserved."""
        decision, reasons = self._decide(report)
        return Verdict(
            report=report,
            requested=self.uses,
            policy=self.admission.value,
            decision=decision,
            admitted=self.admission.admits(decision),
            reasons=reasons,
            uses=combined_uses(report.findings),
            licensee=self.licensee,
        )

    def _decide(self, report: Report) -> tuple[Decision, tuple[Reason, ...]]:
        if not (report.findings or report.notes or report.error):
            return Decision.UNRESERVED, _NOTHING  # most files of a corpus: what the rules below come to
        standing = [finding for finding in report.findings if not finding.lifted]
        # 1. A reservation needs no trust and no intact signature.
        reservations = tuple(self._reservations(standing))
        if reservations:
            return Decision.REJECTED, (*reservations, *self._ungranted(standing))
        # 2. What could not be read or checked might have been one.
        blocks = tuple(_blocks(report, standing))
        if blocks:
            return Decision.UNDECIDED, blocks
        # 3. A permission must be proven, for every requested use.
        permissions = [_permitting(standing, use) for use in self.uses]
        if all(permissions):
            proofs = {id(finding): finding for finding in permissions if finding is not None}
            reasons = tuple(_reason(Code.PERMITTED, proof) for proof in proofs.values())
            return Decision.ALLOWED, reasons
        # 4. Everything was read, and nothing speaks against the requested uses.
        return Decision.UNRESERVED, tuple(_remarks(standing, bool(report.findings)))

    def _reservations(self, standing: Iterable[Finding]) -> Iterator[Reason]:
        for finding in standing:
            denies = finding.denies
            denied = [use for use in self.uses if use in denies]
            if denied:
                yield _reason(Code.RESERVED, finding, f"denies {', '.join(denied)}; ")

    def _ungranted(self, standing: Iterable[Finding]) -> Iterator[Reason]:
        """Why grants that were at hand do not count, or not enough."""
        for finding in standing:
            if finding.source is SignalSource.GRANT:
                enough = finding.granted.issuperset(self.uses)
                other = () if enough else (Code.GRANT_OTHER_USE,)
                for code in other if finding.uses else finding.codes:
                    yield Reason(code, finding.source, f"{finding.place}: {code.meaning}")


def permits(finding: Finding, use: Use) -> bool:
    """Whether ``finding`` is a proven permission of ``use`` by somebody who may permit."""
    return (
        finding.uses.get(use) is Permission.ALLOWED
        and not finding.lifted
        and finding.proven
        and finding.permit.entry_permits
        and finding.permit.in_scope
        and finding.permit.fresh
    )


def combined_uses(findings: Sequence[Finding]) -> dict[Use, Permission]:
    """The result over all five uses: every denial, and permissions that are proven."""
    return strictest([_counting(finding) for finding in findings if not finding.lifted])


def _counting(finding: Finding) -> Uses:
    """What counts of the uses of ``finding``; mostly all of it, since most of what is found denies."""
    uses = finding.uses
    if _ALLOWED not in uses.values() and not finding.granted:
        return uses
    return {
        use: said
        for use, said in uses.items()
        if (permits(finding, use) if said is _ALLOWED else use not in finding.granted)
    }


def _permitting(standing: Iterable[Finding], use: Use) -> Finding | None:
    return next((finding for finding in standing if permits(finding, use)), None)


def _blocks(report: Report, standing: Iterable[Finding]) -> Iterator[Reason]:
    if report.error is not None:
        yield Reason(report.error.code, None, report.error.message)
    for note in report.notes:
        if note.code.blocks:
            yield Reason(note.code, None, note.message)
    for finding in standing:
        for code in finding.codes:
            if code.blocks:
                yield _reason(code, finding, f"{code.meaning}; ")


_NOTHING: Final = (Reason(Code.NOTHING_FOUND, None, Code.NOTHING_FOUND.meaning),)


def _remarks(standing: Iterable[Finding], found: bool) -> Iterator[Reason]:
    for finding in standing:
        if Permission.ALLOWED in finding.uses.values():
            code = _why_not_permitted(finding)
            if code is not None:
                yield _reason(code, finding, f"{code.meaning}; ")
    if found:
        yield Reason(Code.NOTHING_AGAINST, None, Code.NOTHING_AGAINST.meaning)
    else:
        yield from _NOTHING


def _why_not_permitted(finding: Finding) -> Code | None:
    if finding.signed_by is None:
        return Code.PERMISSION_UNPROVEN
    if not finding.proven:
        return Code.PERMISSION_UNKNOWN_SIGNER
    if not finding.permit.entry_permits:
        return Code.PERMISSION_NOT_TRUSTED
    if not finding.permit.in_scope:
        return Code.PERMISSION_OUT_OF_SCOPE
    return None if finding.permit.fresh else Code.PERMISSION_STALE


def _reason(code: Code, finding: Finding, lead: str = "") -> Reason:
    return Reason(code, finding.source, f"{lead}{finding.place}: {finding.message}".rstrip(": "))
