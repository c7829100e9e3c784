"""AIPREF usage preferences, embedded as a ``CONTENT-USAGE`` tag.

Syntax and labels: draft-ietf-aipref-vocab-07 ("Exemplary Serialization Format"), a Structured
Field dictionary whose values are the tokens ``y`` and ``n``. The working group defines no
embedding for audio; the field name is that of draft-ietf-aipref-attach. Two departures, both to
the strict side: a label that appears twice counts twice, and a denial that breaks the syntax
still denies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from noai.claim import Uses, strictest
from noai.codes import Code
from noai.report import Finding, SignalSource
from noai.signals._reading import bounded, named_values
from noai.signals.interface import Evidence
from noai.structured_field import FieldMalformed, Member, parse_dictionary
from noai.vocabulary import TABLE, Vocabulary, lookup

_NAME: Final = "CONTENTUSAGE"
_NO: Final = frozenset({"n", "no", "false", "0", "?0"})
#: A denial in a value that breaks the syntax: ``Train-AI = "no"``.
_DENIAL: Final = re.compile(
    rf"""(?<![\w.*-])(?P<label>{"|".join(re.escape(token.name) for token in TABLE[Vocabulary.AIPREF])})"""
    r"""\s*[=:]\s*["']?(?:n|no|false|0|\?0)(?![\w.-])""",
    re.IGNORECASE,
)


class AiPrefReader:
    """Reads ``CONTENT-USAGE`` tags."""

    source = SignalSource.AIPREF

    def read(self, evidence: Evidence) -> Iterable[Finding]:
        return bounded(self.source, _findings(evidence))


def _findings(evidence: Evidence) -> Iterator[Finding]:
    for item in named_values(evidence):
        if _NAME in item.names:
            uses, codes, message = judge(item.value)
            yield Finding(
                SignalSource.AIPREF, item.place, uses, codes=codes, message=message, value=item.value
            )


def judge(preferences: str) -> tuple[Uses, tuple[Code, ...], str]:
    """What a string of preferences says: uses, codes, and one sentence."""
    try:
        members = parse_dictionary(preferences.strip())
    except FieldMalformed as error:
        return _denials(preferences), (Code.UNKNOWN_VALUE,), f"not a dictionary of preferences: {error}"
    uses = strictest(_stated(member) for member in members)
    codes: list[Code] = []
    if not all(_is_understood(member) for member in members):
        codes.append(Code.UNKNOWN_VALUE)
    if any(not permission.denies for permission in uses.values()):
        codes.append(Code.PERMISSION_UNPROVEN)
    known = [m for m in members if lookup(Vocabulary.AIPREF, m.key)]
    said = ", ".join(dict.fromkeys(f"{m.key}={m.value}" for m in known if m.value in ("y", "n")))
    return uses, tuple(codes), f"says {said}" if said else "states no preference that noai knows"


def _stated(member: Member) -> Uses:
    """What one member says; a denial counts even where it is not spelt ``n``."""
    token = lookup(Vocabulary.AIPREF, member.key)
    if token is None:
        return {}
    if _says_no(member):
        return token.denial
    return token.permission if member.value == "y" else {}


def _says_no(member: Member) -> bool:
    return member.value.strip('"').casefold() in _NO


def _is_understood(member: Member) -> bool:
    """Whether ``member`` could not be a denial in disguise.

    Unknown labels are ignored, as the draft asks, unless they deny something: what that is, a
    later edition will know.
    """
    if lookup(Vocabulary.AIPREF, member.key) is None:
        return not _says_no(member)
    return member.value in ("y", "n")


def _denials(text: str) -> Uses:
    tokens = (lookup(Vocabulary.AIPREF, match["label"].lower()) for match in _DENIAL.finditer(text))
    return strictest(token.denial for token in tokens if token is not None)
