"""Which rules of a robots.txt apply to an exchange: by agent, and by the longest path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from noai.http._matching import Match, chosen, match_path, most_specific
from noai.http.interface import Exchange
from noai.http.robots_txt import Directive, Rule

#: Between the words of a User-Agent field, and what names no crawler there.
_PARTS: Final = re.compile(r"[\s/();,+:]+")
_NOBODY: Final = frozenset({"mozilla", "compatible", "http", "https"})


def stated(exchange: Exchange, field_name: str, directive: Directive) -> Iterator[tuple[str, str, str]]:
    """What response fields of one name and rules of one directive say: place, preference, whole value."""
    for field in exchange.named(field_name):
        yield field.place, field.value, field.value
    for rule, said in preferences(exchange, directive):
        yield rule.place, said, rule.value


def preferences(exchange: Exchange, directive: Directive) -> Iterator[tuple[Rule, str]]:
    """The rules of one directive that apply, each with what it says behind its path.

    A path is optional, and a rule without one always counts. Of the others the longest path decides
    (draft-ietf-aipref-attach, "Content-Usage Rule Semantics").
    """
    everywhere: list[tuple[Rule, str]] = []
    located: list[tuple[Match, tuple[Rule, str]]] = []
    for rule in addressed(exchange, directive):
        path, said = _split(rule.value)
        if path is None:
            everywhere.append((rule, said))
            continue
        found = match_path(path, exchange.url)
        if found is not None:
            located.append((found, (rule, said)))
    applying = {rule.line: said for rule, said in (*everywhere, *most_specific(located))}
    return ((rule, applying[rule.line]) for rule in exchange.robots.rules if rule.line in applying)


def addressed(exchange: Exchange, directive: Directive) -> list[Rule]:
    """The rules of one directive in the groups that this agent has to follow, and in front of all groups."""
    rules = [rule for rule in exchange.robots.rules if rule.directive is directive]
    if all(rule.group is None for rule in rules):
        return rules
    groups = _followed(exchange.robots.groups, exchange.user_agent)
    return [rule for rule in rules if rule.group is None or rule.group in groups]


def _split(value: str) -> tuple[str | None, str]:
    """The path of a rule and what it says. Where a path is all there is, it may be meant to say something."""
    first, *rest = value.split(None, 1) or [""]
    if not _is_path(first) or not rest:
        return None, value
    words = rest[0].split()
    if words and _is_path(words[0]):
        # Several paths in one rule are no rule: what stands behind them counts everywhere.
        return None, " ".join(word for word in words if not _is_path(word))
    return first.rstrip(",;:"), rest[0]


def _is_path(word: str) -> bool:
    return word.startswith("/") or (word.startswith("*") and "=" not in word)


@lru_cache(maxsize=64)
def _followed(groups: tuple[tuple[str, ...], ...], user_agent: str) -> frozenset[int]:
    """The groups that a crawler has to follow; asked for every directive, and every page of a site."""
    return frozenset[int]().union(*(chosen(groups, agent) for agent in _agents(user_agent)))


def _agents(user_agent: str) -> list[str]:
    """The product tokens of a whole ``User-Agent`` field, of which only some name the crawler."""
    if not _PARTS.search(user_agent):
        return [user_agent]
    words = [w for w in _PARTS.split(user_agent) if w[:1].isalpha() and w.casefold() not in _NOBODY]
    return words or [user_agent]
