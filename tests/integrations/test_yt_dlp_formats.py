"""Downloads of several files or fragments, and what yt-dlp does to them by the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mutagen.apev2 import APEv2
from yt_dlp import YoutubeDL
from yt_dlp.downloader import PROTOCOL_MAP
from yt_dlp.postprocessor.common import PostProcessor

from noai.integrations.yt_dlp import NoaiPP, NotAdmitted
from noai.integrations.yt_dlp_files import Files
from tests.audio import SAMPLES, ffmpeg
from tests.integrations.sites import Site, serving
from tests.integrations.yt_dlp_run import extracted, plant

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:yt_dlp")

PLAIN = (SAMPLES / "unmarked" / "tune.mp3").read_bytes()
HLS = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NOAI_HOME", str(tmp_path / "home"))
    folder = tmp_path / "site"
    plant(folder)
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:s=64x64:r=5", "-c:v", "mpeg4", folder / "picture.mp4")
    # It says so behind its last frame alone: half of it says nothing.
    (folder / "reserved.mp3").write_bytes(PLAIN)
    tags = APEv2()
    tags["TDM-RESERVATION"] = "1"
    tags.save(folder / "reserved.mp3")
    with serving(folder) as served:
        yield served


def parts(site: Site, sound: str) -> list[dict[str, str]]:
    return [
        {"format_id": "v", "url": f"{site.url}picture.mp4", "ext": "mp4", "acodec": "none"},
        {"format_id": "a", "url": site.url + sound, "ext": "wav", "vcodec": "none"},
    ]


def whole(site: Site, name: str) -> list[dict[str, str]]:
    return [{"format_id": "a", "url": site.url + name, "ext": name[-3:], "vcodec": "none"}]


def hls(site: Site, data: bytes, line: str = "") -> list[dict[str, str]]:
    """``data`` in two fragments."""
    half = len(PLAIN) if len(data) > len(PLAIN) else len(data) // 2
    for number, piece in enumerate((data[:half], data[half:])):
        (site.folder / f"{number}.mp3").write_bytes(piece)
    listed = "".join(f"#EXTINF:5,\n{site.url}{number}.mp3\n" for number in (0, 1))
    (site.folder / "list.m3u8").write_text(f"{HLS}{line}{listed}#EXT-X-ENDLIST\n")
    url, protocol = f"{site.url}list.m3u8", "m3u8_native"
    return [{"format_id": "h", "url": url, "ext": "mp3", "protocol": protocol, "vcodec": "none"}]


def there(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


@pytest.mark.parametrize("when", ["post_process", "after_move"])
def test_parts_are_judged_before_they_are_merged(site: Site, tmp_path: Path, when: str) -> None:
    """ffmpeg would take the tags of the picture and leave those of the sound."""
    check = [{"key": "Noai", "when": when}]
    merging: dict[str, Any] = {"format": "v+a", "merge_output_format": "mkv", "postprocessors": check}
    log = extracted(tmp_path / "out", "plain", parts(site, "plain.wav"), **merging)
    assert there(tmp_path / "out") == ["plain.mkv"], log.errors
    log = extracted(tmp_path / "out", "marked", parts(site, "marked.wav"), ignoreerrors=True, **merging)
    assert there(tmp_path / "out") == ["plain.mkv"]
    assert "denies" in log.errors[-1]


def test_parts_that_were_there_before_stay(site: Site, tmp_path: Path) -> None:
    """yt-dlp calls what it merges downloaded, whether it was or not."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "own.fv.mp4").write_bytes((site.folder / "picture.mp4").read_bytes())
    log = extracted(tmp_path / "out", "own", parts(site, "marked.wav"), format="v+a", keepvideo=True)
    assert "denies" in log.errors[-1]
    assert there(tmp_path / "out") == ["own.fv.mp4"]
    (tmp_path / "out" / "own.fa.wav").write_bytes((site.folder / "marked.wav").read_bytes())
    log = extracted(tmp_path / "out", "own", parts(site, "marked.wav"), format="v+a", keepvideo=True)
    assert "denies" in log.errors[-1]
    assert there(tmp_path / "out") == ["own.fa.wav", "own.fv.mp4"]
    assert len([warning for warning in log.warnings if "not deleted" in warning]) == 2


def test_what_took_the_place_of_one_s_own_file_goes(site: Site, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "own.wav").write_bytes((site.folder / "plain.wav").read_bytes())
    log = extracted(tmp_path / "out", "own", whole(site, "marked.wav"), overwrites=True)
    assert "denies" in log.errors[-1]
    assert there(tmp_path / "out") == []


