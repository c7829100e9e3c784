"""The plain sentence in copyright and comment fields: what survives where markers do not.

``noai:<first 22 characters of the base64url SHA-256 of the marker's id> <wording>``, the token
first because fields get cut.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from noai.claim import ALL_USES, Claim, Profile, Use

#: Stands between a statement and the text that was there before it.
SEPARATOR: Final = " | "
TOKEN_LENGTH: Final = 22

WORDINGS: Final[dict[Profile, str]] = {
    Profile.NO_AI: "No AI training without permission.",
    Profile.NO_TRAINING: "No AI model training without permission.",
    Profile.NO_GENERATIVE: "No generative AI training without permission.",
}

_PATTERN: Final = re.compile(r"(?<![A-Za-z0-9_-])(?P<prefix>noai:)(?P<token>[A-Za-z0-9_-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """A statement found in a text field, with or without its wording."""

    token: str
    #: The token and its wording, exactly as a marking writes them; the token alone if that is not there.
    text: str
    denies: frozenset[Use]
    #: False where the token is shorter than 22 characters or the wording is not one of ours.
    complete: bool


def token(marker_id: str) -> str:
    """The 22 characters that tie a statement to the marker with this id."""
    digest = hashlib.sha256(marker_id.encode("utf-8")).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii")[:TOKEN_LENGTH]


def render(marker_id: str, claim: Claim) -> str | None:
    """The statement that goes beside a marker.

    Its wording is that of the widest profile whose denials the claim makes, so that the sentence,
    read alone, never says more than the claim; None where the claim makes those of no profile.
    """
    for profile, wording in WORDINGS.items():  # widest first
        if profile.denied <= claim.denied:
            return f"noai:{token(marker_id)} {wording}"
    return None


def find(text: str) -> Iterator[Statement]:
    """Every statement in ``text``.

    A statement whose wording is cut, altered or foreign denies all uses: a general opt-out.
    """
    for match in _PATTERN.finditer(text):
        found, rest = match["token"], text[match.end() :].lstrip(" ")
        whole = len(found) == TOKEN_LENGTH and match["prefix"] == "noai:"
        for profile, wording in WORDINGS.items():
            if whole and rest.startswith(wording):
                yield Statement(found, f"noai:{found} {wording}", profile.denied, complete=True)
                break
        else:
            yield Statement(found, match[0], frozenset(ALL_USES), complete=False)


def without(text: str, statements: Sequence[str]) -> str:
    """``text`` with each of ``statements`` taken out, together with the separator before it."""
    for statement in statements:
        for written in (SEPARATOR + statement, statement + SEPARATOR, statement):
            text = text.replace(written, "")
    return text


def merge_values(values: Sequence[str], statement: str | None, lifted: Sequence[str] = ()) -> list[str]:
    """The new values of one text field (copyright or comment).

    ``lifted`` statements are taken out, ``statement`` is appended to the first value after
    `` | ``, or becomes the only value. Values that held nothing but lifted statements go.
    """
    ours = [*lifted, *([statement] if statement else [])]
    kept = [
        rest
        for value in values
        if (rest := without(value, ours)) or rest == value  # an empty foreign value stays
    ]
    if statement is None:
        return kept
    if not kept:
        return [statement]
    first = f"{kept[0]}{SEPARATOR}{statement}" if kept[0] else statement
    return [first, *kept[1:]]
