"""``X-Robots-Tag``: directives for everybody, or for the agent whose name stands in front.

No specification; what search engines document. ``noai`` came into use in November 2022. A directive counts
for an agent that is named directly in front of it (``MyBot: noai``). Further ones of the same field
(``OtherBot: noindex, noai``) count for everybody: clients join several fields with commas, so that nobody can
tell any more whether the name stood in the same one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from noai.claim import Uses
from noai.codes import Code
from noai.http.interface import Exchange
from noai.report import Finding, SignalSource
from noai.vocabulary import DENY_ALL, Vocabulary, lookup

#: Directives about indexing and showing, which say nothing of AI.
_INDEXING: Final = frozenset({
    "all", "index", "follow", "archive", "none", "noindex", "nofollow", "noarchive", "nocache", "nosnippet",
    "notranslate", "noimageindex", "noodp", "noydir", "noyaca", "nopreview", "nositelinkssearchbox",
    "nopagereadaloud", "indexifembedded",
})  # fmt: skip
#: Those that have a value after a colon, so that what stands in front of it is no agent.
_VALUED: Final = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
#: The rest of a date behind its comma: ``unavailable_after: Sat, 25 Jun 2040 15:00:00 GMT``.
_DATE: Final = re.compile(
    r"\d{1,2}[-\s][a-z]{3,9}[-\s]\d{2,4}(?:\s[\d:]{4,8})?(?:\s(?:[a-z]{3}|[+-]\d{2}:?\d{2}))?", re.IGNORECASE
)
#: An opt-out that no list knows: ``no-ai``, ``noml``, ``noaitraining``, ``no_gen_ai``.
_OPT_OUT: Final = re.compile(
    r"(?:no|dis(?:allow)?|do[-_ ]?not)[-_ ]?(?:gen(?:erative)?[-_ ]?)?(?:ai|ml|llm|tdm|train)"
)


def read(exchange: Exchange) -> Iterable[Finding]:
    """Each directive about AI use that is addressed to this agent, and each that is not known."""
    for field in exchange.named("x-robots-tag"):
        for directive in _directives(exchange, field.value):
            uses, codes, message = judge(directive)
            yield Finding(
                SignalSource.HTTP, field.place, uses, codes=codes, message=message, value=field.value
            )


def judge(directive: str) -> tuple[Uses, tuple[Code, ...], str]:
    """What one directive, in lower case, says: uses, codes, and one sentence."""
    token = lookup(Vocabulary.ROBOTS, directive)
    if token is not None:
        return token.denial, (), f"says {token.name}"
    if any(_OPT_OUT.match(word) for word in directive.split()):
        return DENY_ALL, (Code.UNKNOWN_VALUE,), "an unknown kind of noai"
    return {}, (Code.UNKNOWN_VALUE,), "a directive that is not known"


def _directives(exchange: Exchange, value: str) -> Iterator[str]:
    """Those that are addressed to this agent, in lower case, but for those about indexing."""
    follows_date = False
    for part in map(str.strip, value.split(",")):
        if follows_date and _DATE.fullmatch(part):
            continue
        name, colon, rest = map(str.strip, part.partition(":"))
        if colon and _OPT_OUT.match(name.casefold()):
            yield part.replace(":", " ").casefold()
            continue
        is_scoped = bool(colon) and name.casefold() not in _VALUED | _INDEXING
        if is_scoped and not exchange.addressed_by(name):
            continue
        directive = (rest if is_scoped else part).casefold()
        name = directive.partition(":")[0].strip()
        follows_date = name == "unavailable_after"
        if name in _VALUED:
            # What stands behind the value was meant to be a directive of its own.
            yield from (word for word in re.split(r"[\s;]+", directive) if _OPT_OUT.match(word))
        if name not in _VALUED and not _INDEXING.issuperset(directive.split()):
            yield directive
