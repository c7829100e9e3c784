"""The documentation as the tests see it: pages, and the fenced blocks in them that a reader would run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"

_FENCE: Final = re.compile(
    r"^(?P<indent> *)```(?P<language>[a-z]*)[^\n]*\n(?P<body>.*?)^(?P=indent)```\s*$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line on which the text begins."""

    language: str
    text: str
    line: int


def pages() -> list[Path]:
    """README and the other pages at the top, and everything under ``docs``."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for match in _FENCE.finditer(text):
        indent = match["indent"]
        body = "".join(line.removeprefix(indent) for line in match["body"].splitlines(keepends=True))
        yield Block(match["language"], body, text.count("\n", 0, match.start()) + 2)


@dataclass(frozen=True)
class Step:
    """Something to run on a page, and what the page shows that it prints."""

    command: str
    output: tuple[str, ...]
    line: int


def steps(page: Path) -> list[Step]:
    """Everything on ``page`` that runs, in order.

    ``console`` blocks: a line after ``$ `` is a command, continued while lines end in a backslash,
    and what follows up to the next command is its output. ``python`` blocks are scripts; a ``text``
    block that follows at once is their output.
    """
    found: list[Step] = []
    previous: Block | None = None
    for block in blocks(page):
        if block.language == "console":
            found += _commands(block)
        elif block.language == "python":
            found.append(Step(f"python - <<'PYTHON-BLOCK'\n{block.text}PYTHON-BLOCK", (), block.line))
        elif block.language == "text" and previous is not None and previous.language == "python":
            script = found.pop()
            found.append(Step(script.command, tuple(block.text.splitlines()), script.line))
        previous = block
    return found


def _commands(block: Block) -> Iterator[Step]:
    command: list[str] = []
    output: list[str] = []
    start = block.line
    for number, line in enumerate(block.text.splitlines(), block.line):
        if command and command[-1].endswith("\\") and not output:
            command.append(line)
        elif line.startswith("$ "):
            if command:
                yield Step("\n".join(command), tuple(output), start)
            command, output, start = [line[2:]], [], number
        else:
            output.append(line)
    if command:
        yield Step("\n".join(command), tuple(output), start)