def test_fragments_are_joined_and_judged(site: Site, tmp_path: Path) -> None:
    log = extracted(tmp_path / "out", "plain", hls(site, PLAIN), fixup="never")
    assert (tmp_path / "out" / "plain.mp3").read_bytes() == PLAIN, log.errors
    reserved = (site.folder / "reserved.mp3").read_bytes()
    for options in ({}, {"keep_fragments": True}, {"nopart": True, "keep_fragments": True}):
        log = extracted(tmp_path / "out", "reserved", hls(site, reserved), **options)
        assert "denies" in log.errors[-1]
        assert there(tmp_path / "out") == ["plain.mp3"]


def test_a_fragment_that_cannot_be_had_is_not_passed_over(site: Site, tmp_path: Path) -> None:
    formats = hls(site, (site.folder / "reserved.mp3").read_bytes())
    site.answers["/1.mp3"] = (503, {}, b"")
    log = extracted(tmp_path / "out", "reserved", formats, fixup="never", skip_unavailable_fragments=True)
    assert log.errors
    assert "reserved.mp3" not in there(tmp_path / "out")


@pytest.mark.parametrize("data", [PLAIN, None])
def test_what_is_handed_to_ffmpeg_by_the_way_is_not_kept(
    site: Site, tmp_path: Path, data: bytes | None
) -> None:
    """ffmpeg writes a container of its own, without the mark."""
    data = data or (site.folder / "marked.mp3").read_bytes()
    formats = hls(site, data, line="# #EXT-X-KEY:METHOD=SAMPLE-X\n")
    log = extracted(tmp_path / "out", "track", formats, fixup="never")
    assert "delegated to ffmpeg" in log.warnings[0]
    assert "undecided: not written as the site sent it" in log.errors[-1]
    assert there(tmp_path / "out") == []


def test_downloaders_that_make_bytes_of_their_own_are_known_by_not_being_others(tmp_path: Path) -> None:
    with YoutubeDL({"paths": {"home": str(tmp_path)}, "outtmpl": "%(id)s"}) as loader:
        files = Files(loader, {"id": "x"})
        copied = {
            protocol
            for protocol in (*PROTOCOL_MAP, "http", "https", "ftp")
            if files.are_copies({"protocol": protocol, "url": "https://x/y", "filepath": "x"})
        }
        assert copied == {
            *("http", "https", "ftp", "http_dash_segments", "http_dash_segments_generator"),
        }
        info = {"protocol": "https", "url": "https://x/y", "filepath": "x", "ext": "mp3"}
        assert not files.are_copies({**info, "section_start": 1})
        assert not files.are_copies({**info, "requested_formats": [{}, {"protocol": "ism"}]})


def test_a_stage_that_fails_does_not_leave_out_the_check(site: Site, tmp_path: Path) -> None:
    """yt-dlp gives up the rest of a stage, goes on with the download, and would convert the file."""
    (site.folder / "bad.webp").write_bytes(b"no picture")
    fails = {"key": "FFmpegThumbnailsConvertor", "format": "jpg", "when": "before_dl"}
    converts = {"key": "FFmpegExtractAudio", "preferredcodec": "m4a"}
    log = extracted(
        tmp_path / "out",
        "reserved",
        whole(site, "reserved.mp3"),
        found={"thumbnails": [{"url": f"{site.url}bad.webp", "id": "0"}]},
        writethumbnail=True,
        postprocessors=[fails, converts, {"key": "Noai"}],
    )
    assert "Preprocessing" in log.errors[0]
    assert "denies" in log.errors[-1]
    assert there(tmp_path / "out") == ["reserved.webp"]


class Forgets(PostProcessor):  # type: ignore[misc]
    """Somebody's, which leaves only its own to be run."""

    def run(self, info: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        info.pop("__postprocessors")
        return [], info


@pytest.mark.parametrize("when", ["pre_process", "post_process"])
def test_what_nobody_has_judged_is_not_kept(site: Site, tmp_path: Path, when: str) -> None:
    told = {"paths": {"home": str(tmp_path / "out")}, "outtmpl": "%(id)s.%(ext)s", "noprogress": True}
    info = {"id": "plain", "title": "plain", "extractor": "test", "webpage_url": site.url}
    with YoutubeDL({**told, "quiet": True}) as loader:
        loader.add_post_processor(NoaiPP(), when=when)
        loader.add_post_processor(Forgets(), when="before_dl")
        with pytest.raises(NotAdmitted, match="undecided: nobody judged it"):
            loader.process_ie_result({**info, "formats": whole(site, "plain.mp3")}, download=True)
    assert there(tmp_path / "out") == []
