"""TDM Reservation Protocol over HTTP: response fields, and the file ``/.well-known/tdmrep.json``.

W3C community group final report, 10 May 2024. The report lets a response field replace what the file says;
here the stricter of the two counts, as everywhere. It also asks both for the most specific rule and for the
first that matches: where those differ, both count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from noai.claim import Uses
from noai.codes import Code
from noai.http._matching import Match, match, most_specific
from noai.http.interface import Body, Exchange
from noai.limits import TDMREP_RULES
from noai.names import plain_names
from noai.report import Finding, SignalSource
from noai.vocabulary import DENY_ALL, Vocabulary, lookup

_FILE: Final = "tdmrep.json"
#: A reservation in a file that cannot be parsed.
_RESERVED: Final = re.compile(r"""tdm[-_]?reservation["']?\s*[:=]\s*["']?(?:1|true)\b""", re.IGNORECASE)
_POLICY: Final = "names terms, and denies nothing"


def read(exchange: Exchange) -> Iterable[Finding]:
    """Every reservation that applies, and every policy beside one."""
    for field in exchange.named("tdm-reservation"):
        # Clients join several fields of one name with commas.
        for value in field.value.split(","):
            yield _reservation(field.place, value.strip(), field.value)
    for field in exchange.named("tdm-policy"):
        yield Finding(SignalSource.HTTP, field.place, message=_POLICY, value=field.value)
    if exchange.tdmrep is not None:
        yield from _file(exchange, exchange.tdmrep)


def _reservation(place: str, name: str, value: str) -> Finding:
    token = lookup(Vocabulary.TDMREP, name)
    if token is None:
        message = "a reservation that is neither 1 nor 0"
        return Finding(SignalSource.HTTP, place, codes=(Code.UNKNOWN_VALUE,), message=message, value=value)
    message = "rights are reserved" if token.denies else "rights are not reserved, which permits nothing"
    return Finding(SignalSource.HTTP, place, token.denial, message=message, value=value)


# -- the file -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Rule:
    """One object of the array; of a name that comes twice, both values."""

    number: int
    locations: tuple[object, ...]
    reservations: tuple[object, ...]
    policies: tuple[object, ...]

    @property
    def place(self) -> str:
        return f"{_FILE} rule {self.number}"


class _Object(list[tuple[str, Any]]):
    """A JSON object, as the pairs that it is made of."""


def _file(exchange: Exchange, body: Body) -> Iterator[Finding]:
    try:
        # In the encoding that JSON says itself: UTF-8, UTF-16 or UTF-32.
        document = json.loads(body.data, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        yield _unread(body.text, "not JSON")
        return
    if isinstance(document, _Object) or not isinstance(document, list):
        yield _unread(body.text, "not an array of rules")
        document = [document]
    rules = []
    for number, item in enumerate(document[:TDMREP_RULES], 1):
        if not isinstance(item, _Object):
            message = "a rule that is not an object"
            yield Finding(
                SignalSource.HTTP, f"{_FILE} rule {number}", codes=(Code.UNKNOWN_VALUE,), message=message
            )
            continue
        rules.append(_Rule(number, *(_values(item, name) for name in _MEMBERS)))
    for rule, is_clear in _applying(exchange, rules):
        yield from _findings(rule, is_clear)
    if len(document) > TDMREP_RULES:
        uses = DENY_ALL if _RESERVED.search(body.text) else {}
        message = f"more than {TDMREP_RULES} rules"
        yield Finding(SignalSource.HTTP, _FILE, uses, codes=(Code.LIMIT_EXCEEDED,), message=message)


_MEMBERS: Final = ("LOCATION", "TDMRESERVATION", "TDMPOLICY")


def _values(item: _Object, name: str) -> tuple[object, ...]:
    return tuple(value for key, value in item if name in plain_names(key))


def _unread(text: str, why: str) -> Finding:
    """What cannot be parsed is searched for a reservation, wherever it may apply."""
    uses: Uses = DENY_ALL if _RESERVED.search(text) else {}
    return Finding(SignalSource.HTTP, _FILE, uses, codes=(Code.UNKNOWN_VALUE,), message=why)


def _applying(exchange: Exchange, rules: Iterable[_Rule]) -> Iterator[tuple[_Rule, bool]]:
    """The rules for this address, in their order, and whether that is clear."""
    unclear: list[_Rule] = []
    matched: list[tuple[Match, _Rule]] = []
    for rule in rules:
        found = [match(each, exchange.url) for each in rule.locations if isinstance(each, str)]
        matched += [(each, rule) for each in found if each is not None and each.is_clear]
        if len(found) < max(1, len(rule.locations)) or any(each and not each.is_clear for each in found):
            unclear.append(rule)
    applying = [*unclear, *(rule for _, rule in matched[:1]), *most_specific(matched)]
    for rule in sorted({rule.number: rule for rule in applying}.values(), key=lambda rule: rule.number):
        yield rule, rule not in unclear


def _findings(rule: _Rule, is_clear: bool) -> Iterator[Finding]:
    for value in rule.reservations:
        yield _reservation(rule.place, _name(value), _shown(value))
    for policy in rule.policies:
        yield Finding(SignalSource.HTTP, rule.place, message=_POLICY, value=_shown(policy))
    if not rule.reservations:
        message = "a rule without a reservation"
        yield Finding(SignalSource.HTTP, rule.place, codes=(Code.UNKNOWN_VALUE,), message=message)
    if not is_clear:
        message = "a rule that does not say clearly for which files"
        yield Finding(SignalSource.HTTP, rule.place, codes=(Code.UNKNOWN_VALUE,), message=message)


def _name(value: object) -> str:
    """The token that a JSON value stands for: 1 and "1" are one, true is not."""
    if isinstance(value, str):
        return value.strip()
    return repr(value) if type(value) is int else ""


def _shown(value: object) -> str:
    return value if isinstance(value, str) else repr(value) if isinstance(value, int) else "not a text"
