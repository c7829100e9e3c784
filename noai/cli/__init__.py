"""The command line: one module a command. Only here are errors turned into exit codes."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command ``noai`` with the arguments of this process, and exit."""
    try:
        from noai.cli.app import run_and_exit

        run_and_exit()
    except KeyboardInterrupt:  # before the command itself had begun to listen
        sys.exit(130)


__all__ = ["main"]
