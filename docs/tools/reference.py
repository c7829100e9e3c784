"""Write the pages that the code itself knows: ``codes.md``, ``vocabularies.md``, ``reference/cli.md``.

And the words for codes that the web page of ``noai serve`` shows.

    python docs/tools/reference.py

``tests/docs`` compares the pages with what this would write.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import click

from noai import codes, vocabulary
from noai.cli.app import app
from noai.codes import Code

DOCS: Final = Path(__file__).resolve().parent.parent
#: What click fills of a terminal with 80 columns.
WIDTH: Final = 78

_SECTION: Final = re.compile(r"^    # -- (?P<title>.*?) -+$")
_MEMBER: Final = re.compile(r"^    (?P<name>[A-Z][A-Z0-9_]*) = ")

_CODES: Final = """\
# Codes

Findings and reasons carry these codes. They are stable: a code never changes its meaning, and messages may.

A code that **blocks** says that something which could matter was not read or not checked: while it stands, a
file is neither `allowed` nor `unreserved`. Other codes say what was found and decide nothing by themselves.
"""

_CLI: Final = """\
# Command line

What `--help` says of each command. `NOAI_HOME` overrides the folder in which identities and the trust list
are kept; `NOAI_PASSPHRASE` holds the passphrase of an encrypted key where nobody can be asked; `NO_COLOR` is
honoured. Results go to standard output, progress and messages to standard error.

| exit code | `verify` | `mark` | other commands |
| --- | --- | --- | --- |
| 0 | all admitted | all marked, or already so | done |
| 1 | at least one file decided and not admitted | some failed | failed |
| 2 | wrong usage, or no valid input at all | the same; nothing was written | wrong usage |
| 3 | otherwise, at least one undecided | | |

70 is a bug in noai, 130 an interruption, 141 a pipe that was closed: none of them is an answer.
"""


def codes_page() -> str:
    return "\n".join([_CODES, *_code_rows()]) + "\n"


def _code_rows() -> Iterator[str]:
    """The table, in sections as the enumeration has them."""
    for line in inspect.getsource(codes).splitlines():
        if section := _SECTION.match(line):
            title = section["title"]
            yield f"\n## {title[0].upper()}{title[1:]}\n\n| code | blocks | meaning |\n| --- | --- | --- |"
        elif member := _MEMBER.match(line):
            code = Code[member["name"]]
            yield f"| `{code}` | {'**yes**' if code.blocks else ''} | {code.meaning} |"


def codes_for_browsers() -> str:
    """Of each code whether it blocks, and its meaning."""
    lines = (f'"{code}": {json.dumps([code.blocks, code.meaning], ensure_ascii=False)}' for code in Code)
    return "{\n" + ",\n".join(lines) + "\n}\n"


def cli_page() -> str:
    return "\n".join([_CLI, *_command_sections(app, "noai", None)])


def _command_sections(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(command, parent, info_name=name, terminal_width=WIDTH, **command.context_settings)
    path = context.command_path
    level = min(2 + path.count(" "), 3)
    yield f"{'#' * level} {path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        # By its methods: the outer group imports each command only when it is asked for it.
        for inner in sorted(command.list_commands(context)):
            found = command.get_command(context, inner)
            assert found is not None
            yield from _command_sections(found, inner, context)


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "codes.md": codes_page,
    "vocabularies.md": vocabulary.as_markdown,
    "reference/cli.md": cli_page,
    "../noai/service/page/codes.json": codes_for_browsers,
}


def main() -> None:
    for name, page in PAGES.items():
        path = DOCS / name
        if not path.exists() or path.read_text("utf-8") != page():
            path.write_text(page(), "utf-8")
            print(f"wrote docs/{name}")


if __name__ == "__main__":
    main()
