"""How much is asked for: at decision depth, of files with sizes and pictures as in the wild."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from pathlib import Path
from statistics import mean
from typing import Final

import pytest

from noai.corpus.remote import RemoteStats, open_remote, scan_remote
from noai.errors import LimitExceeded
from noai.limits import KIB, MIB
from noai.report import Depth
from tests.audio import Studio, ffmpeg, metadata
from tests.corpus.remote.conftest import HASTY, sample_verifier, told
from tests.corpus.remote.range_server import RangeServer

TAGS: Final = metadata(title="A", artist="B", album="C", comment="hello")
#: Name, options of ffmpeg, width of a square picture, and the requests that it may take.
MIX: Final = [
    ("plain.mp3", ["-c:a", "libmp3lame", "-b:a", "192k"], 0, 2),
    ("vbr.mp3", ["-c:a", "libmp3lame", "-q:a", "2"], 0, 2),
    ("small.mp3", ["-c:a", "libmp3lame", "-b:a", "192k"], 400, 2),
    ("cover.mp3", ["-c:a", "libmp3lame", "-b:a", "192k"], 800, 3),
    ("plain.flac", ["-c:a", "flac"], 0, 2),
    ("small.flac", ["-c:a", "flac"], 400, 2),
    ("cover.flac", ["-c:a", "flac"], 800, 3),
    ("plain.m4a", ["-c:a", "aac", "-movflags", "faststart"], 0, 1),
    ("first.m4a", ["-c:a", "aac", "-movflags", "faststart"], 1600, 2),
    ("last.m4a", ["-c:a", "aac"], 1600, 2),
    ("plain.wav", ["-c:a", "pcm_s16le"], 0, 2),
    ("tagged.wav", ["-c:a", "pcm_s16le", "-write_id3v2", "1"], 0, 2),
]


@pytest.fixture(scope="module")
def mix(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, int]]:
    folder = tmp_path_factory.mktemp("mix")
    sound = studio.materials.long
    made = []
    for name, options, width, requests in MIX:
        out = folder / name
        if width:
            picture = folder / f"{width}.jpg"
            noise = f"nullsrc=s={width}x{width},geq=random(1)*255:128:128"
            ffmpeg("-f", "lavfi", "-i", noise, "-frames:v", "1", "-q:v", "10", picture)
            cover = ["-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic"]
            ffmpeg("-i", sound, "-i", picture, *cover, *options, *TAGS, out)
        else:
            ffmpeg("-i", sound, *options, *TAGS, out)
        made.append((out, requests))
    return made


def test_two_requests_and_128_kib_are_enough_for_most(
    server: RangeServer, mix: list[tuple[Path, int]]
) -> None:
    verifier = sample_verifier()
    costs = []
    for path, allowed in mix:
        stats = RemoteStats()
        url = server.put(f"/{path.name}", path.read_bytes())
        (judged,) = scan_remote([url], verifier, stats=stats, patience=HASTY)
        assert told(judged.record) == told(verifier.verify(path).record())
        assert stats.requests <= allowed, path.name
        costs.append((stats.requests, stats.bytes))
    requests, size = (mean(each) for each in zip(*costs, strict=True))
    # Three where a picture of more than 90 KB stands in front of the audio: start, audio, end.
    assert requests <= 2.1
    assert size <= 128 * KIB


def test_all_of_an_object_is_read_in_large_pieces(server: RangeServer, mix: list[tuple[Path, int]]) -> None:
    path = next(path for path, _ in mix if path.name == "plain.wav")
    stats = RemoteStats()
    url = server.put("/plain.wav", path.read_bytes())
    verifier = sample_verifier(Depth.EVIDENCE)
    (judged,) = scan_remote([url], verifier, stats=stats, patience=HASTY)
    assert told(judged.record) == told(verifier.verify(path).record())
    assert stats.requests <= 4 + path.stat().st_size // MIB


def test_many_small_reads_are_answered_from_few_requests(server: RangeServer) -> None:
    data = bytes(8 * MIB)
    stats = RemoteStats()
    with open_remote(server.put("/x.ogg", data), stats=stats) as source:
        for at in range(0, len(data), 4 * KIB):
            assert source.read_at(at, 300) == data[at : at + 300]
    assert stats.requests <= 20
    assert stats.bytes <= len(data)


def test_an_object_whose_bytes_are_asked_for_again_and_again_is_given_up(server: RangeServer) -> None:
    """As a file may have it that is made for that: what is kept of 16 MiB is 2."""
    data = bytes(16 * MIB)
    stats = RemoteStats()
    with open_remote(server.put("/x.bin", data), stats=stats) as source:
        reads = (source.read_at((turn % 14) * MIB, 600 * KIB) for turn in range(1_000))
        with pytest.raises(LimitExceeded):
            deque(reads, maxlen=0)
    assert stats.bytes <= 13 * len(data)


def test_without_the_packages_the_message_says_how_to_get_them(tmp_path: Path) -> None:
    for scheme, package, extra in (
        ("https", "aiohttp", "noai[remote]"),
        ("s3", "s3fs", "noai[remote]"),
        ("gs", "gcsfs", "noai[gcs]"),
    ):
        folder = tmp_path / scheme
        folder.mkdir()
        (folder / f"{package}.py").write_text("raise ImportError('not here')")
        code = (
            f"import sys; sys.path.insert(0, {str(folder)!r})\n"
            "from noai import Verifier\nfrom noai.corpus.remote import scan_remote\n"
            f"list(scan_remote(['{scheme}://b/a.mp3'], Verifier()))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.stderr.splitlines()[-1].startswith("noai.errors.UsageError: ")
        assert f"pip install '{extra}'" in done.stderr


def test_nothing_of_it_is_loaded_before_it_is_needed() -> None:
    code = "import sys, noai.corpus.remote\nprint({'aiohttp', 's3fs', 'gcsfs', 'fsspec'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
