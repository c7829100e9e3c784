"""Fixtures that every test may use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

import tests.encoders  # noqa: F401  registers the recipes
from tests.audio import SAMPLES, Studio

Encoded = Callable[..., Path]

# CI must say the same about the same commit; elsewhere every run looks in new places.
settings.register_profile("noai", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("noai")


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """Real encoder output; one folder for all workers of a parallel run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "encoded"
    folder.mkdir(exist_ok=True)
    return Studio(folder)


@pytest.fixture(scope="session")
def encoded(studio: Studio) -> Encoded:
    """``encoded(container, variant)``: the path of a real file, shared, never to be changed."""
    return studio.encoded


@pytest.fixture
def fresh(studio: Studio, tmp_path: Path) -> Encoded:
    """``fresh(container, variant)``: a copy of one's own of a real file."""

    def copy(container: str, variant: str = "plain") -> Path:
        source = studio.encoded(container, variant)
        return Path(shutil.copy(source, tmp_path / source.name))

    return copy


@pytest.fixture
def sample(tmp_path: Path) -> Callable[[str], Path]:
    """``sample("unmarked/tune.mp3")``: a copy of one's own of a file in ``sample_audio``."""

    def copy(name: str) -> Path:
        return Path(shutil.copy(SAMPLES / name, tmp_path / Path(name).name))

    return copy
