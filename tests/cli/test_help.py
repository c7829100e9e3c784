"""Help, version, and how the command is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import noai as package
from noai.claim import Use
from noai.cli import app as application
from tests.cli.conftest import Run

COMMANDS = {
    (): ("keygen", "mark", "verify", "inspect", "identity", "trust", "NOAI_HOME", "NOAI_PASSPHRASE"),
    ("keygen",): ("--alg", "es256|ed25519", "--passphrase"),
    ("mark",): (
        *("--output DIR", "--in-place", "--identity", "--key", "--cert", "--profile", "--deny", "--allow"),
        *("--holder", "--contact", "--licence-url", "--isrc", "--no-c2pa", "--c2pa-sidecar", "--json"),
        *("--constrain USE", "--constraint TEXT", "--iswc", "--upc", "--isni", "--ipi", "--dpid", "--title"),
        *("--artist", "--no-tags", "--claims FILE", "--dry-run"),
        *("--terms FILE|URL", "--tsa URL", "--receipt FILE"),
        *(use.value.rpartition(".")[2] for use in Use),
    ),
    ("verify",): (
        *("--use", "--trust", "--policy", "opt-out|opt-in", "--depth", "evidence|decision", "--format"),
        *("text|json|jsonl|csv", "--output FILE", "--files-from", "-0", "--jobs"),
        *("rejected", "undecided", "allowed", "unreserved", "Exit codes"),
        *(
            "--licensee ID",
            "--model M",
            "--territory T",
            "--grants FILE",
            "--revocations FILE",
            "--status FILE",
        ),
    ),
    ("filter",): (
        *(
            "--output DST",
            "--as",
            "list|records|links|copies|shards",
            "--print0",
            "--rejected FILE",
            "--policy",
        ),
        *("--use", "--trust", "--depth", "--files-from", "--include", "--exclude", "--jobs", "Exit codes"),
        *(
            "--licensee ID",
            "--model M",
            "--territory T",
            "--grants FILE",
            "--revocations FILE",
            "--status FILE",
        ),
    ),
    ("inspect",): ("FILE", "--json"),
    ("report",): ("PATH...", "--output HTML", "--title", "Exit codes"),
    ("receipt",): ("verify",),
    ("receipt", "verify"): ("RECEIPT", "[OUTPUT]", "--trust PEM", "--json", "Exit codes"),
    ("receipts",): ("verify",),
    ("receipts", "verify"): ("FILE", "[TRACK...]", "--trust PEM", "--json", "Exit codes"),
    ("identity",): ("list", "export"),
    ("identity", "list"): ("--json",),
    ("identity", "export"): ("NAME", "--output PEM"),
    ("grant",): (
        *("--identity", "--key", "--cert", "--licensee ID", "--allow USE", "--track FILE", "--isrc", "--all"),
        *(
            "--model",
            "--territory",
            "--from D",
            "--until D",
            "--status-list URL",
            "--agreement ID",
            "--output FILE",
        ),
    ),
    ("grants",): ("list",),
    ("grants", "list"): ("FILE", "--json", "--trust PEM", "Exit codes"),
    ("delegate",): (
        *("--to PEM|THUMBPRINT", "--allow USE", "--track FILE", "--isrc", "--all", "--from D", "--until D"),
        *("--status-list URL", "--output FILE"),
    ),
    ("revoke",): ("ID", "--identity", "--grants FILE", "--track FILE", "--output FILE"),
    ("status",): ("--identity", "--output FILE", "--days N"),
    ("publish",): (
        *("DIR", "--profile", "--deny USE", "--policy-url URL", "--path PATH", "--snippets FOLDER"),
        *("--dry-run", "--json", "robots.txt", "tdmrep.json", "nginx", "Apache", "Exit codes"),
    ),
    ("serve",): (
        *("--host", "--port", "--allowed-host NAME", "--root-path", "--identity", "--key", "--cert"),
        *(
            "--token-file FILE",
            "NOAI_TOKEN",
            "--use",
            "--trust",
            "--policy",
            "--depth",
            "--max-bytes",
            "--workers",
        ),
        *("--queue", "--upload-seconds", "--idle-seconds", "--stop-seconds", "--log-level", "/v1/verify"),
    ),
    ("trust",): ("add", "list", "remove"),
    ("trust", "add"): ("PEM", "--may", "permit|grant", "--kind", "--key", "--isrc", "identify"),
    ("trust", "list"): ("--json",),
    ("trust", "remove"): ("FINGERPRINT",),
}


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(noai: Run, command: tuple[str, ...], option: str) -> None:
    done = noai(*command, option)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: {' '.join(('noai', *command))}")
    for told in COMMANDS[command]:
        assert told in done.out
    # Nothing is cut short, and examples stay as they were typed.
    assert "..." not in done.out.replace("PATH...", "").replace("[ARGS]...", "").replace(
        "[FILE]...", ""
    ).replace("TRACK...", "")


def test_the_list_of_commands_is_complete() -> None:
    names = {path.stem for path in Path(application.__file__).parent.glob("[a-z]*.py")} - {"app"}
    assert names == set(application._COMMANDS) == {command[0] for command in COMMANDS if command}


def test_version(installed: Run) -> None:
    done = installed("--version")
    assert (done.code, done.out) == (0, f"noai {package.__version__}\n")


@pytest.mark.parametrize("command", [(), ("identity",), ("trust",), ("receipt",), ("receipts",)])
def test_without_a_command_the_help_is_shown_as_an_error(noai: Run, command: tuple[str, ...]) -> None:
    done = noai(*command)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: noai")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("frobnicate",), ("frobnicate", "noai --help")),
        (("trust", "frobnicate"), ("frobnicate", "noai trust --help")),
        (("inspect",), ("FILE", "noai inspect --help")),
        (("verify", "x.mp3", "--format", "xml"), ("xml", "jsonl")),
        (("verify", "x.mp3", "--policy", "none"), ("none", "opt-in")),
        (("keygen", "ana", "--alg", "rsa"), ("rsa", "ed25519")),
        (("keygen",), ("NAME", "noai keygen --help")),
        (("keygen", "ana", "bo"), ("bo",)),
    ],
)
def test_calls_that_make_no_sense(noai: Run, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    noai(*arguments).refuses(*words)


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "noai", "--version"], capture_output=True, check=True)
    assert done.stdout.decode() == f"noai {package.__version__}\n"


def test_shell_completion(installed: Run) -> None:
    assert "_NOAI_COMPLETE=bash_complete" in installed(_NOAI_COMPLETE="bash_source").out
    done = installed(_NOAI_COMPLETE="bash_complete", COMP_WORDS="noai verify --use ai_tr", COMP_CWORD="3")
    assert "ai_training" in done.out


def test_what_is_not_needed_is_not_loaded() -> None:
    """The heavy libraries wait until a command really uses them."""
    show = "import sys, noai.cli.app as a, noai.cli.verify, noai.cli.mark; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, check=True, text=True)
    assert not {"mutagen", "c2pa", "rich.progress", "rich.table"} & set(done.stdout.split())
