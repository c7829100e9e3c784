"""robots.txt (RFC 9309), as far as it speaks about use: which line stands in which group.

``Allow`` and ``Disallow`` say what may be fetched, which is for the crawler to obey; here they only end
the list of agents of a group. Lines that this module does not know are read over, as section 2.2.4
asks. Three departures, all to the strict side: a missing colon is forgiven, spellings of a field's name
compare, and a rule in front of the first group counts for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from noai.limits import ROBOTS_RULES


class Directive(Enum):
    """A line that says something about use."""

    CONTENT_USAGE = "content-usage"
    CONTENT_SIGNAL = "content-signal"
    LICENSE = "license"


_LINE: Final = re.compile(
    r"[^\w]*(?:"
    r"(?P<agent>user[-_ ]?agent)"
    r"|(?P<fetching>allow|dis+all?ow)"
    r"|(?P<usage>content[-_ ]?usage)"
    r"|(?P<signal>content[-_ ]?signals?)"
    r"|(?P<license>licen[cs]e)"
    r")(?:\s*:\s*|\s+)(?P<value>.*)",
    re.IGNORECASE,
)
#: Nothing else ends a line (RFC 9309, section 2.2).
_ENDS: Final = re.compile(r"\r\n|\r|\n")
_DIRECTIVES: Final = {
    "usage": Directive.CONTENT_USAGE,
    "signal": Directive.CONTENT_SIGNAL,
    "license": Directive.LICENSE,
}


@dataclass(frozen=True)
class Rule:
    """One line that speaks about use."""

    directive: Directive
    #: Counted from 1.
    line: int
    #: Index of its group in :attr:`Robots.groups`; None for everybody.
    group: int | None
    value: str

    @property
    def place(self) -> str:
        return f"robots.txt line {self.line}"


@dataclass(frozen=True)
class Robots:
    """The groups of a robots.txt, each the agents that it names, and the rules about use."""

    groups: tuple[tuple[str, ...], ...] = ()
    rules: tuple[Rule, ...] = ()
    #: Rules past the limit, which were not read.
    is_cut: bool = False

    @classmethod
    def parse(cls, text: str) -> Robots:
        groups: list[list[str]] = []
        rules: list[Rule] = []
        collects = False
        for number, kind, value in _lines(text):
            if kind == "agent":
                if not collects:
                    groups.append([])
                    collects = True
                # Only the product token is compared, not its version (section 2.2.1).
                agent = re.split(r"[/\s]", value, maxsplit=1)[0]
                groups[-1] += [agent] if agent else []
                continue
            directive = _DIRECTIVES.get(kind)
            # A licence belongs to no group, and ends none (Really Simple Licensing, robots.txt).
            collects = collects and directive is Directive.LICENSE
            if directive is None:
                continue
            if len(rules) == ROBOTS_RULES:
                return cls(tuple(map(tuple, groups)), tuple(rules), is_cut=True)
            is_grouped = bool(groups and groups[-1]) and directive is not Directive.LICENSE
            group = len(groups) - 1 if is_grouped else None
            rules.append(Rule(directive, number, group, value))
        return cls(tuple(map(tuple, groups)), tuple(rules))


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Number, kind and value of each line that is known, comments taken off."""
    for number, line in enumerate(_ENDS.split(text), 1):
        match = _LINE.match(line.partition("#")[0])
        if match is not None:
            kind = next(name for name in match.groupdict() if name != "value" and match[name] is not None)
            yield number, kind, match["value"].strip()
