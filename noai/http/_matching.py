"""Whom a rule addresses and which addresses it covers, as RFC 9309 has it; protego does both.

protego answers one question, whether an agent may fetch an address, and hands out no line that it does
not know. So it is asked that question about a robots.txt in which what is to be known stands as
``Disallow`` (docs/adr/0016-http-signals.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote, unquote_to_bytes

from noai.errors import ExtraMissing

if TYPE_CHECKING:
    from protego import Protego

_NOWHERE: Final = "http://noai.invalid"
_ABSOLUTE: Final = re.compile(
    r"(?:[a-z][a-z0-9+.\-]*:)?//(?P<host>[^/?]*)(?P<path>.*)", re.IGNORECASE | re.DOTALL
)
#: White space and control characters, which would end a line or a path.
_UNSAFE: Final = re.compile(r"[\s\x00-\x1f\x7f\x85]")


@dataclass(frozen=True)
class Match:
    """That a location covers an address: how specific it is, in octets, and whether it was understood."""

    length: int
    is_clear: bool = True


def chosen(groups: Sequence[Iterable[str]], user_agent: str) -> frozenset[int]:
    """The indices of the groups of a robots.txt that an agent has to follow (section 2.2.1).

    Raises:
        ExtraMissing: without protego.
    """
    lines = []
    for number, agents in enumerate(groups):
        lines += [f"User-agent: {one_line(agent)}" for agent in agents]
        lines.append(f"Disallow: /{number}$")
    robots = _parse("\n".join(lines))
    agent = one_line(user_agent)
    return frozenset(n for n in range(len(groups)) if not robots.can_fetch(f"{_NOWHERE}/{n}", agent))


def match(location: str, url: str) -> Match | None:
    """Whether ``location``, a path or an absolute address with ``*`` and ``$``, covers ``url``.

    A host that cannot be told covers; the match then says that it is not clear.

    Raises:
        ExtraMissing: without protego.
    """
    absolute = _ABSOLUTE.fullmatch(location.strip())
    if absolute is None:
        return match_path(location, url)
    host = _host(absolute["host"])
    is_clear = bool(host) and "*" not in host
    if is_clear and host != _host_of(url):
        return None
    found = match_path(absolute["path"], url)
    return None if found is None else replace(found, is_clear=is_clear)


def match_path(path: str, url: str) -> Match | None:
    """Whether ``path``, with ``*`` and ``$``, covers ``url`` (section 2.2.2).

    Raises:
        ExtraMissing: without protego.
    """
    path = path.strip().partition("#")[0]
    if not path.startswith(("/", "*")):
        path = f"/{path}"
    path = _UNSAFE.sub(lambda found: quote(found[0]), _encodable(path))
    if _parse(f"User-agent: *\nDisallow: {path}").can_fetch(url, "*"):
        return None
    return Match(specificity(path))


def specificity(location: str) -> int:
    """The octets of a path, percent-encoded (section 2.2.2)."""
    return len(quote(unquote_to_bytes(_encodable(location)), safe="/*$"))


_Located = TypeVar("_Located")


def most_specific(matched: Sequence[tuple[Match, _Located]]) -> list[_Located]:
    """What the longest of the locations say, all of it where several are as long, and what is not clear."""
    longest = max((found.length for found, _ in matched if found.is_clear), default=0)
    return [each for found, each in matched if not found.is_clear or found.length == longest]


def is_absolute(url: str) -> bool:
    """Whether ``url`` names a host, so that locations can be compared with it."""
    return "://" in url and bool(_host_of(url))


def one_line(text: str) -> str:
    """``text`` so that it stays on its line, and compares where it is ASCII."""
    return _UNSAFE.sub(" ", _encodable(text)).partition("#")[0]


def _encodable(text: str) -> str:
    """``text`` without lone surrogates, which have no encoding."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _host_of(url: str) -> str:
    absolute = _ABSOLUTE.fullmatch(url)
    return "" if absolute is None else _host(absolute["host"])


def _host(authority: str) -> str:
    """Without user, port and ``www``: one site answers under all of them."""
    host = re.sub(r":\d*$", "", authority.rpartition("@")[2])
    return host.casefold().rstrip(".").removeprefix("www.")


def _parse(robots_txt: str) -> Protego:
    try:
        from protego import Protego
    except ImportError:
        raise ExtraMissing("matching agents and paths takes protego: pip install 'noai[http]'") from None
    return Protego.parse(robots_txt)
