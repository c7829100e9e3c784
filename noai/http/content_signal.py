"""``Content-Signal``: a rule of robots.txt, and a response field.

draft-romm-aipref-contentsignals-00, and what is in use: ``search=yes, ai-train=no``, after a path or without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from noai.claim import Uses, strictest
from noai.codes import Code
from noai.http._rules import stated
from noai.http.interface import Exchange
from noai.http.robots_txt import Directive
from noai.limits import PREFERENCE_CHARS
from noai.report import Finding, SignalSource
from noai.vocabulary import TABLE, Token, Vocabulary, lookup

_PART: Final = re.compile(r"(?P<key>[\w.-]+)\s*(?P<sign>[=:])\s*[\"']?(?P<value>[\w?]*)[\"']?")
_NO: Final = frozenset({"no", "n", "false", "0", "?0"})
#: A denial in what cannot be taken apart.
_DENIAL: Final = re.compile(
    rf"(?<![\w.-])(?P<key>{'|'.join(t.name.replace('-', '[-_]?') for t in TABLE[Vocabulary.CONTENT_SIGNAL])})"
    r"\s*[=:]\s*[\"']?(?:no|n|false|0|\?0)(?![\w.-])",
    re.IGNORECASE,
)


def read(exchange: Exchange) -> Iterable[Finding]:
    """Every ``Content-Signal`` that applies."""
    for place, said, value in stated(exchange, "content-signal", Directive.CONTENT_SIGNAL):
        uses, codes, message = judge(said)
        yield Finding(SignalSource.HTTP, place, uses, codes=codes, message=message, value=value)


def judge(signals: str) -> tuple[Uses, tuple[Code, ...], str]:
    """What a list of signals says: uses, codes, and one sentence."""
    if len(signals) > PREFERENCE_CHARS:
        return _denials(signals), (Code.UNKNOWN_VALUE,), f"longer than {PREFERENCE_CHARS} characters"
    stated: list[Uses] = []
    said: dict[str, None] = {}
    understood = True
    for part in filter(None, map(str.strip, re.split("[,;]", signals))):
        match = _PART.fullmatch(part)
        token = None if match is None else _token(match["key"])
        value = "" if match is None else match["value"].casefold()
        if match is None or token is None:
            # A signal that is not known is passed over, unless it denies something.
            understood &= match is not None and value not in _NO
            stated.append(_denials(part))
        elif value in _NO:
            understood &= value == "no" and match["sign"] == "=" and match["key"].casefold() == token.name
            stated.append(token.denial)
            said[f"{token.name}=no"] = None
        else:
            understood &= value == "yes" and match["sign"] == "="
            stated.append(token.permission if value == "yes" else {})
            said[f"{token.name}=yes" if value == "yes" else f"{token.name}, but not what"] = None
    uses = strictest(stated)
    codes = [] if understood else [Code.UNKNOWN_VALUE]
    if any(not permission.denies for permission in uses.values()):
        codes.append(Code.PERMISSION_UNPROVEN)
    return uses, tuple(codes), f"says {', '.join(said)}" if said else "states no signal that noai knows"


def _token(key: str) -> Token | None:
    plain = {token.name.replace("-", ""): token.name for token in TABLE[Vocabulary.CONTENT_SIGNAL]}
    name = plain.get(re.sub("[-_.]", "", key.casefold()))
    return None if name is None else lookup(Vocabulary.CONTENT_SIGNAL, name)


def _denials(text: str) -> Uses:
    tokens = (_token(match["key"]) for match in _DENIAL.finditer(text))
    return strictest(token.denial for token in tokens if token is not None)
