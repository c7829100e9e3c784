"""robots.txt (RFC 9309) with noai's block in it: everything else keeps every byte and its meaning.

A new block goes directly behind the ``User-agent`` lines of the first group for everybody, in front of that
group's rules. Where there is none on whose bounds all readers agree, it is a group of its own at the end;
groups for the same agent are one (section 2.2.1). A block that is there already is replaced where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from noai.errors import SiteFileMalformed
from noai.limits import ROBOTS_BYTES

NAME: Final = "robots.txt"
_BEGIN: Final = b"# noai: begin"
_END: Final = b"# noai: end"
_COMMENT: Final = b'# Between these two lines "noai publish" writes anew what it finds.'
_EVERYBODY: Final = b"*"

_LINE: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:(?P<agent>user[-_ ]?agent)"
    rb"|(?P<rule>allow|dis+all?ow|content[-_ ]?usage|content[-_ ]?signals?)"
    rb"|(?P<other>[\w-]+))\s*[:\s]\s*(?P<value>.*)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass
class _Run:
    """The ``User-agent`` lines that begin one group."""

    agents: list[bytes] = field(default_factory=list)
    #: Index of the line behind the last of them.
    end: int = 0
    #: Lines of other kinds stand behind them; for some readers they end the list, for others they do not.
    is_followed: bool = False
    is_clear: bool = True


@dataclass(frozen=True)
class Edited:
    """The new content, and agents with groups of their own, whom it does not address."""

    content: bytes
    elsewhere: tuple[str, ...]


def with_block(existing: bytes | None, rules: Iterable[str]) -> Edited:
    """``existing`` with ``rules`` as noai's block for everybody.

    Raises:
        SiteFileMalformed: for what is no robots.txt, and for a block that is damaged or addresses others.
    """
    old = existing or b""
    _require_text(old)
    lines = old.splitlines(keepends=True)
    newline = _newline(lines)
    body = [rule.encode("ascii") for rule in rules]
    bounds = _block(lines)
    if bounds is None:
        before, after, group = _placed(lines, newline)
    else:
        start, end = bounds
        before, after = lines[:start], lines[end:]
        group = _is_own_group(lines[start:end], before)
    block = [_BEGIN, _COMMENT, *([b"User-agent: *"] if group else []), *body]
    # The empty rule forbids nothing. Without one some readers would add the next group's agents to this one.
    block += [*([b"Disallow:"] if group else []), _END]
    content = b"".join([*before, *(line + newline for line in block), *after])
    if len(content) > ROBOTS_BYTES:
        raise SiteFileMalformed(f"{NAME}: would be longer than {ROBOTS_BYTES} bytes, which crawlers read")
    return Edited(content, _elsewhere([*before, *after], len(before), group))


def _require_text(data: bytes) -> None:
    if b"\x00" in data or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SiteFileMalformed(f"{NAME}: is not UTF-8 text")
    if len(data) > ROBOTS_BYTES:
        raise SiteFileMalformed(f"{NAME}: is longer than {ROBOTS_BYTES} bytes, which crawlers read")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise SiteFileMalformed(f"{NAME}: is not UTF-8 text") from None
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise SiteFileMalformed(f"{NAME}: is a page, not a robots.txt")


def _newline(lines: Sequence[bytes]) -> bytes:
    first = lines[0] if lines else b""
    return first[len(first.rstrip(b"\r\n")) :] or b"\n"


def _block(lines: Sequence[bytes]) -> tuple[int, int] | None:
    """Where the block stands, its first and last line included."""
    starts = [n for n, line in enumerate(lines) if line.strip() == _BEGIN]
    ends = [n for n, line in enumerate(lines) if line.strip() == _END]
    if not starts and not ends:
        return None
    if len(starts) != 1 or len(ends) != 1 or starts[0] > ends[0]:
        raise SiteFileMalformed(f"{NAME}: the lines {_BEGIN.decode()} and {_END.decode()} are not one pair")
    return starts[0], ends[0] + 1


def _placed(lines: list[bytes], newline: bytes) -> tuple[list[bytes], list[bytes], bool]:
    """What stands in front of a new block and behind it, and whether it is a group of its own."""
    runs = _runs(lines)
    at = next((run.end for run in runs if _EVERYBODY in run.agents and run.is_clear), None)
    before = lines[: len(lines) if at is None else at]
    if before and not before[-1].endswith((b"\r", b"\n")):
        before = [*before, newline]
    if at is None:
        return [*before, *([newline] if before else [])], [], True
    return before, lines[at:], False


def _is_own_group(block: Sequence[bytes], before: Sequence[bytes]) -> bool:
    """Whether the block has its own ``User-agent`` line, so that it addresses everybody where it stands."""
    if any(_EVERYBODY in run.agents for run in _runs(block)):
        return True
    runs = _runs(before)
    if not runs or _EVERYBODY not in runs[-1].agents:
        raise SiteFileMalformed(f"{NAME}: noai's block is not in a group for everybody; take it out")
    return False


def _elsewhere(lines: Sequence[bytes], at: int, is_group: bool) -> tuple[str, ...]:
    """The agents that follow groups in which the block, at line ``at``, does not stand."""
    runs = _runs(lines)
    home = None if is_group else max((run.end for run in runs if run.end <= at), default=None)
    heard = {agent.lower() for run in runs if run.end == home for agent in run.agents}
    names = {
        agent.lower(): agent.decode("utf-8", "replace")
        for run in runs
        for agent in run.agents
        if agent != _EVERYBODY and agent.lower() not in heard
    }
    return tuple(names.values())


def _runs(lines: Sequence[bytes]) -> list[_Run]:
    runs: list[_Run] = []
    current: _Run | None = None
    for number, line in enumerate(lines):
        match = _LINE.match(line.partition(b"#")[0])
        if match is None:
            continue
        if match["agent"] is not None:
            if current is None:
                current = _Run()
                runs.append(current)
            current.is_clear &= not current.is_followed
            # Only the product token is compared, not its version (section 2.2.1).
            current.agents += re.split(rb"[/\s]", match["value"].strip(), maxsplit=1)[:1]
            current.end = number + 1
        elif match["rule"] is not None:
            current = None
        elif current is not None:
            current.is_followed = True
    return runs
