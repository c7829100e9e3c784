"""The Picard plugin in real Picard 3, which has no screen here."""

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

import noai
from noai.containers.registry import detect
from noai.sources import BytesSource
from tests.audio import SAMPLES
from tests.docs.pages import ROOT
from tests.integrations.thousand import Corpus

MARK, CHECK = "Mark as no AI training", "Check AI reservations"
_RUN = Path(__file__).with_name("picard_run.py")


@dataclass(frozen=True)
class Picard:
    """A user who has Picard, the plugin, and an identity ``ana``."""

    home: Path

    def __call__(self, paths: list[Path], *steps: str, status: int = 0, **config: Any) -> dict[str, Any]:
        plugins = self.home / "plugins"
        shutil.copytree(ROOT / "plugins" / "picard", plugins / "noai", dirs_exist_ok=True)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COV_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_RUNTIME_DIR": str(self.home),
            "PICARD_PLUGIN_DIR": str(plugins),
            "QT_QPA_PLATFORM": "offscreen",
        }
        asked = {
            "plugin": "noai",
            "config_file": str(self.home / "Picard.ini"),
            "config": {"identity": "ana", **config},
            "paths": [str(path) for path in paths],
            "steps": steps,
        }
        done = subprocess.run(
            [sys.executable, _RUN],
            input=json.dumps(asked),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,  # an event that never comes, not a slow machine
        )
        assert done.returncode == status, done.stderr[-3000:]
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told


@pytest.fixture
def picard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Picard:
    home = tmp_path / "user"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("NOAI_HOME", str(home / "noai"))
    subprocess.run([sys.executable, "-m", "noai", "keygen", "ana"], capture_output=True, check=True)
    return Picard(home)


@pytest.fixture
def album(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "album"
    shutil.copytree(SAMPLES / "unmarked", folder)
    return sorted(folder.iterdir())


def _essence(path: Path) -> bytes:
    source = BytesSource(path.read_bytes())
    return detect(source).container.read_essence(source).digest.digest


def test_it_checks_as_verify_does(thousand: Corpus, picard: Picard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOAI_HOME", str(thousand.home))
    told = picard([Path(path) for path in thousand.paths], CHECK)
    said = {path: record["decision"] for path, record in thousand.records.items()}
    assert told["files"] == said
    assert told["changed"] == []
    assert f"{sum(decision == 'rejected' for decision in said.values())} rejected" in told["said"][0]


def test_it_marks_and_marks_once(picard: Picard, album: list[Path]) -> None:
    essences = [_essence(path) for path in album]
    told = picard(album, MARK)
    assert set(told["files"].values()) == {"marked"}
    assert told["said"] == ["noai: 8 marked"]
    assert told["changed"] == []
    assert {noai.verify(path).decision.value for path in album} == {"rejected"}
    assert [_essence(path) for path in album] == essences
    once = [path.read_bytes() for path in album]
    again = picard(album, MARK, CHECK)
    assert again["said"][0] == "noai: 8 unchanged"
    assert again["said"][1].startswith("noai: 8 rejected")
    assert [path.read_bytes() for path in album] == once


def test_saving_keeps_marks_and_makes_new_ones(picard: Picard, album: list[Path]) -> None:
    album = album[1:5]
    told = picard(album, "options", "save", mark_after_save=True)
    assert told["said"] == ["noai: 1 marked"] * 4
    assert told["changed"] == []
    for path in album:
        verdict = noai.verify(path)
        assert verdict.decision.value == "rejected"
        assert b"saved by" in path.read_bytes().replace(b"\0", b"")
        assert {signal.binding.value for signal in verdict.signals if signal.source == "marker"} == {"pass"}
    marked = picard(album, "save", mark_after_save=True)
    assert set(marked["files"].values()) <= {"unchanged", "resigned"}


def test_without_an_identity_nothing_is_marked(picard: Picard, album: list[Path]) -> None:
    before = [path.read_bytes() for path in album]
    told = picard(album, MARK, identity="")
    assert "nothing was marked" in told["said"][0]
    told = picard(album, MARK, identity="nobody")
    assert set(told["files"].values()) == {"not marked"}
    assert "there is no identity 'nobody'" in told["said"][0]
    assert [path.read_bytes() for path in album] == before


def test_without_an_answer_nothing_is_admitted(picard: Picard, album: list[Path]) -> None:
    silent = picard.home / "silent"
    silent.write_text("#!/bin/sh\nexit 0\n", "utf-8")
    silent.chmod(0o755)
    assert set(picard(album, CHECK, command=str(silent))["files"].values()) == {"undecided"}
    once = picard.home / "once"
    once.write_text(f'#!/bin/sh\nrm "$0"\nexec {sys.executable} -m noai "$@"\n', "utf-8")
    once.chmod(0o755)
    told = picard(album, CHECK, CHECK, command=str(once))
    assert "8 unreserved" in told["said"][0]
    assert "once" in told["said"][1]
    assert set(told["files"].values()) == {""}


def test_a_file_that_cannot_be_marked_stays_and_is_told(picard: Picard, album: list[Path]) -> None:
    joined = next(path for path in album if path.name == "tune.flac")
    data = joined.read_bytes()
    joined.write_bytes(data + data)
    told = picard(album, MARK)
    assert told["files"][str(joined)] == "not marked"
    assert joined.read_bytes() == data + data
    assert sum(said == "marked" for said in told["files"].values()) == 7


def test_names_arrive_as_they_are(picard: Picard, tmp_path: Path, sample: Callable[[str], Path]) -> None:
    names = ["-o.mp3", "a\\b.mp3", "a\nb.mp3", "☃ $(x) 'y'.mp3"]
    paths = [Path(shutil.copy(SAMPLES / "unmarked" / "tune.mp3", tmp_path / name)) for name in names]
    told = picard(paths, MARK, CHECK)
    assert set(told["files"].values()) == {"rejected"}
    assert len(told["files"]) == len(names)
