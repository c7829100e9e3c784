"""A server for all tests of a module that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.live import Live, served, signing


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server that marks, takes up to 1 MiB, and has a name beside those of this machine."""
    folder = tmp_path_factory.mktemp("live")
    options = ("--identity", "ana", "--max-bytes", str(2**20), "--allowed-host", "noai.example")
    with served(folder, *options, **signing(folder)) as server:
        yield server
