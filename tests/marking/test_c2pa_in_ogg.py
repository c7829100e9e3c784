"""A manifest inside Ogg: for who asks for it, and kept fresh where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from noai.containers.ogg import Ogg
from noai.marking import Outcome, mark
from noai.report import Finding, SignalSource
from noai.sources import BytesSource
from noai.verifying import verify
from tests.audio import decoded_md5
from tests.marking.test_mark import ARTIST as SIGNER
from tests.marking.test_mark import TRUST
from tests.tracks import unmarked

each_ogg = pytest.mark.parametrize("name", ["tune.ogg", "tune.opus"])


def manifests(data: bytes) -> list[Finding]:
    return [f for f in verify(data, trust=TRUST).signals if f.source is SignalSource.C2PA]


@each_ogg
def test_nothing_is_embedded_unasked(name: str) -> None:
    assert not Ogg().read_tags(BytesSource(mark(unmarked(name), signer=SIGNER))).manifests


@each_ogg
def test_a_manifest_that_is_asked_for_is_proven(name: str, tmp_path: Path) -> None:
    track = tmp_path / name
    track.write_bytes(unmarked(name))
    played = decoded_md5(track)
    result = mark(track, in_place=True, c2pa_in_ogg=True, signer=SIGNER, from_tags=False)
    assert (result.c2pa, result.sidecar, result.notices) == (True, None, ())
    (found,) = manifests(track.read_bytes())
    assert found.proven
    assert decoded_md5(track) == played


@each_ogg
def test_a_manifest_that_is_there_is_renewed_unasked(name: str) -> None:
    once = mark(unmarked(name), c2pa_in_ogg=True, profile="no-training", signer=SIGNER)
    again = mark(once, signer=SIGNER)
    (found,) = manifests(again)
    assert found.proven
    assert len(found.denies) > len(manifests(once)[0].denies)


def test_marking_again_with_the_wish_adds_the_manifest_alone(tmp_path: Path) -> None:
    track = tmp_path / "tune.ogg"
    track.write_bytes(mark(unmarked("tune.ogg"), signer=SIGNER))
    result = mark(track, in_place=True, c2pa_in_ogg=True, signer=SIGNER)
    assert result.outcome is Outcome.RESIGNED
    assert mark(track, in_place=True, c2pa_in_ogg=True, signer=SIGNER).outcome is Outcome.UNCHANGED
