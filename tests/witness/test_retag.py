"""Other people's tools over marked files: the mark holds wherever they keep the packets.

``docs/retagging.md`` shows the same table; ``python -m tests.witness.retag_table`` writes it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

import noai
from noai.algorithms import Algorithm
from tests.audio import Studio, decoded_md5
from tests.witness.retaggers import RETAGGERS, Outcome, Retagger
from tests.witness.seen import look

Files = Callable[..., Path]

CASES = [
    pytest.param(retagger, container, id=f"{retagger.tool}-{retagger.edit.__name__}-{container}")
    for retagger in RETAGGERS
    for container in retagger.leaves
]


@pytest.fixture(scope="module")
def artist(tmp_path_factory: pytest.TempPathFactory) -> noai.Identity:
    store = noai.IdentityStore(tmp_path_factory.mktemp("home"))
    return store.create("artist", Algorithm.ES256, datetime.now(timezone.utc))


@pytest.mark.parametrize(("retagger", "container"), CASES)
def test_a_mark_after_retagging(
    studio: Studio, fresh: Files, tmp_path: Path, artist: noai.Identity, retagger: Retagger, container: str
) -> None:
    path = fresh(container, retagger.variant)
    marked = tmp_path / f"marked{path.suffix}"
    noai.mark(path, marked, signer=artist.signer(), c2pa=False)
    retagger.edit(marked, studio.materials)
    # 1. The tool did something, and not to the audio.
    assert marked.read_bytes() != path.read_bytes()
    assert decoded_md5(marked) == decoded_md5(path)
    # 2. What is left is what is known to be left.
    seen = look(marked, artist)
    assert seen.outcome is retagger.leaves[container], str(seen.verdict)
    # 3. Whatever is left of a denial still denies.
    expected = "unreserved" if seen.outcome is Outcome.LOST else "rejected"
    assert seen.verdict.decision == expected
