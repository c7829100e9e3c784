"""The seam to what a site says over HTTP: one exchange as every reader sees it.

The contract, in prose, is in ``README.md`` beside this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final, Protocol, Union

from noai.http.robots_txt import Robots
from noai.report import Finding


class Unread(Enum):
    """Why a document is not at hand although it may exist."""

    UNREADABLE = "unreadable"


#: For a document that could not be had: a server error, a timeout, an answer that was cut off.
UNREADABLE: Final = Unread.UNREADABLE

#: A document that was fetched; None where the server says that there is none.
Document = Union[str, bytes, Unread, None]

Text = Union[str, bytes]
HeaderValue = Union[str, bytes, Sequence[Text]]


class HasItems(Protocol):
    """A mapping of headers, such as every client library has; one name may come several times."""

    def items(self) -> Iterable[tuple[Text, HeaderValue]]: ...


Headers = Union[HasItems, Iterable[tuple[Text, HeaderValue]]]


@dataclass(frozen=True)
class Field:
    """One response field: its name in lower case, and its value."""

    name: str
    value: str

    @property
    def place(self) -> str:
        return f"response header {self.name}"


@dataclass(frozen=True)
class Body:
    """The body of a document, within its limit."""

    data: bytes
    #: None where the document itself says which encoding it has.
    encoding: str | None = None

    @property
    def text(self) -> str:
        """As text, for a plain search; UTF-16 and UTF-32 then read like ASCII."""
        return self.data.replace(b"\x00", b"").decode("utf-8", "replace")


@dataclass(frozen=True)
class Exchange:
    """What a crawler has fetched, and as whom."""

    #: Absolute, without lone surrogates.
    url: str
    #: The name of the crawler, or its whole ``User-Agent``; ``*`` for nobody in particular.
    user_agent: str
    fields: tuple[Field, ...] = ()
    robots_txt: Body | None = None
    tdmrep: Body | None = None
    rsl: Body | None = None
    #: There may be one, but it could not be had.
    rsl_unreadable: bool = False

    @cached_property
    def robots(self) -> Robots:
        """The lines of robots.txt that speak about use, parsed once for all readers."""
        return Robots.parse("" if self.robots_txt is None else self.robots_txt.text)

    def named(self, name: str) -> Iterator[Field]:
        """The fields of one name, which is in lower case."""
        return (field for field in self.fields if field.name == name)

    def addressed_by(self, agent: str) -> bool:
        """Whether ``agent``, as a site names it, is this crawler or everybody."""
        agent = agent.strip().casefold()
        if agent in ("*", "robots", ""):
            return True
        # Not within another word, so that "bot" is not "mybot"; but within a whole User-Agent.
        return re.search(rf"(?<![\w-]){re.escape(agent)}(?![\w-])", self.user_agent.casefold()) is not None


class HttpReader(Protocol):
    """Reads one vocabulary."""

    def __call__(self, exchange: Exchange) -> Iterable[Finding]:
        """Every statement of this vocabulary that is addressed to this agent and this address.

        Does not raise on any content.
        """
