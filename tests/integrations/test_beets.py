"""The beets plugin in real libraries, through the ``beet`` command."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import noai
from noai.containers.registry import detect
from noai.sources import BytesSource
from tests.audio import SAMPLES
from tests.docs.pages import DOCS, blocks
from tests.integrations.thousand import FILES, GARBAGE, Corpus

_CONFIG = """\
directory: {folder}/music
library: {folder}/library.db
plugins: {plugins}
threaded: {threaded}
import: {{copy: {copy}, write: {write}, autotag: no, quiet: yes}}
noai: {noai}
"""
_SIGNS = "{identity: ana, c2pa: no}"


@dataclass(frozen=True)
class Beets:
    """A library of its own, and an identity ``ana``."""

    folder: Path

    def configure(
        self, noai: str, *, copy: str = "no", write: str = "yes", threaded: str = "yes", plugins: str = "noai"
    ) -> None:
        text = _CONFIG.format(
            folder=self.folder, noai=noai, copy=copy, write=write, threaded=threaded, plugins=plugins
        )
        (self.folder / "config.yaml").write_text(text, "utf-8")

    def __call__(self, *arguments: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "BEETSDIR": str(self.folder), "NOAI_HOME": str(self.folder / "noai")}
        done = subprocess.run(
            [sys.executable, "-m", "beets", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout[-2000:] + done.stderr[-2000:]
        return done

    def verify(self, *paths: Path) -> list[str]:
        """Decisions of noai itself."""
        return [noai.verify(path).decision.value for path in paths]


@pytest.fixture
def beets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Beets:
    made = Beets(tmp_path / "beets")
    made.folder.mkdir()
    monkeypatch.setenv("NOAI_HOME", str(made.folder / "noai"))
    monkeypatch.delenv("NOAI_PASSPHRASE", raising=False)
    _keygen()
    return made


def _keygen(name: str = "ana") -> None:
    subprocess.run([sys.executable, "-m", "noai", "keygen", name], capture_output=True, check=True)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    shutil.copytree(SAMPLES / "unmarked", folder)
    return folder


def _digests(paths: list[Path]) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _essence(path: Path) -> bytes:
    source = BytesSource(path.read_bytes())
    return detect(source).container.read_essence(source).digest.digest


# -- the corpus that every integration is held against ----------------------------------------------------


def test_the_library_admits_what_verify_admits_and_marks_the_rest(
    thousand: Corpus, beets: Beets, tmp_path: Path
) -> None:
    corpus = thousand.copy(tmp_path / "music")
    shutil.copy(thousand.home / "trust.json", beets.folder / "noai")
    beets.configure("{}")
    before = _digests([Path(path) for path in corpus.paths])
    beets("import", corpus.root)
    shown = beets("noai-verify", status=1).stdout.splitlines()
    assert FILES - GARBAGE - 20 <= len(shown) <= FILES
    admitted = beets("noai-verify", "--admitted", status=1).stdout.splitlines()
    assert corpus.relative(admitted) == thousand.relative(thousand.kept)
    assert _digests(list(before)) == before

    beets.configure(_SIGNS)
    paths = [Path(line) for line in beets("ls", "-p").stdout.splitlines()]
    essences = {path: _essence(path) for path in map(Path, admitted)}
    said = beets("noai-mark", status=1).stdout.splitlines()
    marked = [Path(line.rpartition(": ")[0]) for line in said if not line.endswith(": not marked")]
    assert len(said) == len(paths)
    assert {str(path) for path in marked} >= set(admitted)
    assert set(beets.verify(*marked)) == {"rejected"}
    assert beets("noai-verify", "--admitted", status=1).stdout == ""
    assert {path: _essence(path) for path in essences} == essences

    once = _digests(paths)
    again = beets("noai-mark", status=1).stdout.splitlines()
    assert {Path(line.rpartition(": ")[0]) for line in again if line.endswith(": unchanged")} == set(marked)
    assert _digests(paths) == once


# -- marking while beets works ----------------------------------------------------------------------------


def _markers(paths: list[Path]) -> list[str | None]:
    return [
        signal.value for path in paths for signal in noai.verify(path).signals if signal.source == "marker"
    ]


@pytest.mark.parametrize(("copy", "threaded"), [("yes", "yes"), ("no", "no")])
def test_an_import_marks_and_rewriting_keeps_the_marks(
    beets: Beets, album: Path, copy: str, threaded: str
) -> None:
    originals = _digests(sorted(album.iterdir()))
    beets.configure("{identity: ana, c2pa: no, holder: Ana Lima}", copy=copy, threaded=threaded)
    beets("import", album)
    assert (_digests(sorted(album.iterdir())) == originals) == (copy == "yes")
    paths = [Path(line) for line in beets("ls", "-p").stdout.splitlines()]
    assert len(paths) == len(originals)
    assert set(beets.verify(*paths)) == {"rejected"}
    markers = _markers(paths)
    assert len(markers) == len(paths)
    # The first write is that of beets, which puts its own tags in.
    beets("write", "-f")
    written = _digests(paths)
    assert _markers(paths) == markers
    beets("write", "-f")
    assert _digests(paths) == written


def test_new_tags_are_signed_anew_and_the_manifest_holds_again(beets: Beets, album: Path) -> None:
    beets.configure("{identity: ana}")
    beets("import", album)
    beets("modify", "-y", "title=Another")
    for line in beets("ls", "-p").stdout.splitlines():
        signals = noai.verify(line).signals
        sources = {signal.source.value for signal in signals}
        assert "marker" in sources
        assert ("c2pa" in sources) == (not line.endswith((".ogg", ".opus")))
        assert {signal.binding.value for signal in signals if signal.source in ("marker", "c2pa")} == {"pass"}


def test_beets_does_not_take_a_mark_for_a_change_of_tags(beets: Beets, album: Path) -> None:
    up_to_date = "mtime is up to date"
    (beets.folder / "music").mkdir()
    beets.configure("{identity: ana}")
    beets("import", "--singletons", album)
    beets("write", "-f")
    tracks = [Path(line) for line in beets("ls", "-p").stdout.splitlines()]
    assert beets("-vv", "update", "--pretend").stderr.count(up_to_date) == len(tracks)
    changed = tracks[0]
    changed.write_bytes((SAMPLES / "unmarked" / changed.name).read_bytes())
    os.utime(changed, (2**31 - 10, 2**31 - 10))
    beets("noai-mark")
    os.utime(changed, (2**31 - 10, 2**31 - 10))
    # That one had changed before it was marked, which is for ``beet update`` to see.
    assert beets("-vv", "update", "--pretend").stderr.count(up_to_date) == len(tracks) - 1
    assert set(beets.verify(*tracks)) == {"rejected"}


@pytest.mark.parametrize(
    ("config", "write"), [("{}", "yes"), ("{identity: ana, auto: no}", "yes"), (_SIGNS, "no")]
)
def test_nothing_is_marked_unasked(beets: Beets, album: Path, config: str, write: str) -> None:
    beets.configure(config, write=write)
    beets("import", album)
    beets("noai-verify")
    paths = sorted(album.iterdir())
    assert _digests(paths) == {
        album / path.name: digest
        for path, digest in _digests([SAMPLES / "unmarked" / path.name for path in paths]).items()
    }


def test_marking_by_hand_needs_an_identity(beets: Beets, album: Path) -> None:
    beets.configure("{}")
    beets("import", album)
    assert "no identity is configured" in beets("noai-mark", status=1).stderr


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("{identity: nobody}", "there is no identity 'nobody'"),
        ("{identity: ana, profile: none}", "'none' is no profile"),
        ("{identity: ana, deny: [sing]}", "sing"),
        ("{identity: sealed}", "set NOAI_PASSPHRASE"),
        ("{check: yes, use: [sing]}", "sing"),
        ("{check: yes, policy: [1]}", "policy"),
    ],
)
def test_a_setting_that_cannot_be_met_stops_an_import_at_its_start(
    beets: Beets, album: Path, config: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sealed" in config:
        monkeypatch.setenv("NOAI_PASSPHRASE", "secret")
        _keygen("sealed")
        monkeypatch.delenv("NOAI_PASSPHRASE")
    beets.configure(config, copy="yes")
    done = beets("import", album, status=1)
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (beets.folder / "music").exists()
    assert beets.verify(*sorted(album.iterdir())) == ["unreserved"] * 8


def test_a_damaged_trust_list_stops_what_checks(beets: Beets, album: Path) -> None:
    beets.configure("{}")
    beets("import", album)
    (beets.folder / "noai" / "trust.json").write_text("{", "utf-8")
    assert "trust" in beets("noai-verify", status=1).stderr
    beets.configure("{check: yes}")
    assert "trust" in beets("import", album, status=1).stderr


def test_a_failed_mark_is_logged_and_stops_nothing(beets: Beets, album: Path) -> None:
    beets.configure(_SIGNS)
    # Two frames of other audio amid the stream: players and noai would disagree about it.
    data = (album / "tune.flac").read_bytes()
    (album / "tune.flac").write_bytes(data + data)
    done = beets("import", album)
    assert f"not marked: {album / 'tune.flac'}: " in done.stderr
    assert (album / "tune.flac").read_bytes() == data + data
    assert len(beets("ls").stdout.splitlines()) == 8
    assert sorted(beets.verify(*sorted(album.iterdir())))[:7] == ["rejected"] * 7
    said = beets("noai-mark", status=1)
    assert f"{album / 'tune.flac'}: not marked" in said.stdout


# -- checking -----------------------------------------------------------------------------------------------


def test_an_import_says_what_came_in_reserved(beets: Beets, album: Path) -> None:
    shutil.copy(SAMPLES / "marked" / "tune.mp3", album / "theirs.mp3")
    beets.configure("{identity: ana, c2pa: no, check: yes}", copy="yes")
    said = [line for line in beets("import", album).stderr.splitlines() if "rejected" in line]
    assert len(said) == 1
    assert f"{album / 'theirs.mp3'}: rejected: " in said[0]


def test_exit_codes_of_verify(beets: Beets, album: Path) -> None:
    beets.configure("{}")
    beets("import", album)
    assert beets("noai-verify").stdout.count(": unreserved") == 8
    assert "no track" in beets("noai-verify", "title:nothing", status=1).stderr
    (album / "tune.ogg").write_bytes(b"OggS")
    (album / "tune.wav").unlink()
    assert beets("noai-verify", status=3).stdout.count(": undecided") == 2
    shutil.copy(SAMPLES / "marked" / "tune.mp3", album / "tune.mp3")
    assert len(beets("noai-verify", "-a", status=1).stdout.splitlines()) == 5
    beets.configure("{use: [voice_likeness], policy: opt-in}")
    assert beets("noai-verify", "-a", status=1).stdout == ""


def test_what_is_gone_is_not_marked(beets: Beets, album: Path) -> None:
    beets.configure("{identity: ana, auto: no}")
    beets("import", album)
    (album / "tune.wav").unlink()
    assert "tune.wav: not marked" in beets("noai-mark", status=1).stdout


# -- the page ---------------------------------------------------------------------------------------------


def test_the_configuration_on_the_page_marks(beets: Beets, album: Path) -> None:
    """What its shell block runs is shown there by a library with this very configuration."""
    shown = [block.text for block in blocks(DOCS / "integrations" / "beets.md") if block.language == "yaml"]
    beets.configure("{}")
    text = (beets.folder / "config.yaml").read_text("utf-8").replace("plugins: noai\n", "")
    (beets.folder / "config.yaml").write_text(text.replace("noai: {}\n", shown[0]), "utf-8")
    beets("import", album)
    assert beets.verify(*sorted(album.iterdir())) == ["rejected"] * 8
    said = beets("noai-verify", "title:nothing", ",", "album:", status=1).stdout
    assert said.count(": rejected: ") == 8
