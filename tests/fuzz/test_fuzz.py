"""The short run that every change gets. ``README.md`` says how to run for longer."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from noai.containers.registry import CONTAINERS
from noai.signals.registry import READERS
from tests.fuzz.seeds import write_seeds
from tests.fuzz.targets import targets

TARGETS = dict(targets())
FOUND = sorted(path for path in (Path(__file__).parent / "found").glob("*/*") if path.is_file())
RUNS = 400

needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python or platform"
)


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeds")
    write_seeds(folder)
    return folder


def test_every_container_and_signal_is_fuzzed() -> None:
    assert sum(name.startswith("container-") for name in TARGETS) == len(CONTAINERS)
    assert sum(name.startswith("signal-") for name in TARGETS) == len(READERS)


@pytest.mark.parametrize("path", FOUND, ids=[f"{path.parent.name}/{path.name}" for path in FOUND])
def test_what_was_found_once_stays_mended(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_a_seed_and_accepts_it(name: str, seeds: Path) -> None:
    inputs = list((seeds / name).iterdir())
    assert inputs
    for path in inputs:
        TARGETS[name](path.read_bytes())


@needs_atheris
@pytest.mark.parametrize("part", range(2))
def test_a_short_run_finds_nothing(part: int, seeds: Path) -> None:
    """In two parts, for two cores. The random seed is fixed, so that CI says the same twice."""
    names = ",".join(list(TARGETS)[part::2])
    command = (sys.executable, "-m", "tests.fuzz.fuzz", names, str(seeds), f"-runs={RUNS}", "-seed=7")
    done = subprocess.run(command, capture_output=True, check=False, cwd=Path(__file__).parents[2])
    assert not done.returncode, done.stderr.decode(errors="replace")[-6000:]
