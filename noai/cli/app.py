"""The command ``noai`` as a whole: its commands, and what their errors become."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Final, NoReturn, TextIO

import click
from click.shell_completion import shell_complete

from noai._version import __version__
from noai.cli import _render
from noai.cli._exits import Exit
from noai.cli._options import HelpfulGroup
from noai.errors import NoaiError

_NAME: Final = "noai"
_COMPLETION: Final = "_NOAI_COMPLETE"

_EPILOG: Final = """\
\b
Mark an album, and check a folder:
  noai keygen ana
  noai mark album/ -o marked/
  noai verify marked/

\b
Exit codes: 0 fine; 1 something failed, or was not admitted; 2 usage; 3 undecided (verify).
NOAI_HOME is the folder of keys and trust; NOAI_PASSPHRASE answers the prompt for one.
Completion: eval "$(_NOAI_COMPLETE=bash_source noai)"   (or zsh_source, fish_source)
"""


#: Each command and the module that has it under this very name.
_COMMANDS: Final = (
    *("keygen", "mark", "verify", "filter", "inspect", "report"),
    *("receipt", "receipts", "identity", "trust"),
    *("grant", "grants", "delegate", "revoke", "status", "publish", "serve"),
)


class _LazyGroup(HelpfulGroup):
    """Imports a command's module when the command is asked for, so that each starts quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"noai.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(
    _NAME,
    cls=_LazyGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name=_NAME, message="%(prog)s %(version)s")
def app() -> None:
    """A signed "no AI training" declaration inside audio files, and the gate that checks it."""


def run_and_exit(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command with ``arguments`` (default: those of the process) and exit with its code."""
    _harden_streams()
    instruction = os.environ.get(_COMPLETION)
    if instruction:
        sys.exit(shell_complete(app, {}, _NAME, _COMPLETION, instruction))
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code. Every expected error is one sentence on stderr."""
    try:
        code = _invoke(list(arguments))
        sys.stdout.flush()
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        return _fail(error.format_message())
    except NoaiError as error:
        return _fail(_without_home(str(error)))
    except (KeyboardInterrupt, click.Abort):
        _render.say("interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return Exit.PIPE_CLOSED
    except OSError as error:
        # Commands turn the failures of their own files into errors that say which: this is stdout.
        _silence_stdout()
        return _fail(f"the output cannot be written: {error.strerror or error}")
    except Exception:  # noqa: BLE001  a crash must not exit with a code that is an answer
        traceback.print_exc()
        return _fail("this is a bug in noai; please report it with the lines above", Exit.INTERNAL)
    return code


def _without_home(message: str) -> str:
    """``message``, or the reason for it where the folder of keys and trust is no folder."""
    home = os.path.normpath(os.environ.get("NOAI_HOME") or os.curdir)
    if os.path.isdir(home) or not os.path.exists(home) or not message.startswith(home + os.sep):
        return message
    return f"{home}: is not a folder, but NOAI_HOME names it as the one of keys and trust"


def _invoke(arguments: list[str]) -> int:
    # Not click's own main(): it exits with 1 on a closed pipe, which would be an answer of verify.
    try:
        with app.make_context(_NAME, arguments) as context:
            code = app.invoke(context)
    except click.exceptions.Exit as leaving:
        code = leaving.exit_code
    return int(code or Exit.OK)


def _usage(error: click.UsageError) -> int:
    command = error.ctx.command_path if error.ctx else _NAME
    return _fail(f"{error.format_message().rstrip('.')}; see: {command} --help")


def _fail(message: str, code: Exit = Exit.USAGE) -> int:
    _render.say(f"error: {message}")
    return code


def _harden_streams() -> None:
    """What a terminal's encoding does not have is shown escaped, not raised; a closed stream takes all."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _silence_stdout() -> None:
    """Point stdout nowhere, so that the interpreter does not complain again when it flushes it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
