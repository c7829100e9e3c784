"""An independent C2PA verifier reads what noai embeds: encypher-c2pa, which shares no code with c2pa-rs.

Skipped where it is not installed. It is told to send nothing anywhere.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from noai import manifest
from noai.containers.interface import Embedding
from noai.containers.registry import detect
from noai.manifesting import embed
from noai.sources import BytesSource
from tests.audio import SAMPLES
from tests.manifests import ALLOWED, NO_AI, flipped, live_signer, place, resigned

encypher = pytest.importorskip("encypher_c2pa")

UNMARKED = SAMPLES / "unmarked"
TYPES = {
    "tune.mp3": "audio/mpeg",
    "waltz.mp3": "audio/mpeg",
    "tune.flac": "audio/flac",
    "tune.wav": "audio/wav",
    "tune.m4a": "audio/mp4",
    "tune-alac.m4a": "audio/mp4",
    "tune.ogg": "audio/ogg",
    "tune.opus": "audio/ogg",
}
each_track = pytest.mark.parametrize("name", TYPES)


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENCYPHER_C2PA_TELEMETRY", "off")
    monkeypatch.setenv("ENCYPHER_C2PA_ONLINE", "off")
    monkeypatch.setenv("HOME", str(tmp_path))


def signed(name: str) -> bytes:
    data = (UNMARKED / name).read_bytes()
    file = io.BytesIO(data)
    container = detect(BytesSource(data)).container
    assert isinstance(container, Embedding)
    embed(container, TYPES[name], file, manifest.Order(NO_AI, live_signer()))
    return file.getvalue()


def seen(data: bytes, kind: str) -> tuple[str, str, str]:
    report: dict[str, Any] = encypher.verify(data, kind)
    return report["integrity"], report["signature"], report["hard_binding"]


@each_track
def test_what_noai_embeds_is_valid(name: str) -> None:
    assert seen(signed(name), TYPES[name]) == ("valid", "valid", "match")


@each_track
def test_a_changed_byte_of_the_audio_is_seen(name: str) -> None:
    data = signed(name)
    ((store, length),) = place(data).pieces
    position = len(data) - 100 if store + length < len(data) - 200 else store - 100
    if TYPES[name] == "audio/ogg":
        with pytest.raises(ValueError, match="checksum"):
            seen(flipped(data, position), TYPES[name])
    else:
        assert seen(flipped(data, position), TYPES[name]) == ("invalid", "valid", "mismatch")


@pytest.mark.parametrize("name", ["tune.mp3", "tune.flac", "tune.wav", "tune.m4a"])
def test_so_is_what_keeps_the_provenance_of_an_original(name: str) -> None:
    data = resigned(signed(name), TYPES[name], ALLOWED)
    assert seen(data, TYPES[name]) == ("valid", "valid", "match")
