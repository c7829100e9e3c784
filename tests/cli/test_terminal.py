"""At a terminal: prompts, colour, progress, Ctrl-C. A real one, by a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, Run, snapshot

#: A wait that only ends a test that hangs.
PATIENCE = 60


class Terminal:
    """A command at a pseudo-terminal: what it shows, and what a person types."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._master, slave = pty.openpty()
        self._bytes = b""
        self.process = subprocess.Popen(
            [COMMAND, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "200", **environment},
            start_new_session=True,
        )
        os.close(slave)

    @property
    def shown(self) -> str:
        return self._bytes.decode(errors="replace")  # the end may be a part of a character

    def see(self, pattern: str) -> str:
        """Wait until ``pattern`` is shown."""
        while not re.search(pattern, self.shown):
            assert self._read(), f"{pattern} is not in {self.shown!r}"
        return self.shown

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Wait for the end; the exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        os.close(self._master)
        self.process.kill()
        self.process.wait(PATIENCE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], PATIENCE)
        assert ready, f"nothing more after {self.shown!r}"
        try:
            data = os.read(self._master, 65536)
        except OSError:  # as Linux says that the other end is closed
            return False
        self._bytes += data
        return bool(data)


@contextmanager
def terminal(*arguments: str, **environment: str) -> Iterator[Terminal]:
    running = Terminal(*arguments, **environment)
    try:
        yield running
    finally:
        running.close()


def test_a_new_passphrase_is_asked_for_twice(installed: Run, track: Path) -> None:
    with terminal("keygen", "ana", "--passphrase") as at:
        at.see("Passphrase for the new key: ")
        at.type("secret one\n")
        at.see("Repeat for confirmation: ")
        at.type("secret two\n")
        at.see("do not match")
        at.see("(?s)match.*Passphrase for the new key: ")
        at.type("secret one\n")
        at.see("(?s)match.*Repeat for confirmation: ")
        at.type("secret one\n")
        assert at.end() == 0
        assert "secret" not in at.shown
    assert installed("mark", track, "-o", "out", "--no-c2pa", NOAI_PASSPHRASE="secret one").code == 0


def test_the_passphrase_is_asked_for_once_for_all_files(installed: Run, album: Path) -> None:
    installed("keygen", "ana", NOAI_PASSPHRASE="secret")
    with terminal("mark", "album", "-o", "out", "--no-c2pa") as at:
        at.see("Passphrase for the key of 'ana': ")
        at.type("secret\n")
        assert at.end() == 0
        assert at.shown.count("Passphrase") == 1
        assert "secret" not in at.shown
    assert len(list(Path("out").iterdir())) == len(list(album.glob("tune*")))


def test_a_wrong_passphrase_at_the_prompt(installed: Run, track: Path) -> None:
    installed("keygen", "ana", NOAI_PASSPHRASE="secret")
    before = snapshot(Path())
    with terminal("mark", "tune.mp3", "--in-place") as at:
        at.see("Passphrase.*: ")
        at.type("wrong\n")
        assert at.end() == 2
        assert "the passphrase is wrong" in at.shown
    assert snapshot(Path()) == before


def test_leaving_a_prompt(installed: Run, track: Path) -> None:
    installed("keygen", "ana", NOAI_PASSPHRASE="secret")
    with terminal("mark", "tune.mp3", "-o", "out") as at:
        at.see("Passphrase.*: ")
        at.process.send_signal(signal.SIGINT)
        assert at.end() == 130
        assert "Traceback" not in at.shown
    assert not Path("out").exists()


def test_colour_and_progress_on_a_terminal(marked_album: Path) -> None:
    with terminal("verify", str(marked_album)) as at:
        assert at.end() == 1
        assert "\x1b[1;31mrejected" in at.shown
        assert "files" in at.shown
        # The bar is gone, and the cursor is back.
        assert at.shown.rindex("\x1b[?25h") > at.shown.rindex("\x1b[?25l")


def test_progress_within_a_large_file(ana: Path, tmp_path: Path) -> None:
    """One file of 100 MB, read and moved several times: the bar counts bytes, not only files."""
    track = tmp_path / "long.wav"
    size = 100 * 2**20
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 44_100, 176_400, 4, 16)
    track.write_bytes(
        struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form + struct.pack("<4sI", b"data", size)
    )
    with track.open("r+b") as file:
        file.truncate(44 + size)
    with terminal("mark", "--identity", "ana", "--no-c2pa", "--in-place", str(track)) as at:
        assert at.end() == 0
        assert "GiB worked through" in at.shown


def test_no_colour_when_that_was_asked_for(marked_album: Path) -> None:
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        with terminal("verify", str(marked_album), **environment) as at:
            assert at.end() == 1
            assert not re.search(r"\x1b\[[0-9;]*3[0-7]", at.shown)


def test_a_program_at_a_terminal_gets_nothing_but_lines(marked_album: Path) -> None:
    with terminal("verify", str(marked_album), "--format", "jsonl") as at:
        assert at.end() == 1
        assert "\x1b" not in at.shown
        assert at.shown.count("\n") == len(list(marked_album.iterdir()))


def test_tables_and_trees_fit_the_window(ana: Path, marked_album: Path) -> None:
    with terminal("inspect", str(marked_album / "tune.mp3"), COLUMNS="60", NO_COLOR="1") as at:
        assert at.end() == 0
        plain = re.sub(r"\x1b\[[0-9;]*m", "", at.shown)
        assert max(len(line) for line in plain.split("\r\n")) <= 60


def test_the_path_of_a_file_cannot_drive_the_terminal(track: Path) -> None:
    hostile = "\x1b]0;title\x07\x9b2Jx.mp3"
    track.rename(hostile)
    for form in ("text", "csv", "json"):
        with terminal("verify", hostile, "--format", form, NO_COLOR="1") as at:
            assert at.end() == 0
            assert "\x1b]" not in at.shown
            assert "\x07" not in at.shown
            assert "\x9b" not in at.shown


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c(track: Path, jobs: str) -> None:
    """While the command waits for more paths: what was judged before is written, and no traceback."""
    command = [str(COMMAND), "verify", "--files-from", "-", "--format", "jsonl", "--jobs", jobs]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        # What starts the tests in the background may have it ignored, which programs inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        # More than the processes take ahead, so that the first answers come before the wait.
        process.stdin.write(b"tune.mp3\n" * 200)
        process.stdin.flush()
        assert process.stdout.readline().startswith(b"{")
        # As a terminal does it: to every process of the group.
        os.killpg(process.pid, signal.SIGINT)
        process.stdout.read()
        complaint = process.stderr.read()
        assert process.wait(PATIENCE) == 130
    assert complaint == b"noai: interrupted\n"
