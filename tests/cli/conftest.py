"""Running the command line: as it is installed, and in this process where many runs are needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from noai.cli.app import run
from tests.audio import SAMPLES

#: The installed command, beside the interpreter that runs the tests.
COMMAND = Path(sys.executable).parent / "noai"
#: Without the right to read everything that root has, so that permissions count. For root only.
WITHOUT_OVERRIDE = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


@dataclass(frozen=True)
class Done:
    """What a run of the command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output as one JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def refuses(self, *words: str, code: int = 2) -> None:
        """The run failed with one sentence on stderr that holds ``words``, and without a traceback."""
        assert self.code == code, self
        assert "Traceback" not in self.err
        complaints = [line for line in self.err.splitlines() if line.startswith("noai: error: ")]
        assert len(complaints) == 1, self.err
        for word in words:
            assert word in complaints[0]


Run = Callable[..., Done]


def _make_home(folder: Path, *names: str) -> Path:
    environment = {**os.environ, "NOAI_HOME": str(folder)}
    for name in names:
        subprocess.run([COMMAND, "keygen", name], env=environment, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration folder with the identity ``ana``; never to be changed."""
    return _make_home(tmp_path_factory.mktemp("home"), "ana")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty configuration folder, no passphrase, no colour, and nothing relative to the repository."""
    for name in ("NOAI_PASSPHRASE", "FORCE_COLOR", "NO_COLOR", "_NOAI_COMPLETE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NOAI_HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The configuration folder in use; it does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def ana(home: Path, made_home: Path) -> Path:
    """The configuration folder in use, with the identity ``ana``."""
    shutil.copytree(made_home, home)
    return home


@pytest.fixture
def noai(capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """``noai("verify", path)`` in this process."""

    def invoke(*arguments: str | os.PathLike[str]) -> Done:
        capsysbinary.readouterr()
        code = run([os.fspath(argument) for argument in arguments])
        out, err = capsysbinary.readouterr()
        return Done(code, out.decode(), err.decode())

    return invoke


@pytest.fixture
def installed() -> Run:
    """``installed("verify", path)``: the installed command in a process of its own."""

    def invoke(
        *arguments: str | os.PathLike[str], stdin: bytes = b"", unprivileged: bool = False, **environment: str
    ) -> Done:
        before = WITHOUT_OVERRIDE if unprivileged and os.geteuid() == 0 else ()
        done = subprocess.run(
            [*before, COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            env={**os.environ, **environment},
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return invoke


@pytest.fixture
def album() -> Path:
    """A folder of unmarked tracks, one of every container, and one file that is no track."""
    folder = Path("album")
    folder.mkdir()
    for path in (SAMPLES / "unmarked").glob("tune*"):
        shutil.copy(path, folder / path.name)
    (folder / "cover.txt").write_text("not audio")
    return folder


@pytest.fixture
def track() -> Path:
    """One small unmarked track."""
    return Path(shutil.copy(SAMPLES / "unmarked" / "tune.mp3", "tune.mp3"))


@pytest.fixture(scope="session")
def marked_album(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``album`` marked by ``ana``; never to be changed."""
    folder = tmp_path_factory.mktemp("marked")
    subprocess.run(
        [COMMAND, "mark", *(SAMPLES / "unmarked").glob("tune*"), "-o", folder],
        env={**os.environ, "NOAI_HOME": str(made_home)},
        check=True,
        capture_output=True,
    )
    return folder


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every path below ``folder`` with its content; None for what is not a regular file."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() and not path.is_symlink() else None
        for path in sorted(folder.rglob("*"))
    }
