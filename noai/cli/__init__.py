"""The command line: one module a command. Only here are errors turned into exit codes."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Run the command ``noai`` with the arguments of this process, and exit."""
    from noai.cli.app import run_and_exit

    run_and_exit()


__all__ = ["main"]
