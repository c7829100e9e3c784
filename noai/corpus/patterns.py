"""Which of the files in a folder are meant: patterns over the way below it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from noai.errors import UsageError

#: What one step of a pattern becomes, longest first.
_STEP: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[[!^]?\]?[^]/]*\]|.", re.S)
#: Of one pattern. Longer ones are no patterns, and cost time with every file.
_CHARACTERS: Final = 4_096


@dataclass(frozen=True)
class Selection:
    """What is taken of a folder: everything that ``include`` names, if anything, but for ``exclude``.

    A pattern with a slash in front of its end is matched with the whole way below the folder, one without
    with the name alone, at any depth. ``*`` and ``?`` stand for any characters but a slash, ``[abc]`` and
    ``[!abc]`` for one of a set or none of it, ``**/`` for any number of folders, and ``**`` at the end for
    everything below. A slash at the end, as in ``takes/``, means the same as ``takes/**``: all in such a
    folder. Letters match as they are, capital or small, on every system. ``exclude`` holds for folders as
    well, which are then not entered; ``include`` is asked about files alone.

    Raises:
        UsageError: for a pattern that is empty or far too long.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def __post_init__(self) -> None:
        for pattern in (*self.include, *self.exclude):
            if not pattern.strip("/") or len(pattern) > _CHARACTERS:
                raise UsageError(f"{pattern!r} is no pattern for the names of files")
            try:
                re.compile(_expression(pattern))
            except re.error as error:
                raise UsageError(f"{pattern!r} is no pattern for the names of files: {error}") from None

    def takes(self, way: str) -> bool:
        """Whether the file at ``way`` below the folder is meant."""
        if self._included is not None and not self._included.fullmatch(way):
            return False
        return self._excluded is None or not self._excluded.fullmatch(way)

    def enters(self, way: str) -> bool:
        """Whether the folder at ``way`` below the given one is looked into."""
        return self._excluded is None or not self._excluded.fullmatch(f"{way}/")

    def __bool__(self) -> bool:
        """Whether anything is left out at all."""
        return bool(self.include or self.exclude)

    @cached_property
    def _included(self) -> re.Pattern[str] | None:
        return _compiled([_expression(pattern) for pattern in self.include])

    @cached_property
    def _excluded(self) -> re.Pattern[str] | None:
        # The slash with which the way to a folder ends here.
        return _compiled([f"(?:{_expression(pattern)})/?" for pattern in self.exclude])


EVERYTHING: Final = Selection()


def _compiled(expressions: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(expressions), re.S) if expressions else None


def _expression(pattern: str) -> str:
    """A pattern as a regular expression for the whole way."""
    if pattern.endswith("/"):
        pattern += "**"
    inner, below = pattern.lstrip("/"), pattern.endswith("/**")
    anchored = "/" in (pattern[:-3] if below and not pattern.startswith("/") else pattern)
    steps = [_translated(step) for step in _STEP.findall(inner)]
    return ("" if anchored else "(?:.*/)?") + "".join(steps)


def _translated(step: str) -> str:
    if step == "**/":
        return "(?:.*/)?"
    if step == "**":
        return ".*"
    if step == "*":
        return "[^/]*"
    if step == "?":
        return "[^/]"
    if len(step) > 2 and step[0] == "[" and step[-1] == "]":
        negated, members = step[1] in "!^", step[1:-1].lstrip("!^") if step[1] in "!^" else step[1:-1]
        members = re.sub(r"([\\\[\]&~|^])", r"\\\1", members)
        return f"[{'^/' if negated else ''}{members}]" if members else re.escape(step)
    return re.escape(step)
