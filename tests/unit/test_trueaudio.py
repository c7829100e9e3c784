"""TrueAudio: header, table and frames against each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from noai.codes import Code
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, ffmpeg
from tests.unit.stream_bytes import TRUEAUDIO, essence, trueaudio, violations

WHOLE = trueaudio()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (WHOLE, set()),
        (WHOLE[:-1], {Code.ESSENCE_TRUNCATED}),
        (WHOLE[:30], {Code.ESSENCE_TRUNCATED}),
        (WHOLE[:20], {Code.ESSENCE_TRUNCATED}),
        (WHOLE + b"\0", {Code.TRAILING_AUDIO}),
        (WHOLE + WHOLE, {Code.TRAILING_AUDIO}),
        (WHOLE[:10] + b"\xf6" + WHOLE[11:], {Code.FRAME_HEADER}),
        (WHOLE[:22] + b"\x0a" + WHOLE[23:26] + b"\x08" + WHOLE[27:], {Code.SEEK_TABLE}),
        (WHOLE[:22] + b"\x0a" + WHOLE[23:], {Code.SEEK_TABLE, Code.ESSENCE_TRUNCATED}),
        (trueaudio(rate=0), {Code.ESSENCE_TRUNCATED}),
    ],
)
def test_what_contradicts_the_header_forbids_binding(data: bytes, expected: set[Code]) -> None:
    assert violations(TRUEAUDIO, data) == expected


def test_other_formats_of_the_name_are_not_claimed() -> None:
    for head in (b"TTA2\x01\0", b"TTA1\x03\0", b"TTA1"):
        assert TRUEAUDIO.detect(BytesSource(head + WHOLE[6:] if len(head) > 4 else head)) is None


@pytest.mark.parametrize("variant", ["tagged", "ffmpeg", "cover"])
def test_ffmpegs_stream_copy_keeps_the_essence(studio: Studio, tmp_path: Path, variant: str) -> None:
    path, copied = studio.encoded("tta", variant), tmp_path / "copied.tta"
    ffmpeg("-i", path, "-map", "0:a", "-c", "copy", copied)
    assert essence(TRUEAUDIO, copied.read_bytes()) == essence(TRUEAUDIO, path.read_bytes())
    assert decoded_md5(copied) == decoded_md5(path)
