"""The corpus that every integration is held against."""

from __future__ import annotations

import os

import pytest

from tests.integrations.thousand import Corpus, corpus


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    base = tmp_path_factory.getbasetemp()
    return corpus(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture
def thousand(_made: Corpus, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A thousand tracks and what ``noai verify`` keeps of them; the configuration folder is theirs."""
    monkeypatch.setenv("NOAI_HOME", str(_made.home))
    return _made
