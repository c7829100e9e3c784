"""A verdict record as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from noai.cli import _render
from noai.cli._advice import with_advice
from noai.codes import Code

if TYPE_CHECKING:
    from rich.text import Text

Record = dict[str, Any]

DECISION_STYLES: Final = {
    "rejected": "bold red",
    "undecided": "bold yellow",
    "allowed": "bold green",
    "unreserved": "green",
}
CHECK_STYLES: Final = {"pass": "green", "fail": "bold red", "unknown": "yellow", "not_run": "dim"}
CHECKS: Final = ("signature", "signer", "binding", "time")

#: Codes that the line says in other words, or that say that all is as it should be.
_PLAIN: Final = frozenset(
    {Code.SIGNER_OWN, Code.SIGNER_TRUSTED, Code.SIGNER_UNKNOWN, Code.TIME_UNPROVEN, Code.COMPANION}
)


def lines(record: Record, licensee: str | None = None) -> Iterator[Text]:
    """The verdict, why, and who says what; one line where nothing was found.

    ``licensee`` is for whom was asked: a record says no more of them than that they were declared.
    """
    decision, path = record["decision"], record["path"]
    if record["member"] is not None:
        path = f"{path}: {record['member']}"
    container = f" ({record['container']})" if record["container"] else ""
    head = _render.text((f"{decision:<11}", DECISION_STYLES[decision]), path, (container, "dim"))
    if decision == "unreserved" and not record["admitted"]:
        head.append_text(_render.text((": not admitted without a permission", "yellow")))
    yield head
    yield from _reasons(record)
    for signal in record["signals"]:
        if not signal["lifted"]:
            yield _signal(signal)
    if licensee is not None and any(signal["source"] == "grant" for signal in record["signals"]):
        yield _render.text(("  licensee  ", "cyan"), f" declared ({licensee})")


def _reasons(record: Record) -> Iterator[Text]:
    reserved_by = [r["source"] for r in record["reasons"] if r["code"] == Code.RESERVED.value]
    if reserved_by:
        yield _render.text(("  reserved", "red"), f" by {', '.join(dict.fromkeys(reserved_by))}")
    for reason in record["reasons"]:
        if reason["code"] not in (Code.RESERVED.value, Code.NOTHING_FOUND.value):
            message = with_advice(reason["code"], _render.about(record["path"], reason["message"]))
            yield _render.text((f"  {reason['code']}", "yellow"), f": {message}")


def _signal(signal: Record) -> Text:
    line = _render.text((f"  {signal['source']:<10}", "cyan"))
    if signal["signed_by"] is None:
        line.append_text(_render.text(f" {signal['place']}: {signal['message']}"))
    else:
        line.append_text(_render.text(f" signed by {who(signal)}: "))
        line.append_text(checks(signal))
    telling = [code for code in signal["codes"] if Code.of(code) not in _PLAIN]
    if telling:
        line.append_text(_render.text((f" [{', '.join(telling)}]", "yellow")))
    return line


def who(signal: Record) -> str:
    """The signer's name, which is a claim of the certificate, and what makes it more than that."""
    signer = signal["signed_by"]
    name = signer["subject"] or signer["kid"]
    trusted_as = signer["trusted_as"]
    if trusted_as is not None:
        return f"{name} (own identity)" if trusted_as.startswith("own:") else f"{name} (on the trust list)"
    if signal["signer"] == "unknown":
        return f'"{name}" (a signer not known here)'
    return f'"{name}"'


def checks(signal: Record) -> Text:
    """The four checks of a signal, each in its colour."""
    line = _render.text()
    for position, check in enumerate(CHECKS):
        result = signal[check]
        line.append_text(_render.text(", " if position else "", f"{check} ", (result, CHECK_STYLES[result])))
    return line
