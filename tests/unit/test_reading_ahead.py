"""The essence read in a thread while other readers work: the same findings, and nothing left running."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from noai import mark
from noai.codes import Code
from noai.containers.registry import detect
from noai.jumbf import read_store
from noai.limits import HASH_ALONE
from noai.report import Check, Finding, SignalSource
from noai.signals import registry
from noai.signals._c2pa_binding import checking_binding
from noai.signals.interface import Evidence
from noai.signals.registry import READERS, read_all
from noai.signing import now
from noai.sources import DescriptorSource, open_path
from noai.verifying import NO_SIDECARS, gather
from tests.audio import run
from tests.signers import signer, trusting

ARTIST = signer()


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Noise of more bytes than are hashed without a thread, marked, with a C2PA manifest."""
    folder = tmp_path_factory.mktemp("long")
    noise, flac, mp3 = folder / "noise.wav", folder / "noise.flac", folder / "noise.mp3"
    run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=d=40:r=44100:s=1", "-ac", "2", noise)
    run("flac", "-s", noise, "-o", flac)
    run("lame", "--quiet", "-b", "320", noise, mp3)
    made = {}
    for path in (noise, flac, mp3):
        made[path.suffix] = folder / f"marked{path.suffix}"
        mark(path, made[path.suffix], signer=ARTIST)
        assert made[path.suffix].stat().st_size > HASH_ALONE
    return made


def evidence_of(path: Path, stack: ExitStack) -> Evidence:
    source, _ = stack.enter_context(open_path(path))
    return gather(source, detect(source), NO_SIDECARS, trusting(ARTIST.chain), now())[0]


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()} & {"noai"}


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3"])
def test_reading_ahead_finds_what_one_after_the_other_finds(marked: dict[str, Path], suffix: str) -> None:
    with ExitStack() as stack:
        evidence = evidence_of(marked[suffix], stack)
        ahead = read_all(evidence)
        alone = tuple(finding for reader in READERS for finding in reader.read(replace(evidence)))
    assert ahead == alone
    assert {f.source for f in ahead if f.binding is Check.PASS} == {SignalSource.MARKER, SignalSource.C2PA}
    assert not threads()


def test_a_changed_file_is_found_out_by_both(marked: dict[str, Path], tmp_path: Path) -> None:
    data = bytearray(marked[".wav"].read_bytes())
    data[HASH_ALONE] ^= 1
    changed = tmp_path / "changed.wav"
    changed.write_bytes(data)
    with ExitStack() as stack:
        found = read_all(evidence_of(changed, stack))
    codes = {code for finding in found for code in finding.codes}
    assert {Code.ESSENCE_MISMATCH, Code.C2PA_HASH_MISMATCH} <= codes


def test_no_audio_is_read_where_no_signature_holds(
    marked: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = marked[".wav"].read_bytes()
    token = max(re.findall(rb"[\w-]{60,}\.[\w-]{60,}\.[\w-]{60,}", data), key=len)
    head, payload, signature = token.split(b".")
    other = bytes(reversed(signature[:60])) + signature[60:]
    broken = tmp_path / "broken.wav"
    broken.write_bytes(data.replace(token, b".".join((head, payload, other))))
    reads: list[int] = []
    real = DescriptorSource.read_at

    def counting(self: DescriptorSource, offset: int, length: int) -> bytes:
        reads.append(length)
        return real(self, offset, length)

    with ExitStack() as stack:
        evidence = evidence_of(broken, stack)
        evidence.area = replace(evidence.area, manifests=())
        monkeypatch.setattr(DescriptorSource, "read_at", counting)
        found = read_all(evidence)
    assert Code.SIGNATURE_INVALID in {code for finding in found for code in finding.codes}
    assert sum(reads) < HASH_ALONE


def test_a_reader_that_fails_leaves_nothing_running(
    marked: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        source = SignalSource.XMP

        def read(self, evidence: Evidence) -> Iterable[Finding]:
            assert evidence._begun is not None
            raise ZeroDivisionError

    monkeypatch.setattr(registry, "READERS", (READERS[0], Broken()))
    with ExitStack() as stack:
        evidence = evidence_of(marked[".wav"], stack)
        with pytest.raises(ZeroDivisionError):
            read_all(evidence)
        assert not threads()
        # Asked again, the essence is read by who asks.
        assert not isinstance(evidence.essence, Exception)
        assert not getattr(evidence.essence, "violations", True)


def test_a_signature_that_fails_ends_the_check_of_the_binding(marked: dict[str, Path]) -> None:
    with ExitStack() as stack:
        evidence = evidence_of(marked[".wav"], stack)
        (place,) = evidence.area.manifests
        (manifest,) = read_store(place.read(evidence.source)).manifests
        with checking_binding(evidence.source, manifest, place) as binding:
            assert binding().check is Check.PASS
        with checking_binding(evidence.source, manifest, place):
            pass
        assert not threads()
