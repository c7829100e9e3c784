"""``/.well-known/tdmrep.json`` (TDM Reservation Protocol, W3C community group report of 10 May 2024) with a
reservation for some paths in it: everybody else's rules stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from noai.encoding import Json
from noai.errors import SiteFileMalformed
from noai.limits import TDMREP_BYTES, TDMREP_RULES
from noai.publishing.addresses import SitePath

NAME: Final = "tdmrep.json"
_LOCATION: Final = "location"
_RESERVATION: Final = "tdm-reservation"
_POLICY: Final = "tdm-policy"
#: The JSON values that the two tokens of the vocabulary have.
_VALUES: Final[tuple[Json, ...]] = (0, 1, "0", "1")

Rule = dict[str, Any]


@dataclass(frozen=True)
class Edited:
    """The new content, and what rules that are not for the paths themselves say."""

    content: bytes
    #: Locations under the paths that are not reserved.
    free: tuple[str, ...]
    #: Locations elsewhere that are.
    reserved: tuple[str, ...]


def with_reservations(existing: bytes | None, paths: Sequence[SitePath], policy_url: str | None) -> Edited:
    """``existing`` with each of ``paths`` reserved; unchanged, to the byte, where they are already.

    A rule for the same location is reserved in its place and keeps its other members. A new one stands in
    front of all that are less specific, so that the first rule that matches is the most specific one.

    Raises:
        SiteFileMalformed: if ``existing`` is not an array of rules.
    """
    rules = [] if existing is None else rules_of(existing)
    edited = [dict(rule) for rule in rules]
    for path in paths:
        _reserve(edited, path.encoded, policy_url)
    under = tuple(path.encoded for path in paths)
    free = tuple(_locations(edited, "0", lambda place: place.startswith(under)))
    elsewhere = tuple(_locations(edited, "1", lambda place: not place.startswith(under)))
    if existing is not None and edited == rules:
        return Edited(existing, free, elsewhere)
    content = json.dumps(edited, ensure_ascii=False, indent=2).encode("utf-8") + b"\n"
    if len(content) > TDMREP_BYTES or len(edited) > TDMREP_RULES:
        raise SiteFileMalformed(f"{NAME}: would have more than {TDMREP_RULES} rules, or {TDMREP_BYTES} bytes")
    return Edited(content, free, elsewhere)


def reserved(existing: bytes) -> tuple[str, ...]:
    """The locations that ``existing`` reserves.

    Raises:
        SiteFileMalformed: if it is not an array of rules.
    """
    return tuple(_locations(rules_of(existing), "1", lambda _: True))


def rules_of(data: bytes) -> list[Rule]:
    """The rules of a file.

    Raises:
        SiteFileMalformed: if it is anything but an array of objects with a location and a reservation.
    """
    if len(data) > TDMREP_BYTES:
        raise SiteFileMalformed(f"{NAME}: is longer than {TDMREP_BYTES} bytes")
    try:
        # A byte order mark is allowed to a reader (RFC 8259, section 8.1).
        text = data.decode("utf-8-sig")
        document = json.loads(text, object_pairs_hook=_object, parse_float=_number, parse_constant=_number)
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        message = "is not JSON, has a name twice, or holds what cannot be written back as it is"
        raise SiteFileMalformed(f"{NAME}: {message}") from None
    if not isinstance(document, list):
        raise SiteFileMalformed(f"{NAME}: is not an array of rules")
    for number, rule in enumerate(document, 1):
        if not isinstance(rule, dict) or not isinstance(rule.get(_LOCATION), str):
            raise SiteFileMalformed(f"{NAME}: rule {number} has no location")
        if not any(type(rule.get(_RESERVATION)) is type(v) and rule[_RESERVATION] == v for v in _VALUES):
            raise SiteFileMalformed(f"{NAME}: rule {number} has no tdm-reservation of 0 or 1")
    return document


def _number(text: str) -> float:
    """A number that is written back as it stands; rules are other people's."""
    number = float(text)
    if repr(number) != text:
        raise ValueError(text)
    return number


def _object(pairs: list[tuple[str, Any]]) -> Rule:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name twice")
    return members


def _reserve(rules: list[Rule], location: str, policy_url: str | None) -> None:
    policy = {} if policy_url is None else {_POLICY: policy_url}
    same = [rule for rule in rules if _plain(rule[_LOCATION]) == location]
    for rule in same:
        if str(rule[_RESERVATION]) != "1":
            rule[_RESERVATION] = 1
        rule.update(policy)
    if not same:
        wider = (n for n, rule in enumerate(rules) if len(_plain(rule[_LOCATION])) < len(location))
        rules.insert(next(wider, len(rules)), {_LOCATION: location, _RESERVATION: 1, **policy})


def _locations(rules: Sequence[Rule], said: str, concerns: Callable[[str], bool]) -> Iterator[str]:
    for rule in rules:
        if str(rule[_RESERVATION]) == said and concerns(_plain(rule[_LOCATION])):
            yield rule[_LOCATION]


def _plain(location: str) -> str:
    """A location without a wildcard at its end, which changes nothing."""
    return location.rstrip("*")
