"""Marking what was uploaded: the fields of a form in, a marked file out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from noai.claim import ALL_USES, Claim, Profile, Rights, Use, Work
from noai.declaration import Declaration, clean_text
from noai.errors import IdentifierError, NoaiError, SigningError, UsageError
from noai.identifiers import Identifier, normalise
from noai.limits import SERVICE_NOTICES_BYTES
from noai.marking import MarkResult, mark
from noai.records import dump_json
from noai.service.problems import Kind, Problem
from noai.service.working import Switch
from noai.signing import Signer
from noai.text import printable

_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +(\S+)")
_UNQUOTED: Final = re.compile(r"[^A-Za-z0-9 ._()+-]")


def bearer(headers: Sequence[str]) -> str:
    """The token in the ``Authorization`` of a request; an empty one where there is none (RFC 6750)."""
    match = _BEARER.fullmatch(headers[0].strip()) if len(headers) == 1 else None
    return "" if match is None else match[1]


@dataclass(frozen=True)
class Order:
    """What is to be said in a file, and how."""

    claim: Claim
    c2pa: bool
    from_tags: bool


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise UsageError(f"{text!r} is neither true nor false")
    return text == "true"


def _identifier(kind: Identifier) -> Callable[[str], str]:
    return lambda text: normalise(kind, text)


#: The fields that may be given, each with what makes a value of its text.
FIELDS: Final[Mapping[str, Callable[[str], Any]]] = {
    "profile": Profile.parse,
    "deny": Use.parse,
    "allow": Use.parse,
    "constrain": Use.parse,
    "constraint": clean_text,
    "holder": clean_text,
    "contact": clean_text,
    "licence_url": clean_text,
    "title": clean_text,
    "artist": clean_text,
    **{kind.value: _identifier(kind) for kind in Identifier},
    "tags": _flag,
    "c2pa": _flag,
}
#: Those that may be given more than once.
LISTS: Final = ("deny", "allow", "constrain")


def order(fields: Sequence[tuple[str, str]]) -> Order:
    """What the fields of a form ask for; they are those of the options of ``noai mark``.

    Raises:
        Problem: for other fields, for values that mean nothing, and for those that do not fit together.
    """
    said: dict[str, list[Any]] = {}
    for name, text in fields:
        if name not in FIELDS:
            raise Problem(Kind.BAD_REQUEST, f"there is no field {printable(name, 60)!r}")
        try:
            said.setdefault(name, []).append(FIELDS[name](text))
        except IdentifierError as error:
            raise Problem(Kind.CANNOT_BE_MARKED, f"{name}: {error}", code=error.code) from None
        except UsageError as error:
            raise Problem(Kind.BAD_REQUEST, f"{name}: {error}") from None
        if len(said[name]) > (len(ALL_USES) if name in LISTS else 1):
            raise Problem(Kind.BAD_REQUEST, f"{name} is given too often")
    one = {name: values[0] for name, values in said.items() if name not in LISTS}
    if said.get("constrain") and "constraint" not in one:
        detail = "constrain needs a constraint: without one, it means denied"
        raise Problem(Kind.CANNOT_BE_MARKED, detail, code=UsageError.code)
    declaration = Declaration(
        one.get("profile"),
        tuple(said.get("deny", ())),
        tuple(said.get("allow", ())),
        tuple(said.get("constrain", ())),
        one.get("constraint"),
        Rights(one.get("holder"), one.get("contact"), one.get("licence_url")),
        Work(**{name: one.get(name) for name in ("title", "artist", *Identifier)}),
    )
    try:
        return Order(declaration.claim(), one.get("c2pa", True), one.get("tags", True))
    except UsageError as error:
        raise Problem(Kind.CANNOT_BE_MARKED, str(error), code=error.code) from None


def mark_file(path: Path, wanted: Order, signer: Signer, switch: Switch) -> MarkResult:
    """Mark the file at ``path`` in place.

    Raises:
        Problem: if it cannot be marked, or not in time; it is as it was then.
    """
    try:
        result = _marked(path, wanted, signer)
    except Problem:
        if switch.over is None:
            raise
    if switch.over is not None:
        raise Problem(Kind.TOOK_TOO_LONG, switch.over)
    return result


def _marked(path: Path, wanted: Order, signer: Signer) -> MarkResult:
    try:
        return mark(
            path,
            in_place=True,
            signer=signer,
            claim=wanted.claim,
            from_tags=wanted.from_tags,
            c2pa=wanted.c2pa,
        )
    except SigningError as error:
        raise Problem(Kind.CANNOT_SIGN, str(error), code=error.code) from error
    except NoaiError as error:
        # Where it was worked on is nobody's business but the server's.
        detail = str(error).removeprefix(f"{path}: ")
        raise Problem(Kind.CANNOT_BE_MARKED, detail, code=error.code) from error
    except OSError as error:
        raise Problem(Kind.NO_ROOM, f"the marked file cannot be stored: {error.strerror}") from error


def notices(result: MarkResult) -> str:
    """What was left out and why, as a JSON array that a header can carry."""
    told = list(result.notices)
    while len(text := dump_json(told)) > SERVICE_NOTICES_BYTES:
        told.pop()
    return text


def disposition(name: str | None) -> str:
    """``Content-Disposition`` of a download (RFC 6266): a name that any system can save under."""
    kept = "".join(_kept(character) for character in name or "").strip(" .") or "marked"
    plain = _UNQUOTED.sub("_", kept)
    extended = "" if plain == kept else f"; filename*=UTF-8''{quote(kept, safe='')}"
    return f'attachment; filename="{plain}"{extended}'


def _kept(character: str) -> str:
    # Surrogates are no text, and what turns the direction of a line hides what a name ends with.
    hides = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return "_" if hides or character in '<>:"|?*/\\' else character
