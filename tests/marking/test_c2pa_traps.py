"""What the C2PA library has been seen to do to files while signing them, and that no marking lets it.

The traps of reading, trust, network and hostile input are in ``tests/unit/test_manifest.py`` and
``tests/unit/test_signal_c2pa.py``.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from mutagen.id3 import APIC, CHAP, GEOB, ID3, PRIV, TIT2, TXXX, UFID

from noai.errors import NoaiError
from noai.marking import mark
from noai.report import SignalSource
from noai.verifying import verify
from tests.audio import SAMPLES, decoded_md5
from tests.signers import signer, trusting

ARTIST = signer()
AUDIO = (SAMPLES / "unmarked" / "waltz.mp3").read_bytes()


def bare() -> bytes:
    """An MP3 without any tag in front."""
    size = sum(byte << shift for byte, shift in zip(AUDIO[6:10], (21, 14, 7, 0), strict=True))
    return AUDIO[10 + size :] if AUDIO.startswith(b"ID3") else AUDIO


def tagged(change: Callable[[ID3], None]) -> bytes:
    tags, out = ID3(), io.BytesIO()
    change(tags)
    tags.save(out, v1=0)
    return out.getvalue() + bare()


def holds(data: bytes) -> set[SignalSource]:
    verdict = verify(data, trust=trusting(ARTIST.chain))
    return {finding.source for finding in verdict.signals if finding.proven}


def test_frames_of_every_kind_survive_signing() -> None:
    def fill(tags: ID3) -> None:
        tags.add(TIT2(encoding=3, text="Title"))
        tags.add(TXXX(encoding=3, desc="MOOD", text="calm"))
        tags.add(PRIV(owner="somebody", data=b"\x00\x01\x02"))
        tags.add(UFID(owner="http://musicbrainz.org", data=b"id"))
        tags.add(GEOB(encoding=3, mime="text/plain", filename="a", desc="b", data=b"data"))
        tags.add(APIC(encoding=3, mime="image/png", type=3, desc="front", data=b"\x89PNG" * 50))
        tags.add(CHAP(element_id="c1", start_time=0, end_time=500, sub_frames=[TIT2(encoding=3, text="One")]))

    original = tagged(fill)
    marked = mark(original, signer=ARTIST)
    before, after = ID3(io.BytesIO(original)), ID3(io.BytesIO(marked))
    assert {SignalSource.MARKER, SignalSource.C2PA} <= holds(marked)
    for key in before:
        assert repr(after[key]) == repr(before[key])


def test_a_malformed_frame_costs_no_other_frame() -> None:
    """The library drops every frame beside a malformed one."""
    original = tagged(lambda tags: tags.add(TIT2(encoding=3, text="Title")))
    at = original.index(b"TIT2")
    frame = b"TALB\x00\x00\x00\x00\x00\x00"  # without even an encoding
    size = sum(byte << shift for byte, shift in zip(original[6:10], (21, 14, 7, 0), strict=True)) + len(frame)
    length = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    damaged = original[:6] + length + original[10:at] + frame + original[at:]
    try:
        marked = mark(damaged, signer=ARTIST)
    except NoaiError:
        return
    assert SignalSource.MARKER in holds(marked)
    assert b"TIT2" in marked[:4096]
    assert frame[:4] in marked[:4096]


def test_a_footer_leaves_no_junk_behind(tmp_path: Path) -> None:
    """A 2.4 tag with a footer: the library takes its ten bytes for audio."""
    original = tagged(lambda tags: tags.add(TIT2(encoding=3, text="Title")))
    size = sum(byte << shift for byte, shift in zip(original[6:10], (21, 14, 7, 0), strict=True))
    at = original.index(b"TIT2")
    frames = original[10 : at + 10 + int.from_bytes(original[at + 4 : at + 8], "big")]
    length = bytes(len(frames) >> shift & 0x7F for shift in (21, 14, 7, 0))
    head = b"ID3\x04\x00\x10" + length
    with_footer = head + frames + b"3DI" + head[3:] + original[10 + size :]
    path, target = tmp_path / "a.mp3", tmp_path / "b.mp3"
    path.write_bytes(with_footer)
    mark(path, target, signer=ARTIST)
    assert decoded_md5(path) == decoded_md5(target)
    assert SignalSource.MARKER in holds(target.read_bytes())


@pytest.mark.parametrize("riff_size", [0, 1, 36, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_with_a_wrong_riff_size_keeps_its_audio(riff_size: int, tmp_path: Path) -> None:
    """Signed by the library alone, a WAV with RIFF size 0 came out without audio, and "Trusted"."""
    data = bytearray((SAMPLES / "unmarked" / "tune.wav").read_bytes())
    data[4:8] = riff_size.to_bytes(4, "little")
    path, target = tmp_path / "a.wav", tmp_path / "b.wav"
    path.write_bytes(data)
    try:
        mark(path, target, signer=ARTIST)
    except NoaiError:
        assert not target.exists()
        return
    assert decoded_md5(path) == decoded_md5(target)
    assert SignalSource.MARKER in holds(target.read_bytes())


def test_a_file_is_never_signed_onto_itself(tmp_path: Path) -> None:
    """``sign_file(x, x)`` truncates x to nothing; marking in place works on a copy."""
    path = tmp_path / "a.mp3"
    path.write_bytes(AUDIO)
    before = decoded_md5(path)
    mark(path, in_place=True, signer=ARTIST)
    assert decoded_md5(path) == before
    assert {SignalSource.MARKER, SignalSource.C2PA} <= holds(path.read_bytes())
