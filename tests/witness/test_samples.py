"""The committed samples, judged at their own clock: frozen marks must verify for ever."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

import noai
from noai.trust import entries_from_pem
from tests.audio import SAMPLES, decoded_md5

EXPECTED = json.loads((SAMPLES / "expected.json").read_text("utf-8"))
NOW = datetime.fromisoformat(EXPECTED["now"])
CASES = [
    pytest.param(path, said["decision"], said["code"], id=str(path.relative_to(SAMPLES)))
    for pattern, said in EXPECTED["files"].items()
    for path in sorted(SAMPLES.glob(pattern))
]


@pytest.fixture(scope="module")
def trust() -> noai.TrustList:
    root = SAMPLES / EXPECTED["trust"]
    return noai.TrustList(entries_from_pem(root.read_bytes(), root.name))


@pytest.mark.parametrize(("path", "decision", "code"), CASES)
@pytest.mark.parametrize("depth", noai.Depth)
def test_a_sample_is_judged_as_its_table_says(
    trust: noai.TrustList, path: Path, decision: str, code: str, depth: noai.Depth
) -> None:
    verdict = noai.verify(path, trust=trust, now=NOW, depth=depth)
    assert verdict.decision == decision, str(verdict)
    if depth is noai.Depth.EVIDENCE:
        codes = {reason.code for reason in verdict.reasons}
        codes |= {found for signal in verdict.signals for found in signal.codes}
        assert code in codes


def test_every_sample_is_in_the_table() -> None:
    judged = {case.values[0] for case in CASES}
    there = {path for path in SAMPLES.glob("*/*") if path.suffix not in (".py", ".pyc")}
    assert there == judged
    assert len(judged) >= 24


@pytest.mark.parametrize("path", sorted((SAMPLES / "marked").iterdir()), ids=lambda path: path.name)
def test_a_marked_sample_plays_like_the_unmarked(path: Path) -> None:
    assert decoded_md5(path) == decoded_md5(SAMPLES / "unmarked" / path.name)


@pytest.mark.parametrize("path", sorted((SAMPLES / "marked").iterdir()), ids=lambda path: path.name)
def test_every_layer_of_a_marked_sample_holds(trust: noai.TrustList, path: Path) -> None:
    signals = noai.verify(path, trust=trust, now=NOW).signals
    layers = {str(signal.source) for signal in signals}
    expected = {"marker", "statement"}
    # FLAC and Ogg have no standard place for XMP, Ogg none for C2PA.
    if path.suffix not in (".ogg", ".opus"):
        expected |= {"c2pa"}
    if path.suffix not in (".ogg", ".opus", ".flac"):
        expected |= {"xmp"}
    assert layers == expected
    for signal in signals:
        if signal.source in ("marker", "c2pa"):
            checks = (signal.signature, signal.signer, signal.binding, signal.time)
            assert checks == (noai.Check.PASS,) * 4
