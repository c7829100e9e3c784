"""One verdict record as it is read back: typed, and made safe to show.

Whoever wrote the file may have written anything into it. Members of a wrong kind are an error; members that
are not known are ignored; every text is escaped here, once, so that nothing later has to think of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final, NamedTuple

from noai.errors import RecordMalformed, RecordSchemaUnknown
from noai.report import Check
from noai.text import printable
from noai.verdict import SCHEMA, Decision

#: Sizes and times of a file system are smaller.
_NUMBERS: Final = 2**63
_CHECKS: Final = {check.value for check in Check}


class Told(NamedTuple):
    """A code with its sentence: a reason, a note or an error. ``source`` is a reason's alone."""

    code: str
    message: str
    source: str | None = None


@dataclass(frozen=True)
class Signer:
    """Who signed, as the record has it. ``subject`` is a claim of the certificate."""

    kid: str
    subject: str | None
    trusted_as: str | None


@dataclass(frozen=True)
class Signal:
    """One thing that was found, and how far its checks got."""

    source: str
    place: str
    message: str
    uses: Mapping[str, str]
    #: ``signature``, ``signer``, ``binding`` and ``time``, in this order.
    checks: tuple[str, str, str, str]
    codes: tuple[str, ...]
    signer: Signer | None
    signed_at: str | None
    id: str | None
    lifted: bool
    #: Uses for which a grant stands in. Records that are older than consent have none.
    granted: tuple[str, ...]


@dataclass(frozen=True)
class FileRecord:
    """What a report needs of one record. All texts are safe to show."""

    path: str | None
    member: str | None
    container: str | None
    size: int | None
    mtime_ns: int | None
    noai: str
    depth: str
    policy: str
    requested: tuple[str, ...]
    decision: Decision
    admitted: bool
    uses: Mapping[str, str]
    reasons: tuple[Told, ...]
    signals: tuple[Signal, ...]
    notes: tuple[Told, ...]
    error: Told | None
    sha256: str | None
    #: ``declared``, if it was asked for somebody in particular.
    licensee: str | None

    @property
    def is_plain(self) -> bool:
        """Whether it is admitted, and there is nothing about it that anybody would look up."""
        return self.admitted and not (self.signals or self.notes or self.error)

    @property
    def modified(self) -> str | None:
        """The time of the last modification, to the second; None if unknown, or beyond any calendar."""
        if self.mtime_ns is None:
            return None
        try:
            moment = datetime.fromtimestamp(self.mtime_ns // 10**9, timezone.utc)
        except (OverflowError, ValueError, OSError):
            return None
        return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def file_record(value: object) -> FileRecord:
    """The record in a JSON value.

    Raises:
        RecordMalformed: if it is no object, or a member is missing or of a wrong kind.
        RecordSchemaUnknown: if it is of another schema.
    """
    members = _object(value, "the record")
    schema = members.get("schema")
    if schema != SCHEMA:
        told = repr(printable(schema, 40)) if isinstance(schema, str) else "none"
        raise RecordSchemaUnknown(f"the schema is {told}, not '{SCHEMA}'")
    decision = next((d for d in Decision if d.value == members.get("decision")), None)
    if decision is None:
        raise RecordMalformed("decision is none that is known")
    error = members.get("error")
    return FileRecord(
        path=_text_or_none(members, "path"),
        member=_text_or_none(members, "member"),
        container=_text_or_none(members, "container"),
        size=_number_or_none(members, "size"),
        mtime_ns=_number_or_none(members, "mtime_ns"),
        noai=_text(members, "noai"),
        depth=_text(members, "depth"),
        policy=_text(members, "policy"),
        requested=tuple(_texts(members, "requested")),
        decision=decision,
        admitted=_flag(members, "admitted"),
        uses=_pairs(members, "uses"),
        reasons=tuple(_told(item, "a reason") for item in _list(members, "reasons")),
        signals=tuple(_signal(item) for item in _list(members, "signals")),
        notes=tuple(_told(item, "a note") for item in _list(members, "notes")),
        error=None if error is None else _told(error, "error"),
        sha256=_text_or_none(members, "sha256"),
        licensee=_text_or_none(members, "licensee"),
    )


def _signal(value: object) -> Signal:
    members = _object(value, "a signal")
    signer = members.get("signed_by")
    return Signal(
        source=_text(members, "source"),
        place=_text(members, "place"),
        message=_text(members, "message"),
        uses=_pairs(members, "uses"),
        checks=(
            _check(members, "signature"),
            _check(members, "signer"),
            _check(members, "binding"),
            _check(members, "time"),
        ),
        codes=tuple(_texts(members, "codes")),
        signer=None if signer is None else _signer(signer),
        signed_at=_text_or_none(members, "signed_at"),
        id=_text_or_none(members, "id"),
        lifted=_flag(members, "lifted"),
        granted=() if members.get("granted") is None else tuple(_texts(members, "granted")),
    )


def _signer(value: object) -> Signer:
    members = _object(value, "signed_by")
    return Signer(
        _text(members, "kid"), _text_or_none(members, "subject"), _text_or_none(members, "trusted_as")
    )


def _told(value: object, what: str) -> Told:
    members = _object(value, what)
    return Told(_text(members, "code"), _text(members, "message"), _text_or_none(members, "source"))


_Members = Mapping[str, object]


def _object(value: object, what: str) -> _Members:
    if not isinstance(value, dict):
        raise RecordMalformed(f"{what} is not an object")
    return value


def _text_or_none(members: _Members, name: str) -> str | None:
    value = members.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RecordMalformed(f"{name} is not a text")
    return printable(value)


def _text(members: _Members, name: str) -> str:
    text = _text_or_none(members, name)
    if text is None:
        raise RecordMalformed(f"{name} is missing")
    return text


def _number_or_none(members: _Members, name: str) -> int | None:
    value = members.get(name)
    if value is None:
        return None
    if type(value) is int and abs(value) < _NUMBERS:
        return value
    raise RecordMalformed(f"{name} is not a whole number of at most 63 bits")


def _flag(members: _Members, name: str) -> bool:
    value = members.get(name)
    if not isinstance(value, bool):
        raise RecordMalformed(f"{name} is neither true nor false")
    return value


def _check(members: _Members, name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or value not in _CHECKS:
        raise RecordMalformed(f"{name} is no result of a check")
    return value


def _list(members: _Members, name: str) -> list[object]:
    value = members.get(name)
    if not isinstance(value, list):
        raise RecordMalformed(f"{name} is not a list")
    return value


def _texts(members: _Members, name: str) -> list[str]:
    values = _list(members, name)
    texts = [printable(value) for value in values if isinstance(value, str)]
    if len(texts) != len(values):
        raise RecordMalformed(f"{name} does not hold texts alone")
    return texts


def _pairs(members: _Members, name: str) -> dict[str, str]:
    value = members.get(name)
    if not isinstance(value, dict) or not all(isinstance(said, str) for said in value.values()):
        raise RecordMalformed(f"{name} is not an object of texts")
    return {printable(use): printable(said) for use, said in value.items()}
