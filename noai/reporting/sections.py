"""What stands on the page in front of the table of files: complete without any script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from noai.codes import Code
from noai.policy import Admission
from noai.report import Depth
from noai.reporting.html import bar, count, facts, section, share, table, text, things
from noai.reporting.records import Signer
from noai.reporting.summary import Question, Summary
from noai.verdict import Decision

#: docs/decisions.md, in one sentence each.
MEANINGS: Final = {
    Decision.REJECTED: "A reservation covers a requested use, signed or not.",
    Decision.UNDECIDED: "Something that could matter could not be read or checked.",
    Decision.ALLOWED: "Every requested use is permitted, and the permission is proven.",
    Decision.UNRESERVED: "Everything was read, and nothing speaks against a requested use.",
}
_POLICIES: Final = {
    Admission.OPT_OUT.value: "admits what is allowed or unreserved",
    Admission.OPT_IN.value: "admits what is allowed, and nothing else",
}
_DEPTHS: Final = {
    Depth.EVIDENCE.value: "every check was run",
    Depth.DECISION.value: "reading stopped once the decision was certain; other checks are “not run”",
}
_DECLARED: Final = "grants to somebody in particular count; for whom, those who ran it have said themselves"
_UNITS: Final = ("kB", "MB", "GB", "TB")
_CHECKS: Final = (
    ("signature", "the signature verifies with the key of the certificate that came with it"),
    ("signer", "the certificates lead to an entry of the trust list in use; unknown if to nobody on it"),
    ("binding", "the audio is the audio that was signed"),
    ("time", "the certificates were valid, and the statement is not dated in the future"),
)
_ON_DECISIONS: Final = (
    '<h3>Decisions</h3><p class="soft">The first that applies, in this order. Unreserved is no permission: '
    "it says that the file, at that time, held nothing that noai knows how to read as a reservation.</p>"
)
_ON_CHECKS: Final = (
    '<h3>Checks of a signed statement</h3><p class="soft">A denial counts whatever its checks say. '
    "A permission counts only if all four pass and the trust list lets its signer permit.</p>"
)
_NO_ADVICE: Final = (
    "<p>noai gives facts, dated and checkable. Whether a reservation binds where you are, whether a signer "
    "holds the rights, and whether a recording without a reservation may be used are questions about law "
    "and contracts, which this report does not answer.</p>"
)


@dataclass(frozen=True)
class Input:
    """A file of records that went into the report."""

    name: str
    size: int
    sha256: str
    records: int
    #: The number of a last line that was not written to its end.
    half_written: int | None


def warnings(inputs: Iterable[Input], summary: Summary) -> str:
    """What a reader has to know before anything else."""
    told = [
        f"{text(given.name)} ends in the middle of line {count(given.half_written)}: the run that wrote it "
        f"was interrupted. This report covers the {things(given.records, 'record')} before that, "
        "and not the rest."
        for given in inputs
        if given.half_written is not None
    ]
    if len(summary.questions) > 1:
        told.append(
            "The records answer different questions, or were made by different versions of noai: see "
            "“What was asked”. Totals put them together."
        )
    return "".join(f'<p class="warning"><strong>Take note:</strong> {message}</p>' for message in told)


def totals(summary: Summary) -> str:
    files = summary.files
    out = files - summary.admitted
    admitted = "is admitted" if summary.admitted == 1 else "are admitted"
    headline = (
        f'<p class="headline"><strong>{count(summary.admitted)}</strong> of <strong>{count(files)}</strong> '
        f"{'file' if files == 1 else 'files'} {admitted}; <strong>{count(out)}</strong> "
        f"{'is' if out == 1 else 'are'} not.</p>"
    )
    parts = [(decision.value, summary.of(decision)) for decision in Decision]
    tiles = "".join(
        f'<li class="{decision.value}"><span class="decision {decision.value}">'
        f'{decision.value.capitalize()}</span><span class="count">{count(summary.of(decision))} '
        f'<span class="share">{share(summary.of(decision), files)}</span></span>'
        f"<small>{MEANINGS[decision]}</small></li>"
        for decision in Decision
    )
    marked = (
        f'<p class="soft">In {things(summary.marked, "file")} something speaks about AI use. '
        f"All files together have {_size(summary.bytes)}.</p>"
    )
    bars = bar(parts, files, "bar large")
    return section("totals", "Result", headline, bars, f'<ul class="tiles">{tiles}</ul>', marked)


def question(inputs: Sequence[Input], summary: Summary) -> str:
    lead = '<p class="lead">A decision is an answer to a question. This is what was asked, and of what.</p>'
    several = len(summary.questions) > 1
    lists = [list(_asked(asked, counts, several)) for asked, counts in summary.questions]
    lists[-1] += [
        (
            "Records",
            f"<bdi>{text(given.name)}</bdi>: {things(given.records, 'record')}, {count(given.size)} bytes, "
            f'SHA-256 <span class="mono">{text(given.sha256)}</span>',
        )
        for given in inputs
    ]
    return section("asked", "What was asked", lead, *map(facts, lists))


def _asked(asked: Question, counts: Counter[str], several: bool) -> Iterator[tuple[str, str]]:
    if several:
        yield "Files", count(counts.total())
    uses = ", ".join(f"<code>{text(use)}</code>" for use in asked.requested)
    yield "Uses", uses or "none"
    yield "Policy", _explained(asked.policy, _POLICIES)
    yield "Depth", _explained(asked.depth, _DEPTHS)
    if asked.licensee is not None:
        yield "Licensee", f"<code>{text(asked.licensee)}</code>: {_DECLARED}"
    yield "noai", text(asked.noai)


def _explained(word: str, meanings: dict[str, str]) -> str:
    meaning = meanings.get(word)
    return f"<code>{text(word)}</code>" + (f": {meaning}" if meaning else "")


def containers(summary: Summary) -> str:
    headings = [("Container", ""), ("Share of each decision", "plot"), ("Files", "number")]
    headings += [(d.value.capitalize(), f"number swatch {d.value}") for d in Decision]
    kinds = [(name or "unknown", counts) for name, counts in summary.containers]
    if summary.containers.others:
        kinds.append(("(others)", summary.containers.others))
    rows = (
        [
            text(name),
            bar([(d.value, counts[d.value]) for d in Decision], counts.total()),
            count(counts.total()),
            *(_number(counts[decision.value]) for decision in Decision),
        ]
        for name, counts in kinds
    )
    return section("containers", "By container", table("By container", headings, rows))


def reasons(summary: Summary) -> str:
    lead = '<p class="lead">Each file has one reason or more. A reason carries a stable code.</p>'
    headings = [("Reason", ""), ("Meaning", ""), ("Files", "number"), ("Share of all files", "plot")]
    meanings = {code.value: code.meaning for code in Code}
    kinds = [(code, counts) for code, counts in summary.reasons]
    if summary.reasons.others:
        kinds.append(("(others)", summary.reasons.others))
    rows = (
        [
            f"<code>{text(code)}</code>",
            text(meanings.get(code, "a code that this version does not know")),
            count(counts.total()),
            bar([("one", counts.total())], max(summary.files, counts.total())),
        ]
        for code, counts in kinds
    )
    return section("reasons", "By reason", lead, table("By reason", headings, rows))


def signers(summary: Summary) -> str:
    if not len(summary.signers):
        return section("signers", "Signers", '<p class="soft">Nothing in these files is signed.</p>')
    lead = (
        '<p class="lead">A name is what the signer’s certificate claims. Whoever the trust list of that run '
        "knew is “on the trust list” or an “own identity”; nothing vouches for other names.</p>"
    )
    headings = [("Name, as claimed", ""), ("Known as", ""), ("Key", ""), ("Statements", "number")]
    headings += [("Signature holds", "number"), ("Fails", "number"), ("Not run", "number")]
    rows = [
        [
            f"<bdi>{text(signer.subject or '(no name)')}</bdi>",
            _known_as(signer),
            f'<span class="mono">{text(signer.kid)}</span>',
            *_signatures(counts),
        ]
        for signer, counts in summary.signers
    ]
    if summary.signers.others:
        rows.append(["(others)", "", "", *_signatures(summary.signers.others)])
    return section("signers", "Signers", lead, table("Signers", headings, rows))


def _signatures(counts: Counter[str]) -> list[str]:
    numbers = (counts.total(), counts["pass"], counts["fail"], counts["not_run"])
    return [_number(number) for number in numbers]


def _known_as(signer: Signer) -> str:
    if signer.trusted_as is None:
        return "not known there"
    if signer.trusted_as.startswith("own:"):
        return "own identity"
    return f'on the trust list <span class="mono soft">{text(signer.trusted_as)}</span>'


def files_note(listed: int, summed_up: int, left_out: int) -> str:
    """What is not in the table."""
    told = []
    if summed_up:
        are = "is" if summed_up == 1 else "are"
        told.append(
            f"{things(summed_up, 'file')} that {are} admitted, and in which nothing was found, {are} counted "
            "above and not listed: there are too many for one page. The table has the "
            f"{things(listed, 'file')} that somebody may want to look at."
        )
    if left_out:
        are = "is" if left_out == 1 else "are"
        told.append(
            f"{things(left_out, 'more file')} {are} counted above and not listed, though there is something "
            "to look at in them: look into the records themselves."
        )
    return "".join(f'<p class="warning">{message}</p>' for message in told)


def explanation() -> str:
    decisions = facts((decision.value.capitalize(), MEANINGS[decision]) for decision in Decision)
    checks = facts((name.capitalize(), f"passes if {meaning}.") for name, meaning in _CHECKS)
    return section("reading", "How to read this", _ON_DECISIONS, decisions, _ON_CHECKS, checks, _NO_ADVICE)


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")


def _number(number: int) -> str:
    return count(number) if number else '<span class="zero">0</span>'


def _size(size: int) -> str:
    if size < 1000:
        return things(size, "byte")
    power = min((len(str(size)) - 1) // 3, 4)
    return f"{size / 1000**power:.1f} {_UNITS[power - 1]}"
