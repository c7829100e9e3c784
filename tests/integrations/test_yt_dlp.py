"""The plugin in the real yt-dlp, over real HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from yt_dlp.utils import DownloadError

from noai.errors import TrustError, UsageError
from noai.integrations.gate import Gate
from noai.integrations.yt_dlp import NoaiPP
from noai.policy import Admission, Policy
from tests.docs.pages import ROOT
from tests.integrations.sites import Site, serving
from tests.integrations.thousand import Corpus
from tests.integrations.yt_dlp_run import download, plant

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:yt_dlp")


@pytest.fixture
def tracks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tracks that are unmarked and marked."""
    monkeypatch.setenv("NOAI_HOME", str(tmp_path / "home"))
    folder = tmp_path / "tracks"
    plant(folder)
    return folder


@pytest.fixture
def site(tracks: Path) -> Iterator[Site]:
    with serving(tracks) as served:
        yield served


def test_it_keeps_what_verify_keeps(thousand: Corpus, tmp_path: Path) -> None:
    # yt-dlp needs two requests and a tenth of a second for each: of those that say nothing, some will do.
    plain = [path for path in thousand.paths if thousand.records[path]["decision"] == "unreserved"]
    paths = sorted({*thousand.paths} - {*plain[:-100]})
    with serving(thousand.root) as site:
        urls = [site.address(path) for path in paths]
        code, log = download(tmp_path / "kept", urls, outtmpl="%(original_url)s.%(ext)s")
    kept = sorted(path.read_bytes() for path in (tmp_path / "kept").rglob("*") if path.is_file())
    assert kept == sorted(Path(path).read_bytes() for path in thousand.kept.intersection(paths))
    assert code == 1
    empty = sum(not Path(path).stat().st_size for path in paths)
    refused = [error for error in log.errors if "noai does not admit" in error]
    assert len(refused) == len(paths) - len(kept) - empty


def test_the_command_finds_the_plugin_and_judges_before_audio_is_extracted(
    site: Site, tmp_path: Path
) -> None:
    urls = [site.url + "marked.wav", site.url + "plain.wav"]
    command = [
        *(sys.executable, "-m", "yt_dlp", "--ignore-config", "--no-cache-dir", "-P", str(tmp_path / "out")),
        *("-x", "--audio-format", "mp3", "--use-postprocessor", "Noai:policy=opt-out;depth=evidence"),
    ]
    done = subprocess.run([*command, *urls], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "reserved" not in done.stdout
    assert "noai does not admit this download: rejected: denies" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["plain [plain].mp3"]
    wrong = subprocess.run(
        [*command[:-1], "Noai:uses=all", urls[1]], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 1
    assert "not a use that noai knows" in wrong.stderr


@pytest.mark.parametrize("when", ["pre_process", "before_dl", "after_move", "after_video", "playlist"])
def test_whenever_it_is_asked_for_it_comes_first(site: Site, tmp_path: Path, when: str) -> None:
    converts = {"key": "FFmpegExtractAudio", "preferredcodec": "mp3"}
    told = [converts, {"key": "Noai", "when": when}]
    code, log = download(tmp_path / "out", [site.url + "marked.wav"], postprocessors=told, keepvideo=True)
    assert code == 1
    assert "denies" in log.errors[0]
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("ignores", [True, "only_download"])
def test_ignoring_errors_does_not_go_on_with_the_file(site: Site, tmp_path: Path, ignores: Any) -> None:
    converts = {"key": "FFmpegExtractAudio", "preferredcodec": "mp3"}
    urls = [site.url + "marked.wav", site.url + "plain.wav"]
    code, log = download(tmp_path / "out", urls, converts, ignoreerrors=ignores)
    assert code == 1
    assert len(log.errors) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["plain.mp3"]
    with pytest.raises(DownloadError, match="noai does not admit"):
        download(tmp_path / "raises", urls, converts, ignoreerrors=False)


def test_what_was_there_before_is_refused_and_stays(site: Site, tracks: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    mine = tmp_path / "out" / "marked.wav"
    mine.write_bytes((tracks / "marked.wav").read_bytes())
    converts = {"key": "FFmpegExtractAudio", "preferredcodec": "mp3"}
    code, log = download(tmp_path / "out", [site.url + "marked.wav"], converts, ignoreerrors=True)
    assert code == 1
    assert "not deleted" in log.warnings[-1]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["marked.wav"]


def test_what_nobody_can_judge_is_not_kept(
    site: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, log = download(
        tmp_path / "out", [site.url + "plain.mp3"], external_downloader={"default": "ffmpeg"}
    )
    assert code == 1
    assert "not written as the site sent it" in log.errors[0]
    code, log = download(tmp_path / "out", [site.url + "plain.mp3"], outtmpl="-")
    assert code == 1
    assert "standard output" in log.errors[0]
    assert capfd.readouterr().out == ""
    assert not [path for path in tmp_path.rglob("*") if path.parent == tmp_path / "out"]


def test_two_questions_are_both_asked(site: Site, tmp_path: Path) -> None:
    opt_in = {"key": "Noai", "policy": "opt-in"}
    code, _ = download(tmp_path / "out", [site.url + "plain.mp3"], opt_in)
    assert code == 1
    gate = Gate.of(Policy(admission=Admission.OPT_IN))
    code, _ = download(tmp_path / "out", [site.url + "plain.mp3"], {"key": "Noai", "gate": gate})
    assert code == 1
    assert not list((tmp_path / "out").iterdir())


def test_nothing_is_judged_where_nothing_is_downloaded(site: Site, tmp_path: Path) -> None:
    for option in ({"simulate": True}, {"skip_download": True}):
        for when in ("post_process", "after_video"):
            told = [{"key": "Noai", "when": when}]
            code, log = download(tmp_path / "out", [site.url + "marked.wav"], postprocessors=told, **option)
            assert (code, log.errors) == (0, [])


def test_a_damaged_trust_list_stops_the_run(tracks: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "trust.json").write_text("{")
    with pytest.raises(TrustError):
        download(tmp_path / "out", ["http://127.0.0.1:9/"])
    for wrong in ({"policy": "none"}, {"depth": "deep"}, {"uses": ""}):
        with pytest.raises(UsageError):
            NoaiPP(**wrong)


def test_the_plugin_is_where_yt_dlp_looks() -> None:
    """In a namespace package, which is nobody's own, and part of the wheel."""
    assert [path.name for path in (ROOT / "yt_dlp_plugins").rglob("*.py")] == ["noai.py"]
    assert '"yt_dlp_plugins"]' in (ROOT / "pyproject.toml").read_text("utf-8")
