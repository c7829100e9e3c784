"""The pre-commit hook, by real pre-commit in real repositories.

pre-commit would build noai in an environment of its own; here the installed one runs in its place.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from noai.corpus.walking import AUDIO_EXTENSIONS
from tests.audio import SAMPLES
from tests.docs.pages import DOCS, ROOT, blocks
from tests.integrations.thousand import Corpus

_HOOK = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))[0]


class Repository:
    """A git repository with the hook installed."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self._environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("GIT_", "PRE_COMMIT"))
            },
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "PRE_COMMIT_HOME": str(home / "pre-commit"),
            **{
                f"GIT_{who}_{what}": "ana@example.org"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
            "GIT_CONFIG_NOSYSTEM": "1",
            "NO_COLOR": "1",
        }
        folder.mkdir(exist_ok=True)
        self.run("git", "init", "--quiet")

    def configure(self, args: Sequence[str] = ()) -> None:
        hook = {**_HOOK, "language": "system", "args": [*args, *_HOOK["args"]]}
        config = {"repos": [{"repo": "local", "hooks": [hook]}]}
        (self.folder / ".pre-commit-config.yaml").write_text(json.dumps(config), "utf-8")
        self.run("git", "add", ".pre-commit-config.yaml")

    def run(self, *command: str | Path, status: int = 0) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        output = (done.stdout + done.stderr).decode("utf-8", "backslashreplace")
        assert done.returncode == status, output[-3000:]
        return output

    def hook(self, *arguments: str, status: int = 0) -> str:
        return self.run(sys.executable, "-m", "pre_commit", "run", "--verbose", *arguments, status=status)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "home").mkdir()
    made = Repository(tmp_path / "repository", tmp_path / "home")
    made.configure()
    return made


def _records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def test_the_hook_asks_about_whatever_is_called_audio() -> None:
    pattern = re.compile(_HOOK["files"])
    asked = {extension for extension in AUDIO_EXTENSIONS if pattern.search(f"a/b{extension.upper()}")}
    assert asked == AUDIO_EXTENSIONS
    assert not any(pattern.search(name) for name in ("mp3", "a.mp3.txt", "a.zip", "amp3"))


def test_it_admits_what_verify_admits(thousand: Corpus, repository: Repository) -> None:
    corpus = thousand.copy(repository.folder / "music")
    repository.configure(["--format", "jsonl", "--depth", "decision"])
    repository.run("git", "add", ".")
    records = _records(repository.hook(status=1))
    assert len(records) == len(thousand.paths)
    admitted = [repository.folder / record["path"] for record in records if record["admitted"]]
    assert corpus.relative(admitted) == thousand.relative(thousand.kept)


def test_a_commit_goes_through_or_does_not(repository: Repository) -> None:
    repository.run(sys.executable, "-m", "pre_commit", "install")
    shutil.copy(SAMPLES / "unmarked" / "tune.flac", repository.folder / "tune.flac")
    repository.run("git", "add", ".")
    repository.run("git", "commit", "--quiet", "-m", "a tune")
    shutil.copy(SAMPLES / "marked" / "tune.flac", repository.folder / "theirs.flac")
    repository.run("git", "add", ".")
    assert re.search("rejected +theirs.flac", repository.run("git", "commit", "-m", "theirs", status=1))
    assert repository.run("git", "log", "--format=%s").splitlines() == ["a tune"]


@pytest.mark.parametrize(
    "name",
    ["tune 1.mp3", "tune\n1.mp3", "ünë 'x' \"y\" $(z).mp3", "a/b/[c]*.MP3", "-o.mp3", "--include=x.wav"],
)
def test_names_arrive_as_they_are(repository: Repository, name: str) -> None:
    path = repository.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(SAMPLES / "marked" / "tune.mp3", path)
    repository.configure(["--format", "jsonl"])
    repository.run("git", "add", ".")
    output = repository.hook(status=1)
    assert [(record["path"], record["admitted"]) for record in _records(output)] == [(name, False)]


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 5000, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"]
)
def test_what_cannot_be_judged_fails(repository: Repository, content: bytes) -> None:
    (repository.folder / "a.wav").write_bytes(content)
    shutil.copy(SAMPLES / "unmarked" / "tune.flac", repository.folder / "tune.flac")
    repository.run("git", "add", ".")
    output = repository.hook(status=1)
    assert re.search("undecided +a.wav", output)
    assert "exit code: 3" in output


def test_nothing_to_check_is_no_failure(repository: Repository) -> None:
    (repository.folder / "notes.txt").write_text("no music", "utf-8")
    repository.run("git", "add", ".")
    assert "no files to check" in repository.hook("--all-files")


def test_more_files_than_a_command_line_takes(repository: Repository) -> None:
    """pre-commit runs the hook several times, and fails if one of them does."""
    folder = repository.folder / ("x" * 200)
    folder.mkdir()
    first = folder / f"{0:0200}.mp3"
    shutil.copy(SAMPLES / "unmarked" / "waltz.mp3", first)
    for number in range(1, 400):
        os.link(first, folder / f"{number:0200}.mp3")
    repository.configure(["--format", "jsonl", "--depth", "decision"])
    repository.run("git", "add", ".")
    output = repository.hook()
    assert len(_records(output)) == 400
    shutil.copy(SAMPLES / "marked" / "tune.mp3", repository.folder / "a.mp3")
    repository.run("git", "add", ".")
    assert len(_records(repository.hook(status=1))) == 401


def test_the_page_names_this_hook() -> None:
    shown = [
        block.text for block in blocks(DOCS / "integrations" / "pre-commit.md") if block.language == "yaml"
    ]
    for text in shown:
        for repository in yaml.safe_load(text)["repos"]:
            assert [hook["id"] for hook in repository["hooks"]] == [_HOOK["id"]]
