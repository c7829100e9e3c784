"""Really Simple Licensing 1.0: what a licence prohibits, and the terms on which it permits.

``prohibits`` denies. Uses that a list of ``permits`` leaves out, those that somebody has to pay or register
for, and those that are for some users or countries only are *constrained*: the terms are met by nobody who
does not know them. What is permitted freely is shown, and permits nothing by itself.

Content is matched by the longest location, as in robots.txt; several licences of one content count together.
A licence that robots.txt or a ``Link`` names, and that was not handed in, is ``terms_elsewhere``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from noai.claim import ALL_USES, Permission, Uses, strictest
from noai.codes import Code
from noai.errors import LimitExceeded
from noai.http._matching import Match, match, most_specific
from noai.http._xml import Element, XmlMalformed, parse
from noai.http.interface import Body, Exchange
from noai.http.robots_txt import Directive
from noai.limits import RSL_LICENCES
from noai.report import Finding, SignalSource
from noai.vocabulary import DENY_ALL, Vocabulary, lookup

#: A prohibition in a document that cannot be parsed.
_PROHIBITS: Final = re.compile(
    r"<(?:[\w.-]+:)?prohibits?\b[^>]{0,1000}>(?P<tokens>[^<]{0,1000})", re.IGNORECASE
)
#: A usage that no edition knows and that sounds like AI: ``train-ai``, ``ai-summarize``.
_AI: Final = re.compile(r"(?:^|[-_])(?:ai|genai|ml|llm|tdm|train\w*)(?:$|[-_])")
#: In the singular as well: a slip must not hide a prohibition.
_LIST: Final = re.compile("permits?|prohibits?")
_LINK: Final = re.compile(r"application/rsl\+xml|rslstandard\.org", re.IGNORECASE)
_CONSTRAIN_ALL: Final[Uses] = dict.fromkeys(ALL_USES, Permission.CONSTRAINED)


def read(exchange: Exchange) -> Iterable[Finding]:
    """Every licence for this address, or where one is named that was not handed in."""
    if exchange.rsl is not None:
        return _document(exchange, exchange.rsl)
    return () if exchange.rsl_unreadable else _elsewhere(exchange)


def _elsewhere(exchange: Exchange) -> Iterator[Finding]:
    # A licence is named for everybody, whatever group it stands in.
    named = [(r.place, r.value) for r in exchange.robots.rules if r.directive is Directive.LICENSE]
    named += [(field.place, field.value) for field in exchange.named("link") if _LINK.search(field.value)]
    for place, value in named:
        message = "names a licence that was not handed in"
        yield Finding(SignalSource.HTTP, place, codes=(Code.TERMS_ELSEWHERE,), message=message, value=value)


_NAMES: Final = ("license", "licence")


@dataclass(frozen=True)
class _Licence:
    """One licence, or content that can only be had from a licence server."""

    number: int
    content: Element | None
    element: Element | None

    @property
    def place(self) -> str:
        return f"RSL licence {self.number}"

    @property
    def location(self) -> str | None:
        return None if self.content is None else self.content.attributes.get("url")


def _document(exchange: Exchange, body: Body) -> Iterator[Finding]:
    try:
        root = parse(body)
    except (XmlMalformed, LimitExceeded) as error:
        code = Code.LIMIT_EXCEEDED if isinstance(error, LimitExceeded) else Code.UNKNOWN_VALUE
        yield Finding(SignalSource.HTTP, "RSL", _denials(body.text), codes=(code,), message=str(error))
        return
    licences = list(_licences(root))
    if not licences and root.name != "rsl":
        message = "a document without any licence"
        yield Finding(
            SignalSource.HTTP, "RSL", _denials(body.text), codes=(Code.UNKNOWN_VALUE,), message=message
        )
    for licence, is_clear in _applying(exchange, licences[:RSL_LICENCES]):
        yield _finding(licence, is_clear)
    if len(licences) > RSL_LICENCES:
        message = f"more than {RSL_LICENCES} licences"
        uses = _denials(body.text)
        yield Finding(SignalSource.HTTP, "RSL", uses, codes=(Code.LIMIT_EXCEEDED,), message=message)


def _licences(root: Element) -> Iterator[_Licence]:
    number = 0
    pending: list[tuple[Element, Element | None]] = [(root, None)]
    while pending:
        element, content = pending.pop()
        if element.name == "content":
            content = element
            if "server" in element.attributes:
                number += 1
                yield _Licence(number, content, None)
        # A list outside a licence is misplaced, and was meant all the same.
        if element.name in _NAMES or _LIST.fullmatch(element.name):
            number += 1
            yield _Licence(number, content, element)
        else:
            pending.extend((child, content) for child in reversed(element.children))


def _applying(exchange: Exchange, licences: Iterable[_Licence]) -> Iterator[tuple[_Licence, bool]]:
    """The licences for this address, and whether that is clear."""
    matched: list[tuple[Match, tuple[_Licence, bool]]] = []
    known: dict[str, Match | None] = {}
    for licence in licences:
        location = licence.location
        if location is None:
            yield licence, False
            continue
        if location not in known:
            known[location] = match(location, exchange.url)
        found = known[location]
        if found is not None:
            matched.append((found, (licence, found.is_clear)))
    yield from most_specific(matched)


def _finding(licence: _Licence, is_clear: bool) -> Finding:
    said: list[str] = []
    stated: list[Uses] = []
    understood = is_clear and (licence.element is None or licence.element.name in _NAMES)
    if licence.element is None:
        stated.append(_CONSTRAIN_ALL)
        said.append("asks for a licence from a server")
    else:
        for uses, message, is_known in _terms(licence.element):
            stated.append(uses)
            said.append(message)
            understood &= is_known
    return Finding(
        SignalSource.HTTP,
        licence.place,
        strictest(stated),
        codes=() if understood else (Code.UNKNOWN_VALUE,),
        message="; ".join(dict.fromkeys(filter(None, said))) or "states no terms",
        value=licence.location,
    )


def _terms(licence: Element) -> Iterator[tuple[Uses, str, bool]]:
    """What each part of a licence says: uses, a few words, and whether it was understood."""
    lists = [element for element in licence.walk() if _LIST.fullmatch(element.name)]
    permitted: list[str] | None = None
    for element in lists:
        kind = element.attributes.get("type", "usage").strip().casefold()
        names = [name for name in re.split(r"[\s,;]+", element.text.casefold()) if name]
        if kind in ("user", "geo"):
            yield _CONSTRAIN_ALL, f"is for some only ({kind})", True
        elif element.name.startswith("prohibit"):
            uses, is_known = _prohibited(names)
            yield uses, "prohibits " + _shown(names), is_known and kind == "usage"
        elif kind == "usage":
            permitted = [*(permitted or ()), *names]
        else:
            yield {}, "permits something unknown", False
    if permitted is not None:
        yield _left_out(permitted), "permits " + _shown(permitted), all(map(_known, permitted))
    for element in licence.walk():
        kind = element.attributes.get("type", "").strip().casefold()
        if element.name == "payment" and (kind or element.children) and kind != "free":
            yield _CONSTRAIN_ALL, "asks for something in return", True


def _prohibited(names: Sequence[str]) -> tuple[Uses, bool]:
    stated: list[Uses] = []
    is_known = bool(names)
    for name in names:
        token = lookup(Vocabulary.RSL, name)
        if token is not None:
            stated.append(token.denial)
        else:
            is_known = False
            stated.append(DENY_ALL if _AI.search(name) else {})
    return strictest(stated), is_known


def _left_out(permitted: Iterable[str]) -> Uses:
    tokens = [lookup(Vocabulary.RSL, name) for name in permitted]
    covered = frozenset[object]().union(*(token.denies for token in tokens if token is not None))
    return {use: Permission.CONSTRAINED for use in ALL_USES if use not in covered}


def _known(name: str) -> bool:
    return lookup(Vocabulary.RSL, name) is not None


def _shown(names: Iterable[str]) -> str:
    """Those that the vocabulary knows; what else stands there is not for a sentence of ours."""
    known = [name if _known(name) else "something unknown" for name in names]
    return ", ".join(dict.fromkeys(known)) or "nothing"


def _denials(text: str) -> Uses:
    names = (re.split(r"[\s,;]+", found["tokens"].casefold()) for found in _PROHIBITS.finditer(text))
    return strictest(_prohibited([name for name in each if name])[0] for each in names)
